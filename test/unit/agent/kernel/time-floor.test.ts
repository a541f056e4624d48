import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  floorAt,
  HOLD_MS,
  isTimeKnown,
  nowAt,
  observe,
  openFloor,
  qualityOf,
  SLACK_MS,
  sighted,
  type TimeFloor,
  type TimeSource,
} from '../../../../agent/kernel/time-floor.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const MADE_AT = Date.UTC(2026, 0, 1);
const TRUE_AT = Date.UTC(2026, 10, 24, 12);
const BATTERY: TimeSource = { isSynchronised: false, hasBattery: true };
const NOTHING: TimeSource = { isSynchronised: false, hasBattery: false };
const NETWORK: TimeSource = { isSynchronised: true, hasBattery: true };

/** A recorder with a clock that lies as the test says: `leadMs` is how far the system clock is ahead of the real time. */
class Recorder {
  trueAt = TRUE_AT;
  leadMs = 0;
  storedAt = 0;
  source: TimeSource = BATTERY;
  #startedAt = TRUE_AT;
  floor: TimeFloor;

  constructor(facts: Partial<Pick<Recorder, 'leadMs' | 'storedAt' | 'source'>> = {}) {
    Object.assign(this, facts);
    this.floor = openFloor(this.storedAt, MADE_AT, this.reading);
    this.look();
  }

