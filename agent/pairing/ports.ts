import type { Signer } from '../contract/jws.js';
import type { PublicJwk } from '../contract/shapes.js';
import type { Consent } from '../contract/statements.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { CodeFile } from './code-file.js';
import type { PairingWay } from './window.js';

/** The new owner, proven: both sides hold the code, the key signed the transcript and the consent. */
export interface NewOwner {
  readonly key: PublicJwk;
  readonly kid: string;
  readonly site: string;
  readonly consent: Consent;
  /** The signed consent as it came. */
  readonly consentStatement: string;
}

/** What pairing needs of the recorder; `boot` and `epoch` are told to the new owner, whose commands must name them. */
export interface PairingParts {
  readonly serial: string;
  readonly signer: Signer;
  readonly deviceKey: PublicJwk;
  readonly sealKey: PublicJwk;
  readonly boot: string;
  readonly codeFile: CodeFile;
  readonly isOwned: () => boolean;
  readonly epoch: () => number;
  /** Makes the key the owner's, durably. Rejects when the recorder has an owner already. */
  readonly install: (owner: NewOwner, way: PairingWay) => Promise<void>;
  /** Every try (`failed`: it counts so until it succeeds), and once per 15 minutes each reason for refusing one; for the operation log. */
  readonly onTry: (event: { readonly way: PairingWay; readonly result: 'refused' | 'failed'; readonly code: string }) => void;
  readonly clock: Clock;
  readonly log: Log;
}
