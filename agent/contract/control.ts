import * as z from 'zod/mini';
import { CamerasAdded, CamerasFound, CameraTest, LocalCamera, NewCameras, Presets, PresetToken, SearchWish } from './camera-views.js';
import { DisplayName } from './configuration.js';
import { Day, IncidentClosed, IncidentOpened, LedgerDays, LogKept, LogPeople, Note, PersonErased, RetentionChange } from './log-views.js';
import { ChannelId, Hash32, Id16, InstantMs, Scope, Serial } from './shapes.js';
import { Hours, Operator, Person } from './statements.js';

/**
 * What someone at the recorder may ask of the running agent, over the socket in the state folder: one line of JSON
 * `{"op":"press","args":{},"source":"button"}`, one line back. This table is what the server checks and what the command line reads.
 */

const Text = z.string();

/** How the person at the recorder came: by the command line, or by the button on its front. Stands in the operation log. */
export const ControlSource = z.enum(['local', 'button']);
/** The source as a value. */
export type ControlSource = z.infer<typeof ControlSource>;

/** One request; `args` is checked by the operation's own shape. */
export const ControlRequest = z.strictObject({
  op: z.string().check(z.maxLength(40)),
  args: z.optional(z.unknown()),
  source: z.optional(ControlSource),
});

/** The envelope of an answer: `body` when it was done, otherwise why not, as an AgentError travels. */
export const ControlReply = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), body: z.unknown() }),
  z.strictObject({ ok: z.literal(false), code: Text, say: Text, fix: Text, retryable: z.boolean() }),
]);

/** Reason why a camera is not usable. */
const CameraReason = z.strictObject({ code: Text, say: Text, fix: Text });

/** How the agent is. `clock.isKnown` false: the time was lost and nobody has told it since. */
export const LocalStatus = z.strictObject({
  serial: Serial,
  version: Text,
  now: InstantMs,
  startedAt: InstantMs,
  clock: z.strictObject({ quality: z.enum(['ntp', 'rtc', 'floor']), isKnown: z.boolean() }),
  isPaired: z.boolean(),
  isPairingOpen: z.boolean(),
  /** False: the recorder is set up for another operator than the owner agreed to, and stays silent. */
  isOperatorAgreed: z.boolean(),
  isCloudConnected: z.boolean(),
  verdict: z.strictObject({ level: z.enum(['ok', 'attention', 'act']), sentence: Text }),
  watching: z.int(),
  cameras: z.array(
    z.strictObject({
      id: ChannelId,
      name: Text,
      model: Text,
      state: z.enum(['unknown', 'reachable', 'unauthorized', 'online', 'fault']),
      reason: z.nullable(CameraReason),
    }),
  ),
  serialPorts: z.array(z.strictObject({ path: Text, isOpen: z.boolean(), reason: Text })),
  /**
   * Small gear on ports of its own, and cameras that are moved over the network. `where`: path or address; `say`: how it is, or why it cannot be used;
   * `heardAt`: when it told something last, null for never and where that is not known.
   */
  gear: z.array(
    z.strictObject({
      kind: z.enum(['ups', 'gps', 'alarms', 'receipts', 'network-ptz']),
      where: Text,
      channel: z.nullable(ChannelId),
      isOpen: z.boolean(),
      say: Text,
      heardAt: z.nullable(InstantMs),
    }),
  ),
  /** Messages from outside that were not carried out, by reason code. */
  refusedMessages: z.record(z.string(), z.int()),
});
/** The status as a value. */
export type LocalStatus = z.infer<typeof LocalStatus>;

/**
 * A code that may be used now. `code` and `label` (the text of the QR code) are null when the code on the printed label counts: the recorder
 * does not know it. `openS`: seconds until the window closes.
 */
export const OpenCode = z.strictObject({ serial: Serial, code: z.nullable(Text), label: z.nullable(Text), openS: z.int() });
/** The code as a value. */
export type OpenCode = z.infer<typeof OpenCode>;

/** A code for the label, shown this once. `label`: the text of its QR code. */
export const LabelCode = z.strictObject({ serial: Serial, model: Text, code: Text, label: Text });
/** The label as a value. */
export type LabelCode = z.infer<typeof LabelCode>;

/** A permission as it is shown at the recorder; `endedAt` is null while it is in force. */
export const LocalGrant = z.strictObject({
  id: Id16,
  organisation: Text,
  scopes: z.array(Scope),
  cams: z.nullable(z.array(ChannelId)),
  hours: z.nullable(Hours),
  from: InstantMs,
  until: InstantMs,
  state: z.enum(['in-force', 'withdrawn', 'expired']),
  endedAt: z.nullable(InstantMs),
});
/** The permission as a value. */
export type LocalGrant = z.infer<typeof LocalGrant>;

