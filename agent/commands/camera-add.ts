import { type CameraAdded, CameraAddressText, type NewCamera } from '../contract/camera-views.js';
import { AgentError } from '../kernel/errors.js';
import { readWithWords, SOURCE } from './arguments.js';
import { ask, type Whom } from './ask.js';
import { stateOf } from './camera-words.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { count } from './words.js';

const HELP = `sightline cameras add - add cameras by their addresses

For cameras that a search does not find, and to give a login to some that it did. Each is asked at once.

  ADDRESS...         192.0.2.7, 192.0.2.7:8080, or http://192.0.2.7/onvif/device_service
  --user NAME        the camera's own user; the password is asked for, or read from standard input with --password-stdin
  --password-stdin   read the password from the first line of standard input
  --name NAME        what the camera is called here (for one address)
  --state FOLDER     state folder of the running agent (default /var/lib/sightline)
  --json             the same as JSON

A password never stands on the command line: everybody on this machine could read it there.

Exit code 5: added, but not every one of them works yet; it says why. 1: none could be added.

Examples:
  sightline cameras add 192.0.2.7 --user admin --name "Front door"
  sightline cameras add 192.0.2.7 192.0.2.8 --user admin --password-stdin < password.txt
`;

/** `sightline cameras add` */
export const camerasAddCommand: CliCommand = { name: 'cameras add', summary: 'add cameras by their addresses', help: HELP, run };

/** One request takes so many addresses with their login (a request is at most 4 KiB). */
const MOST_AT_ONCE = 8;

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = { user: { type: 'string' }, 'password-stdin': { type: 'boolean' }, name: { type: 'string' } } as const;
  const { values, words: addresses } = readWithWords('cameras add', args, { ...SOURCE, ...options });
  const { user, name } = values;
  if (addresses.length === 0) throw usage('Which camera? An address is needed.', 'See sightline cameras add --help.');
  if (name !== undefined && addresses.length > 1) throw usage('--name is for one camera.', 'Add them one by one, or name them later.');
  for (const address of addresses) checkAddress(address);
  if (user === undefined && values['password-stdin'] === true)
    throw usage('--password-stdin needs --user.', 'Add --user with the camera’s own user.');
  const login = user === undefined ? {} : { login: { user, password: await readPassword(user, values['password-stdin'] === true, io) } };
  const wishes = addresses.map((address) => ({ address, ...login, ...(name === undefined ? {} : { name }) }));
  const added: CameraAdded[] = [];
  for (let at = 0; at < wishes.length; at += MOST_AT_ONCE) added.push(...(await addSome(wishes.slice(at, at + MOST_AT_ONCE), values, io)));
  io.out(values.json === true ? `${JSON.stringify({ cameras: added })}\n` : told(added));
  if (added.every(({ id }) => id === null)) return EXIT.failed;
  return added.every(({ state }) => state === 'online') ? EXIT.ok : EXIT.partly;
}

async function addSome(wishes: readonly NewCamera[], whom: Whom, io: CliIo): Promise<readonly CameraAdded[]> {
  const { cameras } = await ask('cameras-add', whom, io, { cameras: [...wishes] }, `${count(wishes.length, 'camera')} to answer`);
  return cameras;
}

/** @throws AgentError cli.usage; the address is not repeated where it may hold a password. */
function checkAddress(address: string): void {
  if (address.includes('@')) {
    throw usage(
      'A login does not belong into the address: everybody on this machine can read the command line.',
      'Give --user, and type the password when it is asked for.',
    );
  }
  if (!CameraAddressText.safeParse(address).success)
    throw usage(`"${address}" is no address.`, 'Write it like 192.0.2.7 or 192.0.2.7:8080.');
}

/** @throws AgentError cli.usage | cli.no_password */
async function readPassword(user: string, isPiped: boolean, io: CliIo): Promise<string> {
  const { askHidden, readLine } = io;
  const read = isPiped ? readLine : askHidden && (() => askHidden(`Password of user ${user}: `));
  const password = await read?.();
  if (password !== undefined && password !== '') return password;
  throw new AgentError({
    code: 'cli.usage',
    say: read === undefined ? 'Nobody sits at a terminal to type the password.' : 'No password was given.',
    fix: 'Pipe it in with --password-stdin, or leave --user away for a camera without a login.',
  });
}

function told(added: readonly CameraAdded[]): string {
  const works = added.filter(({ state }) => state === 'online').length;
  const known = added.filter(({ id }) => id !== null).length;
  const first =
    known === 0
      ? 'Nothing was added.'
      : works === added.length
        ? `${count(known, 'camera')} added.`
        : `${count(known, 'camera')} added, ${works} of them ${works === 1 ? 'works' : 'work'}.`;
  const rows = added.map(({ address, id, state }) => [id ?? '-', address, state === null ? 'not added' : stateOf({ state, alarms: [] })]);
  const why = added.flatMap(({ id, address, reason }) =>
    reason === null ? [] : [`${id ?? address}: ${reason.say} ${reason.fix} (${reason.code})`],
  );
  return `${first}\n\n${columns(rows)}\n${why.length === 0 ? '' : `\n${why.join('\n')}\n`}`;
}

function usage(say: string, fix: string): AgentError {
  return new AgentError({ code: 'cli.usage', say, fix });
}
