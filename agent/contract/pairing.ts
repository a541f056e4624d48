import * as z from 'zod/mini';
import { AgentError } from '../kernel/errors.js';
import { Compact, Id16, InstantMs, PersonName, PublicJwk, Serial } from './shapes.js';
import { Operator } from './statements.js';
import { concatBytes, fromBase64url, fromUtf8, toBase64url, utf8 } from './text.js';

/** SPAKE2+ context: another protocol version can never be mistaken for this one. */
export const PAIRING_CONTEXT = 'sightline-pair/1';

const bytes = (length: number) => z.string().check(z.regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((length * 4) / 3)}}$`)));
const Box = z.string().check(z.minLength(40), z.maxLength(20_000), z.regex(/^[A-Za-z0-9_-]+$/));

/** scrypt (RFC 7914) over the code, 80 bytes out. Only the app runs it; the recorder stores w0 and L. */
export const KeyDerivation = z.strictObject({ name: z.literal('scrypt'), N: z.literal(32_768), r: z.literal(8), p: z.literal(1) });
/** The one set of parameters in use: 32 MiB, about 0.3 s in a browser. */
export const KEY_DERIVATION: z.infer<typeof KeyDerivation> = { name: 'scrypt', N: 32_768, r: 8, p: 1 };

/** App -> recorder. */
export const PairRequest = z.discriminatedUnion('t', [
  z.strictObject({ t: z.literal('pair.hello'), v: z.literal(1), sid: Id16, app: Id16 }),
  z.strictObject({ t: z.literal('pair.start'), v: z.literal(1), sid: Id16, app: Id16, shareP: bytes(65) }),
  z.strictObject({ t: z.literal('pair.fin'), v: z.literal(1), sid: Id16, confirmP: bytes(32), box: Box }),
]);
export type PairRequest = z.infer<typeof PairRequest>;

/** Recorder -> app. `left` is the number of tries that remain until the button must be pressed. */
export const PairAnswer = z.discriminatedUnion('t', [
  z.strictObject({
    t: z.literal('pair.params'),
    v: z.literal(1),
    sid: Id16,
    salt: bytes(16),
    kdf: KeyDerivation,
    left: z.int(),
    /** `own`: whoever knows the code becomes the owner; `join`: one more device of the owner that is there. */
    purpose: z.enum(['own', 'join']),
    /** Whom the recorder is connected with; the consent must name the same. */
    operator: z.nullable(Operator),
  }),
  z.strictObject({
    t: z.literal('pair.resp'),
    v: z.literal(1),
    sid: Id16,
    shareV: bytes(65),
    confirmV: bytes(32),
    /** Thumbprint of the recorder's key, and what proves that whoever knows the code's verifier said so (deviceMac). */
    device: bytes(32),
    deviceMac: bytes(32),
    left: z.int(),
  }),
  z.strictObject({ t: z.literal('pair.done'), v: z.literal(1), sid: Id16, box: Box }),
  z.strictObject({
    t: z.literal('pair.err'),
    v: z.literal(1),
    sid: Id16,
    code: z.string(),
    say: z.string(),
    fix: z.string(),
    retryS: z.int(),
    left: z.int(),
  }),
]);
export type PairAnswer = z.infer<typeof PairAnswer>;

/** Inside the app's box: the owner's keys, the signed consent, and the proof that the keys belong to this exchange. */
export const OwnerBox = z.strictObject({
  owner: PublicJwk,
  /** What the owner calls the device that holds this key. */
  deviceName: PersonName,
  site: PersonName,
  consent: Compact,
  proof: Compact,
});
export type OwnerBox = z.infer<typeof OwnerBox>;

/** Inside the recorder's box: its keys and its proof. `at` is its clock. */
export const DeviceBox = z.strictObject({
  device: PublicJwk,
  seal: PublicJwk,
  boot: Id16,
  epoch: z.int(),
  at: InstantMs,
  proof: Compact,
});
export type DeviceBox = z.infer<typeof DeviceBox>;

/** Signed by each side over the transcript (pair+jws): whoever sat in between has another transcript. */
export const PairProof = z.strictObject({ v: z.literal(1), role: z.enum(['owner', 'device']), dev: Serial, transcript: bytes(32) });
export type PairProof = z.infer<typeof PairProof>;

/**
 * Binds the recorder's key to the exchange before the app sends its own (HMAC-SHA256, base64url): an app that never hears the last answer must not
 * have to believe whoever speaks for the recorder next. Tells a guesser no more than confirmV does.
 */
export async function deviceMac(shared: Uint8Array, sid: string, device: string): Promise<string> {
  const { subtle } = globalThis.crypto;
  const material = await subtle.importKey('raw', new Uint8Array(shared), 'HKDF', false, ['deriveKey']);
  const key = await subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8(`${PAIRING_CONTEXT} device`) },
    material,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  );
  return toBase64url(new Uint8Array(await subtle.sign('HMAC', key, utf8(`${sid}.${device}`))));
}

async function boxKey(shared: Uint8Array, direction: 'owner' | 'device'): Promise<CryptoKey> {
  const { subtle } = globalThis.crypto;
  const material = await subtle.importKey('raw', new Uint8Array(shared), 'HKDF', false, ['deriveKey']);
  return subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8(`${PAIRING_CONTEXT} box ${direction}`) },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}

/** AES-256-GCM under the key of this exchange and direction; nonce (12 bytes) in front, session id as associated data. */
export async function closeBox(shared: Uint8Array, direction: 'owner' | 'device', sid: string, content: unknown): Promise<string> {
  const iv = globalThis.crypto.getRandomValues(new Uint8Array(12));
  const key = await boxKey(shared, direction);
  const sealed = await globalThis.crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: utf8(sid) },
    key,
    utf8(JSON.stringify(content)),
  );
  return toBase64url(concatBytes(iv, new Uint8Array(sealed)));
}

/** The text inside a box. @throws AgentError pairing.bad_message when it was not closed with this key, direction and session */
export async function openBox(shared: Uint8Array, direction: 'owner' | 'device', sid: string, box: string): Promise<string> {
  try {
    const all = fromBase64url(box);
    const key = await boxKey(shared, direction);
    const params = { name: 'AES-GCM', iv: all.slice(0, 12), additionalData: utf8(sid) };
    return fromUtf8(new Uint8Array(await globalThis.crypto.subtle.decrypt(params, key, all.slice(12))));
  } catch (cause) {
    throw new AgentError({
      code: 'pairing.bad_message',
      say: 'The pairing message was changed on the way.',
      fix: 'Start pairing again.',
      cause,
    });
  }
}