/** Somebody asks for permission and the owner has not answered yet. */
export const LocalApplication = z.strictObject({
  id: Id16,
  organisation: Text,
  person: Person,
  scopes: z.array(Scope),
  cams: z.nullable(z.array(ChannelId)),
  durationMs: z.int(),
  note: Text,
  at: InstantMs,
});
/** The application as a value. */
export type LocalApplication = z.infer<typeof LocalApplication>;

/** Who may do what. `site` null: nobody owns the recorder, so nobody may do anything. */
export const LocalPermissions = z.strictObject({
  now: InstantMs,
  site: z.nullable(Text),
  grants: z.array(LocalGrant),
  applications: z.array(LocalApplication),
});
/** The permissions as a value. */
export type LocalPermissions = z.infer<typeof LocalPermissions>;

/** What a withdrawal did. `grants`: those that this ended; `lastMediaMs`: from the withdrawal to the last packet, 0 when none left after it. */
export const Withdrawn = z.strictObject({ epoch: z.int(), grants: z.array(Id16), sessionsEnded: z.int(), lastMediaMs: z.number() });
/** The withdrawal as a value. */
export type Withdrawn = z.infer<typeof Withdrawn>;

/** Who owns the recorder; `owner` null: nobody. */
export const LocalOwner = z.strictObject({
  now: InstantMs,
  serial: Serial,
  owner: z.nullable(
    z.strictObject({
      person: Person,
      /** `installer`: he set the recorder up and hands it over to its owner. */
      role: z.enum(['owner', 'installer']),
      site: Text,
      since: InstantMs,
      consent: z.strictObject({ at: InstantMs, textVersion: Text, isStale: z.boolean(), operator: z.nullable(Operator) }),
      devices: z.array(z.strictObject({ kid: Hash32, name: Text, addedAt: InstantMs })),
    }),
  ),
  /** With whom the recorder is set up to speak; null: no cloud. */
  operator: z.nullable(Operator),
  isOperatorAgreed: z.boolean(),
});
/** The owner as a value. */
export type LocalOwner = z.infer<typeof LocalOwner>;

/** One of the owner's devices is gone, with what ran for it. */
export const DeviceRemoved = z.strictObject({ kid: Hash32, name: Text, sessionsEnded: z.int(), devicesLeft: z.int() });
/** The removal as a value. */
export type DeviceRemoved = z.infer<typeof DeviceRemoved>;

/** What a reset took away. `left`: what could not be done, one sentence each; empty when everything was. */
export const ResetDone = z.strictObject({
  serial: Serial,
  epoch: z.int(),
  grants: z.int(),
  sessionsEnded: z.int(),
  logins: z.int(),
  people: z.int(),
  left: z.array(Text),
});
/** The reset as a value. */
export type ResetDone = z.infer<typeof ResetDone>;

/** What went over a serial bus. `last`: the number to ask behind the next time. */
export const LocalTraffic = z.strictObject({
  entries: z.array(z.strictObject({ at: InstantMs, direction: z.enum(['in', 'out']), hex: Text, meaning: Text })),
  last: z.int(),
});
/** The traffic as a value. */
export type LocalTraffic = z.infer<typeof LocalTraffic>;

interface ControlOperation<Args, Answer> {
  readonly args: z.ZodMiniType<Args>;
  readonly answer: z.ZodMiniType<Answer>;
  /** Whether it changes something: then it stands in the operation log. */
  readonly isAct: boolean;
  /** After this long without an answer something is wrong. Generous: code making and erasure are slow on a small recorder. */
  readonly limitMs: number;
}

function define<Args, Answer>(
  args: z.ZodMiniType<Args>,
  answer: z.ZodMiniType<Answer>,
  limitMs: number,
  isAct = true,
): ControlOperation<Args, Answer> {
  return { args, answer, limitMs, isAct };
}

const Nothing = z.strictObject({});
const Done = z.strictObject({ isDone: z.literal(true) });
const Axis = z.number().check(z.gte(-1), z.lte(1));
const Cam = z.strictObject({ cam: ChannelId });
const Preset = z.strictObject({ cam: ChannelId, token: PresetToken });
/** Longest movement that one request may ask for: whoever asks may be gone. */
export const LONGEST_MOVE_MS = 5_000;

