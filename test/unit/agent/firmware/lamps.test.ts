import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookResult } from '../../../../agent/firmware/hook-result.js';
import type { HookRunner } from '../../../../agent/firmware/hook-runner.js';
import { type LampFacts, Lamps } from '../../../../agent/firmware/lamps.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

function rig(outcome: (lamp: string) => string = () => 'ok') {
  const clock = new VirtualClock();
  const said: string[] = [];
  const facts = { isPairing: false, isWatched: false, isOnline: false } satisfies LampFacts as {
    -readonly [K in keyof LampFacts]: boolean;
  };
  const run = async (name: string, call: { input?: Readonly<Record<string, unknown>>; answer: { safeParse(value: unknown): unknown } }) => {
    said.push(`${name} ${call.input?.lamp} ${call.input?.state}`);
    return { outcome: outcome(String(call.input?.lamp)), answer: { isSet: true }, reason: '' } as unknown as HookResult<unknown>;
  };
  const lamps = new Lamps({ hooks: { run } as unknown as Pick<HookRunner, 'run'>, facts: () => ({ ...facts }), clock });
  return { clock, said, facts, lamps };
}

test('lamps show that pairing is open and that somebody watches, and each change once', async () => {
  const { clock, said, facts, lamps } = rig();
  await lamps.start();
  await clock.advance(5_000);
  assert.equal(said, [], 'nothing is lit, so nothing is said');
  facts.isPairing = true;
  await clock.advance(3_000);
  facts.isPairing = false;
  facts.isWatched = true;
  await clock.advance(3_000);
  assert.equal(said, ['indicator pairing blink', 'indicator pairing off', 'indicator watching on']);
  await lamps.stop();
  assert.is(said.at(-1), 'indicator watching off', 'an agent that does not run shows nothing');
});

test('a recorder without a lamp is asked once', async () => {
  const { clock, said, facts, lamps } = rig((lamp) => (lamp === 'watching' ? 'refused' : 'ok'));
  await lamps.start();
  for (const isOn of [true, false, true]) {
    facts.isWatched = isOn;
    facts.isOnline = isOn;
    await clock.advance(1_000);
  }
  await lamps.stop();
  assert.is(said.filter((line) => line.includes('watching')).length, 1);
  assert.is(said.filter((line) => line.includes('cloud')).length, 4);
});

test('a lamp that failed for once is asked again', async () => {
  let isFailing = true;
  const { clock, said, facts, lamps } = rig(() => (isFailing ? 'failed' : 'ok'));
  await lamps.start();
  facts.isPairing = true;
  await clock.advance(1_000);
  isFailing = false;
  await clock.advance(2_000);
  assert.equal(said, ['indicator pairing blink', 'indicator pairing blink']);
  await lamps.stop();
});

test.run();
