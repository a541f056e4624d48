/** When a client certificate is renewed, what is taken for one, and which of several is tried. Pure: facts in, verdict out. */

/** Instants in ms since 1970. */
export interface Lifetime {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** What an answered certificate says of itself. */
export interface CertificateFacts extends Lifetime {
  /** It is for the key that was made for it. */
  readonly isForKey: boolean;
  /** Undefined: it has none, or several. */
  readonly commonName: string | undefined;
  /** It could issue others. */
  readonly isAuthority: boolean;
  /** TLS clients may use it. */
  readonly isForClients: boolean;
}

/** Why a certificate is not taken. */
export type CertificateFault = 'other-key' | 'other-name' | 'authority' | 'not-for-clients' | 'expired' | 'too-long';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Longer than any issuer's rule; a certificate for years could not be called back by waiting. */
export const MAX_LIFETIME_MS = 400 * DAY_MS;
/** Renewals of a fleet that was enrolled at once are spread over so long. */
const SPREAD_MS = DAY_MS;
/** The clock may be set in between: looked at anew at least so often. */
const LOOK_MS = HOUR_MS;

/** The first thing that is wrong with an answered certificate. One that is not valid yet is taken: a recorder's clock may stand in 1970. */
export function judgeCertificate(facts: CertificateFacts, serial: string, now: number): CertificateFault | undefined {
  if (!facts.isForKey) return 'other-key';
  if (facts.commonName !== serial) return 'other-name';
  if (facts.isAuthority) return 'authority';
  if (!facts.isForClients) return 'not-for-clients';
  if (!(facts.notAfter > now)) return 'expired';
  return facts.notAfter - facts.notBefore > MAX_LIFETIME_MS ? 'too-long' : undefined;
}

/** When it is due for renewal: after two thirds of its life (60 of 90 days), and up to a day later. `spread` is 0 to 1, chosen once. */
export function renewalAt({ notBefore, notAfter }: Lifetime, spread: number): number {
  const life = notAfter - notBefore;
  return notBefore + (life * 2) / 3 + spread * Math.min(SPREAD_MS, life / 10);
}

/** What is known when the question is asked whether to enrol. */
export interface RenewalFacts {
  readonly now: number;
  readonly spread: number;
  /** The newest certificate; undefined when there is none. */
  readonly newest: Lifetime | undefined;
  /** Somebody asked for a new one. */
  readonly isWanted: boolean;
}

/** How long until the next enrolment, 0 for now. Never more than an hour: then it is asked again, with the clock of then. */
export function waitForRenewalMs({ now, spread, newest, isWanted }: RenewalFacts): number {
  if (isWanted || newest === undefined) return 0;
  return Math.min(LOOK_MS, Math.max(0, renewalAt(newest, spread) - now));
}

/** Waits between failed attempts: quick to the first certificate, in no hurry while one is good. Half fixed, half random, doubling. */
export interface RetryPlan {
  readonly firstMs: number;
  readonly baseMs: number;
  readonly capMs: number;
}
const WITHOUT: RetryPlan = { firstMs: 60_000, baseMs: 60_000, capMs: 900_000 };
const WITH: RetryPlan = { firstMs: HOUR_MS, baseMs: HOUR_MS, capMs: 6 * HOUR_MS };

/** The plan for retries. `newest` undefined or expired: the recorder may be cut off from its cloud. */
export function retryPlan(newest: Lifetime | undefined, now: number): RetryPlan {
  return newest === undefined || newest.notAfter <= now ? WITHOUT : WITH;
}

/** Pairs on this recorder: `next` was issued last and is not proven yet, `current` has worked. */
export type Slot = 'next' | 'current';

/** What to connect with: the new pair first, then the old one, then none (the proof in the password may do); each refusal moves on, and round. */
export function slotToTry(slots: readonly Slot[], refusals: number): Slot | undefined {
  const row: readonly (Slot | undefined)[] = [...slots, undefined];
  return row[refusals % row.length];
}

/** Refusals in a row after which the certificates themselves are in doubt and a new one is asked for. */
export const DOUBT_AFTER = 6;
