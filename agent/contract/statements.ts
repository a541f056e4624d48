import * as z from 'zod/mini';
import { ChannelId, Email, Hash32, HexHash, Id16, InstantMs, PersonName, PublicJwk, Scope, Serial } from './shapes.js';

const V1 = z.literal(1);

/** Who acts, as they named themselves; stands in the operation log until it is erased there. */
export const Person = z.strictObject({ name: PersonName, email: Email });
export type Person = z.infer<typeof Person>;

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
  method: z.enum(['code-relay', 'code-lan']),
  agreed: z.array(z.enum(['pairing', 'status', 'log-checkpoints'])).check(z.maxLength(8)),
  notAgreed: z.array(Scope).check(z.maxLength(16)),
  iat: InstantMs,
});
export type Consent = z.infer<typeof Consent>;

/** A company that serves sites. Its key, not its name, is what a grant is bound to. */
export const Organisation = z.strictObject({ name: PersonName, key: PublicJwk });
export type Organisation = z.infer<typeof Organisation>;

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

/** What a recorder says of itself to the relay (status+jws, retained). No names, no addresses, no cameras. */
export const Status = z.strictObject({
  v: V1,
  dev: Serial,
  state: z.enum(['online', 'offline']),
  isPaired: z.boolean(),
  /** Challenge of this boot: commands must name it. */
  boot: Id16,
  version: z.string().check(z.maxLength(32)),
  /** Verifies what the recorder signs. */
  key: PublicJwk,
  /** Letters to the recorder are sealed to this key. */
  seal: PublicJwk,
  /** Counters that tell an app to fetch anew. */
  changes: z.strictObject({ permissions: z.int(), cameras: z.int(), config: z.int() }),
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
