import * as z from 'zod/mini';
import { ChannelId, Compact, Hash32, HexHash, Id16, InstantMs, Scope, Serial } from './shapes.js';
import { FootageRange, Hours, Operator, Organisation, Person } from './statements.js';

/** Answers of the recorder, one shape per question. Everything is plain JSON; null means "not known". */

const Text = z.string();
const MaybeText = z.nullable(z.string());
const MaybeNumber = z.nullable(z.number());

/** Why something is not as it should be, and what to do; `code` is a driver's or agent's stable word. */
export const Reason = z.strictObject({ code: Text, say: Text, fix: Text });
export type Reason = z.infer<typeof Reason>;

/** One stream as the camera reports it: pixels, frames per second, kbit/s (0 when it does not say). */
export const StreamInfo = z.strictObject({
  kind: z.enum(['main', 'sub']),
  codec: Text,
  width: z.number(),
  height: z.number(),
  frameRate: z.number(),
  bitrateKbps: z.number(),
});
export type StreamInfo = z.infer<typeof StreamInfo>;

/** One channel. `state` goes from unknown over reachable to online; `reason` is set where a person can mend something. */
export const CameraInfo = z.strictObject({
  id: ChannelId,
  name: Text,
  manufacturer: Text,
  model: Text,
  firmware: Text,
  serial: Text,
  state: z.enum(['unknown', 'reachable', 'unauthorized', 'online', 'fault']),
  reason: z.nullable(Reason),
  streams: z.array(StreamInfo),
  ptz: z.nullable(z.enum(['onvif', 'serial'])),
  lastSeenAt: z.nullable(InstantMs),
  hasLogin: z.boolean(),
  /** What the camera itself complains of now; missing when it does not say. */
  alarms: z.optional(z.array(z.enum(['tamper', 'video-loss', 'hardware-failure']))),
});
export type CameraInfo = z.infer<typeof CameraInfo>;

/** The overview: the recorder, its cameras and who watches which of them now. Cameras outside the asker's grant are left out. */
export const SiteInfo = z.strictObject({
  serial: Serial,
  recorderName: Text,
  model: Text,
  version: Text,
  now: InstantMs,
  startedAt: InstantMs,
  cameras: z.array(CameraInfo),
  watching: z.array(
    z.strictObject({ session: Id16, cam: ChannelId, who: Text, organisation: MaybeText, since: InstantMs, until: InstantMs }),
  ),
});
export type SiteInfo = z.infer<typeof SiteInfo>;

/** What one stream of a camera can be set to; frame rates in frames per second. */
export const EncoderOffer = z.strictObject({
  resolutions: z.array(z.strictObject({ width: z.number(), height: z.number() })),
  frameRate: z.strictObject({ min: z.number(), max: z.number() }),
});
export type EncoderOffer = z.infer<typeof EncoderOffer>;

const Level = z.enum(['ok', 'warn', 'crit']);

/** Health now and before. Ratios 0..1, sizes in bytes; `facts` are the checks behind the verdict. */
export const HealthInfo = z.strictObject({
  now: InstantMs,
  verdict: z.strictObject({ level: z.enum(['ok', 'attention', 'act']), sentence: Text }),
  sample: z.nullable(
    z.strictObject({
      at: InstantMs,
      cpu: MaybeNumber,
      memory: MaybeNumber,
      memoryAvailableBytes: MaybeNumber,
      disk: MaybeNumber,
      diskFreeBytes: MaybeNumber,
      temperatureCelsius: MaybeNumber,
      rssBytes: MaybeNumber,
      uptimeS: MaybeNumber,
      camerasUp: z.number(),
      camerasTotal: z.number(),
    }),
  ),
  facts: z.array(z.strictObject({ fact: Text, object: Text, state: z.enum(['ok', 'warn', 'crit', 'unavailable']), sentence: Text })),
  cameras: z.array(z.strictObject({ id: Text, name: Text, isUp: z.boolean(), lastSeenAt: MaybeNumber, level: Level })),
  machine: z.nullable(
    z.strictObject({ manufacturer: Text, model: Text, os: Text, kernel: Text, cpu: Text, cores: z.number(), memoryBytes: z.number() }),
  ),
  /** Columns of equal length, oldest first; null where there is a gap. */
  history: z.strictObject({
    periodMs: z.number(),
    at: z.array(z.number()),
    cpu: z.array(MaybeNumber),
    memory: z.array(MaybeNumber),
    disk: z.array(MaybeNumber),
    temperatureCelsius: z.array(MaybeNumber),
    rssBytes: z.array(MaybeNumber),
    camerasUp: z.array(MaybeNumber),
  }),
});
export type HealthInfo = z.infer<typeof HealthInfo>;

/** One entry of the operation log as it is shown. `head` (hex) is the chain after this row; a person erased leaves null names. */
export const LogRow = z.strictObject({
  seq: z.int(),
  at: InstantMs,
  clock: Text,
  phase: z.enum(['intent', 'result']),
  action: Text,
  source: Text,
  actor: z.strictObject({ kind: Text, name: MaybeText, email: MaybeText, isErased: z.boolean() }),
  organisation: MaybeText,
  grant: MaybeText,
  channel: MaybeText,
  scope: MaybeText,
  object: MaybeText,
  result: z.nullable(z.enum(['ok', 'refused', 'failed'])),
  code: MaybeText,
  session: MaybeText,
  durationMs: MaybeNumber,
  bytes: MaybeNumber,
  intentSeq: MaybeNumber,
  /** Before and after, secrets already blanked. */
  detail: z.nullable(z.unknown()),
  head: Text,
});
export type LogRow = z.infer<typeof LogRow>;

