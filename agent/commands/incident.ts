import { AgentError } from '../kernel/errors.js';
import { readArguments, SOURCE } from './arguments.js';
import { ask } from './ask.js';
import { type CliCommand, type CliIo, EXIT } from './command.js';
import { count } from './words.js';

const OPEN_HELP = `sightline incident open - something happened: stop everything and keep the evidence

Takes every permission back, ends running pictures, makes the pairing code void, asks for a new client certificate, and puts the operation log
on hold: nothing is taken out of it until the incident is closed. Then write the evidence down: sightline log export, sightline ledger.

  --note TEXT      what happened, in a sentence; stands in the log
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Examples:
  sightline incident open --note "the office was broken into"
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
  const options = readArguments('incident open', args, { ...SOURCE, note: { type: 'string' } });
  const done = await ask('incident-open', options, io, { note: noteOf('incident open', options.note) }, 'everything to be stopped');
  const left = done.left.map((sentence) => `Not done: ${sentence}\n`).join('');
  const words = `Stopped: ${count(done.grants, 'permission')} taken back, ${count(done.sessionsEnded, 'running picture')} ended. The log is on hold from row ${done.seq} on.\n${left}Now keep the evidence: sightline log export --details --people --out incident.jsonl\n`;
  io.out(options.json === true ? `${JSON.stringify(done)}\n` : words);
  return done.left.length > 0 ? EXIT.partly : EXIT.ok;
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
