import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_DEPTH, MAX_MESSAGE_BYTES, parseGuarded } from '../../../../agent/contract/guard.js';
import { utf8 } from '../../../../agent/contract/text.js';
import { AgentError } from '../../../../agent/kernel/errors.js';

/** The code that `act` is refused with; `parsed` when it is not. Anything but an AgentError fails the test. */
function verdict(input: Uint8Array | string, maxBytes?: number): string {
  try {
    parseGuarded(input, maxBytes);
    return 'parsed';
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code;
  }
}

const nested = (depth: number, open = '[', close = ']'): string => open.repeat(depth) + close.repeat(depth);

/** The key with every character written as an escape. */
const escaped = (key: string): string =>
  `"${Array.from({ length: key.length }, (_, at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`;

const depthOf = (value: unknown): number =>
  value === null || typeof value !== 'object' ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf));
const isReserved = (value: unknown): boolean =>
  value !== null && typeof value === 'object' && (Object.hasOwn(value, '__proto__') || Object.values(value).some(isReserved));

test('what JSON.stringify writes comes back equal', () => {
  const values = fc.oneof(fc.jsonValue({ maxDepth: 6 }), fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }));
  fc.assert(
    fc.property(values, (value) => {
      const text = JSON.stringify(value);
      if (isReserved(value) || depthOf(value) > MAX_DEPTH) assert.not.equal(verdict(text), 'parsed');
      else {
        assert.equal(parseGuarded(text), JSON.parse(text));
        assert.equal(parseGuarded(utf8(text)), JSON.parse(new TextDecoder().decode(utf8(text))));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('it takes exactly what JSON.parse takes, minus what it refuses for a reason', () => {
  const pieces = fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', '\\u0041', '"a"', '"b":', '1', ' ', '\n', 'null', '\u0000', 'é');
  const texts = fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(texts, (text) => {
      const code = verdict(text);
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      if (!isJson) assert.not.equal(code, 'parsed');
      else assert.ok(code === 'parsed' || code === 'message.duplicate_key', `${code}: ${text}`);
    }),
    { numRuns: 5_000 },
  );
});

test('a key named twice is refused, however it is spelled', () => {
  const objects = fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), fc.integer(), { minKeys: 1, maxKeys: 5 });
  fc.assert(
    fc.property(objects, fc.nat(), fc.boolean(), (object, pick, isEscaped) => {
      const keys = Object.keys(object).filter((key) => key !== '__proto__');
      fc.pre(keys.length > 0);
      const key = keys[pick % keys.length] ?? '';
      const again = `${isEscaped ? escaped(key) : JSON.stringify(key)} : true`;
      const text = `${JSON.stringify(object).slice(0, -1)},${again}}`;
      fc.pre(!isReserved(object));
      assert.is(verdict(text), 'message.duplicate_key');
      assert.is(verdict(`{"outer":[1,${text}]}`), 'message.duplicate_key');
    }),
  );
});

test('duplicate keys: escapes, spaces before the colon, other objects and values that look like keys', () => {
  for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"\\u0061":1,"a":2}', '{"a" :1,"a"\n\t:2}', '[{"a":{"b":1,"c":2,"b":3}}]'])
    assert.is(verdict(text), 'message.duplicate_key', text);
  assert.equal(parseGuarded('{"a":{"a":1},"b":["a","a",{"a":2}],"c":"a\\":1,\\"a"}'), {
    a: { a: 1 },
    b: ['a', 'a', { a: 2 }],
    c: 'a":1,"a',
  });
});

test('__proto__ is refused in every spelling and at every depth; other odd keys are just keys', () => {
  for (const text of ['{"__proto__":{}}', '{"\\u005f_proto__":1}', '[[{"a":{"__pr\\u006fto__":null}}]]', '{"__proto__" : 1}'])
    assert.is(verdict(text), 'message.malformed', text);
  assert.equal(parseGuarded('{"constructor":1,"prototype":2,"toString":3}'), JSON.parse('{"constructor":1,"prototype":2,"toString":3}'));
  assert.equal(parseGuarded('["__proto__"]'), ['__proto__']);
});

test('depth: 32 is taken, 33 is not, and 200 000 brackets cost nothing', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    assert.is(verdict(`${open.repeat(MAX_DEPTH - 1)}[]${close.repeat(MAX_DEPTH - 1)}`), 'parsed');
    assert.is(verdict(`${open.repeat(MAX_DEPTH)}[]${close.repeat(MAX_DEPTH)}`), 'message.too_deep');
  }
  assert.is(verdict(nested(200_000), 1_000_000), 'message.too_deep');
  assert.is(verdict(JSON.stringify('['.repeat(100))), 'parsed', 'brackets in a string are text');
});

test('size is counted in bytes of what came', () => {
  const ofSize = (size: number): string => JSON.stringify('x'.repeat(size - 2));
  assert.is(verdict(utf8(ofSize(MAX_MESSAGE_BYTES))), 'parsed');
  assert.is(verdict(utf8(ofSize(MAX_MESSAGE_BYTES + 1))), 'message.too_large');
  assert.is(verdict(ofSize(MAX_MESSAGE_BYTES + 1)), 'message.too_large');
  assert.is(verdict('"éééé"', 9), 'message.too_large', 'four letters, ten bytes');
  assert.is(verdict('"éééé"', 10), 'parsed');
});

test('bytes that are not UTF-8 are refused before anything reads them', () => {
  const cases = [[0xff], [0xc3], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xf5, 0x80, 0x80, 0x80, 0x22]];
  for (const bytes of cases) assert.is(verdict(Uint8Array.from(bytes)), 'message.malformed', String(bytes));
});

test('no input makes it throw anything but a refusal', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void verdict(bytes)),
    { numRuns: 2_000 },
  );
  for (const text of ['', ' ', '"', '"\\', '{', '{"a', '{"a"', '{"a":', '{"\\x":1}', ']', '}}', '{]', 'nul', '1 2', '"\u0001"'])
    assert.is(verdict(text), 'message.malformed', JSON.stringify(text));
});

test('64 KiB of the worst kind are judged within 100 ms', () => {
  const spaces = `[${`"a"${' '.repeat(60)}${','}`.repeat(1_000)}1]`;
  const keys = `{${Array.from({ length: 7_000 }, (_, at) => `"${at}":1`).join(',')}}`;
  const quotes = '"'.repeat(MAX_MESSAGE_BYTES);
  const escapes = `["${'\\"'.repeat(32_000)}"]`;
  for (const text of [spaces, keys, quotes, escapes]) {
    const startMs = performance.now();
    verdict(text);
    assert.ok(performance.now() - startMs < 100, text.slice(0, 20));
  }
});

test.run();
