// runner: limit 120s
/** Nobody may watch, and the cloud does what it can to have pictures all the same: not a byte of them moves. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { takeSnapshot } from '../../scripts/portal/client/snapshot.js';
import { type NodeViewer, watchInNode } from '../support/node-viewer.js';
import { observe } from '../support/observe.js';
import { descendantsOf, isRunning, udpSocketsOf } from '../support/proc.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';
import { App, asOrganisation, type Company, codeOf, newCompany, Person } from './attack-rig.js';
import { HostileCloud } from './hostile-cloud.js';

interface World {
  site: Site;
  cloud: HostileCloud;
  company: Company;
}

const test = suite<World>('no session');

test.before(async (world) => {
  world.site = await openSite();
  world.cloud = await HostileCloud.open(world.site.broker.url, world.site.agent.serial);
  world.company = await newCompany();
  await world.site.online();
});

test.after(async ({ site, cloud }) => {
  await App.leaveAll();
  await cloud?.close();
  await site?.close();
});

/** Lets the cloud do everything it can for a while; nothing of the picture may have moved by then. */
async function nothingMoves({ site, cloud }: World, forMs: number, why: string): Promise<void> {
  const before = site.cameras[0]?.counters();
  const { client, key } = site.owner;
  const captured = [...cloud.captured];
  const watched = observe(site.agent.pid, forMs);
  await cloud.everything(client, key.signer.kid, captured);
  const seen = await watched;
  const after = site.cameras[0]?.counters();
  assert.equal([after?.connections, after?.plays, after?.mediaBytes], [before?.connections, before?.plays, before?.mediaBytes], why);
  assert.equal([[...seen.children], [...seen.sockets]], [[], []], why);
  assert.is((await site.status()).watching, 0, why);
  assert.ok(seen.looks > forMs / 100, 'looked often enough');
}

/** A person with her own permission watches; how the cloud gets letters that once opened a picture. */
async function watching({ site, company }: World, durationMs?: number): Promise<{ viewer: NodeViewer; app: App }> {
  const person = await Person.of(company, await site.owner.grant(asOrganisation(company), ['live-view'], durationMs));
  const app = await App.of(site, person);
  const viewer = await until('the picture opens', async () => {
    const made = await watchInNode(app).catch((error: { code?: string }) => error.code ?? '');
    if (typeof made !== 'string') return made;
    if (made !== 'live.too_many_opens') throw new RangeError(made);
    return undefined;
  });
  await viewer.firstPacket();
  return { viewer, app };
}

/** The camera is left alone and no socket for pictures is open. */
async function settled({ site }: World): Promise<void> {
  await until('the camera is left alone', () => site.cameras[0]?.counters().openConnections === 0, 5_000);
  await until('the sockets are closed', () => udpSocketsOf(site.agent.pid).length === 0, 5_000);
}

test('No session, no video: a recorder with its cameras running and a cloud that publishes everything it has', async (world) => {
  await nothingMoves(world, 5_000, 'before anybody ever watched');
});

test('No session, no video: positive control, a permitted person watches, and the same counters see it', async (world) => {
  const before = world.site.cameras[0]?.counters();
  const { viewer, app } = await watching(world);
  const during = await observe(world.site.agent.pid, 500);
  assert.ok(during.sockets.size > 0, 'sockets');
  const counted = world.site.cameras[0]?.counters();
  assert.ok((counted?.plays ?? 0) > (before?.plays ?? 0) && (counted?.mediaBytes ?? 0) > (before?.mediaBytes ?? 0));
  assert.equal([...during.children], [], 'nor does watching need another program');
  viewer.close();
  await world.site.owner.withdraw('all');
  await app.leave();
  await settled(world);
});

test('No session, no video: after a withdrawal, with the letters that had opened the picture', async (world) => {
  await nothingMoves(world, 1_500, 'after the withdrawal');
});

