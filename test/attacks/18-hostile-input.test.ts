// runner: limit 120s
/** Whatever cameras, broker and serial line say, the recorder goes on: measured in its own process, with the sizes that break parsers. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seal } from '../../agent/contract/seal.js';
import { newId } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { World } from '../journeys/hostile-relay-world.js';
import { type PtyPair, startPtyPair } from '../peers/pelco-camera.js';
import { envelope, never, plainCamera } from '../peers/soap-answers.js';
import { type FakeRequest, type Responder, type SoapFake, startSoapFake } from '../peers/soap-fake.js';
import { until } from '../support/until.js';
import { codeOf } from './attack-rig.js';

const MOST_STALL_MS = 100;
const MOST_GROWTH_BYTES = 32 * 1024 * 1024;
const MEGABYTE = 1_000_000;

type Hostile = (request: FakeRequest) => ReturnType<Responder>;
const body =
  (text: string): Hostile =>
  async () => ({ body: text });
const attributes = (count: number): string => Array.from({ length: count }, (_none, at) => `a${at}="${at}"`).join(' ');
const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n';

/** One byte now and then, for as long as somebody listens. */
const drip =
  (head: string, text: string): Hostile =>
  ({ socket }) => {
    socket.write(head);
    const timer = setInterval(() => socket.write(text), 20);
    socket.once('close', () => clearInterval(timer));
    return never();
  };

/** A billion laughs: ten entities, each ten of the one before. */
const BOMB = Array.from({ length: 10 }, (_none, at) => `<!ENTITY e${at} "${at === 0 ? 'ha' : `&e${at - 1};`.repeat(10)}">`).join('');

/** What a camera that was taken over answers; one camera each. */
const CAMERAS: readonly (readonly [what: string, answer: Hostile])[] = [
  ['an XML bomb', body(`<?xml version="1.0"?><!DOCTYPE e [${BOMB}]>${envelope('<a>&e9;</a>').slice(38)}`)],
  ['XML 200 000 deep', body('<a>'.repeat(200_000))],
  ['XML as deep as fits', body(envelope('<a>'.repeat(80_000)))],
  ['4 MB of SOAP', body(envelope(`<a>${'x'.repeat(4 * MEGABYTE)}</a>`))],
  ['4 MB of elements', body(envelope('<a>1</a>'.repeat(500_000)))],
  ['as many elements as fit', body(envelope('<a>1</a>'.repeat(29_000)))],
  ['100 000 attributes', body(envelope(`<a ${attributes(100_000)}/>`))],
  ['as many attributes as fit', body(envelope(`<a ${attributes(18_000)}/>`))],
  ['as many entities as fit', body(envelope(`<a>${'&amp;'.repeat(50_000)}</a>`))],
  ['endless headers', drip(`${OK}X: `, 'x'.repeat(4_096))],
  ['one byte now and then', drip(`${OK}Content-Length: 200000\r\n\r\n<`, 'a')],
  ['headers that never end', drip('HTTP/1.1 200 OK\r\n', 'a')],
];

interface Context {
  world: World;
  fakes: SoapFake[];
  pty: PtyPair;
  isHostile: boolean;
}

const test = suite<Context>('hostile input');

test.before(async (context) => {
  context.isHostile = false;
  context.fakes = await Promise.all(
    CAMERAS.map(([, hostile]) => startSoapFake(plainCamera((request) => (context.isHostile ? hostile(request) : undefined)))),
  );
  context.pty = await startPtyPair();
  const port = { path: context.pty.near, baudRate: 115_200, parity: 'none', protocol: 'pelco-d', units: { 1: 'cam-1' } } as const;
  const others = context.fakes.map(({ deviceUri }) => deviceUri);
  context.world = await World.open({ serial: [port] }, others);
  await context.world.online();
  // Everything was done once before it is measured.
  await asked(context);
});

test.after(async ({ world, fakes, pty }) => {
  await world?.close();
  for (const fake of fakes ?? []) await fake.stop();
  await pty?.stop();
});

/** Asks every camera for something; the code of each refusal. */
async function asked({ world }: Context): Promise<string[]> {
  const { call } = world.owner.client;
  const ask = call.bind(world.owner.client);
  const codes: Promise<string>[] = [];
  for (const at of CAMERAS.keys()) {
    codes.push(codeOf(ask('config.options', { cam: `cam-${at + 2}`, stream: 'main' }, { timeoutMs: 30_000 })));
    // Ten commands in a second are taken.
    await new Promise((resolve) => setTimeout(resolve, 110));
  }
  return Promise.all(codes);
}

interface Cost {
  readonly stallMs: number;
  readonly grownBytes: number;
}

/** What the act costs the agent's process: the longest that its event loop stood still, and the memory it took beyond what it had. */
async function costOf({ eyes }: World, act: () => Promise<void>): Promise<Cost> {
  const at = eyes.seen.length;
  await until('it was looked at before', () => eyes.pulses(at).length > 0);
  const from = eyes.seen.length;
  const before = eyes.pulses().at(-1)?.rssBytes ?? 0;
  await act();
  const pulses = eyes.pulses(from).length;
  await until('it was looked at after', () => eyes.pulses(from).length > pulses + 1);
  const seen = eyes.pulses(from);
  return {
    stallMs: Math.max(...seen.map(({ stallMs }) => stallMs)),
    grownBytes: Math.max(...seen.map(({ rssBytes }) => rssBytes)) - before,
  };
}

