// runner: limit 120s
/** What cameras, a broker and a serial line may say that would stall or fill a careless recorder; the drivers' own answers are in test/peers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seal } from '../../agent/contract/seal.js';
import { newId } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { envelope, never, plainCamera } from '../peers/soap-answers.js';
import { type FakeRequest, type Responder, type SoapFake, startSoapFake } from '../peers/soap-fake.js';
import { Eyes } from '../support/eyes.js';
import { becomeOwner, TENANT, type TestOwner } from '../support/people.js';
import { isRunning } from '../support/proc.js';
import { until } from '../support/until.js';
import { codeOf, openUnowned, type Unowned } from './attack-rig.js';

const STALL_MS = 100;
const GROWTH_BYTES = 32 * 1024 * 1024;

interface World {
  folder: string;
  line: ChildProcess;
  cameras: SoapFake[];
  eyes: Eyes;
  site: Unowned;
  owner: TestOwner;
  /** Memory before anything hostile was said. */
  baseBytes: number;
}

const test = suite<World>('hostile input');

const drip = (request: FakeRequest): Promise<undefined> => {
  request.socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nContent-Length: 100000\r\n\r\n<');
  const timer = setInterval(() => (request.socket.destroyed ? clearInterval(timer) : request.socket.write('a')), 50);
  return never();
};
const bomb = `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "${'b'.repeat(1_000)}"><!ENTITY c "${'&b;'.repeat(1_000)}"><!ENTITY d "${'&c;'.repeat(1_000)}">]>`;

/** What each of the cameras answers once it turns. */
const TURNED: readonly (readonly [what: string, responder: Responder])[] = [
  ['an XML bomb', () => ({ body: `${bomb}${envelope('<a>&d;</a>').slice(38)}` })],
  ['XML of 200 000 levels', () => ({ body: '<a>'.repeat(200_000) })],
  ['an answer of 4 MB', () => ({ body: envelope(`<a>${'x'.repeat(4_000_000)}</a>`) })],
  ['100 000 attributes', () => ({ body: envelope(`<a ${Array.from({ length: 100_000 }, (_, at) => `a${at}=""`).join(' ')}/>`) })],
  ['19 000 elements, just within the limits', () => ({ body: envelope('<a>1</a>'.repeat(19_000)) })],
  ['a byte now and then', drip],
];

/** Two ends of a serial cable. */
async function cable(folder: string): Promise<ChildProcess> {
  const end = (name: string): string => `pty,raw,echo=0,link=${join(folder, name)}`;
  const socat = spawn('socat', ['-d', '-d', end('ours'), end('theirs')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  for await (const chunk of socat.stderr ?? []) {
    said += String(chunk);
    if (said.includes('starting data transfer loop')) break;
  }
  return socat;
}

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-hostile-'));
  world.line = await cable(world.folder);
  world.cameras = await Promise.all(TURNED.map(() => startSoapFake(plainCamera())));
  world.eyes = new Eyes(world.folder);
  const add = world.cameras.map(({ deviceUri }) => ({ address: deviceUri, login: { user: 'admin', password: 'camera' } }));
  const port = { path: join(world.folder, 'ours'), baudRate: 2_400, parity: 'none', protocol: 'pelco-d', units: { 1: 'cam-1' } } as const;
  const start = { ...world.eyes.start, args: ['--warm'] };
  world.site = await openUnowned(() => start, { cameras: { discovery: false, add }, serial: [port] });
  const { transport, agent, ends } = world.site;
  world.owner = await becomeOwner(transport, agent.serial, agent.code ?? '', { name: 'Olivia Example', email: 'olivia@example.org' });
  ends.add(world.owner.client, async (client) => client.close());
  await until('every camera is online', async () => {
    const { cameras } = await world.site.status();
    return cameras.length === TURNED.length && cameras.every(({ state }) => state === 'online');
  });
  // Everything that is asked below was asked once: what is loaded for it stays, and is not what this is about.
  await world.owner.client.call('config.options', { cam: 'cam-1', stream: 'main' });
  await world.owner.client.call('ptz.move', { cam: 'cam-1', pan: 1, tilt: 0, zoom: 0 });
  await world.owner.client.call('health.get', { sinceMs: 0 });
  world.baseBytes = (await nextPulse(world)).rssBytes;
});

