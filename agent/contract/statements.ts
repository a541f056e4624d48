import * as z from 'zod/mini';
import { ChannelId, Compact, Email, Hash32, HexHash, Id16, InstantMs, PersonName, PublicJwk, Scope, Serial } from './shapes.js';

const V1 = z.literal(1);

/** Who acts, as they named themselves; stands in the operation log until it is erased there. */
export const Person = z.strictObject({ name: PersonName, email: Email });
export type Person = z.infer<typeof Person>;

/** Who runs the relay and in which region: pinned by the consent. Another one is not spoken to until the owner consents anew. */
export const Operator = z.strictObject({
  name: PersonName,
  region: z.string().check(z.regex(/^[A-Z]{2,4}$/)),
  /** Host name of the broker, without port. */
  host: z.string().check(z.maxLength(253), z.regex(/^[A-Za-z0-9.:_-]+$/)),
});
export type Operator = z.infer<typeof Operator>;

/** What the owner agreed to when the recorder was paired; signed by the owner (consent+jws), first entry of the operation log. */
export const Consent = z.strictObject({
  v: V1,
  dev: Serial,
  /** SHA-256 of the text that was shown. */
  text: Hash32,
  lang: z.string().check(z.regex(/^[a-z]{2}(-[A-Z]{2})?$/)),
  /** Version of the text. */
  ver: z.string().check(z.regex(/^[0-9]{4}-[0-9]{2}$/)),
  by: Person,
  /** `installer`: somebody who sets the recorder up for an owner who is not there yet; he gets no picture from afar and hands over. */
  role: z.enum(['owner', 'installer']),
  method: z.enum(['code-relay', 'code-lan', 'hand-over', 'renewed']),
  /** Null: the recorder is used without a cloud. */
  operator: z.nullable(Operator),
  agreed: z.array(z.enum(['pairing', 'status', 'log-checkpoints'])).check(z.maxLength(8)),
  notAgreed: z.array(Scope).check(z.maxLength(16)),
  iat: InstantMs,
});
export type Consent = z.infer<typeof Consent>;

/** A company that serves sites. Its key, not its name, is what a grant is bound to. */
export const Organisation = z.strictObject({
  name: PersonName,
  key: PublicJwk,
  /** Site information is sealed to this key; without it none is published for the organisation. */
  seal: z.optional(PublicJwk),
});
export type Organisation = z.infer<typeof Organisation>;

const TimeOfDay = z.string().check(z.regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/));
/** Hours of the week in which a grant counts, in the site's own time. `to` at or before `from` means: into the next day. */
export const Hours = z.strictObject({
  /** IANA time zone, e.g. Europe/Berlin. */
  zone: z.string().check(z.maxLength(64), z.regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/)),
  /** Days on which a window begins; 0 is Sunday. */
  days: z.array(z.int().check(z.gte(0), z.lte(6))).check(z.minLength(1), z.maxLength(7)),
  from: TimeOfDay,
  to: TimeOfDay,
});
export type Hours = z.infer<typeof Hours>;

/** Which recordings a grant shows, by the wall clock of the footage; null: no bound on that side. */
export const FootageRange = z.strictObject({ from: z.nullable(InstantMs), to: z.nullable(InstantMs) });
export type FootageRange = z.infer<typeof FootageRange>;

/** The owner's permission for an organisation (grant+jws). `cams` null means every camera. */
export const Grant = z.strictObject({
  v: V1,
  id: Id16,
  dev: Serial,
  /** Thumbprint of the recorder's key: tells the organisation which recorder the owner means. */
  device: Hash32,
  epoch: z.int().check(z.gte(1)),
  org: Organisation,
  scopes: z.array(Scope).check(z.minLength(1), z.maxLength(16)),
  cams: z.nullable(z.array(ChannelId).check(z.minLength(1), z.maxLength(64))),
  /** Null: at any hour. */
  hours: z.nullable(Hours),
  /** Bounds of what the scope `playback` shows; absent: everything recorded. */
  footage: z.optional(FootageRange),
  iat: InstantMs,
  /** By the recorder's clock. */
  exp: InstantMs,
});
export type Grant = z.infer<typeof Grant>;

/** An organisation's word for its employee (badge+jws), at most 12 hours. `grant` null: only good for applying. */
export const Badge = z.strictObject({
  v: V1,
  org: Hash32,
  grant: z.nullable(Id16),
  key: PublicJwk,
  name: PersonName,
  email: Email,
  /** Authentication methods (RFC 8176): pwd, otp, hwk, mfa ... */
  amr: z.array(z.string().check(z.regex(/^[a-z]{2,8}$/))).check(z.maxLength(8)),
  authTime: InstantMs,
  iat: InstantMs,
  exp: InstantMs,
});
export type Badge = z.infer<typeof Badge>;
/** Longest life of a badge, and oldest second factor that still counts. */
export const BADGE_MAX_MS = 12 * 3_600_000;

