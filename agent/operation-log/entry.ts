/**
 * The shape of one row of the operation log, and the exact text that is hashed. Pure: runs in Node and in a browser.
 * No row holds a name, an e-mail address or a free text of a person: those live in tables from which they can be erased, and the
 * row holds commitments to them.
 */

/** Anything that JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** Who acted: the site owner, someone of an organisation with a grant, the recorder by itself, or a person standing at it. */
export type ActorKind = 'owner' | 'employee' | 'system' | 'local';
/** The way the wish came in. */
export type EntrySource = 'relay' | 'lan' | 'local' | 'serial' | 'button' | 'system';
/** Where the wall clock's trust comes from: set by network time, a battery clock, or only known to be not before this time. */
export type ClockQuality = 'ntp' | 'rtc' | 'floor';
/** `intent`: committed before acting; `result`: committed before answering, and for what has no intent (a start, a failed login). */
export type EntryPhase = 'intent' | 'result';
/** How it ended: done, not allowed, or allowed but gone wrong. */
export type EntryResult = 'ok' | 'refused' | 'failed';

/** The person behind a row. Written to the `subject` table only. */
export interface Person {
  readonly name: string;
  readonly email: string;
}

/** What a caller knows. Ids only: anything that a person typed (names, SSIDs) belongs into `before` / `after`, which can be erased. */
export interface EntryInput {
  /** `area.verb`, e.g. `live.open`, `config.apply`, `permissions.withdraw`. */
  readonly action: string;
  readonly phase: EntryPhase;
  readonly source: EntrySource;
  readonly actor: ActorKind;
  readonly organisation?: string | undefined;
  readonly grant?: string | undefined;
  /** Authentication methods of the actor's badge (RFC 8176 words). */
  readonly amr?: readonly string[] | undefined;
  readonly site?: string | undefined;
  /** The camera's channel id. */
  readonly channel?: string | undefined;
  readonly scope?: string | undefined;
  /** What was acted on when it is not a channel: a grant id, a firmware version, a port. */
  readonly object?: string | undefined;
  readonly before?: JsonObject | undefined;
  readonly after?: JsonObject | undefined;
  /** The intent's seq, in a result row. */
  readonly intentSeq?: number | undefined;
  /** Only in result rows. */
  readonly result?: EntryResult | undefined;
  /** Reason code, `area.reason`. */
  readonly code?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly durationMs?: number | undefined;
  readonly bytes?: number | undefined;
  /** SHA-256 of the signed command, base64url. */
  readonly commandHash?: string | undefined;
  /** Keyed hash of the address on the local network, base64url: tells two askers apart, never where they are. */
  readonly remote?: string | undefined;
  /** Forces a checkpoint at once, beside the actions that always get one. */
  readonly isSecurity?: boolean | undefined;
}

/** What the log adds by itself. */
export interface EntryStamp {
  readonly seq: number;
  /** UTC, milliseconds since 1970. */
  readonly at: number;
  readonly clock: ClockQuality;
  readonly bootId: string;
  readonly device: string;
  readonly version: string;
  /** 16 bytes base64url: commitment to the person. */
  readonly actorRef?: string | undefined;
  /** 16 bytes base64url: commitment to `before` and `after`. */
  readonly detail?: string | undefined;
  readonly site?: string | undefined;
}

/** A row as hashed. Members that do not apply are absent. */
export interface EntryBody {
  readonly v: 1;
  readonly seq: number;
  readonly at: number;
  readonly clock: ClockQuality;
  readonly boot: string;
  readonly phase: EntryPhase;
  readonly action: string;
  readonly source: EntrySource;
  readonly actor: { readonly kind: ActorKind; readonly ref?: string };
  readonly device: string;
  readonly version: string;
  readonly organisation?: string;
  readonly grant?: string;
  readonly amr?: readonly string[];
  readonly site?: string;
  readonly channel?: string;
  readonly scope?: string;
  readonly object?: string;
  readonly intentSeq?: number;
  readonly result?: EntryResult;
  readonly code?: string;
  readonly sessionId?: string;
  readonly durationMs?: number;
  readonly bytes?: number;
  readonly commandHash?: string;
  readonly remote?: string;
  readonly detail?: string;
}

/** `before` and `after` as kept beside the row; `tooLong` tells the length of what was not kept. */
export interface EntryDetail {
  readonly before?: JsonObject;
  readonly after?: JsonObject;
  readonly tooLong?: number;
}

