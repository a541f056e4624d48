import { claimedKid, thumbprint } from '../contract/jws.js';
import type { PublicJwk } from '../contract/shapes.js';
import { type Consent, Grant, type Organisation, Withdraw } from '../contract/statements.js';
import type { HeldGrant, Owner, OwnerDevice, PermissionState } from '../contract/stored.js';
import { newId, sha256Text } from '../contract/text.js';
import type { Application, MyPermissions, PermissionsInfo, WithdrawReceipt } from '../contract/views.js';
import { AgentError } from '../kernel/errors.js';
import { AimingMeter } from './aiming.js';
import { HeldLists, isCalledBack, ListRate, newestOnly, TOO_MANY_LISTS } from './cancellations.js';
import { endGrants, standing, TOO_MANY_GRANTS, type WithdrawOrder, withApplication, withdrawn, withGrant } from './changes.js';
import { type Denial, deny } from './denial.js';
import { GrantClock } from './grant-clock.js';
import { ANY_HOUR } from './hours.js';
import { StateKeeper } from './keeper.js';
import { type DeviceByCode, type HandedOver, type HandOverWish, type NewOwner, OwnerActs } from './owner-acts.js';
import { type GrantFacts, isPicture, judgeBadge, judgeEmployee, judgeNewGrant, judgeOwner, UNBOUNDED, type Verdict } from './policy.js';
import type { ClosedSession, Effect, PermissionParts } from './ports.js';
import { type CalledBack, deviceOf, ownerOf, readByDevice, readCancellation } from './reading.js';
import type { Ticket } from './ticket.js';
import { isAgreed, makeReceipt, type ViewFacts, viewForOrganisation, viewForOwner } from './views.js';
import { offsetsOf, openingNow } from './zone.js';

/** After a failed save, and as long as memory is narrower than the disk, it is tried again this often. */
const RETRY_MS = 60_000;

/** What a withdrawal did: which grants it ended, and what it says of the sessions. */
export interface Withdrawn {
  readonly ids: readonly string[];
  readonly receipt: WithdrawReceipt;
}

/**
 * The one authorizer: owner, grants, applications, withdrawal, devices and hand-over. The state in memory decides; changes that widen it are durable
 * before they count, changes that narrow it count at once and are durable before they are confirmed (keeper.ts). Signatures are verified async,
 * and what they rest on is looked at again in the tick of the decision.
 */
export class Permissions {
  readonly #parts: PermissionParts;
  readonly #keeper: StateKeeper;
  readonly #listeners = new Set<() => void>();
  readonly #lists = new HeldLists();
  readonly #listRate = new ListRate();
  readonly #aiming: AimingMeter;
  readonly #owners: OwnerActs;
  readonly #grantClock: GrantClock;
  #retryAtMs = 0;

  constructor(parts: PermissionParts) {
    this.#parts = parts;
    this.#keeper = new StateKeeper(parts.store, () => this.#changed());
    this.#owners = new OwnerActs(parts, this.#keeper);
    this.#grantClock = new GrantClock(parts.clock);
    this.#aiming = new AimingMeter(parts.clock.monotonicMs());
  }

