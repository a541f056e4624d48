import type { OwnedRecorder, ServedRecorder } from '../../client/keyring.js';
import type { OrganisationRecord, SignedIn } from '../../client/organisation.js';
import type { Services } from './services.js';
import { signal } from './signal.js';

/** State that outlives a page. Everything else belongs to the page that shows it. */
export class AppState {
  readonly services: Services;
  readonly isOnline = signal(false);
  readonly owned = signal<readonly OwnedRecorder[]>([]);
  readonly served = signal<readonly ServedRecorder[]>([]);
  readonly organisation = signal<OrganisationRecord | undefined>(undefined);
  readonly signedIn = signal<SignedIn | undefined>(undefined);
  /** Now, once in five seconds: relative times follow it. */
  readonly now = signal(Date.now());

  constructor(services: Services) {
    this.services = services;
    this.isOnline.value = services.transport.isOnline;
    services.transport.onOnline((isOnline) => {
      this.isOnline.value = isOnline;
    });
    setInterval(() => {
      this.now.value = Date.now();
    }, 5_000);
  }

  /** Reads what the keyring holds. */
  async load(): Promise<void> {
    const { keyring } = this.services;
    const [owned, served, organisation, signedIn] = await Promise.all([
      keyring.owned(),
      keyring.served(),
      keyring.organisation(),
      keyring.signedIn(),
    ]);
    this.owned.value = owned;
    this.served.value = served;
    this.organisation.value = organisation;
    // A badge that was called back opens nothing: the PIN makes a new one.
    const isCalledBack = organisation?.calledBack?.some(({ kid }) => kid === signedIn?.employee.kid) === true;
    this.signedIn.value = isCalledBack ? undefined : signedIn;
  }

  async saveOwned(recorder: OwnedRecorder): Promise<void> {
    await this.services.keyring.putOwned(recorder);
    this.owned.value = await this.services.keyring.owned();
  }

  async removeOwned(serial: string): Promise<void> {
    await this.services.keyring.removeOwned(serial);
    this.owned.value = await this.services.keyring.owned();
  }

  async saveServed(recorder: ServedRecorder): Promise<void> {
    await this.services.keyring.putServed(recorder);
    this.served.value = await this.services.keyring.served();
  }

  async removeServed(serial: string): Promise<void> {
    await this.services.keyring.removeServed(serial);
    this.served.value = await this.services.keyring.served();
  }

  async saveOrganisation(record: OrganisationRecord): Promise<void> {
    await this.services.keyring.putOrganisation(record);
    this.organisation.value = record;
  }

  async setSignedIn(signedIn: SignedIn | undefined): Promise<void> {
    const { keyring } = this.services;
    await (signedIn === undefined ? keyring.signOut() : keyring.putSignedIn(signedIn));
    this.signedIn.value = signedIn;
  }
}