const LONGEST_TEXT = 256;
const LONGEST_DETAIL = 16_384;
const SECRET_FIELD = /pass(word|wd|phrase)?$|^(psk|pwd|secret|token|key|code|login)$|secret$|psk$/i;
const SECURITY_AREAS: ReadonlySet<string> = new Set([
  'pairing',
  'permissions',
  'owner',
  'security',
  'device',
  'identity',
  'login',
  'firmware',
  'incident',
  'log',
]);

/** Actions after which a signed checkpoint leaves at once: whoever holds it can prove what happened up to there. */
export function isSecurityAction(action: string): boolean {
  return SECURITY_AREAS.has(action.split('.', 1)[0] ?? '');
}

/** What stops others, on a full disk too: its rows may use the space that is held back for it. */
const URGENT_ACTIONS: ReadonlySet<string> = new Set(['permissions.withdraw', 'permissions.cancel', 'incident.open']);

/** Whether this action must leave its row on a full disk. */
export function isUrgentAction(action: string): boolean {
  return URGENT_ACTIONS.has(action);
}

/** The exact text that is hashed and stored. Member order is fixed by this function; a reader must hash the stored text, not this. */
export function encodeBody(input: EntryInput, stamp: EntryStamp): string {
  const body = {
    v: 1,
    seq: stamp.seq,
    at: stamp.at,
    clock: stamp.clock,
    boot: stamp.bootId,
    phase: input.phase,
    action: clip(input.action),
    source: input.source,
    actor: { kind: input.actor, ref: stamp.actorRef },
    device: stamp.device,
    version: stamp.version,
    organisation: clip(input.organisation),
    grant: clip(input.grant),
    amr: input.amr?.slice(0, 8).map((word) => word.slice(0, 32)),
    site: clip(input.site ?? stamp.site),
    channel: clip(input.channel),
    scope: clip(input.scope),
    object: clip(input.object),
    intentSeq: input.intentSeq,
    result: input.result,
    code: clip(input.code),
    sessionId: clip(input.sessionId),
    durationMs: input.durationMs === undefined ? undefined : Math.round(input.durationMs),
    bytes: input.bytes,
    commandHash: clip(input.commandHash),
    remote: clip(input.remote),
    detail: stamp.detail,
  };
  return JSON.stringify(body);
}

/** The stored text as a row, or undefined when it is not one (a row that somebody edited). Checks what display and audit rely on. */
export function decodeBody(text: string): EntryBody | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value.v !== 1 || !Number.isSafeInteger(value.seq) || !Number.isFinite(value.at)) return undefined;
  const texts = [value.clock, value.boot, value.action, value.source, value.device, value.version];
  if (!texts.every((item) => typeof item === 'string')) return undefined;
  if (value.phase !== 'intent' && value.phase !== 'result') return undefined;
  if (!isRecord(value.actor) || typeof value.actor.kind !== 'string') return undefined;
  return value as unknown as EntryBody;
}

/**
 * `before` and `after` as the text kept beside the row, or undefined when there is none. A member whose name says that it is
 * secret becomes "changed" on both sides, whatever its value.
 */
export function encodeDetail(input: EntryInput): string | undefined {
  if (input.before === undefined && input.after === undefined) return undefined;
  const text = JSON.stringify({ before: hideSecrets(input.before), after: hideSecrets(input.after) });
  return text.length > LONGEST_DETAIL ? JSON.stringify({ tooLong: text.length }) : text;
}

/** Reads what `encodeDetail` wrote; undefined when it is not that. */
export function decodeDetail(text: string): EntryDetail | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? (value as EntryDetail) : undefined;
  } catch {
    return undefined;
  }
}

/** One canonical text per person, so that the same person is found again: trimmed, NFC, e-mail in lower case. */
export function canonicalPerson(person: Person): Person {
  return { name: person.name.normalize('NFC').trim().slice(0, LONGEST_TEXT), email: person.email.normalize('NFC').trim().toLowerCase() };
}

function hideSecrets(value: Json | undefined): Json | undefined {
  if (value === undefined || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: Json) => hideSecrets(item) ?? null);
  const out: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    out[key] = SECRET_FIELD.test(key) ? 'changed' : (hideSecrets(item) ?? null);
  }
  return out;
}

function clip<T extends string | undefined>(text: T): T {
  return (text === undefined ? text : text.slice(0, LONGEST_TEXT)) as T;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
