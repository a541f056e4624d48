import { askAgent } from '../control/control-client.js';
import { controlPath, readArguments, stateFolder } from './arguments.js';
import { type CliCommand, type CliIo, EXIT } from './command.js';

const PRESS_HELP = `sightline press - as if the button on the recorder were pressed

Opens the pairing window for 15 minutes and shows a new verification code, once. Only while the recorder has no owner.

  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Examples:
  sightline press
  sightline press --state ./state --json
`;

const WITHDRAW_HELP = `sightline withdraw - take every permission back, now

Running pictures end at once. The owner can give permissions anew. Needs no cloud and no key: who stands at the recorder may do it.

  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Examples:
  sightline withdraw
  sightline withdraw --json
`;

/** `sightline press` */
export const pressCommand: CliCommand = {
  name: 'press',
  summary: 'open the pairing window and show a new code',
  help: PRESS_HELP,
  run: async (args, io) => {
    const { body, isJson } = await ask('press', args, io);
    const { serial, code } = body as { serial: string; code: string };
    io.out(isJson ? `${JSON.stringify(body)}\n` : `Serial number ${serial}, verification code ${code} (shown once, good for 15 minutes)\n`);
    return EXIT.ok;
  },
};

/** `sightline withdraw` */
export const withdrawCommand: CliCommand = {
  name: 'withdraw',
  summary: 'take every permission back, now',
  help: WITHDRAW_HELP,
  run: async (args, io) => {
    const { body, isJson } = await ask('withdraw', args, io);
    const { grants, sessionsEnded } = body as { grants: number; sessionsEnded: number };
    io.out(
      isJson
        ? `${JSON.stringify(body)}\n`
        : `Nobody may do anything now: ${grants} permissions taken back, ${sessionsEnded} running pictures ended.\n`,
    );
    return EXIT.ok;
  },
};

async function ask(op: 'press' | 'withdraw', args: readonly string[], io: CliIo): Promise<{ body: unknown; isJson: boolean }> {
  const options = readArguments(op, args, {});
  return { body: await askAgent(controlPath(stateFolder(options.state, io.environment)), op), isJson: options.json === true };
}
