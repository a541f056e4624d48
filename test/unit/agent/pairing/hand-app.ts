import { CONSENT_TEXT, consentTextHash } from '../../../../agent/contract/consent-text.js';
import { signStatement } from '../../../../agent/contract/jws.js';
import { closeBox, type PairAnswer, type PairRequest } from '../../../../agent/contract/pairing.js';
import { newScalar, proverFinish, proverShare, type SharedKeys, splitPasswordKey } from '../../../../agent/contract/spake2plus.js';
import { fromBase64url, newId, toBase64url } from '../../../../agent/contract/text.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { PairingWay } from '../../../../agent/pairing/window.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import { derive, OPERATOR, type PairingRig, SCOPE, send } from './pairing-rig.js';

/** An exchange made by hand, up to where the app would send its proof. */
export interface HandExchange {
  readonly sid: string;
  readonly app: string;
  readonly way: PairingWay;
  readonly keys: SharedKeys;
  /** What was sent and what came back. */
  readonly start: Extract<PairRequest, { t: 'pair.start' }>;
  readonly resp: Extract<PairAnswer, { t: 'pair.resp' }>;
}

/** What the app says otherwise than it should. */
export interface Claims {
  readonly transcript?: string;
  readonly proofSigner?: SigningKey;
  readonly consentSigner?: SigningKey;
  readonly proof?: Record<string, unknown>;
  readonly consent?: Record<string, unknown>;
  readonly box?: Record<string, unknown>;
}

/** The answer, when it is of this kind; else it throws what the recorder refused with. */
export function expectAnswer<Kind extends PairAnswer['t']>(answer: PairAnswer, kind: Kind): Extract<PairAnswer, { t: Kind }> {
  if (answer.t === kind) return answer as Extract<PairAnswer, { t: Kind }>;
  if (answer.t !== 'pair.err') throw new RangeError(`${answer.t} instead of ${kind}`);
  throw new AgentError({ code: answer.code, say: answer.say, fix: answer.fix, detail: { left: answer.left, retryS: answer.retryS } });
}

export const randomScalar = (): Uint8Array => newScalar(globalThis.crypto.getRandomValues(new Uint8Array(48)));

/** Hello and start with this code; rejects with what the recorder refused with. */
export async function exchangeByHand(rig: PairingRig, code: string, way: PairingWay = 'relay'): Promise<HandExchange> {
  const sid = newId();
  const app = newId();
  const params = expectAnswer(await send(rig, { t: 'pair.hello', sid, app }, way), 'pair.params');
  const { w0, w1 } = splitPasswordKey(await derive(code, fromBase64url(params.salt)));
  const x = randomScalar();
  const start = { t: 'pair.start', v: 1, sid, app, shareP: toBase64url(proverShare(w0, x)) } as const;
  const resp = expectAnswer(await send(rig, start, way), 'pair.resp');
  const ids = { context: 'sightline-pair/1', prover: app, verifier: SCOPE.serial };
  return { sid, app, way, keys: proverFinish(ids, w0, w1, x, fromBase64url(resp.shareV)), start, resp };
}

/** The app's last message for this exchange. */
export async function finByHand(
  { sid, way, keys }: HandExchange,
  owner: SigningKey,
  claims: Claims = {},
): Promise<Extract<PairRequest, { t: 'pair.fin' }>> {
  const consent = {
    v: 1,
    dev: SCOPE.serial,
    text: await consentTextHash(),
    lang: CONSENT_TEXT.language,
    ver: CONSENT_TEXT.version,
    by: { name: 'Ada Owner', email: 'ada@example.org' },
    role: 'owner',
    method: `code-${way}`,
    operator: OPERATOR,
    agreed: ['pairing'],
    notAgreed: [],
    iat: 0,
    ...claims.consent,
  };
  const transcript = claims.transcript ?? toBase64url(keys.transcriptHash);
  const proof = { v: 1, role: 'owner', dev: SCOPE.serial, transcript, ...claims.proof };
  const box = await closeBox(keys.shared, 'owner', sid, {
    owner: owner.publicKey,
    deviceName: 'Ada’s tablet',
    site: 'Bakery',
    consent: await signStatement('consent+jws', consent, (claims.consentSigner ?? owner).signer),
    proof: await signStatement('pair+jws', proof, (claims.proofSigner ?? owner).signer),
    ...claims.box,
  });
  return { t: 'pair.fin', v: 1, sid, confirmP: toBase64url(keys.confirmProver), box };
}

/** A whole pairing with a key of its own; the kind of the answer, or the code of the refusal. */
export async function pairByHand(rig: PairingRig, code: string, way: PairingWay = 'relay', claims: Claims = {}): Promise<string> {
  const exchange = await exchangeByHand(rig, code, way);
  const answer = await send(rig, await finByHand(exchange, await newSigningKey(), claims), way);
  return answer.t === 'pair.err' ? answer.code : answer.t;
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Another text for the same bytes: a bit of the last character that no byte needs is set. For lengths that leave such bits (16, 32, 65 bytes). */
export const respell = (text: string): string => text.slice(0, -1) + (BASE64URL[BASE64URL.indexOf(text.at(-1) ?? '') ^ 1] ?? '');
