/**
 * When a try at the verification code is allowed. Pure: the state is data that the caller keeps durably, time comes in.
 * 20 tries per press of the button and way (relay, LAN), so that a nuisance from afar cannot lock out the person on site.
 */
export type PairingWay = 'relay' | 'lan';

/** What must survive a restart: power cuts give no new tries. */
export interface TryState {
  /** Failed tries since the last press, per way. */
  readonly fails: Readonly<Record<PairingWay, number>>;
}

/** What a try is judged by. */
export interface TryFacts {
  readonly way: PairingWay;
  readonly isOwned: boolean;
  readonly hasCode: boolean;
  /** ms since the window opened (press, or start of a recorder without an owner); undefined when it is not open. */
  readonly openForMs: number | undefined;
  /** ms since the last failed try of this way, or since the start: a power cut begins the wait anew, in full. */
  readonly sinceLastTryMs: number;
}

/** May it begin? `retryS`: seconds until asking again makes sense; 0 when waiting does not help. */
export type TryVerdict =
  | { readonly may: true }
  | { readonly may: false; readonly code: 'closed' | 'locked' | 'wait' | 'owned'; readonly retryS: number };

/** 20 of 2^40 codes: a guesser's chance per press is 1 in 55 thousand million. */
export const TRIES_PER_PRESS = 20;
/** From the press of the button, or the start of a recorder that nobody owns. */
export const WINDOW_MS = 15 * 60_000;
/** The state right after a press. */
export const NO_FAILS: TryState = { fails: { relay: 0, lan: 0 } };

/** Wait before the next try after `fails` failed ones: none for the first three, then 5 s doubling to an hour. Sums to 8.4 hours for 20. */
export function waitMs(fails: number): number {
  return fails < 3 ? 0 : Math.min(3600, 5 * 2 ** (fails - 3)) * 1000;
}

/** Tries of this way until the button must be pressed again; never below 0. */
export function triesLeft(state: TryState, way: PairingWay): number {
  return Math.max(0, TRIES_PER_PRESS - state.fails[way]);
}

/** Whether one more try may begin now. */
export function mayTry(state: TryState, facts: TryFacts): TryVerdict {
  if (facts.isOwned) return { may: false, code: 'owned', retryS: 0 };
  if (!facts.hasCode || facts.openForMs === undefined || facts.openForMs > WINDOW_MS) return { may: false, code: 'closed', retryS: 0 };
  if (triesLeft(state, facts.way) === 0) return { may: false, code: 'locked', retryS: 0 };
  const wait = waitMs(state.fails[facts.way]) - facts.sinceLastTryMs;
  return wait > 0 ? { may: false, code: 'wait', retryS: Math.ceil(wait / 1000) } : { may: true };
}

/** The state after a try began: it counts as failed until it succeeds, so that hanging up after the answer gains nothing. */
export function charge(state: TryState, way: PairingWay): TryState {
  return { fails: { ...state.fails, [way]: state.fails[way] + 1 } };
}