test('No session, no video: after the permission has run out in the middle of a picture', async (world) => {
  const { viewer, app } = await watching(world, 4_000);
  await until('it ends by itself', () => viewer.ended !== undefined, 10_000);
  assert.match(viewer.ended?.code ?? '', /^live\.(expired|withdrawn)$/);
  await settled(world);
  viewer.close();
  assert.is(await codeOf(watchInNode(app)), 'permissions.expired');
  await app.leave();
  await nothingMoves(world, 1_500, 'after the permission ran out');
});

test('No session, no video: a still is a picture too: without the permission to watch no camera is asked for one, whatever else is allowed', async (world) => {
  const { site, company, cloud } = world;
  const all = ['site-information', 'remote-configuration', 'health', 'ptz', 'playback'] as const;
  const helper = await App.of(site, await Person.of(company, await site.owner.grant(asOrganisation(company), all)));
  const stills = () => site.cameras[0]?.counters().operations.GetSnapshotUri ?? 0;
  assert.is(await codeOf(takeSnapshot(helper, 'cam-1')), 'permissions.no_scope');
  assert.is(stills(), 0);
  await helper.leave();

  const watcher = await App.of(site, await Person.of(company, await site.owner.grant(asOrganisation(company), ['live-view'])));
  const { jpeg, bytes, width, watermark } = await takeSnapshot(watcher, 'cam-1');
  assert.equal([stills(), jpeg[0], jpeg[1], jpeg.length], [1, 0xff, 0xd8, bytes], 'positive control');
  assert.ok(width > 100 && /Dana Example · Example Alarms/.test(watermark));
  assert.ok(
    cloud.heard.filter(({ topic, payload }) => topic.includes('/reply/') && payload.length > 10_000).length >= 1,
    'it passed the cloud',
  );
  assert.not.ok(cloud.hasRead(Buffer.from(jpeg.subarray(200, 240)).toString('latin1')) || cloud.hasRead('_9j_'), 'and only sealed');
  const { lines } = await site.owner.client.call('ledger.get', { fromDay: null, toDay: null });
  const booked = lines.find(({ what, to }) => what === 'media' && to === 'relay');
  assert.ok((booked?.bytes ?? 0) > bytes, 'booked as a picture');

  site.cameras[0]?.set({ slowMs: 600 });
  const pieces: unknown[] = [];
  const asked = codeOf(watcher.call('cameras.snapshot', { cam: 'cam-1' }, { onPiece: (piece) => pieces.push(piece) }));
  await until('the camera is asked', () => stills() === 2);
  await site.owner.withdraw('all');
  assert.is(await asked, 'permissions.withdrawn');
  site.cameras[0]?.set({ slowMs: 0 });
  assert.equal(pieces, []);
  const { rows } = await site.owner.client.call('log.list', { beforeSeq: null, limit: 50, action: 'cameras.snapshot' });
  assert.equal(
    rows.filter(({ phase }) => phase === 'result').map(({ result, bytes: told, scope }) => [result, told, scope]),
    [
      ['refused', null, 'live-view'],
      ['ok', bytes, 'live-view'],
      ['refused', null, 'live-view'],
    ],
  );
  await watcher.leave();
});

test('No session, no video: after kill -9 in the middle of a picture nothing goes on, and after the new start nothing begins', async (world) => {
  const { site } = world;
  const { viewer, app } = await watching(world);
  const family = [site.agent.pid, ...descendantsOf(site.agent.pid)];
  await site.agent.kill();
  await until('the camera is left alone', () => site.cameras[0]?.counters().openConnections === 0, 3_000);
  assert.equal(family.filter(isRunning), []);
  viewer.close();
  await app.leave();
  await site.restart();
  await site.online();
  await until('the app knows of the new start', () => site.owner.client.status?.state === 'online');
  await nothingMoves(world, 1_500, 'after kill -9');
});

test('No session, no video: of all that passed the cloud, nothing was in clear', ({ cloud }) => {
  assert.ok(cloud.heard.length > 100);
  for (const text of ['Olivia Example', 'olivia@example.org', 'dana@example.org', 'Corner shop', 'a=fingerprint', 'live-view', 'cam-1'])
    assert.not.ok(cloud.hasRead(text), text);
});

test.run();
