import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Secret } from '../../../../agent/kernel/secret.js';
import {
  canonicalPerson,
  decodeBody,
  decodeDetail,
  type EntryInput,
  type EntryStamp,
  encodeBody,
  encodeDetail,
  isSecurityAction,
  type JsonObject,
} from '../../../../agent/operation-log/entry.js';

const INPUT: EntryInput = { action: 'config.apply', phase: 'intent', source: 'relay', actor: 'employee' };
const STAMP: EntryStamp = { seq: 7, at: 1_800_000_000_000, clock: 'ntp', bootId: 'b', device: 'SN1', version: '0.1.0' };

test('a row comes back as it was written; members that do not apply are absent', () => {
  const full: EntryInput = {
    ...INPUT,
    ...{ organisation: 'o', grant: 'g', amr: ['pwd', 'mfa'], channel: 'cam-1', scope: 'ptz', object: 'preset 3', commandHash: 'h' },
    ...{ intentSeq: 3, result: 'refused', code: 'permissions.no_scope', sessionId: 's', durationMs: 10.6, bytes: 5 },
  };
  const body = decodeBody(encodeBody(full, { ...STAMP, actorRef: 'r', detail: 'd', site: 'site-1' }));
  assert.is(body?.durationMs, 11);
  assert.equal(body?.actor, { kind: 'employee', ref: 'r' });
  assert.is(body?.site, 'site-1');
  assert.equal(Object.keys(decodeBody(encodeBody(INPUT, STAMP)) ?? {}), [
    ...['v', 'seq', 'at', 'clock', 'boot', 'phase', 'action', 'source', 'actor', 'device', 'version'],
  ]);
});

test('before and after never reach the body; secrets become "changed", at any depth', () => {
  const before: JsonObject = { name: 'Yard', wifi: [{ ssid: 'w', psk: 'hunter2' }] };
  const after = {
    name: 'Gate',
    login: new Secret('hunter3'),
    password: 'hunter4',
    userPassword: 'hunter5',
    codec: 'H264',
  } as unknown as JsonObject;
  const input = { ...INPUT, before, after };
  assert.not.match(encodeBody(input, STAMP), /Yard|Gate|hunter/);
  const text = encodeDetail(input) ?? '';
  assert.not.match(text, /hunter/);
  assert.equal(decodeDetail(text)?.after, { name: 'Gate', login: 'changed', password: 'changed', userPassword: 'changed', codec: 'H264' });
  assert.is(encodeDetail(INPUT), undefined);
  assert.equal(decodeDetail(encodeDetail({ ...INPUT, after: { text: 'x'.repeat(20_000) } }) ?? ''), { tooLong: 20_021 });
});

test('texts are clipped: a hostile command cannot make the log grow by much', () => {
  const long = 'x'.repeat(100_000);
  const body = encodeBody(
    { ...INPUT, action: long, object: long, code: long, amr: Array(99).fill(long), scope: long, channel: long },
    STAMP,
  );
  assert.ok(body.length < 2_500, String(body.length));
});

test('whatever somebody puts in place of a row is read as a row or as nothing, never thrown', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void decodeBody(text)));
  for (const text of ['null', '[]', '{}', '{"v":1}', '{"v":1,"seq":1.5}']) assert.is(decodeBody(text), undefined);
});

test('the areas whose acts are signed at once', () => {
  const at = ['pairing.done', 'permissions.withdraw', 'log.subject_erased', 'firmware.install', 'login.failed'];
  assert.ok(at.every(isSecurityAction));
  assert.not(['live.open', 'config.apply', 'agent.started', 'logs.x', ''].some(isSecurityAction));
});

test('the same person written in two ways is one person', () => {
  assert.equal(canonicalPerson({ name: ' Zoe\u0308 ', email: 'A@B.example ' }), { name: 'Zo\u00eb', email: 'a@b.example' });
});

test.run();
