import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  type ConvertingStreamClient,
  DriverError,
  type StreamClient,
  type StreamPull,
  type StreamRequest,
  type VideoTrack,
} from '../port.js';
import type { Encoder } from './command.js';
import { Conversion } from './conversion.js';
import { findEncoder } from './encoders.js';
import { CONVERTED_PAYLOAD_TYPE, H264Packets } from './h264-packets.js';
import { H265Pictures } from './h265-pictures.js';
import { type FfmpegParts, PROGRAM_FOLDERS } from './runner.js';

/** What viewers are told: the parameter sets come in the stream. Constrained baseline, level 3.1. */
const CONVERTED_TRACK: VideoTrack = {
  codec: 'H264',
  payloadType: CONVERTED_PAYLOAD_TYPE,
  clockRate: 90_000,
  profileLevelId: '42c01f',
  parameterSets: [],
};
const TICKS_PER_MS = 90;

/** Limits and places, for tests. */
export interface ConvertingOptions {
  /** Conversions at once; one per core. */
  readonly most?: number;
  readonly encoder?: () => Promise<Encoder>;
}

/**
 * Streams of `client`, and H.264 made of H.265 where the request says H.264: one ffmpeg per stream, as many as the machine has
 * cores, started when the camera describes H.265 and killed with the pull. What is H.264 already passes untouched.
 */
export function createConvertingStreams(parts: FfmpegParts, client: StreamClient, options: ConvertingOptions = {}): ConvertingStreamClient {
  const most = options.most ?? Math.max(1, availableParallelism());
  const running = new Set<Converted>();
  let finding: Promise<Encoder> | undefined;
  // Looked for with the first conversion; hardware does not come and go.
  const encoder = (): Promise<Encoder> => {
    finding ??= (options.encoder ?? (() => findEncoder(parts)))();
    return finding;
  };
  const room = (): 'free' | 'busy' | 'no' => {
    if (running.size >= most) return 'busy';
    return isInstalled(parts) ? 'free' : 'no';
  };
  const begin = (request: StreamRequest, track: VideoTrack, fail: (reason: DriverError) => void): Converted => {
    const place = room();
    if (place === 'busy') throw new DriverError('ffmpeg.busy', `${most} pictures are converted already.`, { detail: { most } });
    if (place === 'no') throw new DriverError('ffmpeg.unavailable', 'ffmpeg is not installed on this recorder.');
    const converted = new Converted(parts, encoder(), request, track, fail);
    running.add(converted);
    void converted.gone.then(() => running.delete(converted));
    return converted;
  };
  return {
    ...client,
    room,
    open: (request) => (request.codec === 'H264' ? openAsH264(client, request, begin) : client.open(request)),
  };
}

const isInstalled = ({ program = 'ffmpeg' }: FfmpegParts): boolean =>
  program.startsWith('/') ? existsSync(program) : PROGRAM_FOLDERS.some((folder) => existsSync(join(folder, program)));

type Begin = (request: StreamRequest, track: VideoTrack, fail: (reason: DriverError) => void) => Converted;

async function openAsH264(client: StreamClient, request: StreamRequest, begin: Begin): Promise<StreamPull> {
  let converted: Converted | undefined;
  let pull: StreamPull | undefined;
  let failure: DriverError | undefined;
  let isOver = false;
  const fail = (reason: DriverError): void => {
    failure ??= reason;
    if (isOver || pull === undefined) return;
    isOver = true;
    void pull.close().catch(() => undefined);
    request.onEnd(reason);
  };
  const onTrack = (track: VideoTrack): void => {
    if (track.codec === 'H265' && converted === undefined) converted = begin(request, track, fail);
  };
  try {
    pull = await client.open({
      ...request,
      onTrack,
      onRtp: (buffer, start, end) => (converted === undefined ? request.onRtp(buffer, start, end) : converted.push(buffer, start, end)),
      onEnd: (reason) => {
        if (isOver) return;
        isOver = true;
        void converted?.end();
        request.onEnd(reason);
      },
    });
    // A client that tells of the track only now has sent nothing yet that could have been shown.
    onTrack(pull.track);
    if (failure !== undefined) throw failure;
  } catch (error) {
    isOver = true;
    await Promise.all([converted?.end(), pull?.close()]);
    throw error;
  }
  const [conversion, opened] = [converted as Converted | undefined, pull];
  if (conversion === undefined) return opened;
  return {
    track: CONVERTED_TRACK,
    close: async () => {
      isOver = true;
      await Promise.all([conversion.end(), opened.close()]);
    },
  };
}

/** One converted stream: the camera's packets in, packets of H.264 out. */
class Converted {
  readonly gone: Promise<void>;
  readonly #pictures: H265Pictures;
  readonly #conversion: Conversion;

  constructor(
    parts: FfmpegParts,
    encoder: Promise<Encoder>,
    request: StreamRequest,
    track: VideoTrack,
    fail: (reason: DriverError) => void,
  ) {
    const packets = new H264Packets(request.onRtp);
    const { clock } = parts;
    this.#conversion = new Conversion(parts, encoder, {
      // ffmpeg numbers pictures by a rate it only guesses: the time at which one is ready is the truer one.
      onPicture: (picture) => packets.send(picture, Math.round(clock.monotonicMs() * TICKS_PER_MS) % 2 ** 32),
      onEnd: fail,
    });
    this.#pictures = new H265Pictures(track.parameterSets, (annexB, isIntra) => this.#conversion.write(annexB, isIntra));
    this.gone = this.#conversion.gone;
  }

  push(buffer: Buffer, start: number, end: number): void {
    this.#pictures.push(buffer, start, end);
  }

  end(): Promise<void> {
    return this.#conversion.end();
  }
}
