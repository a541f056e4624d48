/** The pure parts of playback: pacing, stretches and gaps, admission, RTP packets. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { admitPlayback, outsideFootage, type PlaybackFacts } from '../../../../agent/playback/admission.js';
import { Pacing } from '../../../../agent/playback/pacing.js';
import { RtpPictures } from '../../../../agent/playback/rtp-pictures.js';
import { sizeOfH264 } from '../../../../agent/playback/sps.js';
import { coarsen, gapBetween, gapsOf, nextFootage, toPairs, within } from '../../../../agent/playback/stretches.js';

test('a picture is due by the recorder’s clock times the speed, in both directions', () => {
  for (const [speed, isReverse] of [
    [1, false],
    [0.25, false],
    [16, false],
    [2, true],
  ] as const) {
    const pacing = new Pacing(speed, isReverse);
    assert.is(pacing.dueMs(50_000, 1_000, 500), 1_000, 'the first one now');
    assert.is(pacing.dueMs(isReverse ? 46_000 : 54_000, 1_000, 500), 1_000 + 4_000 / speed);
  }
});

test('who is late by little keeps the pace, who is late by much begins anew, and nothing is made up for after a pause', () => {
  const pacing = new Pacing(1, false);
  pacing.dueMs(0, 0, 500);
  assert.is(pacing.dueMs(1_000, 1_400, 500), 1_000);
  assert.is(pacing.dueMs(2_000, 9_000, 500), 9_000);
  assert.is(pacing.dueMs(2_040, 9_000, 500), 9_040);
  pacing.forget();
  assert.is(pacing.dueMs(2_080, 60_000, 500), 60_000);
});

const SPANS = [
  { fromMs: 0, toMs: 60_000 },
  { fromMs: 61_000, toMs: 100_000 },
  { fromMs: 160_000, toMs: 200_000 },
];

test('gaps between two pictures, both ways; short pauses are none', () => {
  assert.equal(gapBetween(SPANS, 99_000, 160_000), { fromMs: 100_000, toMs: 160_000 });
  assert.equal(gapBetween(SPANS, 160_000, 99_000), { fromMs: 100_000, toMs: 160_000 });
  assert.is(gapBetween(SPANS, 59_000, 61_500), undefined);
  assert.is(gapBetween(SPANS, 10_000, 50_000), undefined);
  assert.equal(gapsOf(SPANS), [{ fromMs: 100_000, toMs: 160_000 }]);
});

test('the next footage that way, and what lies within bounds', () => {
  assert.is(nextFootage(SPANS, 120_000, false), 160_000);
  assert.is(nextFootage(SPANS, 120_000, true), 100_000);
  assert.is(nextFootage(SPANS, 30_000, false), 30_000);
  assert.is(nextFootage(SPANS, 200_000, false), undefined);
  assert.is(nextFootage(SPANS, 0, true), undefined);
  assert.equal(within({ fromMs: 0, toMs: 10 }, 5, null), { fromMs: 5, toMs: 10 });
  assert.is(within({ fromMs: 0, toMs: 10 }, 10, null), undefined);
});

test('a month of 16 cameras with a gap every few minutes still fits into 64 KiB, and nothing recorded disappears', () => {
  const month = Array.from({ length: 16 }, (_, camera) =>
    Array.from({ length: 8_000 }, (_span, index) => ({ fromMs: index * 330_000, toMs: index * 330_000 + 200_000 + camera * 1_000 })),
  );
  const { all, resolutionMs } = coarsen(month, 2_400);
  const bytes = JSON.stringify(all.map((spans, index) => ({ cam: `cam-${index}`, spans: toPairs(spans, 0), motion: [] }))).length;
  assert.ok(bytes <= 64 * 1024, `${bytes} bytes`);
  assert.ok(resolutionMs > 1_000);
  for (const [camera, spans] of all.entries()) {
    assert.is(spans[0]?.fromMs, 0);
    assert.is(spans.at(-1)?.toMs, month[camera]?.at(-1)?.toMs);
  }
  assert.equal(toPairs([{ fromMs: 1_900, toMs: 2_100 }], 0), [1, 3]);
});

const FACTS: PlaybackFacts = {
  ...{ now: 1_000_000, isStopping: false, permission: { ok: true, untilAt: 2_000_000 }, channelId: 'cam-1', viewerId: 'v', kind: 'player' },
  ...{ hasChannel: true, instants: [500], requestedMs: 600_000, sessions: [], liveSessions: 0, sinceLastOpenMs: undefined },
  limits: { maxSessions: 4, maxDurationMs: 3_600_000, openPeriodMs: 2_000, connectDeadlineMs: 15_000 },
};

function codeOf(changes: Partial<PlaybackFacts>): string {
  const verdict = admitPlayback({ ...FACTS, ...changes });
  return verdict.ok ? 'ok' : verdict.code;
}

test('admission: permission first, then bounds of the footage, then the one number of sessions for live and recorded', () => {
  assert.is(codeOf({}), 'ok');
  const no = { ok: false, code: 'permissions.withdrawn', say: '.', fix: '.' } as const;
  assert.is(codeOf({ permission: no, hasChannel: false }), 'permissions.withdrawn');
  assert.is(codeOf({ permission: { ok: true, channels: ['cam-2'] } }), 'playback.channel_not_allowed');
  const bounded = { ok: true, untilAt: 2_000_000, footage: { from: 400, to: 600 } } as const;
  for (const [at, code] of [
    [399, 'playback.outside_footage'],
    [400, 'ok'],
    [600, 'ok'],
    [601, 'playback.outside_footage'],
  ] as const)
    assert.is(codeOf({ permission: bounded, instants: [500, at] }), code, `${at}`);
  assert.is(outsideFootage({ ok: true }, 5), undefined);
  assert.is(codeOf({ hasChannel: false }), 'playback.no_such_camera');
  assert.is(codeOf({ sinceLastOpenMs: 1_999 }), 'playback.too_soon');
  assert.is(codeOf({ liveSessions: 4 }), 'playback.too_many_sessions');
  assert.is(codeOf({ liveSessions: 4, permission: { ok: true } }), 'ok', 'one more is the owner’s');
  const own = { sessionId: 's', kind: 'player', channelId: 'cam-1', viewerId: 'v' } as const;
  const replaced = admitPlayback({ ...FACTS, liveSessions: 3, sessions: [own] });
  assert.equal(replaced.ok && replaced.replaces, ['s']);
  const export_ = admitPlayback({ ...FACTS, sessions: [own], kind: 'export' });
  assert.equal(export_.ok && export_.replaces, [], 'an export does not end the player');
  const lasts = admitPlayback({ ...FACTS, requestedMs: 10_000_000 });
  assert.is(lasts.ok && lasts.durationMs, 1_000_000);
});

test('packets: one per NAL unit, the marker on the last, time stamps that only rise though footage runs backwards', () => {
  const pictures = new RtpPictures();
  const out: { sequence: number; timestamp: number; isMarked: boolean; bytes: number }[] = [];
  const take = (bytes: Buffer, start: number, end: number): void => {
    const isMarked = ((bytes[start + 1] ?? 0) & 0x80) !== 0;
    out.push({ sequence: bytes.readUInt16BE(start + 2), timestamp: bytes.readUInt32BE(start + 4), isMarked, bytes: end - start });
  };
  const nals = [new Uint8Array(10), new Uint8Array(40_000)];
  for (const [atMs, dueMs] of [
    [9_000, 1_000],
    [5_000, 1_000],
    [1_000, 1_250],
  ] as const)
    pictures.write({ atMs, isIntra: true, codec: 'H264', nals }, dueMs, take);
  assert.equal(
    out.map(({ sequence }) => sequence),
    [0, 1, 2, 3, 4, 5],
  );
  assert.equal(
    out.map(({ isMarked }) => isMarked),
    [false, true, false, true, false, true],
  );
  assert.equal(
    out.map(({ timestamp }) => timestamp),
    [90_000, 90_000, 90_090, 90_090, 112_500, 112_500],
  );
  assert.equal(
    out.slice(0, 2).map(({ bytes }) => bytes),
    [22, 40_012],
  );
});

test('the size of a picture from any bytes: told or zero, never a fault', () => {
  for (let seed = 1; seed < 400; seed += 1) {
    const bytes = Uint8Array.from({ length: seed % 40 }, (_, index) => (seed * 31 + index * 17) & 255);
    const { width, height } = sizeOfH264(bytes);
    assert.ok(width >= 0 && height >= 0 && width <= 16_384);
  }
});

test.run();
