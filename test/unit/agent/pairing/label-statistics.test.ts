import { createHash, randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { labelText, newCode, readLabel } from '../../../../agent/contract/code.js';
import { makeCode } from '../../../../agent/pairing/code-file.js';

/**
 * Attack 4 of the list: a code that can be reckoned from what is printed beside it, from the network or from the time of making. Ten thousand
 * labels of a production run: serial numbers and MAC addresses that count up, one after another within a second.
 */
const RUN = 10_000;
/** Enough to find out a code that is made of something. */
const CONTROL = 2_000;
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const DATA_LENGTH = 8;

interface Made {
  readonly serial: string;
  readonly mac: string;
  readonly madeAt: number;
  readonly code: string;
}

type CodeMaker = (unit: Omit<Made, 'code'>) => string;

/** What the agent does: see makeCode, which the last test holds to this. */
const atRandom: CodeMaker = () => newCode((length) => randomBytes(length));

function produce(makeOne: CodeMaker, count = RUN): Made[] {
  const startAt = Date.UTC(2026, 10, 24, 8);
  return Array.from({ length: count }, (_, at) => {
    const serial = `SN26${String(100_000 + at)}`;
    const mac = `00163E${(0x4a_0000 + at).toString(16).toUpperCase()}`;
    const unit = { serial, mac, madeAt: startAt + at * 40 };
    return { ...unit, code: makeOne(unit) };
  });
}

/** Chi square of a table of counts against independence, as standard deviations from what chance gives (normal for many degrees of freedom). */
function dependence(pairs: readonly (readonly [a: string, b: string])[]): number {
  const rows = new Map<string, number>();
  const columns = new Map<string, number>();
  const cells = new Map<string, number>();
  const add = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);
  for (const [a, b] of pairs) {
    add(rows, a);
    add(columns, b);
    add(cells, a + b);
  }
  let chi2 = 0;
  for (const [a, inRow] of rows)
    for (const [b, inColumn] of columns) {
      const expected = (inRow * inColumn) / pairs.length;
      chi2 += ((cells.get(a + b) ?? 0) - expected) ** 2 / expected;
    }
  const freedom = (rows.size - 1) * (columns.size - 1);
  return freedom === 0 ? 0 : (chi2 - freedom) / Math.sqrt(2 * freedom);
}

/** The strongest dependence between any character of the code and any character of what an attacker may know. */
function strongest(made: readonly Made[]): number {
  const known: readonly ((unit: Made) => string)[] = [
    ...Array.from({ length: 10 }, (_, at) => (unit: Made) => unit.serial[at] ?? ''),
    ...Array.from({ length: 12 }, (_, at) => (unit: Made) => unit.mac[at] ?? ''),
    ...Array.from({ length: 6 }, (_, at) => (unit: Made) => ALPHABET[Math.floor(unit.madeAt / 32 ** at) % 32] ?? ''),
  ];
  let most = 0;
  for (let place = 0; place < DATA_LENGTH; place += 1)
    for (const read of known) most = Math.max(most, dependence(made.map((unit) => [unit.code[place] ?? '', read(unit)])));
  return most;
}

/** Labels that follow each other and begin with the same `length` characters. */
const sharedPrefixes = (made: readonly Made[], length: number): number =>
  made.filter(({ code }, at) => at > 0 && made[at - 1]?.code.slice(0, length) === code.slice(0, length)).length;

const crockford = (value: number): string =>
  Array.from({ length: DATA_LENGTH }, (_, at) => ALPHABET[Math.floor(value / 32 ** (DATA_LENGTH - 1 - at)) % 32]).join('');

test('10,000 labels: no character of a code depends on any character of serial number, MAC address or time', () => {
  const most = strongest(produce(atRandom));
  // The largest of 224 draws from a normal distribution; 6 deviations are 1 in 500 million each.
  assert.ok(most < 6, `${most.toFixed(1)} standard deviations`);
  const derived: Record<string, CodeMaker> = {
    'the end of the serial number': ({ serial }) => serial.slice(-8),
    'the MAC address': ({ mac }) => mac.slice(-8),
    'a scrambled MAC address': ({ mac }) => crockford(Number.parseInt(mac.slice(-6), 16) * 7 + 13),
    'the time': ({ madeAt }) => crockford(Math.floor(madeAt / 1000)),
  };
  for (const [name, maker] of Object.entries(derived))
    assert.ok(strongest(produce(maker, CONTROL)) > 20, `a code made of ${name} is found out`);
});

test('10,000 labels: every character equally often in every place', () => {
  const made = produce(atRandom);
  for (let place = 0; place < DATA_LENGTH; place += 1) {
    const counts = new Map<string, number>();
    for (const { code } of made) counts.set(code[place] ?? '', (counts.get(code[place] ?? '') ?? 0) + 1);
    const chi2 = [...ALPHABET].reduce((sum, char) => sum + ((counts.get(char) ?? 0) - RUN / 32) ** 2 / (RUN / 32), 0);
    // 31 degrees of freedom: 100 is beyond 1 in 200 million.
    assert.ok(chi2 < 100, `place ${place}: chi square ${chi2.toFixed(0)}`);
  }
});

test('10,000 labels: none twice, and neighbours begin alike no more often than chance has it', () => {
  const made = produce(atRandom);
  assert.is(new Set(made.map(({ code }) => code)).size, RUN);
  // Expected 312 (deviation 17), 9.8 (3.1) and 0.3.
  assert.ok(Math.abs(sharedPrefixes(made, 1) - RUN / 32) < 120, String(sharedPrefixes(made, 1)));
  assert.ok(sharedPrefixes(made, 2) < 35, String(sharedPrefixes(made, 2)));
  assert.ok(sharedPrefixes(made, 3) < 6, String(sharedPrefixes(made, 3)));
  const counted = produce(({ madeAt }) => crockford(Math.floor(madeAt / 40)));
  assert.ok(sharedPrefixes(counted, 3) > 1_000, 'codes that count up are found out');
});

test('the same unit at the same time gets another code each time: nothing of it goes in, by hash or otherwise', async () => {
  const unit = { serial: 'SN26100000', mac: '00163E4A0000', madeAt: 0 };
  const { now } = Date;
  Date.now = () => 0;
  try {
    const made = await Promise.all(Array.from({ length: 8 }, () => makeCode()));
    const codes = made.map(({ code }) => code);
    assert.is(new Set(codes).size, 8);
    assert.is(new Set(made.map(({ kept }) => Buffer.from(kept.salt).toString('hex'))).size, 8, 'each with a salt of its own');
    for (const code of codes) assert.is(readLabel(labelText({ serial: unit.serial, code, region: 'EU' }))?.code, code);
  } finally {
    Date.now = now;
  }
  // The control: a hash hides every dependence from statistics, but not from making it twice.
  const hashed: CodeMaker = ({ mac }) =>
    [...createHash('sha256').update(mac).digest().subarray(0, 8)].map((byte) => ALPHABET[byte & 31]).join('');
  assert.ok(strongest(produce(hashed, CONTROL)) < 6);
  assert.is(hashed(unit), hashed(unit));
});

test.run();
