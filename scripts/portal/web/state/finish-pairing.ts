import { thumbprint } from '../../../../agent/contract/jws.js';
import type { Person } from '../../../../agent/contract/statements.js';
import { newSigningKey } from '../../client/keys.js';
import type { PairingAttempt } from '../../client/pair.js';
import type { AppState } from './app-state.js';
import { tellable } from './recorder-session.js';

/** What becomes whose. */
export interface Ownership {
  readonly serial: string;
  readonly site: string;
  readonly person: Person;
}

/**
 * Makes the owner's key, keeps it, and exchanges keys with the recorder. The key is kept before the recorder learns it: if this page ends
 * in between, the owner is not locked out.
 */
export async function finishPairing(app: AppState, attempt: PairingAttempt, { serial, site, person }: Ownership): Promise<void> {
  const { signer, publicKey } = await newSigningKey();
  const record = { serial, deviceKey: null, site, person, signer, publicKey, waiting: null };
  await app.saveOwned(record);
  try {
    const paired = await attempt.finish({ owner: signer, ownerKey: publicKey, site, person });
    await app.saveOwned({ ...record, deviceKey: await thumbprint(paired.deviceKey) });
  } catch (error) {
    // No answer may mean that only the answer was lost: then the key is the owner's already and must stay.
    if (tellable(error).code !== 'client.timeout') await app.removeOwned(serial);
    throw error;
  }
}
