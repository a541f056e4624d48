/** Playback: from the signed command to the first picture of the new place, from files on disk and from a camera that keeps its own recordings. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CLIP_MS, clipFile, fillFolder, pathOf } from '../../../test/support/footage-clips.js';
import { type FootageNodeViewer, viewFootage } from '../../../test/support/footage-viewer.js';
import { openSite, type Site } from '../../../test/support/site.js';
import { until } from '../../../test/support/until.js';
import { ROOT } from '../../root.js';

/** Milliseconds of every seek. */
export interface SeekTimes {
  readonly diskMs: readonly number[];
  readonly profileGMs: readonly number[];
}

const SEEKS = 12;
const FOOTAGE_MS = 180_000;
/** The recorder takes one open per viewer and 2 s. */
const PERIOD_MS = 2_050;
const BETWEEN_MS = 600;

async function seeksOf({ owner: { client } }: Site, cam: string, startMs: number): Promise<number[]> {
  const viewer: FootageNodeViewer = await viewFootage(client, { cam, at: startMs });
  try {
    await until('it plays', () => viewer.pictures.length > 10);
    const times: number[] = [];
    for (let turn = 0; turn < SEEKS; turn += 1) {
      // To and fro over the whole footage, never twice to the same place.
      const at = startMs + ((turn * 67_300) % (FOOTAGE_MS - 10_000));
      const askedMs = performance.now();
      const { n } = await client.call('playback.control', { session: viewer.answer.session, act: 'seek', at });
      await until('the picture of this place', () => viewer.words.some((word) => word.t === 'at' && word.n === n));
      const first = viewer.pictures.find((picture) => picture.atMs > askedMs && picture.isIntra);
      times.push((first?.atMs ?? performance.now()) - askedMs);
      await wait(BETWEEN_MS);
    }
    await client.call('playback.close', { session: viewer.answer.session });
    return times;
  } finally {
    viewer.close();
    await wait(PERIOD_MS);
  }
}

/** Three minutes of footage on each. */
export async function seekTimes(): Promise<SeekTimes> {
  const start = Math.floor((Date.now() - 3 * 3_600_000) / 60_000) * 60_000;
  const folder = await mkdtemp(join(tmpdir(), 'sightline-bench-footage-'));
  const names = Array.from({ length: FOOTAGE_MS / CLIP_MS }, (_, index) => `yard/${pathOf(start + index * CLIP_MS)}.mp4`);
  await fillFolder(folder, names, await clipFile('plain'));
  const site = await openSite({
    cameras: [{}, { recordings: [{ fromMs: start, toMs: start + FOOTAGE_MS }] }],
    agent: { entry: join(ROOT, 'dist', 'agent.mjs'), args: [] },
    site: {
      recordings: { folders: [{ root: folder, pattern: '{camera}/%Y-%m-%d/%H/%M.%S.mp4', zone: 'UTC', cameras: { 'cam-1': 'yard' } }] },
    },
  });
  try {
    await site.online();
    return { diskMs: await seeksOf(site, 'cam-1', start), profileGMs: await seeksOf(site, 'cam-2', start) };
  } finally {
    await site.close();
    await rm(folder, { recursive: true, force: true });
  }
}
