import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clip } from '../../../peers/onvif-camera/clip.js';
import { type PlayedFrame, PlayOut } from '../../../peers/onvif-camera/play-out.js';

/** A clip of 1000 frames a second, so that a test is over at once: 100 frames, an IDR each 20. */
function makeClip(rate: number): Clip {
  const frames = Array.from({ length: 100 }, (_, index) => ({
    isIdr: index % 20 === 0,
    nals: [Uint8Array.of(index % 20 === 0 ? 0x65 : 0x41, 0x80, index)],
  }));
  return { width: 16, height: 16, rate, sps: Uint8Array.of(0x67), pps: Uint8Array.of(0x68), frames, idrs: [0, 20, 40, 60, 80] };
}

const indexIn = (frame: PlayedFrame): number => frame.payloads.at(-1)?.[2] ?? -1;

/** Time an eighth as fast: a busy machine may stall for 50 ms, which at 1000 frames a second is where the encoder stops catching up. */
function slowClock(): () => number {
  const startMs = Date.now();
  const realMs = performance.now();
  return () => startMs + (performance.now() - realMs) / 8;
}

/** Collects frames until there are `count`. */
function collect(playOut: PlayOut, count: number): Promise<readonly PlayedFrame[]> {
  return new Promise((resolve) => {
    const frames: PlayedFrame[] = [];
    const unwatch = playOut.watch((frame) => {
      frames.push(frame);
      if (frames.length === count) {
        unwatch();
        resolve(frames);
      }
    });
  });
}

test('frames are those that the wall clock says, none left out, whenever one starts to watch', async () => {
  const now = slowClock();
  const playOut = new PlayOut(makeClip(1000), now);
  const before = now();
  const frames = await collect(playOut, 120);
  assert.ok((frames[0]?.atMs ?? 0) > before - 1);
  frames.forEach((frame, at) => {
    assert.is(indexIn(frame), frame.atMs % 100);
    assert.is(frame.atMs, (frames[0]?.atMs ?? 0) + at);
    assert.is(frame.isIdr, frame.atMs % 20 === 0);
  });
  playOut.stop();
});

test('after synchronize the next frame is the nearest IDR; time has no gap; all see the same', async () => {
  const playOut = new PlayOut(makeClip(500), slowClock());
  const first = collect(playOut, 40);
  const second = collect(playOut, 40);
  const middle = await collect(playOut, 7);
  playOut.synchronize();
  const frames = await first;
  assert.equal((await second).map(indexIn), frames.map(indexIn));
  const after = frames[middle.length];
  assert.ok(after?.isIdr);
  assert.equal(
    frames.slice(1).map((frame, at) => frame.atMs - (frames[at]?.atMs ?? 0)),
    new Array(39).fill(2),
  );
  playOut.stop();
});

test('a stall longer than the limit is not made up for: it goes on at the present, with an IDR', async () => {
  const clock = { now: 1_000_000 };
  const playOut = new PlayOut(makeClip(1000), () => clock.now);
  const frames = collect(playOut, 5);
  clock.now += 5000;
  const [first] = await Promise.race([frames, collect(playOut, 1)]);
  assert.ok(first?.isIdr);
  assert.is(first?.atMs, 1_005_000);
  clock.now += 4;
  await frames;
  playOut.stop();
});

test('with nobody watching it falls back into phase', async () => {
  const playOut = new PlayOut(makeClip(1000), Date.now);
  const watched = collect(playOut, 30);
  playOut.synchronize();
  await watched;
  const [frame] = await collect(playOut, 1);
  assert.is(frame === undefined ? -1 : indexIn(frame), (frame?.atMs ?? 0) % 100);
  playOut.stop();
});

test.run();
