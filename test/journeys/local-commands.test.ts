// runner: limit 120s
/** What a person at the recorder does with the command line and the button, against the real agent: from the first look to the reset. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EXIT } from '../../agent/commands/command.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { ROOT } from '../../scripts/root.js';
import { AGENT_ENTRY } from '../support/agent-process.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { becomeOwner, TENANT, TestEmployee, type TestOwner } from '../support/people.js';
import { type Ended, runBuilt } from '../support/run-built.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';

interface World {
  site: Site;
  employee: TestEmployee;
  transports: MqttTransport[];
  installer: RecorderClient;
  newPhone: TestOwner;
  /** One connection per app, as in life. */
  connect(): Promise<MqttTransport>;
  sightline(...args: string[]): Promise<Ended>;
}

const test = suite<World>('local commands');
const OLIVIA = { name: 'Olivia Example', email: 'olivia@example.org' };
const NINA = { name: 'Nina Example', email: 'nina@example.org' };

test.before(async (world) => {
  world.transports = [];
  world.site = await openSite();
  world.sightline = (...args) => runBuilt(['agent/main.js', ...args, '--state', world.site.state]);
  world.employee = await TestEmployee.make('Example Alarms', { name: 'Dana Example', email: 'dana@example.org' });
  world.connect = async () => {
    const transport = new MqttTransport(world.site.broker.url);
    world.transports.push(transport);
    await transport.whenOnline();
    return transport;
  };
  const scope = { tenant: TENANT, serial: world.site.agent.serial };
  world.installer = new RecorderClient({ transport: await world.connect(), scope, identity: world.employee, deviceKey: null });
  await world.installer.start();
  await world.site.online();
});

test.after(async (world) => {
  for (const transport of world.transports) await transport.close();
  await world.site?.close();
});

const refusal = async (asked: Promise<unknown>): Promise<string> => {
  try {
    await asked;
    return 'answered';
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
};

const firstLine = ({ stdout }: Ended): string => stdout.split('\n', 1)[0] ?? '';

/** The button daemon's call. */
async function press(state: string, how: string): Promise<{ code: number | null; answer: Record<string, unknown> }> {
  const env = { PATH: '/usr/bin:/bin', NODE: process.execPath, AGENT: AGENT_ENTRY, STATE: state };
  const child = spawn(join(ROOT, 'firmware-hooks/button'), [how], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, answer: JSON.parse(out) as Record<string, unknown> };
}

test('who owns it, and that nobody else may do anything', async ({ sightline }) => {
  assert.is(firstLine(await sightline('owner')), 'Olivia Example <olivia@example.org> owns this recorder.');
  assert.is(firstLine(await sightline('permissions', 'list')), 'Nobody but the owner may do anything.');
});

test('a permission and an application are seen; the beginning of the id takes it back, at once', async (world) => {
  const { site, employee, installer, sightline } = world;
  employee.grantId = await site.owner.grant(employee.org, ['site-information', 'ptz']);
  await installer.call('site.get', {});
  await installer.call('permissions.apply', {
    ...{ org: employee.org, scopes: ['live-view'], cams: null, durationMs: 3_600_000, note: 'Test picture' },
  });
  const listed = await sightline('permissions', 'list');
  assert.match(
    firstLine(listed),
    /^Example Alarms may move cameras, see the site’s information until .*\. 1 application waits for the owner\.$/,
  );
  assert.match(listed.stdout, /Dana Example +Example Alarms +watch live +every camera +1 h/);
  const taken = await sightline('permissions', 'withdraw', employee.grantId.slice(0, 8), '--json');
  assert.equal([taken.code, JSON.parse(taken.stdout).grants], [EXIT.ok, [employee.grantId]]);
  assert.is(await refusal(installer.call('site.get', {})), 'permissions.withdrawn');
  assert.match((await sightline('permissions', 'list', '--all')).stdout, /taken back today .*\(now\)/);
});

test('a second phone by a code from the console, then the lost one is removed; the last one stays', async (world) => {
  const { site, sightline } = world;
  const { code } = JSON.parse((await sightline('owner', 'code', '--json')).stdout) as { code: string };
  world.newPhone = await becomeOwner(await world.connect(), site.agent.serial, code.replaceAll('-', ''), OLIVIA, {
    deviceName: 'New phone',
  });
  const { owner } = JSON.parse((await sightline('owner', '--json')).stdout) as { owner: { devices: { kid: string; name: string }[] } };
  assert.equal(
    owner.devices.map(({ name }) => name),
    ['Phone', 'New phone'],
  );
  const removed = await sightline('owner', 'remove', (owner.devices[0]?.kid ?? '').slice(0, 6));
  assert.equal([removed.code, firstLine(removed)], [EXIT.ok, 'Phone is not the owner’s any more. 1 device is left.']);
  assert.match(await refusal(site.owner.client.call('site.get', {})), /^permissions\./);
  await world.newPhone.client.call('site.get', {});
  const last = await sightline('owner', 'remove', owner.devices[1]?.kid ?? '');
  assert.is(last.code, EXIT.refused);
  assert.match(last.stderr, /\(permissions\.last_device\)\n$/);
});

test('the button: 3 s is refused while there is an owner, 6 s takes everything back', async (world) => {
  const { site, employee, installer, newPhone } = world;
  employee.grantId = await newPhone.grant(employee.org, ['site-information']);
  await installer.call('site.get', {});
  const short = await press(site.state, 'short');
  assert.equal([short.code, (short.answer.error as { code: string }).code], [EXIT.refused, 'pairing.owned']);
  const withdrawn = await press(site.state, '6.4');
  assert.equal([withdrawn.code, withdrawn.answer.grants], [EXIT.ok, [employee.grantId]]);
  assert.is(await refusal(installer.call('site.get', {})), 'permissions.withdrawn');
});

/** Every file of the state folder that holds this text. */
async function filesWith(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path)).includes(text)) found.push(entry.name);
  }
  return found;
}

