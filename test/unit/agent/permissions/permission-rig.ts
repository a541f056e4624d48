import { signStatement } from '../../../../agent/contract/jws.js';
import type { Scope } from '../../../../agent/contract/shapes.js';
import type {
  Badge,
  Cancellation,
  Consent,
  Delegation,
  Grant,
  HandOverAccept,
  HandOverOffer,
  Operator,
  Withdraw,
} from '../../../../agent/contract/statements.js';
import type { PermissionState } from '../../../../agent/contract/stored.js';
import { newId, sha256Text } from '../../../../agent/contract/text.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { ClosedSession, PermissionStore } from '../../../../agent/permissions/ports.js';
import { Permissions } from '../../../../agent/permissions/service.js';
import type { Ticket, Way } from '../../../../agent/permissions/ticket.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

export const SERIAL = 'SN4F2K7Q9D';
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const CONSENT_TEXT = 'T'.repeat(43);
export const OPERATOR: Operator = { name: 'Example Relay', region: 'EU', host: 'relay.example.org' };

/** Memory that survives a restart of the service, and that a test can hold back or break. */
export class MemoryStore implements PermissionStore {
  #kept: string | undefined;
  saves = 0;
  beforeSave: () => Promise<void> = async () => undefined;

  async load(): Promise<PermissionState | undefined> {
    return this.#kept === undefined ? undefined : (JSON.parse(this.#kept) as PermissionState);
  }

  async save(state: PermissionState): Promise<void> {
    // The state as it was when the save was asked for: that is what a real one writes.
    const text = JSON.stringify(state);
    await this.beforeSave();
    this.#kept = text;
    this.saves += 1;
  }
}

export interface PermissionRig {
  readonly store: MemoryStore;
  readonly clock: VirtualClock;
  readonly owner: SigningKey;
  readonly org: SigningKey;
  readonly device: SigningKey;
  /** Sessions that run: session id -> the ticket they were opened with, or the id of the grant for an employee with a fresh badge. */
  readonly sessions: Map<string, string | Ticket>;
  /** What the recorder is set up with; a change counts with the next restart. */
  setup: { operator: Operator | null; consentText: string };
  isTimeKnown: boolean;
  permissions: Permissions;
  /** A new service over what the store holds. */
  restart(): Promise<void>;
}

function makeService(rig: PermissionRig): Permissions {
  return new Permissions({
    serial: SERIAL,
    deviceKey: rig.device.publicKey,
    deviceKid: rig.device.signer.kid,
    store: rig.store,
    clock: rig.clock,
    ...rig.setup,
    isTimeKnown: () => rig.isTimeKnown,
    endSessions: (isOver) => {
      const closed: ClosedSession[] = [];
      for (const [session, held] of [...rig.sessions]) {
        if (!isOver(typeof held === 'string' ? sessionTicket(rig, held) : held)) continue;
        rig.sessions.delete(session);
        closed.push({ session, cam: 'cam-1', lastMediaMs: 0 });
      }
      return closed;
    },
  });
}

function sessionTicket(rig: PermissionRig, grantId: string): Ticket {
  return ticketFor(rig, grantId, rig.permissions.findGrant(grantId)?.scopes[0] ?? 'live-view', null);
}

/** Of the owner, the organisation and the recorder. */
export type RigKeys = readonly [owner: SigningKey, org: SigningKey, device: SigningKey];

/** A recorder whose owner is installed (unless `hasOwner` is false). */
export async function makeRig(hasOwner = true, role: Consent['role'] = 'owner', keys?: RigKeys): Promise<PermissionRig> {
  const [owner, org, device] = keys ?? (await Promise.all([newSigningKey(), newSigningKey(), newSigningKey()]));
  const rig: PermissionRig = {
    store: new MemoryStore(),
    clock: new VirtualClock(),
    owner,
    org,
    device,
    sessions: new Map(),
    setup: { operator: OPERATOR, consentText: CONSENT_TEXT },
    isTimeKnown: true,
    permissions: undefined as unknown as Permissions,
    restart: async () => {
      rig.permissions = makeService(rig);
      await rig.permissions.start();
    },
  };
  await rig.restart();
  if (hasOwner) await rig.permissions.install(ownerOf(owner, rig.clock.now(), { role }));
  return rig;
}

export function consentAt(at: number, change: Partial<Consent> = {}): Consent {
  return {
    v: 1,
    dev: SERIAL,
    text: CONSENT_TEXT,
    lang: 'en',
    ver: '2026-11',
    by: { name: 'Ada Owner', email: 'ada@example.org' },
    role: 'owner',
    method: 'code-relay',
    operator: OPERATOR,
    agreed: ['pairing'],
    notAgreed: [],
    iat: at,
    ...change,
  };
}

/** What pairing hands over. */
export function ownerOf(key: SigningKey, at: number, change: Partial<Consent> = {}): Parameters<Permissions['install']>[0] {
  const consent = consentAt(at, change);
  return {
    key: key.publicKey,
    kid: key.signer.kid,
    deviceName: 'Ada’s phone',
    site: 'Bakery',
    consent,
    consentStatement: 'x'.repeat(40),
  };
}

export function newGrant(rig: PermissionRig, change: Partial<Grant> = {}): Grant {
  const now = rig.clock.now();
  return {
    v: 1,
    id: newId(),
    dev: SERIAL,
    device: rig.device.signer.kid,
    epoch: rig.permissions.epoch,
    org: { name: 'Example Security', key: rig.org.publicKey },
    scopes: ['live-view'],
    cams: null,
    hours: null,
    iat: now,
    exp: now + 10 * MINUTE,
    ...change,
  };
}

