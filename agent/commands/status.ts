import { askAgent } from '../control/control-client.js';
import { controlPath, readArguments, stateFolder } from './arguments.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';

const HELP = `sightline status - how the running agent is

  --state FOLDER   its state folder (default /var/lib/sightline)
  --json           the same as JSON

Examples:
  sightline status
  sightline status --state ./state --json
`;

/** The answer of the running agent; see compose/local-acts.ts. */
interface StatusBody {
  readonly serial: string;
  readonly version: string;
  readonly startedAt: number;
  readonly isPaired: boolean;
  readonly isPairingOpen: boolean;
  readonly isCloudConnected: boolean;
  readonly verdict: { readonly sentence: string };
  readonly watching: number;
  readonly cameras: readonly { id: string; name: string; model: string; state: string; reason: { say: string } | null }[];
}

/** `sightline status` */
export const statusCommand: CliCommand = { name: 'status', summary: 'how the running agent is', help: HELP, run };

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('status', args, {});
  const body = (await askAgent(controlPath(stateFolder(options.state, io.environment)), 'status')) as StatusBody;
  if (options.json === true) {
    io.out(`${JSON.stringify(body)}\n`);
    return EXIT.ok;
  }
  const pairing = body.isPaired ? 'has an owner' : body.isPairingOpen ? 'waits for pairing' : 'has no owner; press its button to pair';
  io.out(`${body.verdict.sentence}\n\n`);
  io.out(
    `${columns([
      ['recorder', `${body.serial}, ${pairing}`],
      ['version', `${body.version}, since ${new Date(body.startedAt).toISOString()}`],
      ['cloud', body.isCloudConnected ? 'connected' : 'not connected'],
      ['watching', body.watching === 0 ? 'nobody' : String(body.watching)],
      ...body.cameras.map((camera) => [
        camera.id,
        `${camera.name} (${camera.model || 'unknown model'}): ${camera.reason?.say ?? camera.state}`,
      ]),
    ])}\n`,
  );
  return EXIT.ok;
}
