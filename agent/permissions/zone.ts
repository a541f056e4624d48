import type { Hours } from '../contract/statements.js';
import { CLOSED, type OffsetAt, type Opening, openingAt } from './hours.js';

/** Making a formatter costs 40 times as much as using it; an owner names one zone, rarely two. */
const MOST_ZONES = 32;
const zones = new Map<string, OffsetAt | undefined>();

/** The offsets of an IANA time zone as this machine's tables know them; undefined for a name that they do not. */
export function offsetsOf(zone: string): OffsetAt | undefined {
  if (zones.has(zone)) return zones.get(zone);
  if (zones.size >= MOST_ZONES) zones.clear();
  const made = makeOffsets(zone);
  zones.set(zone, made);
  return made;
}

function makeOffsets(zone: string): OffsetAt | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  return (at) => {
    const read: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(at)) read[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = read;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
  };
}

/** Whether these hours are open now. Closed when the zone is not known: what cannot be reckoned is not allowed. */
export function openingNow(hours: Hours, nowAt: number): Opening {
  const offsetAt = offsetsOf(hours.zone);
  return offsetAt === undefined ? CLOSED : openingAt(hours, nowAt, offsetAt);
}
