import * as z from 'zod/mini';
import { CamerasAdded, CamerasFound, CameraTest, NewCameras, Presets, PresetToken, SearchWish } from './camera-views.js';
import { Applied, Configuration, ConfigurationPatch, DisplayName, Plan } from './configuration.js';
import { ControlArgs, ExportArgs, PlaybackAnswer, PlaybackOpenArgs, PlayerState, Timeline, TimelineArgs } from './footage.js';
import {
  Day,
  ExportPlace,
  IncidentClosed,
  IncidentOpened,
  LedgerDays,
  LogExport,
  LogKept,
  LogPeople,
  LogProof,
  LogVisits,
  Note,
  PersonErased,
  RetentionChange,
  WitnessAnswer,
} from './log-views.js';
import { ChannelId, Compact, Hash32, Id16, InstantMs, PersonName, PublicJwk, SCOPES, Scope } from './shapes.js';
import { Snapshot } from './snapshot.js';
import { Organisation } from './statements.js';
import { EncoderOffer, HealthInfo, LiveAnswer, LogPage, MyPermissions, PermissionsInfo, SiteInfo, WithdrawReceipt } from './views.js';

/**
 * Every operation of the recorder in one table: what it takes, what it answers, who may ask for it, and how the log speaks of it.
 * The router and the portal are made from this table.
 */
export interface Operation<Args, Answer> {
  /**
   * `granted`: the owner, or someone with this scope. `owner`: nobody else. `applicant`: anyone with an organisation's badge. `bearer`: anyone
   * who signs with the key in `args.key`; what gives the right lies in the other arguments.
   */
  readonly who: 'granted' | 'owner' | 'applicant' | 'bearer';
  readonly scope: Scope | null;
  /**
   * `act` is logged before and after; `look` (an employee's, not the owner's own) once per quarter of an hour; `reading`, which shows what others did
   * and who they are, likewise, the owner's own too; `motion` once per 10 s.
   */
  readonly logged: 'act' | 'look' | 'reading' | 'motion';
  readonly args: z.ZodMiniType<Args>;
  readonly answer: z.ZodMiniType<Answer>;
}

const Nothing = z.strictObject({});
const Done = z.strictObject({ isDone: z.literal(true) });
/** What a new key of the owner must know; `deviceKey` is the thumbprint of the recorder's own. */
const OwnerAnswer = z.strictObject({ epoch: z.int(), deviceKey: Hash32, site: z.string() });
const Axis = z.number().check(z.gte(-1), z.lte(1));
/** Longest lease an application may ask for. */
const DurationMs = z.int().check(z.gte(60_000), z.lte(90 * 86_400_000));

function define<Args, Answer>(
  who: Operation<Args, Answer>['who'],
  scope: Scope | null,
  logged: Operation<Args, Answer>['logged'],
  args: z.ZodMiniType<Args>,
  answer: z.ZodMiniType<Answer>,
): Operation<Args, Answer> {
  return { who, scope, logged, args, answer };
}

