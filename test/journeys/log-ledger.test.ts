// runner: limit 240s
/** What left the box: the ledger against what a wire, a viewer and the log itself counted; then an incident, from the command line to the evidence. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LedgerDays } from '../../agent/contract/log-views.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { fetchEvidence } from '../../scripts/portal/client/log-evidence.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { type OnvifCamera, startOnvifCamera } from '../peers/onvif-camera/onvif-camera.js';
import { type AgentProcess, startAgent } from '../support/agent-process.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { type NodeViewer, watchInNode } from '../support/node-viewer.js';
import { becomeOwner, TENANT, TestEmployee, type TestOwner } from '../support/people.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { asJson, linesOf, rowsOf, sightline, verifyFile } from './log-rig.js';

interface World {
  folder: string;
  state: string;
  broker: Mosquitto;
  wire: TcpProxy;
  camera: OnvifCamera;
  agent: AgentProcess;
  apps: MqttTransport[];
  owner: TestOwner;
  employee: TestEmployee;
  installer: RecorderClient;
  viewer: NodeViewer;
}

const test = suite<World>('ledger');
type Answer = LedgerDays & { from: string; to: string };
const sumOf = (answer: Answer, to: string, what?: string): number =>
  answer.lines.filter((line) => line.to === to && (what === undefined || line.what === what)).reduce((sum, { bytes }) => sum + bytes, 0);

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-ledger-'));
  world.state = join(world.folder, 'state');
  world.broker = await startMosquitto();
  world.wire = await startTcpProxy(Number(new URL(world.broker.url).port));
  world.camera = await startOnvifCamera({ password: 'camera', discovery: false });
  world.agent = await startAgent(world.state, {
    cloud: { url: `mqtt://127.0.0.1:${world.wire.port}`, tenant: TENANT },
    cameras: { discovery: false, add: [{ address: world.camera.deviceUri, login: { user: 'admin', password: 'camera' } }] },
    live: { bindAddress: '127.0.0.1' },
  });
  world.apps = [];
  const connect = async (): Promise<MqttTransport> => {
    const app = new MqttTransport(world.broker.url);
    world.apps.push(app);
    await app.whenOnline();
    return app;
  };
  const olivia = { name: 'Olivia Example', email: 'olivia@example.org' };
  world.owner = await becomeOwner(await connect(), world.agent.serial, world.agent.code ?? '', olivia);
  world.employee = await TestEmployee.make('Example Alarms', { name: 'Dana Example', email: 'dana@example.org' });
  world.employee.grantId = await world.owner.grant(world.employee.org, ['live-view', 'site-information']);
  const scope = { tenant: TENANT, serial: world.agent.serial };
  world.installer = new RecorderClient({ transport: await connect(), scope, identity: world.employee, deviceKey: null });
  await world.installer.start();
  await until('the camera is online', async () => (await world.installer.call('site.get', {})).cameras[0]?.state === 'online');
});

test.after(async (world) => {
  world.viewer?.close();
  for (const app of world.apps) await app.close();
  await world.agent?.stop();
  await world.camera?.stop();
  await world.wire?.stop();
  await world.broker?.stop();
  await rm(world.folder, { recursive: true, force: true });
});

test('a picture: the ledger, the log, the viewer’s receipt and the viewer’s own count say the same number', async (world) => {
  const { state, installer } = world;
  world.viewer = await watchInNode(installer);
  await world.viewer.firstPacket();
  await until('media flows', () => world.viewer.bytes > 300_000);
  const during = await asJson<Answer>(state, 'ledger');
  assert.ok(sumOf(during, 'viewer', 'media') > 200_000, 'a picture that runs is in the book already');
  assert.equal(during.sessions, []);
  await installer.call('live.close', { session: world.viewer.answer.session });
  const ended = await until('the viewer is told', () => world.viewer.ended);
  await until('nothing is on its way', () => performance.now() - (world.viewer.lastPacketMs ?? 0) > 500);
  const after = await asJson<Answer>(state, 'ledger');
  assert.is(sumOf(after, 'viewer'), ended.bytes);
  assert.is(world.viewer.bytes, ended.bytes, 'on loopback nothing gets lost');
  const [row] = (await rowsOf(state, '--action', 'live.watch')).filter(({ phase }) => phase === 'result');
  assert.equal([row?.bytes, row?.sessionId], [ended.bytes, world.viewer.answer.session]);
  assert.equal(
    after.sessions.map(({ session, cam, who, bytes }) => [session, cam, who, bytes]),
    [[world.viewer.answer.session, 'cam-1', 'Dana Example', ended.bytes]],
  );
});

test('to the relay: every byte that went over the wire is in the book, by kind', async ({ state, wire, owner }) => {
  await owner.client.call('site.get', {});
  let [booked, counted] = [0, 0];
  await until('both have come to rest', async () => {
    counted = wire.sent();
    booked = sumOf(await asJson<Answer>(state, 'ledger'), 'relay');
    return booked === counted;
  }).catch(() => assert.is(booked, counted));
  const kinds = new Set((await asJson<Answer>(state, 'ledger')).lines.filter(({ to }) => to === 'relay').map(({ what }) => what));
  for (const kind of ['status', 'pairing', 'answer', 'log', 'site', 'connection']) assert.ok(kinds.has(kind), kind);
  for (const kind of ['media', 'report', 'health', 'update']) assert.not.ok(kinds.has(kind), kind);
});

test('one screen: what, to whom, how much; the owner’s app is told the same', async ({ state, owner }) => {
  const { stdout } = await sightline(state, 'ledger');
  assert.match(stdout, /^\d+\.\d kB left this recorder on \d{4}-\d\d-\d\d; pictures: \d+\.\d kB\.\n/);
  assert.match(stdout, /\npictures +to viewers +\d+ packets +/);
  assert.match(stdout, /\nPictures that ended:\ntoday \d\d:\d\d +cam-1 +Dana Example +\d+ s +/);
  assert.ok(stdout.split('\n').length <= 24, 'fits on a screen');
  const [here, there] = [await asJson<Answer>(state, 'ledger'), await owner.client.call('ledger.get', { fromDay: null, toDay: null })];
  assert.is(there.lines.find(({ what }) => what === 'media')?.bytes, sumOf(here, 'viewer'));
  assert.is(there.sessions[0]?.who, 'Dana Example');
  const march = await sightline(state, 'ledger', '--since', '2020-03-01', '--until', '2020-03-31');
  assert.is(march.stdout, 'Nothing left this recorder from 2020-03-01 to 2020-03-31.\n');
  const long = await owner.client.call('ledger.get', { fromDay: 0, toDay: 400 }).catch((error: AgentError) => error.code);
  assert.is(long, 'ledger.too_long');
});

test('a ledger survives the restart', async (world) => {
  const before = sumOf(await asJson<Answer>(world.state, 'ledger'), 'viewer');
  await world.agent.stop();
  world.agent = await startAgent(world.state, {
    cloud: { url: `mqtt://127.0.0.1:${world.wire.port}`, tenant: TENANT },
    cameras: { discovery: false, add: [{ address: world.camera.deviceUri, login: { user: 'admin', password: 'camera' } }] },
    live: { bindAddress: '127.0.0.1' },
  });
  assert.is(sumOf(await asJson<Answer>(world.state, 'ledger'), 'viewer'), before);
  for (const app of [world.installer, world.owner.client])
    await until('the app knows that it is back', () => app.status?.state === 'online');
  await until('the camera is online', async () => (await world.installer.call('site.get', {})).cameras[0]?.state === 'online');
});

const refusal = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );

/** The owner who is elsewhere has the same evidence, sealed over the relay, a piece at a time. */
async function evidenceFromAfar({ folder, owner }: World, since: number): Promise<void> {
  const progress: string[] = [];
  const parts = { client: owner.client, wait: pause, onProgress: (rows: number, all: number) => void progress.push(`${rows} of ${all}`) };
  const { log, ledger } = await fetchEvidence(parts, { since, now: Date.now() });
  const file = join(folder, 'from-afar.jsonl');
  await writeFile(file, log.join(''));
  const report = verifyFile(file);
  assert.equal([report.isOk, report.signedSize, progress.at(-1)], [true, report.size, `${report.size} of ${report.size}`]);
  assert.ok(report.people >= 2);
  assert.match(log.join(''), 'the office was broken into');
  assert.ok(sumOf(JSON.parse(ledger) as Answer, 'viewer') > 0);
  const { rows } = await owner.client.call('log.list', { beforeSeq: null, limit: 50, action: 'log.export' });
  assert.equal(
    rows.map(({ actor, result }) => [actor.name, result]),
    [['Olivia Example', 'ok']],
    'who took it stands in the log, once',
  );
}

