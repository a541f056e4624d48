import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  charge,
  mayTry,
  NO_FAILS,
  TRIES_PER_PRESS,
  type TryFacts,
  type TryState,
  triesLeft,
  WINDOW_MS,
  waitMs,
} from '../../../../agent/pairing/window.js';

const HOUR_S = 3_600;

function facts(change: Partial<TryFacts> = {}): TryFacts {
  return { way: 'relay', isOwned: false, hasCode: true, openForMs: 0, sinceLastTryMs: Number.POSITIVE_INFINITY, ...change };
}

const failed = (relay: number, lan = 0): TryState => ({ fails: { relay, lan } });

/** A machine that is pulled from power after every `triesPerBoot` tries. Tries as soon as it is let. Only `state` outlives a cut. */
function attack(triesPerBoot: number, hasWindow: boolean): { guesses: number; forcedS: number; end: string } {
  let state = NO_FAILS;
  let guesses = 0;
  let forcedMs = 0;
  for (;;) {
    // A start: the window opens, and the wait begins anew.
    let upMs = 0;
    let lastMs = 0;
    for (let here = 0; here < triesPerBoot; ) {
      const openForMs = hasWindow ? upMs : 0;
      const verdict = mayTry(state, facts({ openForMs, sinceLastTryMs: upMs - lastMs }));
      if (verdict.may) {
        state = charge(state, 'relay');
        guesses += 1;
        here += 1;
        lastMs = upMs;
      } else if (verdict.code === 'wait') {
        upMs += verdict.retryS * 1000;
        forcedMs += verdict.retryS * 1000;
      } else if (verdict.code === 'closed' && here > 0) {
        break;
      } else {
        return { guesses, forcedS: forcedMs / 1000, end: verdict.code };
      }
    }
  }
}

test('a power cut after every third try: 20 guesses in all, 8.4 hours of waiting, then only the button helps', () => {
  assert.equal(attack(3, false), { guesses: 20, forcedS: 30_315, end: 'locked' });
  assert.ok(30_315 > 8 * HOUR_S);
});

test('whatever the rhythm of power cuts, it is never more than 20 guesses, and never quicker', () => {
  for (let triesPerBoot = 1; triesPerBoot <= 25; triesPerBoot += 1) {
    const { guesses, forcedS, end } = attack(triesPerBoot, false);
    assert.is(guesses, TRIES_PER_PRESS);
    assert.ok(forcedS >= 30_315, `${triesPerBoot}: ${forcedS}`);
    assert.is(end, 'locked');
  }
});

test('the window makes it fewer still: a wait longer than 15 minutes ends in a closed window', () => {
  for (let triesPerBoot = 1; triesPerBoot <= 25; triesPerBoot += 1) {
    const { guesses, end } = attack(triesPerBoot, true);
    assert.is(guesses, 11);
    assert.is(end, 'closed');
  }
});

test('waiting times: none for the first three, then 5 s doubling to an hour', () => {
  assert.equal(
    Array.from({ length: 20 }, (_, fails) => waitMs(fails) / 1000),
    [0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600, 3600, 3600, 3600, 3600],
  );
});

test('every state and moment: a try is let only when all five conditions hold', () => {
  for (const way of ['relay', 'lan'] as const)
    for (const isOwned of [false, true])
      for (const hasCode of [false, true])
        for (const openForMs of [undefined, 0, WINDOW_MS, WINDOW_MS + 1])
          for (let fails = 0; fails <= 22; fails += 1)
            for (const sinceLastTryMs of [0, 4_999, 5_000, 3_599_999, 3_600_000, Number.POSITIVE_INFINITY]) {
              const state = way === 'relay' ? failed(fails, 20) : failed(20, fails);
              const verdict = mayTry(state, { way, isOwned, hasCode, openForMs, sinceLastTryMs });
              const isOpen = openForMs !== undefined && openForMs <= WINDOW_MS;
              const isWaited = sinceLastTryMs >= waitMs(fails);
              assert.is(verdict.may, !isOwned && hasCode && isOpen && fails < 20 && isWaited);
              if (!verdict.may && verdict.code === 'wait') assert.ok(verdict.retryS >= 1 && verdict.retryS <= 3_600);
            }
});

test('someone far away cannot use up the tries of the person on site', () => {
  let state = NO_FAILS;
  for (let tries = 0; tries < 20; tries += 1) state = charge(state, 'relay');
  assert.is(triesLeft(state, 'relay'), 0);
  assert.is(triesLeft(state, 'lan'), 20);
  assert.equal(mayTry(state, facts({ way: 'lan' })), { may: true });
  assert.equal(mayTry(state, facts()), { may: false, code: 'locked', retryS: 0 });
  assert.equal(NO_FAILS, failed(0), 'charging changes nothing that exists');
});

test.run();