async function isUnharmed({ world }: Context, cost: Cost): Promise<void> {
  const told = `${Math.round(cost.stallMs)} ms, ${Math.round(cost.grownBytes / 1024 / 1024)} MiB`;
  if (process.env.SIGHTLINE_SHOW_STALL !== undefined) process.stdout.write(`${told}\n`);
  assert.ok(cost.stallMs <= MOST_STALL_MS && cost.grownBytes <= MOST_GROWTH_BYTES, told);
  const startedMs = performance.now();
  assert.is(await codeOf(world.owner.client.call('site.get', {})), 'answered');
  assert.ok(performance.now() - startedMs < 2_000);
  assert.is((await world.status()).cameras[0]?.state, 'online', 'the camera beside them is looked after');
  // A process that died and came back would have another challenge.
  assert.is(world.owner.client.status?.boot, boot);
}

let boot: string | undefined;

test('Hostile camera/broker input: XML bombs, depths, sizes and slow answers from twelve cameras at once stop nothing', async (context) => {
  const { world, fakes } = context;
  boot = world.owner.client.status?.boot;
  const asks = fakes.map(({ requests }) => requests.length);
  context.isHostile = true;
  let codes: string[] = [];
  const cost = await costOf(world, async () => {
    codes = await asked(context);
  });
  for (const [at, [what]] of CAMERAS.entries()) {
    assert.match(codes[at] ?? '', /^cameras\./, what);
    assert.ok((fakes[at]?.requests.length ?? 0) > (asks[at] ?? 0), `${what}: it was asked`);
  }
  await isUnharmed(context, cost);
});

/** What a broker that was taken over sends, some of it beyond anything that it was told to send. */
async function brokerLetters({ owner, scope }: World): Promise<readonly (readonly [topic: string, text: string])[]> {
  const command = (): string => topics.command(scope, newId());
  const pairing = (): string => topics.pairDown(scope, newId());
  const deep = (depth: number): string => `${'{"a":['.repeat(depth / 2)}${']}'.repeat(depth / 2)}`;
  const asToken = (text: string): string =>
    `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from(text).toString('base64url')}.AAAA`;
  const key = owner.client.status?.seal ?? owner.key.publicKey;
  const sealed = await Promise.all([deep(10_000), asToken(deep(8_000)), `{${'"a":1,'.repeat(6_000)}"a":1}`].map((text) => seal(text, key)));
  return [
    ...['['.repeat(100_000), deep(100_000), 'x'.repeat(MEGABYTE)].flatMap((text) =>
      [command(), pairing()].map((topic) => [topic, text] as const),
    ),
    ...['['.repeat(60_000), deep(15_000), '"'.repeat(60_000), `{${'"a":1,'.repeat(9_000)}"a":1}`].map((text) => [pairing(), text] as const),
    ...sealed.map((text) => [command(), text] as const),
    [topics.withdraw(scope, newId()), asToken(deep(8_000))],
    [topics.cancel(scope, newId()), asToken(deep(8_000))],
  ];
}

test('Hostile camera/broker input: JSON 100 000 deep and letters of 1 MB, in the clear, signed or sealed, stop nothing', async (context) => {
  const { world } = context;
  context.isHostile = false;
  const letters = await brokerLetters(world);
  const count = async (): Promise<number> => Object.values((await world.status()).refusedMessages).reduce((sum, one) => sum + one, 0);
  const before = await count();
  const cost = await costOf(world, async () => {
    for (let round = 0; round < 10; round += 1) for (const [topic, text] of letters) await world.relay.publish(topic, text);
    await until('all are turned away', async () => (await count()) - before >= letters.length * 10);
  });
  const { refusedMessages } = await world.status();
  for (const code of ['message.too_large', 'message.too_deep']) assert.ok((refusedMessages[code] ?? 0) > 0, code);
  await isUnharmed(context, cost);
});

/** As much noise as the line takes within this time; how many bytes that was. */
async function makeNoise(path: string, forMs: number): Promise<number> {
  const noise = Buffer.from(Array.from({ length: 4_096 }, (_none, at) => (at * 7 + (at >> 3)) & 255));
  // Who listens to nothing lets the line run full: then it takes no more, and says so.
  const line = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  const untilMs = performance.now() + forMs;
  let taken = 0;
  try {
    while (performance.now() < untilMs) {
      try {
        taken += writeSync(line, noise);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  } finally {
    closeSync(line);
  }
  return taken;
}

test('Hostile camera/broker input: noise on the serial line, as much as it takes, stops nothing, and movements still go out', async (context) => {
  const { world, pty } = context;
  let taken = 0;
  const cost = await costOf(world, async () => {
    taken = await makeNoise(pty.far, 2_000);
  });
  if (process.env.SIGHTLINE_SHOW_STALL !== undefined) process.stdout.write(`${taken} bytes of noise\n`);
  assert.ok(taken > 4_000, `${taken} bytes`);
  const { serialPorts } = (await world.status()) as unknown as { serialPorts: { isOpen: boolean }[] };
  assert.equal(
    serialPorts.map(({ isOpen }) => isOpen),
    [true],
  );
  assert.is(await codeOf(world.owner.client.call('ptz.stop', { cam: 'cam-1' })), 'answered');
  await isUnharmed(context, cost);
});

test.run();
