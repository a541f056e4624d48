/** The player over a recording that is made up, by a clock that the test moves: what is read, shown and told after each act. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FootageWord } from '../../../../agent/contract/footage.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { Player } from '../../../../agent/playback/player.js';
import type { PlaybackVerdict, RecordingSource } from '../../../../agent/playback/ports.js';
import { DriverError, type FootagePicture, type FootageWish } from '../../../../drivers/port.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { TestLog } from '../../../support/test-log.js';

const SPANS = [
  { fromMs: 100_000, toMs: 140_000 },
  { fromMs: 200_000, toMs: 220_000 },
];
/** A picture a second, an intra picture every fourth. */
const TIMES = SPANS.flatMap(({ fromMs, toMs }) => Array.from({ length: (toMs - fromMs) / 1_000 }, (_, index) => fromMs + index * 1_000));
const isIntra = (atMs: number): boolean => atMs % 4_000 === 0;

class Rig {
  readonly clock = new ManualClock();
  readonly shown: number[] = [];
  readonly words: FootageWord[] = [];
  readonly wishes: FootageWish[] = [];
  readonly read: number[] = [];
  verdict: PlaybackVerdict = { ok: true };
  failsAt = Number.POSITIVE_INFINITY;
  openReaders = 0;
  readonly player: Player;

  /** Listed, but not to be read. */
  readonly #damaged: readonly [number, number];

  constructor(atMs: number, isPlaying = true, damaged: readonly [number, number] = [0, 0]) {
    this.#damaged = damaged;
    const source: RecordingSource = {
      spans: async ({ fromMs, toMs }) => ({ spans: SPANS.filter((span) => span.fromMs < toMs && span.toMs > fromMs), motion: [] }),
      open: async (wish) => this.#open(wish),
    };
    this.player = new Player(
      {
        ...{ clock: this.clock, log: new TestLog(), source, verdict: () => this.verdict },
        show: ({ atMs: shownMs }) => void this.shown.push(shownMs / 1_000),
        tell: (word) => void this.words.push(word),
      },
      { atMs, speed: 1, isPlaying },
    );
  }

  async begin(): Promise<this> {
    await this.player.prepare();
    this.player.begin();
    this.player.ready();
    await this.clock.advance(0);
    return this;
  }

  takeShown(): number[] {
    return this.shown.splice(0);
  }

  #open(wish: FootageWish): Awaited<ReturnType<RecordingSource['open']>> {
    this.wishes.push(wish);
    this.openReaders += 1;
    const [bad, good] = this.#damaged;
    const inBounds = TIMES.filter(
      (at) => (at < bad || at >= good) && at >= wish.fromMs && at < wish.toMs && (!wish.isIntraOnly || isIntra(at)),
    );
    const ordered = wish.isReverse ? inBounds.filter((at) => at <= wish.startMs).reverse() : inBounds;
    const first = wish.isReverse
      ? 0
      : Math.max(
          0,
          ordered.findLastIndex((at) => at <= wish.startMs && isIntra(at)),
        );
    const left = ordered.slice(first);
    return {
      next: async (): Promise<FootagePicture | undefined> => {
        const atMs = left.shift();
        if (atMs === undefined) return undefined;
        if (atMs >= this.failsAt) throw new DriverError('footage.broken', 'damaged');
        this.read.push(atMs);
        return { atMs, isIntra: isIntra(atMs), codec: 'H264', nals: [] };
      },
      close: async () => {
        this.openReaders -= 1;
      },
    };
  }
}

test('begins at the intra picture before the place and keeps its own pace', async () => {
  const rig = await new Rig(106_500).begin();
  assert.equal(rig.takeShown(), [104, 105]);
  await rig.clock.advance(3_000);
  assert.equal(rig.takeShown(), [106, 107, 108]);
});

test('nothing goes out before the viewer is there but the one picture that the gate holds', async () => {
  const rig = new Rig(106_500);
  await rig.player.prepare();
  rig.player.begin();
  await rig.clock.advance(60_000);
  assert.equal(rig.takeShown(), [104]);
});

test('pause stands still; play goes on with the next picture and makes nothing up for', async () => {
  const rig = await new Rig(104_000).begin();
  rig.player.control({ session: '', act: 'pause' });
  rig.takeShown();
  await rig.clock.advance(60_000);
  assert.equal(rig.takeShown(), []);
  rig.player.control({ session: '', act: 'play' });
  await rig.clock.advance(1_000);
  assert.equal(rig.takeShown(), [106, 107]);
});

test('speeds: half takes twice as long, 8 times shows intra pictures in order and never one again', async () => {
  const rig = await new Rig(104_000).begin();
  rig.player.control({ session: '', act: 'speed', speed: 0.5 });
  await rig.clock.advance(4_000);
  assert.equal(rig.takeShown(), [104, 105, 106, 107, 108]);
  rig.player.control({ session: '', act: 'speed', speed: 8 });
  await rig.clock.advance(1_500);
  assert.equal(rig.takeShown(), [112, 116, 120, 124]);
  rig.player.control({ session: '', act: 'speed', speed: 1 });
  await rig.clock.advance(1_000);
  assert.equal(rig.takeShown(), [124, 125], 'every picture again, from the intra picture that stands');
});

