/**
 * NMEA 0183, what satellite receivers speak: `$GPRMC,...*hh` and CR LF, hh being the XOR of what stands between; 4800 or 9600 8N1. Read are the sentences
 * RMC, GGA and ZDA of any constellation. Pure.
 */
import type { GpsFix } from '../port.js';

/** What ends a sentence. */
export const NMEA_ENDS = [0x0d, 0x0a] as const;
/** Longest sentence of the standard is 82; receivers go beyond it. */
export const NMEA_LINE_BYTES = 120;

const DOLLAR = 0x24;
const SENTENCE = /\$([A-Z]{2}[A-Z]{3}),([^*$]*)\*([0-9A-Fa-f]{2})$/;
const NOTHING: GpsFix = { atMs: undefined, latitude: undefined, longitude: undefined, altitudeMetres: undefined, satellites: undefined };

/** What one sentence tells; undefined for other sentences, wrong sums and noise. A position without a fix is not told. */
export function readNmea(line: Uint8Array): Partial<GpsFix> | undefined {
  // Most of what is noise is known without looking at it closely.
  if (!line.includes(DOLLAR)) return undefined;
  const text = Buffer.from(line).toString('latin1');
  const [whole, name = '', fields = '', sum = ''] = SENTENCE.exec(text) ?? [];
  if (whole === undefined || xorOf(`${name},${fields}`) !== Number.parseInt(sum, 16)) return undefined;
  const parts = fields.split(',');
  switch (name.slice(2)) {
    case 'RMC':
      return parts[1] === 'A' ? { atMs: instant(parts[0], shortDate(parts[8])), ...position(parts, 2) } : {};
    case 'GGA':
      return Number(parts[5]) > 0
        ? { ...position(parts, 1), satellites: numberOf(parts[6]), altitudeMetres: parts[9] === 'M' ? numberOf(parts[8]) : undefined }
        : { satellites: numberOf(parts[6]) };
    case 'ZDA':
      return { atMs: instant(parts[0], longDate(parts)) };
    default:
      return undefined;
  }
}

/** Joins what several sentences tell; what a fix does not tell any more is forgotten with the next RMC without one. */
export class NmeaFix {
  #fix: GpsFix = NOTHING;

  /** The fix after this sentence, when the sentence brought a time (about once a second); undefined otherwise. */
  take(line: Uint8Array): GpsFix | undefined {
    const told = readNmea(line);
    if (told === undefined) return undefined;
    if (Object.keys(told).length === 0) {
      this.#fix = NOTHING;
      return undefined;
    }
    this.#fix = { ...this.#fix, ...told };
    return told.atMs === undefined ? undefined : this.#fix;
  }
}

function xorOf(text: string): number {
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) sum ^= text.charCodeAt(at);
  return sum;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : undefined;
}

/** ddmm.mmmm and its hemisphere, twice. */
function position(parts: readonly string[], at: number): Pick<GpsFix, 'latitude' | 'longitude'> {
  const latitude = degrees(parts[at], parts[at + 1], 2, 90);
  const longitude = degrees(parts[at + 2], parts[at + 3], 3, 180);
  return latitude === undefined || longitude === undefined ? { latitude: undefined, longitude: undefined } : { latitude, longitude };
}

function degrees(text: string | undefined, hemisphere: string | undefined, digits: number, most: number): number | undefined {
  if (text === undefined || !/^\d{4,5}(\.\d{1,7})?$/.test(text) || !/^[NSEW]$/.test(hemisphere ?? '')) return undefined;
  const minutes = Number(text.slice(digits));
  const value = Number(text.slice(0, digits)) + minutes / 60;
  if (minutes >= 60 || value > most) return undefined;
  return hemisphere === 'S' || hemisphere === 'W' ? -value : value;
}

interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

function shortDate(text: string | undefined): Day | undefined {
  const [, day, month, year] = /^(\d\d)(\d\d)(\d\d)$/.exec(text ?? '') ?? [];
  return day === undefined ? undefined : { year: 2000 + Number(year), month: Number(month), day: Number(day) };
}

function longDate(parts: readonly string[]): Day | undefined {
  const [day, month, year] = [parts[1] ?? '', parts[2] ?? '', parts[3] ?? ''];
  return /^\d\d$/.test(day) && /^\d\d$/.test(month) && /^\d{4}$/.test(year)
    ? { year: Number(year), month: Number(month), day: Number(day) }
    : undefined;
}

function instant(time: string | undefined, date: Day | undefined): number | undefined {
  const [, hour, minute, second, fraction = '0'] = /^(\d\d)(\d\d)(\d\d)(?:\.(\d{1,3}))?\d*$/.exec(time ?? '') ?? [];
  if (hour === undefined || date === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const at = Date.UTC(date.year, date.month - 1, date.day, Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0')));
  // 31 February would have become March.
  const read = new Date(at - (Number(second) === 60 ? 1000 : 0));
  return read.getUTCMonth() === date.month - 1 && read.getUTCDate() === date.day ? at : undefined;
}