  get reading() {
    return { systemAt: this.trueAt + this.leadMs, monoMs: this.trueAt - this.#startedAt };
  }

  /** Looks once, as every question for the time does. */
  look(): number {
    this.floor = observe(this.floor, this.reading, this.source);
    return nowAt(this.floor);
  }

  /** Lets time pass, looking once a minute and remembering the floor. */
  pass(ms: number): number {
    for (let left = ms; left > 0; left -= MINUTE_MS) {
      this.trueAt += Math.min(left, MINUTE_MS);
      this.look();
      this.store();
    }
    return this.look();
  }

  store(): void {
    this.storedAt = floorAt(this.floor, this.reading.monoMs);
  }

  /** Off for so long; the clock then leads by what is given. */
  restart(offMs: number, leadMs = this.leadMs): number {
    this.trueAt += offMs;
    this.leadMs = leadMs;
    this.#startedAt = this.trueAt;
    this.floor = openFloor(this.storedAt, MADE_AT, this.reading);
    return this.look();
  }

  hear(at: number, isFresh = true): number {
    this.floor = sighted(this.floor, at, isFresh, this.reading, this.source);
    return this.look();
  }

  get isKnown(): boolean {
    return isTimeKnown(this.floor, this.reading, this.source);
  }

  get quality() {
    return qualityOf(this.floor, this.reading, this.source);
  }
}

const within = (actual: number, expected: number, slackMs: number, what: string): void => {
  assert.ok(Math.abs(actual - expected) <= slackMs, `${what}: ${(actual - expected) / 1000} s off`);
};

test('a good clock is believed as it is, and the floor follows an hour behind', () => {
  const box = new Recorder();
  assert.is(box.look(), TRUE_AT);
  assert.equal([box.quality, box.isKnown], ['rtc', true]);
  box.pass(30 * MINUTE_MS);
  assert.ok(box.storedAt < MADE_AT + HOUR_MS, 'not yet sure');
  assert.is(box.pass(40 * MINUTE_MS), TRUE_AT + 70 * MINUTE_MS);
  within(box.storedAt, box.trueAt - SLACK_MS, MINUTE_MS, 'floor after an hour');
});

test('a clock that jumps ten years ahead counts at once, is no floor within the hour, and time returns when it falls back', () => {
  const box = new Recorder();
  box.pass(2 * HOUR_MS);
  box.leadMs = 10 * YEAR_MS;
  assert.is(box.look(), box.trueAt + 10 * YEAR_MS);
  box.pass(59 * MINUTE_MS);
  assert.ok(box.storedAt <= box.trueAt, 'the floor did not jump');
  box.leadMs = 0;
  assert.is(box.look(), box.trueAt);
  box.leadMs = 10 * YEAR_MS;
  box.pass(MINUTE_MS);
  assert.ok(box.restart(MINUTE_MS, 0) < TRUE_AT + YEAR_MS, 'nor by a restart in between');
});

test('a clock that falls back for a moment now and then has not kept its time', () => {
  const box = new Recorder({ leadMs: YEAR_MS });
  for (let minute = 0; minute < 90; minute += 1) {
    box.pass(MINUTE_MS);
    box.trueAt += 1000;
    box.leadMs = 0;
    box.look();
    box.leadMs = YEAR_MS;
  }
  assert.ok(box.storedAt <= box.trueAt);
});

test('restarting again and again under a jumped clock gains nothing: each start must hold for an hour', () => {
  const box = new Recorder({ leadMs: YEAR_MS });
  for (let start = 0; start < 40; start += 1) {
    box.pass(30 * MINUTE_MS);
    box.restart(MINUTE_MS);
  }
  assert.ok(box.storedAt <= box.trueAt);
});

test('what a clock kept for an hour of uptime is floor: turned back a year, time goes on from where it was', () => {
  const box = new Recorder();
  box.pass(3 * HOUR_MS);
  let last = box.look();
  box.leadMs = -YEAR_MS;
  for (let minute = 0; minute < 120; minute += 1) {
    const now = box.pass(MINUTE_MS);
    assert.ok(now >= last, 'never backward');
    last = now;
  }
  within(last, box.trueAt, SLACK_MS + 1000, 'two hours later');
  assert.is(box.quality, 'floor');
  assert.ok(box.restart(MINUTE_MS, -YEAR_MS) >= last - SLACK_MS - 2 * MINUTE_MS, 'and over a restart');
});

test('a step back of four minutes is waited out, and does not leave the floor ahead after a restart', () => {
  const box = new Recorder({ leadMs: 4 * MINUTE_MS });
  const before = box.pass(5 * HOUR_MS);
  box.leadMs = 0;
  assert.is(box.look(), before);
  assert.is(box.pass(3 * MINUTE_MS), before);
  assert.is(box.pass(2 * MINUTE_MS), box.trueAt);
  box.restart(10_000, 0);
  assert.equal([box.look(), box.quality], [box.trueAt, 'rtc']);
});

test('a clock at 1970 without battery: time goes on from the floor, and is not known until the owner speaks', () => {
  const box = new Recorder({ storedAt: TRUE_AT - DAY_MS, leadMs: -TRUE_AT, source: NOTHING });
  assert.is(box.look(), TRUE_AT - DAY_MS);
  box.pass(10 * MINUTE_MS);
  assert.is(box.look(), TRUE_AT - DAY_MS + 10 * MINUTE_MS);
  assert.equal([box.quality, box.isKnown], ['floor', false]);
  box.hear(box.trueAt - 3 * DAY_MS);
  assert.not(box.isKnown, 'a word from before the floor tells nothing');
  box.hear(box.trueAt - HOUR_MS, false);
  assert.is(box.look(), box.trueAt - HOUR_MS);
  assert.not(box.isKnown, 'what a relay kept back proves the past only');
  assert.is(box.hear(box.trueAt), box.trueAt);
  assert.equal([box.quality, box.isKnown], ['floor', true]);
  assert.ok(box.storedAt < box.trueAt - DAY_MS / 2, 'not floor at once');
  box.pass(61 * MINUTE_MS);
  within(box.storedAt, box.trueAt - SLACK_MS, MINUTE_MS, 'floor after an hour');
  box.restart(MINUTE_MS, -box.trueAt);
  assert.not(box.isKnown, 'each start anew');
});

test('the build time is the lowest floor', () => {
  assert.is(new Recorder({ leadMs: -TRUE_AT, source: NOTHING }).look(), MADE_AT);
});

test('network time that arrives late makes the time known; so does somebody who sets the clock', () => {
  const late = new Recorder({ storedAt: TRUE_AT - DAY_MS, leadMs: -TRUE_AT, source: NOTHING });
  late.leadMs = 0;
  late.source = { isSynchronised: true, hasBattery: false };
  assert.equal([late.look(), late.quality, late.isKnown], [TRUE_AT, 'ntp', true]);
  const byHand = new Recorder({ storedAt: TRUE_AT - DAY_MS, leadMs: -DAY_MS / 2, source: NOTHING });
  assert.not(byHand.isKnown, 'restored from a file at the start: the time it was off is missing');
  byHand.leadMs = 0;
  assert.equal([byHand.look(), byHand.quality, byHand.isKnown], [TRUE_AT, 'rtc', true]);
});

test('the owner’s word confirms a jump at once, and no wrong phone spoils a good clock', () => {
  const off = new Recorder({ storedAt: TRUE_AT - 90 * DAY_MS });
  off.hear(TRUE_AT - MINUTE_MS);
  off.store();
  within(off.storedAt, TRUE_AT - SLACK_MS, 2 * MINUTE_MS, 'confirmed');
  const wrong = new Recorder({ source: NETWORK });
  assert.is(wrong.hear(TRUE_AT + YEAR_MS), TRUE_AT);
  wrong.source = BATTERY;
  assert.is(wrong.hear(TRUE_AT + YEAR_MS), TRUE_AT);
  assert.is(wrong.hear(TRUE_AT + HOUR_MS), TRUE_AT + HOUR_MS, 'a battery clock may lag by less than a day');
  wrong.source = NETWORK;
  assert.is(wrong.look(), TRUE_AT, 'until network time says otherwise');
  const lost = new Recorder({ leadMs: -TRUE_AT, source: NOTHING });
  assert.is(lost.hear(TRUE_AT + 20 * YEAR_MS), MADE_AT, 'twenty years ahead is a mistake');
});

type Step =
  | { readonly t: 'pass'; readonly minutes: number }
  | { readonly t: 'lead'; readonly ms: number }
  | { readonly t: 'restart'; readonly offMinutes: number; readonly leadMs: number }
  | { readonly t: 'word'; readonly ageMinutes: number; readonly isFresh: boolean };

const lead = fc.oneof(
  fc.integer({ min: -10 * MINUTE_MS, max: 10 * MINUTE_MS }),
  fc.integer({ min: -YEAR_MS, max: 11 * YEAR_MS }),
  fc.constantFrom(0, -TRUE_AT, 10 * YEAR_MS),
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ t: fc.constant('pass' as const), minutes: fc.integer({ min: 1, max: 150 }) }) },
    { weight: 3, arbitrary: fc.record({ t: fc.constant('lead' as const), ms: lead }) },
    {
      weight: 2,
      arbitrary: fc.record({ t: fc.constant('restart' as const), offMinutes: fc.integer({ min: 0, max: 5000 }), leadMs: lead }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ t: fc.constant('word' as const), ageMinutes: fc.integer({ min: 0, max: 10_000 }), isFresh: fc.boolean() }),
    },
  ),
  { maxLength: 25 },
);
const sources = fc.constantFrom(BATTERY, NOTHING, NETWORK);

