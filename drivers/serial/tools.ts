import {
  DriverError,
  type SerialCandidate,
  type SerialFinding,
  type SerialPortSettings,
  type SerialPtzProtocol,
  type SerialScanOptions,
  type SerialTools,
} from '../port.js';
import { createSerialBusFactory } from './bus.js';
import { KeptLine, type SerialParts } from './kept-line.js';
import { openSerialLine, type SerialLine } from './line.js';
import { PelcoDReplyReader, pelcoDQuery } from './pelco-d.js';
import { readVisca, VISCA_ADDRESS_SET, ViscaDecoder, type ViscaMessage, viscaInquiry } from './visca.js';
import { Watchers } from './watchers.js';

/** Likeliest first: Sony's cameras come with 9600, domes with 2400 or 9600. */
const BAUD_RATES = [9600, 2400, 4800, 19_200, 38_400] as const;
const ADDRESSES = [1, 2, 3, 4, 5, 6, 7, 8] as const;
const PROTOCOLS: readonly SerialPtzProtocol[] = ['visca', 'pelco-d', 'pelco-p', 'pelco-p-direct', 'samsung-t', 'hikvision'];
const ANSWER_MS = 150;
const NUDGE_MS = 500;
/** Bytes of the longest answer, for the time that it takes. */
const ANSWER_BYTES = 16;

/** Looks at ports that nothing else uses: each is opened with a lock, so a port of the running agent is refused by itself. */
export function createSerialTools(parts: SerialParts): SerialTools {
  return {
    monitor: (settings, onTraffic) => {
      const watchers = new Watchers(parts.clock);
      watchers.add(onTraffic);
      const onData = (bytes: Buffer): void => watchers.tell('in', bytes);
      const line = new KeptLine(parts, settings, { onOpen: () => undefined, onData, onLost: () => undefined });
      line.begin();
      return { state: () => line.state(), watch: (also) => watchers.add(also), close: () => line.close() };
    },
    scan: (path, options) => scan(parts, path, options),
    candidates,
    nudge: (path, candidate, options) => nudge(parts, path, candidate, options),
  };
}

const baudRatesOf = ({ baudRates = BAUD_RATES }: SerialScanOptions): readonly number[] => baudRates;
const addressesOf = ({ addresses = ADDRESSES }: SerialScanOptions): readonly number[] => addresses;
const isWanted = ({ protocols = PROTOCOLS }: SerialScanOptions, protocol: SerialPtzProtocol): boolean => protocols.includes(protocol);

/** Which gear could be there, without asking it: by the way each protocol usually comes. */
function candidates(options: SerialScanOptions): readonly SerialCandidate[] {
  const protocols = PROTOCOLS.filter((protocol) => isWanted(options, protocol) && protocol !== 'visca');
  const out: SerialCandidate[] = [];
  for (const address of addressesOf(options)) {
    for (const protocol of protocols) {
      for (const baudRate of baudRatesOf(options)) out.push({ protocol, baudRate, parity: 'none', address });
    }
  }
  return out;
}

async function* scan(parts: SerialParts, path: string, options: SerialScanOptions): AsyncGenerator<SerialFinding> {
  for (const baudRate of baudRatesOf(options)) {
    const settings: SerialPortSettings = { path, baudRate, parity: 'none', direction: options.direction };
    const ear = await Ear.open(parts, settings);
    try {
      const common = { baudRate, parity: 'none' } as const;
      if (isWanted(options, 'visca')) for await (const found of askVisca(ear, options)) yield { ...found, ...common };
      if (isWanted(options, 'pelco-d')) for await (const found of askPelco(ear, options)) yield { ...found, ...common };
    } finally {
      await ear.close();
    }
  }
}

type Answered = Pick<SerialFinding, 'protocol' | 'address' | 'says'>;

/** The chain is numbered first: cameras without a number hear nothing else. */
async function* askVisca(ear: Ear, options: SerialScanOptions): AsyncGenerator<Answered> {
  options.onTry?.(`VISCA at ${ear.baudRate} baud`);
  const set = await ear.ask(
    VISCA_ADDRESS_SET,
    viscaReader((message) => (message.kind === 'address-set' && message.next > 1 ? message.next - 1 : undefined)),
    options,
  );
  for (const address of addressesOf(options).filter((one) => one <= 7)) {
    if (set !== undefined && address > set) break;
    const isIts = (message: ViscaMessage): Uint8Array | undefined =>
      message.kind === 'answer' && message.camera === address ? message.data : undefined;
    const version = await ear.ask(viscaInquiry(address, 'version'), viscaReader(isIts), options);
    if (version !== undefined) yield { protocol: 'visca', address, says: versionWords(version) };
    // Without numbering only a single camera, whose wire goes one way round, may be there.
    if (set === undefined && version === undefined && address === 1) break;
  }
}

