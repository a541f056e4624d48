import { AgentError } from '../kernel/errors.js';
import { readArguments, SOURCE } from './arguments.js';
import { ask } from './ask.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { choosePerson } from './log-people.js';
import { iso } from './words.js';

const ERASE_HELP = `sightline log erase - forget a person

The name and e-mail address leave every file of the recorder within seconds; the rows stay and the log still verifies. That somebody was
forgotten, and when, stands in the log. There is no way back.

  --subject WHO    e-mail address, name, or the reference that "log people" shows
  --yes            do not ask (needed where nobody sits at a terminal)
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

What the person has asked the owner for is declined. Whoever owns the recorder cannot be forgotten so: hand it over, or reset it.

Exit code 5: forgotten, but a file still names the person (a damaged one that was set aside, for example); it is named.

Examples:
  sightline log erase --subject dana@example.org
  sightline log erase --subject dana@example.org --yes --json
`;

const RETENTION_HELP = `sightline log retention - how long the operation log is kept

Without options: the rule, and how full the log is. The oldest rows go when they are older than the days or more than the rows.

  --days N         30 to 3650 (default 365)
  --rows N         10000 to 1000000 (default 200000)
  --hold, --no-hold  a legal hold: nothing is taken out while it stands
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Examples:
  sightline log retention
  sightline log retention --days 730 --hold
`;

/** `sightline log erase` */
export const logEraseCommand: CliCommand = { name: 'log erase', summary: 'forget a person', help: ERASE_HELP, run: erase };
/** `sightline log retention` */
export const logRetentionCommand: CliCommand = {
  name: 'log retention',
  summary: 'how long the log is kept',
  help: RETENTION_HELP,
  run: retention,
};

async function erase(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('log erase', args, { ...SOURCE, subject: { type: 'string' }, yes: { type: 'boolean' } });
  const wanted = options.subject?.trim() ?? '';
  if (wanted === '') throw usage('Nobody is named.', 'Add --subject with an e-mail address or a name.');
  const { people } = await ask('log-people', options, io, { text: wanted.slice(0, 254) });
  const person = choosePerson(people, wanted);
  if (options.yes !== true) await confirm(`${person.name} <${person.email}>`, io);
  const done = await ask('log-erase', options, io, { ref: person.ref }, 'the person to be forgotten');
  const left = done.stillIn.map((file) => `Not done: ${stillNamed(file)}\n`).join('');
  io.out(
    options.json === true ? `${JSON.stringify(done)}\n` : `Forgotten. That it was done stands in row ${done.seq} of the log.\n${left}`,
  );
  return done.stillIn.length > 0 ? EXIT.partly : EXIT.ok;
}

function stillNamed(file: string): string {
  if (file.endsWith('-wal')) return `somebody was reading the log, so ${file} may still hold the name until the agent is restarted.`;
  return `the damaged file ${file}, which was set aside, still names the person. Look at it, then remove it.`;
}

/** @throws AgentError cli.unconfirmed */
async function confirm(who: string, io: CliIo): Promise<void> {
  if (io.ask === undefined) {
    throw new AgentError({
      code: 'cli.unconfirmed',
      say: `Nothing was done: there is nobody at a terminal to ask whether ${who} is to be forgotten.`,
      fix: 'Add --yes if it is meant.',
    });
  }
  const answer = await io.ask(`Forget ${who} for good? Type yes to go on: `);
  if (answer.trim().toLowerCase() !== 'yes')
    throw new AgentError({ code: 'cli.unconfirmed', say: 'Nothing was done.', fix: 'Ask again when it is meant.' });
}

async function retention(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('log retention', args, {
    ...SOURCE,
    days: { type: 'string' },
    rows: { type: 'string' },
    hold: { type: 'boolean' },
    'no-hold': { type: 'boolean' },
  });
  if (options.hold === true && options['no-hold'] === true) throw usage('--hold and --no-hold exclude each other.', 'Give one of them.');
  const isHeld = options.hold === true ? true : options['no-hold'] === true ? false : undefined;
  const change = { days: readNumber('--days', options.days), rows: readNumber('--rows', options.rows), isHeld };
  const wanted = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const kept = await ask('log-retention', options, io, wanted);
  if (options.json === true) io.out(`${JSON.stringify(kept)}\n`);
  else {
    const rule = `Rows are kept for ${kept.days} days, at most ${kept.rows} of them${kept.isHeld ? '; a hold stands, so nothing is taken out' : ''}.`;
    const facts = [['full', `${Math.round(kept.fullness * 100)} %`]];
    if (kept.incidentSince !== null) facts.push(['incident', `open since ${iso(kept.incidentSince)}`]);
    io.out(`${rule}\n\n${columns(facts)}\n`);
  }
  return EXIT.ok;
}

function readNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9]{1,8}$/.test(text)) return Number(text);
  throw usage(`${option} "${text}" is no whole number.`, 'See sightline log retention --help for what is possible.');
}

function usage(say: string, fix: string): AgentError {
  return new AgentError({ code: 'cli.usage', say, fix });
}
