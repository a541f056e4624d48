/** The video track of an mp4 file: its description and its table of pictures (ISO/IEC 14496-12, clause 8; 14496-15). Pure. */
import { DriverError } from '../port.js';
import { MAX_PICTURES } from './media.js';
import { type Box, boxesIn, boxIn, broken, entryCount, fullBox, long } from './mp4-boxes.js';
import type { Codec } from './nal.js';

/** Pictures in the order of decoding: place in the file, time in ticks, and whether decoding can begin there. */
export interface Samples {
  readonly offsets: number[];
  readonly sizes: number[];
  readonly ticks: number[];
  readonly intra: boolean[];
}

/** What a fragment leaves unsaid. */
export interface SampleDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

/** The one video track that is read. */
export interface Track {
  readonly id: number;
  readonly timescale: number;
  readonly codec: Codec;
  /** Bytes of the length in front of each NAL unit. */
  readonly lengthBytes: number;
  readonly parameterSets: readonly Buffer[];
  readonly defaults: SampleDefaults;
  /** Samples of the moov itself; none in a fragmented file. */
  readonly samples: Samples;
}

/** Room for pictures to come. */
export const noSamples = (): Samples => ({ offsets: [], sizes: [], ticks: [], intra: [] });

function need(box: Box | undefined, type: string): Box {
  if (box === undefined) throw broken(`it has no ${type}`);
  return box;
}

