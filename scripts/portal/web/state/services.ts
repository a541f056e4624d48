import type { Identity } from '../../client/identity.js';
import type { Keyring } from '../../client/keyring.js';
import type { PairingAttempt } from '../../client/pair.js';
import type { RecorderClient } from '../../client/recorder-client.js';
import type { RelayTransport } from '../../client/transport.js';

/** What the pages need of a recorder's client. */
export type RecorderLink = Pick<RecorderClient, 'status' | 'start' | 'onStatus' | 'call' | 'close'>;

/** Everything the app talks to; main.tsx makes the real ones. */
export interface Services {
  readonly tenant: string;
  readonly keyring: Keyring;
  readonly transport: RelayTransport;
  /** The one recorder whose own page this is; undefined in the portal, which reaches every one through the relay. */
  readonly onSite?: { readonly serial: string } | undefined;
  openRecorder(serial: string, identity: Identity, deviceKey: string | null): RecorderLink;
  /** The code part of pairing: resolves once the code was right. */
  pair(serial: string, code: string): Promise<PairingAttempt>;
}
