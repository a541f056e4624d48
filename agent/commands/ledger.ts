import type { LedgerDays } from '../contract/log-views.js';
import { AgentError } from '../kernel/errors.js';
import { readArguments } from './arguments.js';
import { ask } from './ask.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { count, duration, iso, timeOfDay } from './words.js';

const HELP = `sightline ledger - what left this recorder, by day and kind

Every byte that leaves is booked: to the relay, to viewers, to the local network. Kept for 400 days; days are UTC.

What is counted: to the relay all that was handed to the socket (without what TLS adds); to the local network the same with TLS; to viewers RTP packets
as they were before encryption, which adds 10 bytes a packet, without the greetings of the picture's own connection. Cameras are not "outside".

  --day DAY        one day (2026-11-24; default today)
  --since DAY      from this day on, summed by kind; with --until up to that day
  --until DAY      up to and with this day (default today)
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           one line per day, kind and destination, and every picture

Examples:
  sightline ledger
  sightline ledger --since 2026-03-01 --until 2026-03-31
`;

const DAY_MS = 86_400_000;
/** Pictures that fit under the table on one screen. */
const SHOWN_SESSIONS = 8;

/** `sightline ledger` */
export const ledgerCommand: CliCommand = { name: 'ledger', summary: 'what left this recorder', help: HELP, run };

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('ledger', args, { day: { type: 'string' }, since: { type: 'string' }, until: { type: 'string' } });
  if (options.day !== undefined && (options.since !== undefined || options.until !== undefined))
    throw usage('--day is one day, --since and --until are several.', 'Give the one or the other.');
  const fromDay = readDay(options.since ?? options.day ?? options.until);
  const toDay = readDay(options.until ?? options.day);
  if (fromDay !== null && toDay !== null && fromDay > toDay) throw usage('The first day is after the last.', 'Change them over.');
  const answer = await ask('ledger', options, io, { fromDay, toDay });
  const last = toDay ?? Math.floor(answer.now / DAY_MS);
  const period = { first: fromDay ?? last, last };
  io.out(options.json === true ? `${JSON.stringify(ledgerJson(answer, period))}\n` : told(answer, period));
  return EXIT.ok;
}

interface Period {
  readonly first: number;
  readonly last: number;
}

/** The answer with days and times as people write them. */
export function ledgerJson({ lines, sessions }: LedgerDays, { first, last }: Period) {
  return {
    from: dayText(first),
    to: dayText(last),
    lines: lines.map(named),
    sessions: sessions.map(({ endedAt, ...rest }) => ({ ...rest, endedAt: iso(endedAt) })),
  };
}

function named({ day, ...rest }: LedgerDays['lines'][number]) {
  return { day: dayText(day), ...rest };
}

function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** A day, or null when none is named. @throws AgentError cli.usage */
export function readDay(text: string | undefined): number | null {
  if (text === undefined) return null;
  const at = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // The thirtieth of February would be taken for the second of March.
  if (Number.isFinite(at) && at >= 0 && dayText(Math.floor(at / DAY_MS)) === text) return Math.floor(at / DAY_MS);
  throw usage(`"${text}" is no day.`, 'Write it like 2026-11-24.');
}

function usage(say: string, fix: string): AgentError {
  return new AgentError({ code: 'cli.usage', say, fix });
}

const KIND: Readonly<Record<string, string>> = {
  status: 'that it is switched on',
  pairing: 'pairing',
  identity: 'proof of identity',
  answer: 'sealed answers',
  log: 'check sums of the log',
  site: 'sealed site information',
  health: 'health',
  report: 'reports',
  media: 'pictures',
  time: 'asking the time',
  update: 'updates',
  connection: 'the connection itself',
};
const PLACE: Readonly<Record<string, string>> = {
  relay: 'the relay',
  viewer: 'viewers',
  lan: 'the local network',
  issuer: 'the issuer of certificates',
};

function told({ lines, sessions, now }: LedgerDays, { first, last }: Period): string {
  const period = first === last ? `on ${dayText(first)}` : `from ${dayText(first)} to ${dayText(last)}`;
  const sums = new Map<string, { what: string; to: string; messages: number; bytes: number }>();
  for (const { what, to, messages, bytes } of lines) {
    const sum = sums.get(`${what} ${to}`) ?? { what, to, messages: 0, bytes: 0 };
    sums.set(`${what} ${to}`, { ...sum, messages: sum.messages + messages, bytes: sum.bytes + bytes });
  }
  const all = [...sums.values()].sort((a, b) => b.bytes - a.bytes);
  if (all.length === 0) return `Nothing left this recorder ${period}.\n`;
  const bytes = all.reduce((sum, line) => sum + line.bytes, 0);
  const pictures = all.find(({ what }) => what === 'media');
  const head = `${size(bytes)} left this recorder ${period}; ${pictures === undefined ? 'no picture' : `pictures: ${size(pictures.bytes)}`}.`;
  const rows = all.map((line) => [
    KIND[line.what] ?? line.what,
    `to ${PLACE[line.to] ?? line.to}`,
    line.what === 'connection' ? '' : count(line.messages, line.what === 'media' ? 'packet' : 'message'),
    size(line.bytes),
  ]);
  return `${head}\n\n${columns(rows)}\n${toldPictures(sessions, now)}`;
}

/** Who watched what, newest first. Those that still run are in the sums, not here. */
function toldPictures(sessions: LedgerDays['sessions'], now: number): string {
  if (sessions.length === 0) return '';
  const rows = sessions
    .slice(0, SHOWN_SESSIONS)
    .map(({ cam, who, endedAt, durationMs, bytes }) => [
      timeOfDay(endedAt, now),
      cam,
      who ?? '(erased)',
      duration(durationMs),
      size(bytes),
    ]);
  const more = sessions.length > SHOWN_SESSIONS ? `and ${sessions.length - SHOWN_SESSIONS} before; all with --json\n` : '';
  return `\nPictures that ended:\n${columns(rows)}\n${more}`;
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
