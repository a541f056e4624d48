/**
 * Megatec Q1, what most small uninterruptible power supplies speak (2400 8N1): asked `Q1`, they answer
 * `(MMM.M NNN.N PPP.P QQQ RR.R S.SS TT.T b7b6b5b4b3b2b1b0`, both ended by CR. Pure.
 */
import type { UpsReading } from '../port.js';

/** The question. */
export const MEGATEC_STATUS = Buffer.from('Q1\r');
/** What ends an answer. */
export const MEGATEC_END = 0x0d;
/** Longer than any answer. */
export const MEGATEC_LINE_BYTES = 80;

const OPEN = 0x28;
const NUMBER = /^\d{1,3}(\.\d{1,2})?$/;
const FLAGS = /^[01]{8}$/;

/**
 * Reads one answer; undefined for anything else. Noise before the opening bracket is passed over. Fields: input volts, fault volts, output volts, load
 * percent, input hertz, battery volts, degrees Celsius (some supplies write dashes), flags.
 */
export function readMegatec(line: Uint8Array): UpsReading | undefined {
  const begin = line.lastIndexOf(OPEN);
  if (begin < 0) return undefined;
  const text = Buffer.from(line).toString('latin1');
  const fields = text.slice(begin + 1).split(' ');
  if (fields.length !== 8) return undefined;
  const [input, fault, output, load, hertz, battery] = fields.map((field) => (NUMBER.test(field) ? Number(field) : undefined));
  const flags = fields[7] ?? '';
  if (!FLAGS.test(flags) || fault === undefined) return undefined;
  if (input === undefined || output === undefined || load === undefined || hertz === undefined || battery === undefined) return undefined;
  const temperature = fields[6] ?? '';
  const flag = (bit: number): boolean => flags[7 - bit] === '1';
  return {
    inputVolts: input,
    outputVolts: output,
    load: load / 100,
    inputHertz: hertz,
    batteryVolts: battery,
    celsius: NUMBER.test(temperature) ? Number(temperature) : undefined,
    isOnBattery: flag(7),
    isBatteryLow: flag(6),
    hasFailed: flag(4),
    isTesting: flag(2),
    isShuttingDown: flag(1),
  };
}
