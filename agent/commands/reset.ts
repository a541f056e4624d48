import type { ResetDone } from '../contract/control.js';
import { AgentError } from '../kernel/errors.js';
import { readArguments, SOURCE } from './arguments.js';
import { ask, type Whom } from './ask.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { count } from './words.js';

const GOES = `Goes:   the owner with all devices, every permission, running pictures, the pairing code,
        the cameras' logins, the names and e-mail addresses in the operation log.
Stays:  serial number and printed label, recordings, cameras and their settings, the rows of the operation log (this act is one),
        and the site file with the logins that stand in it.`;

const HELP = `sightline reset - make this recorder nobody's, as after a lost key or before it is sold

${GOES}

There is no way back. Afterwards a press of the button (or sightline press) opens the recorder for a new owner. Asks before it does anything.

  --yes            do not ask (needed where nobody sits at a terminal)
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Exit code 5: the owner is gone, but something could not be erased; it is named.

Examples:
  sightline reset
  sightline reset --yes --json
`;

/** `sightline reset` */
export const resetCommand: CliCommand = { name: 'reset', summary: 'make this recorder nobody’s', help: HELP, run };

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('reset', args, { ...SOURCE, yes: { type: 'boolean' } });
  if (options.yes !== true) await confirm(options, io);
  const done = await ask('reset', options, io, {}, 'the recorder to forget its people');
  if (options.json === true) io.out(`${JSON.stringify(done)}\n`);
  else io.out(told(done));
  return done.left.length > 0 ? EXIT.partly : EXIT.ok;
}

/** @throws AgentError cli.unconfirmed */
async function confirm(whom: Whom, io: CliIo): Promise<void> {
  if (io.ask === undefined) {
    throw new AgentError({
      code: 'cli.unconfirmed',
      say: 'Nothing was reset: there is nobody at a terminal to ask.',
      fix: 'Add --yes if it is meant. What goes and what stays: sightline reset --help.',
    });
  }
  const { owner, serial } = await ask('owner', whom, io);
  const whose = owner === null ? 'has no owner' : `belongs to ${owner.person.name} (${owner.site})`;
  io.err(`Recorder ${serial} ${whose}.\n${GOES}\n`);
  const answer = await io.ask('There is no way back. Type the word reset to go on: ');
  if (answer.trim().toLowerCase() === 'reset') return;
  throw new AgentError({ code: 'cli.unconfirmed', say: 'Nothing was reset.', fix: 'Ask again when it is meant.' });
}

function told(done: ResetDone): string {
  const rows = columns([
    ['permissions', String(done.grants)],
    ['running pictures', String(done.sessionsEnded)],
    ['camera logins', String(done.logins)],
    ['people in the log', String(done.people)],
  ]);
  const left = done.left.map((sentence) => `Not done: ${sentence}\n`).join('');
  return `Recorder ${done.serial} belongs to nobody now${done.left.length > 0 ? `, but ${count(done.left.length, 'thing')} could not be done` : ''}.

${left}${left === '' ? '' : '\n'}Taken away:
${rows}

For a new owner: press the button for 3 seconds (or sightline press), then pair with the code.
`;
}
