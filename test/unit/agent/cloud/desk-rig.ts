import type { Handlers, Origin } from '../../../../agent/cloud/call.js';
import { CommandDesk } from '../../../../agent/cloud/command-desk.js';
import { type Command, CommandEvent, Result } from '../../../../agent/contract/command.js';
import { signStatement, verifyStatement } from '../../../../agent/contract/jws.js';
import type { OperationName } from '../../../../agent/contract/operations.js';
import { openSealed, seal } from '../../../../agent/contract/seal.js';
import { PublicJwk, parseShape } from '../../../../agent/contract/shapes.js';
import type { Badge, Consent, Delegation, Grant, Withdraw } from '../../../../agent/contract/statements.js';
import type { PermissionState } from '../../../../agent/contract/stored.js';
import { newId } from '../../../../agent/contract/text.js';
import type { EntryInput, Person } from '../../../../agent/operation-log/entry.js';
import type { OperationLog } from '../../../../agent/operation-log/ports.js';
import { Permissions } from '../../../../agent/permissions/service.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import { TestLog } from '../../../support/test-log.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

export const SERIAL = 'SN4F2K7Q9D';
export const MINUTE = 60_000;
export const RELAY: Origin = { source: 'relay' };
export const LAN: Origin = { source: 'lan', remote: 'R'.repeat(22) };
export const ADA = { name: 'Ada Owner', email: 'ada@example.org' };
export const DANA = { name: 'Dana K', email: 'dana@example.org' };

interface SealPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: PublicJwk;
}

export async function newSealPair(): Promise<SealPair> {
  const pair = await globalThis.crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits', 'deriveKey']);
  const { kty, crv, x, y } = await globalThis.crypto.subtle.exportKey('jwk', pair.publicKey);
  return { privateKey: pair.privateKey, publicKey: parseShape(PublicJwk, { kty, crv, x, y }) };
}

export function consentOf(change: Partial<Consent> = {}): Consent {
  const agreed: Consent['agreed'] = ['pairing'];
  const text = { text: 'T'.repeat(43), lang: 'en', ver: '2026-11' };
  return {
    v: 1,
    dev: SERIAL,
    ...text,
    by: ADA,
    role: 'owner',
    method: 'code-relay',
    operator: null,
    agreed,
    notAgreed: [],
    iat: 0,
    ...change,
  };
}

/** The authorizer over nothing but memory, with an owner whose one device is `owner`. */
export async function openPermissions(clock: VirtualClock, device: SigningKey, owner: SigningKey): Promise<Permissions> {
  let kept: PermissionState | undefined;
  const permissions = new Permissions({
    serial: SERIAL,
    deviceKey: device.publicKey,
    deviceKid: device.signer.kid,
    store: {
      load: async () => kept,
      save: async (state) => {
        kept = state;
      },
    },
    endSessions: () => [],
    operator: null,
    consentText: 'T'.repeat(43),
    isTimeKnown: () => true,
    clock,
  });
  await permissions.start();
  const { publicKey: key, signer } = owner;
  const consentStatement = 'x'.repeat(40);
  await permissions.install({ key, kid: signer.kid, deviceName: 'Phone', site: 'Bakery', consent: consentOf(), consentStatement });
  return permissions;
}

/** One row as the log got it, and whose. */
export interface Row extends EntryInput {
  readonly person: Person | undefined;
}

/** A log that only notes; `disk` stands before every row. */
export function noteLog(rows: Row[], disk: () => Promise<void>): OperationLog {
  const note = async (entry: EntryInput, person?: Person) => {
    await disk();
    rows.push({ ...entry, person });
    return { seq: rows.length, head: '0'.repeat(64) };
  };
  return {
    append: note,
    intent: async (entry: EntryInput, person?: Person) => ({ ...(await note({ ...entry, phase: 'intent' }, person)), entry, person }),
    result: (intent: { entry: EntryInput; person?: Person }, outcome: object) =>
      note({ ...intent.entry, ...outcome, phase: 'result' }, intent.person),
  } as unknown as OperationLog;
}

/** A desk over real permissions and a log that only notes. */
export interface Desk {
  readonly clock: VirtualClock;
  readonly permissions: Permissions;
  readonly device: SigningKey;
  readonly owner: SigningKey;
  readonly org: SigningKey;
  readonly boot: string;
  readonly rows: Row[];
  readonly refused: string[];
  /** Calls of `onSecurity`. */
  alarms: number;
  /** Whether each answer was one to be kept for an asker who is away. */
  readonly kept: boolean[];
  /** Sealed pieces of pictures that left. */
  readonly shown: string[];
  /** What stands before every piece of a picture: a full line. */
  line: () => Promise<void>;
  /** What a letter that left says, an event. */
  open(letter: string): Promise<CommandEvent>;
  /** What stands before every row: a slow disk. */
  disk: () => Promise<void>;
  up(): number;
  /** A signed and sealed command; `change` wins. */
  letter(op: string, args: unknown, as: SigningKey, change?: Partial<Command>): Promise<{ id: string; text: string }>;
  /** Hands a letter in and opens the answer. */
  post(letter: { id: string; text: string }, from?: Origin): Promise<Result>;
  /** Both, as the owner or under a badge. */
  ask(op: OperationName, args: unknown, as: SigningKey, badge?: Partial<Badge>, from?: Origin): Promise<Result>;
  give(change?: Partial<Grant>): Promise<Grant>;
  withdraw(ids: readonly string[]): Promise<string>;
  badge(holder: SigningKey, change: Partial<Badge>): Promise<string>;
  delegation(change?: Partial<Delegation>, by?: SigningKey): Promise<string>;
}

