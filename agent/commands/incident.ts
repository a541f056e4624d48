import { promises as fs } from 'node:fs';
import { join, resolve } from 'node:path';
import type { IncidentOpened } from '../contract/log-views.js';
import { AgentError } from '../kernel/errors.js';
import { readArguments, SOURCE, stateFolder } from './arguments.js';
import { ask, type Whom } from './ask.js';
import { type CliCommand, type CliIo, EXIT } from './command.js';
import { ledgerJson, readDay } from './ledger.js';
import { wholeLog } from './log-export.js';
import { withLog } from './log-reader.js';
import { count } from './words.js';
import { writeOut } from './write-out.js';

const DAY_MS = 86_400_000;

const OPEN_HELP = `sightline incident open - something happened: stop everything and keep the evidence

Takes every permission back, ends running pictures, makes the pairing code void, asks for a new client certificate, and puts the operation log
on hold: nothing is taken out of it until the incident is closed. With --out the evidence is written down: the log with its proofs, names and
changes (log.jsonl, for verify-log.mjs) and what left the recorder (ledger.json).

  --note TEXT      what happened, in a sentence; stands in the log
  --out FOLDER     write the evidence there (0700; a folder that is not there yet)
  --since DAY      what left from this day on (2026-11-24; default: 30 days back)
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Examples:
  sightline incident open --note "the office was broken into" --out evidence
  sightline incident open --note "a phone with the owner's key was stolen" --json
`;

const CLOSE_HELP = `sightline incident close - it is dealt with

Writes what was done into the log and lets the log be shortened by its rule again. Permissions stay withdrawn: the owner gives them anew.

  --note TEXT      what was done, in a sentence; stands in the log
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Examples:
  sightline incident close --note "locks changed, phone removed, installer informed"
  sightline incident close --note "false alarm" --json
`;

/** `sightline incident open` */
export const incidentOpenCommand: CliCommand = {
  name: 'incident open',
  summary: 'stop everything and keep the evidence',
  help: OPEN_HELP,
  run: open,
};
/** `sightline incident close` */
export const incidentCloseCommand: CliCommand = {
  name: 'incident close',
  summary: 'write down what was done',
  help: CLOSE_HELP,
  run: close,
};

async function open(args: readonly string[], io: CliIo): Promise<number> {
  const more = { note: { type: 'string' }, out: { type: 'string' }, since: { type: 'string' } } as const;
  const options = readArguments('incident open', args, { ...SOURCE, ...more });
  const note = noteOf('incident open', options.note);
  const since = readDay(options.since);
  const done = await ask('incident-open', options, io, { note }, 'everything to be stopped');
  const left = [...done.left];
  const { out } = options;
  const written =
    out === undefined
      ? undefined
      : await evidence(resolve(out), since ?? Math.floor(done.at / DAY_MS) - 30, options, io).catch((error: unknown) => {
          // Everything is stopped all the same: that must be said first.
          left.push(`The evidence could not be written. ${error instanceof AgentError ? `${error.say} ${error.fix}` : String(error)}`);
          return undefined;
        });
  io.out(options.json === true ? `${JSON.stringify({ ...done, left, evidence: written ?? null })}\n` : told(done, left, written));
  return left.length > 0 ? EXIT.partly : EXIT.ok;
}

interface Evidence {
  readonly folder: string;
  readonly rows: number;
}

function told({ grants, sessionsEnded, seq }: IncidentOpened, left: readonly string[], written: Evidence | undefined): string {
  const stopped = `Stopped: ${count(grants, 'permission')} taken back, ${count(sessionsEnded, 'running picture')} ended. The log is on hold from row ${seq} on.`;
  const missing = left.map((sentence) => `Not done: ${sentence}\n`).join('');
  const next =
    written === undefined
      ? 'Now keep the evidence: sightline log export --details --people --out incident.jsonl; sightline ledger --since DAY --json'
      : `${count(written.rows, 'row')} of the log and the ledger are in ${written.folder}. Verify: node verify-log.mjs ${join(written.folder, 'log.jsonl')}`;
  return `${stopped}\n${missing}${next}\n`;
}

/** The log with everything that verifies it, and what left. @throws AgentError log.export_failed */
async function evidence(folder: string, fromDay: number, options: Whom, io: CliIo): Promise<Evidence> {
  await fs.mkdir(folder, { mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    const say = cause.code === 'EEXIST' ? `${folder} is there already.` : `${folder} cannot be made.`;
    throw new AgentError({
      code: 'log.export_failed',
      say,
      fix: 'Write the evidence elsewhere: sightline log export --details --people --out FILE.',
      cause,
    });
  });
  const answer = await ask('ledger', options, io, { fromDay: Math.max(0, fromDay), toDay: null });
  const ledger = ledgerJson(answer, { first: Math.max(0, fromDay), last: Math.floor(answer.now / DAY_MS) });
  await fs.writeFile(join(folder, 'ledger.json'), `${JSON.stringify(ledger, null, 1)}\n`, { mode: 0o600, flag: 'wx' });
  const { rows } = await withLog(stateFolder(options.state, io.environment), (log) =>
    writeOut(join(folder, 'log.jsonl'), wholeLog(log, { details: true, people: true }), () => undefined),
  );
  return { folder, rows };
}

async function close(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('incident close', args, { ...SOURCE, note: { type: 'string' } });
  const done = await ask('incident-close', options, io, { note: noteOf('incident close', options.note) });
  io.out(options.json === true ? `${JSON.stringify(done)}\n` : `Closed; it stands in row ${done.seq} of the log.\n`);
  return EXIT.ok;
}

/** @throws AgentError cli.usage */
function noteOf(command: string, note: string | undefined): string {
  if (note !== undefined && note.trim() !== '') return note.trim();
  throw new AgentError({ code: 'cli.usage', say: 'A sentence is missing.', fix: `Add --note "..."; see sightline ${command} --help.` });
}
