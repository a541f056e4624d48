/** A stream client that plays the test camera's clips: pictures with frame times of their own, from the middle of a GOP. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StreamClient, StreamPull, StreamRequest } from '../../drivers/port.js';
import { type Clip, indexClip } from './onvif-camera/clip.js';
import { CLIP_FOLDER } from './onvif-camera/clip-folder.js';

const FRAME_MS = 40;
const MAX_PAYLOAD = 1_400;
/** In the middle of a GOP. */
const FIRST_FRAME = 37;

const clips = new Map<string, Clip>();

/** Main is 360 pixels high (a browser without a graphics card decodes on the processor that runs the tests), sub 180. */
function clipOf(uri: string): Clip {
  const [width, height] = uri.endsWith('/sub') ? [320, 180] : [640, 360];
  const name = `${width}x${height}-25.h264`;
  const clip = clips.get(name) ?? indexClip(readFileSync(join(CLIP_FOLDER, name)), { width, height, rate: 25 });
  clips.set(name, clip);
  return clip;
}

/** With what a test asks of the camera: an intra picture as the next one, and how many pulls play. */
export interface ClipStreams extends StreamClient {
  synchronize(): void;
  playing(): number;
  /** Addresses that were opened so far. */
  readonly opened: readonly string[];
}

/** `inBandSets` false: parameter sets only in the description, as some cameras do. */
export function clipStreams(options: { inBandSets: boolean }): ClipStreams {
  let playing = 0;
  let asked = 0;
  const opened: string[] = [];
  return {
    synchronize: () => {
      asked += 1;
    },
    playing: () => playing,
    opened,
    open: async (request: StreamRequest): Promise<StreamPull> => {
      playing += 1;
      opened.push(request.uri);
      const clip = clipOf(request.uri);
      let at = FIRST_FRAME;
      let answered = asked;
      const packets = packetizer(request);
      const timer = setInterval(() => {
        if (asked !== answered) at = 0;
        answered = asked;
        const frame = clip.frames[at];
        const sets = options.inBandSets && frame?.isIdr === true ? [clip.sps, clip.pps] : [];
        packets([...sets, ...(frame?.nals ?? [])].map((unit) => Buffer.from(unit)));
        at = (at + 1) % clip.frames.length;
      }, FRAME_MS);
      let isClosed = false;
      return {
        track: {
          codec: 'H264',
          payloadType: 96,
          clockRate: 90_000,
          profileLevelId: Buffer.from(clip.sps.subarray(1, 4)).toString('hex'),
          parameterSets: [clip.sps, clip.pps],
        },
        close: async () => {
          clearInterval(timer);
          if (!isClosed) playing -= 1;
          isClosed = true;
        },
      };
    },
  };
}

/** Hands out one picture's NAL units as RTP packets, large ones as FU-A. */
function packetizer(request: StreamRequest): (units: readonly Buffer[]) => void {
  let sequence = 65_000;
  let timestamp = 0xffff_0000;
  const send = (payload: Buffer, marker: boolean): void => {
    const packet = Buffer.alloc(12 + payload.length);
    packet[0] = 0x80;
    packet[1] = 96 | (marker ? 0x80 : 0);
    packet.writeUInt16BE(sequence, 2);
    packet.writeUInt32BE(timestamp, 4);
    payload.copy(packet, 12);
    sequence = (sequence + 1) & 0xffff;
    request.onRtp(packet, 0, packet.length);
  };
  return (units) => {
    timestamp = (timestamp + FRAME_MS * 90) >>> 0;
    for (const unit of units) {
      const isLast = unit === units.at(-1);
      if (unit.length <= MAX_PAYLOAD) send(unit, isLast);
      else {
        const head = unit[0] ?? 0;
        for (let from = 1; from < unit.length; from += MAX_PAYLOAD) {
          const to = Math.min(unit.length, from + MAX_PAYLOAD);
          const fu = (head & 0x1f) | (from === 1 ? 0x80 : 0) | (to === unit.length ? 0x40 : 0);
          send(Buffer.concat([Buffer.from([(head & 0xe0) | 28, fu]), unit.subarray(from, to)]), isLast && to === unit.length);
        }
      }
    }
  };
}
