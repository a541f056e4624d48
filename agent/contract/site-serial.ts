import * as z from 'zod/mini';
import { ChannelId } from './shapes.js';

/** The part of the site file about serial ports: what moves cameras, and the small gear on ports of its own. */

const PortPath = z.string().check(z.maxLength(200), z.regex(/^\/[\w./:+-]+$/));

const Port = {
  /** Best by /dev/serial/by-id/..., which stays the same when cables change places. */
  path: PortPath,
  baudRate: z.int().check(z.gte(300), z.lte(115_200)),
  parity: z.enum(['none', 'even', 'odd']),
  /** `rts`: an RS-485 adapter that is turned by its RTS line. Default: the adapter turns by itself. */
  direction: z.optional(z.enum(['adapter', 'rts'])),
};

/** VISCA only: steps of the motors in one degree (pan range of the manual divided by its degrees), for models that are not known by their number. */
const StepsPerDegree = z.optional(z.number().check(z.gte(1), z.lte(180)));

/** Cameras that are moved over a serial bus. */
export const SerialBusShape = z.strictObject({
  ...Port,
  /** `pelco-p` counts as its manuals do (camera 1 is 0 on the wire), `pelco-p-direct` sends the number as it is. */
  protocol: z.enum(['pelco-d', 'pelco-p', 'pelco-p-direct', 'visca', 'samsung-t', 'hikvision']),
  stepsPerDegree: StepsPerDegree,
  /** Bus address to channel: `{"1": "cam-1"}`. */
  units: z.record(z.string().check(z.regex(/^(0|[1-9][0-9]{0,2})$/)), ChannelId),
});

/** Cameras that are moved by VISCA over the network (UDP). */
export const NetworkPtzShape = z.strictObject({
  /** An IP address. */
  host: z.string().check(z.maxLength(64), z.regex(/^[0-9a-fA-F:.]+$/)),
  /** Default 52381. */
  port: z.optional(z.int().check(z.gte(1), z.lte(65_535))),
  stepsPerDegree: StepsPerDegree,
  channel: ChannelId,
});

const GearPort = z.strictObject(Port);

/** Gear on ports of its own. */
export const GearShape = z.strictObject({
  /** An uninterruptible power supply that speaks Megatec Q1 (mostly 2400 baud). */
  ups: z.optional(GearPort),
  /** A satellite receiver (NMEA 0183, mostly 4800 or 9600 baud). */
  gps: z.optional(GearPort),
  /** An alarm panel's receiver that prints Contact-ID lines. */
  alarms: z.optional(GearPort),
  /** Tills whose receipts are written beside the picture of a channel. */
  receipts: z.optional(z.array(z.strictObject({ ...Port, channel: ChannelId })).check(z.maxLength(8))),
});
/** The gear as a value. */
export type GearShape = z.infer<typeof GearShape>;