/** Every operation that is not given does nothing. */
export async function openDesk(handlers: Partial<Handlers> | ((desk: Desk) => Partial<Handlers>) = {}): Promise<Desk> {
  const clock = new VirtualClock();
  const [owner, org, device] = await Promise.all([newSigningKey(), newSigningKey(), newSigningKey()]);
  const [sealKey, replyKey] = await Promise.all([newSealPair(), newSealPair()]);
  const permissions = await openPermissions(clock, device, owner);
  const answers = new Map<string, (letter: string) => void>();
  let n = 0;
  const desk: Desk = {
    ...{ clock, permissions, device, owner, org, boot: newId(), rows: [], refused: [], alarms: 0, disk: async () => undefined },
    ...{ kept: [], shown: [], line: async () => undefined },
    open: async (letter) => verifyStatement(await openSealed(letter, replyKey.privateKey), 'event+jws', device.publicKey, CommandEvent),
    up: () => clock.monotonicMs(),
    letter: async (op, args, as, change = {}) => {
      n += 1;
      const id = newId();
      const at = desk.up();
      const base = { v: 1, dev: SERIAL, boot: desk.boot, at, n, id, op, args, grant: null, badge: null, reply: replyKey.publicKey };
      const signed = await signStatement('cmd+jws', { ...base, ...change }, as.signer);
      return { id, text: await seal(signed, sealKey.publicKey) };
    },
    post: async ({ id, text }, from = RELAY) => {
      const answered = new Promise<string>((resolve) => answers.set(id, resolve));
      await made.receive(id, text, from);
      return verifyStatement(await openSealed(await answered, replyKey.privateKey), 'result+jws', device.publicKey, Result);
    },
    ask: async (op, args, as, badge, from) => {
      const change = badge === undefined ? {} : { grant: badge.grant ?? null, badge: await desk.badge(as, badge) };
      return desk.post(await desk.letter(op, args, as, change), from);
    },
    ...statements(() => desk),
  };
  const own = typeof handlers === 'function' ? handlers(desk) : handlers;
  const made = new CommandDesk({
    serial: SERIAL,
    boot: desk.boot,
    signer: device.signer,
    sealKey: sealKey.privateKey,
    permissions,
    operationLog: noteLog(desk.rows, () => desk.disk()),
    handlers: new Proxy(own, { get: (known, op: OperationName) => known[op] ?? (async () => ({ isDone: true })) }) as Handlers,
    up: () => clock.monotonicMs(),
    reply: async (id, letter, isKept, _to, mayShow) => {
      if (mayShow === undefined) {
        desk.kept.push(isKept);
        return answers.get(id)?.(letter);
      }
      await desk.line();
      mayShow();
      desk.shown.push(letter);
    },
    onRefused: (code) => desk.refused.push(code),
    onSecurity: () => {
      desk.alarms += 1;
    },
    clock,
    log: new TestLog(),
  });
  return desk;
}

/** What owner and organisation sign. */
function statements(desk: () => Desk): Pick<Desk, 'give' | 'withdraw' | 'badge' | 'delegation'> {
  return {
    give: async (change = {}) => {
      const { owner, permissions } = desk();
      return permissions.grant(await signStatement('grant+jws', newGrant(desk(), change), owner.signer), null);
    },
    withdraw: (ids) => {
      const { owner, permissions, clock } = desk();
      const order: Withdraw = { v: 1, id: newId(), dev: SERIAL, epoch: permissions.epoch, ids: [...ids], all: false, iat: clock.now() };
      return signStatement('withdraw+jws', order, owner.signer);
    },
    badge: (holder, change) => {
      const { org, clock } = desk();
      const now = clock.now();
      const times = { authTime: now, iat: now, exp: now + 60 * MINUTE };
      const badge: Badge = { v: 1, org: org.signer.kid, grant: null, key: holder.publicKey, ...DANA, amr: ['mfa'], ...times, ...change };
      return signStatement('badge+jws', badge, org.signer);
    },
    delegation: (change = {}, by = desk().owner) => {
      const { permissions, clock } = desk();
      const now = clock.now();
      const order = { v: 1, id: newId(), dev: SERIAL, epoch: permissions.epoch, iat: now, exp: now + 10 * MINUTE, ...change };
      return signStatement('delegate+jws', order, by.signer);
    },
  };
}

function newGrant({ clock, permissions, device, org }: Desk, change: Partial<Grant>): Grant {
  const now = clock.now();
  const to = { dev: SERIAL, device: device.signer.kid, epoch: permissions.epoch, org: { name: 'Example Security', key: org.publicKey } };
  return { v: 1, id: newId(), ...to, scopes: ['live-view'], cams: null, hours: null, iat: now, exp: now + 60 * MINUTE, ...change };
}

/** A promise and the way to settle it. */
export function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