const ApplyArgs = z.strictObject({
  org: Organisation,
  scopes: z.array(Scope).check(z.minLength(1), z.maxLength(SCOPES.length)),
  cams: z.nullable(z.array(ChannelId).check(z.minLength(1), z.maxLength(64))),
  durationMs: DurationMs,
  note: z.string().check(z.maxLength(300), z.regex(/^[^\p{Cc}]*$/u)),
});
/** `auto`: the recorder begins with the small stream and follows the viewer's line. */
const StreamWish = z.enum(['main', 'sub', 'auto']);
const OpenArgs = z.strictObject({
  cam: ChannelId,
  stream: StreamWish,
  /** The sound too, where the permission has `listen`. */
  sound: z.optional(z.boolean()),
  maxS: z.int().check(z.gte(10), z.lte(3600)),
  sdp: z.string().check(z.minLength(100), z.maxLength(32_768)),
  /** Fingerprint of the viewer's DTLS certificate, as in the SDP; both are signed together. */
  fp: z.string().check(z.regex(/^sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}$/)),
});
const LogArgs = z.strictObject({
  beforeSeq: z.nullable(z.int().check(z.gte(1))),
  limit: z.int().check(z.gte(1), z.lte(200)),
  /** An action, or an area followed by a dot (`security.`); all when it is missing. */
  action: z.optional(z.string().check(z.maxLength(40), z.regex(/^[a-z]+\.[a-z-]*$/))),
});
/** `by`: who kept the checkpoint, the owner's app or the relay; null when none is known yet. */
const WitnessArgs = z.strictObject({ checkpoint: z.nullable(Compact), by: z.enum(['owner', 'relay']) });
const Seq = z.int().check(z.gte(1));
const ProofArgs = z.strictObject({ seq: z.nullable(Seq), earlier: z.nullable(Seq) });
const PeopleArgs = z.strictObject({ text: z.string().check(z.maxLength(254)) });
const DayArgs = z.strictObject({ fromDay: z.nullable(Day), toDay: z.nullable(Day) });
const NoteArgs = z.strictObject({ note: Note });
const JoinArgs = z.strictObject({ key: PublicJwk, delegation: Compact, deviceName: PersonName });
const AcceptArgs = z.strictObject({ key: PublicJwk, offer: Compact, accept: Compact, deviceName: PersonName });
const PatchArgs = z.strictObject({ base: Hash32, patch: ConfigurationPatch });
const StreamArgs = z.strictObject({ cam: ChannelId, stream: z.enum(['main', 'sub']) });
const MoveArgs = z.strictObject({ cam: ChannelId, pan: Axis, tilt: Axis, zoom: Axis });
const CamArgs = z.strictObject({ cam: ChannelId });
const PresetArgs = z.strictObject({ cam: ChannelId, token: PresetToken });
/** `token` null: a new place; otherwise that place is stored anew. */
const SetPresetArgs = z.strictObject({ cam: ChannelId, name: DisplayName, token: z.nullable(PresetToken) });

