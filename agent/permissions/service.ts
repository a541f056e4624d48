import { thumbprint, verifyStatement } from '../contract/jws.js';
import type { PublicJwk } from '../contract/shapes.js';
import { type Consent, Grant, type Organisation, Withdraw } from '../contract/statements.js';
import type { HeldGrant, Owner, PermissionState } from '../contract/stored.js';
import { newId, sha256Text } from '../contract/text.js';
import type { Application, GrantState, MyPermissions, PermissionsInfo, WithdrawReceipt } from '../contract/views.js';
import { AgentError } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import { type Denial, grantsEndedBy, judgeBadge, judgeEmployee, judgeNewGrant, OWNER_MAY, type Verdict } from './policy.js';
import type { ClosedSession, PermissionParts } from './ports.js';
import { NO_PERMISSIONS } from './state.js';
import type { Ticket } from './ticket.js';

/** Bounds of what strangers can make the recorder keep. */
const MOST_APPLICATIONS = 16;
/** An application that nobody answered in this time lapses. */
const APPLICATION_MS = 7 * 86_400_000;
const MOST_GRANTS = 128;

/**
 * Owner, grants, applications and withdrawal. The state in memory decides; changes that widen it are durable before they count,
 * changes that narrow it count at once and are durable before they are confirmed.
 */
export class Permissions {
  readonly #parts: PermissionParts;
  readonly #queue = new KeyedQueue();
  readonly #listeners = new Set<() => void>();
  /** Monotonic end of each grant in this run: a wall clock turned back does not lengthen it. */
  readonly #outlivedAtMs = new Map<string, number>();
  #state: PermissionState = NO_PERMISSIONS;

  constructor(parts: PermissionParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    this.#state = (await this.#parts.store.load()) ?? NO_PERMISSIONS;
    for (const held of this.#state.grants) this.#startClockOf(held);
  }

  get owner(): Owner | null {
    return this.#state.owner;
  }

  get epoch(): number {
    return this.#state.epoch;
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
    if (ticket.kind === 'owner') return this.#state.owner?.kid === ticket.kid ? OWNER_MAY : notOwner();
    const nowAt = this.#parts.clock.now();
    if (ticket.kind === 'applicant') return judgeBadge(ticket.badge, null, nowAt) ?? OWNER_MAY;
    const held = this.#held(ticket.grantId);
    const facts = held && { grant: held.grant, isEnded: held.ended !== null, isOutlived: this.#isOutlived(held.grant.id) };
    return judgeEmployee({
      nowAt,
      epoch: this.#state.epoch,
      scope: ticket.scope,
      channel: ticket.channel,
      held: facts,
      badge: ticket.badge,
    });
  }

  /** Pins the owner, once. @throws AgentError pairing.owned */
  install(owner: { key: PublicJwk; kid: string; site: string; consent: Consent; consentStatement: string }): Promise<void> {
    return this.#queue.run('state', async () => {
      if (this.#state.owner !== null) {
        throw new AgentError({ code: 'pairing.owned', say: 'This recorder has an owner.', fix: 'Ask the owner for a hand-over.' });
      }
      await this.#replace({ ...this.#state, owner: { ...owner, since: this.#parts.clock.now() } });
    });
  }