test('a reset: nobody’s, no name left in any file, the rows still there and whole; then another owner by a press', async (world) => {
  const { site, sightline, newPhone, employee } = world;
  assert.ok((await filesWith(site.state, 'dana@example.org')).length > 0, 'the search finds what is there');
  const unasked = await sightline('reset');
  assert.equal([unasked.code, unasked.stdout], [EXIT.usage, '']);
  const before = JSON.parse((await sightline('log', 'verify', '--json')).stdout) as { rows: number };
  const { code, answer } = await press(site.state, 'long');
  assert.equal([code, answer.left, answer.logins], [EXIT.ok, [], 1]);
  assert.is(firstLine(await sightline('owner')), `Nobody owns this recorder (${site.agent.serial}).`);
  assert.is.not(await refusal(newPhone.client.call('site.get', {})), 'answered');
  for (const name of [OLIVIA.email, employee.person.email, employee.person.name]) assert.equal(await filesWith(site.state, name), [], name);
  const report = JSON.parse((await sightline('log', 'verify', '--json')).stdout) as { rows: number; isOk: boolean };
  assert.ok(report.isOk && report.rows > before.rows);
  const rows = (await sightline('log', 'show', '--action', 'device.')).stdout;
  assert.match(rows, /local +device\.factory-reset +- +button +ok\n$/);
  const pressed = await press(site.state, 'short');
  const nina = await becomeOwner(await world.connect(), site.agent.serial, String(pressed.answer.code).replaceAll('-', ''), NINA);
  assert.ok((await nina.client.call('permissions.list', {})).grants.length === 0);
  await until('the camera is asked anew', async () => (await site.status()).cameras.length === 1);
  assert.is(await site.agent.stop(), 0);
  const stopped = await sightline('status');
  assert.equal([stopped.code, stopped.stdout], [EXIT.unreachable, '']);
});

test.run();
