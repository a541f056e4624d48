/** Bytes on a line as they mean, for whoever looks for a fault. Pure: the time is handed in. */
import type { SerialTraffic } from '../port.js';
import { GearLines } from './gear-words.js';
import { type HikvisionCommand, HikvisionDecoder, hikvisionAct } from './hikvision.js';
import { type PelcoDCommand, PelcoDDecoder, pelcoDPosition } from './pelco-d.js';
import { PelcoPDecoder } from './pelco-p.js';
import { type SamsungTCommand, SamsungTDecoder } from './samsung-t.js';
import { readVisca, ViscaDecoder, type ViscaMessage } from './visca.js';

/** Longest piece of noise that is told at once. */
const MOST_BYTES = 64;
/** A card number may come cut anywhere, so of every number that hangs together only the first digits are told. */
const TOLD_DIGITS = 4;
const SPACE = 0x20;
const DASH = 0x2d;
const STAR = 0x2a;

interface Found {
  readonly name: string;
  readonly meaning: string;
}

/** Listens in both directions and tells each piece of bytes with every message that it completed, in whatever language. */
export class TrafficReader {
  readonly #now: () => number;
  readonly #sides = { in: new Side(), out: new Side() };

  /** `now` answers wall clock ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** What these bytes are. Never throws. */
  read(direction: 'in' | 'out', bytes: Uint8Array): readonly SerialTraffic[] {
    const out: SerialTraffic[] = [];
    for (let at = 0; at < bytes.length; at += MOST_BYTES) {
      const piece = bytes.subarray(at, at + MOST_BYTES);
      const { found, shown } = this.#sides[direction].push(piece);
      const text = isText(piece) ? `text ${JSON.stringify(shown.toString('latin1'))}` : '';
      out.push({
        atMs: this.#now(),
        direction,
        // What is text is told once, as text.
        hex: text === '' ? shown.toString('hex') : '',
        meaning: found.length > 0 ? found.map(({ name, meaning }) => `${name} ${meaning}`).join('; ') : text,
      });
    }
    return out;
  }
}

/** One direction: its frames may be cut anywhere. */
class Side {
  readonly #pelcoD = new PelcoDDecoder();
  readonly #pelcoP = new PelcoPDecoder();
  readonly #samsung = new SamsungTDecoder();
  readonly #hikvision = new HikvisionDecoder();
  readonly #lines = new GearLines();
  readonly #visca = new ViscaDecoder();
  /** Digits of the number that the last piece ended in. */
  #digits = 0;

  /** What was understood, and the bytes as they may be told: with stars for the digits that may not. */
  push(bytes: Uint8Array): { readonly found: readonly Found[]; readonly shown: Buffer } {
    return { found: this.#understood(bytes), shown: Buffer.from(bytes.map((byte) => this.#blanked(byte))) };
  }

  #blanked(byte: number): number {
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (isDigit) this.#digits += 1;
    else if (byte !== SPACE && byte !== DASH) this.#digits = 0;
    return isDigit && this.#digits > TOLD_DIGITS ? STAR : byte;
  }

  #understood(bytes: Uint8Array): readonly Found[] {
    const framed = [
      ...this.#pelcoD.push(bytes).map((frame) => ({ name: 'Pelco-D', meaning: pelcoWords(frame, LENS_D) })),
      ...this.#pelcoP.push(bytes).map((frame) => ({ name: 'Pelco-P', meaning: pelcoWords(frame, LENS_P) })),
      ...this.#samsung.push(bytes).map((frame) => ({ name: 'Samsung-T', meaning: samsungWords(frame) })),
      ...this.#hikvision.push(bytes).map((frame) => ({ name: 'Hikvision', meaning: hikvisionWords(frame) })),
      ...this.#lines.push(bytes),
    ];
    const visca = this.#visca.push(bytes).map(readVisca);
    // A frame with a sum is surely one; what looks like VISCA inside it is not.
    return framed.length > 0
      ? framed
      : visca.filter(({ kind }) => kind !== 'other').map((one) => ({ name: 'VISCA', meaning: viscaWords(one) }));
  }
}

const WAYS: readonly (readonly [number, string])[] = [
  [0x02, 'right'],
  [0x04, 'left'],
  [0x08, 'up'],
  [0x10, 'down'],
  [0x20, 'tele'],
  [0x40, 'wide'],
];
const LENS_D: readonly (readonly [number, string])[] = [
  [0x01, 'focus near'],
  [0x02, 'iris open'],
  [0x04, 'iris close'],
];
const LENS_P: readonly (readonly [number, string])[] = [
  [0x01, 'focus far'],
  [0x02, 'focus near'],
  [0x04, 'iris open'],
  [0x08, 'iris close'],
];
const ACTS: Readonly<Record<number, string>> = {
  3: 'store preset',
  5: 'clear preset',
  7: 'go to preset',
  9: 'auxiliary on',
  11: 'auxiliary off',
  75: 'pan to',
  77: 'tilt to',
  79: 'zoom to',
  81: 'asks for pan',
  83: 'asks for tilt',
  85: 'asks for zoom',
};

