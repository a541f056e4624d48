import { type DriverClock, DriverError, type DriverLog } from '../port.js';
import type { BusSide } from './bus-side.js';
import { readVisca, VISCA_ADDRESS_SET, VISCA_CLEAR, ViscaDecoder } from './visca.js';
import { ViscaDevice } from './visca-device.js';

/** Numbering goes through every camera and back. */
const CHAIN_MS = 300;

/** What a chain needs. */
export interface ViscaChainParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
  /** A lane on the bus. */
  readonly side: (lane: string) => BusSide;
  readonly path: string;
}

/** The cameras behind one port: numbered when the port opens and whenever one of them says that the chain changed. */
export class ViscaChain {
  readonly #parts: ViscaChainParts;
  readonly #devices = new Map<number, ViscaDevice>();
  readonly #decoder = new ViscaDecoder();

  constructor(parts: ViscaChainParts) {
    this.#parts = parts;
  }

  /** The camera with this number, 1 to 7. */
  device(address: number): ViscaDevice {
    const known = this.#devices.get(address);
    if (known !== undefined) return known;
    const side = this.#parts.side(`visca:${address}`);
    const cancels = (bytes: Buffer): BusSide => this.#parts.side(`visca:${address}:cancel:${bytes[1]}`);
    const never = { signal: new AbortController().signal };
    const made = new ViscaDevice(this.#parts.clock, address, {
      // Never a `move` for the bus: the camera's own queue replaces movements, and each frame that it sends must go out.
      write: (bytes, { kind, undo }) => {
        if (kind === 'cancel') return cancels(bytes).send({ bytes, kind: 'stop' }, never);
        return side.send({ bytes, kind: kind === 'stop' ? 'stop' : 'other', undo }, never);
      },
    });
    this.#devices.set(address, made);
    return made;
  }

  /** The port is open: whoever is there gets a number and empty sockets. Who does not answer may still listen. */
  opened(): void {
    void this.#number();
  }

  /** Whoever waits for a camera is told. */
  lost(failure: DriverError): void {
    for (const device of this.#devices.values()) device.reset(failure);
  }

  /** Bytes from the port. */
  received(bytes: Uint8Array): void {
    for (const raw of this.#decoder.push(bytes)) {
      const message = readVisca(raw);
      if (message.kind === 'network-change') this.#renumber();
      else if ('camera' in message) this.#devices.get(message.camera)?.received(message);
    }
  }

  #renumber(): void {
    this.#parts.log.info('the chain of cameras changed; numbering it anew', { path: this.#parts.path });
    this.lost(new DriverError('serial.unavailable', 'The chain of cameras changed; the command is to be given again.'));
    void this.#number();
  }

  async #number(): Promise<void> {
    const { log, path } = this.#parts;
    // Both at once and before everything else: a command between the two would be emptied away.
    const numbering = this.#await('number', VISCA_ADDRESS_SET, (message) =>
      message.kind === 'address-set' ? message.next - 1 : undefined,
    );
    const clearing = this.#await('clear', VISCA_CLEAR, (message) => (message.kind === 'clear' ? true : undefined));
    const cameras = await numbering;
    if (cameras === undefined) log.warn('no camera numbered itself; the wire may go one way only', { path });
    else log.info('cameras numbered', { path, cameras });
    await clearing;
  }

  /** Sends to everybody and waits for what comes back around; undefined when nothing does. */
  async #await<T>(lane: string, bytes: Buffer, pick: (message: ReturnType<typeof readVisca>) => T | undefined): Promise<T | undefined> {
    const decoder = new ViscaDecoder();
    let found: T | undefined;
    const read = (heard: Uint8Array): boolean => {
      for (const raw of decoder.push(heard)) found ??= pick(readVisca(raw));
      return found !== undefined;
    };
    const signal = new AbortController().signal;
    await this.#parts
      .side(`visca:${lane}`)
      .send({ bytes, kind: 'stop', reply: { waitMs: CHAIN_MS, read } }, { signal })
      .catch(() => undefined);
    return found;
  }
}
