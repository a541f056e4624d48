import type { Scope } from '../contract/shapes.js';
import { AgentError } from '../kernel/errors.js';

/** How times, permissions and ids are said on the command line. Pure: the time comes in. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
/** Enough to tell apart what one recorder holds, and still typed by hand. */
const SHORT_ID = 8;

/** `1 permission`, `2 permissions`. */
export function count(number: number, thing: string, things = `${thing}s`): string {
  return `${number} ${number === 1 ? thing : things}`;
}

/** `3 days`, `2 h 10 min`, `40 s`: two units at most. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  const minutes = Math.round(ms / MINUTE_MS);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) {
    const rest = minutes % 60;
    return rest === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
  }
  return `${Math.round(ms / DAY_MS)} days`;
}

/** The date and time of day in the machine's own zone: `24 Nov 2026 18:30`; today without the date. */
export function timeOfDay(at: number, now: number): string {
  const [date, today] = [new Date(at), new Date(now)];
  const time = `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
  if (date.toDateString() === today.toDateString()) return `today ${time}`;
  return `${date.getDate()} ${MONTHS[date.getMonth()]} ${date.getFullYear()} ${time}`;
}

/** `today 18:30 (in 3 h)`, `20 Nov 2026 09:00 (4 days ago)`. */
export function when(at: number, now: number): string {
  const apart = Math.abs(at - now) < MINUTE_MS ? 'now' : at > now ? `in ${duration(at - now)}` : `${duration(now - at)} ago`;
  return `${timeOfDay(at, now)} (${apart})`;
}

/** For machines. */
export function iso(at: number): string {
  return new Date(at).toISOString();
}

/** As `iso`; null stays null. */
export function isoOrNull(at: number | null): string | null {
  return at === null ? null : iso(at);
}

const MAY: Readonly<Record<Scope, string>> = {
  'live-view': 'watch live',
  listen: 'listen',
  playback: 'watch recordings',
  ptz: 'move cameras',
  talk: 'talk',
  'site-information': 'see the site’s information',
  health: 'see its health',
  'remote-configuration': 'change settings',
  firmware: 'update firmware',
  wifi: 'change Wi-Fi',
};

/** What is allowed, pictures first: `watch live, move cameras`. */
export function mayDo(scopes: readonly Scope[]): string {
  const order = Object.keys(MAY) as Scope[];
  return order
    .filter((scope) => scopes.includes(scope))
    .map((scope) => MAY[scope])
    .join(', ');
}

const POWER: Readonly<Record<string, string>> = {
  'mains-lost': 'mains power is gone, on battery',
  'mains-back': 'mains power is back',
  'battery-low': 'the battery is nearly empty',
  failed: 'the power supply failed',
  silent: 'the power supply does not answer',
  'answers-again': 'the power supply answers again',
};

/**
 * What a row of the log says happened: the name of the action, and for what gear on site told, also what it was. `detail` may have been erased.
 * Rows of gear: `gear.power: mains power is gone, on battery`.
 */
export function whatHappened(action: string, object: string | undefined, detail: unknown): string {
  const said = gearSaid(action, object ?? '', (detail as { readonly after?: unknown } | null | undefined)?.after ?? {});
  return said === '' ? action : `${action}: ${said}`;
}

function gearSaid(action: string, object: string, after: object): string {
  const { meaning, zone, lines } = after as { readonly meaning?: unknown; readonly zone?: unknown; readonly lines?: unknown };
  if (action === 'gear.power') return POWER[object] ?? '';
  if (action === 'gear.receipt') return Array.isArray(lines) ? count(lines.length, 'line') : '';
  if (action !== 'gear.alarm') return '';
  const [event = '', kind = ''] = object.split('-');
  const what = typeof meaning === 'string' ? `${meaning} (${event})` : event;
  return [what, kind, ...(typeof zone === 'string' ? [`zone ${zone}`] : [])].filter((part) => part !== '').join(', ');
}

/** `every camera`, or which. */
export function whichCameras(cams: readonly string[] | null): string {
  return cams === null ? 'every camera' : cams.join(', ');
}

/** `Mon Tue 08:00-18:00 Europe/Berlin`; empty for any hour. */
export function atHours(
  hours: { readonly zone: string; readonly days: readonly number[]; readonly from: string; readonly to: string } | null,
): string {
  if (hours === null) return '';
  const days =
    hours.days.length === 7
      ? 'daily'
      : [...hours.days]
          .sort((a, b) => a - b)
          .map((day) => DAYS[day])
          .join(' ');
  return `${days} ${hours.from}-${hours.to} ${hours.zone}`;
}

/** The beginning of each id by which it is known among them all. */
export function shortIds(ids: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    ids.map((id) => {
      let length = SHORT_ID;
      while (length < id.length && ids.some((other) => other !== id && other.startsWith(id.slice(0, length)))) length += 1;
      return [id, id.slice(0, length)];
    }),
  );
}

/**
 * The one id that begins so; undefined for none. `thing` names what it is an id of, `things` several of them. @throws AgentError cli.ambiguous
 */
export function findId(prefix: string, ids: readonly string[], thing: string, things = `${thing}s`): string | undefined {
  if (ids.includes(prefix)) return prefix;
  const found = ids.filter((id) => id.startsWith(prefix));
  if (found.length < 2) return prefix === '' ? undefined : found[0];
  throw new AgentError({
    code: 'cli.ambiguous',
    say: `"${prefix}" is the beginning of ${found.length} ${things}: ${found.map((id) => id.slice(0, prefix.length + 4)).join(', ')}. Nothing was done.`,
    fix: 'Give more characters of the one that you mean.',
  });
}
