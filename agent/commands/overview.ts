import { VERSION } from '../kernel/version.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';

/** What `sightline`, `sightline --help`, `sightline --version` and a mistyped command print. */
export function overview(commands: readonly CliCommand[], args: readonly string[], io: CliIo): number {
  if (args[0] === '--version' || args[0] === '-v') {
    io.out(`sightline ${VERSION}\n`);
    return EXIT.ok;
  }
  const isAsked = args.length === 0 || args[0] === '--help' || args[0] === '-h' || args[0] === 'help';
  if (!isAsked) {
    const near = commands.filter(({ name }) => name.startsWith(args[0] ?? ' ')).map(({ name }) => name);
    const hint = near.length > 0 ? ` Did you mean: ${near.join(', ')}?` : '';
    io.err(`There is no command "${args.slice(0, 2).join(' ')}".${hint} See sightline --help. (cli.usage)\n`);
    return EXIT.usage;
  }
  io.out(`sightline ${VERSION} - edge agent for video recorders. The owner decides who may watch; the recorder enforces it; the cloud only relays.

${columns(commands.map(({ name, summary }) => [`  sightline ${name}`, summary]))}

Every command explains itself with --help and answers as JSON with --json. The state folder is --state, else SIGHTLINE_STATE, else /var/lib/sightline.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by permission, 4 agent not reachable.

Examples:
  sightline status
  sightline log show --action live. --since 2026-11-01
`);
  return EXIT.ok;
}
