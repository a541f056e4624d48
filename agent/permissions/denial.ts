/** Why something is not allowed: stable `permissions.reason`, what happened, what to do next. Fits AgentError. */
export interface Denial {
  readonly ok: false;
  readonly code: string;
  readonly say: string;
  readonly fix: string;
}

/** A denial of this area. */
export function deny(reason: string, say: string, fix: string): Denial {
  return { ok: false, code: `permissions.${reason}`, say, fix };
}

/** Clocks of phones and recorders differ; a statement from a little ahead is no attack. */
export const CLOCK_SLACK_MS = 5 * 60_000;

/** Somebody who is not the owner. */
export const NOT_OWNER = deny('not_owner', 'Only the site owner may do this.', 'Use one of the owner’s devices.');
/** A device that was the owner's until it was removed. */
export const DEVICE_REMOVED = deny(
  'device_removed',
  'This device was removed from the owner’s devices.',
  'Use another device of the owner; there it can be added again.',
);
/** Nobody owns the recorder. */
export const NO_OWNER = deny('no_owner', 'This recorder has no owner yet.', 'Pair it first, with the code on its label.');
/** A statement that names another recorder. */
export const OTHER_RECORDER = deny('other_recorder', 'This was signed for another recorder.', 'Sign it again for this recorder.');
