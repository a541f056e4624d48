import { type Visit, VisitBook } from '../operation-log/visits.js';
import { readArguments, stateFolder } from './arguments.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { toCsv } from './csv.js';
import { type ReadLog, withLog } from './log-reader.js';
import { readTime } from './log-time.js';
import { iso } from './words.js';

const HELP = `sightline log visits - who came in, how, and from where

One line per person, way and day, from the operation log: commands over the relay and the local network, the recorder's own page, the command line,
the button, tries to pair. An address on the local network is shown as a keyed hash: the same sender is known again, nobody learns where he is. Over
the relay none is known.

  --since TIME     from this time on (2026-11-24 or 2026-11-24T10:00:00Z)
  --until TIME     before this time
  --refused        only those who were refused something
  --state FOLDER   state folder (default /var/lib/sightline)
  --json           one JSON object per line
  --csv            comma-separated values with a head line (RFC 4180)

Examples:
  sightline log visits --since 2026-11-01
  sightline log visits --refused --json
`;

/** `sightline log visits` */
export const logVisitsCommand: CliCommand = { name: 'log visits', summary: 'who came in, how, and from where', help: HELP, run };

const OPTIONS = { since: { type: 'string' }, until: { type: 'string' }, refused: { type: 'boolean' }, csv: { type: 'boolean' } } as const;
const PAGE_ROWS = 1_000;
const HEAD = ['FIRST (UTC)', 'LAST (UTC)', 'WHO', 'BY', 'ADDRESS', 'ACTS', 'REFUSED'] as const;

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('log visits', args, OPTIONS);
  const period = { sinceAt: readTime('--since', options.since), untilAt: readTime('--until', options.until) };
  const all = await withLog(stateFolder(options.state, io.environment), (log) => visitsIn(log, period));
  const shown = options.refused === true ? all.filter(({ refused }) => refused > 0) : all;
  if (options.json === true)
    for (const visit of shown) io.out(`${JSON.stringify({ ...visit, from: iso(visit.from), to: iso(visit.to) })}\n`);
  else if (options.csv === true) io.out(toCsv([HEAD, ...shown.map(toLine)]));
  else io.out(shown.length === 0 ? 'Nobody.\n' : `${columns([HEAD, ...shown.map(toLine)])}\n`);
  return EXIT.ok;
}

async function visitsIn(
  { service }: ReadLog,
  period: { sinceAt: number | undefined; untilAt: number | undefined },
): Promise<readonly Visit[]> {
  const book = new VisitBook();
  for (let fromSeq = 1; ; ) {
    const page = await service.list({ ...period, fromSeq, limit: PAGE_ROWS });
    for (const row of page) book.add(row);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return book.list();
    fromSeq = last.seq + 1;
  }
}

function toLine({ from, to, who, as, isErased, way, address, acts, refused }: Visit): readonly string[] {
  const name = who === null ? (isErased ? '(erased)' : as === 'system' ? '(nobody proven)' : as) : `${who.name} <${who.email}>`;
  return [short(from), short(to), name, way, address ?? '-', String(acts), String(refused)];
}

function short(at: number): string {
  return iso(at).replace('T', ' ').slice(0, 19);
}
