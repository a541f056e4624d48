import { allCommands } from '../../agent/commands/all.js';
import { runCommand } from '../../agent/commands/run-command.js';
import type { Ended } from './run-built.js';

const notHere = (): never => {
  throw new RangeError('what composes an agent is run as a program of its own');
};
const COMMANDS = allCommands({ prepareStateFolder: notHere, compose: notHere, makeLabel: notHere, serialTools: notHere });

/**
 * A command of the `sightline` program without the program: what it says and its exit code, for the many cases of one whose program another case
 * has run. It costs a tenth of a process.
 */
export async function commandLine(...argv: string[]): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const code = await runCommand(COMMANDS, argv, {
    out: (text) => {
      said.stdout += text;
    },
    err: (text) => {
      said.stderr += text;
    },
    environment: {},
    isTerminal: false,
  });
  return { code, ...said };
}
