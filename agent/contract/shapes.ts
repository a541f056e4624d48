import * as z from 'zod/mini';
import { AgentError } from '../kernel/errors.js';

/** 16 random bytes, base64url. */
export const Id16 = z.string().check(z.regex(/^[A-Za-z0-9_-]{22}$/));
/** SHA-256, base64url. */
export const Hash32 = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));
/** SHA-256 as hex: the form of the operation log's heads and roots. */
export const HexHash = z.string().check(z.regex(/^[0-9a-f]{64}$/));
/** Serial number of a recorder: capital letters and digits, as printed on the label. */
export const Serial = z.string().check(z.regex(/^[A-Z0-9]{6,20}$/));
/** Channel id, `cam-1` and on. */
export const ChannelId = z.string().check(z.regex(/^cam-[1-9][0-9]{0,3}$/));
/** Unix time in milliseconds. */
export const InstantMs = z.int().check(z.gte(0), z.lte(4_102_444_800_000));
/** Compact JWS or JWE of bounded size. */
export const Compact = z.string().check(z.minLength(20), z.maxLength(60_000), z.regex(/^[A-Za-z0-9_.-]+$/));
/** A person's or company's name: one line, no control characters. */
export const PersonName = z.string().check(z.minLength(1), z.maxLength(80), z.regex(/^[^\p{Cc}\p{Zl}\p{Zp}]+$/u));
/** An e-mail address as far as it can be judged without sending to it: one @, no spaces, at most 254 characters (RFC 5321). */
export const Email = z.string().check(z.maxLength(254), z.regex(/^[^\s@<>"]{1,64}@[^\s@<>"]{1,189}$/));
/** Public P-256 key (RFC 7517), and only the members that matter: anything else is refused. */
export const PublicJwk = z.strictObject({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)),
  y: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)),
});
export type PublicJwk = z.infer<typeof PublicJwk>;

/** The ten scopes an owner can give. */
export const SCOPES = [
  'site-information',
  'health',
  'remote-configuration',
  'live-view',
  'listen',
  'playback',
  'ptz',
  'talk',
  'firmware',
  'wifi',
] as const;
/** One thing that may be permitted. */
export const Scope = z.enum(SCOPES);
export type Scope = z.infer<typeof Scope>;

/** Scopes that show or move a camera or change the box for good: the person must have used a second factor within 12 hours. */
export const SECOND_FACTOR_SCOPES: ReadonlySet<Scope> = new Set(['live-view', 'listen', 'playback', 'ptz', 'talk', 'firmware', 'wifi']);
/** Scopes whose grants are short leases (7 days at most): a relay that hides a withdrawal gains no more than this. */
export const LEASE_SCOPES: ReadonlySet<Scope> = new Set(['live-view', 'listen', 'playback', 'ptz', 'talk']);

/**
 * For pages whose content policy forbids making code from text, which shapes are otherwise checked with for speed. Holds for the whole
 * process; called before the first message is read.
 */
export function forbidGeneratedCode(): void {
  z.config({ jitless: true });
}

/**
 * `value` as the schema's type; names the first offending field.
 * @throws AgentError with `code` (default message.invalid)
 */
export function parseShape<T>(schema: z.ZodMiniType<T>, value: unknown, code = 'message.invalid'): T {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const keys = issue !== undefined && 'keys' in issue && Array.isArray(issue.keys) ? `: ${issue.keys.join(', ').slice(0, 80)}` : '';
  const where = issue === undefined || issue.path.length === 0 ? 'the message' : `"${issue.path.join('.')}"`;
  throw new AgentError({
    code,
    say: `In ${where}: ${issue?.message ?? 'not as expected'}${keys}.`,
    fix: 'Correct this field and send it again.',
    detail: { path: issue?.path.join('.') ?? '' },
  });
}
