import { type KeySigner, signStatement, thumbprint } from '../../agent/contract/jws.js';
import type { AnswerOf, OperationName } from '../../agent/contract/operations.js';
import type { PublicJwk, Scope } from '../../agent/contract/shapes.js';
import type { Badge, Consent, Grant, Hours, Operator, Organisation, Person, Withdraw } from '../../agent/contract/statements.js';
import { newId } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import type { SiteLetter } from '../../agent/contract/views.js';
import { signCancellation } from '../../scripts/portal/client/cancellation.js';
import { signConsent } from '../../scripts/portal/client/consent.js';
import { acceptOffer, readOffer, signAccept, signOffer } from '../../scripts/portal/client/hand-over.js';
import type { Handed } from '../../scripts/portal/client/handed-text.js';
import { type Identity, ownerIdentity } from '../../scripts/portal/client/identity.js';
import { newSigningKey, type SigningKey } from '../../scripts/portal/client/keys.js';
import { joinAsDevice, signDelegation } from '../../scripts/portal/client/owner-devices.js';
import { pair } from '../../scripts/portal/client/pair.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { readSiteLetter } from '../../scripts/portal/client/site-letters.js';
import type { RelayTransport } from '../../scripts/portal/client/transport.js';
import { derive } from './native-scrypt.js';

/** The tenant of the tests. */
export const TENANT = 'local';

/** What a test says of an owner's device where it matters. */
export interface OwnerOptions {
  readonly deviceName?: string;
  /** `installer`: sets the recorder up for somebody else. */
  readonly role?: Consent['role'];
  readonly site?: string;
  /** At a hand-over: agreed to instead of the one that the offer names; null for nobody. */
  readonly operator?: Operator | null;
}

/** What a test knows of a recorder that it owns; after a join or a hand-over nobody told the boot and the seal key. */
export interface OwnedFacts {
  readonly serial: string;
  /** Thumbprint of the recorder's key. */
  readonly deviceKey: string;
  readonly epoch: number;
  readonly operator: Operator | null;
}

/** One device of the owner of a recorder, as a test plays it. */
export interface TestOwner {
  readonly key: SigningKey;
  readonly person: Person;
  readonly deviceName: string;
  readonly paired: OwnedFacts;
  readonly client: RecorderClient;
  /** Signs and delivers a grant; its id. */
  grant(
    org: Organisation,
    scopes: readonly Scope[],
    durationMs?: number,
    cams?: readonly string[] | null,
    hours?: Hours | null,
  ): Promise<string>;
  /** A signed grant that is not delivered; `changes` are signed too. */
  signGrant(org: Organisation, scopes: readonly Scope[], changes?: Partial<Grant>): Promise<string>;
  withdraw(ids: readonly string[] | 'all'): Promise<AnswerOf<'permissions.withdraw'>>;
  withdrawal(ids: readonly string[] | 'all', epoch: number): Promise<string>;
  permissions(): Promise<AnswerOf<'permissions.list'>>;
  devices(): Promise<AnswerOf<'permissions.list'>['devices']>;
  /** A delegation as it would stand in a link. */
  delegation(): Promise<Handed>;
  /** An offer to this key, as it would stand in a link. */
  signOffer(to: PublicJwk, erasePeople?: boolean): Promise<Handed>;
  /** A consent by this key, to the operator that the recorder speaks with now unless another is named. */
  consent(changes?: Partial<Pick<Consent, 'role' | 'method' | 'operator'>>): Promise<string>;
}

/** Pairs with the code and becomes the owner. */
export async function becomeOwner(
  transport: RelayTransport,
  serial: string,
  code: string,
  person: Person,
  options: OwnerOptions = {},
): Promise<TestOwner> {
  const { deviceName = 'Phone', role = 'owner', site = 'Corner shop' } = options;
  const key = await newSigningKey();
  const attempt = await pair({ transport, scope: { tenant: TENANT, serial }, code, derive });
  const { operator } = attempt;
  const paired = await attempt.finish({ owner: key.signer, ownerKey: key.publicKey, deviceName, site, person, role });
  const deviceKey = await thumbprint(paired.deviceKey);
  return openOwner(transport, key, person, deviceName, { serial, deviceKey, epoch: paired.epoch, operator });
}

