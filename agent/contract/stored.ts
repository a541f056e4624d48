import * as z from 'zod/mini';
import { DisplayName, StreamWish } from './configuration.js';
import { ChannelId, Compact, Hash32, Id16, InstantMs, PersonName, PublicJwk, Serial } from './shapes.js';
import { Cancellation, Consent, Grant } from './statements.js';
import { Application } from './views.js';

/** What lies in the state folder, where it is not a table: each document is checked when it is read back. */

/** The recorder's name plate (name-plate.json). Stays the same for the life of the state folder. */
export const NamePlate = z.strictObject({ v: z.literal(1), serial: Serial, manufacturer: z.string(), model: z.string() });
/** The name plate as a value. */
export type NamePlate = z.infer<typeof NamePlate>;

/** What is kept of one verification code; all bytes base64url. */
export const CodeVerifier = z.strictObject({ salt: z.string(), w0: z.string(), L: z.string() });
/** The verifier as a value. */
export type CodeVerifier = z.infer<typeof CodeVerifier>;

/**
 * What the recorder keeps of its codes and of failed tries (pairing.json). `label` is the code printed at the factory, kept for good; `armed`
 * says which code counts now: none after a success, a hand-over and a reset, until a press.
 */
export const CodeRecord = z.strictObject({
  v: z.literal(2),
  label: z.nullable(CodeVerifier),
  once: z.nullable(CodeVerifier),
  armed: z.enum(['none', 'label', 'once']),
  purpose: z.enum(['own', 'join']),
  fails: z.strictObject({ relay: z.int(), lan: z.int() }),
});
/** The record as a value. */
export type CodeRecord = z.infer<typeof CodeRecord>;

/** A grant as the recorder holds it; `ended` null while it may still be in force. */
export const HeldGrant = z.strictObject({
  grant: Grant,
  statement: Compact,
  receivedAt: InstantMs,
  ended: z.nullable(z.strictObject({ at: InstantMs, how: z.enum(['withdrawn', 'expired']) })),
});
/** A held grant as a value. */
export type HeldGrant = z.infer<typeof HeldGrant>;

/** One of the owner's devices: browser keys belong to one place and phones get lost, so the owner is a set of keys. */
export const OwnerDevice = z.strictObject({ kid: Hash32, key: PublicJwk, name: PersonName, addedAt: InstantMs });
/** The device as a value. */
export type OwnerDevice = z.infer<typeof OwnerDevice>;

/** The pinned owner. Any of the devices (at least one) speaks for the owner. */
export const Owner = z.strictObject({
  devices: z.array(OwnerDevice).check(z.minLength(1), z.maxLength(16)),
  site: z.string(),
  consent: Consent,
  consentStatement: Compact,
  since: InstantMs,
  /** Time that an installer has spent aiming cameras while he holds the recorder, ms. */
  aimedMs: z.int(),
});
/** The owner as a value. */
export type Owner = z.infer<typeof Owner>;

/** The owner and the epoch, kept a second time beside the keys (keys/owner.json). */
export const OwnerRecord = z.strictObject({ v: z.literal(1), owner: z.nullable(Owner), epoch: z.int() });
/** The record as a value. */
export type OwnerRecord = z.infer<typeof OwnerRecord>;

/** Everything that decides who may do what: one document, written whole. */
export const PermissionState = z.strictObject({
  v: z.literal(1),
  owner: z.nullable(Owner),
  /** Rises when everything is withdrawn and with a hand-over: grants of a lower epoch are void. */
  epoch: z.int(),
  grants: z.array(HeldGrant),
  applications: z.array(Application),
  declined: z.array(z.strictObject({ id: Id16, org: Hash32, at: InstantMs })),
  /** Grants withdrawn before they were ever received here: they must not come into force afterwards. */
  withdrawnAhead: z.array(Id16),
  /** Delegations that were used; kept until they have run out. */
  usedDelegations: z.array(z.strictObject({ id: Id16, exp: InstantMs })),
  /** The newest list of called-back badges per organisation. */
  cancelled: z.array(Cancellation),
  /** A hand-over or reset asked for the people of before to be erased and it is not done yet: done at the latest with the next start. */
  erasureDue: z.boolean(),
});
/** The document as a value. */
export type PermissionState = z.infer<typeof PermissionState>;

