import {
  type CallOptions,
  DriverError,
  type SerialGearFactory,
  type SerialListener,
  type SerialPortSettings,
  type SerialTraffic,
  type UpsDriver,
  type UpsReading,
} from '../port.js';
import { CONTACT_ID_ACK, CONTACT_ID_ENDS, CONTACT_ID_LINE_BYTES, readContactId } from './contact-id.js';
import { KeptLine, type SerialParts } from './kept-line.js';
import { LineReader } from './lines.js';
import { MEGATEC_END, MEGATEC_LINE_BYTES, MEGATEC_STATUS, readMegatec } from './megatec.js';
import { NMEA_ENDS, NMEA_LINE_BYTES, NmeaFix } from './nmea.js';
import { ReceiptReader } from './receipt.js';
import { Watchers } from './watchers.js';

/** A supply answers within a second; at 2400 baud its answer takes a fifth of one. */
const UPS_MS = 2_000;

/** Makes what listens to gear on ports of its own. What a listener's callback throws is the caller's fault and is not caught here. */
export function createSerialGearFactory(parts: SerialParts): SerialGearFactory {
  return {
    ups: (settings) => new Ups(parts, settings),
    gps: (settings, onFix) => {
      const lines = new LineReader(NMEA_ENDS, NMEA_LINE_BYTES);
      const fix = new NmeaFix();
      return listen(parts, settings, (bytes) => {
        for (const line of lines.push(bytes)) {
          const taken = fix.take(line);
          if (taken !== undefined) onFix(taken);
        }
      });
    },
    alarms: (settings, onAlarm) => {
      const lines = new LineReader(CONTACT_ID_ENDS, CONTACT_ID_LINE_BYTES);
      return listen(parts, settings, (bytes, answer) => {
        for (const line of lines.push(bytes)) {
          // Only what was understood and kept is answered: the rest is to be said again.
          const said = readContactId(line);
          if (said === 'alive') answer(CONTACT_ID_ACK);
          else if (said !== undefined) void onAlarm(said).then((isKept) => isKept && answer(CONTACT_ID_ACK), notKept);
        }
      });
    },
    receipts: (settings, onLine) => {
      const reader = new ReceiptReader();
      return listen(parts, settings, (bytes) => {
        for (const line of reader.push(bytes)) onLine(line);
      });
    },
  };
}

/** Whoever could not keep an alarm has told so himself. */
const notKept = (): void => undefined;

function listen(
  parts: SerialParts,
  settings: SerialPortSettings,
  onBytes: (bytes: Buffer, answer: (bytes: Buffer) => void) => void,
): SerialListener {
  const watchers = new Watchers(parts.clock);
  const answer = (bytes: Buffer): void => {
    watchers.tell('out', bytes);
    // An answer that cannot be written is asked for again by whoever waits for it.
    void line.write(bytes).catch(() => undefined);
  };
  const line = new KeptLine(parts, settings, {
    onOpen: () => undefined,
    onData: (bytes) => {
      watchers.tell('in', bytes);
      onBytes(bytes, answer);
    },
    onLost: () => undefined,
  });
  line.begin();
  return { state: () => line.state(), watch: (onTraffic) => watchers.add(onTraffic), close: () => line.close() };
}

/** A question that waits for its answer. */
interface Asked {
  readonly answer: Promise<UpsReading>;
  readonly end: (result: UpsReading | DriverError) => void;
}

/** One question at a time; whoever asks meanwhile gets the same answer. */
class Ups implements UpsDriver {
  readonly #parts: SerialParts;
  readonly #line: KeptLine;
  readonly #path: string;
  readonly #watchers: Watchers;
  #lines = new LineReader([MEGATEC_END], MEGATEC_LINE_BYTES);
  #asked: Asked | undefined;

  constructor(parts: SerialParts, settings: SerialPortSettings) {
    this.#parts = parts;
    this.#path = settings.path;
    this.#watchers = new Watchers(parts.clock);
    this.#line = new KeptLine(parts, settings, {
      onOpen: () => undefined,
      onData: (bytes) => this.#heard(bytes),
      onLost: (failure) => this.#asked?.end(failure),
    });
    this.#line.begin();
  }

  state(): { readonly isOpen: boolean; readonly reason: string } {
    return this.#line.state();
  }

  watch(onTraffic: (traffic: SerialTraffic) => void): () => void {
    return this.#watchers.add(onTraffic);
  }

  async close(): Promise<void> {
    this.#asked?.end(new DriverError('driver.aborted', 'The serial port was closed.'));
    await this.#line.close();
  }

  async read({ signal }: CallOptions): Promise<UpsReading> {
    if (signal.aborted) throw aborted();
    if (!this.#line.isOpen) throw this.#line.failure();
    const { answer } = this.#asked ?? this.#ask();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(aborted());
      signal.addEventListener('abort', onAbort, { once: true });
      answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  #ask(): Asked {
    let end: (result: UpsReading | DriverError) => void = () => undefined;
    const answer = new Promise<UpsReading>((resolve, reject) => {
      const timer = this.#parts.clock.after(
        UPS_MS,
        () => end(new DriverError('serial.timeout', `The supply on ${this.#path} does not answer.`)),
        true,
      );
      end = (result) => {
        timer.cancel();
        this.#asked = undefined;
        if (result instanceof DriverError) reject(result);
        else resolve(result);
      };
    });
    answer.catch(() => undefined);
    // What was said before belongs to nobody.
    this.#lines = new LineReader([MEGATEC_END], MEGATEC_LINE_BYTES);
    const asked: Asked = { answer, end: (result) => end(result) };
    this.#asked = asked;
    this.#watchers.tell('out', MEGATEC_STATUS);
    this.#line.write(MEGATEC_STATUS).catch((failure: DriverError) => end(failure));
    return asked;
  }

  #heard(bytes: Buffer): void {
    this.#watchers.tell('in', bytes);
    for (const line of this.#lines.push(bytes)) {
      const reading = readMegatec(line);
      if (reading !== undefined) this.#asked?.end(reading);
    }
  }
}

function aborted(): DriverError {
  return new DriverError('driver.aborted', 'The question was cancelled.');
}