/** The table itself: name -> who, scope, how it is logged, arguments, answer. */
export const OPERATIONS = {
  'site.get': define('granted', 'site-information', 'look', Nothing, SiteInfo),
  'health.get': define('granted', 'health', 'look', z.strictObject({ sinceMs: z.int().check(z.gte(0), z.lte(86_400_000)) }), HealthInfo),
  'config.get': define('granted', 'remote-configuration', 'look', Nothing, Configuration),
  'config.options': define('granted', 'remote-configuration', 'look', StreamArgs, EncoderOffer),
  'config.plan': define('granted', 'remote-configuration', 'look', PatchArgs, Plan),
  'config.apply': define('granted', 'remote-configuration', 'act', PatchArgs, Applied),
  /** One host, or a network address by address, only for whoever looks after every camera. */
  'cameras.discover': define('granted', 'remote-configuration', 'act', SearchWish, CamerasFound),
  /** For whoever looks after every camera; the answer tells of each address what became of it. */
  'cameras.add': define('granted', 'remote-configuration', 'act', NewCameras, CamerasAdded),
  'cameras.remove': define('granted', 'remote-configuration', 'act', CamArgs, Done),
  /** Asks the camera everything from end to end; pictures are pulled for the test and leave nowhere. */
  'cameras.test': define('granted', 'remote-configuration', 'act', CamArgs, CameraTest),
  /** A still picture: it comes in pieces before the answer (contract/snapshot.ts). */
  'cameras.snapshot': define('granted', 'live-view', 'act', CamArgs, Snapshot),
  'live.open': define('granted', 'live-view', 'act', OpenArgs, LiveAnswer),
  /** Another stream of the camera, from its next intra picture on; the answer tells what plays then. */
  'live.stream': define(
    'granted',
    'live-view',
    'act',
    z.strictObject({ session: Id16, stream: StreamWish }),
    z.strictObject({ stream: z.enum(['main', 'sub']) }),
  ),
  'live.close': define('granted', 'live-view', 'act', z.strictObject({ session: Id16 }), Done),
  /** When something was recorded; without a picture. */
  'playback.timeline': define('granted', 'playback', 'look', TimelineArgs, Timeline),
  'playback.open': define('granted', 'playback', 'act', PlaybackOpenArgs, PlaybackAnswer),
  'playback.control': define('granted', 'playback', 'motion', ControlArgs, PlayerState),
  'playback.close': define('granted', 'playback', 'act', z.strictObject({ session: Id16 }), Done),
  'playback.export': define('granted', 'playback', 'act', ExportArgs, PlaybackAnswer),
  'ptz.move': define('granted', 'ptz', 'motion', MoveArgs, Done),
  'ptz.stop': define('granted', 'ptz', 'motion', CamArgs, Done),
  'ptz.presets': define('granted', 'ptz', 'look', CamArgs, Presets),
  'ptz.goto': define('granted', 'ptz', 'act', PresetArgs, Done),
  'ptz.home': define('granted', 'ptz', 'act', CamArgs, Done),
  'ptz.set-preset': define('granted', 'ptz', 'act', SetPresetArgs, z.strictObject({ token: z.string() })),
  'ptz.remove-preset': define('granted', 'ptz', 'act', PresetArgs, Done),
  'log.list': define('owner', null, 'reading', LogArgs, LogPage),
  'log.witness': define('owner', null, 'look', WitnessArgs, WitnessAnswer),
  'log.proof': define('owner', null, 'look', ProofArgs, LogProof),
  'log.people': define('owner', null, 'reading', PeopleArgs, LogPeople),
  'log.visits': define('owner', null, 'reading', DayArgs, LogVisits),
  /** The whole log with its proofs and names, a piece at a time; `from` null: from the beginning. */
  'log.export': define('owner', null, 'reading', z.strictObject({ from: z.nullable(ExportPlace) }), LogExport),
  'log.erase': define('owner', null, 'act', z.strictObject({ ref: Id16 }), PersonErased),
  'log.kept': define('owner', null, 'look', Nothing, LogKept),
  'log.retention': define('owner', null, 'act', RetentionChange, LogKept),
  'ledger.get': define('owner', null, 'reading', DayArgs, LedgerDays),
  'incident.open': define('owner', null, 'act', NoteArgs, IncidentOpened),
  'incident.close': define('owner', null, 'act', NoteArgs, IncidentClosed),
  'permissions.list': define('owner', null, 'look', Nothing, PermissionsInfo),
  'permissions.grant': define(
    'owner',
    null,
    'act',
    z.strictObject({ grant: Compact, application: z.nullable(Id16) }),
    z.strictObject({ id: Id16 }),
  ),
  'permissions.decline': define('owner', null, 'act', z.strictObject({ application: Id16 }), Done),
  'permissions.withdraw': define('owner', null, 'act', z.strictObject({ statement: Compact }), WithdrawReceipt),
  'owner.add-device': define('owner', null, 'act', z.strictObject({ key: PublicJwk, name: PersonName }), z.strictObject({ kid: Hash32 })),
  'owner.remove-device': define('owner', null, 'act', z.strictObject({ kid: Hash32 }), Done),
  'owner.consent': define('owner', null, 'act', z.strictObject({ consent: Compact }), Done),
  /** The owner's device tells what time it is: a recorder that lost the time asks for it (`isTimeKnown` of the permissions). */
  'owner.tell-time': define('owner', null, 'act', z.strictObject({ at: InstantMs }), Done),
  'owner.join': define('bearer', null, 'act', JoinArgs, OwnerAnswer),
  'owner.accept': define('bearer', null, 'act', AcceptArgs, OwnerAnswer),
  'permissions.apply': define('applicant', null, 'act', ApplyArgs, z.strictObject({ id: Id16 })),
  'permissions.mine': define('applicant', null, 'look', z.strictObject({ org: Organisation }), MyPermissions),
} as const;

/** A key of the table, e.g. `live.open`. */
export type OperationName = keyof typeof OPERATIONS;
/** What an operation takes, after parsing. */
export type ArgsOf<Name extends OperationName> = z.infer<(typeof OPERATIONS)[Name]['args']>;
/** What an operation answers in `Result.body`. */
export type AnswerOf<Name extends OperationName> = z.infer<(typeof OPERATIONS)[Name]['answer']>;

/** Narrows a text from outside to a known operation. */
export function isOperation(name: string): name is OperationName {
  return Object.hasOwn(OPERATIONS, name);
}