const Facts = z.strictObject({ name: z.string(), manufacturer: z.string(), model: z.string(), firmware: z.string(), serial: z.string() });

/** The channels of this recorder. */
export const ChannelDocument = z.strictObject({
  version: z.literal(1),
  nextNumber: z.int(),
  channels: z.array(
    z.strictObject({
      ...{ id: z.string(), endpoint: z.string(), deviceUri: z.string(), name: z.string(), known: Facts },
      source: z.optional(z.string()),
      loginAt: z.optional(z.string()),
    }),
  ),
  removed: z.array(z.string()),
});

/** What people want of one camera; null where nobody said anything from here. */
export const CameraWish = z.strictObject({
  name: z.nullable(DisplayName),
  main: z.nullable(StreamWish),
  sub: z.nullable(StreamWish),
});
/** The wish as a value. */
export type CameraWish = z.infer<typeof CameraWish>;

/**
 * The configuration as it is stored: wishes, each written only after the camera confirmed it. What is reported is never taken from here
 * but from what the cameras say; only the recorder's own name (null until a person gave one) lives here alone.
 */
export const ConfigDocument = z.strictObject({
  v: z.literal(1),
  recorderName: z.nullable(DisplayName),
  cameras: z.record(ChannelId, CameraWish),
});
/** The document as a value. */
export type ConfigDocument = z.infer<typeof ConfigDocument>;

/** A camera's login, sealed with the recorder's master key. */
export const SealedLogin = z.strictObject({ user: z.string(), sealed: z.string() });

/** Grants for which site information lies at the relay, or may lie there. */
export const SiteLettersLeft = z.strictObject({ v: z.literal(1), grants: z.array(Id16) });

/** How long the operation log is kept, as the owner chose. */
export const Retention = z.strictObject({ days: z.int(), rows: z.int(), isHeld: z.boolean() });

/** An incident that was opened and not closed yet; null: none. `wasHeld`: the log was on hold before it, and stays so after. */
export const IncidentState = z.strictObject({
  v: z.literal(1),
  openSince: z.nullable(InstantMs),
  seq: z.int(),
  wasHeld: z.optional(z.boolean()),
});

const Text = z.string();
const Detail = z.record(Text, z.json());

/** Rows of the operation log about what was stopped while none could be written (`at`): each is written as soon as that is possible. */
export const OwedRows = z.strictObject({
  v: z.literal(1),
  rows: z.array(
    z.strictObject({
      at: InstantMs,
      actorRef: z.optional(Id16),
      entry: z.strictObject({
        action: Text,
        phase: z.literal('result'),
        source: z.enum(['relay', 'lan', 'local', 'serial', 'button', 'system']),
        actor: z.enum(['owner', 'employee', 'system', 'local']),
        organisation: z.optional(Text),
        grant: z.optional(Text),
        amr: z.optional(z.array(Text)),
        site: z.optional(Text),
        channel: z.optional(Text),
        scope: z.optional(Text),
        object: z.optional(Text),
        before: z.optional(Detail),
        after: z.optional(Detail),
        intentSeq: z.optional(z.int()),
        result: z.optional(z.enum(['ok', 'refused', 'failed'])),
        code: z.optional(Text),
        sessionId: z.optional(Text),
        durationMs: z.optional(z.number()),
        bytes: z.optional(z.int()),
        commandHash: z.optional(Text),
        remote: z.optional(Text),
        isSecurity: z.optional(z.boolean()),
      }),
    }),
  ),
});
/** The rows as a value. */
export type OwedRows = z.infer<typeof OwedRows>;

/**
 * The latest instant this recorder is sure to have passed: time never runs backward, not even with an empty clock battery. `mayBeMs`: how much later
 * it may have been when the power went. `machine`: the start of the machine in which this was written, and how long that had been up.
 */
export const ClockFloor = z.strictObject({
  at: InstantMs,
  mayBeMs: z.optional(z.int()),
  machine: z.optional(z.strictObject({ boot: z.string(), upMs: z.number() })),
});
/** The document as a value. */
export type ClockFloor = z.infer<typeof ClockFloor>;

/** Rows whose readers check them themselves. */
export const Unchecked = z.unknown();
