/** Time zones and time servers as cameras want them; no I/O. */
import { isIPv4, isIPv6 } from 'node:net';
import { DriverError } from '../port.js';
import { escapeXml } from './xml.js';

const NAME = '(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)';
const OFFSET = '[+-]?\\d{1,3}(?::\\d{2}){0,2}';
const RULE = `,(?:J\\d{1,3}|\\d{1,3}|M\\d{1,2}\\.\\d\\.\\d)(?:/${OFFSET})?`;
const POSIX_ZONE = new RegExp(`^${NAME}${OFFSET}(?:${NAME}(?:${OFFSET})?(?:${RULE}${RULE})?)?$`);
const SUMMER_TIME = new RegExp(`^${NAME}${OFFSET}${NAME}`);
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9-]{1,63})*\.?$/;

/** Throws `camera.refused` for what is no POSIX TZ (IEEE Std 1003.1, 8.3), such as Europe/Berlin: cameras do not know those. */
export function assertPosixZone(zone: string): void {
  if (zone.length <= 128 && POSIX_ZONE.test(zone)) return;
  throw new DriverError('camera.refused', 'the time zone must be written as POSIX TZ, e.g. CET-1CEST,M3.5.0,M10.5.0/3', {
    detail: { zone },
  });
}

/** Whether a POSIX TZ knows summer time. */
export const hasSummerTime = (zone: string): boolean => SUMMER_TIME.test(zone);

/** A tt:NetworkHost named `tag`. Throws `camera.refused` for what is neither address nor name. */
export function networkHost(tag: string, host: string): string {
  const bare = host.replace(/^\[|\]$/g, '');
  const [type, element] = isIPv4(bare) ? ['IPv4', 'IPv4Address'] : isIPv6(bare) ? ['IPv6', 'IPv6Address'] : ['DNS', 'DNSname'];
  if (type === 'DNS' && !HOST_NAME.test(bare)) {
    throw new DriverError('camera.refused', 'a time server is neither an address nor a name', { detail: { host } });
  }
  return `<${tag}><tt:Type>${type}</tt:Type><tt:${element}>${escapeXml(bare)}</tt:${element}></${tag}>`;
}

/** A tt:DateTime named `tag`, in UTC. */
export function dateTime(tag: string, atMs: number): string {
  const at = new Date(atMs);
  return (
    `<${tag}><tt:Time><tt:Hour>${at.getUTCHours()}</tt:Hour><tt:Minute>${at.getUTCMinutes()}</tt:Minute>` +
    `<tt:Second>${at.getUTCSeconds()}</tt:Second></tt:Time><tt:Date><tt:Year>${at.getUTCFullYear()}</tt:Year>` +
    `<tt:Month>${at.getUTCMonth() + 1}</tt:Month><tt:Day>${at.getUTCDate()}</tt:Day></tt:Date></${tag}>`
  );
}
