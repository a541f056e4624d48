import type { Configuration, PlanRefusal } from '../contract/configuration.js';
import { AgentError } from '../kernel/errors.js';
import type { ConfigCamera } from './ports.js';

/** What became of the steps done before a failure. */
export interface WayBack {
  /** Paths of steps whose old values are there again, or were never lost. */
  readonly restored: readonly string[];
  /** Paths of steps of which that is not known. */
  readonly notRestored: readonly string[];
  /** For a sentence: `the sub-stream of Front door`. */
  readonly notRestoredWords: readonly string[];
}

/** `detail.current` is the configuration to start from. */
export function staleBase(current: Configuration): AgentError {
  return new AgentError({
    code: 'config.stale_base',
    say: 'The settings have changed since they were read.',
    fix: 'Look at the current settings and plan the change again.',
    detail: { current },
  });
}

/** Nothing was applied. `detail.refused` has every refusal with what is offered instead. */
export function planRefused(refused: readonly PlanRefusal[]): AgentError {
  const first = refused[0];
  const more = refused.length > 1 ? ` ${refused.length - 1} more would not work.` : '';
  const offers = first === undefined || first.offers.length === 0 ? '' : ` Possible: ${first.offers.join(', ')}.`;
  return new AgentError({
    code: 'config.refused',
    say: `${first?.say ?? 'This change would not work.'}${more} Nothing was changed.`,
    fix: `${first?.fix ?? 'Plan the change again.'}${offers}`,
    detail: { refused },
  });
}

/** The caller gave up, or the agent stops. */
export const cancelled = (): AgentError =>
  new AgentError({
    code: 'config.cancelled',
    say: 'The change was given up before it was finished.',
    fix: 'Plan the change again.',
    retryable: true,
  });

/** The camera answered, but says something else than it was asked for. */
export function notTaken(camera: string, step: string, words: string, asked: string | number, read: string | number): AgentError {
  return new AgentError({
    code: 'config.not_taken',
    say: `${camera} was asked for ${words.replace('%', String(asked))} and now says ${read}.`,
    fix: "Choose another value, or set it on the camera's own page.",
    detail: { step, asked, read },
  });
}

/** The camera does not work with the new login; `reason` is its own. */
export function loginRefused(camera: string, step: string, reason: ConfigCamera['reason']): AgentError {
  return new AgentError({
    code: 'config.login_not_taken',
    say: `${camera} does not work with the new login. ${reason?.say ?? 'It has not answered yet.'}`,
    fix: reason?.fix ?? 'Try again in a few seconds.',
    detail: { step, asked: 'changed', read: reason?.code ?? 'cameras.not_ready' },
  });
}

function backSentence({ restored, notRestoredWords }: WayBack): string {
  if (notRestoredWords.length > 0) return `Not set back to what it was: ${notRestoredWords.join(', ')}.`;
  return restored.length === 0 ? 'Nothing was changed.' : 'Everything is as it was before.';
}

/** `error` with what became of the steps before it. What is not of this feature's own making becomes `config.not_applied`. */
export function failedApply(error: AgentError, step: string, what: string, back: WayBack): AgentError {
  const isOwn = error.code.startsWith('config.');
  const isRestored = back.notRestored.length === 0;
  const { restored, notRestored } = back;
  const isCancelled = error.code === 'cameras.cancelled';
  const { code, say, fix } = isCancelled ? cancelled() : error;
  const sentence = isOwn || isCancelled ? say : `Could not set ${what}. ${say}`;
  return new AgentError({
    code: isOwn || isCancelled ? code : 'config.not_applied',
    say: `${sentence} ${backSentence(back)}`,
    fix: isRestored ? fix : `Look at the current settings: they are partly changed. ${fix}`,
    retryable: error.retryable && isRestored,
    cause: error,
    detail: { step, ...(isOwn ? error.detail : { reason: error.code }), isRestored, restored, notRestored },
  });
}