test('a gap is told once with both ends and then passed over at once; the end stands still and says so', async () => {
  const rig = await new Rig(138_000).begin();
  await rig.clock.advance(60_000);
  assert.equal(rig.takeShown(), [136, 137, 138, 139, ...Array.from({ length: 20 }, (_, index) => 200 + index)]);
  const told = rig.words.filter(({ t }) => t !== 'at');
  assert.equal(told, [
    { t: 'gap', from: 140_000, to: 200_000 },
    { t: 'edge', at: 219_000, why: 'end' },
  ]);
  assert.is(rig.player.state().isPlaying, false);
  rig.player.control({ session: '', act: 'seek', at: 150_000 });
  await rig.clock.advance(0);
  assert.equal(rig.takeShown(), [200], 'a place in the gap shows what comes behind it');
});

test('backwards by intra pictures, over the gap, to the beginning', async () => {
  const rig = await new Rig(205_000).begin();
  rig.takeShown();
  rig.words.length = 0;
  rig.player.control({ session: '', act: 'reverse', isReverse: true });
  await rig.clock.advance(120_000);
  assert.equal(rig.takeShown(), [204, 200, 136, 132, 128, 124, 120, 116, 112, 108, 104, 100]);
  assert.equal(
    rig.words.filter(({ t }) => t !== 'at'),
    [
      { t: 'gap', from: 140_000, to: 200_000 },
      { t: 'edge', at: 100_000, why: 'begin' },
    ],
  );
});

test('steps: one picture on, the intra picture before, and on again from there', async () => {
  const rig = await new Rig(106_000).begin();
  rig.takeShown();
  const steps: number[][] = [];
  for (const by of [1, 1, -1, -1, 1, 1] as const) {
    rig.player.control({ session: '', act: 'step', by });
    await rig.clock.advance(0);
    steps.push(rig.takeShown());
  }
  assert.equal(steps, [[106], [107], [104], [100], [100, 101], [102]]);
  assert.is(rig.player.state().isPlaying, false);
});

test('only the permitted footage is asked for, read and shown, and its bound is told as such', async () => {
  const rig = new Rig(106_000);
  rig.verdict = { ok: true, footage: { from: 105_000, to: 110_000 } };
  await rig.begin();
  await rig.clock.advance(60_000);
  assert.equal(rig.takeShown(), [105, 106, 107, 108, 109, 110]);
  assert.ok(rig.read.every((at) => at >= 105_000 && at <= 110_000));
  assert.ok(rig.wishes.every(({ fromMs, toMs }) => fromMs === 105_000 && toMs === 110_001));
  assert.equal(rig.words.at(-1), { t: 'edge', at: 110_000, why: 'permission' });
  for (const at of [104_999, 110_001])
    assert.throws(
      () => rig.player.control({ session: '', act: 'seek', at }),
      (error: unknown) => error instanceof AgentError && error.code === 'playback.outside_footage',
    );
});

test('a withdrawn permission reads nothing more', async () => {
  const rig = await new Rig(104_000).begin();
  rig.verdict = { ok: false, code: 'permissions.withdrawn', say: '.', fix: '.' };
  const read = rig.read.length;
  assert.throws(
    () => rig.player.control({ session: '', act: 'seek', at: 120_000 }),
    (error: unknown) => error instanceof AgentError && error.code === 'permissions.withdrawn',
  );
  await rig.player.stop();
  await rig.clock.advance(60_000);
  assert.ok(rig.read.length <= read + 1);
  assert.is(rig.openReaders, 0);
});

test('a damaged recording is told, and another place plays', async () => {
  const rig = new Rig(104_000);
  rig.failsAt = 110_000;
  await rig.begin();
  await rig.clock.advance(30_000);
  const trouble = rig.words.at(-1);
  assert.is(trouble?.t === 'trouble' && trouble.code, 'playback.unreadable');
  assert.is(rig.player.state().isPlaying, false);
  rig.takeShown();
  rig.player.control({ session: '', act: 'seek', at: 101_000 });
  await rig.clock.advance(0);
  assert.equal(rig.takeShown(), [100]);
});

test('a lost picture: playing goes on at the next intra picture, in its time and without a burst', async () => {
  const rig = await new Rig(104_000).begin();
  await rig.clock.advance(2_000);
  rig.takeShown();
  rig.player.repair();
  rig.player.repair();
  await rig.clock.advance(0);
  assert.equal(rig.takeShown(), []);
  await rig.clock.advance(2_000);
  assert.equal(rig.takeShown(), [108, 109]);
  assert.equal(
    rig.words.filter(({ t }) => t === 'gap'),
    [],
    'what was left out was recorded',
  );
});

test('a lost picture of one that stands brings the stretch since the intra picture again, at most once a second', async () => {
  const rig = await new Rig(104_000).begin();
  await rig.clock.advance(2_000);
  rig.player.control({ session: '', act: 'pause' });
  const [last] = rig.takeShown().slice(-1);
  rig.player.repair();
  rig.player.repair();
  await rig.clock.advance(0);
  const again = rig.takeShown();
  assert.is(again[0], 104);
  assert.is(again.at(-1), last);
});

test('a hole that only the pictures tell, since its file is damaged, is told and passed over', async () => {
  const rig = await new Rig(104_000, true, [108_000, 120_000]).begin();
  await rig.clock.advance(6_000);
  assert.equal(rig.takeShown().slice(0, 6), [104, 105, 106, 107, 120, 121]);
  assert.equal(rig.words.filter(({ t }) => t === 'gap')[0], { t: 'gap', from: 107_000, to: 120_000 });
});

test.run();
