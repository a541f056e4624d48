/** Lines of small gear as they mean, for whoever watches a port. Pure apart from its own memory. Never throws. */
import { CONTACT_ID_ENDS, CONTACT_ID_LINE_BYTES, readContactId } from './contact-id.js';
import { LineReader } from './lines.js';
import { MEGATEC_END, MEGATEC_LINE_BYTES, readMegatec } from './megatec.js';
import { NMEA_ENDS, NMEA_LINE_BYTES, readNmea } from './nmea.js';

/** The question to a supply, without its end. */
const ASKS = 'Q1';

/** A line that was understood. */
export interface GearLine {
  readonly name: string;
  readonly meaning: string;
}

/** Listens for every language of small gear at once: a watcher need not know what hangs on the port. */
export class GearLines {
  readonly #alarms = new LineReader(CONTACT_ID_ENDS, CONTACT_ID_LINE_BYTES);
  readonly #supply = new LineReader([MEGATEC_END], MEGATEC_LINE_BYTES);
  readonly #sky = new LineReader(NMEA_ENDS, NMEA_LINE_BYTES);

  /** Lines completed by these bytes. */
  push(bytes: Uint8Array): readonly GearLine[] {
    return [
      ...this.#alarms.push(bytes).flatMap((line) => alarmWords(line)),
      ...this.#supply.push(bytes).flatMap((line) => supplyWords(line)),
      ...this.#sky.push(bytes).flatMap((line) => skyWords(line)),
    ];
  }
}

function alarmWords(line: Uint8Array): readonly GearLine[] {
  const said = readContactId(line);
  if (said === undefined) return [];
  if (said === 'alive') return [{ name: 'Contact-ID', meaning: 'sign of life' }];
  const { account, event, kind, meaning, partition, zone } = said;
  return [{ name: 'Contact-ID', meaning: `${account}: ${meaning} (${event}), ${kind}, partition ${partition}, zone ${zone}` }];
}

function supplyWords(line: Uint8Array): readonly GearLine[] {
  if (line.at(-2) === ASKS.charCodeAt(0) && line.at(-1) === ASKS.charCodeAt(1))
    return [{ name: 'Megatec', meaning: 'asks how the power is' }];
  const reading = readMegatec(line);
  if (reading === undefined) return [];
  const { isOnBattery, isBatteryLow, hasFailed, inputVolts, batteryVolts, load } = reading;
  const state = [isOnBattery ? 'on battery' : 'on mains', ...(isBatteryLow ? ['battery low'] : []), ...(hasFailed ? ['failed'] : [])];
  return [
    { name: 'Megatec', meaning: `${state.join(', ')}, mains ${inputVolts} V, battery ${batteryVolts} V, load ${Math.round(load * 100)} %` },
  ];
}

function skyWords(line: Uint8Array): readonly GearLine[] {
  const told = readNmea(line);
  if (told === undefined) return [];
  const { atMs, latitude, longitude, satellites } = told;
  const parts = [
    ...(atMs === undefined ? [] : [new Date(atMs).toISOString()]),
    ...(latitude === undefined || longitude === undefined ? [] : [`${latitude.toFixed(5)}, ${longitude.toFixed(5)}`]),
    ...(satellites === undefined ? [] : [`${satellites} satellites`]),
  ];
  return [{ name: 'NMEA', meaning: parts.length === 0 ? 'no fix' : parts.join(', ') }];
}
