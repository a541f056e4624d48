import {
  type CallOptions,
  DriverError,
  type PtzDriver,
  type SerialBus,
  type SerialBusFactory,
  type SerialPortSettings,
  type SerialPortState,
  type SerialPtzOptions,
  type SerialPtzProtocol,
  type SerialTraffic,
} from '../port.js';
import type { BusFrame, BusSide } from './bus-side.js';
import { CommandQueue, type QueuedFrame } from './command-queue.js';
import { KeptLine, type SerialParts, WRITE_DEADLINE_MS } from './kept-line.js';
import { pelcoPtz } from './pelco-ptz.js';
import { isViscaAddress, viscaStop } from './visca.js';
import { ViscaChain } from './visca-group.js';
import { openViscaNetwork } from './visca-network.js';
import { viscaPtz } from './visca-ptz.js';
import { Watchers } from './watchers.js';
import { wordsOfProtocol } from './words.js';

/** What is no movement may wait longer for its turn: questions of others hold the bus meanwhile. */
const PATIENT_DEADLINE_MS = 3_000;
/** Silence between two frames, so that a receiver that lost track finds the next start. */
const FRAME_GAP_MS = 5;

/** What every bus needs. */
export type SerialBusParts = SerialParts;

/** Makes buses. Errors of their PTZ drivers: `serial.unavailable`, `serial.timeout`, `driver.aborted`, `camera.refused`, `camera.unsupported`. */
export function createSerialBusFactory(parts: SerialBusParts): SerialBusFactory {
  return {
    open: (settings) => {
      const bus = new PacedBus(parts, settings);
      bus.begin();
      return bus;
    },
    openNetwork: (target) => openViscaNetwork(parts, target),
  };
}

/** One bus: paces by bytes and baud rate, answers every call within the deadline, and after a loss stops what was moving first. */
class PacedBus implements SerialBus {
  readonly #parts: SerialBusParts;
  readonly #settings: SerialPortSettings;
  readonly #line: KeptLine;
  readonly #queue = new CommandQueue();
  /** Lanes last told to move, and what stops them: a camera must not go on turning because the cable came loose in between. */
  readonly #moving = new Map<string, Buffer>();
  #hasOpened = false;
  readonly #watchers: Watchers;
  #visca: ViscaChain | undefined;
  #pause: { cancel(): void } | undefined;
  #awaited: { readonly read: (bytes: Uint8Array) => boolean; readonly end: (failure: DriverError | undefined) => void } | undefined;
  #isBusy = false;
  /** Nothing is taken any more; what moves is being stopped. */
  #isClosing = false;
  #isClosed = false;