/** A second device: makes its own key and joins by the link that one of the owner's devices made. */
export async function joinOwner(
  transport: RelayTransport,
  handed: Handed,
  person: Person,
  deviceName = 'Second phone',
  key?: SigningKey,
): Promise<TestOwner> {
  const own = key ?? (await newSigningKey());
  const client = await openClient(transport, handed.serial, own, handed.deviceKey);
  try {
    const { epoch } = await joinAsDevice(client, own.publicKey, handed.statement, deviceName);
    const { operator } = await client.call('permissions.list', {});
    const facts = { serial: handed.serial, deviceKey: handed.deviceKey, epoch, operator };
    return makeOwner(client, own, person, deviceName, facts);
  } catch (error) {
    client.close();
    throw error;
  }
}

/** The new owner's part of a hand-over: reads the offer that was made to `key`, consents and accepts. */
export async function takeOver(
  transport: RelayTransport,
  handed: Handed,
  key: SigningKey,
  person: Person,
  options: OwnerOptions = {},
): Promise<TestOwner> {
  const { deviceName = 'New owner’s phone', site = 'Corner shop', operator = handed.operator } = options;
  const client = await openClient(transport, handed.serial, key, handed.deviceKey);
  try {
    const offer = await readOffer(handed, key.publicKey);
    const { epoch } = await acceptOffer(client, handed, offer, { key, person, site, deviceName, operator, at: Date.now() });
    const facts = { serial: handed.serial, deviceKey: handed.deviceKey, epoch, operator };
    return makeOwner(client, key, person, deviceName, facts);
  } catch (error) {
    client.close();
    throw error;
  }
}

/** The acceptance of an offer alone, for tests that deliver it themselves. */
export async function acceptanceOf(handed: Handed, key: SigningKey, person: Person, options: OwnerOptions = {}): Promise<string> {
  const { deviceName = 'New owner’s phone', site = 'Corner shop', operator = handed.operator } = options;
  const offer = await readOffer(handed, key.publicKey);
  return signAccept(handed, offer, { key, person, site, deviceName, operator, at: Date.now() });
}

async function openClient(transport: RelayTransport, serial: string, key: SigningKey, deviceKey: string): Promise<RecorderClient> {
  const client = new RecorderClient({ transport, scope: { tenant: TENANT, serial }, identity: ownerIdentity(key.signer), deviceKey });
  await client.start();
  return client;
}

async function openOwner(
  transport: RelayTransport,
  key: SigningKey,
  person: Person,
  deviceName: string,
  facts: OwnedFacts,
): Promise<TestOwner> {
  return makeOwner(await openClient(transport, facts.serial, key, facts.deviceKey), key, person, deviceName, facts);
}

