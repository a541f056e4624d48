/** Decoders of serial gear. Besides not throwing, a good frame behind any input and a little silence must be found. */
import { encodePelcoD, PelcoDDecoder, PelcoDReplyReader, pelcoDPreset, pelcoDQuery, pelcoDStop } from '../../../drivers/serial/pelco-d.js';
import { encodePelcoP, PelcoPDecoder, pelcoPPreset, pelcoPStop } from '../../../drivers/serial/pelco-p.js';
import { encodeSamsungT, SamsungTDecoder, samsungTMove } from '../../../drivers/serial/samsung-t.js';
import { TrafficReader } from '../../../drivers/serial/traffic.js';
import { readVisca, VISCA_ADDRESS_SET, VISCA_CLEAR, ViscaDecoder, viscaDrive, viscaInquiry } from '../../../drivers/serial/visca.js';
import { decodeViscaIp, encodeViscaIp } from '../../../drivers/serial/visca-ip.js';
import type { FuzzTarget } from '../engine.js';

const hex = (...texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text, 'hex'));
/** Longer than what any decoder keeps. */
const QUIET = Buffer.alloc(16);

/** Frames found in `bytes` pushed in two pieces; the last one must be `wanted`. */
function lastFound<T>(
  decoder: { push(bytes: Uint8Array): readonly T[] },
  bytes: Buffer,
  wanted: Buffer,
  same: (found: T) => Buffer,
): number {
  const half = bytes.length >> 1;
  const found = [
    ...decoder.push(bytes.subarray(0, half)),
    ...decoder.push(bytes.subarray(half)),
    ...decoder.push(QUIET),
    ...decoder.push(wanted),
  ];
  const last = found.at(-1);
  if (last === undefined || !same(last).equals(wanted)) throw new RangeError('a good frame was not found behind the noise');
  return Math.min(found.length, 8);
}

export const pelco: FuzzTarget = {
  name: 'pelco',
  corpus: [
    ...hex('ff010002200023', 'ff01000a20103b', 'ff010059123400', 'a00000022000af2d', 'a00000070001af09', 'ff0a8890004062'),
    Buffer.concat([pelcoDStop(1), pelcoPStop(0), samsungTMove(1, { pan: 1, tilt: 0, zoom: 0 })]),
    encodePelcoD({ address: 1, command1: 0, command2: 0x59, data1: 0x12, data2: 0x34 }),
  ],
  tokens: hex('ff', 'a0', 'af', 'ff01', 'a000', 'ff010001'),
  run: (bytes) => {
    const d = lastFound(new PelcoDDecoder(), bytes, pelcoDPreset(3, 'goto', 9), encodePelcoD);
    const p = lastFound(new PelcoPDecoder(), bytes, pelcoPPreset(3, 'goto', 9), encodePelcoP);
    const t = lastFound(new SamsungTDecoder(), bytes, samsungTMove(7, { pan: 1, tilt: 1, zoom: 0 }), encodeSamsungT);
    const reply = new PelcoDReplyReader(pelcoDQuery(1, 'pan')).push(bytes)?.kind;
    const told = new TrafficReader(() => 0).read('in', bytes).some(({ meaning }) => meaning !== '');
    return `${d} ${p} ${t} ${reply} ${told}`;
  },
};

export const visca: FuzzTarget = {
  name: 'visca',
  corpus: [
    ...hex('9041ff9051ff', '905002ff', '906003ff', '906141ff', '883004ff', 'a038ff', '8101043802ff', '905000010511020002ff'),
    VISCA_ADDRESS_SET,
    VISCA_CLEAR,
    viscaDrive(1, { pan: 1, tilt: -1 }),
    encodeViscaIp({ type: 'reply', sequence: 7, payload: Uint8Array.of(0x90, 0x41, 0xff) }),
    encodeViscaIp({ type: 'control-reply', sequence: 7, payload: Uint8Array.of(0x0f, 0x01) }),
  ],
  tokens: hex('ff', '90', '9041ff', '88', '81', '0111', '0000', 'ffffffff'),
  run: (bytes) => {
    const words = new ViscaDecoder().push(bytes).map((message) => readVisca(message).kind);
    lastFound(new ViscaDecoder(), bytes, viscaInquiry(1, 'zoom'), (found) => Buffer.from(found));
    const datagram = decodeViscaIp(bytes);
    if (datagram !== undefined) readVisca(datagram.payload);
    return `${[...new Set(words)].sort().join(',')} ${words.length > 4 ? 'many' : words.length} ${datagram?.type}`;
  },
};
