import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ConnectionEnd, TAKEOVER_WAIT_MS, TakeoverWatch } from '../../../../agent/cloud/takeover-policy.js';

const MINUTE = 60_000;
const silent: ConnectionEnd = { onlineMs: MINUTE, reason: undefined, isSilent: true };
const told: ConnectionEnd = { ...silent, reason: 0x8e, isSilent: false };

test('told: an alarm, once in 15 minutes, and a wait each time', () => {
  const watch = new TakeoverWatch();
  assert.equal(watch.ended(told, 0), { alarm: 'told', waitMs: TAKEOVER_WAIT_MS });
  assert.equal(watch.ended(told, 15 * MINUTE - 1), { alarm: undefined, waitMs: TAKEOVER_WAIT_MS });
  assert.equal(watch.ended(told, 15 * MINUTE), { alarm: 'told', waitMs: TAKEOVER_WAIT_MS });
});

test('suspected: three short connections one after the other that end without a word', () => {
  const watch = new TakeoverWatch();
  assert.equal(
    [0, 1, 2, 3].map((at) => watch.ended(silent, at).alarm),
    [undefined, undefined, 'suspected', undefined],
  );
  assert.is(watch.ended(silent, 15 * MINUTE + 2).alarm, 'suspected', 'as long as it goes on');
});

test('what a bad line or a broker in trouble looks like is no clone', () => {
  const harmless: [string, ConnectionEnd][] = [
    ['a long connection', { ...silent, onlineMs: 10 * MINUTE }],
    ['an error of the socket, or ended by ourselves', { ...silent, isSilent: false }],
    ['another reason', { ...silent, reason: 0x8b, isSilent: false }],
    ['a broker that cannot be reached', { ...silent, onlineMs: undefined }],
  ];
  for (const [name, end] of harmless) {
    const watch = new TakeoverWatch();
    for (let at = 0; at < 10; at += 1) {
      for (const one of [silent, silent, end]) assert.equal(watch.ended(one, at), { alarm: undefined, waitMs: 0 }, name);
    }
  }
});

test.run();
