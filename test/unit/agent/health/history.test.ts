import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { asHealthSample, History } from '../../../../agent/health/history.js';
import type { HealthSample } from '../../../../agent/health/types.js';

const MIN = 60_000;

function sample(at: number, more: Partial<HealthSample> = {}): HealthSample {
  return {
    at,
    cpu: 0.5,
    memory: 0.4,
    memoryAvailableBytes: 6e8,
    disk: 0.3,
    diskFreeBytes: 7e9,
    temperatureCelsius: null,
    rssBytes: 7e7,
    uptimeS: at / 1000,
    camerasUp: 3,
    camerasTotal: 4,
    ...more,
  };
}

test('samples come back as columns, what is not known as null', () => {
  const history = new History(MIN);
  history.append(sample(MIN, { cpu: null }));
  history.append(sample(2 * MIN));
  const columns = history.columns(0);
  assert.equal(columns.at, [MIN, 2 * MIN]);
  assert.equal(columns.cpu, [null, 0.5]);
  assert.equal(columns.temperatureCelsius, [null, null]);
  assert.equal(columns.camerasUp, [3, 3]);
  assert.is(columns.periodMs, MIN);
  assert.equal(JSON.parse(JSON.stringify(columns)), columns);
});

test('a time without samples is one row of nulls', () => {
  const history = new History(MIN);
  for (const at of [0, 1, 2, 10, 11]) history.append(sample(at * MIN));
  const { at, cpu, camerasTotal } = history.columns(0);
  assert.equal(at, [0, MIN, 2 * MIN, 3 * MIN, 10 * MIN, 11 * MIN]);
  assert.equal(cpu, [0.5, 0.5, 0.5, null, 0.5, 0.5]);
  assert.equal(camerasTotal, [4, 4, 4, null, 4, 4]);
});

test('only what was asked for: from an instant on', () => {
  const history = new History(MIN);
  for (let at = 0; at < 100; at += 1) history.append(sample(at * MIN));
  assert.is(history.columns(90 * MIN).at.length, 10);
  assert.equal(history.columns(1000 * MIN).at, []);
});

test('a day is kept, what is older leaves', () => {
  const history = new History(MIN);
  for (let at = 0; at < 3000; at += 1) history.append(sample(at * MIN));
  assert.is(history.length, 1441);
  assert.is(history.columns(0).at[0], (3000 - 1441) * MIN);
});

test('a clock that steps back takes rows of the future out', () => {
  const history = new History(MIN);
  for (const at of [0, 1, 2, 3]) history.append(sample(at * MIN));
  history.append(sample(2 * MIN, { cpu: 0.9 }));
  assert.equal(history.columns(0).at, [0, MIN, 2 * MIN]);
  assert.is(history.columns(0).cpu.at(-1), 0.9);
});

test('whatever order comes: columns are equally long and time only goes forward', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }), (minutes) => {
      const history = new History(MIN, 50 * MIN);
      for (const minute of minutes) history.append(sample(minute * MIN));
      const { periodMs: _, ...columns } = history.columns(0);
      const isForward = columns.at.every((at, row) => row === 0 || at > (columns.at[row - 1] ?? 0));
      return isForward && Object.values(columns).every((column) => column.length === columns.at.length);
    }),
  );
});

test('rows of the store are believed only when they are samples', () => {
  assert.equal(asHealthSample(JSON.parse(JSON.stringify(sample(5)))), sample(5));
  const bad = [null, 5, 'x', {}, { ...sample(5), at: 'now' }, { ...sample(5), cpu: 'high' }, { ...sample(5), camerasUp: Number.NaN }];
  assert.equal(bad.map(asHealthSample), new Array(bad.length).fill(undefined));
  const { uptimeS: _, ...older } = sample(5);
  assert.is(asHealthSample(older)?.uptimeS, null);
});

test.run();