function makeOwner(client: RecorderClient, key: SigningKey, person: Person, deviceName: string, facts: OwnedFacts): TestOwner {
  const { serial, deviceKey } = facts;
  const permissions = (): Promise<AnswerOf<'permissions.list'>> => client.call('permissions.list', {});
  const withdrawal = (ids: readonly string[] | 'all', epoch: number): Promise<string> => {
    const all = ids === 'all';
    const order: Withdraw = { v: 1, id: newId(), dev: serial, epoch, ids: all ? [] : [...ids], all, iat: Date.now() };
    return signStatement('withdraw+jws', order, key.signer);
  };
  const signGrant = async (org: Organisation, scopes: readonly Scope[], changes: Partial<Grant> = {}): Promise<string> => {
    const { epoch, now } = await permissions();
    const grant: Grant = {
      v: 1,
      id: newId(),
      dev: serial,
      device: deviceKey,
      epoch,
      org,
      scopes: [...scopes],
      cams: null,
      hours: null,
      iat: now,
      exp: now + 600_000,
      ...changes,
    };
    return signStatement('grant+jws', grant, key.signer);
  };
  return {
    key,
    person,
    deviceName,
    paired: facts,
    client,
    permissions,
    withdrawal,
    signGrant,
    grant: async (org, scopes, durationMs = 600_000, cams = null, hours = null) => {
      const { now } = await permissions();
      const times = { iat: now, exp: now + durationMs };
      const statement = await signGrant(org, scopes, { ...times, cams: cams === null ? null : [...cams], hours });
      return (await client.call('permissions.grant', { grant: statement, application: null })).id;
    },
    withdraw: async (ids) => client.call('permissions.withdraw', { statement: await withdrawal(ids, (await permissions()).epoch) }),
    devices: async () => (await permissions()).devices,
    delegation: async () => {
      const moment = await permissions();
      return { serial, deviceKey, operator: moment.operator, statement: await signDelegation(serial, moment, key.signer) };
    },
    signOffer: async (to, erasePeople = false) => {
      const moment = await permissions();
      return { serial, deviceKey, operator: moment.operator, statement: await signOffer(serial, moment, to, erasePeople, key.signer) };
    },
    consent: async (changes = {}) => {
      const operator = changes.operator === undefined ? (await permissions()).operator : changes.operator;
      return signConsent({ serial, person, role: 'owner', method: 'renewed', at: Date.now(), ...changes, operator }, key.signer);
    },
  };
}

/** An organisation and one employee of it. */
export class TestEmployee implements Identity {
  readonly org: Organisation;
  readonly person: Person;
  readonly signer: KeySigner;
  readonly publicKey: PublicJwk;
  readonly orgSigner: KeySigner;
  readonly #sealKey: CryptoKey;
  #cancellations = 0;
  readonly #letterBox = newId();
  /** The grant to act under; null: an applicant's badge. */
  grantId: string | null = null;
  /** Changes to the badge, for tests of refusals. */
  badgeChanges: Partial<Badge> = {};

  private constructor(
    orgKey: SigningKey,
    key: SigningKey,
    seal: { publicKey: PublicJwk; privateKey: CryptoKey },
    orgName: string,
    person: Person,
  ) {
    this.org = { name: orgName, key: orgKey.publicKey, seal: seal.publicKey };
    this.person = person;
    this.signer = key.signer;
    this.publicKey = key.publicKey;
    this.orgSigner = orgKey.signer;
    this.#sealKey = seal.privateKey;
  }

  static async make(orgName: string, person: Person): Promise<TestEmployee> {
    const { subtle } = globalThis.crypto;
    const pair = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']);
    const { x, y } = await subtle.exportKey('jwk', pair.publicKey);
    const publicKey: PublicJwk = { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' };
    return new TestEmployee(await newSigningKey(), await newSigningKey(), { publicKey, privateKey: pair.privateKey }, orgName, person);
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
    return { grant, badge: await signStatement('badge+jws', badge, this.orgSigner) };
  }

  /** The organisation's list of called-back badges, signed: this employee's own key unless others are named. */
  cancellation(keys: readonly string[] = [this.signer.kid], n?: number): Promise<string> {
    this.#cancellations += 1;
    return signCancellation({ key: this.org.key, signer: this.orgSigner }, keys, n ?? this.#cancellations, Date.now());
  }

  /** Topic on which that list reaches a recorder. */
  async cancellationTopic(serial: string): Promise<string> {
    return topics.cancel({ tenant: TENANT, serial }, this.#letterBox);
  }

  /** A site letter that was sealed to this organisation; `grant` is `grantId` unless named. @throws AgentError when it is not for us */
  openLetter(letter: string, serial: string, deviceKey: PublicJwk, grant = this.grantId ?? ''): Promise<SiteLetter | undefined> {
    return readSiteLetter(letter, { scope: { tenant: TENANT, serial }, deviceKey, sealKey: this.#sealKey, grant });
  }
}
