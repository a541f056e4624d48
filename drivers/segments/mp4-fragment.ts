/** Movie fragments (ISO/IEC 14496-12, 8.8): the tables that a recorder writes as it goes. Pure. */
import { MAX_PICTURES } from './media.js';
import { type Box, boxesIn, boxIn, broken, fullBox, long } from './mp4-boxes.js';
import type { SampleDefaults, Samples, Track } from './mp4-track.js';

/** `sample_is_non_sync_sample` of the sample flags. */
const NOT_SYNC = 0x0001_0000;

/** Where the next sample of a track fragment lies, in file and in time. */
interface Run {
  offset: number;
  ticks: number;
}

interface Header {
  readonly trackId: number;
  readonly base: number;
  readonly defaults: SampleDefaults;
}

/** A reader of optional fields that follow each other; never beyond its box. */
function fields(bytes: Buffer, box: Box, start: number): () => number {
  let at = start;
  return () => {
    if (at + 4 > box.end) throw broken(`its ${box.type} is cut short`);
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
}

function readHeader(bytes: Buffer, tfhd: Box, moofAt: number, track: Track): Header {
  const { flags, at } = fullBox(bytes, tfhd, 4);
  const hasBase = (flags & 0x01) !== 0;
  if (hasBase && at + 12 > tfhd.end) throw broken('its tfhd is cut short');
  const next = fields(bytes, tfhd, at + 4 + (hasBase ? 8 : 0));
  if ((flags & 0x02) !== 0) next();
  const duration = (flags & 0x08) !== 0 ? next() : track.defaults.duration;
  const size = (flags & 0x10) !== 0 ? next() : track.defaults.size;
  const sampleFlags = (flags & 0x20) !== 0 ? next() : track.defaults.flags;
  return {
    trackId: bytes.readUInt32BE(at),
    base: hasBase ? long(bytes, at + 4) : moofAt,
    defaults: { duration, size, flags: sampleFlags },
  };
}

function readRun(bytes: Buffer, trun: Box, { base, defaults }: Header, run: Run, into: Samples): void {
  const { flags, at } = fullBox(bytes, trun, 4);
  const count = bytes.readUInt32BE(at);
  if (into.sizes.length + count > MAX_PICTURES) throw broken('it holds more pictures than are read');
  const next = fields(bytes, trun, at + 4);
  if ((flags & 0x01) !== 0) run.offset = base + (next() | 0);
  const firstFlags = (flags & 0x04) !== 0 ? next() : undefined;
  for (let index = 0; index < count; index += 1) {
    const duration = (flags & 0x100) !== 0 ? next() : defaults.duration;
    const size = (flags & 0x200) !== 0 ? next() : defaults.size;
    const own = (flags & 0x400) !== 0 ? next() : defaults.flags;
    const shift = (flags & 0x800) !== 0 ? next() | 0 : 0;
    const sampleFlags = index === 0 && firstFlags !== undefined ? firstFlags : own;
    into.offsets.push(run.offset);
    into.sizes.push(size);
    into.ticks.push(run.ticks + shift);
    into.intra.push((sampleFlags & NOT_SYNC) === 0);
    run.offset += size;
    run.ticks += duration;
  }
}

/**
 * Adds the pictures of one moof (its whole payload) to `into`. `moofAt`: where the box begins in the file. `ticks`: where the fragment before
 * ended, for files without tfdt. Gives where this one ends.
 */
export function readMoof(bytes: Buffer, moofAt: number, track: Track, ticks: number, into: Samples): number {
  let endTicks = ticks;
  for (const traf of boxesIn(bytes, 0, bytes.length)) {
    if (traf.type !== 'traf') continue;
    const tfhd = boxIn(bytes, traf, 'tfhd');
    if (tfhd === undefined) throw broken('a fragment has no header');
    const header = readHeader(bytes, tfhd, moofAt, track);
    if (header.trackId !== track.id) continue;
    const tfdt = boxIn(bytes, traf, 'tfdt');
    const run: Run = { offset: header.base, ticks: endTicks };
    if (tfdt !== undefined) {
      const { version, at } = fullBox(bytes, tfdt, 4);
      if (version === 1 && at + 8 > tfdt.end) throw broken('its tfdt is cut short');
      run.ticks = version === 1 ? long(bytes, at) : bytes.readUInt32BE(at);
    }
    for (const box of boxesIn(bytes, traf.start, traf.end)) if (box.type === 'trun') readRun(bytes, box, header, run, into);
    endTicks = run.ticks;
  }
  return endTicks;
}