  async start(): Promise<void> {
    await this.#keeper.load();
    for (const held of this.#state.grants) this.#grantClock.start(held);
  }

  get owner(): Owner | null {
    return this.#state.owner;
  }

  get epoch(): number {
    return this.#state.epoch;
  }

  /** Whether people of before are still to be erased from the operation log (`erasureDone` ends it). */
  get isErasureDue(): boolean {
    return this.#state.erasureDue;
  }

  /** One of the owner's devices by the thumbprint of its key. */
  ownerDevice(kid: string): OwnerDevice | undefined {
    return this.#state.owner?.devices.find((device) => device.kid === kid);
  }

  /** Whether the owner's consent names whom the recorder is set up to speak with. Without an owner: yes. */
  isOperatorAgreed(): boolean {
    return isAgreed(this.#state.owner, this.#parts.operator);
  }

  /** Called after every change. Returns the way to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The organisation and statement of a held grant, for checking a badge against it; undefined for an id that was never given. */
  findGrant(id: string): Grant | undefined {
    return this.#held(id)?.grant;
  }

  /** Whether this ticket holds now. Synchronous and cheap: asked at the moment of every act. */
  judge(ticket: Ticket): Verdict {
    const nowAt = this.#parts.clock.now();
    if (ticket.kind === 'bearer') return UNBOUNDED;
    if (ticket.kind === 'owner') {
      const { owner } = this.#state;
      return judgeOwner({
        nowAt,
        isDevice: this.ownerDevice(ticket.kid) !== undefined,
        wasRemoved: this.#owners.removed.has(ticket.kid),
        isInstallerHeld: owner?.consent.role === 'installer',
        aimingLeftMs: this.#aiming.leftMs(owner?.aimedMs ?? 0),
        scope: ticket.scope,
        way: ticket.way,
      });
    }
    const { badge, kid } = ticket;
    const org = ticket.kind === 'applicant' ? ticket.orgKid : badge.org;
    const isCancelled = isCalledBack(this.#state.cancelled, org, kid);
    const facts = { nowAt, isTimeKnown: this.#parts.isTimeKnown(), isCancelled };
    if (ticket.kind === 'applicant') return judgeBadge(badge, null, facts) ?? UNBOUNDED;
    const held = this.#factsOf(ticket.grantId, nowAt);
    return judgeEmployee({ ...facts, epoch: this.#state.epoch, scope: ticket.scope, channel: ticket.channel, held, badge });
  }

  /** Pins the owner, once. @throws AgentError pairing.owned */
  install(owner: NewOwner): Promise<void> {
    return this.#owners.install(owner);
  }

  /** One more device of the owner, by the code that was armed for it. @throws AgentError permissions.no_owner | code_void | device_known | too_many_devices */
  joinByCode(device: DeviceByCode): Promise<void> {
    return this.#owners.joinByCode(device);
  }

  /**
   * One more device of the owner, added on one that is. `byKid`: the device that asks, which must be the owner's until it is done.
   * @throws AgentError permissions.no_owner | not_owner | device_removed | device_known | too_many_devices
   */
  addDevice(device: { readonly key: PublicJwk; readonly name: string; readonly byKid?: string | undefined }): Promise<{ kid: string }> {
    return this.#owners.addDevice(device);
  }

  /**
   * One more device of the owner, by a delegation that one of them signed; good once. @throws AgentError permissions.delegation_not_owner |
   * delegation_void | delegation_used | delegation_expired | delegation_too_long | other_recorder | device_known | too_many_devices | signature.*
   */
  join(device: { readonly key: PublicJwk; readonly delegation: string; readonly deviceName: string }): Promise<{ kid: string }> {
    return this.#owners.join(device);
  }

  /**
   * Takes a device away. Counts in this tick: what it signed and is not decided yet is refused, what runs under it ends. Grants that it gave
   * are the owner's and stay. @throws AgentError permissions.no_owner | no_such_device | last_device
   */
  removeDevice(kid: string): Promise<{ closed: readonly ClosedSession[] }> {
    return this.#owners.removeDevice(kid);
  }

  /**
   * The owner agrees anew: to a changed text, or to another operator. `kid`: the device that asks. @throws AgentError permissions.consent_other_text |
   * consent_other_operator | consent_role | other_recorder | not_owner | device_removed | signature.*
   */
  renewConsent(statement: string, kid: string): Promise<Consent> {
    return this.#owners.renewConsent(statement, kid);
  }

  /**
   * The recorder goes over to another owner: one durable change, and in the tick in which it counts nothing of before runs any more.
   * @throws AgentError permissions.offer_* | accept_other_offer | consent_* | other_recorder | no_owner | signature.*
   */
  handOver(wish: HandOverWish): Promise<HandedOver> {
    return this.#owners.handOver(wish);
  }

  /** Somebody in front of the recorder makes it nobody's: owner, grants and all are gone in this tick. Doing it twice is harmless. */
  reset(): Promise<{ receipt: WithdrawReceipt }> {
    this.#aiming.clear();
    return this.#owners.reset();
  }

  /**
   * The people of before are erased from the operation log. `since`: the owner's when that began, null without one; whoever has taken the owner's
   * place meanwhile (a reset, another hand-over) may have asked for an erasure of his own, which stays due.
   */
  async erasureDone(since: number | null): Promise<void> {
    await this.#keeper.widen((state) => (since !== null && state.owner?.since !== since ? state : { ...state, erasureDue: false }));
  }

  /**
   * An organisation calls badges back: from this tick on nothing is done under them. Its newest list counts alone; the same one again is no error
   * and changes nothing. `onEffect`: told in that tick that it counts, whether or not it can be stored afterwards.
   * @throws AgentError permissions.unknown_organisation | stale_cancellation | too_many_cancellations | signature.*
   */
  async cancelBadges(
    statement: string,
    onEffect?: (effect: CalledBack & Pick<Effect, 'closed'>) => void,
  ): Promise<CalledBack & { readonly isNew: boolean; readonly closed: readonly ClosedSession[] }> {
    const { list, told, judgeAgain } = await readCancellation(statement, () => this.#state);
    const judged = judgeAgain(this.#state);
    if (typeof judged !== 'string') throw new AgentError(judged);
    const isNew = judged === 'new';
    if (isNew && !this.#listRate.take(told.org, this.#parts.clock.monotonicMs())) throw new AgentError(TOO_MANY_LISTS);
    // First both lists count, at once. Whom the new one leaves out is good again only when it is durable.
    const closed = isNew ? this.#keeper.narrow({ ...this.#state, cancelled: [...this.#state.cancelled, list] }) : [];
    if (isNew) onEffect?.({ ...told, closed });
    if (this.#keeper.isDirty) await this.#keeper.widen((state) => ({ ...state, cancelled: newestOnly(state.cancelled) }));
    return { ...told, isNew, closed };
  }

  /** An organisation asks; a newer application of the same person replaces the older one. @throws AgentError permissions.no_owner */
  async apply(wish: Omit<Application, 'id' | 'at'>): Promise<Application> {
    const application: Application = { ...wish, id: newId(), at: this.#parts.clock.now() };
    const { epoch } = this.#state;
    await this.#keeper.widen((state) => {
      ownerOf(state);
      // Everything was withdrawn while it was being written: then it is gone with the others.
      return state.epoch === epoch ? { ...state, applications: withApplication(state, application) } : state;
    });
    return application;
  }

  /** @throws AgentError permissions.no_such_application */
  async decline(id: string): Promise<Application> {
    const find = (state: PermissionState): Application => {
      const found = state.applications.find((known) => known.id === id);
      if (found === undefined) throw new AgentError(NO_SUCH_APPLICATION);
      return found;
    };
    const application = find(this.#state);
    const declined = { id, org: await thumbprint(application.org.key), at: this.#parts.clock.now() };
    await this.#keeper.widen((state) => {
      const asked = find(state);
      const applications = state.applications.filter((known) => known !== asked);
      return { ...state, applications, declined: [...state.declined.slice(-31), declined] };
    });
    return application;
  }

  /** Takes a grant into force; the application it answers is done with. @throws AgentError permissions.* | signature.* */
  async grant(statement: string, application: string | null): Promise<Grant> {
    const byKid = claimedKid(statement, 'grant+jws');
    const grant = await readByDevice(ownerOf(this.#state), statement, 'grant+jws', Grant);
    await this.#keeper.widen((state, isAgain) => {
      const nowAt = this.#parts.clock.now();
      deviceOf(state, byKid, this.#owners.removed);
      const denial = this.#judgeNewGrant(grant, state, nowAt);
      // Withdrawn while it was being written: it is kept as what it is, so that both sides can see it.
      const isOver = isAgain && denial?.code === 'permissions.withdrawn';
      if (denial !== undefined && !isOver) throw new AgentError(denial);
      const held: HeldGrant = { grant, statement, receivedAt: nowAt, ended: isOver ? { at: nowAt, how: 'withdrawn' } : null };
      const next = withGrant(state, held, application, nowAt);
      if (next === undefined) throw new AgentError(TOO_MANY_GRANTS);
      this.#grantClock.start(held);
      return next;
    });
    return grant;
  }

  /**
   * The owner takes permissions back. Counts in this tick (before anything is written): sessions end, and whatever is being checked
   * right now fails its second check. Resolves when it is durable. Doing it twice is harmless. `onEffect`: told in that tick what it did, whether or
   * not it can be stored afterwards; not when it does nothing.
   * @throws AgentError permissions.no_owner | stale_withdrawal | device_removed | signature.*
   */
  async withdraw(statement: string, onEffect?: (effect: Effect) => void): Promise<Withdrawn> {
    const byKid = claimedKid(statement, 'withdraw+jws');
    const order = await readByDevice(ownerOf(this.#state), statement, 'withdraw+jws', Withdraw);
    deviceOf(this.#state, byKid, this.#owners.removed);
    if (order.dev !== this.#parts.serial || order.epoch !== this.#state.epoch) {
      // Perhaps it counts already and could not be written: then it is confirmed no sooner than it is.
      if (this.#keeper.isDirty) await this.#keeper.settle();
      throw new AgentError(STALE_WITHDRAWAL);
    }
    return this.#withdraw(order, statement, onEffect);
  }

  /**
   * Someone at the recorder stops these permissions, or all of them: same as the owner's withdrawal, and needs no key.
   * @throws AgentError permissions.no_such_grant when none of the named ones is held
   */
  async withdrawLocally(ids?: readonly string[]): Promise<Withdrawn> {
    if (ids === undefined) return this.#withdraw({ all: true, ids: [] }, '');
    const known = ids.filter((id) => this.#held(id) !== undefined);
    if (known.length === 0) throw new AgentError(NO_SUCH_GRANT);
    return this.#withdraw({ all: false, ids: known }, '');
  }

  /** Everything the owner decides about. `askerKid`: the device that asks; null: somebody at the recorder. @throws AgentError permissions.no_owner */
  list(askerKid: string | null): PermissionsInfo {
    return viewForOwner(this.#state, ownerOf(this.#state), askerKid, this.#viewFacts());
  }

  /** What an organisation may know about itself. @throws AgentError permissions.no_owner */
  async mine(org: Organisation): Promise<MyPermissions> {
    const kid = await thumbprint(org.key);
    return viewForOrganisation(this.#state, ownerOf(this.#state), org, kid, this.#viewFacts());
  }

  /** Names of organisations by key thumbprint, for showing the log. */
  async organisations(): Promise<Record<string, string>> {
    const names: Record<string, string> = {};
    for (const { org } of [...this.#state.grants.map((held) => held.grant), ...this.#state.applications])
      names[await thumbprint(org.key)] = org.name;
    return names;
  }

  /**
   * What goes by time alone, looked at every few seconds: grants that have run out are ended (each told once, so that it stands in the log), sessions
   * whose badge, hours or limit is over end, an installer's time is counted, old lists go, and a save that failed is tried again.
   */
  async expire(): Promise<readonly Grant[]> {
    const [nowAt, nowMs] = [this.#parts.clock.now(), this.#parts.clock.monotonicMs()];
    const over = this.#state.grants.filter(
      (held) => held.ended === null && (nowAt >= held.grant.exp || this.#grantClock.isOutlived(held.grant.id)),
    );
    const { isAiming } = this.#endWhatIsOver();
    const ids = new Set(over.map((held) => held.grant.id));
    const grants = ids.size === 0 ? this.#state.grants : endGrants(this.#state.grants, ids, nowAt, 'expired');
    const cancelled = this.#lists.worthKeeping(this.#state.cancelled, nowAt, nowMs);
    const owner = this.#charge(this.#state.owner, nowMs, isAiming);
    const isChanged = ids.size > 0 || cancelled !== this.#state.cancelled || owner !== this.#state.owner;
    if (isChanged) this.#keeper.narrow({ ...this.#state, grants, cancelled: [...cancelled], owner });
    if (isChanged || (this.#keeper.isDirty && nowMs >= this.#retryAtMs)) {
      this.#retryAtMs = nowMs + RETRY_MS;
      await this.#keeper.settle();
    }
    return over.map((held) => held.grant);
  }

  get #state(): PermissionState {
    return this.#keeper.state;
  }

  async #withdraw(order: WithdrawOrder, statement: string, onEffect?: (effect: Effect) => void): Promise<Withdrawn> {
    const ids = standing(this.#state, order);
    const next = withdrawn(this.#state, order, this.#parts.clock.now());
    const closed = next === this.#state ? [] : this.#keeper.narrow(next);
    if (ids.length > 0 || closed.length > 0) onEffect?.({ ids, closed });
    if (this.#keeper.isDirty) await this.#keeper.settle();
    return { ids, receipt: makeReceipt(await sha256Text(statement), next.epoch, closed) };
  }

  /** The tick of every change: nothing goes on that is not allowed any more, and whoever listens is told. */
  #changed(): readonly ClosedSession[] {
    this.#grantClock.keepOnly(this.#state.grants);
    const { closed } = this.#endWhatIsOver();
    for (const listener of [...this.#listeners]) listener();
    return closed;
  }

  #endWhatIsOver(): { readonly closed: readonly ClosedSession[]; readonly isAiming: boolean } {
    let isAiming = false;
    const closed = this.#parts.endSessions((ticket) => {
      isAiming ||= ticket.kind === 'owner' && isPicture(ticket.scope);
      return !this.judge(ticket).ok;
    });
    return { closed, isAiming };
  }

  #charge(owner: Owner | null, nowMs: number, isAiming: boolean): Owner | null {
    const isHolder = owner?.consent.role === 'installer';
    const chargeMs = this.#aiming.look(nowMs, isAiming && isHolder);
    return owner === null || chargeMs === 0 ? owner : { ...owner, aimedMs: owner.aimedMs + chargeMs };
  }

  #judgeNewGrant(grant: Grant, state: PermissionState, nowAt: number): Denial | undefined {
    return judgeNewGrant(grant, {
      nowAt,
      serial: this.#parts.serial,
      deviceKid: this.#parts.deviceKid,
      epoch: state.epoch,
      isKnown: state.grants.some((held) => held.grant.id === grant.id),
      isWithdrawnAhead: state.withdrawnAhead.includes(grant.id),
      isInstallerHeld: state.owner?.consent.role === 'installer',
      isZoneKnown: grant.hours === null || offsetsOf(grant.hours.zone) !== undefined,
    });
  }

  #factsOf(id: string, nowAt: number): GrantFacts | undefined {
    const held = this.#held(id);
    if (held === undefined) return undefined;
    const { grant, ended } = held;
    const opening = grant.hours === null ? ANY_HOUR : openingNow(grant.hours, nowAt);
    return { grant, ended: ended?.how ?? null, isOutlived: this.#grantClock.isOutlived(id), opening };
  }

  #held(id: string): HeldGrant | undefined {
    return this.#state.grants.find((held) => held.grant.id === id);
  }

  #viewFacts(): ViewFacts {
    const { clock, operator, consentText, isTimeKnown } = this.#parts;
    const isOutlived = (id: string): boolean => this.#grantClock.isOutlived(id);
    return { nowAt: clock.now(), isOutlived, operator, consentText, isTimeKnown: isTimeKnown() };
  }
}

const STALE_WITHDRAWAL = deny(
  'stale_withdrawal',
  'This withdrawal is for another recorder or was carried out before.',
  'Look at the list of permissions; withdraw again what still stands there.',
);
const NO_SUCH_APPLICATION = deny('no_such_application', 'This application is not waiting any more.', 'Load the list again.');
const NO_SUCH_GRANT = deny('no_such_grant', 'The recorder holds no such permission.', 'Look at the list of permissions.');
