/** Recordings as files in folders, read only. */
import { realpath } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import {
  type DriverClock,
  DriverError,
  type DriverLog,
  type FootageReader,
  type FootageWish,
  type SegmentFolder,
  type SegmentStore,
} from '../port.js';
import { SegmentIndex } from './index.js';
import { openSegment } from './open-file.js';
import { Pattern } from './pattern.js';
import { SegmentReader } from './reader.js';
import type { Segment } from './spans.js';

/** What a store is given. */
export interface SegmentStoreParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
}

/** The files of so much time are listed at once. */
const WINDOW_MS = 6 * 3_600_000;

/** Throws DriverError `footage.refused` for a pattern or path that cannot be used; the folder itself is looked at when somebody asks. */
export function createSegmentStore(folder: SegmentFolder, parts: SegmentStoreParts): SegmentStore {
  if (!isAbsolute(folder.root)) throw new DriverError('footage.refused', 'The folder of the recordings must be given by its whole path.');
  const pattern = new Pattern(folder.pattern, folder.zone);
  let opening: Promise<{ root: string; index: SegmentIndex }> | undefined;
  const open = (): Promise<{ root: string; index: SegmentIndex }> => {
    // Links on the way to the folder are the installer's; from there on there are none.
    opening ??= realpath(folder.root).then((root) => ({ root, index: new SegmentIndex({ root, pattern, ...parts }) }));
    return opening.catch((cause: unknown) => {
      opening = undefined;
      throw new DriverError('footage.unreachable', 'The folder of the recordings is not there; is its disk mounted?', { cause });
    });
  };
  const nameOf = (camera: string): string => (pattern.hasCamera ? camera : '');
  return {
    spans: async (camera, between, options) => ({ spans: await (await open()).index.spans(nameOf(camera), between, options), motion: [] }),
    open: async (camera, wish, { signal }): Promise<FootageReader> => {
      const { root, index } = await open();
      const more = listing({ index, clock: parts.clock, signal }, nameOf(camera), wish);
      return new SegmentReader({ more, open: (segment) => openSegment(root, segment.path), wish, signal, log: parts.log });
    },
  };
}

/** The files of a wish in the order of reading, window after window; over a gap at one go. */
function listing(
  { index, clock, signal }: { readonly index: SegmentIndex; readonly clock: DriverClock; readonly signal: AbortSignal },
  camera: string,
  wish: FootageWish,
): () => Promise<readonly Segment[]> {
  const { isReverse } = wish;
  let placeMs = wish.startMs;
  let lastMs = isReverse ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  return async () => {
    for (;;) {
      const ahead = isReverse ? { fromMs: wish.fromMs, toMs: placeMs + 1 } : { fromMs: placeMs, toMs: wish.toMs };
      const spans = ahead.fromMs < ahead.toMs ? await index.spans(camera, ahead, { signal }) : [];
      const nearest = isReverse ? spans.at(-1)?.toMs : spans[0]?.fromMs;
      if (nearest === undefined) return [];
      const window = isReverse ? { fromMs: nearest - WINDOW_MS, toMs: nearest } : { fromMs: nearest, toMs: nearest + WINDOW_MS };
      const found = (await index.segments(camera, window)).filter(({ startMs }) => (isReverse ? startMs < lastMs : startMs > lastMs));
      const ordered = isReverse ? [...found].reverse() : found;
      lastMs = ordered.at(-1)?.startMs ?? lastMs;
      // A window that reaches past now is not over: what is recorded while it is read is looked for behind its last file.
      const isOpen = !isReverse && window.toMs > clock.now();
      placeMs = isReverse ? window.fromMs : isOpen ? Math.max(nearest, lastMs + 1) : window.toMs;
      if (ordered.length > 0 || isOpen) return ordered;
    }
  };
}
