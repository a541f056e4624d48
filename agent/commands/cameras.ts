import { HostText, type LocalCamera, NetworkText, type SearchWish } from '../contract/camera-views.js';
import { AgentError } from '../kernel/errors.js';
import { readArguments, readWithWords, SOURCE } from './arguments.js';
import { ask } from './ask.js';
import { findCamera, makeOf, movesOf, stateOf, streamsOf, testLines, testVerdict } from './camera-words.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { count, isoOrNull, when } from './words.js';

const COMMON_HELP = `  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON
`;

const LIST_HELP = `sightline cameras list - every camera of this recorder and how it is

${COMMON_HELP}
Examples:
  sightline cameras list
  sightline cameras list --json
`;

const SHOW_HELP = `sightline cameras show - all that is known of one camera

  CHANNEL          cam-1, 1, or the camera's name
${COMMON_HELP}
Examples:
  sightline cameras show cam-1
  sightline cameras show "Front door" --json
`;

const DISCOVER_HELP = `sightline cameras discover - search the network for cameras now

Cameras that are found become channels by themselves; those that somebody removed do not come back (see sightline cameras add).

  --host HOST        ask this one address or name; helps where a camera does not answer to a search
  --scan NETWORK     ask every address of this network, at most 1024, in which this recorder has an address; takes up to a minute
${COMMON_HELP}
Examples:
  sightline cameras discover
  sightline cameras discover --host 192.0.2.7
  sightline cameras discover --scan 192.0.2.0/24 --json
`;

const REMOVE_HELP = `sightline cameras remove - take a camera off this recorder

Its channel and its login are forgotten, and a search does not bring it back. Its number is never given to another camera.

  CHANNEL          cam-1, 1, or the camera's name
  --yes            do not ask (needed where nobody sits at a terminal)
${COMMON_HELP}
Examples:
  sightline cameras remove cam-3
  sightline cameras remove cam-3 --yes --json
`;

const TEST_HELP = `sightline cameras test - look at a camera from end to end

Asks it step by step: does it answer, is its clock right, does it accept the login, does it have a picture, does the stream play, does a whole
picture come, does it tell events, can it be moved. Says of each what is wrong and what to do next. Nothing is changed or moved.

  CHANNEL          cam-1, 1, or the camera's name
${COMMON_HELP}
Exit code 1: something does not work. 5: it works, but something should be looked at.

Examples:
  sightline cameras test cam-1
  sightline cameras test "Front door" --json
`;

/** `sightline cameras list` */
export const camerasListCommand: CliCommand = {
  name: 'cameras list',
  summary: 'every camera and how it is',
  help: LIST_HELP,
  run: async (args, io) => {
    const options = readArguments('cameras list', args, {});
    const { cameras } = await ask('cameras', options, io);
    io.out(options.json === true ? `${JSON.stringify({ cameras: cameras.map(toJson) })}\n` : listText(cameras));
    return EXIT.ok;
  },
};

/** `sightline cameras show` */
export const camerasShowCommand: CliCommand = {
  name: 'cameras show',
  summary: 'all that is known of one camera',
  help: SHOW_HELP,
  run: async (args, io) => {
    const { values, words } = readWithWords('cameras show', args, {});
    const { now, cameras } = await ask('cameras', values, io);
    const camera = findCamera(theOne('cameras show', words), cameras);
    io.out(values.json === true ? `${JSON.stringify(toJson(camera))}\n` : showText(camera, now));
    return EXIT.ok;
  },
};

/** `sightline cameras discover` */
export const camerasDiscoverCommand: CliCommand = {
  name: 'cameras discover',
  summary: 'search the network for cameras now',
  help: DISCOVER_HELP,
  run: async (args, io) => {
    const options = readArguments('cameras discover', args, { ...SOURCE, host: { type: 'string' }, scan: { type: 'string' } });
    const wish = searchWish(options);
    const whom = wish.scan === undefined ? (wish.host ?? 'cameras') : `every address of ${wish.scan}`;
    const { found, known = [], removed = 0 } = await ask('cameras-discover', options, io, wish, `${whom} to answer`);
    const { cameras } = await ask('cameras', options, io);
    const fresh = cameras.filter(({ id }) => found.includes(id));
    if (options.json === true) io.out(`${JSON.stringify({ found: fresh.map(toJson), known, removed })}\n`);
    else io.out(`${searchText(fresh, { known, removed, all: cameras.length })}\n`);
    return EXIT.ok;
  },
};

/** `sightline cameras remove` */
export const camerasRemoveCommand: CliCommand = {
  name: 'cameras remove',
  summary: 'take a camera off this recorder',
  help: REMOVE_HELP,
  run: async (args, io) => {
    const { values, words } = readWithWords('cameras remove', args, { ...SOURCE, yes: { type: 'boolean' } });
    const { cameras } = await ask('cameras', values, io);
    const camera = findCamera(theOne('cameras remove', words), cameras);
    if (values.yes !== true) await confirm(camera, io);
    await ask('cameras-remove', values, io, { cam: camera.id }, 'the camera to be let go');
    io.out(values.json === true ? `${JSON.stringify({ removed: camera.id })}\n` : `${camera.name} (${camera.id}) is removed.\n`);
    return EXIT.ok;
  },
};

