// runner: limit 120s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { AFTER_WAIT_MS, type PairingWay, TRIES_PER_PRESS, WINDOW_MS } from '../../../../agent/pairing/window.js';
import { exchangeByHand } from './hand-app.js';
import { codeOf, knock, makeRig, newOwner, otherCode, type PairingRig } from './pairing-rig.js';

let rig: PairingRig;
let code: string;

const it = suite('guessing the code');

it.before.each(async () => {
  rig = await makeRig();
  code = await rig.arm();
});

it.after.each(() => rig.stop());

interface Told {
  readonly code: string;
  readonly retryS: number;
}

/** One guess: takes the answer, which lets one code be tested, and hangs up without a proof. */
async function peek(way: PairingWay): Promise<Told> {
  try {
    await exchangeByHand(rig, otherCode(code), way);
    return { code: 'tested', retryS: 0 };
  } catch (error) {
    const { code: said, detail } = error as AgentError;
    return { code: said, retryS: Number(detail.retryS ?? 0) };
  }
}

/** Tries as soon as it is let, with a power cut after every third try, until the recorder says that waiting does not help. */
async function besiege(way: PairingWay): Promise<{ guesses: number; forcedS: number; end: string }> {
  let guesses = 0;
  let forcedS = 0;
  while (guesses <= 2 * TRIES_PER_PRESS) {
    const told = await peek(way);
    if (told.code === 'tested') {
      guesses += 1;
      if (guesses % 3 === 0) await rig.restart();
    } else if (told.code === 'pairing.wait') {
      forcedS += told.retryS;
      await rig.clock.advance(told.retryS * 1000);
    } else return { guesses, forcedS, end: told.code };
  }
  return { guesses, forcedS, end: 'goes on' };
}

it('with a power cut after every third try: exactly 20 guesses in 8.4 hours of uptime, then only the button helps', async () => {
  const { guesses, forcedS, end } = await besiege('relay');
  assert.is(guesses, TRIES_PER_PRESS);
  assert.ok(forcedS >= 30_000, `${forcedS} s`);
  assert.is(end, 'pairing.locked');
  assert.is(rig.installed.length, 0);
  for (const laterMs of [0, 60_000, 24 * 3_600_000]) {
    await rig.clock.advance(laterMs);
    await rig.restart();
    assert.is(await codeOf(knock(rig, code)), 'pairing.locked', 'the right code too, whenever it is restarted');
  }
  // What was done from afar does not lock out the person on site; neither does the lock end on his account.
  await (await knock(rig, code, 'lan')).finish(await newOwner());
  assert.is(rig.installed.length, 1);
});

it('both ways together are 20 guesses each, and a press begins anew with another code', async () => {
  assert.is((await besiege('lan')).guesses, TRIES_PER_PRESS);
  assert.is((await peek('relay')).code, 'pairing.closed', 'hours later nobody can begin from afar');
  await rig.restart();
  assert.is((await besiege('relay')).guesses, TRIES_PER_PRESS);
  assert.not.ok(rig.service.isOpen);
  const fresh = await rig.press();
  assert.is.not(fresh, code);
  await (await knock(rig, fresh)).finish(await newOwner());
});

it('whoever waits as he was told, over the end of the window, may try then; whoever comes too late must press', async () => {
  for (let asked = 0; asked < 19; asked += 1) await rig.clock.advance((await peek('relay')).retryS * 1000);
  assert.is((await rig.codeFile.load()).tries.fails.relay, 11);
  const { retryS } = await peek('relay');
  assert.is(retryS, 1_280, 'longer than the window');
  await rig.clock.advance(WINDOW_MS);
  assert.ok(rig.service.isOpen);
  assert.is(rig.service.openForS, retryS + (AFTER_WAIT_MS - WINDOW_MS) / 1000);
  assert.is(await codeOf(knock(rig, code, 'lan')), 'pairing.closed', 'nobody has to wait on site: there the window is over');
  await rig.clock.advance(retryS * 1000 - WINDOW_MS);
  const attempt = await knock(rig, code);
  attempt.cancel();
  const last = await peek('relay');
  assert.is(last.code, 'pairing.wait');
  await rig.clock.advance(last.retryS * 1000 + AFTER_WAIT_MS + 1);
  assert.is(await codeOf(knock(rig, code)), 'pairing.closed');
  assert.not.ok(rig.service.isOpen);
});

it('many at once get no more than the three tries that need no waiting', async () => {
  const told = await Promise.all(Array.from({ length: 60 }, () => peek('relay')));
  assert.is(told.filter(({ code: said }) => said === 'tested').length, 3);
  assert.is(told.filter(({ code: said }) => said === 'pairing.wait').length, 57);
  assert.is(rig.spake.computed, 3, 'what is refused costs no computation');
  assert.is((await rig.codeFile.load()).tries.fails.relay, 3);
});

it('when too many computations wait, the next is refused and not charged', async () => {
  rig.spake.mostSlots = 2;
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  rig.spake.beforeAnswer = () => held;
  const first = [peek('relay'), peek('relay')];
  while (rig.spake.computed < 2) await new Promise(setImmediate);
  assert.is((await peek('relay')).code, 'pairing.busy');
  assert.is((await peek('lan')).code, 'pairing.busy');
  assert.equal((await rig.codeFile.load()).tries.fails, { relay: 2, lan: 0 });
  letGo();
  assert.equal(
    (await Promise.all(first)).map(({ code: said }) => said),
    ['tested', 'tested'],
  );
  assert.is(rig.spake.held, 0, 'every slot was given back');
  assert.is((await peek('relay')).code, 'tested');
});

it('a press during a computation: what was begun under the old code leads to nothing', async () => {
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  rig.spake.beforeAnswer = () => held;
  const before = peek('relay');
  while (rig.spake.computed < 1) await new Promise(setImmediate);
  const fresh = await rig.press();
  letGo();
  assert.is((await before).code, 'pairing.closed');
  assert.is((await rig.codeFile.load()).tries.fails.relay, 0);
  await (await knock(rig, fresh)).finish(await newOwner());
});

it.run();
