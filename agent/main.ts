import type { CliCommand, CliIo } from './commands/command.js';
import { EXIT } from './commands/command.js';
import { pressCommand, withdrawCommand } from './commands/local.js';
import { logShowCommand, logVerifyCommand } from './commands/log.js';
import { overview } from './commands/overview.js';
import { makeRunCommand } from './commands/run.js';
import { statusCommand } from './commands/status.js';
import { AgentError } from './kernel/errors.js';

const io: CliIo = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  environment: process.env,
  isTerminal: process.stderr.isTTY === true,
};

/** The wiring is loaded only by the command that needs it: `sightline status` must not wait for drivers. */
const run = makeRunCommand({
  prepareStateFolder: async (folder) => (await import('./compose/stores.js')).prepareStateFolder(folder),
  compose: async (options) => (await import('./compose.js')).compose(options),
});

const COMMANDS: readonly CliCommand[] = [run, statusCommand, logShowCommand, logVerifyCommand, pressCommand, withdrawCommand];

async function main(args: readonly string[]): Promise<number> {
  const command = COMMANDS.find(({ name }) => name.split(' ').every((word, at) => args[at] === word));
  if (command === undefined) return overview(COMMANDS, args, io);
  const rest = args.slice(command.name.split(' ').length);
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(command.help);
    return EXIT.ok;
  }
  return command.run(rest, io);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    if (error instanceof AgentError) io.err(`${error.say} ${error.fix} (${error.code})\n`);
    else io.err(`The program failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    const isRefused = error instanceof AgentError && /^(pairing|permissions)\./.test(error.code);
    const isUnreachable = error instanceof AgentError && error.code === 'control.not_running';
    process.exitCode =
      error instanceof AgentError && error.code === 'cli.usage'
        ? EXIT.usage
        : isUnreachable
          ? EXIT.unreachable
          : isRefused
            ? EXIT.refused
            : EXIT.failed;
  },
);
