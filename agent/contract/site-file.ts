import * as z from 'zod/mini';
import { CameraLogin, DisplayName } from './configuration.js';
import { ChannelId, PersonName } from './shapes.js';
import { GearShape, NetworkPtzShape, SerialBusShape } from './site-serial.js';

/**
 * What an installer or image builder lays down on the recorder before it is paired (JSON, 0600 because it may hold passwords): where
 * the cloud is, cameras that discovery cannot find, logins to try, and what hangs on serial ports.
 */
export const SiteFile = z.strictObject({
  v: z.literal(1),
  cloud: z.optional(
    z.strictObject({
      /** mqtt:// or mqtts:// (ws:// and wss:// where only the web is open). */
      url: z
        .string()
        .check(
          z.maxLength(300),
          z.regex(/^(mqtts?|wss?):\/\/[^\s@]+$/, 'it must begin with mqtt://, mqtts://, ws:// or wss:// and hold no login'),
        ),
      tenant: z.optional(z.string().check(z.regex(/^[a-z0-9-]{1,32}$/))),
      /** Who runs the cloud, by name and region; the owner's consent pins it together with the host. Default: the host's name, and `region`. */
      operator: z.optional(PersonName),
      /** https address where the recorder gets its client certificate; needs mqtts. */
      enrol: z.optional(z.string().check(z.maxLength(300), z.regex(/^https:\/\/[^\s@]+$/))),
      /** For brokers with names and passwords; by default the recorder proves its key. */
      username: z.optional(z.string().check(z.maxLength(128))),
      password: z.optional(z.string().check(z.maxLength(4096))),
      /** Certificate file of the broker's authority, PEM. */
      caFile: z.optional(z.string().check(z.maxLength(300))),
    }),
  ),
  recorderName: z.optional(PersonName),
  region: z.optional(z.string().check(z.regex(/^[A-Z]{2,4}$/))),
  cameras: z.optional(
    z.strictObject({
      discovery: z.optional(z.boolean()),
      /** Own IPv4 addresses from whose networks cameras are looked for; default all. Loopback alone keeps a trial off the network. */
      discoveryAddresses: z.optional(z.array(z.string().check(z.regex(/^[0-9]{1,3}(\.[0-9]{1,3}){3}$/))).check(z.maxLength(16))),
      /** Tried in turn at cameras without a login of their own. */
      logins: z.optional(z.array(CameraLogin).check(z.maxLength(8))),
      /** onvif://host[:port][/path], http:// or https://, without login. */
      add: z.optional(
        z.array(z.strictObject({ address: z.string().check(z.maxLength(300)), login: z.optional(CameraLogin) })).check(z.maxLength(64)),
      ),
      /** Cameras whose picture comes to the recorder by wire: no network address, only what moves them (`serial`) is known here. */
      analogue: z.optional(z.array(z.strictObject({ channel: ChannelId, name: DisplayName })).check(z.maxLength(64))),
    }),
  ),
  /** The door on the local network: page, pairing and commands without a cloud. On by default, port 8443. */
  lan: z.optional(
    z.strictObject({
      isOn: z.optional(z.boolean()),
      port: z.optional(z.int().check(z.gte(0), z.lte(65_535))),
      bindAddress: z.optional(z.string().check(z.maxLength(64), z.regex(/^[0-9a-fA-F:.]+$/))),
    }),
  ),
  serial: z.optional(z.array(SerialBusShape).check(z.maxLength(8))),
  /** Cameras that are moved over the network without ONVIF. */
  networkPtz: z.optional(z.array(NetworkPtzShape).check(z.maxLength(64))),
  /** Small gear on serial ports of its own. */
  gear: z.optional(GearShape),
  /** Recordings that a recorder (or Frigate, or ffmpeg) writes into folders of this machine; those on the cameras themselves need nothing here. */
  recordings: z.optional(
    z.strictObject({
      folders: z
        .array(
          z.strictObject({
            root: z.string().check(z.maxLength(300), z.regex(/^\/[^\0]*$/, 'it must be the whole path of a folder')),
            /** Path below it: {camera}, * and %Y %m %d %H %M %S %s, e.g. {camera}/%Y-%m-%d/%H/%M.%S.mp4 */
            pattern: z.string().check(z.minLength(6), z.maxLength(200)),
            /** IANA name of the zone the paths are written in; default that of this machine. */
            zone: z.optional(z.string().check(z.maxLength(64), z.regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/))),
            /** Which channel the name in the path stands for. */
            cameras: z.record(ChannelId, z.string().check(z.minLength(1), z.maxLength(80))),
          }),
        )
        .check(z.maxLength(8)),
    }),
  ),
  live: z.optional(
    z.strictObject({
      iceServers: z.optional(z.array(z.string().check(z.maxLength(300), z.regex(/^(stun|turns?):\S+$/))).check(z.maxLength(8))),
      bindAddress: z.optional(z.string().check(z.maxLength(64), z.regex(/^[0-9a-fA-F:.]+$/))),
      // Live views at once, for the whole recorder; 4 unless said otherwise, because small boxes do not carry more.
      maxSessions: z.optional(z.int().check(z.minimum(1), z.maximum(64))),
    }),
  ),
});
export type SiteFile = z.infer<typeof SiteFile>;
