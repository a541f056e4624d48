import { type CallOptions, DriverError, type PtzDriver, type PtzPosition, type PtzStatus } from '../port.js';
import type { BusSide } from './bus-side.js';
import { type PelcoAxis, PelcoDReplyReader } from './pelco-d.js';
import type { LensAct, PresetAct, ProtocolWords } from './words.js';

/** A head begins to answer within a few ms; a reply of seven bytes at 2400 baud takes 30. */
const REPLY_MS = 150;
const AUXILIARIES = 8;
const LENS: readonly LensAct[] = ['focus-near', 'focus-far', 'iris-open', 'iris-close'];
const FULL_TURN = 36_000;
const ZOOM_MAX = 0xffff;

/** PTZ gear that is told by frames and mostly does not answer: the Pelco family, its relatives, Hikvision's own. `address` is what goes over the wire. */
export function pelcoPtz(words: ProtocolWords, address: number, bus: BusSide): PtzDriver {
  const stop = words.stop(address);
  const send = (bytes: Buffer, kind: 'move' | 'other', options: CallOptions): Promise<void> =>
    bus.send({ bytes, kind, undo: kind === 'move' ? stop : undefined }, options);
  return {
    move: (velocity, options) => {
      const bytes = words.move(address, velocity);
      return bytes.equals(stop) ? bus.send({ bytes, kind: 'stop' }, options) : send(bytes, 'move', options);
    },
    stop: (options) => bus.send({ bytes: stop, kind: 'stop' }, options),
    auxiliaries: auxiliariesOf(words),
    auxiliary: (command, options) => {
      const bytes = auxiliaryFrame(words, address, command);
      return bytes === undefined ? refuseCommand(command) : send(bytes, command.startsWith('aux:') ? 'other' : 'move', options);
    },
    ...presets(words, address, send),
    ...positions(words, address, bus),
  };
}

/** Stored places have numbers; what is stored where, the gear does not tell. */
function presets(
  words: ProtocolWords,
  address: number,
  send: (bytes: Buffer, kind: 'move' | 'other', options: CallOptions) => Promise<void>,
): Pick<PtzDriver, 'goto' | 'setPreset' | 'removePreset'> {
  const tell = (act: PresetAct, token: string, options: CallOptions): Promise<void> => {
    const number = presetNumber(token, words.presets);
    if (number === undefined) return refuse(words.presets, token);
    const bytes = words.preset(address, act, number);
    return bytes === undefined ? refuseAct(act) : send(bytes, act === 'goto' ? 'move' : 'other', options);
  };
  return {
    goto: (token, options) => tell('goto', token, options),
    setPreset: async (name, options) => {
      const token = options.token ?? name.match(/\d+/)?.[0] ?? name;
      await tell('set', token, options);
      return String(Number(token));
    },
    removePreset: (token, options) => tell('clear', token, options),
  };
}

function presetNumber(token: string, [first, last]: ProtocolWords['presets']): number | undefined {
  const number = /^\d{1,3}$/.test(token) ? Number(token) : Number.NaN;
  return number >= first && number <= last ? number : undefined;
}

function refuse([first, last]: ProtocolWords['presets'], token: string): Promise<never> {
  const message = `This gear knows presets by number, ${first} to ${last}; "${token}" is none.`;
  return Promise.reject(new DriverError('camera.refused', message, { detail: { first, last } }));
}

function refuseAct(act: PresetAct): Promise<never> {
  return Promise.reject(new DriverError('camera.unsupported', `This gear cannot ${act} presets over the line.`));
}

function refuseCommand(command: string): Promise<never> {
  return Promise.reject(new DriverError('camera.unsupported', `This gear has no "${command}".`));
}

function auxiliariesOf(words: ProtocolWords): readonly string[] {
  const outputs = Array.from({ length: AUXILIARIES }, (_, at) => [`aux:${at + 1}|on`, `aux:${at + 1}|off`]).flat();
  return [...(words.auxiliary === undefined ? [] : outputs), ...(words.lens === undefined ? [] : LENS)];
}

function auxiliaryFrame(words: ProtocolWords, address: number, command: string): Buffer | undefined {
  const [, output, act] = /^aux:([1-9]\d{0,2})\|(on|off)$/.exec(command) ?? [];
  if (output !== undefined && Number(output) <= 255) return words.auxiliary?.(address, act === 'on' ? 'on' : 'off', Number(output));
  const lens = LENS.find((one) => one === command);
  return lens === undefined ? undefined : words.lens?.(address, lens);
}

/** Where it looks and where to: only for gear that can say so. */
function positions(words: ProtocolWords, address: number, bus: BusSide): Pick<PtzDriver, 'absolute' | 'status'> {
  const { query, go } = words;
  if (query === undefined || go === undefined) return {};
  const ask = async (which: PelcoAxis, options: CallOptions): Promise<number> => {
    const bytes = query(address, which);
    const reader = new PelcoDReplyReader(bytes);
    let value: number | undefined;
    const read = (heard: Uint8Array): boolean => {
      const reply = reader.push(heard);
      if (reply?.kind === 'position' && reply.which === which) value = reply.value;
      return value !== undefined;
    };
    await bus.send({ bytes, kind: 'other', reply: { waitMs: REPLY_MS + bus.wireMs(bytes.length), read } }, options);
    return value ?? 0;
  };
  return {
    status: async (options): Promise<PtzStatus> => {
      const pan = panOf(await ask('pan', options));
      const tilt = tiltOf(await ask('tilt', options));
      // Heads without a lens of their own tell pan and tilt only.
      const zoom = await ask('zoom', options).then((value) => value / ZOOM_MAX, ifSilent);
      return { position: { pan, tilt, zoom }, isMoving: undefined, error: '' };
    },
    absolute: async ({ pan, tilt, zoom }: PtzPosition, options) => {
      const goTo = (which: PelcoAxis, value: number): Promise<void> =>
        bus.send({ bytes: go(address, which, value), kind: 'other', undo: words.stop(address) }, options);
      if (pan !== undefined) await goTo('pan', hundredths(clamp(pan) * 180));
      if (tilt !== undefined) await goTo('tilt', hundredths(-clamp(tilt) * 90));
      if (zoom !== undefined) await goTo('zoom', Math.round(Math.max(0, clamp(zoom)) * ZOOM_MAX));
    },
  };
}

function ifSilent(error: unknown): undefined {
  if (error instanceof DriverError && error.code === 'serial.timeout') return undefined;
  throw error;
}

const clamp = (value: number): number => (Number.isFinite(value) ? Math.max(-1, Math.min(1, value)) : 0);

/** Degrees as hundredths from 0 to 35999. */
function hundredths(degrees: number): number {
  return (Math.round(degrees * 100) + FULL_TURN) % FULL_TURN;
}

/** -1..1, 0 being the head's own zero; positive is clockwise. */
function panOf(value: number): number {
  const degrees = (value % FULL_TURN) / 100;
  return (degrees > 180 ? degrees - 360 : degrees) / 180;
}

/** -1..1, positive is up; heads count downward from the horizon. */
function tiltOf(value: number): number {
  const degrees = (value % FULL_TURN) / 100;
  return clamp((degrees > 180 ? 360 - degrees : 0 - degrees) / 90);
}
