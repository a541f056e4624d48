/** How a recorder names its files: a path pattern with the time and the camera in it. Pure but for the time zones that the engine knows. */
import { DriverError } from '../port.js';

/** What a path, or the beginning of one, tells. Numbers as written; `s` is seconds since 1970. */
export interface PathFacts {
  readonly camera?: string | undefined;
  readonly Y?: number | undefined;
  readonly m?: number | undefined;
  readonly d?: number | undefined;
  readonly H?: number | undefined;
  readonly M?: number | undefined;
  readonly S?: number | undefined;
  readonly s?: number | undefined;
}

type Field = 'Y' | 'm' | 'd' | 'H' | 'M' | 'S' | 's';

const FIELDS: Readonly<Record<Field, { readonly digits: string; readonly least: number; readonly most: number }>> = {
  Y: { digits: '\\d{4}', least: 1970, most: 2099 },
  m: { digits: '\\d{2}', least: 1, most: 12 },
  d: { digits: '\\d{2}', least: 1, most: 31 },
  H: { digits: '\\d{2}', least: 0, most: 23 },
  M: { digits: '\\d{2}', least: 0, most: 59 },
  S: { digits: '\\d{2}', least: 0, most: 60 },
  s: { digits: '\\d{9,11}', least: 0, most: 4_102_444_800 },
};
const MAX_LEVELS = 8;
/** Names as recorders give them; never `.` or `..`. */
const CAMERA = '[^/.][^/]{0,79}?';

interface Level {
  readonly regexp: RegExp;
  readonly fields: readonly (Field | 'camera')[];
}

const bad = (why: string): DriverError => new DriverError('footage.refused', `The pattern of the recordings cannot be used: ${why}.`);

function compileLevel(text: string): Level {
  const fields: (Field | 'camera')[] = [];
  if (text === '' || text === '.' || text === '..') throw bad('it has an empty part, or one that leads elsewhere');
  const source = text.replaceAll(/\{camera\}|%(.)|\*|[^%*{]+|./g, (part, letter: string | undefined) => {
    if (part === '{camera}') {
      fields.push('camera');
      return `(${CAMERA})`;
    }
    if (part === '*') return '[^/]{0,120}?';
    if (letter === '%') return '%';
    if (letter === undefined) return part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
    if (!Object.hasOwn(FIELDS, letter)) throw bad(`%${letter} is not known; use %Y %m %d %H %M %S %s`);
    fields.push(letter as Field);
    return `(${FIELDS[letter as Field].digits})`;
  });
  return { regexp: new RegExp(`^${source}$`), fields };
}

/** A compiled pattern. Each level is one name in the path; the last is the file's. */
export class Pattern {
  readonly levels: number;
  /** Whether paths name a camera at all; without it the folder belongs to one. */
  readonly hasCamera: boolean;
  readonly #levels: readonly Level[];
  readonly #wall: (facts: PathFacts) => number;

  /** Throws DriverError `footage.refused` with what is wrong, in words. */
  constructor(pattern: string, zone: string) {
    const parts = pattern.split('/');
    if (parts.length > MAX_LEVELS) throw bad('it is deeper than 8 folders');
    this.#levels = parts.map(compileLevel);
    this.levels = parts.length;
    const fields = this.#levels.flatMap((level) => level.fields);
    this.hasCamera = fields.includes('camera');
    const hasTime = fields.includes('s') || (['Y', 'm', 'd'] as const).every((field) => fields.includes(field));
    if (!hasTime) throw bad('it tells no time; it needs %Y, %m and %d, or %s');
    if (!/\.(mp4|m4v|ts)$/i.test(pattern)) throw bad('it must end in .mp4 or .ts');
    this.#wall = wallClock(zone);
  }

  /** What the name at `level` adds to `before`; undefined when it does not fit, or says something else than the path before. */
  match(level: number, name: string, before: PathFacts): PathFacts | undefined {
    const rule = this.#levels[level];
    const found = rule?.regexp.exec(name);
    if (rule === undefined || found == null) return undefined;
    const facts: Record<string, string | number> = { ...(before as Record<string, string | number>) };
    for (const [index, field] of rule.fields.entries()) {
      const text = found[index + 1] ?? '';
      const value = field === 'camera' ? text : Number(text);
      if (field !== 'camera' && (Number(value) < FIELDS[field].least || Number(value) > FIELDS[field].most)) return undefined;
      if (facts[field] !== undefined && facts[field] !== value) return undefined;
      facts[field] = value;
    }
    return facts as PathFacts;
  }

  /** The instant that the facts tell, ms since 1970; what they leave out is taken as its least. */
  startMs(facts: PathFacts): number {
    return facts.s === undefined ? this.#wall(facts) : facts.s * 1000;
  }

  /** The latest instant that a path beginning like this can tell, with two hours for changes of the clock. */
  latestMs(facts: PathFacts): number {
    if (facts.s !== undefined) return facts.s * 1000;
    if (facts.Y === undefined) return Number.POSITIVE_INFINITY;
    const next = Date.UTC(
      facts.Y + (facts.m === undefined ? 1 : 0),
      (facts.m ?? 1) - 1 + (facts.m !== undefined && facts.d === undefined ? 1 : 0),
      (facts.d ?? 1) + (facts.d !== undefined && facts.H === undefined ? 1 : 0),
      (facts.H ?? 0) + (facts.H === undefined ? 0 : 1),
    );
    return next - Date.UTC(facts.Y, (facts.m ?? 1) - 1, facts.d ?? 1, facts.H ?? 0) + this.#wall(facts) + 2 * 3_600_000;
  }
}

function utcOf({ Y = 1970, m = 1, d = 1, H = 0, M = 0, S = 0 }: PathFacts): number {
  return Date.UTC(Y, m - 1, d, H, M, S);
}

/** From a reading of the wall clock of `zone` to the instant; in the hour that comes twice the earlier one. */
function wallClock(zone: string): (facts: PathFacts) => number {
  if (zone === 'UTC') return utcOf;
  let format: Intl.DateTimeFormat;
  try {
    const day = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', hour: 'numeric', minute: 'numeric', ...day });
  } catch {
    throw bad(`there is no time zone ${zone.slice(0, 40)}`);
  }
  const offsets = new Map<number, number>();
  // Asking the engine costs microseconds and there are very many files: zones change by whole quarters of an hour.
  const offsetAt = (at: number): number => {
    const quarter = Math.floor(at / 900_000);
    const known = offsets.get(quarter);
    if (known !== undefined) return known;
    const [, month = 1, day = 1, year = 1970, hour = 0, minute = 0] =
      /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+)/.exec(format.format(quarter * 900_000))?.map(Number) ?? [];
    const offset = Date.UTC(year, month - 1, day, hour, minute) - quarter * 900_000;
    if (offsets.size > 10_000) offsets.clear();
    offsets.set(quarter, offset);
    return offset;
  };
  return (facts) => {
    const wall = utcOf(facts);
    const early = wall - offsetAt(wall - 86_400_000);
    const late = wall - offsetAt(wall + 86_400_000);
    // The offset in force before and after are tried; the earlier instant that reads as this wall clock is meant.
    const fits = [early, late].filter((at) => at + offsetAt(at) === wall).sort((one, other) => one - other);
    return fits[0] ?? early;
  };
}
