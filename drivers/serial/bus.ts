import {
  type CallOptions,
  type DriverClock,
  DriverError,
  type DriverLog,
  type PtzDriver,
  type SerialBus,
  type SerialBusFactory,
  type SerialPortSettings,
} from '../port.js';
import { CommandQueue, type QueuedFrame } from './command-queue.js';
import { type OpenSerialLine, openSerialLine, type SerialLine } from './line.js';
import { isPelcoDAddress, pelcoDMove, pelcoDStop } from './pelco-d.js';

const WRITE_DEADLINE_MS = 1_000;
const REOPEN_FIRST_MS = 1_000;
const REOPEN_CAP_MS = 30_000;
/** Silence between two frames, so that a receiver that lost track finds the next start. */
const FRAME_GAP_MS = 5;

/** What every bus needs. */
export interface SerialBusParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
  /** Another way to open a port, for tests. */
  readonly openLine?: OpenSerialLine;
}

/** Makes buses. Errors of their PTZ drivers: `serial.unavailable`, `serial.timeout`, `driver.aborted`, `camera.refused` (address). */
export function createSerialBusFactory(parts: SerialBusParts): SerialBusFactory {
  return {
    open: (settings) => {
      const bus = new PacedBus(parts, settings);
      bus.begin();
      return bus;
    },
  };
}

/** One bus: opens itself again and again, paces by bytes and baud rate, and answers every call within the deadline. */
class PacedBus implements SerialBus {
  readonly #parts: SerialBusParts;
  readonly #settings: SerialPortSettings;
  readonly #queue = new CommandQueue();
  /** Addresses last told to move: a camera must not go on turning because the cable came loose in between. */
  readonly #moving = new Set<number>();
  #line: SerialLine | undefined;
  #opening: Promise<void> | undefined;
  #reopen: { cancel(): void } | undefined;
  #pause: { cancel(): void } | undefined;
  #reason = 'The port is being opened.';
  #attempts = 0;
  #isWriting = false;
  #isClosed = false;

  constructor(parts: SerialBusParts, settings: SerialPortSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  begin(): void {
    this.#opening = this.#open().finally(() => {
      this.#opening = undefined;
    });
  }

  ptz(_protocol: 'pelco-d', address: number): PtzDriver {
    const refuse = (): Promise<void> =>
      Promise.reject(new DriverError('camera.refused', `A Pelco-D address is 1 to 254, not ${address}.`, { detail: { address } }));
    if (!isPelcoDAddress(address)) return { move: refuse, stop: refuse };
    return {
      move: (velocity, options) => this.#send(address, pelcoDMove(address, velocity), false, options),
      stop: (options) => this.#send(address, pelcoDStop(address), true, options),
    };
  }

  state(): { readonly isOpen: boolean; readonly reason: string } {
    return { isOpen: this.#line !== undefined, reason: this.#reason };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#reason = 'The port was closed.';
    this.#reopen?.cancel();
    this.#pause?.cancel();
    this.#queue.clear(new DriverError('driver.aborted', 'The serial port was closed.'));
    await this.#opening;
    const line = this.#line;
    this.#line = undefined;
    await line?.close();
  }

  async #open(): Promise<void> {
    const { log, openLine = openSerialLine } = this.#parts;
    const { path } = this.#settings;
    let isLost = false;
    try {
      const line = await openLine(this.#settings, (reason) => {
        isLost = true;
        this.#lose(`${path} was unplugged (${reason}).`);
      });
      if (this.#isClosed || isLost) return await line.close();
      this.#line = line;
      this.#attempts = 0;
      this.#reason = '';
      log.info('serial port opened', { path });
      this.#stopMoving();
    } catch (error) {
      this.#reason = error instanceof DriverError ? error.message : `${path} cannot be used.`;
      if (this.#attempts === 0) log.warn('serial port not available', { path, error });
      this.#reopenLater();
    }
  }

  #stopMoving(): void {
    for (const address of this.#moving) this.#queue.add({ address, bytes: pelcoDStop(address), isStop: true, settle: () => undefined });
    this.#pump();
  }

  /** The port went away or hangs: who waits is told now, and opening begins anew. */
  #lose(reason: string): void {
    if (this.#isClosed) return;
    const line = this.#line;
    this.#line = undefined;
    this.#reason = reason;
    this.#parts.log.warn('serial port lost', { path: this.#settings.path, reason });
    this.#queue.clear(new DriverError('serial.unavailable', reason));
    void line?.close();
    this.#reopenLater();
  }

  #reopenLater(): void {
    if (this.#isClosed) return;
    const delayMs = Math.min(REOPEN_CAP_MS, REOPEN_FIRST_MS * 2 ** Math.min(this.#attempts, 10));
    this.#attempts += 1;
    this.#reopen?.cancel();
    this.#reopen = this.#parts.clock.after(delayMs, () => this.begin(), true);
  }

  #send(address: number, bytes: Buffer, isStop: boolean, options: CallOptions): Promise<void> {
    if (options.signal.aborted) return Promise.reject(new DriverError('driver.aborted', 'The command was cancelled.'));
    if (this.#line === undefined) return Promise.reject(new DriverError('serial.unavailable', this.#reason));
    return new Promise((resolve, reject) => {
      const give = (failure: DriverError): void => {
        if (this.#queue.remove(frame)) frame.settle(failure);
      };
      const onAbort = (): void => give(new DriverError('driver.aborted', 'The command was cancelled.'));
      const deadline = this.#parts.clock.after(WRITE_DEADLINE_MS, () => give(late(this.#settings.path)), true);
      const frame: QueuedFrame = {
        address,
        bytes,
        isStop,
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
    if (this.#isWriting || this.#line === undefined) return;
    const frame = this.#queue.next();
    if (frame === undefined) return;
    this.#isWriting = true;
    void this.#write(this.#line, frame).then(() => {
      if (this.#isClosed) return;
      this.#pause = this.#parts.clock.after(this.#wireMs(frame.bytes.length) + FRAME_GAP_MS, () => {
        this.#isWriting = false;
        this.#pump();
      });
    });
  }

  /** Never rejects. A write that hangs is given up after the deadline, and with it the port. */
  async #write(line: SerialLine, frame: QueuedFrame): Promise<void> {
    let isLate = false;
    const failure = await new Promise<Error | undefined>((resolve) => {
      const deadline = this.#parts.clock.after(WRITE_DEADLINE_MS, () => {
        isLate = true;
        resolve(late(this.#settings.path));
      });
      line
        .write(frame.bytes)
        .then(() => resolve(undefined), resolve)
        .finally(() => deadline.cancel());
    });
    if (!frame.isStop) this.#moving.add(frame.address);
    else if (failure === undefined) this.#moving.delete(frame.address);
    frame.settle(failure);
    if (isLate && this.#line === line) this.#lose(`${this.#settings.path} does not take what is written.`);
  }

  /** Time the bytes take on the wire: start, eight data, parity if any, stop. */
  #wireMs(bytes: number): number {
    const bits = this.#settings.parity === 'none' ? 10 : 11;
    return Math.ceil((bytes * bits * 1000) / this.#settings.baudRate);
  }
}

function late(path: string): DriverError {
  return new DriverError('serial.timeout', `${path} did not take the command within ${WRITE_DEADLINE_MS / 1000} s.`);
}