async function* askPelco(ear: Ear, options: SerialScanOptions): AsyncGenerator<Answered> {
  options.onTry?.(`Pelco-D at ${ear.baudRate} baud`);
  for (const address of addressesOf(options).filter((one) => one >= 1 && one <= 254)) {
    const query = pelcoDQuery(address, 'pan');
    const reader = new PelcoDReplyReader(query);
    const reply = await ear.ask(query, (bytes) => reader.push(bytes), options);
    if (reply?.kind === 'position') yield { protocol: 'pelco-d', address, says: `looks at ${(reply.value / 100).toFixed(2)}°` };
    else if (reply !== undefined) yield { protocol: 'pelco-d', address, says: 'answers, but does not tell where it looks' };
  }
}

function viscaReader<T>(pick: (message: ViscaMessage) => T | undefined): (bytes: Uint8Array) => T | undefined {
  const decoder = new ViscaDecoder();
  return (bytes) => {
    for (const raw of decoder.push(bytes)) {
      const picked = pick(readVisca(raw));
      if (picked !== undefined) return picked;
    }
    return undefined;
  };
}

/** Vendor, model and ROM version, as the answer counts them. */
function versionWords(data: Uint8Array): string {
  const hex = (from: number, to: number): string => Buffer.from(data.subarray(from, to)).toString('hex');
  const maker = hex(0, 2) === '0001' || hex(0, 2) === '0020' ? 'Sony, ' : '';
  return data.length < 6 ? 'answers' : `${maker}model ${hex(2, 4)}, version ${hex(4, 6)}`;
}

/** The real driver does it, so that what is tried is what will be used. */
async function nudge(parts: SerialParts, path: string, candidate: SerialCandidate, options: SerialScanOptions): Promise<void> {
  const { protocol, baudRate, parity, address } = candidate;
  const settings: SerialPortSettings = { path, baudRate, parity, direction: options.direction };
  let opened = (_failure?: DriverError): void => undefined;
  const open = new Promise<void>((resolve, reject) => {
    opened = (failure) => (failure === undefined ? resolve() : reject(failure));
  });
  const openLine: typeof openSerialLine = async (...given) => {
    try {
      const line = await (parts.openLine ?? openSerialLine)(...given);
      parts.clock.after(0, () => opened());
      return line;
    } catch (error) {
      opened(error instanceof DriverError ? error : new DriverError('serial.unavailable', `${path} cannot be used.`, { cause: error }));
      throw error;
    }
  };
  const bus = createSerialBusFactory({ ...parts, openLine }).open(settings);
  try {
    await open;
    const ptz = bus.ptz(protocol, address);
    await ptz.move({ pan: 0.5, tilt: 0, zoom: 0 }, options);
    await wait(parts, NUDGE_MS);
    // Whoever cancels in between does not want it to go on turning.
    await ptz.stop({ signal: new AbortController().signal });
    await wait(parts, 2 * ANSWER_MS);
  } finally {
    await bus.close();
  }
}

function wait({ clock }: SerialParts, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

/** A port that is asked one question at a time. */
class Ear {
  readonly #parts: SerialParts;
  readonly #line: SerialLine;
  readonly #settings: SerialPortSettings;
  #heard: (bytes: Buffer) => void = () => undefined;
  #lost: DriverError | undefined;

  private constructor(parts: SerialParts, settings: SerialPortSettings, line: SerialLine) {
    this.#parts = parts;
    this.#settings = settings;
    this.#line = line;
  }

  static async open(parts: SerialParts, settings: SerialPortSettings): Promise<Ear> {
    let ear: Ear | undefined;
    const events = {
      onData: (bytes: Buffer): void => ear?.hear(bytes),
      onLost: (reason: string): void => {
        if (ear !== undefined) ear.#lost = new DriverError('serial.unavailable', `${settings.path} was unplugged (${reason}).`);
      },
      onNoDirection: (): void => parts.log.warn('the serial port has no RTS line', { path: settings.path }),
    };
    ear = new Ear(parts, settings, await (parts.openLine ?? openSerialLine)(settings, events, parts.clock));
    return ear;
  }

  /** Bytes from the port; they belong to the question that is asked now, or to nobody. */
  hear(bytes: Buffer): void {
    this.#heard(bytes);
  }

  get baudRate(): number {
    return this.#settings.baudRate;
  }

  /** What comes back within the time that a question and an answer take; undefined for silence. */
  async ask<T>(bytes: Buffer, read: (bytes: Uint8Array) => T | undefined, { signal }: SerialScanOptions): Promise<T | undefined> {
    if (signal.aborted) throw new DriverError('driver.aborted', 'The search was cancelled.');
    if (this.#lost !== undefined) throw this.#lost;
    const waitMs = ANSWER_MS + Math.ceil(((bytes.length + ANSWER_BYTES) * 11_000) / this.baudRate);
    return new Promise<T | undefined>((resolve, reject) => {
      const end = (found: T | undefined): void => {
        timer.cancel();
        this.#heard = () => undefined;
        resolve(found);
      };
      const timer = this.#parts.clock.after(waitMs, () => end(undefined));
      this.#heard = (heard) => {
        const found = read(heard);
        if (found !== undefined) end(found);
      };
      this.#line.write(bytes).catch((error: unknown) => {
        timer.cancel();
        reject(error);
      });
    });
  }

  close(): Promise<void> {
    return this.#line.close();
  }
}
