// runner: limit 90s
/** Two more of the list: the people of before leave no trace when a recorder changes hands, and nothing listens but the door on the site's network. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newSigningKey } from '../../scripts/portal/client/keys.js';
import { doorOf, LAN_SITE } from '../support/agent-door.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { type TestOwner, takeOver } from '../support/people.js';
import { socketsOf, udpSocketsOf } from '../support/proc.js';
import { runBuilt } from '../support/run-built.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';
import { App, asOrganisation, codeOf, newCompany, Person } from './attack-rig.js';
import { holders } from './byte-search.js';

interface World {
  site: Site;
  wire: MqttTransport;
  next: TestOwner;
}

const test = suite<World>('traces and doors');

test.before(async (world) => {
  world.site = await openSite({ cameras: [], agent: { args: [] }, site: { cameras: { discovery: false }, lan: LAN_SITE } });
});

test.after(async ({ site, next, wire }) => {
  await App.leaveAll();
  next?.client.close();
  await wire?.close();
  await site?.close();
});

const BEFORE = ['Olivia Example', 'olivia@example.org', 'Dietlinde Wurzelsepp', 'dietlinde@example.org'];
const BEA = { name: 'Bea Example', email: 'bea@example.org' };

test('Erase a person: after a hand-over that asks for it, no file holds a name or address of before, and the log is whole', async (world) => {
  const { site } = world;
  const company = await newCompany();
  const grant = await site.owner.grant(asOrganisation(company), ['health', 'site-information']);
  const [, , name = '', email = ''] = BEFORE;
  const app = await App.of(site, await Person.of(company, grant, { name, email }));
  assert.is(await codeOf(app.call('health.get', { sinceMs: 0 })), 'answered');
  await codeOf(app.call('ptz.move', { cam: 'cam-1', pan: 0, tilt: 0, zoom: 0 }));
  assert.ok((await holders(site.state, BEFORE)).length > 0, 'positive control: they do stand there');
  const heir = await newSigningKey();
  const offer = await site.owner.signOffer(heir.publicKey, true);
  world.wire = new MqttTransport(site.broker.url);
  await world.wire.whenOnline();
  world.next = await takeOver(world.wire, offer, heir, BEA);
  // In db, wal, shm and all the rest; within five seconds.
  await until('nothing holds them any more', async () => (await holders(site.state, BEFORE)).length === 0, 5_000);
  const rows = (await world.next.client.call('log.list', { beforeSeq: null, limit: 200 })).rows;
  assert.ok(
    rows.some(({ actor }) => actor.isErased),
    'the acts still stand there',
  );
  await site.agent.stop();
  assert.equal(await holders(site.state, BEFORE), []);
  const verified = await runBuilt(['agent/main.js', 'log', 'verify', '--state', site.state, '--json']);
  assert.is(JSON.parse(verified.stdout).isOk, true);
  const shown = await runBuilt(['agent/main.js', 'log', 'show', '--state', site.state, '--json']);
  for (const text of BEFORE) assert.not.ok(shown.stdout.includes(text), text);
});

/** Addresses (hexadecimal, as the kernel writes them) on which a process takes TCP connections. */
function listenersOf(pid: number): string[] {
  const own = socketsOf(pid);
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'latin1')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      // 0A: LISTEN.
      .filter((fields) => fields[3] === '0A' && own.has(fields[9] ?? ''))
      .map((fields) => fields[1] ?? ''),
  );
}

test('Nothing listens: of a recorder without its door no port at all, of one with it that door alone, and no UDP', async ({ site }) => {
  const open = await site.restart();
  const { port } = await doorOf(open, site.state);
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  assert.equal(listenersOf(open.pid), [`0100007F:${hex}`]);
  assert.equal(udpSocketsOf(open.pid), []);
  assert.ok(readFileSync(join(site.state, 'keys', 'door.pem')).length > 0);
});

test.run();
