/** Opens a transport stream file: one pass finds where pictures begin, then they are read one by one. */
import { DriverError } from '../port.js';
import { type FileBytes, MAX_PICTURE_BYTES, MAX_PICTURES, type SegmentMedia } from './media.js';
import { broken } from './mp4-boxes.js';
import { type Codec, isIntraNal, isNeedless, splitByStartCode, withParameterSets } from './nal.js';
import { ptsSince, readPat, readPes, readPmt, readTsPacket, TS_PACKET_BYTES, type TsVideo } from './ts-packets.js';

const STEP_BYTES = TS_PACKET_BYTES * 2048;
/** A file that does not tell its video within this is not searched further. */
const TABLES_WITHIN_BYTES = 1024 * 1024;
/** The pass reads everything: an hour at 8 Mbit/s. */
const MAX_FILE_BYTES = 4 * 1024 * 1024 * 1024;
const TICKS_PER_MS = 90;

interface Pictures {
  /** Where the packet lies in which each picture begins. */
  readonly offsets: number[];
  readonly pts: number[];
  readonly intra: boolean[];
}

/** Looks for the NAL unit types of a picture across the packets that carry it, without putting them together. */
class IntraSearch {
  #last = 0xffff_ffff;
  #isIntra = false;
  readonly #codec: Codec;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  push(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end && !this.#isIntra; at += 1) {
      const byte = bytes[at] ?? 0;
      if ((this.#last & 0xff_ffff) === 1) this.#isIntra = isIntraNal(this.#codec, [byte] as unknown as Uint8Array);
      this.#last = ((this.#last << 8) | byte) >>> 0;
    }
  }

  take(): boolean {
    const was = this.#isIntra;
    this.#isIntra = false;
    this.#last = 0xffff_ffff;
    return was;
  }
}

/** So much of each picture is looked at for the type of its slices: they follow the parameter sets at once. */
const LOOK_PACKETS = 24;

class Pass {
  video: TsVideo | undefined;
  readonly pictures: Pictures = { offsets: [], pts: [], intra: [] };
  #programPid: number | undefined;
  #search: IntraSearch | undefined;
  #looked = 0;

  take(bytes: Buffer, at: number, fileAt: number): void {
    const packet = readTsPacket(bytes, at);
    if (packet === undefined) return;
    if (this.video === undefined) {
      if (this.#programPid === undefined) this.#programPid = readPat(bytes, packet);
      else if (packet.pid === this.#programPid) this.video = readPmt(bytes, packet);
      if (this.video !== undefined) this.#search = new IntraSearch(this.video.codec);
      return;
    }
    if (packet.pid !== this.video.pid) return;
    const pes = packet.isStart ? readPes(bytes, packet.start, packet.end) : undefined;
    if (pes !== undefined) {
      this.finish();
      if (this.pictures.offsets.length >= MAX_PICTURES) throw broken('it holds more pictures than are read');
      this.pictures.offsets.push(fileAt);
      this.pictures.pts.push(pes.pts);
      this.#looked = 0;
    }
    if (this.#looked >= LOOK_PACKETS) return;
    this.#looked += 1;
    this.#search?.push(bytes, packet.start + (pes?.headBytes ?? 0), packet.end);
  }

  /** What was seen of the last picture counts now. */
  finish(): void {
    if (this.pictures.offsets.length > this.pictures.intra.length) this.pictures.intra.push(this.#search?.take() ?? false);
  }
}

/** Takes the file over, also when it fails. Rejects with footage.broken, footage.refused or stream.unsupported. */
export async function openTs(file: FileBytes): Promise<SegmentMedia> {
  try {
    if (file.sizeBytes > MAX_FILE_BYTES) throw new DriverError('footage.refused', 'The recording is one file of more than 4 GiB.');
    const pass = new Pass();
    for (let at = 0; at + TS_PACKET_BYTES <= file.sizeBytes; at += STEP_BYTES) {
      const bytes = await file.read(at, Math.min(STEP_BYTES, file.sizeBytes - at));
      if (at === 0 && readTsPacket(bytes, 0) === undefined) throw broken('it is no transport stream');
      for (let place = 0; place + TS_PACKET_BYTES <= bytes.length; place += TS_PACKET_BYTES) pass.take(bytes, place, at + place);
      if (pass.video === undefined && at > TABLES_WITHIN_BYTES)
        throw new DriverError('stream.unsupported', 'The recording is neither H.264 nor H.265.');
    }
    pass.finish();
    if (pass.video === undefined || pass.pictures.offsets.length === 0) throw broken('there is no picture in it');
    return new TsMedia(file, pass.video, pass.pictures);
  } catch (error) {
    await file.close();
    throw error;
  }
}

class TsMedia implements SegmentMedia {
  readonly codec: Codec;
  readonly count: number;
  readonly durationMs: number;
  readonly #file: FileBytes;
  readonly #video: TsVideo;
  readonly #pictures: Pictures;

  constructor(file: FileBytes, video: TsVideo, pictures: Pictures) {
    this.#file = file;
    this.#video = video;
    this.#pictures = pictures;
    this.codec = video.codec;
    this.count = pictures.offsets.length;
    const last = this.timeMs(this.count - 1);
    this.durationMs = last + (this.count > 1 ? Math.max(0, last - this.timeMs(this.count - 2)) : 0);
  }

  timeMs(index: number): number {
    return ptsSince(this.#pictures.pts[0] ?? 0, this.#pictures.pts[index] ?? 0) / TICKS_PER_MS;
  }

  isIntra(index: number): boolean {
    return this.#pictures.intra[index] === true;
  }

  async read(index: number): Promise<{ isIntra: boolean; nals: readonly Uint8Array[] }> {
    const from = this.#pictures.offsets[index] ?? 0;
    const to = this.#pictures.offsets[index + 1] ?? this.#file.sizeBytes;
    // Sound and tables lie between the packets of a picture.
    if (to - from > 2 * MAX_PICTURE_BYTES) throw broken('a picture is larger than any camera makes');
    const bytes = await this.#file.read(from, to - from);
    const parts: Buffer[] = [];
    for (let at = 0; at + TS_PACKET_BYTES <= bytes.length; at += TS_PACKET_BYTES) {
      const packet = readTsPacket(bytes, at);
      if (packet === undefined || packet.pid !== this.#video.pid) continue;
      const head = parts.length === 0 && packet.isStart ? (readPes(bytes, packet.start, packet.end)?.headBytes ?? 0) : 0;
      parts.push(bytes.subarray(packet.start + head, packet.end));
    }
    const nals = splitByStartCode(Buffer.concat(parts)).filter((nal) => !isNeedless(this.codec, nal));
    const isIntra = nals.some((nal) => isIntraNal(this.codec, nal));
    return { isIntra, nals: isIntra ? withParameterSets(this.codec, nals, []) : nals };
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
