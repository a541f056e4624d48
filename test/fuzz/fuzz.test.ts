import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type FuzzTarget, fuzz, HANG_MS } from './engine.js';
import { Chance, mutate } from './mutate.js';
import { targets } from './targets.js';

const LIMITS = { seed: 1, endsAtMs: Number.POSITIVE_INFINITY, mostExecutions: 3_000 };
const planted = (run: FuzzTarget['run']): FuzzTarget => ({
  name: 'planted',
  corpus: [Buffer.from('{"op":"status"}')],
  tokens: [Buffer.from('!')],
  run,
});

test('a planted crash is found, once, with an input that does it again', async () => {
  const run = (bytes: Buffer): string => {
    if (bytes.includes('!') && bytes.length > 4) throw new RangeError('planted');
    return 'ok';
  };
  const { findings, executions } = await fuzz(planted(run), LIMITS);
  assert.equal([findings.length, findings[0]?.kind, executions], [1, 'crash', 3_000]);
  assert.throws(() => run(Buffer.from(findings[0]?.base64 ?? '', 'base64')), /planted/);
});

test('a planted hang is found, and a single slow moment is none', async () => {
  let slow = 0;
  const wait = (): void => {
    const endsAt = performance.now() + HANG_MS + 20;
    while (performance.now() < endsAt);
  };
  const hangs = await fuzz(
    planted((bytes) => {
      if (bytes.includes('!')) wait();
      return 'ok';
    }),
    { ...LIMITS, mostExecutions: 12 },
  );
  assert.is(hangs.findings[0]?.kind, 'hang');
  const once = await fuzz(
    planted(() => {
      slow += 1;
      if (slow === 5) wait();
      return 'ok';
    }),
    { ...LIMITS, mostExecutions: 20 },
  );
  assert.equal(once.findings, []);
});

test('the same seed makes the same inputs, another one others', () => {
  const base = Buffer.from('Sightline speaks with cameras');
  const made = (seed: number): string => {
    const chance = new Chance(seed);
    return Array.from({ length: 20 }, () => mutate(base, chance, [base], [Buffer.from('x')]).toString('hex')).join();
  };
  assert.is(made(7), made(7));
  assert.is.not(made(7), made(8));
});

test('a thousand spoilt inputs for each decoder: none throws, none hangs, and they lead somewhere', async () => {
  for (const target of await targets()) {
    const { findings, outcomes } = await fuzz(target, { ...LIMITS, seed: 20_261_124, mostExecutions: 700 });
    assert.equal(findings, [], target.name);
    assert.ok(outcomes > 3, `${target.name}: ${outcomes} outcomes`);
  }
});

test.run();
