import type { Consent, Person } from '../../../../agent/contract/statements.js';
import { newSigningKey } from '../../client/keys.js';
import type { PairingAttempt } from '../../client/pair.js';
import type { AppState } from './app-state.js';
import { tellable } from './recorder-session.js';

/** What becomes whose. `site` is not asked of somebody who only adds a device. */
export interface Ownership {
  readonly serial: string;
  readonly site: string;
  readonly person: Person;
  readonly role: Consent['role'];
  readonly deviceName: string;
}

/**
 * Makes the owner's key, keeps it, and exchanges keys with the recorder. The key is kept before the recorder learns it: if this page ends
 * in between, the owner is not locked out.
 */
export async function finishPairing(app: AppState, attempt: PairingAttempt, ownership: Ownership): Promise<void> {
  const { serial, site, person } = ownership;
  const { signer, publicKey } = await newSigningKey();
  const before = app.owned.value.find((one) => one.serial === serial);
  const { deviceKey } = attempt;
  const record = { serial, deviceKey, site, person, signer, publicKey, waiting: null };
  await app.saveOwned(record);
  try {
    await attempt.finish({ ...ownership, owner: signer, ownerKey: publicKey });
  } catch (error) {
    // No answer may mean that only the answer was lost: then the key is the owner's already and must stay, beside the one that may still be it.
    if (tellable(error).code === 'client.timeout') await app.saveOwned({ ...record, before });
    else await (before === undefined ? app.removeOwned(serial) : app.saveOwned(before));
    throw error;
  }
}
