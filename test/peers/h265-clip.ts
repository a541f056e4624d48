/** A stream client that plays an H.265 clip made by ffmpeg, packetized as a camera does (RFC 7798). */
import { execFileSync } from 'node:child_process';
import type { StreamClient, StreamPull, StreamRequest } from '../../drivers/port.js';
import { splitAnnexB } from './onvif-camera/clip.js';

const FRAME_MS = 40;
const MAX_PAYLOAD = 1_400;

const typeOf = (unit: Uint8Array): number => ((unit[0] ?? 0) >> 1) & 0x3f;

/** Pictures as lists of NAL units, an intra picture every second, the parameter sets with each; and the sets by themselves. */
export interface H265Clip {
  readonly pictures: readonly (readonly Uint8Array[])[];
  readonly sets: readonly Uint8Array[];
}

/** Two seconds of 320x180 at 25 pictures a second. */
export function makeH265Clip(): H265Clip {
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-t', '2'];
  const rules = 'keyint=25:min-keyint=25:scenecut=0:bframes=0:repeat-headers=1:log-level=none';
  const encoder = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', rules, '-pix_fmt', 'yuv420p'];
  const units = splitAnnexB(execFileSync('ffmpeg', ['-v', 'error', ...source, ...encoder, '-f', 'hevc', '-'], { maxBuffer: 32e6 }));
  const pictures: Uint8Array[][] = [];
  let hasSlice = true;
  for (const unit of units) {
    const isSlice = typeOf(unit) < 32;
    // A new picture: its parameter sets, or a slice that says it is the first one.
    if (hasSlice && (!isSlice || ((unit[2] ?? 0) & 0x80) !== 0)) {
      pictures.push([]);
      hasSlice = false;
    }
    pictures.at(-1)?.push(unit);
    hasSlice ||= isSlice;
  }
  const sets = units.filter((unit) => typeOf(unit) >= 32 && typeOf(unit) <= 34).slice(0, 3);
  return { pictures, sets };
}

/** `playing` counts pulls that are open; `synchronize` makes the next picture an intra one. */
export interface H265Streams extends StreamClient {
  playing(): number;
  synchronize(): void;
}

/** Begins in the middle of a GOP. `startAt`: which picture first. */
export function h265Streams(clip: H265Clip = makeH265Clip(), startAt = 7): H265Streams {
  let playing = 0;
  let asked = 0;
  return {
    playing: () => playing,
    synchronize: () => {
      asked += 1;
    },
    open: async (request: StreamRequest): Promise<StreamPull> => {
      const track = {
        codec: 'H265',
        payloadType: 97,
        clockRate: 90_000,
        profileLevelId: undefined,
        parameterSets: clip.sets,
      } as const;
      request.onTrack?.(track);
      playing += 1;
      const send = h265Packetizer(request);
      let at = startAt;
      let answered = asked;
      const timer = setInterval(() => {
        if (asked !== answered) at = 0;
        answered = asked;
        send(clip.pictures[at] ?? []);
        at = (at + 1) % clip.pictures.length;
      }, FRAME_MS);
      let isClosed = false;
      const close = async (): Promise<void> => {
        clearInterval(timer);
        if (!isClosed) playing -= 1;
        isClosed = true;
      };
      request.signal.addEventListener('abort', () => void close(), { once: true });
      return { track, close };
    },
  };
}

/** Hands out one picture's NAL units, large ones as fragments; the marker stands on the last packet. */
export function h265Packetizer(request: Pick<StreamRequest, 'onRtp'>): (units: readonly Uint8Array[]) => void {
  let sequence = 65_500;
  let timestamp = 0xffff_0000;
  const send = (payload: Uint8Array, marker: boolean): void => {
    const packet = Buffer.alloc(12 + payload.length);
    packet[0] = 0x80;
    packet[1] = 97 | (marker ? 0x80 : 0);
    packet.writeUInt16BE(sequence, 2);
    packet.writeUInt32BE(timestamp, 4);
    packet.set(payload, 12);
    sequence = (sequence + 1) & 0xffff;
    request.onRtp(packet, 0, packet.length);
  };
  return (units) => {
    timestamp = (timestamp + FRAME_MS * 90) >>> 0;
    for (const unit of units) {
      const isLast = unit === units.at(-1);
      const [first = 0, second = 0] = unit;
      if (unit.length <= MAX_PAYLOAD) send(unit, isLast);
      else
        for (let from = 2; from < unit.length; from += MAX_PAYLOAD) {
          const to = Math.min(unit.length, from + MAX_PAYLOAD);
          const fu = typeOf(unit) | (from === 2 ? 0x80 : 0) | (to === unit.length ? 0x40 : 0);
          send(
            Buffer.concat([Buffer.from([(first & 0x81) | (49 << 1), second, fu]), unit.subarray(from, to)]),
            isLast && to === unit.length,
          );
        }
    }
  };
}
