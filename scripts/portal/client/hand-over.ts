import { type Signer, signStatement, thumbprint, unverifiedPayload } from '../../../agent/contract/jws.js';
import type { AnswerOf } from '../../../agent/contract/operations.js';
import { type PublicJwk, parseShape } from '../../../agent/contract/shapes.js';
import { type HandOverAccept, HandOverOffer, OFFER_MAX_MS, type Operator, type Person } from '../../../agent/contract/statements.js';
import { newId, sha256Text } from '../../../agent/contract/text.js';
import { AgentError } from '../../../agent/kernel/errors.js';
import { signConsent } from './consent.js';
import type { Handed } from './handed-text.js';
import type { SigningKey } from './keys.js';
import type { RecorderMoment } from './owner-devices.js';
import type { RecorderCall } from './recorder-call.js';

/** The owner's offer to this key and no other, good for 7 days (offer+jws). It changes nothing until the key accepts. */
export function signOffer(
  serial: string,
  { epoch, now }: RecorderMoment,
  to: PublicJwk,
  erasePeople: boolean,
  signer: Signer,
): Promise<string> {
  const offer: HandOverOffer = { v: 1, id: newId(), dev: serial, epoch, to, erasePeople, iat: now, exp: now + OFFER_MAX_MS };
  return signStatement('offer+jws', offer, signer);
}

/**
 * What an offer says, to show it before it is accepted; the recorder checks the signature.
 * @throws AgentError portal.unreadable | portal.other_key (it was made to another key than `own`)
 */
export async function readOffer({ serial, statement }: Handed, own: PublicJwk): Promise<HandOverOffer> {
  let offer: HandOverOffer | undefined;
  try {
    offer = parseShape(HandOverOffer, unverifiedPayload(statement));
  } catch {
    // Said below.
  }
  if (offer?.dev !== serial) {
    throw new AgentError({
      code: 'portal.unreadable',
      say: 'This offer does not fit the recorder that it names.',
      fix: 'Ask the owner to make a new one.',
    });
  }
  if ((await thumbprint(offer.to)) === (await thumbprint(own))) return offer;
  throw new AgentError({
    code: 'portal.other_key',
    say: 'This offer is for another device.',
    fix: 'Open it on the device whose code the owner scanned, or show the owner this device’s code and get a new offer.',
  });
}

/** Who takes a recorder over, with what key, and what they agreed to. `at`: Unix time in ms. */
export interface AcceptParts {
  readonly key: SigningKey;
  readonly person: Person;
  readonly site: string;
  readonly deviceName: string;
  /** Whom the new owner agrees the recorder may speak with; null for nobody. */
  readonly operator: Operator | null;
  readonly at: number;
}

/** The new owner's acceptance and consent (accept+jws). */
export async function signAccept(handed: Handed, offer: HandOverOffer, parts: AcceptParts): Promise<string> {
  const { key, person, operator, at } = parts;
  const consent = await signConsent({ serial: handed.serial, person, role: 'owner', method: 'hand-over', operator, at }, key.signer);
  const accept: HandOverAccept = {
    v: 1,
    dev: handed.serial,
    epoch: offer.epoch,
    offer: await sha256Text(handed.statement),
    site: parts.site,
    consent,
    iat: at,
  };
  return signStatement('accept+jws', accept, key.signer);
}

/**
 * Takes the recorder over: from the answer on it is this key's, and everything that was permitted before has ended. `link` must sign with the
 * same key. Rejects with the recorder's refusal.
 */
export async function acceptOffer(
  link: RecorderCall,
  handed: Handed,
  offer: HandOverOffer,
  parts: AcceptParts,
): Promise<AnswerOf<'owner.accept'>> {
  const accept = await signAccept(handed, offer, parts);
  return link.call('owner.accept', { key: parts.key.publicKey, offer: handed.statement, accept, deviceName: parts.deviceName });
}