test('an incident: everything stops, the log is held, the evidence verifies and names what it must; nothing can be lifted meanwhile', async (world) => {
  const { state, folder, installer, owner } = world;
  world.viewer.close();
  await until('the viewer may open again', () => performance.now() - (world.viewer.lastPacketMs ?? 0) > 2_100);
  world.viewer = await watchInNode(installer);
  await world.viewer.firstPacket();
  const out = join(folder, 'evidence');
  const opened = await sightline(state, 'incident', 'open', '--note', 'the office was broken into', '--out', out);
  assert.is(opened.code, 0, opened.stderr);
  assert.match(opened.stdout, /^Stopped: 1 permission taken back, 1 running picture ended\. The log is on hold from row \d+ on\.\n/);
  assert.is((await until('the viewer is told', () => world.viewer.ended)).code, 'live.withdrawn');
  assert.match(await refusal(installer.call('site.get', {})), /^permissions\./);
  assert.equal((await readdir(out)).sort(), ['ledger.json', 'log.jsonl']);
  assert.is((await stat(join(out, 'log.jsonl'))).mode & 0o777, 0o600);
  const report = verifyFile(join(out, 'log.jsonl'));
  assert.equal([report.isOk, report.problem], [true, null]);
  assert.ok(report.people >= 2);
  const lines = await linesOf<{ kind: string; body?: string; detail?: { json: string } | null }>(join(out, 'log.jsonl'));
  assert.ok(lines.some(({ body = '', detail }) => body.includes('"incident.open"') && detail?.json.includes('broken into')));
  const ledger = JSON.parse(await readFile(join(out, 'ledger.json'), 'utf8')) as Answer;
  assert.ok(sumOf(ledger, 'viewer') > 0);
  const kept = await owner.client.call('log.kept', {});
  assert.equal([kept.isHeld, kept.incidentSince !== null], [true, true]);
  assert.is(await refusal(owner.client.call('log.retention', { isHeld: false })), 'incident.is_open');
  await evidenceFromAfar(world, kept.incidentSince ?? 0);
  const again = await sightline(state, 'incident', 'open', '--note', 'again', '--out', out);
  assert.is(again.code, 5, 'a folder that is there already is not written over');
  assert.match(again.stdout, /\nNot done: The evidence could not be written\. \S+ is there already\./);
});