/** Cameras and what moves them. */
const CAMERAS = {
  cameras: define(Nothing, z.strictObject({ now: InstantMs, cameras: z.array(LocalCamera) }), 10_000, false),
  /** A large network takes its time. */
  'cameras-discover': define(SearchWish, CamerasFound, 180_000),
  'cameras-add': define(NewCameras, CamerasAdded, 120_000),
  'cameras-remove': define(Cam, Done, 30_000),
  'cameras-test': define(Cam, CameraTest, 180_000),
  /** Moves for `forMs`, then stops. Answered when it stands. */
  'ptz-move': define(
    z.strictObject({ cam: ChannelId, pan: Axis, tilt: Axis, zoom: Axis, forMs: z.int().check(z.gte(50), z.lte(LONGEST_MOVE_MS)) }),
    Done,
    30_000,
  ),
  'ptz-stop': define(Cam, Done, 30_000),
  'ptz-presets': define(Cam, Presets, 30_000, false),
  'ptz-goto': define(Preset, Done, 30_000),
  'ptz-home': define(Cam, Done, 30_000),
  'ptz-set-preset': define(
    z.strictObject({ cam: ChannelId, name: DisplayName, token: z.nullable(PresetToken) }),
    z.strictObject({ token: Text }),
    30_000,
  ),
  'ptz-remove-preset': define(Preset, Done, 30_000),
} as const;

const GrantIds = z.array(Id16).check(z.minLength(1), z.maxLength(64));

/** The table: name -> arguments, answer, patience. */
export const CONTROL = {
  status: define(Nothing, LocalStatus, 10_000, false),
  /** The button for 3 s. `newCode`: a fresh code even when a printed label would do. */
  press: define(z.strictObject({ newCode: z.optional(z.boolean()) }), OpenCode, 30_000),
  /** Makes the code that is printed on the label. `again`: although there is one, which is then worth nothing any more. */
  label: define(z.strictObject({ again: z.optional(z.boolean()) }), LabelCode, 30_000),
  permissions: define(Nothing, LocalPermissions, 10_000, false),
  /** Without `ids`: everything, and nothing given before is ever good again. */
  withdraw: define(z.strictObject({ ids: z.optional(GrantIds) }), Withdrawn, 30_000),
  owner: define(Nothing, LocalOwner, 10_000, false),
  /** Opens the window for one more device of the owner that is there. */
  'owner-code': define(Nothing, OpenCode, 30_000),
  'owner-remove': define(z.strictObject({ kid: Hash32 }), DeviceRemoved, 30_000),
  /** Everything of the people of before goes: a log of many people takes its time. */
  reset: define(Nothing, ResetDone, 300_000),
  /** Null: today, by the recorder's clock. */
  ledger: define(z.strictObject({ fromDay: z.nullable(Day), toDay: z.nullable(Day) }), LedgerDays, 10_000, false),
  /** Part of a name or an e-mail address; everybody for the empty text. */
  'log-people': define(z.strictObject({ text: z.string().check(z.maxLength(254)) }), LogPeople, 10_000, false),
  /** Somebody wrote the log, or what it holds about a person (`ref`), to a file: the row says so. The file is written by whoever asks. */
  'log-exported': define(
    z.strictObject({ ref: z.nullable(Id16), details: z.boolean(), people: z.boolean() }),
    z.strictObject({ seq: z.int() }),
    10_000,
  ),
  'log-erase': define(z.strictObject({ ref: Id16 }), PersonErased, 60_000),
  'log-retention': define(RetentionChange, LogKept, 30_000),
  /** What went over a serial bus behind `after`; the first question begins to listen. */
  'serial-traffic': define(z.strictObject({ path: z.string().check(z.maxLength(200)), after: z.int() }), LocalTraffic, 10_000, false),
  'incident-open': define(z.strictObject({ note: Note }), IncidentOpened, 60_000),
  'incident-close': define(z.strictObject({ note: Note }), IncidentClosed, 30_000),
  ...CAMERAS,
} as const;

/** A key of the table. */
export type ControlOp = keyof typeof CONTROL;
/** What an operation takes, after parsing. */
export type ControlArgs<Op extends ControlOp> = z.infer<(typeof CONTROL)[Op]['args']>;
/** What an operation answers. */
export type ControlAnswer<Op extends ControlOp> = z.infer<(typeof CONTROL)[Op]['answer']>;

/** Narrows a text to a known operation. */
export function isControlOp(name: string): name is ControlOp {
  return Object.hasOwn(CONTROL, name);
}

/** The acts themselves, one per operation. */
export type ControlActs = {
  readonly [Op in ControlOp]: (args: ControlArgs<Op>, source: ControlSource) => Promise<ControlAnswer<Op>>;
};

/** Longest answer that is read: many permissions and applications are far below it. */
export const CONTROL_ANSWER_BYTES = 1_048_576;
