import { signStatement } from '../../../../agent/contract/jws.js';
import type { Scope } from '../../../../agent/contract/shapes.js';
import type { Badge, Consent, Grant, Withdraw } from '../../../../agent/contract/statements.js';
import type { PermissionState } from '../../../../agent/contract/stored.js';
import { newId } from '../../../../agent/contract/text.js';
import type { ClosedSession, PermissionStore } from '../../../../agent/permissions/ports.js';
import { Permissions } from '../../../../agent/permissions/service.js';
import type { Ticket } from '../../../../agent/permissions/ticket.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

export const SERIAL = 'SN4F2K7Q9D';
export const MINUTE = 60_000;

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
  /** Sessions that run: session id -> grant id. */
  readonly sessions: Map<string, string>;
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
    endSessions: (grantIds) => {
      const closed: ClosedSession[] = [];
      for (const [session, grantId] of [...rig.sessions]) {
        if (!grantIds.has(grantId)) continue;
        rig.sessions.delete(session);
        closed.push({ session, cam: 'cam-1', lastMediaMs: 0 });
      }
      return closed;
    },
  });
}

/** A recorder whose owner is installed (unless `hasOwner` is false). */
export async function makeRig(hasOwner = true): Promise<PermissionRig> {
  const [owner, org, device] = await Promise.all([newSigningKey(), newSigningKey(), newSigningKey()]);
  const rig: PermissionRig = {
    store: new MemoryStore(),
    clock: new VirtualClock(),
    owner,
    org,
    device,
    sessions: new Map(),
    permissions: undefined as unknown as Permissions,
    restart: async () => {
      rig.permissions = makeService(rig);
      await rig.permissions.start();
    },
  };
  await rig.restart();
  if (hasOwner) await rig.permissions.install(ownerOf(owner, rig.clock.now()));
  return rig;
}

/** What pairing hands over. */
export function ownerOf(key: SigningKey, at: number): Parameters<Permissions['install']>[0] {
  const consent: Consent = {
    v: 1,
    dev: SERIAL,
    text: 'T'.repeat(43),
    lang: 'en',
    ver: '2026-11',
    by: { name: 'Ada Owner', email: 'ada@example.org' },
    method: 'code-relay',
    agreed: ['pairing'],
    notAgreed: [],
    iat: at,
  };
  return { key: key.publicKey, kid: key.signer.kid, site: 'Bakery', consent, consentStatement: 'x'.repeat(40) };
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
    iat: now,
    exp: now + 10 * MINUTE,
    ...change,
  };
}

export const signGrant = (rig: PermissionRig, grant: Grant): Promise<string> => signStatement('grant+jws', grant, rig.owner.signer);

/** Gives a grant and returns it in force. */
export async function give(rig: PermissionRig, change: Partial<Grant> = {}): Promise<Grant> {
  return rig.permissions.grant(await signGrant(rig, newGrant(rig, change)), null);
}

export async function signWithdrawal(rig: PermissionRig, change: Partial<Withdraw>): Promise<string> {
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
  return signStatement('withdraw+jws', order, rig.owner.signer);
}

/** An employee with a good badge who wants this under that grant. */
export function ticketFor(rig: PermissionRig, grantId: string, scope: Scope = 'live-view', channel: string | null = 'cam-1'): Ticket {
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
    exp: now + 11 * 60 * MINUTE,
  };
  return { kind: 'employee', kid: 'K'.repeat(43), person: { name: 'Dana K', email: 'dana@example.org' }, badge, grantId, scope, channel };
}

/** `yes`, or the code of the denial without its area. */
export function verdict(rig: PermissionRig, ticket: Ticket): string {
  const judged = rig.permissions.judge(ticket);
  return judged.ok ? 'yes' : judged.code.replace('permissions.', '');
}

/** A promise and the way to settle it. */
export function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
