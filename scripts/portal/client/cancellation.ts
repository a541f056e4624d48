import { type Signer, signStatement, thumbprint } from '../../../agent/contract/jws.js';
import type { PublicJwk } from '../../../agent/contract/shapes.js';
import { BADGE_MAX_MS, type Cancellation } from '../../../agent/contract/statements.js';
import { topics } from '../../../agent/contract/topics.js';
import type { RelayTransport } from './transport.js';

/** A badge that was called back: the employee's key, and when (Unix time in ms). */
export interface CalledBack {
  readonly kid: string;
  readonly at: number;
}

/** The list with one key more; keys whose last badge has ended by itself leave it (256 fit). */
export function callBack(list: readonly CalledBack[], kid: string, now: number): CalledBack[] {
  // Twice the life of a badge: the recorder's clock may lag behind.
  const isOpen = (one: CalledBack): boolean => one.kid !== kid && now - one.at < 2 * BADGE_MAX_MS;
  return [...list.filter(isOpen), { kid, at: now }].slice(-256);
}

/** The organisation's list (cancel+jws); `n` must be higher than in every list before. */
export async function signCancellation(
  organisation: { readonly key: PublicJwk; readonly signer: Signer },
  keys: readonly string[],
  n: number,
  now: number,
): Promise<string> {
  const list: Cancellation = { v: 1, org: await thumbprint(organisation.key), n, keys: [...keys], iat: now };
  return signStatement('cancel+jws', list, organisation.signer);
}

/** Which recorders the list was left at the relay for, and for which it could not be. */
export interface Published {
  readonly told: readonly string[];
  readonly failed: readonly string[];
}

/**
 * Leaves the list (retained) for every recorder: each obeys when it hears it, at once when it is connected, and when it comes back otherwise.
 * `letterBox` is the organisation's own at the relay: nobody else knows it, and a newer list takes the place of the older one.
 */
export async function publishCancellation(
  transport: Pick<RelayTransport, 'publish'>,
  tenant: string,
  serials: readonly string[],
  letterBox: string,
  statement: string,
): Promise<Published> {
  const told: string[] = [];
  const failed: string[] = [];
  await Promise.all(
    serials.map((serial) =>
      transport.publish(topics.cancel({ tenant, serial }, letterBox), statement, { retain: true }).then(
        () => void told.push(serial),
        () => void failed.push(serial),
      ),
    ),
  );
  return { told, failed };
}
