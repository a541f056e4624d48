import { randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatCode, type LabelContent, labelText, newCode, readCode, readLabel } from '../../../../agent/contract/code.js';
import { AgentError } from '../../../../agent/kernel/errors.js';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
// Some millions of refusals are made here; where each was made is looked up by nobody and costs more than all the rest.
Error.stackTraceLimit = 0;
const random = (length: number): Uint8Array => randomBytes(length);

/** What the app makes of a typed text: the code, or the code of its refusal. */
function typed(text: string): string {
  try {
    return readCode(text);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code;
  }
}

test('a code has nine characters that cannot be mistaken for each other, and is shown in groups', () => {
  for (let run = 0; run < 1_000; run += 1) {
    const code = newCode(random);
    assert.match(code, /^[0-9A-HJKMNP-TV-Z]{9}$/);
    assert.not.match(code.slice(0, 8), /(.)\1\1\1/);
    assert.is(typed(code), code);
    assert.match(formatCode(code), /^.{4}-.{4}-.$/);
  }
});

test('every single wrong character is found: all 279 of each of 3 000 codes', () => {
  for (let run = 0; run < 3_000; run += 1) {
    const code = newCode(random);
    for (let at = 0; at < code.length; at += 1) {
      for (const other of ALPHABET) {
        if (other === code[at]) continue;
        const wrong = code.slice(0, at) + other + code.slice(at + 1);
        if (typed(wrong) !== 'pairing.code_mistyped') assert.unreachable(`${code} and ${wrong} both pass`);
      }
    }
  }
});

test('every swap of neighbours is found: 20 000 codes', () => {
  for (let run = 0; run < 20_000; run += 1) {
    const code = newCode(random);
    for (let at = 0; at + 1 < code.length; at += 1) {
      if (code[at] === code[at + 1]) continue;
      const swapped = code.slice(0, at) + code[at + 1] + code[at] + code.slice(at + 2);
      if (typed(swapped) !== 'pairing.code_mistyped') assert.unreachable(`${code} and ${swapped} both pass`);
    }
  }
});

test('it may be typed as people type: small letters, spaces, dashes, O for 0, I and L for 1', () => {
  const code = newCode((length) => Uint8Array.from({ length }, (_, at) => at % 2));
  assert.is(code.slice(0, 8), '01010101');
  const check = code[8] ?? '';
  for (const text of [`0101-0101-${check}`, `oIoL olOi ${check.toLowerCase()}`, ` O1 01\t0 1-01 ${check} `, `o1o1o1o1${check}`])
    assert.is(typed(text), code, text);
  const letters = newCode((length) => Uint8Array.from({ length }, (_, at) => 10 + at));
  assert.is(typed(formatCode(letters).toLowerCase()), letters);
});

test('what is no code is refused with a sentence and a fix, never with a part of the code', () => {
  const code = newCode(random);
  for (const text of [
    '',
    code.slice(0, 8),
    `${code}0`,
    `${code.slice(0, 8)}U`,
    `${code.slice(0, 8)}!`,
    code.replace(/^./, 'é'),
    '\u0000'.repeat(9),
  ]) {
    assert.is(typed(text), 'pairing.code_mistyped', text);
    try {
      readCode(text);
    } catch (error) {
      assert.ok(!(error as AgentError).message.includes(code));
      assert.ok((error as AgentError).fix.length > 10);
    }
  }
});

test('four equal characters in a row are not given out', () => {
  let calls = 0;
  const code = newCode((length) => {
    calls += 1;
    return calls === 1 ? Uint8Array.from([1, 2, 9, 9, 9, 9, 3, 4]) : Uint8Array.from({ length }, (_, at) => at);
  });
  assert.is(calls, 2);
  assert.is(code.slice(0, 8), '01234567');
});

test('codes are not related to each other: every place takes every character equally often (10 000 codes)', () => {
  const counts = Array.from({ length: 8 }, () => new Map<string, number>());
  const seen = new Set<string>();
  const runs = 10_000;
  let equalPlaces = 0;
  let last = '';
  for (let run = 0; run < runs; run += 1) {
    const code = newCode(random);
    seen.add(code);
    for (let at = 0; at < 8; at += 1) {
      const char = code[at] ?? '';
      counts[at]?.set(char, (counts[at]?.get(char) ?? 0) + 1);
      if (char === last[at]) equalPlaces += 1;
    }
    last = code;
  }
  assert.is(seen.size, runs, 'no code came twice');
  for (const place of counts) {
    const expected = runs / 32;
    const chi2 = [...ALPHABET].reduce((sum, char) => sum + ((place.get(char) ?? 0) - expected) ** 2 / expected, 0);
    // 31 degrees of freedom: 90 is beyond 1 in 10 million.
    assert.ok(chi2 < 90, `chi square ${chi2}`);
  }
  // One code and the next agree in a place as often as chance has it: 1 in 32 (standard deviation about 50 of 2 500).
  assert.ok(Math.abs(equalPlaces - (runs * 8) / 32) < 350, String(equalPlaces));
});

test('the label can be read back, and only a whole one', () => {
  const label: LabelContent = { serial: 'SN4F2K7Q9D', code: newCode(random), region: 'EU' };
  const text = labelText(label);
  assert.is(text.length, 27);
  assert.match(text, /^[0-9A-Z $%*+\-./:]+$/, 'QR alphanumeric mode');
  assert.equal(readLabel(text), label);
  assert.equal(readLabel(`  ${text}\n`), label);
  const mistyped = labelText({ ...label, code: `${label.code.slice(0, 8)}${label.code[8] === '0' ? '1' : '0'}` });
  for (const other of [
    '',
    mistyped,
    text.replace('SL1', 'SL2'),
    `${text}:X`,
    text.replace('EU', 'eu'),
    `https://x/${text}`,
    text.replace('SN', 'sn'),
  ])
    assert.is(readLabel(other), undefined, other);
});

test.run();