export const signGrant = (rig: PermissionRig, grant: Grant, by = rig.owner): Promise<string> =>
  signStatement('grant+jws', grant, by.signer);

/** Gives a grant and returns it in force. */
export async function give(rig: PermissionRig, change: Partial<Grant> = {}, by = rig.owner): Promise<Grant> {
  return rig.permissions.grant(await signGrant(rig, newGrant(rig, change), by), null);
}

export async function signWithdrawal(rig: PermissionRig, change: Partial<Withdraw>, by = rig.owner): Promise<string> {
  const order: Withdraw = {
    v: 1,
    id: newId(),
    dev: SERIAL,
    epoch: rig.permissions.epoch,
    ids: [],
    all: false,
    iat: rig.clock.now(),
    ...change,
  };
  return signStatement('withdraw+jws', order, by.signer);
}

export function signDelegation(rig: PermissionRig, change: Partial<Delegation> = {}, by = rig.owner): Promise<string> {
  const iat = rig.clock.now();
  const order: Delegation = { v: 1, id: newId(), dev: SERIAL, epoch: rig.permissions.epoch, iat, exp: iat + 15 * MINUTE, ...change };
  return signStatement('delegate+jws', order, by.signer);
}

export function signConsent(rig: PermissionRig, change: Partial<Consent> = {}, by = rig.owner): Promise<string> {
  return signStatement('consent+jws', consentAt(rig.clock.now(), { method: 'renewed', ...change }), by.signer);
}

export function signOffer(rig: PermissionRig, to: SigningKey, change: Partial<HandOverOffer> = {}, by = rig.owner): Promise<string> {
  const iat = rig.clock.now();
  const times = { iat, exp: iat + DAY };
  const offer: HandOverOffer = {
    v: 1,
    id: newId(),
    dev: SERIAL,
    epoch: rig.permissions.epoch,
    to: to.publicKey,
    erasePeople: false,
    ...times,
    ...change,
  };
  return signStatement('offer+jws', offer, by.signer);
}

export async function signAccept(
  rig: PermissionRig,
  offer: string,
  by: SigningKey,
  change: Partial<HandOverAccept> = {},
  consent: Partial<Consent> = {},
): Promise<string> {
  const answer: HandOverAccept = {
    v: 1,
    dev: SERIAL,
    epoch: rig.permissions.epoch,
    offer: await sha256Text(offer),
    site: 'Corner shop',
    consent: await signConsent(rig, { by: { name: 'Bea New', email: 'bea@example.org' }, method: 'hand-over', ...consent }, by),
    iat: rig.clock.now(),
    ...change,
  };
  return signStatement('accept+jws', answer, by.signer);
}

/** The whole hand-over to this key. */
export async function handOver(rig: PermissionRig, to: SigningKey, change: Partial<HandOverOffer> = {}, by = rig.owner) {
  const offer = await signOffer(rig, to, change, by);
  return rig.permissions.handOver({ key: to.publicKey, offer, accept: await signAccept(rig, offer, to), deviceName: 'Bea’s phone' });
}

export function signCancellation(rig: PermissionRig, n: number, keys: readonly string[], by = rig.org, change: Partial<Cancellation> = {}) {
  const list: Cancellation = { v: 1, org: by.signer.kid, n, keys: [...keys], iat: rig.clock.now(), ...change };
  return signStatement('cancel+jws', list, by.signer);
}

/** The key of the employee that `ticketFor` makes out, by thumbprint. */
export const EMPLOYEE = 'K'.repeat(43);

/** An employee with a good badge who wants this under that grant. */
export function ticketFor(
  rig: PermissionRig,
  grantId: string,
  scope: Scope = 'live-view',
  channel: string | null = 'cam-1',
  kid = EMPLOYEE,
): Extract<Ticket, { kind: 'employee' }> {
  const now = rig.clock.now();
  const badge: Badge = {
    v: 1,
    org: rig.org.signer.kid,
    grant: grantId,
    key: rig.org.publicKey,
    name: 'Dana K',
    email: 'dana@example.org',
    amr: ['pwd', 'mfa'],
    authTime: now,
    iat: now,
    exp: now + 11 * HOUR,
  };
  return { kind: 'employee', kid, person: { name: 'Dana K', email: 'dana@example.org' }, badge, grantId, scope, channel };
}

/** One of the owner's devices (or what claims to be one) that wants this. */
export function ownerTicket(key: SigningKey, scope: Scope | null = null, way: Way = 'relay'): Ticket {
  return { kind: 'owner', kid: key.signer.kid, person: { name: 'Ada Owner', email: 'ada@example.org' }, scope, way };
}

/** `yes`, or the code of the denial without its area. */
export function verdict(rig: PermissionRig, ticket: Ticket): string {
  const judged = rig.permissions.judge(ticket);
  return judged.ok ? 'yes' : judged.code.replace('permissions.', '');
}

/** The code with which an act is refused, or `resolved`. What a person reads must be there. */
export async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'resolved';
  } catch (error) {
    if (!(error instanceof AgentError) || error.say.length < 15 || error.fix.length < 10) throw error;
    return error.code;
  }
}

/** A promise and the way to settle it. */
export function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
