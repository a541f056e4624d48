import { AgentError } from '../kernel/errors.js';
import type { ListedEntry, ListFilters, OperationLog, VerifyReport } from '../operation-log/ports.js';
import { readArguments, stateFolder } from './arguments.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { toCsv } from './csv.js';
import { withLog } from './log-reader.js';
import { readTime } from './log-time.js';
import { whatHappened } from './words.js';

const SHOW_HELP = `sightline log show - who did what on this recorder, when, and how it ended

Reads the log from the state folder, whether the agent runs or not.

  --limit N        newest N rows (default 50, at most 1000000)
  --actor TEXT     part of a name or e-mail address
  --action NAME    one action (live.open), or an area followed by a dot (live.)
  --channel ID     one camera (cam-1)
  --since TIME     from this time on (2026-11-24 or 2026-11-24T10:00:00Z)
  --until TIME     before this time
  --state FOLDER   state folder (default /var/lib/sightline)
  --json           one JSON object per row, oldest first
  --csv            comma-separated values with a head line (RFC 4180), for a spreadsheet

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

const HEAD = ['SEQ', 'TIME (UTC)', 'WHO', 'WHAT', 'CHANNEL', 'BY', 'RESULT'] as const;
const SHOW_OPTIONS = {
  limit: { type: 'string' },
  actor: { type: 'string' },
  action: { type: 'string' },
  channel: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  csv: { type: 'boolean' },
} as const;

async function show(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('log show', args, SHOW_OPTIONS);
  const { actor, action, channel } = options;
  const query = {
    newestFirst: true as const,
    actor,
    action,
    channel,
    sinceAt: readTime('--since', options.since),
    untilAt: readTime('--until', options.until),
  };
  const limit = readLimit(options.limit);
  const rows = await withLog(stateFolder(options.state, io.environment), ({ service }) => newest(service, query, limit));
  const oldestFirst = rows.reverse();
  if (options.json === true) for (const row of oldestFirst) io.out(`${JSON.stringify(toJson(row))}\n`);
  else if (options.csv === true) io.out(toCsv([HEAD, ...oldestFirst.map(toLine)]));
  else if (oldestFirst.length === 0) io.out('No rows.\n');
  else io.out(`${columns([HEAD, ...oldestFirst.map(toLine)])}\n`);
  return EXIT.ok;
}

const PAGE_ROWS = 1_000;

/** Newest first, a page at a time. */
async function newest(
  service: Pick<OperationLog, 'list'>,
  query: ListFilters & { newestFirst: true },
  limit: number,
): Promise<ListedEntry[]> {
  const rows: ListedEntry[] = [];
  let toSeq: number | undefined;
  while (rows.length < limit) {
    const page = await service.list({ ...query, limit: Math.min(PAGE_ROWS, limit - rows.length), toSeq });
    rows.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS || last.seq === 1) break;
    toSeq = last.seq - 1;
  }
  return rows;
}

async function verify(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('log verify', args, { checkpoint: { type: 'string' } });
  const report = await withLog(stateFolder(options.state, io.environment), ({ service }) => service.verify(options.checkpoint));
  if (options.json === true) io.out(`${JSON.stringify(report)}\n`);
  else if (report.problem === null)
    io.out(
      `The log is whole: ${report.rows} rows, ${report.checkpoints} signed checkpoints.${unsigned(report)}\nhead ${report.head}\nroot ${report.root}\n`,
    );
  else io.out(`The log was changed. ${report.problem.say}\n`);
  return report.isOk ? EXIT.ok : EXIT.failed;
}

function unsigned({ size, signedSize }: VerifyReport): string {
  return size === signedSize ? '' : `\nThe rows from ${signedSize + 1} on are not signed yet; the recorder signs every minute.`;
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
    whatHappened(entry.action, entry.object, row.detail),
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
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1_000_000) return limit;
  throw new AgentError({ code: 'cli.usage', say: `"${text}" is no number of rows.`, fix: 'Give a whole number from 1 to 1000000.' });
}
