import { VERSION } from '../kernel/version.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';

/** The command whose words were typed; `owner code` is not `owner`: the longest name counts. */
export function findCommand(commands: readonly CliCommand[], args: readonly string[]): CliCommand | undefined {
  const isMeant = ({ name }: CliCommand): boolean => name.split(' ').every((word, at) => args[at] === word);
  return commands.filter(isMeant).sort((a, b) => b.name.length - a.name.length)[0];
}

/** What `sightline`, `sightline --help`, `sightline --version` and a mistyped command print. */
export function overview(commands: readonly CliCommand[], args: readonly string[], io: CliIo): number {
  if (args[0] === '--version' || args[0] === '-v') {
    io.out(`sightline ${VERSION}\n`);
    return EXIT.ok;
  }
  const isAsked = args.length === 0 || args[0] === '--help' || args[0] === '-h' || args[0] === 'help';
  const group = commands.filter(({ name }) => name.startsWith(`${args[0]} `));
  if (group.length > 0 && (args[1] === '--help' || args[1] === '-h')) {
    io.out(`${table(group)}\n`);
    return EXIT.ok;
  }
  if (!isAsked) {
    io.err(`There is no command "${args.slice(0, 2).join(' ')}".${hint(commands, args)} See sightline --help. (cli.usage)\n`);
    return EXIT.usage;
  }
  io.out(`sightline ${VERSION} - edge agent for video recorders. The owner decides who may watch; the recorder enforces it; the cloud only relays.

${table(commands)}

Every command explains itself with --help and answers as JSON with --json (when it fails: {"error":{"code","say","fix"}}).
The state folder is --state, else SIGHTLINE_STATE, else /var/lib/sightline.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by permission, 4 agent not reachable, 5 partly done.

Examples:
  sightline status
  sightline permissions list
`);
  return EXIT.ok;
}

function table(commands: readonly CliCommand[]): string {
  return columns(commands.map(({ name, summary }) => [`  sightline ${name}`, summary]));
}

/** Commands that begin as what was typed: the members of a group such as `permissions`, else what begins alike. */
function hint(commands: readonly CliCommand[], args: readonly string[]): string {
  const [first = ' '] = args;
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  const near = group.length > 0 ? group : commands.filter(({ name }) => name.startsWith(first.slice(0, 3)));
  return near.length > 0 ? ` Did you mean: ${near.map(({ name }) => `sightline ${name}`).join(', ')}?` : '';
}
