import { DriverError, type DriverLog, type FootagePicture, type FootageReader, type FootageWish } from '../port.js';
import { intraAtOrBefore, nextIntra, type SegmentMedia } from './media.js';
import type { Segment } from './spans.js';

/** So many unreadable files in a row are passed over; then the reader fails. */
const MAX_BROKEN = 16;

/** What a reader is made of. */
export interface SegmentReaderParts {
  /**
   * The next files: first the one that holds the wish's start, then those after it (or before it, when it is read backwards), nearest first.
   * None when there are no more.
   */
  readonly more: () => Promise<readonly Segment[]>;
  readonly open: (segment: Segment) => Promise<SegmentMedia>;
  readonly wish: FootageWish;
  readonly signal: AbortSignal;
  readonly log: DriverLog;
}

interface Opened {
  readonly segment: Segment;
  readonly media: SegmentMedia;
  readonly startMs: number;
  index: number;
}

const given = (): DriverError => new DriverError('driver.aborted', 'Reading recordings was given up.');

/** Pictures out of one file after another. One file is open at a time, and one picture is read at a time. */
export class SegmentReader implements FootageReader {
  readonly #parts: SegmentReaderParts;
  #segments: readonly Segment[] = [];
  #next = 0;
  #open: Opened | undefined;
  /** The last file that was listed, read to its end: a recorder may still be writing it. */
  #grows: { readonly segment: Segment; readonly count: number } | undefined;
  #isClosed = false;
  #isFirst = true;
  /** Forwards, pictures that depend on an intra picture outside the bounds are left out up to the next intra picture. */
  #needsIntra = true;
  #brokenInARow = 0;
  #broken: DriverError | undefined;

  constructor(parts: SegmentReaderParts) {
    this.#parts = parts;
  }

  async next(): Promise<FootagePicture | undefined> {
    for (;;) {
      if (this.#isClosed || this.#parts.signal.aborted) throw given();
      const at = this.#open ?? (await this.#openNext());
      if (at === undefined) {
        if (this.#broken !== undefined && this.#isFirst) throw this.#broken;
        return undefined;
      }
      const picture = await this.#take(at);
      if (picture === 'over') return undefined;
      if (picture !== undefined) {
        this.#isFirst = false;
        return picture;
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const { media } = this.#open ?? {};
    this.#open = undefined;
    await media?.close();
  }

  /** The picture at the place and the step to the next; undefined when there is none to be shown here, `over` when the bounds are reached. */
  async #take(at: Opened): Promise<FootagePicture | undefined | 'over'> {
    const { isReverse, isIntraOnly, fromMs, toMs } = this.#parts.wish;
    const { media, index } = at;
    if (index < 0 || index >= media.count) {
      if (!isReverse && this.#next >= this.#segments.length) this.#grows = { segment: at.segment, count: media.count };
      await this.#leave();
      return undefined;
    }
    const atMs = at.startMs + media.timeMs(index);
    at.index = isReverse || isIntraOnly ? nextIntra(media, index, isReverse ? -1 : 1) : index + 1;
    if (isReverse ? atMs < fromMs : atMs >= toMs) return 'over';
    const isOutside = isReverse ? atMs >= toMs : atMs < fromMs;
    if (isOutside || (this.#needsIntra && !media.isIntra(index))) return undefined;
    try {
      const read = await media.read(index);
      if (this.#isClosed) throw given();
      this.#brokenInARow = 0;
      if (this.#needsIntra && !read.isIntra) return undefined;
      this.#needsIntra = false;
      return { atMs, codec: media.codec, ...read };
    } catch (error) {
      if (this.#isClosed) throw given();
      await this.#passOver(error, index);
      return undefined;
    }
  }

  /** The same file once more, when it holds more pictures than it did: from the first of those on. */
  async #openGrown(): Promise<Opened | undefined> {
    const grows = this.#grows;
    this.#grows = undefined;
    if (grows === undefined) return undefined;
    const { segment, count } = grows;
    const media = await this.#parts.open(segment).catch(() => undefined);
    if (media !== undefined && media.count > count && !this.#isClosed) {
      const index = this.#parts.wish.isIntraOnly ? nextIntra(media, count - 1, 1) : count;
      this.#open = { segment, media, startMs: segment.startMs, index };
      return this.#open;
    }
    await media?.close();
    if (this.#isClosed) throw given();
    return undefined;
  }

  async #openNext(): Promise<Opened | undefined> {
    const grown = await this.#openGrown();
    if (grown !== undefined) return grown;
    if (this.#next >= this.#segments.length) {
      this.#segments = await this.#parts.more();
      this.#next = 0;
      if (this.#isClosed) throw given();
    }
    const segment = this.#segments[this.#next];
    if (segment === undefined) return undefined;
    this.#next += 1;
    try {
      const media = await this.#parts.open(segment);
      if (this.#isClosed) {
        await media.close();
        throw given();
      }
      this.#open = { segment, media, startMs: segment.startMs, index: this.#firstIndex(media, segment.startMs) };
      this.#needsIntra = true;
      return this.#open;
    } catch (error) {
      if (this.#isClosed) throw given();
      await this.#passOver(error, segment.path);
      return this.#openNext();
    }
  }

  /** Where to begin in a file: at the start wished for in the first one, at its edge in every other. */
  #firstIndex(media: SegmentMedia, startMs: number): number {
    const { isReverse, startMs: wishedMs, toMs } = this.#parts.wish;
    if (isReverse) return intraAtOrBefore(media, Math.min(wishedMs, toMs - 1) - startMs);
    if (!this.#isFirst) return 0;
    // The start lies in the gap behind this file: nothing of it is wished for.
    if (wishedMs >= startMs + media.durationMs) return media.count;
    return Math.max(0, intraAtOrBefore(media, wishedMs - startMs));
  }

  async #passOver(error: unknown, where: unknown): Promise<void> {
    this.#parts.log.debug('a recording is passed over', { where, error });
    this.#broken =
      error instanceof DriverError ? error : new DriverError('footage.broken', 'The recording cannot be read.', { cause: error });
    await this.#leave();
    this.#brokenInARow += 1;
    if (this.#brokenInARow >= MAX_BROKEN) throw this.#broken;
  }

  async #leave(): Promise<void> {
    const { media } = this.#open ?? {};
    this.#open = undefined;
    await media?.close();
  }
}
