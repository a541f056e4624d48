/**
 * What may leave the recorder, and how it is booked. Pure. Every byte that leaves has one of these classes and a destination; the ledger is the
 * answer to "what left this box in March".
 */

/** The kinds of bytes that leave. */
export const LEAVING = [
  /** That it is switched on: serial number, version, time. */
  'status',
  /** The pairing exchange. */
  'pairing',
  /** Proof towards the broker, and the client certificate. */
  'identity',
  /** Sealed answers and events for whoever asked. */
  'answer',
  /** Check sums of the operation log. */
  'log',
  /** Sealed site information for organisations that may have it. */
  'site',
  'health',
  'report',
  /** Pictures and sound. */
  'media',
  'time',
  'update',
  /** What carries all that: greetings, acknowledgements, signs of life; on the local network the recorder's own page too. */
  'connection',
] as const;
/** One of them. */
export type LeavingClass = (typeof LEAVING)[number];

/** Without an owner's consent only what tells that the recorder is there, and what makes the consent possible. */
const BEFORE_CONSENT: ReadonlySet<LeavingClass> = new Set(['status', 'pairing', 'identity', 'time', 'answer', 'connection']);

/** What the consent says, as far as it decides what leaves. */
export interface ConsentFacts {
  readonly hasOwner: boolean;
  /** The relay is the one the owner agreed to. */
  readonly isOperatorAgreed: boolean;
}

/** Where bytes go: the relay that carries everything, a viewer, the local network. */
export type Destination = 'relay' | 'lan' | 'viewer' | 'issuer';

/** Whether bytes of this class may leave for there now. */
export function mayLeave(what: LeavingClass, to: Destination, consent: ConsentFacts): boolean {
  if (!consent.hasOwner) return BEFORE_CONSENT.has(what);
  // Another relay than the agreed one hears nothing; the local network and viewers are not its business.
  return consent.isOperatorAgreed || to === 'lan' || (to === 'viewer' && what === 'media');
}

/** One line of the book: what left on one day (UTC, days since 1970) for one destination. */
export interface LedgerLine {
  readonly day: number;
  readonly what: LeavingClass;
  readonly to: Destination;
  readonly messages: number;
  readonly bytes: number;
}

const DAY_MS = 86_400_000;

/** The day of an instant, UTC. */
export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}

/** Totals by class, largest first. */
export function totals(
  lines: readonly LedgerLine[],
): readonly { readonly what: LeavingClass; readonly messages: number; readonly bytes: number }[] {
  const sums = new Map<LeavingClass, { messages: number; bytes: number }>();
  for (const { what, messages, bytes } of lines) {
    const sum = sums.get(what) ?? { messages: 0, bytes: 0 };
    sums.set(what, { messages: sum.messages + messages, bytes: sum.bytes + bytes });
  }
  return [...sums].map(([what, sum]) => ({ what, ...sum })).sort((a, b) => b.bytes - a.bytes);
}
