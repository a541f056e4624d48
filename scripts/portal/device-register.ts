import { open, readFile, rename } from 'node:fs/promises';
import { claimedKid, unverifiedPayload, verifyStatement } from '../../agent/contract/jws.js';
import { KnownDevices } from '../../agent/contract/portal.js';
import { parseShape } from '../../agent/contract/shapes.js';
import { Connect } from '../../agent/contract/statements.js';
import { AgentError } from '../../agent/kernel/errors.js';

function refuse(code: string, say: string, fix: string): AgentError {
  return new AgentError({ code, say, fix });
}

/**
 * Which key belongs to which serial number: the first one that proves itself is pinned. A fleet's cloud would know the keys from
 * manufacture instead; an app is safe either way, because it checks the recorder's signatures with the key it got while pairing.
 */
export class DeviceRegister {
  readonly #file: string | undefined;
  readonly #devices: Map<string, { key: string; n: number }>;
  #saving: Promise<void> = Promise.resolve();

  private constructor(file: string | undefined, register: KnownDevices) {
    this.#file = file;
    this.#devices = new Map(Object.entries(register.devices));
  }

  /** `file` undefined: kept in memory only. Rejects with AgentError portal.state_unreadable when the file is not ours. */
  static async open(file: string | undefined): Promise<DeviceRegister> {
    return new DeviceRegister(file, file === undefined ? { v: 1, devices: {} } : await readRegister(file));
  }

  isKnown(serial: string): boolean {
    return this.#devices.has(serial);
  }

  /**
   * Resolves when `token` (connect+jws) proves that its sender holds the key of this serial, and is written down.
   * @throws AgentError broker.wrong_serial | broker.other_key | broker.replayed | signature.* | message.*
   */
  async admit(serial: string, token: string): Promise<void> {
    const kid = claimedKid(token, 'connect+jws');
    const { key } = parseShape(Connect, unverifiedPayload(token));
    const statement = await verifyStatement(token, 'connect+jws', key, Connect);
    if (statement.dev !== serial) throw refuse('broker.wrong_serial', 'The proof is for another serial.', 'Sign a proof for this serial.');
    // From here to the note there is no await: two connections cannot both win with the same proof.
    const known = this.#known(serial, kid);
    if (known !== undefined && statement.n <= known.n) {
      throw refuse('broker.replayed', 'This proof was used before.', 'Connect with a higher number.');
    }
    this.#devices.set(serial, { key: kid, n: statement.n });
    await this.#save();
  }

  /**
   * Resolves when the serial is known to belong to the key with this thumbprint, and that is written down. The caller has seen a proof.
   * @throws AgentError broker.other_key
   */
  async pin(serial: string, kid: string): Promise<void> {
    if (this.#known(serial, kid) !== undefined) return;
    this.#devices.set(serial, { key: kid, n: 0 });
    await this.#save();
  }

  #known(serial: string, kid: string): { readonly key: string; readonly n: number } | undefined {
    const known = this.#devices.get(serial);
    if (known === undefined || known.key === kid) return known;
    throw refuse(
      'broker.other_key',
      'This serial belongs to another key.',
      'Remove the serial from the portal’s state file if the recorder was reset.',
    );
  }

  #save(): Promise<void> {
    const devices = Object.fromEntries(this.#devices);
    const file = this.#file;
    if (file === undefined) return Promise.resolve();
    this.#saving = this.#saving.catch(() => undefined).then(() => writeWhole(file, JSON.stringify({ v: 1, devices })));
    return this.#saving;
  }
}

async function readRegister(file: string): Promise<KnownDevices> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { v: 1, devices: {} };
    throw unreadable(file, cause);
  }
  try {
    return parseShape(KnownDevices, JSON.parse(text));
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(file: string, cause: unknown): AgentError {
  return new AgentError({
    code: 'portal.state_unreadable',
    say: `The portal cannot read its list of recorders, ${file}.`,
    fix: 'Mend or remove the file; recorders are entered again when they connect.',
    cause,
  });
}

/** Whole or not at all, even when the power goes. */
async function writeWhole(file: string, text: string): Promise<void> {
  const beside = `${file}.new`;
  const handle = await open(beside, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
}
