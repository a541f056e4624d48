import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { DriverError, type NetworkPtz, type SerialBusFactory, type SerialPortState } from '../port.js';
import type { SerialParts } from './kept-line.js';
import { readVisca, viscaInquiry } from './visca.js';
import { ViscaDevice } from './visca-device.js';
import {
  decodeViscaIp,
  encodeViscaIp,
  readControlReply,
  VISCA_IP_PORT,
  VISCA_IP_RESET,
  type ViscaIpPacket,
  type ViscaIpType,
} from './visca-ip.js';
import { viscaPtz } from './visca-ptz.js';

/** Over the network every camera is number 1. */
const ADDRESS = 1;
/** A datagram that got lost is sent once more with the same number, so that a camera that had it does not do it twice. */
const RESEND_MS = 200;
const RESET_MS = 300;
const REPEAT_MS = 50;
const MOST_ANSWERED = 64;
/** Datagrams know no connection: whether the camera is there, only its answers tell. */
const ASK_MS = 30_000;

/** A camera that speaks VISCA over UDP; asked now and every half minute whether it is there. The socket keeps no process alive. */
export function openViscaNetwork(parts: SerialParts, target: Parameters<SerialBusFactory['openNetwork']>[0]): NetworkPtz {
  const link = new ViscaLink(parts, target.host, target.port ?? VISCA_IP_PORT);
  link.begin();
  return { ptz: viscaPtz(link.device, ADDRESS, target.stepsPerDegree), state: () => link.state(), close: () => link.close() };
}

class ViscaLink {
  readonly #parts: SerialParts;
  readonly #host: string;
  readonly #port: number;
  readonly device: ViscaDevice;
  #socket: Socket | undefined;
  #sequence = 0;
  /** Sent and not heard of yet, by sequence number. */
  readonly #open = new Map<number, ViscaIpPacket>();
  /** What was heard, number and payload: a repeated datagram brings repeated answers. */
  readonly #heard = new Map<string, number>();
  #resetting: { readonly done: Promise<void>; readonly end: () => void } | undefined;
  #isReset = false;
  #isClosed = false;
  readonly #life = new AbortController();
  #isHeard = false;
  #asking: { cancel(): void } | undefined;
  /** Empty until something speaks against it. */
  #reason = '';

  constructor(parts: SerialParts, host: string, port: number) {
    this.#parts = parts;
    this.#host = host;
    this.#port = port;
    this.device = new ViscaDevice(parts.clock, ADDRESS, {
      write: (bytes, { kind }) => this.#write(bytes, kind === 'inquiry' ? 'inquiry' : 'command'),
    });
  }

  /** Asks whether it is there, again and again. */
  begin(): void {
    void this.#ask();
  }

  state(): SerialPortState {
    return { isOpen: this.#reason === '', reason: this.#reason };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#life.abort();
    this.#asking?.cancel();
    this.#reason = 'It was closed.';
    this.#resetting?.end();
    this.#open.clear();
    this.device.reset(new DriverError('driver.aborted', 'The camera was closed.'));
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) await new Promise<void>((resolve) => void socket.close(() => resolve()));
  }

