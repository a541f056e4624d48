import { type DriverClock, DriverError, type DriverLog, type SerialPortSettings, type SerialPortState } from '../port.js';
import { characterMs } from './direction.js';
import { type OpenSerialLine, openSerialLine, type SerialLine } from './line.js';

/** A write that the kernel does not take for so long means that the port hangs. */
export const WRITE_DEADLINE_MS = 1_000;
const REOPEN_FIRST_MS = 1_000;
const REOPEN_CAP_MS = 30_000;

/** What everything on a serial port needs. */
export interface SerialParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
  /** Another way to open a port, for tests. */
  readonly openLine?: OpenSerialLine | undefined;
}

/** Who uses the port. */
export interface KeptLineUser {
  /** Every time it opened. */
  readonly onOpen: () => void;
  readonly onData: (bytes: Buffer) => void;
  /** It went away or hangs; opening begins anew by itself. */
  readonly onLost: (failure: DriverError) => void;
}

/** A port that is opened again and again, by its name: unplugged gear is used as soon as it is back. Nothing here throws. */
export class KeptLine {
  readonly #parts: SerialParts;
  readonly #settings: SerialPortSettings;
  readonly #user: KeptLineUser;
  #line: SerialLine | undefined;
  #opening: Promise<void> | undefined;
  #reopen: { cancel(): void } | undefined;
  #reason = 'The port is being opened.';
  #attempts = 0;
  #isClosed = false;

  constructor(parts: SerialParts, settings: SerialPortSettings, user: KeptLineUser) {
    this.#parts = parts;
    this.#settings = settings;
    this.#user = user;
  }

  /** Opens in the background. */
  begin(): void {
    this.#opening = this.#open().finally(() => {
      this.#opening = undefined;
    });
  }

  get isOpen(): boolean {
    return this.#line !== undefined;
  }

  state(): SerialPortState {
    return { isOpen: this.isOpen, reason: this.#reason };
  }

  /** What a command fails with while the port is closed. */
  failure(): DriverError {
    return new DriverError('serial.unavailable', this.#reason);
  }

  /** Time that bytes take on the wire, in whole ms. */
  wireMs(bytes: number): number {
    return Math.ceil(bytes * characterMs(this.#settings));
  }

  /** Rejects with `serial.unavailable` or `serial.timeout`; the latter costs the port. */
  async write(bytes: Buffer): Promise<void> {
    const line = this.#line;
    if (line === undefined) throw this.failure();
    let isLate = false;
    await new Promise<void>((resolve, reject) => {
      const deadline = this.#parts.clock.after(WRITE_DEADLINE_MS, () => {
        isLate = true;
        reject(this.late());
      });
      line
        .write(bytes)
        .then(resolve, reject)
        .finally(() => deadline.cancel());
    }).finally(() => {
      if (isLate && this.#line === line) this.#lose(`${this.#settings.path} does not take what is written.`);
    });
  }

  /** The failure of a command that did not get its turn in time. */
  late(): DriverError {
    const { path } = this.#settings;
    return new DriverError('serial.timeout', `${path} did not take the command within ${WRITE_DEADLINE_MS / 1000} s.`);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#reason = 'The port was closed.';
    this.#reopen?.cancel();
    await this.#opening;
    const line = this.#line;
    this.#line = undefined;
    await line?.close();
  }

  async #open(): Promise<void> {
    const { log, clock, openLine = openSerialLine } = this.#parts;
    const { path } = this.#settings;
    let isLost = false;
    try {
      const events = {
        onLost: (reason: string): void => {
          isLost = true;
          this.#lose(`${path} was unplugged (${reason}).`);
        },
        onData: (bytes: Buffer): void => this.#user.onData(bytes),
        onNoDirection: (): void => log.warn('the serial port has no RTS line; its adapter must turn the direction by itself', { path }),
      };
      const line = await openLine(this.#settings, events, clock);
      if (this.#isClosed || isLost) return await line.close();
      this.#line = line;
      this.#attempts = 0;
      this.#reason = '';
      log.info('serial port opened', { path });
      this.#user.onOpen();
    } catch (error) {
      this.#reason = error instanceof DriverError ? error.message : `${path} cannot be used.`;
      if (this.#attempts === 0) log.warn('serial port not available', { path, error });
      this.#reopenLater();
    }
  }

  #lose(reason: string): void {
    if (this.#isClosed) return;
    const line = this.#line;
    this.#line = undefined;
    this.#reason = reason;
    this.#parts.log.warn('serial port lost', { path: this.#settings.path, reason });
    this.#user.onLost(new DriverError('serial.unavailable', reason));
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
}
