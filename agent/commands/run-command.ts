import { type CliCommand, type CliIo, EXIT } from './command.js';
import { errorJson, errorText, exitCodeOf } from './exit-code.js';
import { findCommand, overview } from './overview.js';

/** Runs the command that was typed, or shows what there is. Never rejects: a failure is told as the words ask for it, and is the exit code. */
export async function runCommand(commands: readonly CliCommand[], args: readonly string[], io: CliIo): Promise<number> {
  try {
    return await found(commands, args, io);
  } catch (error) {
    if (args.includes('--json')) io.out(errorJson(error));
    else io.err(errorText(error));
    return exitCodeOf(error);
  }
}

async function found(commands: readonly CliCommand[], args: readonly string[], io: CliIo): Promise<number> {
  const command = findCommand(commands, args);
  if (command === undefined) return overview(commands, args, io);
  const rest = args.slice(command.name.split(' ').length);
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(command.help);
    return EXIT.ok;
  }
  return command.run(rest, io);
}
