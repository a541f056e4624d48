/** A stream client that plays a small H.264 clip made by ffmpeg: pictures with frame times of their own, from the middle of a GOP. */
import { execFileSync } from 'node:child_process';
import type { StreamClient, StreamPull, StreamRequest } from '../../drivers/port.js';

const FRAME_MS = 40;
const MAX_PAYLOAD = 1_400;

/** The clip's pictures, each a list of NAL units. */
function makeClip(): { readonly pictures: readonly (readonly Buffer[])[]; readonly sets: readonly Buffer[] } {
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=25', '-t', '4'];
  const encoder = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-g',
    '100',
    '-sc_threshold',
    '0',
    '-bf',
    '0',
    '-pix_fmt',
    'yuv420p',
    '-b:v',
    '2M',
  ];
  const args = ['-v', 'error', ...source, ...encoder, '-x264-params', 'aud=1', '-f', 'h264', '-'];
  const bytes = execFileSync('ffmpeg', args, { maxBuffer: 32e6 });
  const units: Buffer[] = [];
  let start = -1;
  for (let at = 0; at + 3 < bytes.length; at += 1) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1) continue;
    if (start >= 0) units.push(bytes.subarray(start, bytes[at - 1] === 0 ? at - 1 : at));
    start = at + 3;
  }
  if (start >= 0) units.push(bytes.subarray(start));
  const pictures: Buffer[][] = [];
  for (const unit of units) {
    const type = (unit[0] ?? 0) & 0x1f;
    if (type === 9) pictures.push([]);
    else pictures.at(-1)?.push(unit);
  }
  const isSet = (unit: Buffer): boolean => [7, 8].includes((unit[0] ?? 0) & 0x1f);
  return { pictures, sets: units.filter(isSet).slice(0, 2) };
}

/** With what a test asks of the camera: an intra picture as the next one, and how many pulls play. */
export interface ClipStreams extends StreamClient {
  synchronize(): void;
  playing(): number;
}

/** `inBandSets` false: parameter sets only in the description, as some cameras do. */
export function clipStreams(options: { inBandSets: boolean }): ClipStreams {
  const clip = makeClip();
  let playing = 0;
  let isAsked = false;
  return {
    synchronize: () => {
      isAsked = true;
    },
    playing: () => playing,
    open: async (request: StreamRequest): Promise<StreamPull> => {
      playing += 1;
      let at = 37;
      const packets = packetizer(request);
      const timer = setInterval(() => {
        if (isAsked) at = 0;
        isAsked = false;
        const units = (clip.pictures[at] ?? []).filter((unit) => options.inBandSets || !clip.sets.some((set) => set[0] === unit[0]));
        packets(units);
        at = (at + 1) % clip.pictures.length;
      }, FRAME_MS);
      let isClosed = false;
      return {
        track: {
          codec: 'H264',
          payloadType: 96,
          clockRate: 90_000,
          profileLevelId: clip.sets[0]?.subarray(1, 4).toString('hex'),
          parameterSets: clip.sets,
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