  /**
   * An organisation asks. A newer application of the same person replaces the older one; a stranger's gives way when there are too many, so that
   * nobody can fill the list and keep others out. @throws AgentError permissions.no_owner
   */
  apply(wish: Omit<Application, 'id' | 'at'>): Promise<Application> {
    return this.#queue.run('state', async () => {
      const rest = this.#state.applications.filter(
        (known) => known.org.key.x !== wish.org.key.x || known.person.email !== wish.person.email,
      );
      this.#ownerOrThrow();
      const application: Application = { ...wish, id: newId(), at: this.#parts.clock.now() };
      await this.#replace({ ...this.#state, applications: [...this.#worthKeeping(rest, application.at), application] });
      return application;
    });
  }

  /** The applications that stay when one more comes: none older than a week, strangers' oldest first to go. */
  #worthKeeping(applications: readonly Application[], nowAt: number): readonly Application[] {
    const current = applications.filter((known) => nowAt - known.at < APPLICATION_MS);
    if (current.length < MOST_APPLICATIONS) return current;
    const isKnown = (key: PublicJwk): boolean => this.#state.grants.some((held) => held.grant.org.key.x === key.x);
    const leaving = current.find((known) => !isKnown(known.org.key)) ?? current[0];
    return current.filter((known) => known !== leaving);
  }

  /** @throws AgentError permissions.no_such_application */
  decline(id: string): Promise<Application> {
    return this.#queue.run('state', async () => {
      const application = this.#state.applications.find((known) => known.id === id);
      if (application === undefined) throw noSuchApplication();
      const declined = { id, org: await thumbprint(application.org.key), at: this.#parts.clock.now() };
      await this.#replace({
        ...this.#state,
        applications: this.#state.applications.filter((known) => known !== application),
        declined: [...this.#state.declined.slice(-31), declined],
      });
      return application;
    });
  }

  /** Takes a grant into force; the application it answers is done with. @throws AgentError permissions.* | signature.* */
  async grant(statement: string, application: string | null): Promise<Grant> {
    const owner = this.#ownerOrThrow();
    const grant = await verifyStatement(statement, 'grant+jws', owner.key, Grant);
    return this.#queue.run('state', async () => {
      const { serial, deviceKid, clock } = this.#parts;
      const nowAt = clock.now();
      const isKnown = this.#held(grant.id) !== undefined;
      const facts = {
        nowAt,
        serial,
        deviceKid,
        epoch: this.#state.epoch,
        isKnown,
        isWithdrawnAhead: this.#state.withdrawnAhead.includes(grant.id),
      };
      const denial = this.#state.owner?.kid === owner.kid ? judgeNewGrant(grant, facts) : notOwner();
      if (denial !== undefined) throw new AgentError(denial);
      const held: HeldGrant = { grant, statement, receivedAt: nowAt, ended: null };
      const kept = dropOldest([...this.#state.grants, held], this.#state.epoch, nowAt);
      if (kept.length > MOST_GRANTS) throw new AgentError(tooManyGrants());
      this.#startClockOf(held);
      await this.#replace({
        ...this.#state,
        grants: kept,
        applications: this.#state.applications.filter((known) => known.id !== application),
      });
      return grant;
    });
  }

  /**
   * The owner takes permissions back. Counts in this tick (before anything is written): sessions end, and whatever is being checked
   * right now fails its second check. Resolves when it is durable. Doing it twice is harmless.
   * @throws AgentError permissions.stale_withdrawal | signature.*
   */
  async withdraw(statement: string): Promise<{ receipt: WithdrawReceipt; ids: readonly string[] }> {
    const owner = this.#ownerOrThrow();
    const order = await verifyStatement(statement, 'withdraw+jws', owner.key, Withdraw);
    const ended = grantsEndedBy(
      order,
      this.#parts.serial,
      this.#state.epoch,
      this.#state.grants.filter((held) => held.ended === null).map((held) => held.grant),
    );
    if (this.#state.owner?.kid !== owner.kid || ended === undefined) {
      throw new AgentError({
        code: 'permissions.stale_withdrawal',
        say: 'This withdrawal is for another recorder or was carried out before.',
        fix: 'Look at the list of permissions; withdraw again what still stands there.',
      });
    }
    const closed = this.#end(new Set(ended), order);
    await this.#queue.run('state', () => this.#save());
    return { ids: ended, receipt: makeReceipt(await sha256Text(statement), this.#state.epoch, closed) };
  }

  /** Someone at the recorder stops everything: same as the owner's "all", and needs no key. */
  async withdrawLocally(): Promise<{ receipt: WithdrawReceipt; ids: readonly string[] }> {
    const ids = this.#state.grants.map((held) => held.grant.id);
    const closed = this.#end(new Set(ids), { all: true, ids: [] });
    await this.#queue.run('state', () => this.#save());
    return { ids, receipt: makeReceipt(await sha256Text(''), this.#state.epoch, closed) };
  }

  list(): PermissionsInfo {
    const owner = this.#ownerOrThrow();
    return {
      epoch: this.#state.epoch,
      now: this.#parts.clock.now(),
      site: owner.site,
      owner: owner.consent.by,
      consentAt: owner.since,
      applications: this.#state.applications,
      grants: this.#state.grants.map((held) => this.#view(held)),
    };
  }

  /** What an organisation may know about itself. */
  async mine(org: Organisation): Promise<MyPermissions> {
    const owner = this.#ownerOrThrow();
    const isOurs = (key: PublicJwk): boolean => key.x === org.key.x && key.y === org.key.y;
    const kid = await thumbprint(org.key);
    return {
      epoch: this.#state.epoch,
      now: this.#parts.clock.now(),
      // Only whoever the owner has dealt with learns what the place is called.
      site: this.#state.grants.some((held) => isOurs(held.grant.org.key)) ? owner.site : '',
      pending: this.#state.applications.filter((known) => isOurs(known.org.key)).map(({ id, scopes, at }) => ({ id, scopes, at })),
      declined: this.#state.declined.filter((known) => known.org === kid).map(({ id, at }) => ({ id, at })),
      grants: this.#state.grants
        .filter((held) => isOurs(held.grant.org.key))
        .map((held) => ({ ...this.#view(held), statement: held.statement })),
    };
  }

  /** Names of organisations by key thumbprint, for showing the log. */
  async organisations(): Promise<Record<string, string>> {
    const names: Record<string, string> = {};
    for (const { org } of [...this.#state.grants.map((held) => held.grant), ...this.#state.applications])
      names[await thumbprint(org.key)] = org.name;
    return names;
  }

  /** Grants that have run out by now, each told once, so that their end stands in the log and sessions under them are gone. */
  async expire(): Promise<readonly Grant[]> {
    const nowAt = this.#parts.clock.now();
    const isOver = (held: HeldGrant): boolean => held.ended === null && (nowAt >= held.grant.exp || this.#isOutlived(held.grant.id));
    const over = this.#state.grants.filter(isOver);
    if (over.length === 0) return [];
    this.#parts.endSessions(new Set(over.map((held) => held.grant.id)));
    // Time goes on while sessions end: those that were told are marked, not those that are over by now.
    const grants = this.#state.grants.map((held) =>
      over.includes(held) ? { ...held, ended: { at: nowAt, how: 'expired' as const } } : held,
    );
    this.#state = { ...this.#state, grants };
    this.#tell();
    await this.#queue.run('state', () => this.#save());
    return over.map((held) => held.grant);
  }

  #end(ids: ReadonlySet<string>, order: { readonly all: boolean; readonly ids: readonly string[] }): readonly ClosedSession[] {
    const at = this.#parts.clock.now();
    // Each once: an old withdrawal played again and again must not push the others out of the list.
    const ahead = order.ids.filter((id) => this.#held(id) === undefined && !this.#state.withdrawnAhead.includes(id));
    this.#state = {
      ...this.#state,
      epoch: order.all ? this.#state.epoch + 1 : this.#state.epoch,
      grants: this.#state.grants.map((held) =>
        ids.has(held.grant.id) && held.ended === null ? { ...held, ended: { at, how: 'withdrawn' as const } } : held,
      ),
      applications: order.all ? [] : this.#state.applications,
      withdrawnAhead: order.all ? [] : [...this.#state.withdrawnAhead, ...ahead].slice(-256),
    };
    const closed = this.#parts.endSessions(ids);
    this.#tell();
    return closed;
  }

  #held(id: string): HeldGrant | undefined {
    return this.#state.grants.find((held) => held.grant.id === id);
  }

  /** Never longer than it was given for: a clock that lost its battery must not turn ten minutes into years. */
  #startClockOf({ grant, receivedAt }: HeldGrant): void {
    const { clock } = this.#parts;
    const lastsMs = grant.exp - Math.max(clock.now(), receivedAt);
    this.#outlivedAtMs.set(grant.id, clock.monotonicMs() + Math.max(0, lastsMs));
  }

  #isOutlived(id: string): boolean {
    return this.#parts.clock.monotonicMs() >= (this.#outlivedAtMs.get(id) ?? 0);
  }

  #view(held: HeldGrant): GrantState {
    const { id, org, scopes, cams, iat, exp, epoch } = held.grant;
    const isCurrent = held.ended === null && epoch === this.#state.epoch;
    const isOver = this.#parts.clock.now() >= exp || this.#isOutlived(id);
    const state = !isCurrent ? (held.ended?.how ?? 'withdrawn') : isOver ? 'expired' : 'in-force';
    return { id, org, scopes, cams, iat, exp, state, endedAt: held.ended?.at ?? null };
  }

  #ownerOrThrow(): Owner {
    if (this.#state.owner === null) {
      throw new AgentError({
        code: 'permissions.no_owner',
        say: 'This recorder has no owner yet.',
        fix: 'Pair it first, with the code on its label.',
      });
    }
    return this.#state.owner;
  }

  /** Durable first, then in force. Only for changes that widen what is allowed; runs inside the queue. */
  async #replace(next: PermissionState): Promise<void> {
    const before = this.#state;
    await this.#parts.store.save(next);
    // A withdrawal may have come in while this was written: it stays in force over what was just stored.
    this.#state = before === this.#state ? next : rebase(next, this.#state);
    if (before !== this.#state && this.#state !== next) await this.#save();
    this.#tell();
  }

  #save(): Promise<void> {
    return this.#parts.store.save(this.#state);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** `next` with everything ended that `narrowed` (a newer withdrawal) ended. */
function rebase(next: PermissionState, narrowed: PermissionState): PermissionState {
  const ended = new Map(narrowed.grants.filter((held) => held.ended !== null).map((held) => [held.grant.id, held.ended]));
  const withdrawn = new Set(narrowed.withdrawnAhead);
  const grants = next.grants.map((held) => {
    const isAhead = withdrawn.has(held.grant.id) && held.ended === null;
    return isAhead
      ? { ...held, ended: { at: held.receivedAt, how: 'withdrawn' as const } }
      : { ...held, ended: ended.get(held.grant.id) ?? held.ended };
  });
  const applications = narrowed.epoch === next.epoch ? next.applications : [];
  return { ...next, epoch: narrowed.epoch, grants, applications, withdrawnAhead: narrowed.withdrawnAhead };
}

/** Ended grants are kept for display, the oldest go first when there are many. */
function dropOldest(grants: readonly HeldGrant[], epoch: number, nowAt: number): HeldGrant[] {
  const isOver = (held: HeldGrant): boolean => held.ended !== null || held.grant.epoch !== epoch || held.grant.exp <= nowAt;
  let toDrop = Math.max(0, grants.length - MOST_GRANTS);
  return grants.filter((held) => {
    if (toDrop === 0 || !isOver(held)) return true;
    toDrop -= 1;
    return false;
  });
}

function makeReceipt(withdraw: string, epoch: number, closed: readonly ClosedSession[]): WithdrawReceipt {
  const lastMediaMs = closed.reduce((latest, session) => Math.max(latest, session.lastMediaMs), 0);
  return {
    withdraw,
    epoch,
    closed: closed.map(({ session, cam, lastMediaMs: last }) => ({ session, cam, lastMediaMs: last })),
    lastMediaMs,
  };
}

function notOwner(): Denial {
  return {
    ok: false,
    code: 'permissions.not_owner',
    say: 'Only the site owner may do this.',
    fix: 'Use the device that the recorder was paired with.',
  };
}

function noSuchApplication(): AgentError {
  return new AgentError({
    code: 'permissions.no_such_application',
    say: 'This application is not waiting any more.',
    fix: 'Load the list again.',
  });
}

function tooManyGrants(): Denial {
  return {
    ok: false,
    code: 'permissions.too_many',
    say: 'The recorder holds as many permissions as it can.',
    fix: 'Withdraw some that are not needed, then try again.',
  };
}
