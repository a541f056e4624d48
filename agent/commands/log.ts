import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { parseGuarded } from '../contract/guard.js';
import { verifyStatement } from '../contract/jws.js';
import { parseShape } from '../contract/shapes.js';
import { Checkpoint } from '../contract/statements.js';
import { NamePlate } from '../contract/stored.js';
import { loadDeviceKeys } from '../identity/keys.js';
import { readFileIfThere } from '../kernel/atomic-file.js';
import { systemClock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { createLog } from '../kernel/log.js';
import { VERSION } from '../kernel/version.js';
import type { ListedEntry } from '../operation-log/ports.js';
import { OperationLogService } from '../operation-log/service.js';
import { Database } from '../store/database.js';
import { LOG_MIGRATIONS } from '../store/migrations.js';
import { OperationLogStore } from '../store/operation-log-store.js';
import { readArguments, stateFolder } from './arguments.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';

const SHOW_HELP = `sightline log show - who did what on this recorder, when, and how it ended

Reads the log from the state folder, whether the agent runs or not.

  --limit N        newest N rows (default 50, at most 1000)
  --actor TEXT     part of a name or e-mail address
  --action NAME    one action (live.open), or an area followed by a dot (live.)
  --channel ID     one camera (cam-1)
  --since TIME     from this time on (2026-11-24 or 2026-11-24T10:00:00Z)
  --until TIME     before this time
  --state FOLDER   state folder (default /var/lib/sightline)
  --json           one JSON object per row, oldest first

Examples:
  sightline log show --limit 20
  sightline log show --action live. --since 2026-11-01 --json
`;

const VERIFY_HELP = `sightline log verify - check that nothing in the log was changed, moved or taken out

Names the first bad row. Rows cut off at the end show only against a checkpoint from outside: the owner's app and the relay keep them.

  --checkpoint TEXT  a signed checkpoint (checkpoint+jws) from outside
  --state FOLDER     state folder (default /var/lib/sightline)
  --json             the report as JSON

Examples:
  sightline log verify
  sightline log verify --state ./state --json
`;

/** `sightline log show` */
export const logShowCommand: CliCommand = { name: 'log show', summary: 'who did what, when, and how it ended', help: SHOW_HELP, run: show };
/** `sightline log verify` */
export const logVerifyCommand: CliCommand = {
  name: 'log verify',
  summary: 'check that the log was not tampered with',
  help: VERIFY_HELP,
  run: verify,
};

const SHOW_OPTIONS = {
  limit: { type: 'string' },
  actor: { type: 'string' },
  action: { type: 'string' },
  channel: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
} as const;

async function show(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('log show', args, SHOW_OPTIONS);
  const { actor, action, channel } = options;
  const query = {
    limit: readLimit(options.limit),
    newestFirst: true,
    actor,
    action,
    channel,
    sinceAt: readTime('--since', options.since),
    untilAt: readTime('--until', options.until),
  };
  const rows = await withLog(stateFolder(options.state, io.environment), (log) => log.list(query));
  const oldestFirst = [...rows].reverse();
  if (options.json === true) for (const row of oldestFirst) io.out(`${JSON.stringify(toJson(row))}\n`);
  else if (oldestFirst.length === 0) io.out('No rows.\n');
  else io.out(`${columns([['SEQ', 'TIME (UTC)', 'WHO', 'WHAT', 'CHANNEL', 'BY', 'RESULT'], ...oldestFirst.map(toLine)])}\n`);
  return EXIT.ok;
}

async function verify(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('log verify', args, { checkpoint: { type: 'string' } });
  const report = await withLog(stateFolder(options.state, io.environment), (log) => log.verify(options.checkpoint));
  if (options.json === true) io.out(`${JSON.stringify(report)}\n`);
  else if (report.problem === null)
    io.out(`The log is whole: ${report.rows} rows, ${report.checkpoints} signed checkpoints.\nhead ${report.head}\nroot ${report.root}\n`);
  else io.out(`The log was changed. ${report.problem.say}\n`);
  return report.isOk ? EXIT.ok : EXIT.failed;
}

async function withLog<T>(folder: string, work: (log: OperationLogService) => Promise<T>): Promise<T> {
  const path = join(folder, 'operation-log.db');
  const plateBytes = await readFileIfThere(join(folder, 'name-plate.json'));
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere || plateBytes === undefined) {
    throw new AgentError({
      code: 'log.none',
      say: `There is no operation log in ${folder}.`,
      fix: 'Name the agent’s state folder with --state.',
    });
  }
  const plate = parseShape(NamePlate, parseGuarded(plateBytes));
  const { sign } = await loadDeviceKeys(join(folder, 'keys'));
  const options = { path, kind: 'durable', migrations: LOG_MIGRATIONS, clock: systemClock, keepsDamaged: true } as const;
  const database = await Database.open(options).catch((error: unknown) => {
    throw error instanceof AgentError && error.code === 'store.corrupt' ? damaged(path, error) : error;
  });
  try {
    return await work(
      new OperationLogService({
        store: new OperationLogStore(database),
        signer: {
          sign: () =>
            Promise.reject(new AgentError({ code: 'log.read_only', say: 'The command line only reads the log.', fix: 'Ask the agent.' })),
          open: (statement) => verifyStatement(statement, 'checkpoint+jws', sign.publicJwk, Checkpoint),
        },
        clock: systemClock,
        log: createLog({ level: 'error', clock: systemClock, write: () => undefined, format: 'text' }),
        device: plate.serial,
        version: VERSION,
        bootId: 'command-line',
        clockQuality: () => 'rtc',
        site: () => undefined,
      }),
    );
  } finally {
    await database.close();
  }
}

function damaged(path: string, cause: AgentError): AgentError {
  return new AgentError({
    code: 'log.damaged',
    say: `The operation log is not whole: its file ${path} is damaged.`,
    fix: 'Keep a copy of the state folder; the agent puts the file aside at its next start and says so in the new log.',
    cause,
  });
}

function toLine(row: ListedEntry): readonly string[] {
  const { entry, person } = row;
  if (entry === null) return [String(row.seq), '', '', 'unreadable row', '', '', ''];
  const who = row.isPersonErased ? '(erased)' : person === null ? entry.actor.kind : `${person.name} <${person.email}>`;
  const outcome = entry.phase === 'intent' ? 'begins' : [entry.result ?? '', entry.code ?? ''].filter((part) => part !== '').join(' ');
  const sent = entry.bytes === undefined ? '' : `, ${size(entry.bytes)} in ${Math.round((entry.durationMs ?? 0) / 1000)} s`;
  return [
    String(row.seq),
    new Date(entry.at).toISOString().replace('T', ' ').slice(0, 19),
    who,
    entry.action,
    entry.channel ?? '-',
    entry.source,
    outcome + sent,
  ];
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function toJson(row: ListedEntry): unknown {
  return { ...row.entry, seq: row.seq, person: row.person, isPersonErased: row.isPersonErased, change: row.detail, head: row.head };
}

function readLimit(text: string | undefined): number {
  const limit = text === undefined ? 50 : Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit;
  throw new AgentError({ code: 'cli.usage', say: `"${text}" is no number of rows.`, fix: 'Give a whole number from 1 to 1000.' });
}

function readTime(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw new AgentError({
    code: 'cli.usage',
    say: `${option} "${text}" is no time.`,
    fix: 'Write it like 2026-11-24 or 2026-11-24T10:00:00Z.',
  });
}
