import { type Signer, signStatement, unverifiedPayload } from '../../../agent/contract/jws.js';
import type { AnswerOf } from '../../../agent/contract/operations.js';
import { type PublicJwk, parseShape } from '../../../agent/contract/shapes.js';
import { DELEGATION_MAX_MS, Delegation } from '../../../agent/contract/statements.js';
import { newId } from '../../../agent/contract/text.js';
import { AgentError } from '../../../agent/kernel/errors.js';
import type { Handed } from './handed-text.js';
import type { RecorderCall } from './recorder-call.js';

/** The epoch and the clock as the recorder just told them (permissions.list). */
export type RecorderMoment = Pick<AnswerOf<'permissions.list'>, 'epoch' | 'now'>;

/** Lets whoever holds the text add one device, once, within 15 minutes by the recorder's clock (delegate+jws). */
export function signDelegation(serial: string, { epoch, now }: RecorderMoment, signer: Signer): Promise<string> {
  const delegation: Delegation = { v: 1, id: newId(), dev: serial, epoch, iat: now, exp: now + DELEGATION_MAX_MS };
  return signStatement('delegate+jws', delegation, signer);
}

/**
 * What a delegation says, to show it before it is used; the recorder checks the signature.
 * @throws AgentError portal.unreadable when it is none, or for another recorder than the link says
 */
export function readDelegation({ serial, statement }: Handed): Delegation {
  let delegation: Delegation | undefined;
  try {
    delegation = parseShape(Delegation, unverifiedPayload(statement));
  } catch {
    // Said below.
  }
  if (delegation?.dev === serial) return delegation;
  throw new AgentError({
    code: 'portal.unreadable',
    say: 'This link does not fit the recorder that it names.',
    fix: 'Make a new one on the device that made it.',
  });
}

/**
 * Makes `key` one of the owner's; the question is signed with the same key (its client must be). Rejects with the recorder's refusal: the
 * delegation was used, has run out, or is of before a hand-over.
 */
export function joinAsDevice(link: RecorderCall, key: PublicJwk, delegation: string, deviceName: string): Promise<AnswerOf<'owner.join'>> {
  return link.call('owner.join', { key, delegation, deviceName });
}

/** Adds the device whose key was shown here; its thumbprint. */
export async function addDevice(link: RecorderCall, key: PublicJwk, name: string): Promise<string> {
  return (await link.call('owner.add-device', { key, name })).kid;
}

/** Takes a device's right away at once, the pictures that it watches included. The last one can only hand over. */
export async function removeDevice(link: RecorderCall, kid: string): Promise<void> {
  await link.call('owner.remove-device', { kid });
}

const SYSTEMS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android.*Mobile/, 'Android phone'],
  [/Android/, 'Android tablet'],
  [/Windows/, 'Windows computer'],
  [/Macintosh|Mac OS X/, 'Mac'],
  [/CrOS/, 'Chromebook'],
  [/Linux/, 'Linux computer'],
];

/** A first name for this device, from what the browser says of itself; the person may change it. */
export function guessDeviceName(userAgent: string): string {
  return SYSTEMS.find(([pattern]) => pattern.test(userAgent))?.[1] ?? 'This device';
}
