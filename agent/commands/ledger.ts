import type { LedgerDays } from '../contract/control.js';
import { AgentError } from '../kernel/errors.js';
import { readArguments } from './arguments.js';
import { ask } from './ask.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { count } from './words.js';

const HELP = `sightline ledger - what left this recorder, by day and kind

Every byte that leaves is booked: to the relay, to viewers, to the local network. Kept for 400 days; days are UTC.

  --day DAY        one day (2026-11-24; default today)
  --since DAY      from this day on, summed by kind; with --until up to that day
  --until DAY      up to and with this day (default today)
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           one line per day, kind and destination

Examples:
  sightline ledger
  sightline ledger --since 2026-03-01 --until 2026-03-31
`;

const DAY_MS = 86_400_000;

/** `sightline ledger` */
export const ledgerCommand: CliCommand = { name: 'ledger', summary: 'what left this recorder', help: HELP, run };

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('ledger', args, { day: { type: 'string' }, since: { type: 'string' }, until: { type: 'string' } });
  const [from, to] = [options.since ?? options.day, options.until ?? (options.since === undefined ? options.day : undefined)];
  const fromDay = from === undefined ? undefined : readDay(from);
  const toDay = to === undefined ? undefined : readDay(to);
  const today = await ask('ledger', options, io, { fromDay: fromDay ?? 0, toDay: toDay ?? MOST_DAY });
  const last = toDay ?? Math.floor(today.now / DAY_MS);
  const first = fromDay ?? last;
  const lines = today.lines.filter(({ day }) => day >= first && day <= last);
  io.out(
    options.json === true
      ? `${JSON.stringify({ from: dayText(first), to: dayText(last), lines: lines.map(named) })}\n`
      : told(lines, first, last),
  );
  return EXIT.ok;
}

const MOST_DAY = 100_000;

function named({ day, ...rest }: LedgerDays['lines'][number]) {
  return { day: dayText(day), ...rest };
}

function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** @throws AgentError cli.usage */
function readDay(text: string): number {
  const at = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isFinite(at)) return Math.floor(at / DAY_MS);
  throw new AgentError({ code: 'cli.usage', say: `"${text}" is no day.`, fix: 'Write it like 2026-11-24.' });
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
};
const PLACE: Readonly<Record<string, string>> = {
  relay: 'the relay',
  viewer: 'viewers',
  lan: 'the local network',
  issuer: 'the issuer of certificates',
};

function told(lines: LedgerDays['lines'], first: number, last: number): string {
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
    count(line.messages, 'message'),
    size(line.bytes),
  ]);
  return `${head}\n\n${columns(rows)}\n`;
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
