import { allCommands } from './commands/all.js';
import { runCommand } from './commands/run-command.js';
import { terminalIo } from './commands/terminal.js';

/** The wiring is loaded only by the command that needs it: `sightline status` must not wait for drivers. */
const COMMANDS = allCommands({
  prepareStateFolder: async (folder) => (await import('./compose/stores.js')).prepareStateFolder(folder),
  compose: async (options) => (await import('./compose.js')).compose(options),
  makeLabel: async (options) => (await import('./compose/label.js')).makeLabelAlone(options),
  serialTools: async (log) => (await import('./compose/serial-tools.js')).openSerialTools(log),
});

void runCommand(COMMANDS, process.argv.slice(2), terminalIo()).then((code) => {
  process.exitCode = code;
});