/** The owner takes permissions back (withdraw+jws): the named grants, or all of them (then the epoch rises and none of before is good again). */
export const Withdraw = z.strictObject({
  v: V1,
  id: Id16,
  dev: Serial,
  epoch: z.int().check(z.gte(1)),
  ids: z.array(Id16).check(z.maxLength(64)),
  all: z.boolean(),
  iat: InstantMs,
});
export type Withdraw = z.infer<typeof Withdraw>;

/**
 * An organisation calls badges back before they end (cancel+jws): thumbprints of employees' keys. The newest list of an organisation counts
 * alone (`n` rises); a badge lives 12 hours, so a key may leave the list after that.
 */
export const Cancellation = z.strictObject({
  v: V1,
  org: Hash32,
  n: z.int().check(z.gte(1)),
  keys: z.array(Hash32).check(z.maxLength(256)),
  iat: InstantMs,
});
export type Cancellation = z.infer<typeof Cancellation>;

/**
 * Lets whoever holds this text add one device to the owner's (delegate+jws, signed by one of them): carried in a QR code or in the #fragment of
 * a link, never in a query. Good once, and for 15 minutes at most.
 */
export const Delegation = z.strictObject({
  v: V1,
  id: Id16,
  dev: Serial,
  epoch: z.int().check(z.gte(1)),
  iat: InstantMs,
  exp: InstantMs,
});
export type Delegation = z.infer<typeof Delegation>;
/** Longest life of a delegation. */
export const DELEGATION_MAX_MS = 15 * 60_000;

/** The owner offers the recorder to another key (offer+jws). Void with the next epoch, and 7 days after it was made at the latest. */
export const HandOverOffer = z.strictObject({
  v: V1,
  id: Id16,
  dev: Serial,
  epoch: z.int().check(z.gte(1)),
  /** The new owner's key. */
  to: PublicJwk,
  /** Whether the people of before are erased from the operation log with the hand-over. */
  erasePeople: z.boolean(),
  iat: InstantMs,
  exp: InstantMs,
});
export type HandOverOffer = z.infer<typeof HandOverOffer>;
/** Longest life of an offer. */
export const OFFER_MAX_MS = 7 * 86_400_000;

/** The new owner takes the offer (accept+jws, signed by the key that the offer names) and consents. */
export const HandOverAccept = z.strictObject({
  v: V1,
  dev: Serial,
  epoch: z.int().check(z.gte(1)),
  /** SHA-256 of the compact offer+jws. */
  offer: Hash32,
  site: PersonName,
  /** consent+jws by the same key. */
  consent: Compact,
  iat: InstantMs,
});
export type HandOverAccept = z.infer<typeof HandOverAccept>;

/** What a recorder says of itself to the relay (status+jws, retained). No names, no addresses, no cameras. */
export const Status = z.strictObject({
  v: V1,
  dev: Serial,
  state: z.enum(['online', 'offline']),
  isPaired: z.boolean(),
  /** Challenge of this boot: commands must name it. */
  boot: Id16,
  /** Milliseconds since this start when it was signed: commands say when they were made by this clock. */
  up: z.int().check(z.gte(0)),
  version: z.string().check(z.maxLength(32)),
  /** Verifies what the recorder signs. */
  key: PublicJwk,
  /** Letters to the recorder are sealed to this key. */
  seal: PublicJwk,
  /** Counters that tell an app to fetch anew. */
  changes: z.strictObject({ permissions: z.int(), cameras: z.int(), config: z.int(), security: z.int() }),
  /** Clock of the recorder when it was signed. */
  at: InstantMs,
});
export type Status = z.infer<typeof Status>;

/** State of the operation log, for witnesses (checkpoint+jws). Holds no person and no act. */
export const Checkpoint = z.strictObject({ v: V1, device: Serial, size: z.int(), head: HexHash, root: HexHash, at: InstantMs });
export type Checkpoint = z.infer<typeof Checkpoint>;

/** Proves to a broker that the client holds the recorder's key (connect+jws, sent as password). `n` only ever rises. */
export const Connect = z.strictObject({ v: V1, dev: Serial, key: PublicJwk, n: z.int() });
export type Connect = z.infer<typeof Connect>;