  async #ask(): Promise<void> {
    this.#isHeard = false;
    try {
      await this.device.inquire(viscaInquiry(ADDRESS, 'version'), { signal: this.#life.signal });
    } catch (error) {
      // Whoever refuses is there; whoever cannot be sent to has his reason already.
      if (error instanceof DriverError && error.code === 'serial.timeout' && !this.#isHeard)
        this.#reason = `${this.#host} does not answer.`;
    }
    if (!this.#isClosed) this.#asking = this.#parts.clock.after(ASK_MS, () => void this.#ask(), true);
  }

  async #write(payload: Buffer, type: 'command' | 'inquiry'): Promise<void> {
    if (!this.#isReset) await this.#reset();
    const packet = this.#number(type, payload);
    this.#open.set(packet.sequence, packet);
    await this.#send(packet);
    this.#parts.clock.after(
      RESEND_MS,
      () => {
        if (this.#open.get(packet.sequence) === packet) this.#send(packet).catch(() => undefined);
        this.#open.delete(packet.sequence);
      },
      true,
    );
  }

  #number(type: ViscaIpType, payload: Uint8Array): ViscaIpPacket {
    const packet = { type, sequence: this.#sequence, payload };
    this.#sequence = (this.#sequence + 1) >>> 0;
    return packet;
  }

  /** Both sides begin to count anew. A camera that does not answer this may still take commands (some never count at all). */
  async #reset(): Promise<void> {
    this.#resetting ??= this.#beginReset();
    await this.#resetting.done;
    if (this.#isClosed) throw new DriverError('driver.aborted', 'The camera was closed.');
  }

  #beginReset(): { readonly done: Promise<void>; readonly end: () => void } {
    this.#heard.clear();
    // The reset itself has 0.
    this.#sequence = 1;
    let end = (): void => undefined;
    const done = new Promise<void>((resolve, reject) => {
      const timer = this.#parts.clock.after(RESET_MS, () => end(), true);
      end = () => {
        timer.cancel();
        this.#isReset = true;
        this.#resetting = undefined;
        resolve();
      };
      this.#send({ type: 'control', sequence: 0, payload: VISCA_IP_RESET }).catch((error: unknown) => {
        timer.cancel();
        this.#resetting = undefined;
        reject(error);
      });
    });
    return { done, end: () => end() };
  }

  async #send(packet: ViscaIpPacket): Promise<void> {
    const bytes = encodeViscaIp(packet);
    try {
      const socket = this.#opened();
      await new Promise<void>((resolve, reject) => {
        socket.send(bytes, this.#port, this.#host, (error) => (error === null ? resolve() : reject(error)));
      });
    } catch (cause) {
      if (this.#isClosed) throw new DriverError('driver.aborted', 'The camera was closed.', { cause });
      this.#reason = `Nothing can be sent to ${this.#host}.`;
      throw new DriverError('serial.unavailable', this.#reason, { cause });
    }
  }

  #opened(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    if (this.#isClosed) throw new DriverError('driver.aborted', 'The camera was closed.');
    const family = isIP(this.#host);
    if (family === 0) throw new DriverError('serial.unavailable', `${this.#host} is no address.`);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.unref();
    socket.on('error', (error) => {
      this.#parts.log.debug('visca socket', { host: this.#host, error });
      this.#socket = undefined;
      socket.close();
    });
    socket.on('message', (bytes, from) => {
      if (from.port === this.#port && sameHost(from.address, this.#host)) this.#received(bytes);
    });
    this.#socket = socket;
    return socket;
  }

  #received(bytes: Buffer): void {
    const packet = decodeViscaIp(bytes);
    if (packet === undefined) return;
    this.#reason = '';
    this.#isHeard = true;
    if (packet.type === 'control-reply') this.#control(packet.payload);
    if (packet.type !== 'reply') return;
    const key = `${packet.sequence} ${Buffer.from(packet.payload).toString('hex')}`;
    const nowMs = this.#parts.clock.monotonicMs();
    const beforeMs = this.#heard.get(key);
    // Some cameras always say number 1 and repeat themselves rightly; a repeated datagram follows at once.
    if (beforeMs !== undefined && (packet.sequence > 1 || nowMs - beforeMs < REPEAT_MS)) return;
    this.#heard.set(key, nowMs);
    if (this.#heard.size > MOST_ANSWERED) this.#heard.delete([...this.#heard.keys()][0] ?? '');
    // Answered is answered, whichever number it bears: one message is on its way at a time.
    this.#open.clear();
    this.device.received(readVisca(packet.payload));
  }

  #control(payload: Uint8Array): void {
    const says = readControlReply(payload);
    if (says === 'reset') this.#resetting?.end();
    if (says !== 'bad-sequence' || this.#resetting !== undefined) return;
    // The camera was restarted and counts anew: so do we, and say again what it did not understand.
    const [last] = [...this.#open.values()].slice(-1);
    this.#isReset = false;
    this.#open.clear();
    if (last === undefined) return;
    this.#reset()
      .then(() => this.#write(Buffer.from(last.payload), last.type === 'inquiry' ? 'inquiry' : 'command'))
      .catch(() => undefined);
  }
}

function sameHost(from: string, host: string): boolean {
  return from === host || from.split('%')[0] === host.split('%')[0];
}
