import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { createLog, type Log, type LogOptions, RateLimitedLog } from '../../../../agent/kernel/log.js';
import { redactText, redactValue } from '../../../../agent/kernel/redact.js';
import { Secret } from '../../../../agent/kernel/secret.js';
import { HandClock } from './hand-clock.js';

function makeLog(change: Partial<LogOptions> = {}): { log: Log; lines: string[]; clock: HandClock } {
  const lines: string[] = [];
  const clock = new HandClock(Date.UTC(2026, 0, 2, 3, 4, 5, 6));
  return { lines, clock, log: createLog({ level: 'info', clock, format: 'json', write: (line) => lines.push(line), ...change }) };
}

test('a json line says when, how grave, where, what, and the facts', () => {
  const { log, lines } = makeLog();
  log.area('cloud').area('link').warn('lost', { afterMs: 12 });
  assert.equal(JSON.parse(lines[0] ?? ''), {
    time: '2026-01-02T03:04:05.006Z',
    level: 'warn',
    area: 'cloud.link',
    message: 'lost',
    afterMs: 12,
  });
});

test('a text line is for people', () => {
  const { log, lines } = makeLog({ format: 'text' });
  log.area('live').info('open', { channel: 'gate', sizes: [1, 2] });
  assert.equal(lines, ['03:04:05.006 info  live: open channel=gate sizes=[1,2]']);
});

test('what is below the level is not written', () => {
  const { log, lines } = makeLog({ level: 'warn' });
  log.debug('a');
  log.info('b');
  log.warn('c');
  log.error('d');
  assert.is(lines.length, 2);
});

const LEAKS = [
  'opening rtsp://admin:hunter2@10.0.0.7:554/live',
  'Opening http://:hunter2@cam/onvif',
  'Authorization: "Digest hunter2"',
  'password=hunter2, next',
  "psk: 'hunter2'",
  '{"token":"hunter2"}',
  'nonce="hunter2" response="hunter2"',
];

for (const text of LEAKS) {
  test(`the sink keeps a secret back: ${text.slice(0, 24)}`, () => {
    const { log, lines } = makeLog();
    log.error(text, { text, deep: { list: [text] }, error: new TypeError('outer', { cause: new TypeError(text) }) });
    assert.not.match(lines.join(''), 'hunter2');
    assert.match(lines.join(''), '[secret]');
  });
}

test('facts whose key is secret are blanked, whatever they hold', () => {
  assert.equal(redactValue({ password: 'a', Token: 7, code: 'K7', name: 'gate', inner: { psk: 'x' } }), {
    password: '[secret]',
    Token: '[secret]',
    code: '[secret]',
    name: 'gate',
    inner: { psk: '[secret]' },
  });
});

test('harmless text stays as it is', () => {
  for (const text of ['rtsp://10.0.0.7:554/live', 'the password is wrong', 'mailto:a@b.example', 'nonces are fresh']) {
    assert.is(redactText(text), text);
  }
});

test('facts are bounded in depth, width and length', () => {
  let deep: unknown = 'end';
  for (let at = 0; at < 50; at += 1) deep = { deep };
  const wide = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`k${at}`, at]));
  const written = JSON.stringify(redactValue({ deep, wide, list: Array.from({ length: 500 }, () => 1), text: 'x'.repeat(9000) }));
  assert.ok(written.length < 5000, `${written.length} characters`);
  assert.match(written, '[deeper]');
  assert.equal(redactValue({ bytes: new Uint8Array(9), big: 12n, at: new Date(0), call: () => 1, none: null }), {
    bytes: '[9 bytes]',
    big: '12',
    at: '1970-01-01T00:00:00.000Z',
    call: '[function]',
    none: null,
  });
});

test('an error is written with its code and its causes', () => {
  const error = new AgentError({ code: 'live.denied', say: 'No grant.', fix: 'Ask.', cause: new TypeError('deep down') });
  assert.equal(redactValue({ error }), { error: { error: 'live.denied: No grant.', cause: { error: 'deep down' } } });
});

test('a secret shows itself to nobody but who asks for it', () => {
  const secret = new Secret('hunter2');
  for (const shown of [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }),
    JSON.stringify(redactValue({ secret })),
  ]) {
    assert.not.match(shown, 'hunter2');
  }
  assert.is(secret.reveal(), 'hunter2');
});

test('a flood of one kind is one line per period and a count', () => {
  const { log, lines, clock } = makeLog();
  const calm = new RateLimitedLog(log, clock, 1000);
  for (let at = 0; at < 100; at += 1) calm.warn('size', 'too large', { bytes: at });
  calm.warn('topic', 'unknown topic');
  assert.is(lines.length, 2);
  clock.advance(1000);
  calm.warn('size', 'too large', { bytes: 7 });
  assert.is(JSON.parse(lines[2] ?? '').alsoSince, 99);
});

test('kinds made up by an attacker do not grow memory without end', () => {
  const { log, lines, clock } = makeLog();
  const calm = new RateLimitedLog(log, clock, 1000);
  for (let at = 0; at < 2000; at += 1) calm.warn(`kind ${at}`, 'x');
  calm.warn('kind 0', 'x');
  assert.is(lines.length, 2001, 'the first kind was forgotten');
});

test.run();
