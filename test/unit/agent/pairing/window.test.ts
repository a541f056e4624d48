import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AFTER_WAIT_MS,
  charge,
  mayTry,
  NO_FAILS,
  refund,
  TRIES_PER_PRESS,
  type TryFacts,
  type TryState,
  triesLeft,
  WINDOW_MS,
  waitMs,
  windowLeftMs,
} from '../../../../agent/pairing/window.js';

const HOUR_S = 3_600;

function facts(change: Partial<TryFacts> = {}): TryFacts {
  return { way: 'relay', purpose: 'own', isOwned: false, hasCode: true, openForMs: 0, sinceLastTryMs: Number.POSITIVE_INFINITY, ...change };
}

const failed = (relay: number, lan = 0): TryState => ({ fails: { relay, lan } });

/** A machine that is pulled from power after every `triesPerBoot` tries. Tries as soon as it is let. Only `state` outlives a cut. */
function attack(triesPerBoot: number): { guesses: number; forcedS: number; cuts: number; end: string } {
  let state = NO_FAILS;
  let guesses = 0;
  let forcedMs = 0;
  for (let cuts = 0; ; cuts += 1) {
    // A start: the window opens, and the wait begins anew.
    let upMs = 0;
    let lastMs = 0;
    for (let here = 0; here < triesPerBoot; ) {
      const verdict = mayTry(state, facts({ openForMs: upMs, sinceLastTryMs: upMs - lastMs }));
      if (verdict.may) {
        state = charge(state, 'relay');
        guesses += 1;
        here += 1;
        lastMs = upMs;
      } else if (verdict.code === 'wait') {
        upMs += verdict.retryS * 1000;
        forcedMs += verdict.retryS * 1000;
      } else {
        return { guesses, forcedS: forcedMs / 1000, cuts, end: verdict.code };
      }
    }
  }
}

test('a power cut after every third try: 20 guesses in all, 8.4 hours of waiting, then only the button helps', () => {
  assert.equal(attack(3), { guesses: 20, forcedS: 30_315, cuts: 6, end: 'locked' });
  assert.ok(30_315 > 8 * HOUR_S);
});

test('whatever the rhythm of power cuts, it is never more than 20 guesses, and never quicker', () => {
  for (let triesPerBoot = 1; triesPerBoot <= 25; triesPerBoot += 1) {
    const { guesses, forcedS, end } = attack(triesPerBoot);
    assert.is(guesses, TRIES_PER_PRESS);
    assert.ok(forcedS >= 30_315, `${triesPerBoot}: ${forcedS}`);
    assert.is(end, 'locked');
  }
});

test('whoever waits as he was told finds the window open, for 5 minutes; then it is shut', () => {
  for (let fails = 3; fails < TRIES_PER_PRESS; fails += 1) {
    // The last try fell into the last moment of the window.
    const at = (sinceMs: number): TryFacts => facts({ openForMs: WINDOW_MS + sinceMs, sinceLastTryMs: sinceMs });
    assert.is(mayTry(failed(fails), at(waitMs(fails) - 1)).may, false);
    assert.equal(mayTry(failed(fails), at(waitMs(fails))), { may: true });
    assert.equal(mayTry(failed(fails), at(waitMs(fails) + AFTER_WAIT_MS)), { may: true });
    assert.equal(mayTry(failed(fails), at(waitMs(fails) + AFTER_WAIT_MS + 1)), { may: false, code: 'closed', retryS: 0 });
  }
  for (let fails = 0; fails < 3; fails += 1)
    assert.equal(mayTry(failed(fails), facts({ openForMs: WINDOW_MS + 1, sinceLastTryMs: 1 })), { may: false, code: 'closed', retryS: 0 });
});

test('waiting over the relay keeps no window open on the local network', () => {
  const state = failed(12);
  const late = { openForMs: WINDOW_MS + 60_000, sinceLastTryMs: 60_000 };
  assert.is(mayTry(state, facts({ ...late, way: 'relay' })).may, false);
  assert.is((mayTry(state, facts({ ...late, way: 'relay' })) as { code: string }).code, 'wait');
  assert.equal(mayTry(state, facts({ ...late, way: 'lan' })), { may: false, code: 'closed', retryS: 0 });
});

test('how long the window stays open: to its end, or to the end of the wait and 5 minutes', () => {
  assert.is(windowLeftMs(NO_FAILS, facts()), WINDOW_MS);
  assert.is(windowLeftMs(NO_FAILS, facts({ openForMs: WINDOW_MS })), 0);
  assert.is(windowLeftMs(NO_FAILS, facts({ openForMs: WINDOW_MS + 1 })), undefined);
  assert.is(windowLeftMs(NO_FAILS, facts({ openForMs: undefined })), undefined);
  assert.is(windowLeftMs(failed(11), facts({ openForMs: 0, sinceLastTryMs: 0 })), 1_280_000 + AFTER_WAIT_MS);
  assert.is(windowLeftMs(failed(11), facts({ openForMs: undefined, sinceLastTryMs: 0 })), undefined, 'what is shut stays shut');
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
              for (const purpose of ['own', 'join'] as const) {
                const verdict = mayTry(state, { way, purpose, isOwned, hasCode, openForMs, sinceLastTryMs });
                const isKeptOpen = fails >= 3 && sinceLastTryMs <= waitMs(fails) + AFTER_WAIT_MS;
                const isOpen = openForMs !== undefined && (openForMs <= WINDOW_MS || isKeptOpen);
                const isWaited = sinceLastTryMs >= waitMs(fails);
                assert.is(verdict.may, isOwned === (purpose === 'join') && hasCode && isOpen && fails < 20 && isWaited);
                if (!verdict.may && verdict.code === 'wait') assert.ok(verdict.retryS >= 1 && verdict.retryS <= 3_600);
              }
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

test('when the tries are used up it is said so, whether the window is open or not: only the button helps', () => {
  for (const openForMs of [undefined, 0, WINDOW_MS + 1])
    assert.equal(mayTry(failed(20), facts({ openForMs })), { may: false, code: 'locked', retryS: 0 });
});

test('a try that was no guess is given back, and never more than that', () => {
  assert.equal(refund(failed(2, 5), 'relay'), failed(1, 5));
  assert.equal(refund(failed(2, 5), 'lan'), failed(2, 4));
  assert.equal(refund(NO_FAILS, 'relay'), NO_FAILS);
});

test.run();
