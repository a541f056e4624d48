import { type KeySigner, type Signer, signStatement, thumbprint } from '../../../agent/contract/jws.js';
import { type AnswerOf, OPERATIONS, type OperationName } from '../../../agent/contract/operations.js';
import type { Scope } from '../../../agent/contract/shapes.js';
import type { Badge, Organisation, Person } from '../../../agent/contract/statements.js';
import { concatBytes, newId, utf8 } from '../../../agent/contract/text.js';
import { AgentError } from '../../../agent/kernel/errors.js';
import { type CalledBack, callBack } from './cancellation.js';
import { findGrant } from './find-grant.js';
import type { Credentials, Identity } from './identity.js';
import { newWrappedKey, unwrapSealKey, unwrapSigner, type WrappedKey } from './keys.js';

/**
 * An organisation and its one employee in this browser. Their private keys are wrapped by a key that takes two things to make: a
 * secret that never leaves this browser (a non-extractable HMAC key: possession) and the PIN (knowledge). That is why its badges may say
 * `mfa`. A real organisation keeps its key at its identity provider and signs a badge after a passkey with user verification; then neither
 * the employee's browser nor the relay can claim a second factor. What a PIN in a browser cannot do is count wrong tries: whoever can
 * run programs as this user may try them all.
 */
export interface OrganisationRecord {
  readonly company: string;
  readonly person: Person;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly browserSecret: CryptoKey;
  readonly organisationKey: WrappedKey;
  readonly employeeKey: WrappedKey;
  /** Opens site letters; a record of an earlier version gets one with the next sign-in (withSealKey). */
  readonly sealKey?: WrappedKey | undefined;
  /** Badges called back, and the number of the newest list of them. */
  readonly calledBack?: readonly CalledBack[];
  readonly cancellations?: number;
  /** Where lists of called-back badges wait at the relay. */
  readonly letterBox?: string;
}

/** Keys in use after the PIN was entered. */
export interface SignedIn {
  readonly organisation: KeySigner;
  readonly employee: KeySigner;
  /** Opens letters that were sealed to the organisation; null in a record of an earlier version. */
  readonly seal: CryptoKey | null;
  /** When the PIN was entered, by this device's clock. */
  readonly authAt: number;
  readonly until: number;
}

/** OWASP's figure for PBKDF2-HMAC-SHA256 (2023): about 0.5 s on a phone. */
const PIN_ROUNDS = 600_000;
/** Badges follow the second factor by at most 12 hours (BADGE_MAX_MS); signing in lasts a little less. */
const SIGNED_IN_MS = 11.5 * 3_600_000;
const BADGE_MS = 1_800_000;
/** A badge starts a minute ago: recorders whose clock is a little slow take it too. */
const BACKDATED_MS = 60_000;

/** The wrapping key of this browser and PIN. */
async function wrappingKey(browserSecret: CryptoKey, salt: Uint8Array<ArrayBuffer>, pin: string): Promise<CryptoKey> {
  const { subtle } = globalThis.crypto;
  const typed = await subtle.importKey('raw', utf8(pin), 'PBKDF2', false, ['deriveBits']);
  const stretched = await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: PIN_ROUNDS }, typed, 256);
  const both = await subtle.sign('HMAC', browserSecret, concatBytes(utf8('sightline-employee/1'), new Uint8Array(stretched)));
  return subtle.importKey('raw', both, 'AES-GCM', false, ['wrapKey', 'unwrapKey']);
}

/** True for what may be a PIN: six or more digits, not all alike. */
export function isPin(text: string): boolean {
  return /^\d{6,32}$/.test(text) && !/^(\d)\1+$/.test(text);
}

/** Makes the organisation's and the employee's keys. @throws AgentError portal.weak_pin */
export async function newOrganisation(parts: { company: string; person: Person; pin: string }): Promise<OrganisationRecord> {
  if (!isPin(parts.pin)) {
    throw new AgentError({
      code: 'portal.weak_pin',
      say: 'This PIN is too easy to guess.',
      fix: 'Use at least 6 digits, not all the same.',
    });
  }
  const { subtle } = globalThis.crypto;
  const browserSecret = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign']);
  const salt = globalThis.crypto.getRandomValues(new Uint8Array(16));
  const wrapping = await wrappingKey(browserSecret, salt, parts.pin);
  const [organisationKey, employeeKey, sealKey] = await Promise.all([
    newWrappedKey(wrapping),
    newWrappedKey(wrapping),
    newWrappedKey(wrapping, 'seal'),
  ]);
  return { company: parts.company, person: parts.person, salt, browserSecret, organisationKey, employeeKey, sealKey };
}

/**
 * The record as it must be to work: with a key for site letters (records of earlier versions have none), and with a new key for the employee
 * when the badge of the old one was called back. The PIN must be the right one already.
 */
export async function renewKeys(record: OrganisationRecord, pin: string): Promise<OrganisationRecord> {
  const isCalledBack = await isEmployeeCalledBack(record);
  if (record.sealKey !== undefined && !isCalledBack) return record;
  const wrapping = await wrappingKey(record.browserSecret, record.salt, pin);
  const sealKey = record.sealKey ?? (await newWrappedKey(wrapping, 'seal'));
  return { ...record, sealKey, ...(isCalledBack ? { employeeKey: await newWrappedKey(wrapping) } : {}) };
}

