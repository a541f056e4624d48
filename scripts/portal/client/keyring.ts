import type { PublicJwk } from '../../../agent/contract/shapes.js';
import type { Person } from '../../../agent/contract/statements.js';
import { AgentError } from '../../../agent/kernel/errors.js';
import { newSigningKey, type SigningKey } from './keys.js';
import type { OrganisationRecord, SignedIn } from './organisation.js';

/** What was taken back and not yet confirmed. `epoch`, `now`: as the recorder last told them. */
export interface WaitingOrder {
  readonly ids: readonly string[];
  readonly all: boolean;
  /** False: the relay did not take it, so that it waits in this browser alone. */
  readonly isAtRelay: boolean;
  readonly epoch: number;
  readonly now: number;
}

/** The link of an offer, until when it is good by the recorder's clock (Unix ms), and the epoch that it was made in: another voids it. */
export interface OpenOffer {
  readonly link: string;
  readonly exp: number;
  readonly epoch: number;
}

/** A recorder that belongs to the person at this browser. */
export interface OwnedRecorder {
  readonly serial: string;
  /** Thumbprint learnt while pairing, from the text that was handed over, or at the recorder's own page; null: the first one seen counts. */
  readonly deviceKey: string | null;
  readonly site: string;
  /** As named in the consent; null on a device that joined, where nobody was asked. */
  readonly person: Person | null;
  readonly signer: SigningKey['signer'];
  readonly publicKey: PublicJwk;
  /** Withdrawals that a recorder did not answer. It gets them as soon as it does. */
  readonly waiting: WaitingOrder | null;
  /** Where this owner's orders wait at the relay: nobody else knows the place. Made with the first one. */
  readonly letterBox?: string;
  /** An offer to hand the recorder over that may still be accepted. */
  readonly offer?: OpenOffer | undefined;
  /** Newest checkpoint (checkpoint+jws) of the operation log that this browser was convinced of. */
  readonly checkpoint?: string;
  /** The record that this one replaced while the recorder's answer was lost: good again when the recorder does not know the newer key. */
  readonly before?: OwnedRecorder | undefined;
}

/** A recorder where this organisation asked for permission. */
export interface ServedRecorder {
  readonly serial: string;
  /** Confirmed by the owner's grant, which names it; null until there is one. */
  readonly deviceKey: string | null;
  readonly site: string | null;
  /** The grant under which site letters come, so that the newest can be read while the recorder is away. */
  readonly siteGrant?: string | null;
}

type Store = 'owned' | 'served' | 'single';
const DATABASE = 'sightline';
const VERSION = 1;

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(noStorage(request.error));
  });
}

function noStorage(cause: unknown): AgentError {
  return new AgentError({
    code: 'portal.no_storage',
    say: 'This browser does not keep keys for this page.',
    fix: 'Leave private browsing, or allow this page to store data.',
    cause,
  });
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore('owned', { keyPath: 'serial' });
    request.result.createObjectStore('served', { keyPath: 'serial' });
    request.result.createObjectStore('single');
  };
  return done(request);
}

/** Keys and what belongs to them, in this browser's IndexedDB: private keys are stored as handles that cannot be read. */
export class Keyring {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** Rejects with AgentError portal.no_storage. Asks the browser not to clear the keys when space gets short. */
  static async open(): Promise<Keyring> {
    if (typeof indexedDB === 'undefined' || !globalThis.isSecureContext) throw noStorage(undefined);
    void navigator.storage?.persist?.().catch(() => false);
    return new Keyring(await openDatabase());
  }

  owned(): Promise<OwnedRecorder[]> {
    return this.#all('owned');
  }

  putOwned(recorder: OwnedRecorder): Promise<void> {
    return this.#put('owned', recorder);
  }

  removeOwned(serial: string): Promise<void> {
    return this.#remove('owned', serial);
  }

  served(): Promise<ServedRecorder[]> {
    return this.#all('served');
  }

  putServed(recorder: ServedRecorder): Promise<void> {
    return this.#put('served', recorder);
  }

  removeServed(serial: string): Promise<void> {
    return this.#remove('served', serial);
  }

  organisation(): Promise<OrganisationRecord | undefined> {
    return this.#single('organisation');
  }

  putOrganisation(record: OrganisationRecord): Promise<void> {
    return this.#put('single', record, 'organisation');
  }

  /** Keys unlocked by the PIN, kept so that a reload does not ask again; never past their time. */
  async signedIn(): Promise<SignedIn | undefined> {
    const kept = await this.#single<SignedIn>('signed-in');
    if (kept === undefined || kept.until > Date.now()) return kept;
    await this.signOut();
    return undefined;
  }

  putSignedIn(signedIn: SignedIn): Promise<void> {
    return this.#put('single', signedIn, 'signed-in');
  }

  signOut(): Promise<void> {
    return this.#remove('single', 'signed-in');
  }

  /**
   * A key that no recorder knows yet, to be shown to another screen: the same until it is used, so that what was made for it (an offer, an entry
   * in the list of devices) still fits after a reload.
   */
  async spareKey(): Promise<SigningKey> {
    const kept = await this.#single<SigningKey>('spare-key');
    if (kept !== undefined) return kept;
    const made = await newSigningKey();
    await this.#put('single', made, 'spare-key');
    return made;
  }

  /** The spare key belongs to a recorder now: the next one is another. */
  useSpareKey(): Promise<void> {
    return this.#remove('single', 'spare-key');
  }

  #store(name: Store, mode: IDBTransactionMode): IDBObjectStore {
    return this.#database.transaction(name, mode).objectStore(name);
  }

  #all<T>(name: Store): Promise<T[]> {
    return done(this.#store(name, 'readonly').getAll() as IDBRequest<T[]>);
  }

  #single<T>(key: string): Promise<T | undefined> {
    return done(this.#store('single', 'readonly').get(key) as IDBRequest<T | undefined>);
  }

  async #put(name: Store, value: unknown, key?: string): Promise<void> {
    await done(this.#store(name, 'readwrite').put(value, key));
  }

  async #remove(name: Store, key: string): Promise<void> {
    await done(this.#store(name, 'readwrite').delete(key));
  }
}
