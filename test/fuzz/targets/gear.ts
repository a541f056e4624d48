/** Lines of small serial gear, a till's printer stream, and Hikvision's frames. Besides not throwing, a good line behind any input and its end must be read. */
import { CONTACT_ID_ENDS, CONTACT_ID_LINE_BYTES, readContactId } from '../../../drivers/serial/contact-id.js';
import { encodeHikvision, HikvisionDecoder, hikvisionAct, hikvisionMove, hikvisionPreset } from '../../../drivers/serial/hikvision.js';
import { LineReader } from '../../../drivers/serial/lines.js';
import { MEGATEC_END, MEGATEC_LINE_BYTES, readMegatec } from '../../../drivers/serial/megatec.js';
import { NMEA_ENDS, NMEA_LINE_BYTES, NmeaFix } from '../../../drivers/serial/nmea.js';
import { ReceiptReader } from '../../../drivers/serial/receipt.js';
import { TrafficReader } from '../../../drivers/serial/traffic.js';
import { readViscaSteps, viscaScale } from '../../../drivers/serial/visca-place.js';
import type { FuzzTarget } from '../engine.js';

const text = (...lines: readonly string[]): Buffer[] => lines.map((line) => Buffer.from(line, 'latin1'));
const GGA = '$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n';
const RMC = '$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230326,003.1,W*63\r\n';
const POWER = '(208.4 140.0 208.4 034 59.9 2.05 35.0 00110000\r';
const ALARM = '5011 181234E12101001\u0014';
const MOST_TEXT = 200;
/** More than an open port hands over at once. */
const MOST_AT_ONCE = 8_192;

/** The lines of a stream in two pieces, then an end and a good line: the last one must be read. */
function lines<T>(ends: readonly number[], most: number, bytes: Buffer, good: string, read: (line: Uint8Array) => T | undefined): number {
  const reader = new LineReader(ends, most);
  const half = bytes.length >> 1;
  const pieces = [bytes.subarray(0, half), bytes.subarray(half), Buffer.of(ends[0] ?? 0), Buffer.from(good, 'latin1')];
  const told = pieces.flatMap((piece) => reader.push(piece)).map(read);
  if (told.at(-1) === undefined) throw new RangeError('a good line was not read behind the noise');
  return Math.min(8, told.filter((one) => one !== undefined).length);
}

function receipts(bytes: Buffer): number {
  const told = new ReceiptReader().push(bytes);
  for (const { text: line } of told) if (line.length > MOST_TEXT) throw new RangeError('a line of a receipt is too long');
  return Math.min(8, told.length);
}

function frames(bytes: Buffer): string {
  const decoder = new HikvisionDecoder();
  const wanted = hikvisionPreset(3, 'goto', 9);
  const found = [...decoder.push(bytes), ...decoder.push(Buffer.alloc(16)), ...decoder.push(wanted)];
  const last = found.at(-1);
  if (last === undefined || !encodeHikvision(last).equals(wanted)) throw new RangeError('a good frame was not found behind the noise');
  return [...new Set(found.map((frame) => hikvisionAct(frame) ?? '?'))].sort().join(',');
}

export const gear: FuzzTarget = {
  name: 'gear',
  corpus: [
    ...text(GGA, RMC, POWER, ALARM, '1011           @\u0014', '1234181131010158\r', 'Q1\r'),
    ...text(
      '\u001b@\u001ba\u0001SHOP\nCard 4111 1111 1111 1111\n\u001dk\u0004ABC\u0000\u001dv0\u0000\u0001\u0000\u0002\u0000xx\u001dV\u0042\u0000',
    ),
    hikvisionMove(1, { pan: 1, tilt: -1, zoom: 1 }),
    Buffer.from('00000900' + '0f0f0b08', 'hex'),
    Buffer.from('0020040e010002', 'hex'),
  ],
  tokens: [...text('$', '*', ',', '(', '\r', '\n', '\u0014', '\u001b', '\u001d', 'GPRMC', '18'), Buffer.from('b501', 'hex')],
  run: (whole) => {
    const bytes = whole.subarray(0, MOST_AT_ONCE);
    const fix = new NmeaFix();
    const sky = lines(NMEA_ENDS, NMEA_LINE_BYTES, bytes, RMC, (line) => fix.take(line));
    const power = lines([MEGATEC_END], MEGATEC_LINE_BYTES, bytes, POWER, readMegatec);
    const panel = lines(CONTACT_ID_ENDS, CONTACT_ID_LINE_BYTES, bytes, ALARM, readContactId);
    const steps = readViscaSteps(bytes) !== undefined || viscaScale(bytes) !== undefined;
    const told = new TrafficReader(() => 0).read('in', bytes).some(({ meaning }) => meaning !== '');
    return `${sky} ${power} ${panel} ${receipts(bytes)} ${frames(bytes)} ${steps} ${told}`;
  },
};
