import type { LocalGrant, LocalPermissions, Withdrawn } from '../contract/control.js';
import { AgentError } from '../kernel/errors.js';
import { readWithIds, SOURCE } from './arguments.js';
import { ask, type Whom } from './ask.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { count, findId, mayDo } from './words.js';

const HELP = `sightline permissions withdraw - take permissions back, now

Running pictures end at once. The owner can give permissions anew. Needs no cloud and no key: who stands at the recorder may do it.

  ID...            which ones, as "sightline permissions list" shows them; the beginning of an id is enough
  --all            every one, also those that are on their way here: nothing given before is ever good again
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Exit code 5: some of the ids are not known; the others were taken back.

Examples:
  sightline permissions withdraw --all
  sightline permissions withdraw Ab3xY9k2 Zq81mN4c
`;

const ALL_HELP = `sightline withdraw - take every permission back, now

Short for "sightline permissions withdraw --all". Running pictures end at once. The owner can give permissions anew. Needs no cloud and no key: who
stands at the recorder may do it.

  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Examples:
  sightline withdraw
  sightline withdraw --state ./state --json
`;

/** `sightline permissions withdraw` */
export const permissionsWithdrawCommand: CliCommand = {
  name: 'permissions withdraw',
  summary: 'take some or all permissions back, now',
  help: HELP,
  run: async (args, io) => {
    const { values, ids } = readWithIds('permissions withdraw', args, { ...SOURCE, all: { type: 'boolean' } });
    if ((values.all === true) === ids.length > 0) {
      const say = values.all === true ? 'Either some permissions or --all.' : 'Which permissions?';
      throw new AgentError({ code: 'cli.usage', say, fix: 'Name ids, or --all. See sightline permissions withdraw --help.' });
    }
    return values.all === true ? withdrawAll(values, io) : withdrawSome(values, ids, io);
  },
};

/** `sightline withdraw` */
export const withdrawCommand: CliCommand = {
  name: 'withdraw',
  summary: 'take every permission back, now',
  help: ALL_HELP,
  run: async (args, io) => {
    const { values, ids } = readWithIds('withdraw', args, { ...SOURCE, all: { type: 'boolean' } });
    if (ids.length === 0) return withdrawAll(values, io);
    throw new AgentError({
      code: 'cli.usage',
      say: 'This command takes everything back and was given ids. Nothing was done.',
      fix: 'Use sightline permissions withdraw for some of them.',
    });
  },
};

interface Options extends Whom {
  readonly json?: boolean | undefined;
}

async function withdrawAll(options: Options, io: CliIo): Promise<number> {
  const done = await ask('withdraw', options, io, {}, 'the permissions to be taken back');
  if (options.json === true) io.out(`${JSON.stringify({ ...done, unknown: [] })}\n`);
  else {
    const what = done.grants.length === 0 ? 'there was none to take back' : `${count(done.grants.length, 'permission')} taken back`;
    io.out(`No permission is in force any more: ${what}, ${pictures(done)}.\n`);
  }
  return EXIT.ok;
}

async function withdrawSome(options: Options, wanted: readonly string[], io: CliIo): Promise<number> {
  const held = await ask('permissions', options, io);
  const known = held.grants.map(({ id }) => id);
  const found = wanted.map((word) => ({ word, id: findId(word, known, 'permission') }));
  const ids = [...new Set(found.flatMap(({ id }) => id ?? []))];
  const unknown = found.filter(({ id }) => id === undefined).map(({ word }) => word);
  if (ids.length === 0) throw noneKnown(unknown);
  const done = await ask('withdraw', options, io, { ids }, 'the permissions to be taken back');
  if (options.json === true) io.out(`${JSON.stringify({ ...done, unknown })}\n`);
  else io.out(told(done, ids, held, unknown));
  return unknown.length > 0 ? EXIT.partly : EXIT.ok;
}

function told(done: Withdrawn, ids: readonly string[], held: LocalPermissions, unknown: readonly string[]): string {
  const first =
    done.grants.length === 0
      ? 'Nothing was left to take back: that had ended before.'
      : `${count(done.grants.length, 'permission')} taken back, ${pictures(done)}.`;
  const rows = held.grants.filter(({ id }) => ids.includes(id)).map((grant) => row(grant, done));
  const missing = unknown.length === 0 ? '' : `\nNot known here: ${unknown.join(', ')}. See sightline permissions list --all.\n`;
  return `${first}\n\n${columns(rows)}\n${missing}`;
}

function row({ id, organisation, scopes, state }: LocalGrant, done: Withdrawn): readonly string[] {
  return [
    id,
    organisation,
    mayDo(scopes),
    done.grants.includes(id) ? 'taken back' : state === 'expired' ? 'had run out' : 'was taken back before',
  ];
}

function pictures({ sessionsEnded, lastMediaMs }: Withdrawn): string {
  if (sessionsEnded === 0) return 'nobody was watching';
  const last =
    lastMediaMs === 0
      ? 'no picture left the recorder after it'
      : `the last picture left the recorder ${(lastMediaMs / 1000).toFixed(2)} s after it`;
  return `${count(sessionsEnded, 'running picture')} ended, ${last}`;
}

function noneKnown(unknown: readonly string[]): AgentError {
  return new AgentError({
    code: 'cli.unknown_id',
    say: `There is no permission "${unknown.join('", "')}" here. Nothing was done.`,
    fix: 'See sightline permissions list --all; or take everything back with --all.',
  });
}
