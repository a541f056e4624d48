/** Bounds of a permission hold by the recorder's clock, whatever the camera's clock shows. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromCamera } from '../../../../agent/compose/recordings.js';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import type { FootagePicture, FootageWish, RecordingDriver } from '../../../../drivers/port.js';
import { ManualClock } from '../../../support/manual-clock.js';

const HOUR_MS = 3_600_000;
const TEN = Date.UTC(2026, 0, 1, 10);
const NO_END_MS = 4_102_444_800_000;

/** A camera that has recorded since its midnight; its pictures come at the start asked for. */
function rig(offsetMs: number | undefined) {
  const asked: FootageWish[] = [];
  const searched: { fromMs: number; toMs: number }[] = [];
  const driver: RecordingDriver = {
    summary: async () => ({ fromMs: undefined, toMs: undefined, count: 1 }),
    find: async (between) => {
      searched.push(between);
      return [{ recording: 'r', ...between }];
    },
    replayUri: async () => 'rtsp://127.0.0.1/replay',
    clockOffsetMs: async () => offsetMs,
  };
  const cameras = {
    list: () => [],
    find: () => undefined,
    loginInUse: () => undefined,
    withRecordings: <T>(_id: string, _signal: unknown, work: (recordings: RecordingDriver, signal: AbortSignal) => Promise<T>) =>
      work(driver, new AbortController().signal),
  };
  const picture = (atMs: number): FootagePicture => ({ atMs, isIntra: true, codec: 'H264', nals: [] });
  const replay = {
    open: async ({ wish }: { wish: FootageWish }) => {
      asked.push(wish);
      return { next: async () => picture(wish.startMs), close: async () => undefined };
    },
  };
  return { source: fromCamera({ cameras, replay, clock: new ManualClock() }, 'front'), asked, searched };
}

const wish = (fromMs: number, toMs: number): FootageWish => ({ startMs: TEN, fromMs, toMs, isReverse: false, isIntraOnly: false });
const { signal } = new AbortController();

test('of a camera that runs an hour slow, what happened from ten to eleven is asked for at nine, and told as ten', async () => {
  const { source, asked, searched } = rig(-HOUR_MS);
  const { spans } = await source.spans({ fromMs: TEN, toMs: TEN + HOUR_MS }, signal);
  assert.equal(searched, [{ fromMs: TEN - HOUR_MS, toMs: TEN }]);
  assert.equal(spans, [{ fromMs: TEN, toMs: TEN + HOUR_MS }]);
  const reader = await source.open(wish(TEN, TEN + HOUR_MS), signal);
  assert.equal(asked, [{ ...wish(TEN - HOUR_MS, TEN), startMs: TEN - HOUR_MS }]);
  assert.is((await reader.next())?.atMs, TEN);
});

test('a second is no difference', async () => {
  const { source, asked } = rig(1_400);
  await source.open(wish(TEN, TEN + HOUR_MS), signal);
  assert.equal(asked, [wish(TEN, TEN + HOUR_MS)]);
});

test('where the camera’s clock is not known, bounded footage is refused and all of it is played', async () => {
  const { source, asked } = rig(undefined);
  for (const bounded of [wish(TEN, NO_END_MS), wish(0, TEN + HOUR_MS)]) {
    const refused = await source.open(bounded, signal).then(
      () => undefined,
      (error: AgentError) => error.code,
    );
    assert.is(refused, 'playback.clock_unknown');
  }
  await source.open(wish(0, NO_END_MS), signal);
  assert.is(asked.length, 1);
});

test.run();
