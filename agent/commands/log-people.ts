import { AgentError } from '../kernel/errors.js';
import { readArguments, stateFolder } from './arguments.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { withLog } from './log-reader.js';
import { findId } from './words.js';

const HELP = `sightline log people - who stands in the operation log

Reads the log from the state folder, whether the agent runs or not. A person who was forgotten is not among them.

  --find TEXT      part of a name or an e-mail address
  --state FOLDER   state folder (default /var/lib/sightline)
  --json           one JSON object per person

Examples:
  sightline log people
  sightline log people --find example.org --json
`;

/** `sightline log people` */
export const logPeopleCommand: CliCommand = { name: 'log people', summary: 'who stands in the log', help: HELP, run };

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('log people', args, { find: { type: 'string' } });
  const people = await withLog(stateFolder(options.state, io.environment), ({ service }) => service.findSubjects(options.find ?? ''));
  if (options.json === true) for (const person of people) io.out(`${JSON.stringify(person)}\n`);
  else if (people.length === 0) io.out('Nobody.\n');
  else io.out(`${columns([['NAME', 'E-MAIL', 'REFERENCE'], ...people.map(({ name, email, ref }) => [name, email, ref])])}\n`);
  return EXIT.ok;
}

/** Somebody in the log. */
export interface Named {
  readonly ref: string;
  readonly name: string;
  readonly email: string;
}

/** The one person who is meant: by the whole e-mail address or name, or by the reference. @throws AgentError log.no_such_subject | cli.ambiguous */
export function choosePerson(people: readonly Named[], wanted: string): Named {
  const lower = wanted.normalize('NFC').toLowerCase();
  const exact = people.filter(({ email, name }) => email === lower || name.toLowerCase() === lower);
  const ref = findId(
    wanted,
    people.map((person) => person.ref),
    'person',
    'people',
  );
  const found = exact.length > 0 ? exact : people.filter((person) => person.ref === ref);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  if (found.length === 0) {
    throw new AgentError({
      code: 'log.no_such_subject',
      say: `Nobody in the log is called "${wanted}".`,
      fix: 'See who is: sightline log people. A person who was forgotten is not found any more.',
    });
  }
  throw new AgentError({
    code: 'cli.ambiguous',
    say: `"${wanted}" is the name of ${found.length} people: ${found.map(({ email }) => email).join(', ')}. Nothing was done.`,
    fix: 'Give the e-mail address.',
  });
}
