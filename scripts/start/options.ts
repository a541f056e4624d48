import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AgentError } from '../../agent/kernel/errors.js';

/** The help of `npm start`. */
export const HELP = `npm start - Sightline on this machine: a test camera, the reference cloud with its portal, and the agent

  npm start -- [options]

  --camera URL     use this camera instead: onvif://user:password@host[:port]
  --no-camera      start without any camera
  --port PORT      port of the portal (default 8080)
  --mqtt-port PORT port of the message broker (default: a free one)
  --lan-port PORT  port of the recorder's own page (default 8443)
  --state FOLDER   where the agent keeps its keys and databases (default .sightline)
  --verbose        show the agent's log

Stop with Ctrl-C: nothing is left running. Start again: the recorder remembers its owner. To begin anew, remove the state folder.
`;

/** What `npm start` was asked to do. */
export interface StartOptions {
  /** `test`: our own; `none`; or an address and login of a real one. */
  readonly camera: 'test' | 'none' | { readonly address: string; readonly user: string; readonly password: string };
  readonly port: number;
  readonly mqttPort: number;
  readonly lanPort: number;
  readonly stateFolder: string;
  readonly isVerbose: boolean;
}

/** Reads the options; undefined when help was asked for. @throws AgentError start.* */
export function readOptions(args: readonly string[]): StartOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  if (values.camera !== undefined && values['no-camera'] === true)
    throw usage('--camera and --no-camera exclude each other.', 'Give one of them.');
  const camera = values['no-camera'] === true ? 'none' : values.camera === undefined ? 'test' : readCamera(values.camera);
  return {
    camera,
    port: readPort('--port', values.port, 8080),
    mqttPort: readPort('--mqtt-port', values['mqtt-port'], 0),
    lanPort: readPort('--lan-port', values['lan-port'], 8443),
    stateFolder: resolve(values.state ?? '.sightline'),
    isVerbose: values.verbose === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        camera: { type: 'string' },
        'no-camera': { type: 'boolean' },
        port: { type: 'string' },
        'mqtt-port': { type: 'string' },
        'lan-port': { type: 'string' },
        state: { type: 'string' },
        verbose: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw usage(cause instanceof Error ? `${cause.message.split('. ')[0]}.` : String(cause), 'See npm start -- --help.');
  }
}

/** The login goes out of the address at once, into a file that only this user can read: the parts' own arguments and logs must not show it. */
function readCamera(text: string): Exclude<StartOptions['camera'], string> {
  const match = /^(?:onvif|https?):\/\/([^:@/]+):([^@/]*)@([^@/]+)(\/.*)?$/.exec(text);
  if (match === null) {
    throw usage(
      '--camera needs an address with a login.',
      'Write it like onvif://user:password@192.0.2.7 (special characters percent-encoded).',
    );
  }
  const scheme = text.startsWith('https') ? 'https' : 'http';
  try {
    const [user, password] = [decodeURIComponent(match[1] ?? ''), decodeURIComponent(match[2] ?? '')];
    return { address: `${scheme}://${match[3]}${match[4] ?? ''}`, user, password };
  } catch {
    throw usage('The login in --camera is not percent-encoded as it must be.', 'Write % as %25, @ as %40, : as %3A, / as %2F.');
  }
}

function readPort(name: string, text: string | undefined, otherwise: number): number {
  const port = text === undefined ? otherwise : Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw usage(`${name} ${text} is no port.`, 'Give a number from 0 to 65535; 0 takes a free one.');
}

function usage(say: string, fix: string): AgentError {
  return new AgentError({ code: 'start.usage', say, fix });
}
