import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';
import { AgentError } from '../kernel/errors.js';
import { Secret } from '../kernel/secret.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = 1;

/**
 * Seals small secrets (camera passwords, Wi-Fi keys) with AES-256-GCM under a key that lives in one file of mode 0600. A sealed
 * text opens only under the name it was sealed for, so it cannot be moved to another camera's place. It protects backups and
 * bundles; root on the recorder can read it.
 */
export class SecretBox {
  readonly #key: Buffer;

  private constructor(master: Uint8Array) {
    this.#key = Buffer.from(hkdfSync('sha256', master, new Uint8Array(0), 'sightline secret-box 1', KEY_BYTES));
  }

  /** Reads the master key, or makes it. Rejects with `store.bad_master_key` for a file of another length. */
  static async open(path: string): Promise<SecretBox> {
    const there = await readFileIfThere(path);
    if (there !== undefined && there.byteLength !== KEY_BYTES) {
      throw new AgentError({
        code: 'store.bad_master_key',
        say: `The key file ${path} is damaged.`,
        fix: 'Bring it back from a backup, or remove it and enter the camera passwords again.',
      });
    }
    const master = there ?? randomBytes(KEY_BYTES);
    if (there === undefined) await writeFileDurably(path, master, 0o600);
    return new SecretBox(master);
  }

  /** Base64url of version, nonce, sealed bytes and tag. */
  seal(name: string, secret: string | Secret): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from(name, 'utf8'));
    const text = typeof secret === 'string' ? secret : secret.reveal();
    const sealed = [Buffer.of(FORMAT), nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(sealed).toString('base64url');
  }

  /** Throws `store.secret_unreadable` for another name, another key or changed bytes. */
  open(name: string, sealed: string): Secret {
    const bytes = Buffer.from(sealed, 'base64url');
    try {
      if (bytes[0] !== FORMAT || bytes.byteLength < 1 + NONCE_BYTES + TAG_BYTES) throw unreadable(name);
      const cipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(name, 'utf8'));
      cipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const body = bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES);
      return new Secret(Buffer.concat([cipher.update(body), cipher.final()]).toString('utf8'));
    } catch (error) {
      throw unreadable(name, error);
    }
  }
}

function unreadable(name: string, cause?: unknown): AgentError {
  return new AgentError({
    code: 'store.secret_unreadable',
    say: `The stored secret for ${name} cannot be opened with this recorder’s key.`,
    fix: 'Enter it again.',
    cause,
  });
}
