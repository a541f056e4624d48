import { allCommands } from './commands/all.js';
import { EXIT } from './commands/command.js';
import { errorJson, errorText, exitCodeOf } from './commands/exit-code.js';
import { findCommand, overview } from './commands/overview.js';
import { terminalIo } from './commands/terminal.js';

const io = terminalIo();

/** The wiring is loaded only by the command that needs it: `sightline status` must not wait for drivers. */
const COMMANDS = allCommands({
  prepareStateFolder: async (folder) => (await import('./compose/stores.js')).prepareStateFolder(folder),
  compose: async (options) => (await import('./compose.js')).compose(options),
  makeLabel: async (options) => (await import('./compose/label.js')).makeLabelAlone(options),
});

async function main(args: readonly string[]): Promise<number> {
  const command = findCommand(COMMANDS, args);
  if (command === undefined) return overview(COMMANDS, args, io);
  const rest = args.slice(command.name.split(' ').length);
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(command.help);
    return EXIT.ok;
  }
  return command.run(rest, io);
}

const args = process.argv.slice(2);
main(args).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    if (args.includes('--json')) io.out(errorJson(error));
    else io.err(errorText(error));
    process.exitCode = exitCodeOf(error);
  },
);
