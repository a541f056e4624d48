import type { Presets } from '../contract/camera-views.js';
import { LONGEST_MOVE_MS } from '../contract/control.js';
import { AgentError } from '../kernel/errors.js';
import { readWithWords, SOURCE } from './arguments.js';
import { ask, type Whom } from './ask.js';
import { findCamera } from './camera-words.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';

const HELP = `sightline ptz - move a camera

  sightline ptz CHANNEL move DIRECTION   left, right, up, down, in, out, or two of them as up-left
  sightline ptz CHANNEL stop             ends every movement
  sightline ptz CHANNEL preset           the stored places
  sightline ptz CHANNEL preset PLACE     drives there; its name or its token
  sightline ptz CHANNEL home             drives to where the camera is at home

  CHANNEL          cam-1, 1, or the camera's name
  --for SECONDS    how long to move, 0.1 to 5 (default 0.5); it stops by itself
  --speed SPEED    0.1 to 1 (default 0.5)
  --set            preset: store where the camera looks now under this name
  --remove         preset: forget this place
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Examples:
  sightline ptz cam-1 move up-left --for 2
  sightline ptz "Front door" preset Gate
`;

/** `sightline ptz` */
export const ptzCommand: CliCommand = { name: 'ptz', summary: 'move a camera, or drive it to a stored place', help: HELP, run };

const OPTIONS = {
  ...SOURCE,
  for: { type: 'string' },
  speed: { type: 'string' },
  set: { type: 'boolean' },
  remove: { type: 'boolean' },
} as const;

interface Options extends Whom {
  readonly json?: boolean | undefined;
  readonly for?: string | undefined;
  readonly speed?: string | undefined;
  readonly set?: boolean | undefined;
  readonly remove?: boolean | undefined;
}

interface Target {
  readonly cam: string;
  readonly name: string;
}

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const { values, words } = readWithWords('ptz', args, OPTIONS);
  const [channel, verb = '', word, ...more] = words;
  if (channel === undefined || more.length > 0 || !Object.hasOwn(VERBS, verb)) {
    throw usage('Which camera, and what is it to do?', 'See sightline ptz --help.');
  }
  const { cameras } = await ask('cameras', values, io);
  const { id, name } = findCamera(channel, cameras);
  const said = await VERBS[verb as keyof typeof VERBS]({ cam: id, name }, word, values, io);
  io.out(values.json === true ? `${JSON.stringify(said.json)}\n` : `${said.text}\n`);
  return EXIT.ok;
}

interface Said {
  readonly text: string;
  readonly json: unknown;
}

type Verb = (target: Target, word: string | undefined, options: Options, io: CliIo) => Promise<Said>;

const VERBS = {
  move: async ({ cam, name }, word, options, io) => {
    const velocity = direction(word, number('--speed', options.speed, 0.5, 0.1, 1));
    const forMs = Math.round(1000 * number('--for', options.for, 0.5, 0.1, LONGEST_MOVE_MS / 1000));
    await ask('ptz-move', options, io, { cam, ...velocity, forMs }, `${name} to move`);
    return { text: `${name} has moved ${word} for ${forMs / 1000} s and stands.`, json: { cam, ...velocity, forMs } };
  },
  stop: async ({ cam, name }, word, options, io) => {
    none(word);
    await ask('ptz-stop', options, io, { cam }, `${name} to stop`);
    return { text: `${name} stands.`, json: { cam, stopped: true } };
  },
  home: async ({ cam, name }, word, options, io) => {
    none(word);
    await ask('ptz-home', options, io, { cam }, `${name} to drive home`);
    return { text: `${name} drives home.`, json: { cam, home: true } };
  },
  preset: async (target, word, options, io) => {
    if (options.set === true && options.remove === true) throw usage('--set and --remove exclude each other.', 'Give one of them.');
    if (word === undefined) {
      if (options.set === true || options.remove === true) throw usage('Which place?', 'Give its name.');
      return listed(target, await ask('ptz-presets', options, io, { cam: target.cam }, `${target.name} to tell its places`));
    }
    return options.set === true ? store(target, word, options, io) : toPlace(target, word, options, io);
  },
} as const satisfies Readonly<Record<string, Verb>>;