/** Units of a configuration record: 16 bits of length each. */
function readUnits(bytes: Buffer, at: number, end: number, count: number): { units: Buffer[]; at: number } {
  const units: Buffer[] = [];
  for (let index = 0; index < count; index += 1) {
    if (at + 2 > end) throw broken('its codec description is cut short');
    const length = bytes.readUInt16BE(at);
    if (at + 2 + length > end) throw broken('its codec description is cut short');
    units.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return { units, at };
}

function readAvcC(bytes: Buffer, box: Box): { lengthBytes: number; parameterSets: Buffer[] } {
  if (box.end - box.start < 7) throw broken('its codec description is cut short');
  const lengthBytes = ((bytes[box.start + 4] ?? 0) & 3) + 1;
  const sps = readUnits(bytes, box.start + 6, box.end, (bytes[box.start + 5] ?? 0) & 0x1f);
  const count = sps.at < box.end ? (bytes[sps.at] ?? 0) : 0;
  const pps = readUnits(bytes, sps.at + 1, box.end, count);
  return { lengthBytes, parameterSets: [...sps.units, ...pps.units] };
}

function readHvcC(bytes: Buffer, box: Box): { lengthBytes: number; parameterSets: Buffer[] } {
  if (box.end - box.start < 23) throw broken('its codec description is cut short');
  const lengthBytes = ((bytes[box.start + 21] ?? 0) & 3) + 1;
  const parameterSets: Buffer[] = [];
  let at = box.start + 23;
  for (let left = bytes[box.start + 22] ?? 0; left > 0; left -= 1) {
    if (at + 3 > box.end) throw broken('its codec description is cut short');
    const read = readUnits(bytes, at + 3, box.end, bytes.readUInt16BE(at + 1));
    parameterSets.push(...read.units);
    at = read.at;
  }
  return { lengthBytes, parameterSets };
}

/** Fields of a visual sample entry in front of its boxes. */
const ENTRY_BYTES = 78;

function readDescription(bytes: Buffer, stsd: Box): Pick<Track, 'codec' | 'lengthBytes' | 'parameterSets'> {
  const { at } = fullBox(bytes, stsd, 4);
  const [entry] = boxesIn(bytes, at + 4, stsd.end);
  if (entry === undefined || entry.end - entry.start < ENTRY_BYTES) throw broken('it has no description of its video');
  const inner = { start: entry.start + ENTRY_BYTES, end: entry.end };
  if (entry.type === 'avc1' || entry.type === 'avc3')
    return { codec: 'H264', ...readAvcC(bytes, need(boxIn(bytes, inner, 'avcC'), 'avcC')) };
  if (entry.type === 'hvc1' || entry.type === 'hev1')
    return { codec: 'H265', ...readHvcC(bytes, need(boxIn(bytes, inner, 'hvcC'), 'hvcC')) };
  const type = entry.type.replaceAll(/[^\x20-\x7e]/g, '?');
  throw new DriverError('stream.unsupported', `The recording is neither H.264 nor H.265 (${type}).`);
}

function readSizes(bytes: Buffer, stbl: Box): number[] {
  const stsz = need(boxIn(bytes, stbl, 'stsz'), 'stsz');
  const { at } = fullBox(bytes, stsz, 8);
  const all = bytes.readUInt32BE(at);
  const count = all === 0 ? entryCount(bytes, stsz, at + 4, 4) : bytes.readUInt32BE(at + 4);
  if (count > MAX_PICTURES) throw broken('it holds more pictures than are read', { count });
  return Array.from({ length: count }, (_, index) => (all === 0 ? bytes.readUInt32BE(at + 8 + 4 * index) : all));
}

function readTicks(bytes: Buffer, stbl: Box, count: number): number[] {
  const ticks: number[] = [];
  const stts = need(boxIn(bytes, stbl, 'stts'), 'stts');
  const { at } = fullBox(bytes, stts, 4);
  let time = 0;
  for (let left = entryCount(bytes, stts, at, 8), place = at + 4; left > 0 && ticks.length < count; left -= 1, place += 8) {
    const [run, delta] = [bytes.readUInt32BE(place), bytes.readUInt32BE(place + 4)];
    for (let index = 0; index < run && ticks.length < count; index += 1, time += delta) ticks.push(time);
  }
  if (ticks.length < count) throw broken('it does not say when its pictures are shown');
  const ctts = boxIn(bytes, stbl, 'ctts');
  if (ctts === undefined) return ticks;
  const offsets = fullBox(bytes, ctts, 4);
  let index = 0;
  for (let left = entryCount(bytes, ctts, offsets.at, 8), place = offsets.at + 4; left > 0 && index < count; left -= 1, place += 8) {
    // Version 0 says unsigned, but writers put negative numbers there too.
    const offset = bytes.readInt32BE(place + 4);
    for (let run = bytes.readUInt32BE(place); run > 0 && index < count; run -= 1, index += 1) ticks[index] = (ticks[index] ?? 0) + offset;
  }
  return ticks;
}

function readOffsets(bytes: Buffer, stbl: Box, sizes: readonly number[]): number[] {
  const stsc = need(boxIn(bytes, stbl, 'stsc'), 'stsc');
  const runs = fullBox(bytes, stsc, 4).at;
  const runCount = entryCount(bytes, stsc, runs, 12);
  const stco = boxIn(bytes, stbl, 'stco');
  const chunks = stco ?? need(boxIn(bytes, stbl, 'co64'), 'stco');
  const first = fullBox(bytes, chunks, 4).at;
  const chunkCount = entryCount(bytes, chunks, first, stco === undefined ? 8 : 4);
  const offsets: number[] = [];
  let run = 0;
  for (let chunk = 0; chunk < chunkCount && offsets.length < sizes.length; chunk += 1) {
    while (run + 1 < runCount && bytes.readUInt32BE(runs + 4 + 12 * (run + 1)) <= chunk + 1) run += 1;
    const perChunk = runCount === 0 ? 0 : bytes.readUInt32BE(runs + 4 + 12 * run + 4);
    let at = stco === undefined ? long(bytes, first + 4 + 8 * chunk) : bytes.readUInt32BE(first + 4 + 4 * chunk);
    for (let index = 0; index < perChunk && offsets.length < sizes.length; index += 1) {
      const size = sizes[offsets.length] ?? 0;
      offsets.push(at);
      at += size;
    }
  }
  if (offsets.length < sizes.length) throw broken('it does not say where its pictures lie');
  return offsets;
}

function readSamples(bytes: Buffer, stbl: Box): Samples {
  const sizes = readSizes(bytes, stbl);
  if (sizes.length === 0) return noSamples();
  const stss = boxIn(bytes, stbl, 'stss');
  const intra: boolean[] = new Array(sizes.length).fill(stss === undefined);
  if (stss !== undefined) {
    const { at } = fullBox(bytes, stss, 4);
    const count = entryCount(bytes, stss, at, 4);
    for (let index = 0; index < count; index += 1) {
      const number = bytes.readUInt32BE(at + 4 + 4 * index);
      if (number >= 1 && number <= intra.length) intra[number - 1] = true;
    }
  }
  return { sizes, ticks: readTicks(bytes, stbl, sizes.length), offsets: readOffsets(bytes, stbl, sizes), intra };
}

function readDefaults(bytes: Buffer, moov: Box, id: number): SampleDefaults {
  const mvex = boxIn(bytes, moov, 'mvex');
  for (const trex of mvex === undefined ? [] : boxesIn(bytes, mvex.start, mvex.end)) {
    if (trex.type !== 'trex') continue;
    const { at } = fullBox(bytes, trex, 20);
    if (bytes.readUInt32BE(at) !== id) continue;
    return { duration: bytes.readUInt32BE(at + 8), size: bytes.readUInt32BE(at + 12), flags: bytes.readUInt32BE(at + 16) };
  }
  return { duration: 0, size: 0, flags: 0 };
}

/** The first video track of a moov box, given as its whole payload. */
export function readMoov(bytes: Buffer): Track {
  const moov: Box = { type: 'moov', start: 0, end: bytes.length };
  for (const trak of boxesIn(bytes, 0, bytes.length)) {
    if (trak.type !== 'trak') continue;
    const mdia = need(boxIn(bytes, trak, 'mdia'), 'mdia');
    const hdlr = need(boxIn(bytes, mdia, 'hdlr'), 'hdlr');
    const handler = fullBox(bytes, hdlr, 8).at + 4;
    if (bytes.toString('latin1', handler, handler + 4) !== 'vide') continue;
    const tkhd = need(boxIn(bytes, trak, 'tkhd'), 'tkhd');
    const head = fullBox(bytes, tkhd, 20);
    const id = bytes.readUInt32BE(head.at + (head.version === 1 ? 16 : 8));
    const mdhd = need(boxIn(bytes, mdia, 'mdhd'), 'mdhd');
    const times = fullBox(bytes, mdhd, 20);
    const timescale = bytes.readUInt32BE(times.at + (times.version === 1 ? 16 : 8));
    if (timescale === 0) throw broken('it has no time scale');
    const stbl = need(boxIn(bytes, need(boxIn(bytes, mdia, 'minf'), 'minf'), 'stbl'), 'stbl');
    const description = readDescription(bytes, need(boxIn(bytes, stbl, 'stsd'), 'stsd'));
    return { id, timescale, ...description, defaults: readDefaults(bytes, moov, id), samples: readSamples(bytes, stbl) };
  }
  throw broken('it has no video');
}
