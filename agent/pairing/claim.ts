import { consentTextHash } from '../contract/consent-text.js';
import { parseGuarded } from '../contract/guard.js';
import { signStatement, thumbprint, verifyStatement } from '../contract/jws.js';
import { closeBox, type DeviceBox, deviceMac, OwnerBox, openBox, PairProof } from '../contract/pairing.js';
import { parseShape } from '../contract/shapes.js';
import type { SharedKeys } from '../contract/spake2plus.js';
import { Consent, type Operator } from '../contract/statements.js';
import { fromBase64url, toBase64url } from '../contract/text.js';
import type { NewOwner, PairingParts } from './ports.js';
import { refusal } from './refusals.js';
import type { PairingWay } from './window.js';

/** The exchange in which something is claimed: its keys, its session id, and the way it went. */
export interface ClaimFrame {
  readonly keys: SharedKeys;
  readonly sid: string;
  readonly way: PairingWay;
}

/**
 * The bytes of a base64url text in its one spelling: the last character has bits that no byte needs, and a message that is spelt otherwise is
 * another message. @throws AgentError pairing.bad_message
 */
export function exactBytes(text: string): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = fromBase64url(text);
  } catch (cause) {
    throw refusal('bad_message', { cause });
  }
  if (toBase64url(bytes) !== text) throw refusal('bad_message');
  return bytes;
}

/**
 * What the app sealed, believed only after the same key signed the transcript and a consent that fits: for this recorder, to the text that it
 * knows, given on the way that it came, and naming the operator that the recorder speaks with.
 * @throws AgentError pairing.bad_message | other_text | other_operator | not_agreed, signature.*, message.*
 */
export async function readClaim(parts: Pick<PairingParts, 'serial' | 'operator'>, frame: ClaimFrame, box: string): Promise<NewOwner> {
  exactBytes(box);
  const content = parseShape(OwnerBox, parseGuarded(await openBox(frame.keys.shared, 'owner', frame.sid, box)));
  const proof = await verifyStatement(content.proof, 'pair+jws', content.owner, PairProof);
  const consent = await verifyStatement(content.consent, 'consent+jws', content.owner, Consent);
  const isProven = proof.role === 'owner' && proof.dev === parts.serial && proof.transcript === toBase64url(frame.keys.transcriptHash);
  if (!isProven) throw refusal('bad_message');
  await checkConsent(parts, frame.way, consent);
  const { owner: key, deviceName, site, consent: consentStatement } = content;
  return { key, kid: await thumbprint(key), deviceName, site, consent, consentStatement };
}

async function checkConsent(parts: Pick<PairingParts, 'serial' | 'operator'>, way: PairingWay, consent: Consent): Promise<void> {
  if (consent.dev !== parts.serial || consent.method !== `code-${way}`) throw refusal('bad_message');
  if (consent.text !== (await consentTextHash())) throw refusal('other_text');
  if (!isSameOperator(consent.operator, parts.operator)) throw refusal('other_operator');
  if (!consent.agreed.includes('pairing')) throw refusal('not_agreed');
}

function isSameOperator(a: Operator | null, b: Operator | null): boolean {
  if (a === null || b === null) return a === b;
  return a.name === b.name && a.region === b.region && a.host === b.host;
}

/** Which key the recorder has, proven by the exchange. */
export async function deviceNamed(
  parts: Pick<PairingParts, 'deviceKey'>,
  { keys, sid }: Pick<ClaimFrame, 'keys' | 'sid'>,
): Promise<{ readonly device: string; readonly deviceMac: string }> {
  const device = await thumbprint(parts.deviceKey);
  return { device, deviceMac: await deviceMac(keys.shared, sid, device) };
}

/** What the recorder answers an accepted claim with: its keys, proven over the same transcript. */
export async function deviceBox(parts: PairingParts, { keys, sid }: ClaimFrame): Promise<string> {
  const { signer, serial, deviceKey, sealKey, boot, clock } = parts;
  const proof: PairProof = { v: 1, role: 'device', dev: serial, transcript: toBase64url(keys.transcriptHash) };
  const content: DeviceBox = {
    device: deviceKey,
    seal: sealKey,
    boot,
    epoch: parts.epoch(),
    at: clock.now(),
    proof: await signStatement('pair+jws', proof, signer),
  };
  return closeBox(keys.shared, 'device', sid, content);
}
