import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AdmissionFacts, admit, LIVE_LIMITS } from '../../../../agent/live/admission.js';
import { chooseStream } from '../../../../agent/live/stream-choice.js';

const NOW = 1_700_000_000_000;
const FACTS: AdmissionFacts = {
  now: NOW,
  isStopping: false,
  permission: { ok: true },
  channelId: 'cam-1',
  viewerId: 'dana',
  choice: { ok: true, stream: 'main', codec: 'H264' },
  requestedMs: undefined,
  camera: { state: 'up', reason: '' },
  sessions: [],
  sinceLastOpenMs: undefined,
  limits: LIVE_LIMITS,
};
const session = (sessionId: string, viewerId: string, channelId: string) => ({ sessionId, viewerId, channelId });
const code = (facts: Partial<AdmissionFacts>): string => {
  const verdict = admit({ ...FACTS, ...facts });
  return verdict.ok ? `ok ${verdict.durationMs}` : verdict.code;
};

test('how long: 10 minutes unless asked, 60 at most, never longer than the permission', () => {
  assert.is(code({}), 'ok 600000');
  assert.is(code({ requestedMs: 30_000 }), 'ok 30000');
  assert.is(code({ requestedMs: 9e9 }), 'ok 3600000');
  assert.is(code({ permission: { ok: true, untilAt: NOW + 5_000 } }), 'ok 5000');
  const verdict = admit({ ...FACTS, permission: { ok: true, untilAt: NOW + 5_000 } });
  assert.is(verdict.ok && verdict.untilAt, NOW + 5_000);
});

test('every refusal has its own code, a sentence and a fix', () => {
  const no = { ok: false, code: 'permission.withdrawn', say: 'It was withdrawn.', fix: 'Ask again.' } as const;
  const four = ['a', 'b', 'c', 'd'].map((name) => session(name, name, 'cam-2'));
  const cases: [string, Partial<AdmissionFacts>][] = [
    ['live.stopping', { isStopping: true }],
    ['permission.withdrawn', { permission: no }],
    ['live.channel_not_allowed', { permission: { ok: true, channels: ['cam-2'] } }],
    ['live.permission_over', { permission: { ok: true, untilAt: NOW } }],
    ['live.bad_duration', { requestedMs: 0 }],
    ['live.bad_duration', { requestedMs: Number.NaN }],
    ['live.too_soon', { sinceLastOpenMs: 1_999 }],
    ['live.no_such_camera', { camera: undefined }],
    ['live.camera_unavailable', { camera: { state: 'down', reason: 'password refused' } }],
    ['live.codec_unsupported', { choice: chooseStream({ wish: 'main', main: 'H265', sub: 'H265', playsH265: false, transcoding: 'no' }) }],
    [
      'live.too_many_transcodes',
      { choice: chooseStream({ wish: 'main', main: 'H265', sub: 'H265', playsH265: false, transcoding: 'busy' }) },
    ],
    ['live.too_many_sessions', { sessions: four, permission: { ok: true, untilAt: NOW + 60_000 } }],
  ];
  for (const [expected, facts] of cases) {
    const verdict = admit({ ...FACTS, ...facts });
    assert.is(verdict.ok, false, expected);
    if (verdict.ok) continue;
    assert.is(verdict.code, expected);
    assert.ok(verdict.say.endsWith('.') || verdict.say.includes(': '), verdict.say);
    assert.ok(verdict.fix.endsWith('.'), verdict.fix);
  }
});

test('who has no permission learns nothing about the camera', () => {
  const no = { ok: false, code: 'permission.none', say: 'None.', fix: 'Ask.' } as const;
  assert.is(code({ permission: no, camera: undefined, sinceLastOpenMs: 0 }), 'permission.none');
});

test('the same viewer on the same camera replaces its earlier session and does not count against the limit', () => {
  const sessions = [session('a', 'dana', 'cam-1'), session('b', 'x', 'cam-1'), session('c', 'y', 'cam-1'), session('d', 'dana', 'cam-2')];
  const verdict = admit({ ...FACTS, sessions });
  assert.equal(verdict.ok && verdict.replaces, ['a']);
  const employee = { ok: true, untilAt: NOW + 60_000 } as const;
  assert.is(code({ sessions, channelId: 'cam-3', permission: employee }), 'live.too_many_sessions');
});

test('however many employees watch, one place is the owner’s', () => {
  const four = ['a', 'b', 'c', 'd'].map((name) => session(name, name, 'cam-2'));
  assert.ok(admit({ ...FACTS, sessions: four, permission: { ok: true } }).ok);
  assert.is(code({ sessions: [...four, session('e', 'owner-2', 'cam-3')], permission: { ok: true } }), 'live.too_many_sessions');
  assert.is(code({ sinceLastOpenMs: 2_000 }), 'ok 600000');
});

test.run();