test.after(async ({ site, cameras, line, folder }) => {
  await site?.close();
  for (const camera of cameras ?? []) await camera.stop();
  line?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** The next whole quarter of a second of the agent. */
async function nextPulse({ eyes }: World) {
  const from = eyes.pulses().length;
  return until('a pulse', () => eyes.pulses()[from + 1]);
}

/** Nothing stalled since `from`, memory is about where it was, and the owner is still served. */
async function unmoved(world: World, from: number, what: string): Promise<void> {
  await nextPulse(world);
  const pulses = world.eyes.pulses(from);
  const stallMs = Math.max(...pulses.map((pulse) => pulse.stallMs));
  assert.ok(stallMs <= STALL_MS, `${what}: busy for ${stallMs} ms in one go`);
  const grownBytes = (pulses.at(-1)?.rssBytes ?? 0) - world.baseBytes;
  assert.ok(grownBytes <= GROWTH_BYTES, `${what}: grown by ${Math.round(grownBytes / 1_048_576)} MiB`);
  assert.ok(isRunning(world.site.agent.pid), what);
  assert.is(await codeOf(world.owner.client.call('site.get', {})), 'answered', what);
}

test('Hostile camera/broker input: cameras that answer with what cannot be read', async (world) => {
  const { eyes, cameras, owner } = world;
  for (const [at, [what, responder]] of TURNED.entries()) {
    const from = eyes.seen.length;
    cameras[at]?.respond(responder);
    const asked = codeOf(owner.client.call('config.options', { cam: `cam-${at + 1}`, stream: 'sub' }, { timeoutMs: 14_000 }));
    // One that only drips is given up at its deadline: others are not held up by it meanwhile.
    if (responder !== drip) assert.match(await asked, /^cameras\.[a-z_]+$/, what);
    await unmoved(world, from, what);
  }
});

/** Messages on the topics of this recorder, none of which is one. */
async function brokerNoise({ site, owner }: World): Promise<readonly [what: string, topic: string, payload: string][]> {
  const scope = { tenant: TENANT, serial: site.agent.serial };
  const to = owner.client.status?.seal;
  if (to === undefined) throw new RangeError('no status of the recorder yet');
  const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const deep = nested(32_000);
  return [
    ['100 000 levels of JSON', topics.pairDown(scope, newId()), nested(100_000)],
    ['as many as fit a message', topics.pairDown(scope, newId()), deep],
    ['one megabyte', topics.command(scope, newId()), 'x'.repeat(1_000_000)],
    ['a megabyte on the withdrawal’s topic', topics.withdraw(scope, newId()), 'y'.repeat(1_000_000)],
    ['keys without end', topics.pairDown(scope, newId()), `{${Array.from({ length: 6_000 }, (_, at) => `"k${at}":1`).join(',')}}`],
    ['a sealed letter full of levels', topics.command(scope, newId()), await seal(deep.slice(0, 40_000), to)],
    ['a sealed letter of one long word', topics.command(scope, newId()), await seal('a'.repeat(40_000), to)],
    ['a statement of dots', topics.withdraw(scope, newId()), '.'.repeat(60_000)],
    ['quotes without end', topics.pairDown(scope, newId()), `{"a":"${'\\"'.repeat(30_000)}`],
  ];
}

test('Hostile camera/broker input: messages of a broker that mean nothing, each a hundred times', async (world) => {
  const { eyes, site } = world;
  for (const [what, topic, payload] of await brokerNoise(world)) {
    const from = eyes.seen.length;
    // What is larger than the recorder takes stays at the broker; mosquitto 2.0.11 counts it as under way, and sends nothing after 20 of them.
    const times = payload.length > 65_536 ? 5 : 100;
    // In bursts: a hundred letters of the largest size at once would be a tenth of a second of honest work.
    for (let sent = 0; sent < times; sent += 20)
      await Promise.all(Array.from({ length: Math.min(20, times) }, () => site.transport.publish(topic, payload)));
    await unmoved(world, from, what);
  }
  const refused = (await site.status()).refusedMessages;
  for (const code of ['message.too_deep', 'message.too_many', 'seal.broken']) assert.ok((refused[code] ?? 0) > 0, `${code}: they arrived`);
});

test('Hostile camera/broker input: noise on the serial line, as much as it takes', async (world) => {
  const from = world.eyes.seen.length;
  // Nobody waits for a line that is full.
  const line = await open(join(world.folder, 'theirs'), constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  const noise = Buffer.alloc(4_096).map((_, at) => (at * 7_919) & 0xff);
  const endMs = performance.now() + 1_500;
  let sent = 0;
  while (performance.now() < endMs) {
    sent += await line.write(noise).then(
      ({ bytesWritten }) => bytesWritten,
      () => 0,
    );
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await line.close();
  assert.ok(sent > 16_384, `${sent} bytes`);
  await unmoved(world, from, 'serial noise');
});

test('Hostile camera/broker input: positive control, the eyes see a stall and memory that grows', async (world) => {
  const shown = new Eyes(world.folder, 'control');
  const script =
    'const a=[];setTimeout(()=>{const e=performance.now()+400;while(performance.now()<e);a.push(Buffer.alloc(64<<20,1))},600);setTimeout(()=>a,1500)';
  const child = spawn(process.execPath, [...(shown.start.node ?? []), '-e', script], {
    env: { ...process.env, ...shown.start.environment },
  });
  await once(child, 'close');
  const pulses = shown.pulses();
  assert.ok(Math.max(...pulses.map(({ stallMs }) => stallMs)) > STALL_MS);
  assert.ok((pulses.at(-1)?.rssBytes ?? 0) - (pulses[0]?.rssBytes ?? 0) > GROWTH_BYTES);
});

test.run();
