import * as z from 'zod/mini';
import { Compact, Hash32, HexHash, Id16, PublicJwk, Serial } from './shapes.js';

/** One act or question, signed by the person's own key (cmd+jws) and sealed to the recorder. */
export const Command = z.strictObject({
  v: z.literal(1),
  dev: Serial,
  /** The boot challenge from the recorder's status: a command of an earlier boot is stale. */
  boot: Id16,
  /**
   * When it was made, in milliseconds of the recorder's uptime as the sender reckons it (`up` of the newest status, or `detail.up` of a refusal, plus
   * the time since that came). More than 30 s ago: refused, so a relay cannot hold a command back and let it loose later. A sender that
   * heard old news reckons too low, never too high, so nobody's clock need be trusted.
   */
  at: z.int().check(z.gte(0)),
  /** Rises with every command of this key; a repeated or older one is refused. */
  n: z.int().check(z.gte(1)),
  id: Id16,
  op: z.string().check(z.regex(/^[a-z]+\.[a-z-]+$/), z.maxLength(40)),
  args: z.unknown(),
  /** The grant it rests on; null for the owner and for applicants. */
  grant: z.nullable(Id16),
  badge: z.nullable(Compact),
  /** The answer is sealed to this key (fresh for every command). */
  reply: PublicJwk,
});
export type Command = z.infer<typeof Command>;

/** Oldest command that is carried out. */
export const COMMAND_MAX_AGE_MS = 30_000;

/** Why nothing was done, as an AgentError travels: stable `area.reason`, two sentences for a person, facts for a machine. */
export const Refusal = z.strictObject({
  code: z.string().check(z.regex(/^[a-z_-]+\.[a-z0-9_]+$/)),
  say: z.string().check(z.maxLength(600)),
  fix: z.string().check(z.maxLength(600)),
  retryable: z.boolean(),
  detail: z.optional(z.record(z.string(), z.unknown())),
});
export type Refusal = z.infer<typeof Refusal>;

/** Where in the operation log the act stands: after the commit, so the act cannot be lost any more. */
export const LogPosition = z.strictObject({ seq: z.int(), head: HexHash });
export type LogPosition = z.infer<typeof LogPosition>;

/** The recorder's signed answer (result+jws), sealed to the command's reply key. */
export const Result = z.strictObject({
  v: z.literal(1),
  dev: Serial,
  /** SHA-256 of the compact cmd+jws that is answered. */
  cmd: Hash32,
  body: z.nullable(z.unknown()),
  error: z.nullable(Refusal),
  log: z.nullable(LogPosition),
});
export type Result = z.infer<typeof Result>;

/** Something that happens later to what a command began (event+jws), sealed like its answer. */
export const CommandEvent = z.strictObject({
  v: z.literal(1),
  dev: Serial,
  cmd: Hash32,
  event: z.enum(['playback.ended', 'live.ended', 'cameras.picture']),
  body: z.unknown(),
});
export type CommandEvent = z.infer<typeof CommandEvent>;
