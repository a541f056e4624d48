import * as z from 'zod/mini';
import { type CameraIdentity, DriverError } from '../port.js';
import { isMissing } from './media-choice.js';
import type { Ask } from './services.js';
import { first, many, number, read, text } from './shapes.js';

const DateTime = z.object({
  Date: z.object({ Year: number, Month: number, Day: number }),
  Time: z.object({ Hour: number, Minute: number, Second: number }),
});
const SystemDateAndTime = z.object({ SystemDateAndTime: z.object({ UTCDateTime: first(DateTime) }) });
const DeviceInformation = z.object({ Manufacturer: text, Model: text, FirmwareVersion: text, SerialNumber: text });

/** Request without parameters; asked of everyone before authentication. */
export const SYSTEM_DATE_AND_TIME = '<tds:GetSystemDateAndTime/>';

/** The camera's clock in ms since 1970, or undefined when it does not tell its UTC time. */
export function readCameraClock(content: unknown): number | undefined {
  const at = read(SystemDateAndTime, content, 'date and time').SystemDateAndTime.UTCDateTime;
  if (at === undefined) return undefined;
  const { Year, Month, Day } = at.Date;
  const { Hour, Minute, Second } = at.Time;
  const parts = [Year, Month, Day, Hour, Minute, Second];
  if (parts.some((part) => part === undefined)) return undefined;
  return Date.UTC(Year ?? 0, (Month ?? 1) - 1, Day ?? 1, Hour ?? 0, Minute ?? 0, Second ?? 0);
}

/** GetDeviceInformation; what a camera leaves out is empty. */
export async function askIdentity(ask: Ask): Promise<CameraIdentity> {
  const said = read(DeviceInformation, await ask('device', 'GetDeviceInformation', '<tds:GetDeviceInformation/>'), 'device information');
  return { manufacturer: said.Manufacturer, model: said.Model, firmware: said.FirmwareVersion, serial: said.SerialNumber };
}

const Protocols = z.object({ NetworkProtocols: many(z.object({ Name: text, Enabled: text, Port: many(number) })) });

/** Port of RTSP by GetNetworkProtocols; undefined when the camera does not tell. */
export async function askRtspPort(ask: Ask): Promise<number | undefined> {
  try {
    const said = read(Protocols, await ask('device', 'GetNetworkProtocols', '<tds:GetNetworkProtocols/>'), 'network protocols');
    const rtsp = said.NetworkProtocols.find(({ Name, Enabled }) => Name.toUpperCase() === 'RTSP' && Enabled !== 'false' && Enabled !== '0');
    return rtsp?.Port.find((port) => port !== undefined && port > 0 && port < 65_536);
  } catch (error) {
    // Some keep this from ordinary users: that is no reason to be without a stream.
    if (!isMissing(error) && !(error instanceof DriverError && error.code === 'camera.unauthorized')) throw error;
    return undefined;
  }
}
