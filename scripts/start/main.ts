import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SiteFile } from '../../agent/contract/site-file.js';
import { writeFileDurably } from '../../agent/kernel/atomic-file.js';
import { AgentError, asAgentError } from '../../agent/kernel/errors.js';
import { HELP, readOptions, type StartOptions } from './options.js';
import { Part } from './part.js';
import { welcome } from './welcome.js';

/** Root of the built tree. */
const BUILT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const TENANT = 'local';
const CAMERA_USER = 'admin';

const parts: Part[] = [];
let isStopping = false;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(HELP);
    return;
  }
  const stopped = new Promise<string>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve(name));
  });
  try {
    await startAll(options, () => process.kill(process.pid, 'SIGTERM'));
    await stopped;
    process.stderr.write('stopping…\n');
  } finally {
    await stopAll();
  }
}

async function startAll(options: StartOptions, onPartEnd: () => void): Promise<void> {
  await makeStateFolder(options.stateFolder);
  const portal = await startPart(onPartEnd, {
    name: 'portal',
    argv: [
      'scripts/portal/main.js',
      '--port',
      String(options.port),
      '--mqtt-port',
      String(options.mqttPort),
      '--tenant',
      TENANT,
      '--state',
      join(options.stateFolder, 'portal.json'),
    ],
  });
  const camera = await startCamera(options, onPartEnd);
  const serial = await startSerial(onPartEnd);
  const site: SiteFile = {
    v: 1,
    cloud: { url: String(portal.ready.mqttUrl), tenant: TENANT },
    recorderName: 'Sightline recorder',
    region: 'EU',
    cameras: camera,
    ...(serial === undefined ? {} : { serial }),
    live: { bindAddress: '127.0.0.1' },
    lan: { bindAddress: '127.0.0.1', port: options.lanPort },
  };
  const siteFile = join(options.stateFolder, 'site.json');
  // 0600: it holds the camera's password.
  await writeFileDurably(siteFile, `${JSON.stringify(site, null, 2)}\n`);
  const agent = await startPart(onPartEnd, {
    name: 'agent',
    argv: [
      '--max-semi-space-size=1',
      'agent/main.js',
      'run',
      '--state',
      options.stateFolder,
      '--site-file',
      siteFile,
      '--new-code',
      '--ready-line',
      '--warm',
      '--with-parent',
    ],
    isVerbose: options.isVerbose,
  });
  process.stdout.write(
    welcome({ portalUrl: String(portal.ready.url), agent: agent.ready, isSerial: serial !== undefined, camera: options.camera }),
  );
}

async function makeStateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileDurably(join(folder, '.writable'), '');
  } catch (cause) {
    throw new AgentError({
      code: 'start.readonly_folder',
      say: `The state folder ${folder} cannot be written.`,
      fix: 'Make it writable, or name another one: npm start -- --state FOLDER.',
      cause,
    });
  }
}

/** What the site file says of cameras; starts our test camera when that is wanted. Its password is new each time: nobody else needs it. */
async function startCamera(options: StartOptions, onPartEnd: () => void): Promise<NonNullable<SiteFile['cameras']>> {
  const { camera } = options;
  if (camera === 'none') return { discovery: false };
  if (camera !== 'test')
    return { discovery: false, add: [{ address: camera.address, login: { user: camera.user, password: camera.password } }] };
  const password = randomBytes(12).toString('base64url');
  await startPart(onPartEnd, {
    name: 'test camera',
    argv: ['test/peers/onvif-camera/main.js', '--user', CAMERA_USER, '--name', 'Front door'],
    environment: { SIGHTLINE_CAMERA_PASSWORD: password },
  });
  // Found by discovery as any camera is, but only on this machine: a trial must not try passwords at real cameras of the network.
  return { discoveryAddresses: ['127.0.0.1'], logins: [{ user: CAMERA_USER, password }] };
}

/** A Pelco-D camera on a pair of pseudo terminals, where socat is there to make one. */
async function startSerial(onPartEnd: () => void): Promise<SiteFile['serial'] | undefined> {
  const hasSocat = (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, 'socat')));
  if (!hasSocat) return undefined;
  const pelco = await startPart(onPartEnd, { name: 'serial camera', argv: ['scripts/start/serial-camera.js'], isShown: true });
  return [{ path: String(pelco.ready.path), baudRate: 2400, parity: 'none', protocol: 'pelco-d', units: { '1': 'cam-1' } }];
}

interface StartedPart {
  readonly name: string;
  readonly argv: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly isVerbose?: boolean;
  readonly isShown?: boolean;
}

async function startPart(onPartEnd: () => void, wanted: StartedPart): Promise<Part> {
  const argv = wanted.argv.map((word) => (word.endsWith('.js') ? join(BUILT, word) : word));
  const show = (line: string): void => void process.stderr.write(`${wanted.name}: ${line}\n`);
  const part = await Part.start({
    name: wanted.name,
    argv: ['--enable-source-maps', ...argv],
    ...(wanted.environment === undefined ? {} : { environment: wanted.environment }),
    onLog: (line) => {
      if (wanted.isVerbose === true || (parts.length > 0 && /"level":"error"/.test(line))) show(line);
    },
    ...(wanted.isShown === true ? { onLine: show } : {}),
  });
  parts.push(part);
  part.onEnd(() => {
    if (isStopping) return;
    process.stderr.write(`The ${wanted.name} ended unexpectedly.\n`);
    process.exitCode = 1;
    onPartEnd();
  });
  return part;
}

/** In reverse: the agent says good-bye to the broker while there is one. */
async function stopAll(): Promise<void> {
  isStopping = true;
  for (const part of parts.splice(0).reverse()) await part.stop();
}

main().catch((thrown: unknown) => {
  const error = asAgentError(thrown, {
    code: 'start.failed',
    say: `The start failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    fix: '',
  });
  process.stderr.write(`${[error.say, error.fix].filter((part) => part !== '').join(' ')}\n`);
  process.exitCode = 1;
});