function pelcoWords(frame: PelcoDCommand, lens: typeof LENS_D): string {
  const { address, command1, command2, data1, data2 } = frame;
  const position = pelcoDPosition(frame);
  if (position !== undefined) return `${address}: ${position.which} is ${position.value}`;
  const act = ACTS[command2];
  if (act !== undefined && command1 === 0) return `${address}: ${act}${act.startsWith('asks') ? '' : ` ${data1 * 256 + data2}`}`;
  if ((command2 & 1) === 1) return `${address}: command ${hex(command1)} ${hex(command2)} ${hex(data1)} ${hex(data2)}`;
  const far = lens === LENS_D && (command2 & 0x80) !== 0 ? ['focus far'] : [];
  return `${address}: ${ways(command1, lens, [...far, ...named(command2, WAYS)], data1, data2)}`;
}

function samsungWords({ camera, host, command1, command2, data }: SamsungTCommand): string {
  if ((command2 & 1) === 1) return `${camera} from ${host}: command ${hex(command1)} ${hex(command2)} ${data.map(hex).join(' ')}`;
  return `${camera}: ${ways(command1, LENS_P.slice(0, 2), named(command2, WAYS), data[0], data[1])}`;
}

function hikvisionWords(frame: HikvisionCommand): string {
  const act = hikvisionAct(frame);
  const [tilt, pan] = frame.data;
  if (act === undefined) return `${frame.address}: command ${hex(frame.command)} ${frame.data.map(hex).join(' ')}`;
  if (act === 'set' || act === 'clear' || act === 'goto') return `${frame.address}: ${PRESET_ACTS[act]} preset ${tilt}`;
  const speeds = pan + tilt > 0 ? ` (pan speed ${pan}, tilt speed ${tilt})` : '';
  return `${frame.address}: ${act.replace('-', ' ')}${speeds}`;
}

const PRESET_ACTS = { set: 'store', clear: 'clear', goto: 'go to' } as const;

function ways(command1: number, lens: typeof LENS_D, moves: readonly string[], pan: number, tilt: number): string {
  const all = [...moves, ...named(command1, lens)];
  return all.length === 0 ? 'stop' : `${all.join(', ')} (pan speed ${pan}, tilt speed ${tilt})`;
}

function named(bits: number, names: readonly (readonly [number, string])[]): readonly string[] {
  return names.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name);
}

function viscaWords(message: ViscaMessage): string {
  switch (message.kind) {
    case 'ack':
      return `${message.camera}: taken, socket ${message.socket}`;
    case 'done':
      return `${message.camera}: done, socket ${message.socket}`;
    case 'answer':
      return `${message.camera}: answers ${hexOf(message.data)}`;
    case 'refused':
      return `${message.camera}: refuses, ${message.reason}`;
    case 'network-change':
      return `${message.camera}: the chain changed`;
    case 'address-set':
      return message.next > 1 ? `${message.next - 1} numbered, or the question for it` : 'number yourselves';
    case 'clear':
      return 'empty your sockets';
    case 'cancel':
      return `${message.camera}: give up socket ${message.socket}`;
    case 'command':
      return `${message.camera}: ${viscaCommand(message.data)}`;
    case 'inquiry':
      return `${message.camera}: asks ${hexOf(message.data)}`;
    case 'other':
      return hexOf(message.bytes);
  }
}

const VISCA_COMMANDS: readonly (readonly [string, string])[] = [
  ['0601', 'pan and tilt'],
  ['0407', 'zoom'],
  ['0408', 'focus'],
  ['0438', 'focus mode'],
  ['043f', 'memory'],
  ['0604', 'home'],
  ['0602', 'go to a position'],
  ['0603', 'step'],
  ['0447', 'zoom to'],
  ['0400', 'power'],
];

function viscaCommand(data: Uint8Array): string {
  const text = hexOf(data);
  const known = VISCA_COMMANDS.find(([begin]) => text.startsWith(begin));
  return known === undefined ? `command ${text}` : `${known[1]} ${text.slice(4)}`.trimEnd();
}

/** Text through and through: gear that speaks in lines. */
function isText(bytes: Uint8Array): boolean {
  return bytes.length > 2 && bytes.every((byte) => (byte >= SPACE && byte < 0x7f) || byte === 0x0d || byte === 0x0a);
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
