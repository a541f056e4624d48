import { type HandOverAccept, type HandOverOffer, OFFER_MAX_MS } from '../contract/statements.js';
import type { Owner, PermissionState } from '../contract/stored.js';
import { CLOCK_SLACK_MS, type Denial, deny, NO_OWNER, OTHER_RECORDER } from './denial.js';
import { NO_PERMISSIONS } from './state.js';

/**
 * What an offer is compared with. Keys by thumbprint: `byKid` signed the offer, `toKid` is the key that it names. Asked before anything is
 * verified (so that each refusal has its own reason), and again in the tick in which the hand-over is decided.
 */
export interface OfferFacts {
  readonly nowAt: number;
  readonly serial: string;
  readonly epoch: number;
  readonly owner: Owner | null;
  readonly byKid: string;
  readonly toKid: string;
}

/** Whether this offer can be accepted now; undefined means yes. */
export function judgeOffer(offer: HandOverOffer, facts: OfferFacts): Denial | undefined {
  const anew = 'The present owner must offer the recorder again.';
  if (offer.dev !== facts.serial) return OTHER_RECORDER;
  if (facts.owner === null) return NO_OWNER;
  const isDevice = (kid: string): boolean => facts.owner?.devices.some((device) => device.kid === kid) === true;
  if (offer.epoch !== facts.epoch) {
    if (offer.epoch === facts.epoch - 1 && isDevice(facts.toKid))
      return deny('offer_taken', 'This offer was accepted already: the recorder is handed over.', 'Nothing needs to be done.');
    return deny('offer_void', 'Since this offer was made, everything was withdrawn or handed over; it is void.', anew);
  }
  if (!isDevice(facts.byKid)) return deny('offer_not_owner', 'This offer was not made by one of the owner’s devices.', anew);
  if (isDevice(facts.toKid))
    return deny('offer_to_self', 'The recorder belongs to this device’s owner already.', 'Offer it to the new owner’s device.');
  if (facts.nowAt >= offer.exp) return deny('offer_expired', 'This offer has run out.', anew);
  if (offer.exp - offer.iat > OFFER_MAX_MS || offer.exp - facts.nowAt > OFFER_MAX_MS + CLOCK_SLACK_MS)
    return deny('offer_too_long', 'An offer is good for 7 days at most.', anew);
  return undefined;
}

/** What an acceptance is compared with: the offer it answers, by its SHA-256, and the keys that carry both. */
export interface AcceptFacts {
  readonly serial: string;
  readonly epoch: number;
  readonly offerHash: string;
  readonly toKid: string;
  /** Signed the acceptance. */
  readonly byKid: string;
  /** Brings both. */
  readonly bearerKid: string;
}

/** Whether this acceptance answers this offer; undefined means yes. */
export function judgeAccept(accept: HandOverAccept, facts: AcceptFacts): Denial | undefined {
  if (facts.byKid !== facts.toKid || facts.bearerKid !== facts.toKid) {
    const fix = 'Accept it on the device that it was made for, or ask the owner for another offer.';
    return deny('offer_for_another', 'This offer was made for another device.', fix);
  }
  if (accept.dev !== facts.serial) return OTHER_RECORDER;
  if (accept.epoch !== facts.epoch || accept.offer !== facts.offerHash)
    return deny('accept_other_offer', 'This acceptance answers another offer.', 'Read the offer again, then accept it.');
  return undefined;
}

/**
 * The state after a hand-over: the new owner, a new epoch, nothing of before in force. Grants stay to be seen as withdrawn. `since` lies after
 * everything that the owner of before received, also when the clock was turned back: it tells one owner's organisations from the other's.
 */
export function handedOver(state: PermissionState, owner: Owner, nowAt: number, erasePeople: boolean): PermissionState {
  const since = Math.max(nowAt, ...state.grants.map((held) => held.receivedAt + 1));
  return {
    ...NO_PERMISSIONS,
    owner: { ...owner, since },
    epoch: state.epoch + 1,
    grants: state.grants.map((held) => (held.ended === null ? { ...held, ended: { at: nowAt, how: 'withdrawn' } } : held)),
    erasureDue: erasePeople || state.erasureDue,
  };
}

/** The state after a reset: nobody's recorder, a new epoch, and the people of before are to be erased. */
export function afterReset(state: PermissionState): PermissionState {
  return { ...NO_PERMISSIONS, epoch: state.epoch + 1, erasureDue: true };
}
