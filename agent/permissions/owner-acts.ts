import { claimedKid, thumbprint } from '../contract/jws.js';
import type { PublicJwk } from '../contract/shapes.js';
import { type Consent, Delegation } from '../contract/statements.js';
import type { Owner, PermissionState } from '../contract/stored.js';
import { sha256Text } from '../contract/text.js';
import type { WithdrawReceipt } from '../contract/views.js';
import { AgentError } from '../kernel/errors.js';
import { deny, NOT_OWNER } from './denial.js';
import { judgeDelegation, judgeNewDevice, judgeRemoval, withDevice, withoutDevice, withUsed } from './devices.js';
import { afterReset, handedOver } from './hand-over.js';
import type { StateKeeper } from './keeper.js';
import type { ClosedSession, PermissionParts } from './ports.js';
import { deviceOf, ownerOf, readAcceptance, readByDevice, readConsent, refuse } from './reading.js';
import { makeReceipt } from './views.js';

/** The first owner, proven by pairing: the key signed the exchange and the consent. */
export interface NewOwner {
  readonly key: PublicJwk;
  readonly kid: string;
  readonly deviceName: string;
  readonly site: string;
  readonly consent: Consent;
  /** The signed consent as it came. */
  readonly consentStatement: string;
}

/** An offer and its acceptance, brought by the device that the offer names. */
export interface HandOverWish {
  readonly key: PublicJwk;
  readonly offer: string;
  readonly accept: string;
  readonly deviceName: string;
}

/** One more device of the owner, by a code. `epoch`: of the moment in which the code was made. */
export interface DeviceByCode {
  readonly key: PublicJwk;
  readonly kid: string;
  readonly deviceName: string;
  readonly epoch: number;
}

/** What a hand-over did: the owner of before, and whether the people of before are to be erased from the log. */
export interface HandedOver {
  readonly receipt: WithdrawReceipt;
  readonly before: Owner;
  readonly erasePeople: boolean;
}

const MOST_REMOVED = 64;
const CODE_VOID = deny(
  'code_void',
  'Since this code was made, everything was withdrawn or handed over; it is void.',
  'Make a new code at the recorder: run "sightline owner code".',
);
const NOT_BY_OWNER = deny(
  'delegation_not_owner',
  'This invitation was not made by one of the owner’s devices.',
  'Make a new invitation on one of the owner’s devices.',
);

/** Everything that changes who the owner is, and by which devices. */
export class OwnerActs {
  readonly #parts: PermissionParts;
  readonly #keeper: StateKeeper;
  /** Devices removed in this run: what they have begun is told why it ends. */
  readonly #removed = new Set<string>();

  constructor(parts: PermissionParts, keeper: StateKeeper) {
    this.#parts = parts;
    this.#keeper = keeper;
  }

  /** Thumbprints of devices that were removed in this run. */
  get removed(): ReadonlySet<string> {
    return this.#removed;
  }

