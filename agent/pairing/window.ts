/**
 * When a try at the verification code is allowed. Pure: the state is data that the caller keeps durably, time comes in.
 *
 * 20 tries per press of the button and way (relay, LAN), so that a nuisance from afar cannot lock out the person on site. Between them one
 * waits: not at all for the first three, then 5 s, doubling to an hour, counted in uptime and in full again after a restart. Twenty tries
 * take 8.4 hours at least, whoever makes them and however often the power is cut.
 *
 * The window is open for 15 minutes after a press (which also forgives the failed tries) or after power-on of a recorder that nobody owns
 * (which forgives none). From the 11th failed try on the wait alone is longer than that. Whoever waits as he was told must not find the
 * door shut, so the window of a way stays open until its wait is over, and 5 minutes more. Its own wait only: what somebody does over the
 * relay keeps nothing open on the local network. A guesser gains nothing but what the 20 tries allow anyway; when they are used up the
 * recorder says so, whether the window is open or not, because then waiting and restarting do not help and the button does.
 */
export type PairingWay = 'relay' | 'lan';
/** What the code that counts now is good for: to become the owner, or to add one more device of the owner that is there. */
export type Purpose = 'own' | 'join';

/** What must survive a restart: power cuts give no new tries. */
export interface TryState {
  /** Failed tries since the last press, per way. */
  readonly fails: Readonly<Record<PairingWay, number>>;
}

/** What a try is judged by. */
export interface TryFacts {
  readonly way: PairingWay;
  readonly purpose: Purpose;
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
/** How long the window stays open after a wait that outlasted it. */
export const AFTER_WAIT_MS = 5 * 60_000;
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
  if (facts.purpose === 'own' && facts.isOwned) return { may: false, code: 'owned', retryS: 0 };
  if (!facts.hasCode || (facts.purpose === 'join' && !facts.isOwned)) return { may: false, code: 'closed', retryS: 0 };
  if (triesLeft(state, facts.way) === 0) return { may: false, code: 'locked', retryS: 0 };
  if (windowLeftMs(state, facts) === undefined) return { may: false, code: 'closed', retryS: 0 };
  const wait = waitMs(state.fails[facts.way]) - facts.sinceLastTryMs;
  return wait > 0 ? { may: false, code: 'wait', retryS: Math.ceil(wait / 1000) } : { may: true };
}

/** How long the window of this way stays open if nobody tries; undefined when it is shut. Says nothing of codes and owners. */
export function windowLeftMs(state: TryState, { way, openForMs, sinceLastTryMs }: TryFacts): number | undefined {
  if (openForMs === undefined) return undefined;
  const wholeMs = waitMs(state.fails[way]);
  const afterWaitMs = wholeMs > 0 ? wholeMs + AFTER_WAIT_MS - sinceLastTryMs : -1;
  const leftMs = Math.max(WINDOW_MS - openForMs, afterWaitMs);
  return leftMs >= 0 ? leftMs : undefined;
}

/** The state after a try began: it counts as failed until it succeeds, so that hanging up after the answer gains nothing. */
export function charge(state: TryState, way: PairingWay): TryState {
  return { fails: { ...state.fails, [way]: state.fails[way] + 1 } };
}

/** The state after a try turned out to have had the right code though it led to nothing: it was no guess. */
export function refund(state: TryState, way: PairingWay): TryState {
  return { fails: { ...state.fails, [way]: Math.max(0, state.fails[way] - 1) } };
}