test('closed: what was done stands in the log, the hold is lifted, permissions stay withdrawn until the owner gives them anew', async (world) => {
  const { state, owner, employee, installer } = world;
  const closed = await sightline(state, 'incident', 'close', '--note', 'locks changed');
  assert.equal([closed.code, closed.stderr], [0, '']);
  assert.is((await sightline(state, 'incident', 'close', '--note', 'twice')).code, 1);
  const rows = await rowsOf(state, '--action', 'incident.');
  assert.equal(
    rows.map(({ action, source, change }) => [action, source, change?.after?.note]),
    [
      ['incident.open', 'local', 'the office was broken into'],
      ['incident.open', 'local', 'again'],
      ['incident.close', 'local', 'locks changed'],
      // That somebody tried to close it twice.
      ['incident.close', 'local', undefined],
    ],
  );
  const kept = await owner.client.call('log.kept', {});
  assert.equal([kept.isHeld, kept.incidentSince], [false, null]);
  assert.match(await refusal(installer.call('site.get', {})), /^permissions\./);
  employee.grantId = await owner.grant(employee.org, ['site-information']);
  assert.is(await refusal(installer.call('site.get', {})), 'answered');
  // The owner can do the same from afar, and keeps a hold that was there before.
  await owner.client.call('log.retention', { isHeld: true });
  await owner.client.call('incident.open', { note: 'a phone was stolen' });
  assert.match(await refusal(installer.call('site.get', {})), /^permissions\./);
  await owner.client.call('incident.close', { note: 'found again' });
  assert.is((await owner.client.call('log.kept', {})).isHeld, true);
  const [remote] = (await rowsOf(state, '--action', 'incident.open')).slice(-1);
  assert.equal([remote?.source, remote?.actor.kind, remote?.person?.name], ['relay', 'owner', 'Olivia Example']);
  const visited = (await sightline(state, 'log', 'visits')).stdout;
  for (const line of [
    / Dana Example <dana@example\.org> +relay +- +\d+ +[1-9]/,
    / Olivia Example <olivia@example\.org> +relay +- /,
    / local +local +- /,
  ])
    assert.match(visited, line);
});

test.run();
