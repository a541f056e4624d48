import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AlertState, phaseOf, quietAlert, rememberedAlert, stepAlert } from '../../../../agent/health/alerts.js';
import { cameraUpCheck } from '../../../../agent/health/checks/camera-up.js';
import type { Holds } from '../../../../agent/health/checks/check.js';
import { cpuCheck } from '../../../../agent/health/checks/cpu.js';
import type { Level } from '../../../../agent/health/types.js';

const MIN = 60_000;

/** One level per minute in, `minute:kind>level` of each announcement out. */
function run(levels: readonly Level[], holds: Holds, state: AlertState = quietAlert(holds)): { told: string[]; last: AlertState } {
  const told: string[] = [];
  let at = state;
  for (const [minute, level] of levels.entries()) {
    const step = stepAlert(at, level, minute * MIN, holds);
    at = step.next;
    if (step.change !== undefined) told.push(`${minute}:${step.change.kind}>${step.change.to}`);
  }
  return { told, last: at };
}

const times = (count: number, level: Level): Level[] => new Array<Level>(count).fill(level);

test('a camera that is down is told after two minutes, again as critical after ten, and its return after ten more', () => {
  const { told } = run([...times(3, 'ok'), ...times(20, 'crit'), ...times(20, 'ok')], cameraUpCheck.holds);
  assert.equal(told, ['5:fired>warn', '13:worse>crit', '33:recovered>ok']);
});

test('an outage of under two minutes is never told', () => {
  assert.equal(run(['ok', 'crit', 'crit', 'ok', 'crit', 'crit', 'ok'], cameraUpCheck.holds).told, []);
});

test('phases: pending, firing, recovering, ok', () => {
  const phase = (levels: Level[]): string => phaseOf(run(levels, cameraUpCheck.holds).last);
  assert.is(phase(['ok']), 'ok');
  assert.is(phase(['ok', 'crit']), 'pending');
  assert.is(phase(times(5, 'crit')), 'firing');
  assert.is(phase([...times(5, 'crit'), 'ok']), 'recovering');
  assert.is(phase([...times(5, 'crit'), ...times(11, 'ok')]), 'ok');
});

test('a camera that falls over while it recovers must hold twice as long each time, two hours at most', () => {
  const relapse = [...times(5, 'ok'), ...times(1, 'crit')];
  const { told, last } = run([...times(12, 'crit'), ...new Array(6).fill(relapse).flat()], cameraUpCheck.holds);
  assert.equal(told, ['2:fired>warn', '10:worse>crit']);
  assert.is(last.holdMs, 7_200_000);
  const after = run(times(122, 'ok'), cameraUpCheck.holds, { ...last, betterSince: null });
  assert.equal(after.told, ['120:recovered>ok']);
});

test('the long hold is kept for a relapse soon after, and forgotten after a calm time', () => {
  const soon = run([...times(3, 'crit'), ...times(11, 'ok'), ...times(3, 'crit')], cameraUpCheck.holds);
  assert.equal(soon.told, ['2:fired>warn', '13:recovered>ok', '16:fired>warn']);
  assert.is(soon.last.holdMs, 1_200_000);
  const calm = run([...times(3, 'crit'), ...times(140, 'ok'), ...times(3, 'crit')], cameraUpCheck.holds);
  assert.is(calm.last.holdMs, 600_000);
  const relapsed = [...times(3, 'crit'), ...times(2, 'ok'), 'crit' as Level, ...times(21, 'ok')];
  assert.is(run(relapsed, cameraUpCheck.holds).last.holdMs, 1_200_000);
  assert.is(run([...relapsed, ...times(121, 'ok')], cameraUpCheck.holds).last.holdMs, 600_000);
});

test('from critical to warning is told as better, with the worst that was seen meanwhile', () => {
  const { told } = run([...times(11, 'crit'), 'ok', 'warn', ...times(10, 'ok'), ...times(12, 'ok')], cpuCheck.holds);
  assert.equal(told, ['10:fired>crit', '21:better>warn', '32:recovered>ok']);
});

test('what was announced before a restart is not announced again, and its end is', () => {
  const kept = rememberedAlert('crit', 600_000, cameraUpCheck.holds);
  assert.equal(run([...times(20, 'crit'), ...times(11, 'ok')], cameraUpCheck.holds, kept).told, ['30:recovered>ok']);
  assert.is(rememberedAlert('warn', Number.MAX_SAFE_INTEGER, cameraUpCheck.holds).holdMs, 7_200_000);
});

test('whatever comes: each announcement starts from the one before and none repeats', () => {
  const level = fc.constantFrom<Level>('ok', 'warn', 'crit');
  fc.assert(
    fc.property(fc.array(fc.tuple(level, fc.integer({ min: 1, max: 30 })), { maxLength: 60 }), (plan) => {
      let state = quietAlert(cameraUpCheck.holds);
      let minute = 0;
      for (const [seen, minutes] of plan) {
        for (let left = minutes; left > 0; left -= 1, minute += 1) {
          const announced = state.announced;
          const step = stepAlert(state, seen, minute * MIN, cameraUpCheck.holds);
          if (step.change !== undefined && (step.change.from !== announced || step.change.to === announced)) return false;
          if ((step.next.announced !== announced) !== (step.change !== undefined)) return false;
          state = step.next;
        }
      }
      return true;
    }),
    { numRuns: 300 },
  );
});

/** Up and down for exponential times, in minutes; a fixed generator makes every run the same. */
function flapping(seed: number, days: number, upMin: number, downMin: number): Level[] {
  let state = seed;
  const random = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state + 1) / 2_147_483_649;
  };
  const out: Level[] = [];
  for (let isUp = true; out.length < days * 1440; isUp = !isUp) {
    const length = Math.max(1, Math.round(-Math.log(random()) * (isUp ? upMin : downMin)));
    out.push(...times(length, isUp ? 'ok' : 'crit'));
  }
  return out;
}

test('a flapping camera makes few messages: bad Wi-Fi and a dying camera, 20 cameras for a week', () => {
  let bad = 0;
  let dying = 0;
  for (let seed = 1; seed <= 20; seed += 1) {
    bad += run(flapping(seed, 7, 17, 1.5), cameraUpCheck.holds).told.length;
    dying += run(flapping(seed * 7, 7, 12, 6), cameraUpCheck.holds).told.length;
  }
  // Told at once, it would be about 150 changes a day for each camera.
  assert.ok(bad / 140 < 6, `bad Wi-Fi: ${bad / 140} a day`);
  assert.ok(dying / 140 < 3, `dying: ${dying / 140} a day`);
});

test.run();