  constructor(parts: SerialBusParts, settings: SerialPortSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#watchers = new Watchers(parts.clock);
    this.#line = new KeptLine(parts, settings, {
      onOpen: () => this.#opened(),
      onData: (bytes) => this.#received(bytes),
      onLost: (failure) => this.#lost(failure),
    });
  }

  begin(): void {
    this.#line.begin();
  }

  ptz(protocol: SerialPtzProtocol, address: number, options: SerialPtzOptions = {}): PtzDriver {
    if (protocol === 'visca') {
      if (!isViscaAddress(address)) return refusing('A VISCA address is 1 to 7', address);
      this.#mayMove(`visca:${address}`, viscaStop(address));
      return viscaPtz(this.#chain().device(address), address, options.stepsPerDegree);
    }
    const words = wordsOfProtocol(protocol);
    const onWire = words.wireAddress(address);
    if (onWire === undefined) return refusing(words.addresses, address);
    const lane = `${protocol}:${address}`;
    this.#mayMove(lane, words.stop(onWire));
    return pelcoPtz(words, onWire, this.#side(lane));
  }

  state(): SerialPortState {
    return this.#line.state();
  }

  watch(onTraffic: (traffic: SerialTraffic) => void): () => void {
    return this.#watchers.add(onTraffic);
  }

  /** Gear that moves is stopped first: behind a closed port nobody could. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const failure = new DriverError('driver.aborted', 'The serial port was closed.');
    this.#awaited?.end(failure);
    this.#queue.clear(failure);
    this.#visca?.lost(failure);
    await this.#stopAll();
    this.#isClosed = true;
    this.#pause?.cancel();
    await this.#line.close();
  }

  /** Resolves when the stops of all that moves are written, or the port is lost. */
  async #stopAll(): Promise<void> {
    if (!this.#line.isOpen) return;
    const stop = ([lane, bytes]: [string, Buffer]): Promise<void> =>
      new Promise((resolve) => this.#queue.add({ lane, bytes, kind: 'stop', settle: () => resolve() }));
    const stops = [...this.#moving].map(stop);
    this.#pump();
    await Promise.all(stops);
  }

  /** Who was here before us may have gone without a stop: until the port was opened, everything counts as moving. */
  #mayMove(lane: string, stop: Buffer): void {
    if (!this.#hasOpened) this.#moving.set(lane, stop);
  }

  #chain(): ViscaChain {
    if (this.#visca !== undefined) return this.#visca;
    const side = (lane: string): BusSide => this.#side(lane);
    this.#visca = new ViscaChain({ clock: this.#parts.clock, log: this.#parts.log, side, path: this.#settings.path });
    if (this.#line.isOpen) this.#visca.opened();
    return this.#visca;
  }

  #side(lane: string): BusSide {
    return { send: (frame, options) => this.#send(lane, frame, options), wireMs: (bytes) => this.#line.wireMs(bytes) };
  }

  #opened(): void {
    this.#hasOpened = true;
    for (const [lane, bytes] of this.#moving) this.#queue.add({ lane, bytes, kind: 'stop', settle: () => undefined });
    this.#visca?.opened();
    this.#pump();
  }

  #lost(failure: DriverError): void {
    this.#awaited?.end(failure);
    this.#queue.clear(failure);
    this.#visca?.lost(failure);
  }

  #received(bytes: Buffer): void {
    this.#watchers.tell('in', bytes);
    this.#visca?.received(bytes);
    if (this.#awaited?.read(bytes) === true) this.#awaited.end(undefined);
  }

  #send(lane: string, sent: BusFrame, options: CallOptions): Promise<void> {
    if (options.signal.aborted) return Promise.reject(new DriverError('driver.aborted', 'The command was cancelled.'));
    if (this.#isClosing) return Promise.reject(new DriverError('serial.unavailable', 'The port was closed.'));
    if (!this.#line.isOpen) return Promise.reject(this.#line.failure());
    return new Promise((resolve, reject) => {
      const give = (failure: DriverError): void => {
        if (this.#queue.remove(frame)) frame.settle(failure);
      };
      const onAbort = (): void => give(new DriverError('driver.aborted', 'The command was cancelled.'));
      const patience = sent.kind === 'other' ? PATIENT_DEADLINE_MS : WRITE_DEADLINE_MS;
      const deadline = this.#parts.clock.after(patience, () => give(this.#line.late()), true);
      const frame: QueuedFrame = {
        ...sent,
        lane,
        settle: (failure) => {
          deadline.cancel();
          options.signal.removeEventListener('abort', onAbort);
          if (failure === undefined) resolve();
          else reject(failure);
        },
      };
      options.signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.add(frame);
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isBusy || this.#isClosed || !this.#line.isOpen) return;
    const frame = this.#queue.next();
    if (frame === undefined) return;
    this.#isBusy = true;
    void this.#carry(frame).finally(() => {
      this.#isBusy = false;
      this.#pump();
    });
  }

  /** Never rejects; resolves when the next frame may go. */
  async #carry(frame: QueuedFrame): Promise<void> {
    // Before it is written: whoever closes the port meanwhile must know of it.
    if (frame.undo !== undefined) this.#moving.set(frame.lane, frame.undo);
    const answered = frame.reply === undefined ? undefined : this.#await(frame.reply, frame.bytes.length);
    this.#watchers.tell('out', frame.bytes);
    const failure = await this.#line.write(frame.bytes).then(
      () => undefined,
      (error: DriverError) => error,
    );
    if (frame.kind === 'stop' && failure === undefined) this.#moving.delete(frame.lane);
    if (failure !== undefined) this.#awaited?.end(failure);
    if (answered === undefined) frame.settle(failure);
    else frame.settle(await answered);
    await this.#quiet(this.#line.wireMs(frame.bytes.length) + FRAME_GAP_MS);
  }

  /** The line is everybody's while an answer is due: nobody may talk into it. */
  #await({ waitMs, read }: NonNullable<QueuedFrame['reply']>, sentBytes: number): Promise<DriverError | undefined> {
    return new Promise((resolve) => {
      const end = (failure: DriverError | undefined): void => {
        timer.cancel();
        if (this.#awaited === awaited) this.#awaited = undefined;
        resolve(failure);
      };
      const awaited = { read, end };
      const timer = this.#parts.clock.after(this.#line.wireMs(sentBytes) + waitMs, () => end(noAnswer(waitMs)), true);
      this.#awaited = awaited;
    });
  }

  #quiet(forMs: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#pause = this.#parts.clock.after(forMs, resolve);
    });
  }
}

function noAnswer(waitMs: number): DriverError {
  return new DriverError('serial.timeout', `The device did not answer within ${waitMs} ms; many cannot answer at all.`);
}

/** A driver for an address that cannot be: it refuses, so that the rest of the site works. */
function refusing(rule: string, address: number): PtzDriver {
  const refuse = (): Promise<never> =>
    Promise.reject(new DriverError('camera.refused', `${rule}, not ${address}.`, { detail: { address } }));
  return { move: refuse, stop: refuse };
}
