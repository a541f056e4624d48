import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Authority, issueServerIdentity, openAuthority } from '../../scripts/portal/authority.js';
import { type Mosquitto, startMosquitto } from './mosquitto.js';

/** mosquitto with the configuration that is shipped. */
export interface MtlsBroker {
  readonly broker: Mosquitto;
  readonly authority: Authority;
  /** mqtts://127.0.0.1:port, for recorders. */
  readonly url: string;
  /** wss://127.0.0.1:port, for apps. */
  readonly wsUrl: string;
  readonly stop: () => Promise<void>;
}

function repositoryRoot(): string {
  let at = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(at, 'package-lock.json'))) at = dirname(at);
  return at;
}

const shipped = (name: string): Promise<string> => readFile(join(repositoryRoot(), 'scripts/broker', name), 'utf8');

/** Puts values for the placeholders; one that is left is an error of the shipped file. */
function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`nothing is known for ${whole}`);
    return String(value);
  });
}

/** Starts it on loopback, with an authority of its own and these app accounts (name and password). */
export async function startMtlsBroker(tenant: string, accounts: Readonly<Record<string, string>>): Promise<MtlsBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-mtls-'));
  const state = join(folder, 'state');
  await mkdir(state);
  const authority = await openAuthority(folder);
  const server = await issueServerIdentity(authority, { names: ['localhost'], ips: ['127.0.0.1'] });
  await writeFile(join(folder, 'broker.pem'), server.certificate);
  await writeFile(join(folder, 'broker-key.pem'), server.key, { mode: 0o600 });
  for (const name of ['recorders.acl', 'apps.acl'])
    await writeFile(join(folder, name), fill(await shipped(name), { tenant }), { mode: 0o600 });
  const passwords = join(folder, 'apps.passwords');
  await writeFile(passwords, '', { mode: 0o600 });
  for (const [name, password] of Object.entries(accounts)) await promisify(execFile)('mosquitto_passwd', ['-b', passwords, name, password]);
  const template = await shipped('mosquitto.conf');
  // Started as root it would become another user, who may not read the files it is given.
  const user = userInfo().username;
  const values = { user, folder, state, bind: '127.0.0.1' };
  const broker = await startMosquitto({
    configuration: ({ port, wsPort }) => fill(template, { ...values, recorder_port: port, app_port: wsPort }),
  });
  return {
    broker,
    authority,
    url: broker.url.replace('mqtt:', 'mqtts:'),
    wsUrl: broker.wsUrl.replace('ws:', 'wss:'),
    stop: async () => {
      await broker.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