function listed({ cam, name }: Target, { presets }: Presets): Said {
  const json = { cam, presets };
  if (presets.length === 0) return { text: `${name} has no stored place.`, json };
  return { text: columns([['TOKEN', 'NAME'], ...presets.map((preset) => [preset.token, preset.name || '-'])]), json };
}

async function store({ cam, name }: Target, word: string, options: Options, io: CliIo): Promise<Said> {
  const presets = await placesOf(cam, options, io);
  const old = presets?.find((preset) => preset.name.toLowerCase() === word.toLowerCase())?.token;
  const place = presets === undefined && /^[0-9]+$/.test(word) ? word : (old ?? null);
  const { token } = await ask('ptz-set-preset', options, io, { cam, name: word, token: place }, `${name} to store the place`);
  return { text: `${name} knows this place as "${word}" (${token}).`, json: { cam, name: word, token } };
}

async function toPlace({ cam, name }: Target, word: string, options: Options, io: CliIo): Promise<Said> {
  const token = await tokenOf(cam, word, options, io);
  if (options.remove === true) {
    await ask('ptz-remove-preset', options, io, { cam, token }, `${name} to forget the place`);
    return { text: `${name} has forgotten "${word}".`, json: { cam, removed: token } };
  }
  await ask('ptz-goto', options, io, { cam, token }, `${name} to drive`);
  return { text: `${name} drives to "${word}".`, json: { cam, token } };
}

/** Undefined for gear that cannot list its places, as on a serial bus: there the word is the number. */
async function placesOf(cam: string, options: Options, io: CliIo): Promise<Presets['presets'] | undefined> {
  try {
    return (await ask('ptz-presets', options, io, { cam })).presets;
  } catch (error) {
    if (error instanceof AgentError && error.code === 'cameras.unsupported') return undefined;
    throw error;
  }
}

/** By its name, else by its token. @throws AgentError cli.unknown_id */
async function tokenOf(cam: string, word: string, options: Options, io: CliIo): Promise<string> {
  const presets = await placesOf(cam, options, io);
  if (presets === undefined) return word;
  const found = presets.find(({ name }) => name.toLowerCase() === word.toLowerCase()) ?? presets.find(({ token }) => token === word);
  if (found !== undefined) return found.token;
  throw new AgentError({ code: 'cli.unknown_id', say: `There is no place "${word}".`, fix: `See sightline ptz ${cam} preset.` });
}

const WAYS: Readonly<Record<string, { readonly axis: 'pan' | 'tilt' | 'zoom'; readonly sign: 1 | -1 }>> = {
  left: { axis: 'pan', sign: -1 },
  right: { axis: 'pan', sign: 1 },
  up: { axis: 'tilt', sign: 1 },
  down: { axis: 'tilt', sign: -1 },
  in: { axis: 'zoom', sign: 1 },
  out: { axis: 'zoom', sign: -1 },
};

/** @throws AgentError cli.usage */
function direction(word: string | undefined, speed: number): { pan: number; tilt: number; zoom: number } {
  const velocity = { pan: 0, tilt: 0, zoom: 0 };
  for (const part of (word ?? '').split('-')) {
    const way = Object.hasOwn(WAYS, part) ? WAYS[part] : undefined;
    if (way === undefined || velocity[way.axis] !== 0) throw usage('Which way?', 'Give left, right, up, down, in, out, or two as up-left.');
    velocity[way.axis] = way.sign * speed;
  }
  return velocity;
}

/** @throws AgentError cli.usage */
function none(word: string | undefined): void {
  if (word !== undefined) throw usage(`"${word}" means nothing here.`, 'See sightline ptz --help.');
}

/** @throws AgentError cli.usage */
function number(option: string, text: string | undefined, usual: number, least: number, most: number): number {
  if (text === undefined) return usual;
  const value = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw usage(`${option} is a number from ${least} to ${most}.`, 'See sightline ptz --help.');
}

function usage(say: string, fix: string): AgentError {
  return new AgentError({ code: 'cli.usage', say, fix });
}
