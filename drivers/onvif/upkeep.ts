import * as z from 'zod/mini';
import { type CallOptions, type CameraTime, type CameraTimeChange, type CameraUpkeep, DriverError } from '../port.js';
import { readCameraClock, SYSTEM_DATE_AND_TIME } from './device.js';
import type { LinkCall, OnvifLink } from './link.js';
import { whereLacking } from './patience.js';
import { first, many, read, text } from './shapes.js';
import { sendFirmware } from './upkeep-firmware.js';
import { assertPosixZone, dateTime, hasSummerTime, networkHost } from './upkeep-time.js';
import { escapeXml } from './xml.js';

/** More than this beside the time that was set, and the camera did not take it. */
const TOLERANCE_MS = 10_000;

const Clock = z.object({
  SystemDateAndTime: first(z.object({ DateTimeType: text, DaylightSavings: text, TimeZone: first(z.object({ TZ: text })) })),
});
const Host = z.object({ IPv4Address: text, IPv6Address: text, DNSname: text });
const Ntp = z.object({ NTPInformation: first(z.object({ FromDHCP: text, NTPFromDHCP: many(Host), NTPManual: many(Host) })) });
const Reboot = z.object({ Message: text });

interface ClockSetting extends CameraTime {
  readonly isSummerTime: boolean;
}

async function askServers({ ask }: LinkCall): Promise<readonly string[]> {
  const said = await whereLacking(undefined, async () => read(Ntp, await ask('device', 'GetNTP', '<tds:GetNTP/>'), 'time servers'));
  const ntp = said?.NTPInformation;
  if (ntp === undefined) return [];
  const hosts = ntp.FromDHCP === 'true' ? ntp.NTPFromDHCP : ntp.NTPManual;
  return hosts.map((host) => host.DNSname || host.IPv4Address || host.IPv6Address).filter((host) => host !== '');
}

/** Asked with the login: some cameras tell their time to nobody else. */
async function askClock(call: LinkCall): Promise<Omit<ClockSetting, 'servers'>> {
  const content = await call.ask('device', 'GetSystemDateAndTime', SYSTEM_DATE_AND_TIME);
  const said = read(Clock, content, 'date and time').SystemDateAndTime;
  return {
    atMs: readCameraClock(content),
    zone: said?.TimeZone?.TZ ?? '',
    isNtp: said?.DateTimeType.toUpperCase() === 'NTP',
    isSummerTime: said?.DaylightSavings === 'true',
  };
}

interface ClockRequest {
  readonly zone: string;
  readonly isSummerTime: boolean;
  /** Undefined: by its time servers. */
  readonly atMs: number | undefined;
}

async function setClock({ ask }: LinkCall, { zone, isSummerTime, atMs }: ClockRequest): Promise<void> {
  const body =
    `<tds:SetSystemDateAndTime><tds:DateTimeType>${atMs === undefined ? 'NTP' : 'Manual'}</tds:DateTimeType>` +
    `<tds:DaylightSavings>${isSummerTime}</tds:DaylightSavings>` +
    (zone === '' ? '' : `<tds:TimeZone><tt:TZ>${escapeXml(zone)}</tt:TZ></tds:TimeZone>`) +
    `${atMs === undefined ? '' : dateTime('tds:UTCDateTime', atMs)}</tds:SetSystemDateAndTime>`;
  await ask('device', 'SetSystemDateAndTime', body);
}

async function setServers({ ask }: LinkCall, servers: readonly string[]): Promise<void> {
  const hosts = servers.map((server) => networkHost('tds:NTPManual', server)).join('');
  await ask('device', 'SetNTP', `<tds:SetNTP><tds:FromDHCP>false</tds:FromDHCP>${hosts}</tds:SetNTP>`);
}

/** Compares what the camera says afterwards with what it was told. */
function assertTaken(
  after: Omit<ClockSetting, 'servers'>,
  before: Omit<ClockSetting, 'servers'>,
  wanted: { zone?: string | undefined; atMs: number | undefined },
): void {
  const offMs = wanted.atMs === undefined || after.atMs === undefined ? 0 : Math.abs(after.atMs - wanted.atMs);
  if (offMs > TOLERANCE_MS) {
    throw new DriverError('camera.refused', 'the camera agreed to the time and keeps another one', { detail: { offMs } });
  }
  const isZoneKept = wanted.zone !== undefined && after.zone !== '' && after.zone === before.zone && after.zone !== wanted.zone;
  if (isZoneKept)
    throw new DriverError('camera.refused', 'the camera agreed to the time zone and keeps another one', { detail: { zone: after.zone } });
}

async function changeTime(link: OnvifLink, call: LinkCall, change: CameraTimeChange): Promise<void> {
  if (change.zone !== undefined) assertPosixZone(change.zone);
  const before = await askClock(call);
  const servers = change.ntp ?? [];
  const isNtp = servers.length > 0 || (change.ntp === undefined && change.atMs === undefined && before.isNtp);
  const zone = change.zone ?? before.zone;
  const isSummerTime = change.zone === undefined ? before.isSummerTime : hasSummerTime(change.zone);
  const askedAtMs = link.clock.monotonicMs();
  // Without a time from outside the camera's own goes on.
  const atMs = change.atMs ?? before.atMs ?? link.clock.now();
  const nowMs = (): number => atMs + (link.clock.monotonicMs() - askedAtMs);
  if (servers.length > 0) await setServers(call, servers);
  // Set by hand first where a time was given: it may take long until the time server answers.
  if (!isNtp || change.atMs !== undefined) await setClock(call, { zone, isSummerTime, atMs: nowMs() });
  if (isNtp) await setClock(call, { zone, isSummerTime, atMs: undefined });
  // The login's own time is wrong now. Asking for something else first lets that be noticed: a refusal of the time itself is final.
  await askServers(call);
  assertTaken(await askClock(call), before, { zone: change.zone, atMs: isNtp ? undefined : nowMs() });
}

/** Time, restart and firmware. Sends nothing yet. */
export function openUpkeep(link: OnvifLink): CameraUpkeep {
  const time = async (call: LinkCall): Promise<CameraTime> => {
    const servers = await askServers(call);
    const { atMs, zone, isNtp } = await askClock(call);
    return { atMs, zone, isNtp, servers };
  };
  return {
    time: (options) => link.run(options, time),
    setTime: (change, options) => link.run(options, (call) => changeTime(link, call, change)),
    reboot: (options: CallOptions) =>
      link.run(options, async ({ ask }) => {
        const said = await ask('device', 'SystemReboot', '<tds:SystemReboot/>', { isRepeatable: false });
        return read(Reboot, said, 'answer to a restart').Message;
      }),
    upgradeFirmware: (source, progress, options) => sendFirmware(link, source, progress, options),
  };
}
