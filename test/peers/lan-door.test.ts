// runner: limit 90s
/** The whole agent at its own door, its cloud out of reach: pairing, commands and withdrawal by the portal's own client, and strangers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signStatement } from '../../agent/contract/jws.js';
import { newId } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { AgentError } from '../../agent/kernel/errors.js';
import type { LanTransport } from '../../scripts/portal/client/lan-transport.js';
import { pair } from '../../scripts/portal/client/pair.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { type AgentDoor, doorOf, doorTransport, LAN_SITE } from '../support/agent-door.js';
import { type AgentProcess, startAgent } from '../support/agent-process.js';
import { askDoor } from '../support/lan-fetch.js';
import { becomeOwner, TENANT, TestEmployee, type TestOwner } from '../support/people.js';
import { until } from '../support/until.js';

interface World {
  folder: string;
  state: string;
  agent: AgentProcess;
  door: AgentDoor;
  transport: LanTransport;
  installerTransport: LanTransport;
  owner: TestOwner;
  employee: TestEmployee;
  installer: RecorderClient;
}

/** Nobody listens there: as when the line to the internet is cut. */
const SITE = { cloud: { url: 'mqtt://localhost:1', tenant: TENANT }, cameras: { discovery: false }, lan: LAN_SITE } as const;

const test = suite<World>('the agent’s local door');

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-lan-'));
  world.state = join(world.folder, 'state');
  world.agent = await startAgent(world.state, SITE);
  world.door = await doorOf(world.agent, world.state);
  world.transport = doorTransport(world.door);
  world.installerTransport = doorTransport(world.door);
  world.employee = await TestEmployee.make('Example Alarms', { name: 'Dana Example', email: 'dana@example.org' });
});

test.after(async (world) => {
  await world.transport?.close();
  await world.installerTransport?.close();
  await world.agent?.stop();
  await rm(world.folder, { recursive: true, force: true });
});

const scopeOf = ({ agent }: World) => ({ tenant: TENANT, serial: agent.serial });

async function refusal(asked: Promise<unknown>): Promise<AgentError> {
  const error = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AgentError) return error;
  throw error ?? new RangeError('it was not refused');
}

test('a wrong code uses up a try of the local network', async (world) => {
  const error = await refusal(pair({ transport: world.transport, scope: scopeOf(world), code: 'AAAABBBB0' }));
  assert.equal([error.code, error.detail.left], ['pairing.wrong_code', 19]);
});

test('the right code makes an owner, whose consent says that it was given on site', async (world) => {
  const { transport, agent } = world;
  world.owner = await becomeOwner(transport, agent.serial, agent.code ?? '', { name: 'Olivia Example', email: 'olivia@example.org' });
  await until('the status tells of the owner by itself', () => world.owner.client.status?.isPaired);
});

test('commands of the owner and of an installer with a grant, and none without', async (world) => {
  const { owner, employee } = world;
  world.installer = new RecorderClient({
    transport: world.installerTransport,
    scope: scopeOf(world),
    identity: employee,
    deviceKey: null,
  });
  await world.installer.start();
  assert.is((await refusal(world.installer.call('site.get', {}))).code, 'permissions.not_granted');
  employee.grantId = await owner.grant(employee.org, ['site-information', 'remote-configuration']);
  assert.equal((await world.installer.call('site.get', {})).cameras, []);
  const { version } = await world.installer.call('config.get', {});
  await world.installer.call('config.apply', { base: version, patch: { recorderName: 'Back office' } });
  assert.is((await owner.client.call('site.get', {})).recorderName, 'Back office');
});

test('many questions at once are all answered, each to who asked', async ({ owner, installer }) => {
  const answers = await Promise.all([
    ...Array.from({ length: 8 }, () => owner.client.call('permissions.list', {})),
    ...Array.from({ length: 8 }, () => installer.call('site.get', {})),
  ]);
  assert.is(answers.length, 16);
});