/** `sightline cameras test` */
export const camerasTestCommand: CliCommand = {
  name: 'cameras test',
  summary: 'look at a camera from end to end',
  help: TEST_HELP,
  run: async (args, io) => {
    const { values, words } = readWithWords('cameras test', args, SOURCE);
    const { cameras } = await ask('cameras', values, io);
    const camera = findCamera(theOne('cameras test', words), cameras);
    const { steps, isOk } = await ask('cameras-test', values, io, { cam: camera.id }, `${camera.name} to answer, step by step`);
    const name = `${camera.name} (${camera.id})`;
    if (values.json === true) io.out(`${JSON.stringify({ cam: camera.id, name: camera.name, isOk, steps })}\n`);
    else io.out(`${testVerdict(name, steps)}\n\n${columns(testLines(steps))}\n`);
    if (!isOk) return EXIT.failed;
    return steps.some(({ result }) => result === 'warning') ? EXIT.partly : EXIT.ok;
  },
};

/** @throws AgentError cli.usage */
function searchWish({ host, scan }: { readonly host?: string | undefined; readonly scan?: string | undefined }): SearchWish {
  const fix = 'See sightline cameras discover --help.';
  if (host !== undefined && scan !== undefined)
    throw new AgentError({ code: 'cli.usage', say: '--host and --scan exclude each other.', fix });
  if (host !== undefined && !HostText.safeParse(host).success)
    throw new AgentError({ code: 'cli.usage', say: `"${host}" is no host.`, fix: 'Write it like 192.0.2.7, 192.0.2.7:8080 or a name.' });
  if (scan !== undefined && !NetworkText.safeParse(scan).success) {
    const say = `"${scan}" is no network to look through.`;
    throw new AgentError({ code: 'cli.usage', say, fix: 'Write it like 192.0.2.0/24; the number behind the slash is 22 to 32.' });
  }
  return { ...(host === undefined ? {} : { host }), ...(scan === undefined ? {} : { scan }) };
}

/** @throws AgentError cli.usage */
export function theOne(command: string, words: readonly string[]): string {
  const [word] = words;
  if (word !== undefined && words.length === 1) return word;
  throw new AgentError({ code: 'cli.usage', say: 'Which camera? One channel is needed.', fix: `See sightline ${command} --help.` });
}

/** Stable: fields are added, never changed. */
function toJson({ lastSeenAt, ...camera }: LocalCamera): unknown {
  return { ...camera, lastSeenAt: isoOrNull(lastSeenAt) };
}

function listText(cameras: readonly LocalCamera[]): string {
  if (cameras.length === 0) {
    return 'No camera is known.\n\nThey are searched for by themselves; search now with sightline cameras discover, or name one with sightline cameras add.\n';
  }
  const up = cameras.filter(({ state }) => state === 'online').length;
  const first =
    up === cameras.length ? `${count(up, 'camera works', 'cameras work')}.` : `${up} of ${count(cameras.length, 'camera')} work.`;
  const reasons = cameras.flatMap(({ id, reason }) => (reason === null ? [] : [`${id}: ${reason.say} ${reason.fix} (${reason.code})`]));
  return `${first}\n\n${table(cameras)}\n${reasons.length === 0 ? '' : `\n${reasons.join('\n')}\n`}`;
}

interface Searched {
  readonly known: readonly string[];
  readonly removed: number;
  /** Cameras of this recorder, whether or not they answered. */
  readonly all: number;
}

function searchText(fresh: readonly LocalCamera[], { known, removed, all }: Searched): string {
  const answered = known.length === 0 ? '' : ` ${count(known.length, 'known camera')} answered.`;
  const first =
    fresh.length === 0
      ? `No new camera was found.${answered || ` ${count(all, 'camera is', 'cameras are')} known.`}`
      : `${count(fresh.length, 'new camera')} found.${answered}`;
  const gone =
    removed === 0
      ? ''
      : `\n${count(removed, 'camera')} that somebody removed before answered too. What is to come back is added with sightline cameras add ADDRESS.`;
  return `${first}${gone}${fresh.length === 0 ? '' : `\n\n${table(fresh)}`}`;
}

function table(cameras: readonly LocalCamera[]): string {
  const rows = cameras.map((camera) => [camera.id, camera.name, stateOf(camera), camera.host || '-', makeOf(camera)]);
  return columns([['CHANNEL', 'NAME', 'STATE', 'ADDRESS', 'MODEL'], ...rows]);
}

function showText(camera: LocalCamera, now: number): string {
  const { id, name, host, firmware, serial, lastSeenAt, hasLogin, reason } = camera;
  const facts = columns([
    ['channel', id],
    ['address', host || 'connected by wire'],
    ['model', makeOf(camera)],
    ['firmware', firmware || 'not told'],
    ['serial number', serial || 'not told'],
    ...streamsOf(camera).map((stream) => ['stream', stream]),
    ['movement', movesOf(camera)],
    ['login', hasLogin ? 'its own' : 'none of its own'],
    ['last seen', lastSeenAt === null ? 'not since the start' : when(lastSeenAt, now)],
  ]);
  const why = reason === null ? '' : `\n${reason.say}\nNext: ${reason.fix} (${reason.code})\n`;
  return `${name}: ${stateOf(camera)}.\n${why}\n${facts}\n`;
}

/** @throws AgentError cli.unconfirmed */
async function confirm({ name, id }: LocalCamera, io: CliIo): Promise<void> {
  if (io.ask === undefined) {
    throw new AgentError({
      code: 'cli.unconfirmed',
      say: `Nothing was done: there is nobody at a terminal to ask whether ${name} (${id}) is to be removed.`,
      fix: 'Add --yes if it is meant.',
    });
  }
  const answer = await io.ask(`Remove ${name} (${id})? Type yes to go on: `);
  if (answer.trim().toLowerCase() !== 'yes')
    throw new AgentError({ code: 'cli.unconfirmed', say: 'Nothing was done.', fix: 'Ask again when it is meant.' });
}