/** Whether the key that the employee has now is on the list of those called back. */
export async function isEmployeeCalledBack(record: OrganisationRecord): Promise<boolean> {
  const kid = await thumbprint(record.employeeKey.publicKey);
  return record.calledBack?.some((one) => one.kid === kid) ?? false;
}

/** The record with the employee's present key on the list: to be kept before the list is signed, so that no number is used twice. */
export async function withEmployeeCalledBack(record: OrganisationRecord, now: number): Promise<OrganisationRecord> {
  const kid = await thumbprint(record.employeeKey.publicKey);
  // Not below the clock: a record that was restored from a copy must not fall behind its own lists.
  const cancellations = Math.max((record.cancellations ?? 0) + 1, Math.floor(now / 1000));
  return { ...record, calledBack: callBack(record.calledBack ?? [], kid, now), cancellations, letterBox: record.letterBox ?? newId() };
}

/** Unlocks the keys. @throws AgentError portal.wrong_pin */
export async function signIn(record: OrganisationRecord, pin: string, now: number): Promise<SignedIn> {
  const wrapping = await wrappingKey(record.browserSecret, record.salt, pin);
  try {
    const [organisation, employee, seal] = await Promise.all([
      unwrapSigner(record.organisationKey, wrapping),
      unwrapSigner(record.employeeKey, wrapping),
      record.sealKey === undefined ? null : unwrapSealKey(record.sealKey, wrapping),
    ]);
    return { organisation, employee, seal, authAt: now, until: now + SIGNED_IN_MS };
  } catch (cause) {
    throw new AgentError({
      code: 'portal.wrong_pin',
      say: 'This is not your PIN.',
      fix: 'Enter the PIN that you chose when you set this up.',
      cause,
    });
  }
}

/** What others may know of an organisation: its name and public keys. */
export function organisationOf(record: OrganisationRecord): Organisation {
  const organisation = { name: record.company, key: record.organisationKey.publicKey };
  return record.sealKey === undefined ? organisation : { ...organisation, seal: record.sealKey.publicKey };
}

function notGranted(scope: Scope | null, cam: string | null): AgentError {
  return new AgentError({
    code: 'permissions.not_granted',
    say: 'The owner has not allowed this.',
    fix: 'Ask the owner on the Permissions page.',
    detail: { scope, cam },
  });
}

/** The employee at one recorder: finds the grant an operation needs and makes the badge for it. */
export class EmployeeIdentity implements Identity {
  readonly #record: OrganisationRecord;
  readonly #signedIn: SignedIn;
  readonly #badges = new Map<string, { badge: string; goodUntil: number }>();
  #permissions: AnswerOf<'permissions.mine'> | undefined;
  /** What the recorder's clock is ahead of this device's, ms. */
  #clockOffsetMs = 0;

  constructor(record: OrganisationRecord, signedIn: SignedIn) {
    this.#record = record;
    this.#signedIn = signedIn;
  }

  get signer(): Signer {
    return this.#signedIn.employee;
  }

  /** Takes over what the recorder says is granted, and its clock. */
  learn(permissions: AnswerOf<'permissions.mine'>): void {
    this.#permissions = permissions;
    this.#clockOffsetMs = permissions.now - Date.now();
  }

  /** The recorder's clock, as far as it is known. */
  recorderNow(): number {
    return Date.now() + this.#clockOffsetMs;
  }

  async credentials(op: OperationName, cam: string | null): Promise<Credentials> {
    const { who, scope } = OPERATIONS[op];
    if (who === 'applicant') return { grant: null, badge: await this.#badge(null) };
    const grant = scope === null ? undefined : findGrant(this.#permissions?.grants ?? [], scope, cam, this.recorderNow());
    if (grant === undefined) throw notGranted(scope, cam);
    return { grant: grant.id, badge: await this.#badge(grant.id) };
  }

  async #badge(grant: string | null): Promise<string> {
    const now = this.recorderNow();
    const known = this.#badges.get(grant ?? '');
    if (known !== undefined && known.goodUntil > now + BACKDATED_MS) return known.badge;
    if (this.#signedIn.until < Date.now()) {
      throw new AgentError({ code: 'portal.signed_out', say: 'You signed in too long ago.', fix: 'Sign in again with your PIN.' });
    }
    const iat = now - BACKDATED_MS;
    const statement: Badge = {
      v: 1,
      org: await thumbprint(this.#record.organisationKey.publicKey),
      grant,
      key: this.#record.employeeKey.publicKey,
      name: this.#record.person.name,
      email: this.#record.person.email,
      amr: ['pwd', 'mfa'],
      authTime: Math.min(iat, this.#signedIn.authAt + this.#clockOffsetMs),
      iat,
      exp: iat + BADGE_MS,
    };
    const badge = await signStatement('badge+jws', statement, this.#signedIn.organisation);
    this.#badges.set(grant ?? '', { badge, goodUntil: statement.exp });
    return badge;
  }
}