test('a withdrawal counts at once, as a command and as a bare statement', async (world) => {
  const { owner, employee, installer, transport } = world;
  await owner.withdraw([employee.grantId ?? '']);
  assert.is((await refusal(installer.call('site.get', {}))).code, 'permissions.withdrawn');
  employee.grantId = await owner.grant(employee.org, ['site-information']);
  await installer.call('site.get', {});
  const { epoch } = await owner.permissions();
  const before = owner.client.status?.changes.permissions ?? 0;
  await transport.publish(topics.withdraw(scopeOf(world), 'b'.repeat(22)), await owner.withdrawal('all', epoch));
  // Its status tells of it; asking again and again would use up what one address may ask.
  await until('everything is withdrawn', () => (owner.client.status?.changes.permissions ?? 0) > before);
  assert.ok((await owner.permissions()).epoch > epoch);
  assert.match((await refusal(installer.call('site.get', {}))).code, /^permissions\./);
});

test('strangers at the door: foreign hands, foreign topics, nonsense', async (world) => {
  const { door, owner, agent } = world;
  const { epoch } = await owner.permissions();
  const scope = scopeOf(world);
  const stranger = await TestEmployee.make('Other', { name: 'Eve Example', email: 'eve@example.org' });
  const order = { v: 1, id: newId(), dev: agent.serial, epoch, ids: [], all: true, iat: Date.now() };
  const post = (path: string, body: string, headers = {}) =>
    askDoor({ ...door, path, method: 'POST', body, headers: { 'content-type': 'text/plain', ...headers } });
  /** The tests before this one may have used up what one address may ask at once. */
  const send = (...about: Parameters<typeof post>) =>
    until('the door listens again', async () => {
      const answer = await post(...about);
      return answer.status !== 429 && answer;
    });
  assert.is(
    (await send(`/${topics.withdraw(scope, 'b'.repeat(22))}`, await signStatement('withdraw+jws', order, stranger.signer))).status,
    204,
  );
  assert.is((await send(`/${topics.command(scope, newId())}`, 'nonsense')).status, 204);
  assert.is((await send(`/${topics.pairDown(scope, newId())}`, '{"t":"pair.hello"}')).status, 204);
  assert.is((await send(`/${topics.withdraw({ ...scope, serial: 'SNBBBBBBBB' }, 'b'.repeat(22))}`, 'x')).status, 404);
  assert.is((await send(`/${topics.withdraw(scope, 'b'.repeat(22))}`, 'x', { origin: 'https://evil.example' })).status, 403);
  assert.is((await send(`/${topics.withdraw(scope, 'b'.repeat(22))}`, 'x', { host: 'evil.example' })).status, 421);
  assert.is((await owner.permissions()).epoch, epoch, 'nothing was withdrawn');
  assert.equal(JSON.parse((await askDoor({ ...door, path: '/door' })).body), { serial: agent.serial, tenant: TENANT });
});

test('the log says that it was the local network, by a hash and never by the address', async ({ owner }) => {
  const { rows } = await owner.client.call('log.list', { beforeSeq: null, limit: 200 });
  const told = rows.filter((row) => row.phase === 'result').map((row) => `${row.source} ${row.action} ${row.result}`);
  for (const line of ['lan pairing.consent ok', 'lan permissions.grant ok', 'lan config.apply ok', 'lan permissions.withdraw ok'])
    assert.ok(told.includes(line), `${line} is missing from\n${told.join('\n')}`);
  assert.not.match(JSON.stringify(rows), '127.0.0.1');
});

test('the recorder restarts: the same door, and the app comes back by itself', async (world) => {
  const { owner, agent, door, state, transport } = world;
  const { boot } = owner.client.status ?? {};
  assert.is(await agent.stop(), 0);
  assert.is(transport.isOnline, false);
  // The port is the same one, as it is in a house; here it was a free one.
  world.agent = await startAgent(state, { ...SITE, lan: { ...LAN_SITE, port: door.port } });
  const again = await doorOf(world.agent, state);
  assert.equal([again.port, again.ca], [door.port, door.ca], 'and the certificate that people compared');
  await until('the app is back', () => owner.client.status !== undefined && owner.client.status.boot !== boot);
  assert.is((await owner.client.call('site.get', {})).recorderName, 'Back office');
});

test.run();