  async install({ key, kid, deviceName, site, consent, consentStatement }: NewOwner): Promise<void> {
    await this.#keeper.widen((state) => {
      if (state.owner !== null) {
        throw new AgentError({ code: 'pairing.owned', say: 'This recorder has an owner.', fix: 'Ask the owner for a hand-over.' });
      }
      const since = this.#parts.clock.now();
      const devices = [{ kid, key, name: deviceName, addedAt: since }];
      return { ...state, owner: { devices, site, consent, consentStatement, since, aimedMs: 0 } };
    });
  }

  async joinByCode({ key, kid, deviceName, epoch }: DeviceByCode): Promise<void> {
    await this.#keeper.widen((state) => {
      ownerOf(state);
      if (state.epoch !== epoch) throw new AgentError(CODE_VOID);
      return this.#withNewDevice(state, { kid, key, name: deviceName });
    });
  }

  async addDevice({ key, name, byKid }: { key: PublicJwk; name: string; byKid?: string | undefined }): Promise<{ kid: string }> {
    const kid = await thumbprint(key);
    await this.#keeper.widen((state) => {
      // A device that is removed while it adds another one adds none.
      if (byKid !== undefined) deviceOf(state, byKid, this.#removed);
      return this.#withNewDevice(state, { kid, key, name });
    });
    return { kid };
  }

  async join({ key, delegation, deviceName }: { key: PublicJwk; delegation: string; deviceName: string }): Promise<{ kid: string }> {
    const kid = await thumbprint(key);
    const byKid = claimedKid(delegation, 'delegate+jws');
    const order = await readByDevice(ownerOf(this.#keeper.state), delegation, 'delegate+jws', Delegation, NOT_BY_OWNER);
    await this.#keeper.widen((state) => {
      const nowAt = this.#parts.clock.now();
      const isByOwner = ownerOf(state).devices.some((device) => device.kid === byKid);
      const isUsed = state.usedDelegations.some((used) => used.id === order.id);
      // First whether the device is there already: who lost the answer asks again with the same invitation.
      const next = this.#withNewDevice(state, { kid, key, name: deviceName });
      refuse(judgeDelegation(order, { nowAt, serial: this.#parts.serial, epoch: state.epoch, isByOwner, isUsed }));
      return { ...next, usedDelegations: withUsed(state.usedDelegations, order, nowAt) };
    });
    return { kid };
  }

  async removeDevice(kid: string): Promise<{ closed: readonly ClosedSession[] }> {
    const { state } = this.#keeper;
    const owner = ownerOf(state);
    refuse(judgeRemoval(owner, kid));
    if (this.#removed.size >= MOST_REMOVED) this.#removed.clear();
    this.#removed.add(kid);
    const closed = this.#keeper.narrow({ ...state, owner: withoutDevice(owner, kid) });
    await this.#keeper.settle();
    return { closed };
  }

  async renewConsent(statement: string, kid: string): Promise<Consent> {
    const { key } = deviceOf(this.#keeper.state, kid, this.#removed);
    const { role } = ownerOf(this.#keeper.state).consent;
    const consent = await readConsent(this.#parts, statement, key, role);
    await this.#keeper.widen((state) => {
      const owner = ownerOf(state);
      deviceOf(state, kid, this.#removed);
      if (owner.consent.role !== role) throw new AgentError(NOT_OWNER);
      return { ...state, owner: { ...owner, consent, consentStatement: statement } };
    });
    return consent;
  }

  async handOver(wish: HandOverWish): Promise<HandedOver> {
    const accepted = await readAcceptance(this.#parts, wish, () => this.#keeper.state);
    const { kid, erasePeople, site, consent, consentStatement } = accepted;
    let done: { readonly before: Owner; readonly epoch: number } | undefined;
    const closed = await this.#keeper.widen((state) => {
      const nowAt = this.#parts.clock.now();
      refuse(accepted.judgeAgain(state, nowAt));
      const devices = [{ kid, key: wish.key, name: wish.deviceName, addedAt: nowAt }];
      const next = handedOver(state, { devices, site, consent, consentStatement, since: nowAt, aimedMs: 0 }, nowAt, erasePeople);
      done = { before: ownerOf(state), epoch: next.epoch };
      return next;
    });
    const { before, epoch } = done ?? { before: ownerOf(this.#keeper.state), epoch: this.#keeper.state.epoch };
    return { receipt: makeReceipt(await sha256Text(wish.accept), epoch, closed), before, erasePeople };
  }

  async reset(): Promise<{ receipt: WithdrawReceipt }> {
    this.#removed.clear();
    const next = afterReset(this.#keeper.state);
    const closed = this.#keeper.narrow(next);
    await this.#keeper.settle();
    return { receipt: makeReceipt(await sha256Text(''), next.epoch, closed) };
  }

  #withNewDevice(state: PermissionState, device: { kid: string; key: PublicJwk; name: string }): PermissionState {
    const owner = ownerOf(state);
    refuse(judgeNewDevice(owner, device.kid));
    return { ...state, owner: withDevice(owner, { ...device, addedAt: this.#parts.clock.now() }) };
  }
}