/** Rows in falling order with the log's size and signed state, so that an app can notice a log that lost rows. */
export const LogPage = z.strictObject({
  rows: z.array(LogRow),
  size: z.int(),
  head: HexHash,
  checkpoint: z.nullable(Compact),
  /** Names of the organisations in the rows, by key thumbprint. */
  organisations: z.record(z.string(), Text),
});
export type LogPage = z.infer<typeof LogPage>;

/** An organisation asks for permission. */
export const Application = z.strictObject({
  id: Id16,
  org: Organisation,
  person: Person,
  scopes: z.array(Scope),
  cams: z.nullable(z.array(ChannelId)),
  durationMs: z.int(),
  note: Text,
  at: InstantMs,
});
export type Application = z.infer<typeof Application>;

/** A grant as owner and organisation see it; `cams` null means every camera, `endedAt` is null while it is in force. */
export const GrantState = z.strictObject({
  id: Id16,
  org: Organisation,
  scopes: z.array(Scope),
  cams: z.nullable(z.array(ChannelId)),
  hours: z.nullable(Hours),
  /** Bounds of the recordings it shows; absent: all of them. */
  footage: z.optional(FootageRange),
  iat: InstantMs,
  exp: InstantMs,
  state: z.enum(['in-force', 'withdrawn', 'expired']),
  endedAt: z.nullable(InstantMs),
});
export type GrantState = z.infer<typeof GrantState>;

/** Everything the owner decides about. `epoch` is what a new grant or withdrawal must name. */
export const PermissionsInfo = z.strictObject({
  epoch: z.int(),
  now: InstantMs,
  /** False: the recorder lost the time and shows no picture to employees until the owner tells it (`owner.tell-time`). */
  isTimeKnown: z.boolean(),
  site: Text,
  owner: Person,
  /** `installer`: the recorder waits to be handed over to its owner. */
  role: z.enum(['owner', 'installer']),
  /** `isStale`: the text has changed since; `operator`: whom the owner agreed to, null for none. */
  consent: z.strictObject({ at: InstantMs, textVersion: Text, isStale: z.boolean(), operator: z.nullable(Operator) }),
  /** With whom the recorder is set up to speak; when it is not the agreed one it does not. Null: no cloud. */
  operator: z.nullable(Operator),
  /** `isThis`: the device that asks. */
  devices: z.array(z.strictObject({ kid: Hash32, name: Text, addedAt: InstantMs, isThis: z.boolean() })),
  applications: z.array(Application),
  grants: z.array(GrantState),
});
export type PermissionsInfo = z.infer<typeof PermissionsInfo>;

/** What an applicant may know: its own applications and grants. */
export const MyPermissions = z.strictObject({
  epoch: z.int(),
  now: InstantMs,
  site: Text,
  pending: z.array(z.strictObject({ id: Id16, scopes: z.array(Scope), at: InstantMs })),
  declined: z.array(z.strictObject({ id: Id16, at: InstantMs })),
  grants: z.array(z.strictObject({ ...GrantState.shape, statement: Compact })),
});
export type MyPermissions = z.infer<typeof MyPermissions>;

/** What an organisation with the `site-information` scope gets of a site, signed by the recorder (site+jws) and sealed to its key. */
export const SiteLetter = z.strictObject({
  v: z.literal(1),
  dev: Serial,
  grant: Id16,
  at: InstantMs,
  recorderName: Text,
  /** What the owner calls the site. No address, no position, no person: they never reach the recorder. */
  site: Text,
  model: Text,
  firmware: Text,
  cameras: z.array(z.strictObject({ id: ChannelId, name: Text, serial: Text, model: Text })),
});
export type SiteLetter = z.infer<typeof SiteLetter>;

/** What a withdrawal did: when it took effect and when the last picture left (ms after it; 0 when none left after it). */
export const WithdrawReceipt = z.strictObject({
  withdraw: Hash32,
  epoch: z.int(),
  closed: z.array(z.strictObject({ session: Id16, cam: ChannelId, lastMediaMs: z.number() })),
  lastMediaMs: z.number(),
});
export type WithdrawReceipt = z.infer<typeof WithdrawReceipt>;

/** The recorder's half of the WebRTC handshake; its fingerprint is what DTLS must present. */
export const LiveAnswer = z.strictObject({
  session: Id16,
  cam: ChannelId,
  sdp: z.string().check(z.maxLength(32_768)),
  fp: z.string().check(z.regex(/^sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}$/)),
  until: InstantMs,
  /** Which of the camera's streams it begins with. */
  stream: z.optional(z.enum(['main', 'sub'])),
  /** Sound may come with it. */
  sound: z.optional(z.boolean()),
  /** To be shown over the picture: who watches. */
  watermark: Text,
});
export type LiveAnswer = z.infer<typeof LiveAnswer>;

/** Why a picture ended, and how much of it there was. `lastMediaMs`: from the end to the last packet, 0 when none left after it. */
export const LiveEnded = z.strictObject({
  session: Id16,
  cam: ChannelId,
  code: Text,
  say: Text,
  fix: Text,
  at: InstantMs,
  lastMediaMs: z.number(),
  durationMs: z.number(),
  bytes: z.number(),
});
export type LiveEnded = z.infer<typeof LiveEnded>;
