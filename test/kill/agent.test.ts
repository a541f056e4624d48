// runner: limit 120s
/** The agent is killed while somebody watches, and starts again as if it had only slept; and it does not start where it cannot work. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { commandLine } from '../support/command-line.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { type NodeViewer, watchInNode } from '../support/node-viewer.js';
import { TENANT, TestEmployee } from '../support/people.js';
import { runBuilt, withReadOnly } from '../support/run-built.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';

interface World {
  site: Site;
  employee: TestEmployee;
  transport: MqttTransport;
  installer: RecorderClient;
  viewer: NodeViewer;
  session: string;
}

const test = suite<World>('killed agent');

interface Row {
  readonly action: string;
  readonly phase: string;
  readonly result?: string;
  readonly code?: string;
  readonly sessionId?: string;
  readonly channel?: string;
  readonly grant?: string;
}

async function logRows(state: string): Promise<Row[]> {
  const { stdout } = await commandLine('log', 'show', '--state', state, '--limit', '500', '--json');
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
}

test.before(async (world) => {
  world.site = await openSite();
  const { owner, agent, broker } = world.site;
  await world.site.online();
  world.transport = new MqttTransport(broker.url);
  await world.transport.whenOnline();
  world.employee = await TestEmployee.make('Example Alarms', { name: 'Dana Example', email: 'dana@example.org' });
  world.employee.grantId = await owner.grant(world.employee.org, ['live-view', 'site-information']);
  const scope = { tenant: TENANT, serial: agent.serial };
  world.installer = new RecorderClient({ transport: world.transport, scope, identity: world.employee, deviceKey: null });
  await world.installer.start();
});

test.after(async ({ site, viewer, transport }) => {
  viewer?.close();
  await transport?.close();
  await site?.close();
});

test('a second agent on the same state folder ends with one sentence; the first goes on', async ({ site }) => {
  const second = await runBuilt(['agent/main.js', 'run', '--state', site.state]);
  assert.is(second.code, 1);
  assert.match(second.stderr, /^Another agent already runs with this state folder\. [^\n]+\n$/);
  assert.is((await site.status()).isPaired, true);
});

test('kill -9 in the middle of a session: the camera is left alone within 3 s, and the viewer is told', async (world) => {
  const { site } = world;
  const [camera] = site.cameras;
  world.viewer = await watchInNode(world.installer);
  await world.viewer.firstPacket();
  await until('media flows', () => world.viewer.bytes > 50_000);
  world.session = world.viewer.answer.session;
  assert.is(camera?.counters().openConnections, 1);
  await site.agent.kill();
  await until('the camera is left alone', () => camera?.counters().openConnections === 0, 3_000);
  assert.is(camera?.counters().playingSessions, 0);
  // The broker publishes the signed will of the dead connection.
  await until('the viewer’s app knows', () => world.installer.status?.state === 'offline', 5_000);
  const { packets } = world.viewer;
  await until('nothing comes any more', () => performance.now() - (world.viewer.lastPacketMs ?? 0) > 500, 2_000);
  assert.is(world.viewer.packets, packets);
});

test('it starts again with owner, grant, channels and nobody watching', async ({ site, installer, employee }) => {
  const agent = await site.restart();
  assert.is(agent.isPaired, true);
  assert.is(agent.code, undefined);
  await site.online();
  assert.is((await site.status()).watching, 0);
  await until('the app knows that it is back', () => installer.status?.state === 'online');
  const { grants } = await site.owner.client.call('permissions.list', {});
  assert.ok(grants.some((grant) => grant.id === employee.grantId && grant.endedAt === null));
  const seen = await installer.call('site.get', {});
  assert.equal(
    seen.cameras.map(({ id, state }) => [id, state]),
    [['cam-1', 'online']],
  );
  assert.is(site.cameras[0]?.counters().openConnections, 0);
});

test('the log is whole and tells of the interrupted session', async ({ site, session, employee }) => {
  const verified = await runBuilt(['agent/main.js', 'log', 'verify', '--state', site.state, '--json']);
  assert.is(verified.code, 0, verified.stdout);
  assert.is(JSON.parse(verified.stdout).isOk, true);
  const rows = await logRows(site.state);
  assert.is(rows.filter((row) => row.action === 'agent.started').length, 2);
  const told = rows.find((row) => row.action === 'live.watch' && row.phase === 'result' && row.sessionId === session);
  assert.equal([told?.result, told?.code, told?.channel, told?.grant], ['failed', 'log.interrupted', 'cam-1', employee.grantId]);
});

test('the same person watches again, and that session ends as one should', async (world) => {
  const { site, installer } = world;
  world.viewer.close();
  world.viewer = await watchInNode(installer);
  await world.viewer.firstPacket();
  await installer.call('live.close', { session: world.viewer.answer.session });
  await until('the viewer is told', () => world.viewer.ended !== undefined);
  assert.is(world.viewer.ended?.code, 'live.closed_by_viewer');
  const row = (await logRows(site.state)).find((one) => one.phase === 'result' && one.sessionId === world.viewer.answer.session);
  assert.ok(row !== undefined);
});

test('SIGTERM with a picture running: the viewer is told why, exit code 0, the end is in the log', async (world) => {
  const { site, installer } = world;
  world.viewer.close();
  await until('the viewer may open again', () => performance.now() - (world.viewer.lastPacketMs ?? 0) > 2_100);
  world.viewer = await watchInNode(installer);
  await world.viewer.firstPacket();
  assert.is(await site.agent.stop(), 0);
  await until('the viewer is told', () => world.viewer.ended !== undefined, 2_000);
  assert.is(world.viewer.ended?.code, 'live.agent_stopping');
  const { session } = world.viewer.answer;
  const ended = (await logRows(site.state)).find(
    (row) => row.action === 'live.watch' && row.phase === 'result' && row.sessionId === session,
  );
  assert.equal([ended?.result, ended?.code], ['ok', 'live.agent_stopping']);
});

test('a state folder that cannot be written: one sentence with the fix, exit code 1', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-readonly-'));
  try {
    const refused = await runBuilt(['agent/main.js', 'run', '--state', folder], withReadOnly(folder));
    assert.is(refused.code, 1);
    assert.match(refused.stderr, /^The state folder \S+ cannot be written\. [^\n]+\n$/);
    assert.is(refused.stdout, '');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.run();
