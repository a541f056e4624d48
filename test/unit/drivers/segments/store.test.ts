/** Recordings in folders: the index, its speed, what is refused, and reading over files and gaps. */
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError, type FootageReader, type FootageWish, type SegmentStore } from '../../../../drivers/port.js';
import { createSegmentStore } from '../../../../drivers/segments/store.js';
import { CLIP_MS, clipFile, fillFolder, pathOf } from '../../../support/footage-clips.js';
import { ManualClock } from '../../../support/manual-clock.js';

const PATTERN = '{camera}/%Y-%m-%d/%H/%M.%S.mp4';
const start = Date.parse('2026-11-20T10:00:00Z');
const clock = new ManualClock(start + 4 * 3_600_000);
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const { signal } = new AbortController();
let folder = '';

const storeOf = (root: string, pattern = PATTERN): SegmentStore =>
  createSegmentStore({ root, pattern, zone: 'UTC' }, { clock, log: quiet });
const wish = (changes: Partial<FootageWish>): FootageWish => ({
  ...{ startMs: start, fromMs: 0, toMs: start + 86_400_000, isReverse: false, isIntraOnly: false },
  ...changes,
});
async function all(reader: FootageReader, most = 5_000): Promise<number[]> {
  const places: number[] = [];
  for (let picture = await reader.next(); picture !== undefined && places.length < most; picture = await reader.next())
    places.push(Math.round(picture.atMs - start));
  await reader.close();
  return places;
}
async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (error instanceof DriverError ? error.code : String(error)),
  );
}

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-segments-'));
  // Three files, a minute without, three more over the change of the hour.
  const starts = [0, 1, 2, 6, 7, 8].map((index) => start + 3_540_000 - 60_000 + index * CLIP_MS);
  await fillFolder(
    folder,
    starts.map((at) => `yard/${pathOf(at)}.mp4`),
    await clipFile('plain'),
  );
});

test.after(() => rm(folder, { recursive: true, force: true }));

test('spans over folders, with the gap', async () => {
  const { spans } = await storeOf(folder).spans('yard', { fromMs: start, toMs: start + 86_400_000 }, { signal });
  assert.equal(
    spans.map(({ fromMs, toMs }) => [fromMs - start, toMs - start]),
    [
      [3_480_000, 3_540_000],
      [3_600_000, 3_660_000],
    ],
  );
});

test('every picture once over files, folders and the gap; fast and backwards by intra pictures; bounds are kept', async () => {
  const store = storeOf(folder);
  const places = await all(await store.open('yard', wish({}), { signal }));
  assert.is(places.length, 3_000);
  assert.equal(
    places,
    [...new Set(places)].sort((one, other) => one - other),
  );
  const fast = await all(await store.open('yard', wish({ isIntraOnly: true }), { signal }));
  assert.is(fast.length, 30);
  const back = await all(await store.open('yard', wish({ isReverse: true, isIntraOnly: true, startMs: start + 86_000_000 }), { signal }));
  assert.equal(back, [...fast].reverse());
  const middle = await all(await store.open('yard', wish({ startMs: start + 3_485_500, toMs: start + 3_490_000 }), { signal }));
  assert.is(middle[0], 3_484_000, 'from the intra picture before');
  assert.is(middle.at(-1), 3_489_960);
  const bounded = await all(
    await store.open('yard', wish({ startMs: start + 3_485_500, fromMs: start + 3_485_000, toMs: start + 3_490_000 }), { signal }),
  );
  assert.is(bounded[0], 3_488_000, 'never before the bound');
  const gap = await all(await store.open('yard', wish({ startMs: start + 3_560_000 }), { signal }), 1);
  assert.equal(gap, [3_600_000], 'behind the gap');
});

test('a file written since is seen; one that is damaged is passed over', async () => {
  const root = join(folder, 'new');
  await fillFolder(root, [`yard/${pathOf(start)}.mp4`], await clipFile('fragmented'));
  const store = storeOf(root);
  const between = { fromMs: start, toMs: start + 3_600_000 };
  assert.is((await store.spans('yard', between, { signal })).spans.length, 1);
  await fillFolder(root, [`yard/${pathOf(start + CLIP_MS)}.mp4`, `yard/${pathOf(start + 3 * CLIP_MS)}.mp4`], await clipFile('fragmented'));
  await writeFile(join(root, `yard/${pathOf(start + 2 * CLIP_MS)}.mp4`), 'no recording');
  await utimes(join(root, 'yard/2026-11-20/10'), new Date(), new Date(Date.now() + 5_000));
  await clock.advance(6 * 60_000);
  const { spans } = await store.spans('yard', between, { signal });
  assert.is(spans.at(-1)?.toMs, start + 4 * CLIP_MS);
  const places = await all(await store.open('yard', wish({ isIntraOnly: true }), { signal }));
  assert.equal(
    places.filter((at) => at >= 2 * CLIP_MS && at < 3 * CLIP_MS),
    [],
  );
  assert.is(places.length, 15);
});

test('links, whether of files or folders, are not followed; nothing that is not there is read', async () => {
  const root = join(folder, 'links');
  const outside = join(folder, 'yard');
  await mkdir(join(root, 'yard/2026-11-20/10'), { recursive: true });
  await symlink(await clipFile('plain'), join(root, 'yard/2026-11-20/10/00.00.mp4'));
  await symlink(join(outside, '2026-11-20'), join(root, 'yard/2026-11-21'));
  await symlink(outside, join(root, 'other'));
  const store = storeOf(root);
  for (const camera of ['yard', 'other', '..', '../yard'])
    assert.equal((await store.spans(camera, { fromMs: 0, toMs: start * 2 }, { signal })).spans, [], camera);
  assert.is(await (await store.open('yard', wish({}), { signal })).next(), undefined);
  assert.is(await codeOf(storeOf(join(folder, 'nowhere')).spans('yard', { fromMs: 0, toMs: 1 }, { signal })), 'footage.unreachable');
});

test('a month of sixteen cameras: the warm index answers quickly', async () => {
  const root = join(folder, 'month');
  const clip = await clipFile('tiny');
  const names = Array.from({ length: 16 }, (_, camera) =>
    Array.from({ length: 31 }, (_day, day) =>
      [0, 1].map((file) => `cam${camera}/${pathOf(start - day * 86_400_000 + file * 2_000)}.mp4`),
    ).flat(),
  ).flat();
  await fillFolder(root, names, clip);
  const store = storeOf(root);
  const between = { fromMs: start - 31 * 86_400_000, toMs: start + 86_400_000 };
  const cameras = Array.from({ length: 16 }, (_, camera) => `cam${camera}`);
  await Promise.all(cameras.map((camera) => store.spans(camera, between, { signal })));
  await clock.advance(3_000);
  const startedMs = performance.now();
  const told = await Promise.all(cameras.map((camera) => store.spans(camera, between, { signal })));
  const tookMs = performance.now() - startedMs;
  process.stdout.write(`a month of 16 cameras from the warm index: ${tookMs.toFixed(0)} ms\n`);
  assert.ok(told.every(({ spans }) => spans.length === 31));
  assert.ok(tookMs < 200, `${tookMs} ms`);
});

test.run();
