import { type Signer, signStatement, thumbprint } from '../../agent/contract/jws.js';
import type { OperationName } from '../../agent/contract/operations.js';
import type { PublicJwk, Scope } from '../../agent/contract/shapes.js';
import type { Badge, Grant, Organisation, Person, Withdraw } from '../../agent/contract/statements.js';
import { newId } from '../../agent/contract/text.js';
import { type Identity, ownerIdentity } from '../../scripts/portal/client/identity.js';
import { newSigningKey, type SigningKey } from '../../scripts/portal/client/keys.js';
import { type Paired, pair } from '../../scripts/portal/client/pair.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import type { MqttTransport } from './mqtt-transport.js';

/** The tenant of the tests. */
export const TENANT = 'local';

/** The owner of a recorder, as a test plays it. */
export interface TestOwner {
  readonly key: SigningKey;
  readonly paired: Paired;
  readonly client: RecorderClient;
  /** Signs and delivers a grant; its id. */
  grant(org: Organisation, scopes: readonly Scope[], durationMs?: number, cams?: readonly string[] | null): Promise<string>;
  withdraw(ids: readonly string[] | 'all'): ReturnType<RecorderClient['call']>;
  withdrawal(ids: readonly string[] | 'all', epoch: number): Promise<string>;
}

/** Pairs with the code and becomes the owner. */
export async function becomeOwner(transport: MqttTransport, serial: string, code: string, person: Person): Promise<TestOwner> {
  const scope = { tenant: TENANT, serial };
  const key = await newSigningKey();
  const attempt = await pair({ transport, scope, code });
  const paired = await attempt.finish({ owner: key.signer, ownerKey: key.publicKey, site: 'Corner shop', person });
  const deviceKey = await thumbprint(paired.deviceKey);
  const client = new RecorderClient({ transport, scope, identity: ownerIdentity(key.signer), deviceKey });
  await client.start();
  const withdrawal = (ids: readonly string[] | 'all', epoch: number): Promise<string> => {
    const order: Withdraw = {
      v: 1,
      id: newId(),
      dev: serial,
      epoch,
      ids: ids === 'all' ? [] : [...ids],
      all: ids === 'all',
      iat: Date.now(),
    };
    return signStatement('withdraw+jws', order, key.signer);
  };
  return {
    key,
    paired,
    client,
    withdrawal,
    grant: async (org, scopes, durationMs = 600_000, cams = null) => {
      const { epoch, now } = await client.call('permissions.list', {});
      const grant: Grant = {
        v: 1,
        id: newId(),
        dev: serial,
        device: deviceKey,
        epoch,
        org,
        scopes: [...scopes],
        cams: cams === null ? null : [...cams],
        iat: now,
        exp: now + durationMs,
      };
      const { id } = await client.call('permissions.grant', {
        grant: await signStatement('grant+jws', grant, key.signer),
        application: null,
      });
      return id;
    },
    withdraw: async (ids) => {
      const { epoch } = await client.call('permissions.list', {});
      return client.call('permissions.withdraw', { statement: await withdrawal(ids, epoch) });
    },
  };
}

/** An organisation and one employee of it. */
export class TestEmployee implements Identity {
  readonly org: Organisation;
  readonly person: Person;
  readonly signer: Signer;
  readonly publicKey: PublicJwk;
  readonly #orgSigner: Signer;
  /** The grant to act under; null: an applicant's badge. */
  grantId: string | null = null;
  /** Changes to the badge, for tests of refusals. */
  badgeChanges: Partial<Badge> = {};

  private constructor(orgKey: SigningKey, key: SigningKey, orgName: string, person: Person) {
    this.org = { name: orgName, key: orgKey.publicKey };
    this.person = person;
    this.signer = key.signer;
    this.publicKey = key.publicKey;
    this.#orgSigner = orgKey.signer;
  }

  static async make(orgName: string, person: Person): Promise<TestEmployee> {
    return new TestEmployee(await newSigningKey(), await newSigningKey(), orgName, person);
  }

  async credentials(op: OperationName): Promise<{ grant: string | null; badge: string | null }> {
    const grant = op === 'permissions.apply' || op === 'permissions.mine' ? null : this.grantId;
    const iat = Date.now() - 60_000;
    const badge: Badge = {
      v: 1,
      org: await thumbprint(this.org.key),
      grant,
      key: this.publicKey,
      ...this.person,
      amr: ['pwd', 'mfa'],
      authTime: iat,
      iat,
      exp: iat + 3_600_000,
      ...this.badgeChanges,
    };
    return { grant, badge: await signStatement('badge+jws', badge, this.#orgSigner) };
  }
}