/** The greatest lead that the clock never went below for an hour of one run, so far: what the rule allows the floor to be wrong by. */
class Witness {
  allowedMs = 0;
  #seen: { readonly atMs: number; readonly leadMs: number }[] = [];

  restart(): void {
    this.#seen = [];
  }

  see(atMs: number, leadMs: number): void {
    this.#seen.push({ atMs, leadMs });
    const hour = this.#seen.filter((one) => one.atMs >= atMs - HOLD_MS);
    if ((this.#seen[0]?.atMs ?? atMs) <= atMs - HOLD_MS)
      this.allowedMs = Math.max(this.allowedMs, Math.min(...hour.map((one) => one.leadMs)));
  }
}

test('any jumps, restarts and words of an honest owner: the floor is never further ahead than a clock kept for an hour, and time never before it', () => {
  fc.assert(
    fc.property(steps, sources, (plan, source) => {
      const box = new Recorder({ source });
      const witness = new Witness();
      const check = (): void => {
        witness.see(box.trueAt, box.leadMs);
        const now = box.look();
        box.store();
        assert.ok(box.storedAt <= box.trueAt + witness.allowedMs, `the floor is ${box.storedAt - box.trueAt} ms ahead`);
        assert.ok(now >= box.storedAt && now >= MADE_AT, 'time is before its floor');
      };
      for (const step of plan) {
        const storedAt = box.storedAt;
        if (step.t === 'lead') box.leadMs = step.ms;
        else if (step.t === 'word') box.hear(box.trueAt - step.ageMinutes * MINUTE_MS, step.isFresh);
        else if (step.t === 'restart') {
          witness.restart();
          box.restart(step.offMinutes * MINUTE_MS, step.leadMs);
        } else {
          for (let minute = 0; minute < step.minutes; minute += 1) {
            box.trueAt += MINUTE_MS;
            check();
          }
        }
        check();
        assert.ok(box.storedAt >= storedAt, 'the floor went down');
      }
    }),
    { numRuns: 300 },
  );
});

test('an honest clock with small corrections: time never goes backward and is never more than ten minutes wrong', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 90 }), fc.integer({ min: -SLACK_MS / 2, max: SLACK_MS / 2 })), { maxLength: 12 }),
      (plan) => {
        const box = new Recorder();
        let last = box.look();
        for (const [minutes, leadMs] of plan) {
          box.leadMs = leadMs;
          const now = box.pass(minutes * MINUTE_MS);
          assert.ok(now >= last && Math.abs(now - box.trueAt) <= 2 * SLACK_MS, `${now - last} ms on, ${now - box.trueAt} ms off`);
          last = now;
        }
      },
    ),
    { numRuns: 100 },
  );
});

test.run();
