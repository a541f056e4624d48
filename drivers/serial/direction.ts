import type { DriverClock, SerialPortSettings } from '../port.js';

/** What turning a line needs of an open port. */
export interface TurnedPort {
  write(bytes: Buffer): Promise<void>;
  drain(): Promise<void>;
  set(lines: {
    readonly brk: boolean;
    readonly cts: boolean;
    readonly dsr: boolean;
    readonly dtr: boolean;
    readonly rts: boolean;
  }): Promise<void>;
}

/** One character on the wire, start, parity and stop included. */
export function characterMs({ baudRate, parity }: Pick<SerialPortSettings, 'baudRate' | 'parity'>): number {
  return ((parity === 'none' ? 10 : 11) * 1000) / baudRate;
}

/**
 * Two wires carry both directions (RS-485): whoever sends holds the line, and must let go before the other side answers. RTS up, write, drain, the time
 * that the characters take, RTS down. A port without the line (a pty, many adapters: ENOTTY) is used as if its adapter turned it.
 */
export class Direction {
  readonly #settings: SerialPortSettings;
  readonly #port: TurnedPort;
  readonly #clock: DriverClock;
  readonly #onNone: () => void;
  #mayTurn: boolean;
  #last: Promise<void> = Promise.resolve();

  /** `onNone` is called once when the port turns out to have no RTS line. */
  constructor(settings: SerialPortSettings, port: TurnedPort, clock: DriverClock, onNone: () => void) {
    this.#settings = settings;
    this.#port = port;
    this.#clock = clock;
    this.#onNone = onNone;
    this.#mayTurn = settings.direction === 'rts';
  }

  /** To be done right after opening: drivers raise RTS when a port is opened, and would hold the line. */
  listen(): Promise<void> {
    return this.#turn(false);
  }

  /** Resolves when the bytes are on the wire and the line is given back; without turning, when the kernel has them. One after another. */
  write(bytes: Buffer, isOver: () => boolean): Promise<void> {
    if (!this.#mayTurn) return this.#port.write(bytes);
    const mine = this.#last.then(() => this.#writeTurned(bytes, isOver));
    // Whoever comes next waits for the line, not for the success.
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #writeTurned(bytes: Buffer, isOver: () => boolean): Promise<void> {
    await this.#turn(true);
    try {
      const beganMs = this.#clock.monotonicMs();
      await this.#port.write(bytes);
      if (!this.#mayTurn) return;
      await this.#port.drain();
      // Adapters say "sent" while the last character is still in their shift register; some of them at once, with everything still before them.
      const characters = characterMs(this.#settings);
      const leftMs = Math.max(0, beganMs + bytes.length * characters - this.#clock.monotonicMs());
      await new Promise<void>((resolve) => void this.#clock.after(leftMs + characters, resolve));
    } finally {
      if (!isOver()) await this.#turn(false);
    }
  }

  async #turn(isSending: boolean): Promise<void> {
    if (!this.#mayTurn) return;
    try {
      await this.#port.set({ brk: false, cts: false, dsr: false, dtr: true, rts: isSending });
    } catch {
      this.#mayTurn = false;
      this.#onNone();
    }
  }
}
