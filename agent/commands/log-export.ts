import { resolve } from 'node:path';
import { systemClock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { exportLines } from '../operation-log/export.js';
import { sha256 } from '../operation-log/people.js';
import { subjectEntries } from '../operation-log/subject-export.js';
import { readArguments, stateFolder } from './arguments.js';
import { ask, type Whom } from './ask.js';
import { type CliCommand, type CliIo, EXIT } from './command.js';
import { choosePerson } from './log-people.js';
import { type ReadLog, withLog } from './log-reader.js';
import { subjectCsv, subjectJson } from './subject-lines.js';
import { type Piece, writeOut } from './write-out.js';

const HELP = `sightline log export - the log as a file that can be verified anywhere, or everything about one person

JSON Lines: rows, signed checkpoints and the recorder's public key. "node verify-log.mjs FILE" verifies it without this program, and so does
the portal's page "Check an exported log" in a browser. Without the
options below it names no person and no camera. A running agent writes down that it was exported.

  --out FILE       write there (0600; an existing file is not overwritten); default: standard output
  --details        with what was changed: before and after, names of cameras and organisations
  --people         with names and e-mail addresses
  --subject WHO    instead: every row in which this person stands, for her (e-mail address, name, or reference; see "log people")
  --csv            with --subject: comma-separated values with a head line (RFC 4180)
  --state FOLDER   state folder (default /var/lib/sightline)
  --json           the summary as JSON (with --out)

Examples:
  sightline log export --out log.jsonl
  sightline log export --people --details --out for-the-lawyer.jsonl
  sightline log export --subject dana@example.org --csv --out dana.csv
`;

/** `sightline log export` */
export const logExportCommand: CliCommand = { name: 'log export', summary: 'the log as a file that verifies anywhere', help: HELP, run };

const OPTIONS = {
  out: { type: 'string' },
  details: { type: 'boolean' },
  people: { type: 'boolean' },
  subject: { type: 'string' },
  csv: { type: 'boolean' },
} as const;

interface Choice {
  readonly details?: boolean | undefined;
  readonly people?: boolean | undefined;
  readonly subject?: string | undefined;
  readonly csv?: boolean | undefined;
}

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('log export', args, OPTIONS);
  const isWhole = options.subject === undefined;
  if (isWhole && options.csv === true) throw usage('--csv is for the data of one person.', 'Add --subject, or use log show --csv.');
  if (!isWhole && (options.details === true || options.people === true))
    throw usage('--subject always holds all that is kept about this person, and names nobody else.', 'Leave --details and --people out.');
  return withLog(stateFolder(options.state, io.environment), async (log) => {
    const chosen = isWhole ? { pieces: wholeLog(log, options), ref: null } : await subjectLog(log, options);
    await tellAgent(options, io, chosen.ref);
    const { pieces } = chosen;
    if (options.out === undefined) {
      for await (const { text } of pieces) io.out(text);
      return EXIT.ok;
    }
    const path = resolve(options.out);
    const { rows, bytes } = await writeOut(path, pieces, (so) => io.isTerminal && io.err(`\r${so} rows`));
    if (io.isTerminal) io.err('\r\u001b[K');
    const hint = isWhole ? ` Verify: node verify-log.mjs ${options.out}` : '';
    io.out(options.json === true ? `${JSON.stringify({ path, rows, bytes })}\n` : `${rows} rows written to ${path}.${hint}\n`);
    return EXIT.ok;
  });
}

/** The whole log, as it verifies. */
export async function* wholeLog({ store, device, key }: ReadLog, { details, people }: Choice): AsyncGenerator<Piece> {
  const choice = { hasDetails: details === true, hasPeople: people === true };
  for await (const text of exportLines({ store, hash: sha256, device, key, at: systemClock.now() }, choice))
    yield { text, isRow: text.startsWith('{"kind":"row"') };
}

/** Who takes the log away must be found in it. Only a running agent can write it; an export is possible without one all the same, and on a full disk, but says so. */
async function tellAgent(options: Choice & Whom, io: CliIo, ref: string | null): Promise<void> {
  const { details = false, people = false } = options;
  await ask('log-exported', options, io, { ref, details: details || ref !== null, people: people || ref !== null }).catch(
    (error: unknown) => {
      const why = error instanceof AgentError ? `${error.say} (${error.code})` : String(error);
      io.err(`The export goes on, but does not stand in the log: ${why}\n`);
    },
  );
}

async function subjectLog(
  { service, store, device }: ReadLog,
  { subject = '', csv }: Choice,
): Promise<{ pieces: AsyncIterable<Piece>; ref: string }> {
  const wanted = subject.trim();
  if (wanted === '') throw usage('Nobody is named.', 'Add --subject with an e-mail address or a name.');
  const person = choosePerson(await service.findSubjects(wanted), wanted);
  const entries = subjectEntries(store, person.ref, person);
  const pieces = csv === true ? subjectCsv(entries) : subjectJson(entries, { ...person, device, at: systemClock.now() });
  return { pieces, ref: person.ref };
}

function usage(say: string, fix: string): AgentError {
  return new AgentError({ code: 'cli.usage', say, fix });
}
