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
  --month MONTH    one month (2026-03), summed by kind and day by day
  --since DAY      from this day on, summed by kind; with --until up to that day
  --until DAY      up to and with this day (default today)
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           one line per day, kind and destination, and every picture: live, of recordings, copies of them, stills

Examples:
  sightline ledger
  sightline ledger --month 2026-03
  sightline ledger --since 2026-03-01 --until 2026-03-10 --json
`;

const DAY_MS = 86_400_000;
/** Pictures that fit under the table on one screen. */
const SHOWN_SESSIONS = 8;

/** `sightline ledger` */
export const ledgerCommand: CliCommand = { name: 'ledger', summary: 'what left this recorder', help: HELP, run };

const OPTIONS = { day: { type: 'string' }, month: { type: 'string' }, since: { type: 'string' }, until: { type: 'string' } } as const;

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('ledger', args, OPTIONS);
  const kinds = [options.day, options.month, options.since ?? options.until].filter((one) => one !== undefined);
  if (kinds.length > 1) throw usage('--day is one day, --month a month, --since and --until are some days.', 'Give one of them.');
  const month = readMonth(options.month);
  const fromDay = month?.first ?? readDay(options.since ?? options.day ?? options.until);
  const toDay = month?.last ?? readDay(options.until ?? options.day);
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
export function ledgerJson({ lines, sessions, isMore }: LedgerDays, { first, last }: Period) {
  return {
    from: dayText(first),
    to: dayText(last),
    lines: lines.map(named),
    sessions: sessions.map(({ endedAt, ...rest }) => ({ ...rest, endedAt: iso(endedAt) })),
    isMore,
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

/** Its first and last day; undefined when none is named. @throws AgentError cli.usage */
function readMonth(text: string | undefined): Period | undefined {
  if (text === undefined) return undefined;
  const [, year, month] = /^([0-9]{4})-(0[1-9]|1[0-2])$/.exec(text) ?? [];
  const first = Math.floor(Date.UTC(Number(year), Number(month) - 1, 1) / DAY_MS);
  if (!(first >= 0)) throw usage(`"${text}" is no month.`, 'Write it like 2026-03.');
  return { first, last: Math.floor(Date.UTC(Number(year), Number(month), 1) / DAY_MS) - 1 };
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

const PICTURE: Readonly<Record<NonNullable<LedgerDays['sessions'][number]['kind']>, string>> = {
  live: 'live',
  recording: 'recordings',
  copy: 'copy of recordings',
  still: 'still',
};

function told(answer: LedgerDays, { first, last }: Period): string {
  const { lines } = answer;
  const period = first === last ? `on ${dayText(first)}` : `from ${dayText(first)} to ${dayText(last)}`;
  const all = summed(lines, ({ what, to }) => `${what} ${to}`).sort((a, b) => b.bytes - a.bytes);
  if (all.length === 0) return `Nothing left this recorder ${period}.\n`;
  const pictures = lines.filter(({ what }) => what === 'media');
  const head = `${size(bytesOf(all))} left this recorder ${period}; ${pictures.length === 0 ? 'no picture' : `pictures: ${size(bytesOf(pictures))}`}.`;
  const rows = all.map((line) => [
    KIND[line.what] ?? line.what,
    `to ${PLACE[line.to] ?? line.to}`,
    line.what === 'connection' ? '' : count(line.messages, line.what === 'media' ? 'packet' : 'message'),
    size(line.bytes),
  ]);
  return `${head}\n\n${columns(rows)}\n${first === last ? '' : toldDays(lines)}${toldPictures(answer)}`;
}

type Line = LedgerDays['lines'][number];

function bytesOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** One line for all of the same key. */
function summed(lines: readonly Line[], keyOf: (line: Line) => string): Line[] {
  const sums = new Map<string, Line>();
  for (const line of lines) {
    const sum = sums.get(keyOf(line));
    sums.set(keyOf(line), sum === undefined ? line : { ...sum, messages: sum.messages + line.messages, bytes: sum.bytes + line.bytes });
  }
  return [...sums.values()];
}

/** Day by day: all that left, and pictures. */
function toldDays(lines: readonly Line[]): string {
  const rows = summed(lines, ({ day }) => String(day)).map(({ day, bytes }) => {
    const pictures = bytesOf(lines.filter((line) => line.day === day && line.what === 'media'));
    return [dayText(day), size(bytes), pictures === 0 ? 'no picture' : `pictures: ${size(pictures)}`];
  });
  return `\n${columns(rows)}\n`;
}

/** Who watched what or took it away, newest first. Those that still run are in the sums, not here. */
function toldPictures({ sessions, isMore, now }: LedgerDays): string {
  if (sessions.length === 0) return '';
  const rows = sessions
    .slice(0, SHOWN_SESSIONS)
    .map(({ kind = 'live', cam, who, endedAt, durationMs, bytes }) => [
      timeOfDay(endedAt, now),
      cam,
      who ?? '(erased)',
      kind === 'still' ? '' : duration(durationMs),
      size(bytes),
      PICTURE[kind],
    ]);
  const hidden = sessions.length - SHOWN_SESSIONS;
  // Of those that no answer names the log itself tells.
  const more = isMore
    ? 'and more before: sightline log show --action live.watch (or playback.watch, playback.copy, cameras.snapshot)\n'
    : hidden > 0
      ? `and ${hidden} before; all with --json\n`
      : '';
  return `\nPictures that ended:\n${columns(rows)}\n${more}`;
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
