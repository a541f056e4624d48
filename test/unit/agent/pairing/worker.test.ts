import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeVerifier, newScalar, proverFinish, proverShare, type SharedKeys } from '../../../../agent/contract/spake2plus.js';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import type { Spake, SpakeAnswer } from '../../../../agent/pairing/ports.js';
import { WorkerSpake } from '../../../../agent/pairing/worker.js';
import { TestLog } from '../../../support/test-log.js';
import { settle, VirtualClock } from '../../../support/virtual-clock.js';
import { InlineSpake } from './inline-spake.js';

const IDS = { context: 'sightline-pair/1', prover: 'app', verifier: 'SN4F2K7Q9D' };
const scalar = (): Uint8Array => newScalar(globalThis.crypto.getRandomValues(new Uint8Array(48)));
const w0 = scalar();
const w1 = scalar();
const x = scalar();
const verifier = makeVerifier(w0, w1);
const shareP = proverShare(w0, x);

interface World {
  clock: VirtualClock;
  log: TestLog;
  spake: WorkerSpake;
}

const it = suite<World>('pairing thread');

it.before.each((world) => {
  world.clock = new VirtualClock();
  world.log = new TestLog();
  world.spake = new WorkerSpake(world);
});

it.after.each(({ spake }) => spake.stop());

/** One computation with a slot of its own. */
async function respond(spake: Spake, share: Uint8Array = shareP): Promise<SpakeAnswer> {
  const slot = spake.reserve();
  try {
    return await slot.respond(IDS, verifier, share);
  } finally {
    slot.release();
  }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'resolved',
    (error: unknown) => (error as AgentError).code,
  );

/** How often this thread multiplied a point of the curve while `work` ran, as V8 counts the calls of its own isolate. */
async function multiplications(work: () => Promise<unknown>): Promise<number> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    await work();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    // Whatever file the curve is in: the runner bundles.
    const calls = result.filter(({ url }) => url.startsWith('file:')).flatMap(({ functions }) => functions);
    return calls
      .filter(({ functionName }) => /^multiply(?:Unsafe)?$/.test(functionName))
      .reduce((sum, { ranges }) => sum + (ranges[0]?.count ?? 0), 0);
  } finally {
    session.disconnect();
  }
}

it('its answer is the recorder’s half: the app comes to the same keys', async ({ spake }) => {
  const { shareV, keys } = await respond(spake);
  const own = proverFinish(IDS, w0, w1, x, shareV);
  for (const name of Object.keys(own) as (keyof SharedKeys)[]) assert.equal(new Uint8Array(keys[name]), new Uint8Array(own[name]), name);
  const second = await respond(spake);
  assert.not.equal(second.shareV, shareV, 'another scalar each time');
});

it('the thread that everything else runs on multiplies nothing', async ({ spake }) => {
  assert.is(await multiplications(() => Promise.all([respond(spake), respond(spake), respond(spake)])), 0);
  assert.ok((await multiplications(() => respond(new InlineSpake()))) >= 5, 'done here it is counted');
});

it('impossible shares come back as what they are, and the thread goes on', async ({ spake }) => {
  const offCurve = Uint8Array.from(shareP, (byte, at) => (at === 64 ? byte ^ 1 : byte));
  const compressed = Uint8Array.from([2 + ((shareP[64] ?? 0) & 1), ...shareP.subarray(1, 33)]);
  for (const share of [offCurve, compressed, new Uint8Array(65), new Uint8Array(0)]) {
    const error = await respond(spake, share).then(
      () => undefined,
      (thrown: unknown) => thrown as AgentError,
    );
    assert.is(error?.code, 'pairing.bad_message');
    assert.is(error?.constructor.name, 'AgentError');
    assert.ok((error?.say.length ?? 0) > 10 && (error?.fix.length ?? 0) > 10);
  }
  await respond(spake);
  assert.ok(spake.isRunning);
});

it('it is started with the first exchange and ended a minute after the last', async ({ spake, clock }) => {
  assert.not.ok(spake.isRunning);
  await respond(spake);
  assert.ok(spake.isRunning);
  await clock.advance(59_999);
  await respond(spake);
  await clock.advance(59_999);
  assert.ok(spake.isRunning);
  await clock.advance(1);
  assert.not.ok(spake.isRunning);
  await respond(spake);
  assert.ok(spake.isRunning, 'and started again');
});

it('eight at once, one after another; the ninth is told to come again, before anything is computed', async ({ spake }) => {
  const slots = Array.from({ length: 8 }, () => spake.reserve());
  assert.throws(
    () => spake.reserve(),
    (error: AgentError) => error.code === 'pairing.busy' && error.retryable,
  );
  assert.is((await Promise.all(slots.map((slot) => slot.respond(IDS, verifier, shareP)))).length, 8);
  slots[0]?.release();
  slots[0]?.release();
  const free = spake.reserve();
  assert.throws(() => spake.reserve(), /pairing.busy/);
  for (const slot of [...slots, free]) slot.release();
});

it('a thread that dies or hangs: that exchange fails, the next one gets a new thread', async ({ clock, log }) => {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-thread-'));
  const scripts = {
    dies: "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => process.exit(3));",
    throws: "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { throw new RangeError('x'); });",
    hangs: "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { for (;;); });",
  };
  for (const [name, script] of Object.entries(scripts)) {
    const path = join(folder, `${name}.mjs`);
    await writeFile(path, script);
    const spake = new WorkerSpake({ clock, log, entry: pathToFileURL(path) });
    for (let round = 0; round < 2; round += 1) {
      const outcome = codeOf(respond(spake));
      await settle();
      if (name === 'hangs') await clock.advance(20_000);
      assert.is(await outcome, 'pairing.failed', name);
      assert.not.ok(spake.isRunning, name);
    }
    await spake.stop();
  }
  assert.ok(log.lines.some(({ message }) => message === 'the pairing thread failed'));
  await rm(folder, { recursive: true });
});

it('stopping ends the thread and what it computes; afterwards nothing is begun', async ({ spake }) => {
  const outcome = codeOf(respond(spake));
  await settle();
  await spake.stop();
  assert.is(await outcome, 'pairing.failed');
  assert.is(await codeOf(respond(spake)), 'pairing.failed');
  assert.not.ok(spake.isRunning);
});

it.run();
