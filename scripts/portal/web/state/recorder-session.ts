import { thumbprint, unverifiedPayload } from '../../../../agent/contract/jws.js';
import type { AnswerOf } from '../../../../agent/contract/operations.js';
import type { Scope } from '../../../../agent/contract/shapes.js';
import type { Status } from '../../../../agent/contract/statements.js';
import { AgentError, asAgentError } from '../../../../agent/kernel/errors.js';
import { findGrant } from '../../client/find-grant.js';
import { ownerIdentity } from '../../client/identity.js';
import type { OwnedRecorder, ServedRecorder } from '../../client/keyring.js';
import { EmployeeIdentity, organisationOf } from '../../client/organisation.js';
import { t } from '../words.js';
import type { AppState } from './app-state.js';
import type { RecorderLink } from './services.js';
import { signal } from './signal.js';

/** Owner or installer, as it stands in the address. */
export type Role = 'own' | 'serve';
/** What the recorder tells an organisation about its own permissions. */
export type Permissions = AnswerOf<'permissions.mine'>;

/** A recorder says this to anybody; most who ask it here are not the ones who could pair it. */
const NO_OWNER = 'permissions.no_owner';

/** A thrown value as something a person can be told. */
export function tellable(thrown: unknown): AgentError {
  const error = asAgentError(thrown, { code: 'portal.unexpected', say: t.unexpected, fix: t.unexpectedFix });
  return error.code === NO_OWNER ? new AgentError({ code: NO_OWNER, say: t.noOwner, fix: t.noOwnerFix, cause: error }) : error;
}

/** The recorder that a grant names. Its signature is the owner's, whose key is not known here: this confirms, it does not decide. */
function deviceOf(statement: string): unknown {
  try {
    return (unverifiedPayload(statement) as { device?: unknown }).device;
  } catch {
    return undefined;
  }
}

/** One recorder, opened by one person: its status, what the person may do, and the questions. */
export class RecorderSession {
  readonly role: Role;
  readonly serial: string;
  readonly link: RecorderLink;
  readonly status = signal<Status | undefined>(undefined);
  /** When this page saw the recorder go, by this device's clock. A recorder that was gone before says only when it last came. */
  readonly lostAt = signal<number | undefined>(undefined);
  readonly startError = signal<AgentError | undefined>(undefined);
  /** What this organisation may do; stays undefined for the owner. */
  readonly permissions = signal<Permissions | undefined>(undefined);
  readonly permissionsError = signal<AgentError | undefined>(undefined);
  readonly #employee: EmployeeIdentity | undefined;
  readonly #app: AppState;
  #stop: () => void = () => undefined;

  private constructor(app: AppState, role: Role, record: OwnedRecorder | ServedRecorder) {
    this.#app = app;
    this.role = role;
    this.serial = record.serial;
    const { organisation, signedIn } = app;
    if ('signer' in record) {
      this.link = app.services.openRecorder(record.serial, ownerIdentity(record.signer), record.deviceKey);
    } else {
      // The caller shows the sign-in page until both are there.
      if (organisation.value === undefined || signedIn.value === undefined) throw tellable(undefined);
      this.#employee = new EmployeeIdentity(organisation.value, signedIn.value);
      this.link = app.services.openRecorder(record.serial, this.#employee, record.deviceKey);
    }
  }

  /** Opens the recorder; pages read `status` and `startError`. */
  static open(app: AppState, role: Role, record: OwnedRecorder | ServedRecorder): RecorderSession {
    const session = new RecorderSession(app, role, record);
    session.#stop = session.link.onStatus((status) => {
      const before = session.status.value;
      session.status.value = status;
      if (status.state === 'online') session.lostAt.value = undefined;
      else if (before?.state === 'online') session.lostAt.value = Date.now();
      if (session.role === 'serve' && before?.changes.permissions !== status.changes.permissions) void session.refreshPermissions();
    });
    session.link.start().catch((error: unknown) => {
      session.startError.value = tellable(error);
    });
    return session;
  }

  get isReachable(): boolean {
    return this.status.value?.state === 'online' && this.#app.isOnline.value;
  }

  /** The recorder's clock as far as it is known. */
  recorderNow(): number {
    return this.#employee?.recorderNow() ?? Date.now();
  }

  /** Whether this person may, as far as the recorder has told; the recorder judges again each time. */
  may(scope: Scope, cam: string | null = null): boolean {
    if (this.role === 'own') return true;
    return findGrant(this.permissions.value?.grants ?? [], scope, cam, this.recorderNow()) !== undefined;
  }

  /** Asks what this organisation may do, and learns the recorder's key from the owner's grant. */
  async refreshPermissions(): Promise<void> {
    const organisation = this.#app.organisation.value;
    if (this.#employee === undefined || organisation === undefined) return;
    try {
      const mine = await this.link.call('permissions.mine', { org: organisationOf(organisation) });
      this.#employee.learn(mine);
      this.permissions.value = mine;
      this.permissionsError.value = undefined;
      await this.#remember(mine);
    } catch (error) {
      const told = tellable(error);
      this.permissionsError.value = told;
      // Nothing of before is worth anything.
      if (told.code === NO_OWNER) this.permissions.value = undefined;
    }
  }

  /** What is good to know when the recorder is away; its key too, once a grant of the owner's names it. */
  async #remember(mine: Permissions): Promise<void> {
    const record = this.#app.served.value.find((one) => one.serial === this.serial);
    const status = this.status.value;
    if (record === undefined || status === undefined || mine.grants.length === 0) return;
    const print = await thumbprint(status.key);
    const isNamed = mine.grants.some((grant) => deviceOf(grant.statement) === print);
    const siteGrant = findGrant(mine.grants, 'site-information', null, mine.now)?.id ?? null;
    const deviceKey = record.deviceKey ?? (isNamed ? print : null);
    if (record.site === mine.site && record.deviceKey === deviceKey && record.siteGrant === siteGrant) return;
    await this.#app.saveServed({ ...record, site: mine.site, deviceKey, siteGrant });
  }

  close(): void {
    this.#stop();
    this.link.close();
  }
}
