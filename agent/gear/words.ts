import type { GpsFix, PanelAlarm } from '../../drivers/port.js';
import type { PowerView } from './ports.js';

/** How gear is, in sentences for a person at the recorder. Pure. */

/** A clock this near to satellite time is right for people. */
const AGREES_MS = 2_000;
const SECOND_MS = 1_000;

/** The power, from what the supply told last. */
export function powerWords(power: Exclude<PowerView, undefined>): string {
  if (power === 'unheard') return 'not heard yet';
  if (power === 'silent') return 'does not answer';
  const { isOnBattery, isBatteryLow, hasFailed, batteryVolts, load, celsius } = power;
  const parts = [
    isOnBattery ? 'mains power is gone, it runs on its battery' : 'mains power is there',
    ...(isBatteryLow ? ['the battery is low'] : []),
    ...(hasFailed ? ['it reports a failure'] : []),
    `battery ${batteryVolts} V`,
    `load ${Math.round(load * 100)} %`,
    ...(celsius === undefined ? [] : [`${Math.round(celsius)} °C`]),
  ];
  return parts.join(', ');
}

/** Place and time. `apartMs`: our clock minus satellite time when the fix came; undefined: no fix now. */
export function fixWords(fix: GpsFix | undefined, apartMs: number | undefined): string {
  if (fix === undefined || apartMs === undefined) return 'no fix; its antenna must see the sky';
  const place = fix.latitude === undefined || fix.longitude === undefined ? 'no place' : placeWords(fix.latitude, fix.longitude);
  const satellites = fix.satellites === undefined ? [] : [`${fix.satellites} satellites`];
  return [place, ...satellites, clockWords(apartMs)].join(', ');
}

function placeWords(latitude: number, longitude: number): string {
  const north = `${Math.abs(latitude).toFixed(5)} ${latitude < 0 ? 'S' : 'N'}`;
  return `${north} ${Math.abs(longitude).toFixed(5)} ${longitude < 0 ? 'W' : 'E'}`;
}

function clockWords(apartMs: number): string {
  const apart = Math.abs(apartMs);
  if (apart < AGREES_MS) return 'the clock agrees with satellite time';
  return `the clock is ${spanWords(apart)} ${apartMs > 0 ? 'ahead of' : 'behind'} satellite time`;
}

function spanWords(ms: number): string {
  const s = Math.round(ms / SECOND_MS);
  if (s < 90) return `${s} s`;
  if (s < 5_400) return `${Math.round(s / 60)} min`;
  return s < 172_800 ? `${Math.round(s / 3_600)} h` : `${Math.round(s / 86_400)} days`;
}

/** The last alarm; undefined: none since the start. */
export function alarmWords(alarm: PanelAlarm | undefined): string {
  if (alarm === undefined) return 'no alarm since the start';
  const { meaning, event, kind, zone } = alarm;
  return `last: ${meaning} (${event}), ${kind}, zone ${zone}`;
}

/** How many receipts came since the start. What stands on them is nobody's business here. */
export function receiptWords(count: number): string {
  return count === 0 ? 'no receipt since the start' : `${count} ${count === 1 ? 'receipt' : 'receipts'} since the start`;
}
