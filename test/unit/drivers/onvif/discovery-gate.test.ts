import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DatagramGate, mayAnswer, mayGreet } from '../../../../drivers/onvif/discovery-gate.js';

const KIB = 1024;
/** How many of so many datagrams within one moment are read. */
const taken = (gate: DatagramGate, count: number, bytes: number, sender: (n: number) => string, nowMs = 0): number =>
  Array.from({ length: count }, (_, n) => gate.takes(sender(n), bytes, nowMs)).filter(Boolean).length;

test('one sender gets 128 KiB read in a second, all together 256; the next second is a new one', () => {
  const gate = new DatagramGate();
  assert.is(
    taken(gate, 100, 16 * KIB, () => '192.0.2.1'),
    8,
  );
  assert.is(
    taken(gate, 100, 16 * KIB, (n) => `192.0.2.${n + 2}`),
    8,
    'the others still have a share',
  );
  assert.not.ok(gate.takes('192.0.2.200', 1, 999));
  assert.ok(gate.takes('192.0.2.200', 1, 1_000));
});

test('tiny datagrams cost as well, and one that is too large is never read', () => {
  const gate = new DatagramGate();
  assert.is(
    taken(gate, 5_000, 1, () => '192.0.2.1'),
    256,
  );
  assert.not.ok(new DatagramGate().takes('192.0.2.1', 16 * KIB + 1, 0));
});

test('sixty-four cameras that answer at once are all read, from 64 addresses or behind one', () => {
  assert.is(
    taken(new DatagramGate(), 64, 1_700, (n) => `192.0.2.${n}`),
    64,
  );
  assert.is(
    taken(new DatagramGate(), 64, 1_700, () => '192.0.2.1'),
    64,
  );
});

test('only what can be an answer to us, or a greeting, is read', () => {
  const id = '6e7c0a52-1a3c-4d0e-9f53-0d5f3a1b2c4d';
  assert.ok(mayAnswer(`<a:RelatesTo>URN:UUID:${id.toUpperCase()}</a:RelatesTo>`, new Set(['other', id])));
  assert.not.ok(mayAnswer('<a:RelatesTo>urn:uuid:0</a:RelatesTo>', new Set([id])));
  assert.ok(mayGreet('<d:Hello>') && mayGreet('<wsd:Bye xmlns:wsd="x">'));
  assert.not.ok(mayGreet('<d:Probe/>'));
});

test.run();
