// runner: limit 90s
/** The whole agent over a real broker, driven by the portal's own client: pairing to withdrawal without a browser. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AgentError } from '../../agent/kernel/errors.js';
import { pair } from '../../scripts/portal/client/pair.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { type OnvifCamera, startOnvifCamera } from '../peers/onvif-camera/onvif-camera.js';
import { type AgentProcess, startAgent } from '../support/agent-process.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { becomeOwner, TENANT, TestEmployee, type TestOwner } from '../support/people.js';
import { until } from '../support/until.js';

interface World {
  folder: string;
  broker: Mosquitto;
  camera: OnvifCamera;
  agent: AgentProcess;
  transport: MqttTransport;
  owner: TestOwner;
  employee: TestEmployee;
  installer: RecorderClient;
  installerTransport: MqttTransport;
}

const test = suite<World>('commands');

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-commands-'));
  world.broker = await startMosquitto();
  world.camera = await startOnvifCamera({ password: 'camera', discovery: false });
  world.agent = await startAgent(join(world.folder, 'state'), {
    cloud: { url: world.broker.url, tenant: TENANT },
    cameras: { discovery: false, add: [{ address: world.camera.deviceUri, login: { user: 'admin', password: 'camera' } }] },
    live: { bindAddress: '127.0.0.1' },
  });
  world.transport = new MqttTransport(world.broker.url);
  await until('the app is connected', () => world.transport.isOnline);
  world.employee = await TestEmployee.make('Example Alarms', { name: 'Dana Example', email: 'dana@example.org' });
});

test.after(async (world) => {
  await world.transport?.close();
  await world.installerTransport?.close();
  await world.agent?.stop();
  await world.camera?.stop();
  await world.broker?.stop();
  await rm(world.folder, { recursive: true, force: true });
});

const refusal = async (asked: Promise<unknown>): Promise<AgentError> => {
  try {
    await asked;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new assert.Assertion({
    message: 'was not refused',
    operator: 'refusal',
    generated: false,
    expects: 'a refusal',
    actual: 'an answer',
  } as never);
};

test('a wrong code is not this code, and says how many tries are left', async ({ transport, agent }) => {
  const error = await refusal(pair({ transport, scope: { tenant: TENANT, serial: agent.serial }, code: 'AAAABBBB0' }));
  assert.is(error.code, 'pairing.wrong_code');
  assert.match(error.say, '19 tries left');
});

test('the right code makes an owner, once', async (world) => {
  const { transport, agent } = world;
  world.owner = await becomeOwner(transport, agent.serial, agent.code ?? '', { name: 'Olivia Example', email: 'olivia@example.org' });
  const again = await refusal(pair({ transport, scope: { tenant: TENANT, serial: agent.serial }, code: agent.code ?? '' }));
  assert.is(again.code, 'pairing.owned');
});

test('the owner sees the camera with name, model and resolutions', async ({ owner }) => {
  const site = await until('the camera is online', async () => {
    const seen = await owner.client.call('site.get', {});
    return seen.cameras[0]?.state === 'online' ? seen : undefined;
  });
  const camera = site.cameras[0];
  assert.ok(camera !== undefined && camera.model !== '' && camera.name !== '');
  assert.equal(
    camera?.streams.map(({ kind, width, height }) => ({ kind, width, height })),
    [
      { kind: 'main', width: 1280, height: 720 },
      { kind: 'sub', width: 640, height: 360 },
    ],
  );
});

test('an installer without permission is refused everything, and may apply', async (world) => {
  const { agent, employee, owner } = world;
  world.installerTransport = new MqttTransport(world.broker.url);
  await until('the installer’s app is connected', () => world.installerTransport.isOnline);
  world.installer = new RecorderClient({
    transport: world.installerTransport,
    scope: { tenant: TENANT, serial: agent.serial },
    identity: employee,
    deviceKey: null,
  });
  await world.installer.start();
  for (const op of ['site.get', 'config.get'] as const)
    assert.is((await refusal(world.installer.call(op, {}))).code, 'permissions.not_granted');
  assert.is((await refusal(world.installer.call('permissions.list', {}))).code, 'permissions.not_owner');
  const { id } = await world.installer.call('permissions.apply', {
    org: employee.org,
    scopes: ['site-information', 'ptz'],
    cams: null,
    durationMs: 600_000,
    note: 'New door',
  });
  const { applications } = await owner.client.call('permissions.list', {});
  assert.equal(
    applications.map((one) => [one.id, one.person.name, one.note]),
    [[id, 'Dana Example', 'New door']],
  );
  await owner.client.call('permissions.decline', { application: id });
  assert.is((await world.installer.call('permissions.mine', { org: employee.org })).declined[0]?.id, id);
});

test('a grant opens what it names and nothing else', async ({ owner, employee, installer }) => {
  employee.grantId = await owner.grant(employee.org, ['site-information', 'remote-configuration', 'health']);
  assert.is((await installer.call('site.get', {})).cameras.length, 1);
  const moved = await refusal(installer.call('ptz.move', { cam: 'cam-1', pan: 1, tilt: 0, zoom: 0 }));
  assert.is(moved.code, 'permissions.no_scope');
  assert.is((await refusal(installer.call('log.list', { beforeSeq: null, limit: 5 }))).code, 'permissions.not_owner');
});

test('settings: planned, refused with what is offered, applied, read back', async ({ installer, camera }) => {
  const before = await installer.call('config.get', {});
  const bad = await installer.call('config.plan', {
    base: before.version,
    patch: { cameras: { 'cam-1': { sub: { width: 641, height: 360 } } } },
  });
  assert.is(bad.steps.length, 0);
  assert.match(bad.refused[0]?.offers.join(' ') ?? '', '640 × 360');
  const patch = { cameras: { 'cam-1': { name: 'Back door', sub: { width: 320, height: 180, frameRate: 10 } } } };
  const plan = await installer.call('config.plan', { base: before.version, patch });
  assert.ok(plan.steps.length >= 3 && plan.refused.length === 0);
  const applied = await installer.call('config.apply', { base: before.version, patch });
  assert.ok(applied.steps.every((step) => step.isReadBack === step.path.includes('.sub.')));
  assert.equal([camera.settings('sub').width, camera.settings('sub').rate], [320, 10]);
  assert.is((await installer.call('config.get', {})).cameras['cam-1']?.name, 'Back door');
  assert.is((await refusal(installer.call('config.apply', { base: before.version, patch }))).code, 'config.stale_base');
});

test('health answers with measured values', async ({ installer }) => {
  const health = await installer.call('health.get', { sinceMs: 3_600_000 });
  assert.ok(health.sample !== null && health.sample.memoryAvailableBytes !== null && health.sample.memoryAvailableBytes > 0);
  assert.is(health.cameras[0]?.isUp, true);
  assert.ok((health.machine?.cores ?? 0) > 0);
});

test('a withdrawal counts at once and stays after a restart', async (world) => {
  const { owner, employee, installer, folder } = world;
  await owner.withdraw([employee.grantId ?? '']);
  assert.is((await refusal(installer.call('site.get', {}))).code, 'permissions.withdrawn');
  assert.is(await world.agent.stop(), 0);
  world.agent = await startAgent(join(folder, 'state'), {
    cloud: { url: world.broker.url, tenant: TENANT },
    cameras: { discovery: false },
  });
  assert.is(world.agent.isPaired, true);
  await until('the recorder is back', () => owner.client.status?.state === 'online' && owner.client.status.isPaired);
  await until(
    'the installer sees it too',
    () => installer.status?.state === 'online' && installer.status.boot === owner.client.status?.boot,
  );
  assert.is((await refusal(installer.call('site.get', {}))).code, 'permissions.withdrawn');
  assert.is((await owner.client.call('site.get', {})).cameras[0]?.name, 'Back door');
});

test('the log tells who did what, when and how it ended', async ({ owner }) => {
  const { rows, head } = await owner.client.call('log.list', { beforeSeq: null, limit: 200 });
  assert.match(head, /^[0-9a-f]{64}$/);
  const told = rows.filter((row) => row.phase === 'result').map((row) => `${row.actor.name ?? row.actor.kind} ${row.action} ${row.result}`);
  for (const line of [
    'system agent.started ok',
    'Olivia Example pairing.consent ok',
    'Dana Example permissions.apply ok',
    'Olivia Example permissions.decline ok',
    'Olivia Example permissions.grant ok',
    'Dana Example config.apply ok',
    'Olivia Example permissions.withdraw ok',
    'Dana Example site.get refused',
  ]) {
    assert.ok(told.includes(line), `${line} is missing from\n${told.join('\n')}`);
  }
});

test.run();
