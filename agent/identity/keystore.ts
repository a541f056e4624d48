import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { verifyEcdsaRaw } from '../contract/ecdsa.js';
import { KeystorePin, KeystorePublicAnswer, KeystoreSignAnswer } from '../contract/enrolment.js';
import { parseGuarded } from '../contract/guard.js';
import { thumbprint } from '../contract/jws.js';
import { type PublicJwk, parseShape } from '../contract/shapes.js';
import { fromBase64url } from '../contract/text.js';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';
import { AgentError } from '../kernel/errors.js';
import { type DeviceKey, loadDeviceKey } from './keys.js';
import type { KeystoreHook } from './ports.js';

/** The key this recorder is known by, wherever it lies. It signs; there is no way to get it out. Fits as a RemoteSigner of the contract. */
export interface KeyStore {
  readonly publicJwk: PublicJwk;
  /** RFC 7638 thumbprint of the public half. */
  readonly kid: string;
  /**
   * ECDSA with SHA-256 over these bytes: r and s, 64 bytes.
   * @throws AgentError identity.keystore_unreachable | identity.keystore_wrong (the firmware's keystore only)
   */
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

/** The recorder's two keys: one signs what it says, the other opens the letters that are sealed to it. */
export interface RecorderKeys {
  readonly sign: KeyStore;
  readonly seal: DeviceKey;
}

/** How the firmware's keystore calls the signing key. */
const KEY_NAME = 'device-sign';
const PIN_FILE = 'device-sign.json';
const KEY_FILE = 'device-sign.pem';

/**
 * Both keys. The signing key is the firmware's where the hook `keystore-sign` has one, else a file; whichever was first stays: a recorder does
 * not become another one because a hook was added or removed. The sealing key is a file, always.
 * @throws AgentError identity.keystore_unreachable | identity.keystore_wrong | identity.two_keys | identity.key_unreadable
 */
export async function openRecorderKeys(folder: string, hook: KeystoreHook): Promise<RecorderKeys> {
  await fs.mkdir(folder, { recursive: true, mode: 0o700 });
  return { sign: await openKeyStore(folder, hook), seal: await loadDeviceKey(folder, 'seal') };
}

/**
 * The public half of the signing key as the folder knows it: for those who only verify. Asks no hook and makes no key.
 * @throws AgentError identity.no_key | identity.key_unreadable
 */
export async function readRecorderKey(folder: string): Promise<PublicJwk> {
  const pinned = await readPin(join(folder, PIN_FILE));
  if (pinned !== undefined) return pinned;
  if ((await readFileIfThere(join(folder, KEY_FILE))) !== undefined) return (await loadDeviceKey(folder, 'sign')).publicJwk;
  throw new AgentError({
    code: 'identity.no_key',
    say: `There is no key of a recorder in ${folder}.`,
    fix: 'Name the agent’s state folder; the key is made when the agent first starts.',
  });
}

async function openKeyStore(folder: string, hook: KeystoreHook): Promise<KeyStore> {
  const pinned = await readPin(join(folder, PIN_FILE));
  const hasFile = (await readFileIfThere(join(folder, KEY_FILE))) !== undefined;
  if (pinned !== undefined && hasFile) throw twoKeys(folder);
  if (hasFile) return fileKeyStore(await loadDeviceKey(folder, 'sign'));
  const key = await askPublicKey(hook, pinned);
  if (key === undefined) return fileKeyStore(await loadDeviceKey(folder, 'sign'));
  // Durable before anything is signed with it: from here on it is this key or none.
  if (pinned === undefined) await writeFileDurably(join(folder, PIN_FILE), `${JSON.stringify({ v: 1, key } satisfies KeystorePin)}\n`);
  return new HookKeyStore(hook, key, await thumbprint(key));
}

async function readPin(path: string): Promise<PublicJwk | undefined> {
  const known = await readFileIfThere(path);
  if (known === undefined) return undefined;
  try {
    return parseShape(KeystorePin, parseGuarded(known)).key;
  } catch (cause) {
    throw new AgentError({
      code: 'identity.key_unreadable',
      say: `The note of the recorder's own key in ${path} cannot be read.`,
      fix: 'Restore the state folder from a backup; the key itself is in the firmware’s keystore and not lost.',
      cause,
    });
  }
}

/** The keystore's key; undefined when this device has no keystore and never had one. */
async function askPublicKey(hook: KeystoreHook, pinned: PublicJwk | undefined): Promise<PublicJwk | undefined> {
  const said = await hook.run('keystore-sign', { input: { verb: 'public', key: KEY_NAME }, answer: KeystorePublicAnswer });
  if (said.outcome === 'ok') {
    const { key } = said.answer;
    if (pinned === undefined || (key.x === pinned.x && key.y === pinned.y)) return key;
    throw wrong('It now has another key than the one this recorder is known by.');
  }
  // Which key a recorder has is decided once: a keystore that is there but fails now must not decide it.
  const isAbsent = said.outcome === 'unsupported' || said.outcome === 'refused';
  if (pinned === undefined && isAbsent) return undefined;
  throw unreachable(said.reason);
}

function fileKeyStore({ publicJwk, kid, privateKey }: DeviceKey): KeyStore {
  return {
    publicJwk,
    kid,
    sign: async (bytes) => new Uint8Array(await globalThis.crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, bytes)),
  };
}

/** The key in a TPM or secure element, behind the firmware's hook: only a digest goes there, only a signature comes back. */
class HookKeyStore implements KeyStore {
  readonly publicJwk: PublicJwk;
  readonly kid: string;
  readonly #hook: KeystoreHook;

  constructor(hook: KeystoreHook, publicJwk: PublicJwk, kid: string) {
    this.#hook = hook;
    this.publicJwk = publicJwk;
    this.kid = kid;
  }

  async sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const digest = createHash('sha256').update(bytes).digest('base64url');
    const input = { verb: 'sign', key: KEY_NAME, digest };
    const said = await this.#hook.run('keystore-sign', { input, answer: KeystoreSignAnswer });
    if (said.outcome !== 'ok') throw unreachable(said.reason);
    const signature = fromBase64url(said.answer.signature);
    // A signature by another key would be refused far away, and nobody there could say why.
    if (await verifyEcdsaRaw(this.publicJwk, signature, bytes)) return signature;
    throw wrong('What it signed does not fit the key this recorder is known by.');
  }
}

function unreachable(reason: string): AgentError {
  return new AgentError({
    code: 'identity.keystore_unreachable',
    say: `The firmware's keystore, which holds the recorder's own key, does not answer: ${reason}`,
    fix: 'Check the firmware hook keystore-sign and the security chip; the recorder does not take another key in its place.',
    retryable: true,
  });
}

function wrong(why: string): AgentError {
  return new AgentError({
    code: 'identity.keystore_wrong',
    say: `The firmware's keystore does not hold the recorder's own key. ${why}`,
    fix: 'Put back the firmware and the board that belong together, or reset the recorder and pair it anew.',
  });
}

function twoKeys(folder: string): AgentError {
  return new AgentError({
    code: 'identity.two_keys',
    say: `${folder} holds a signing key and a note that it is in the firmware's keystore.`,
    fix: `Remove the one that was not there before: ${KEY_FILE} (a key) or ${PIN_FILE} (the note).`,
  });
}
