import type { Signer } from '../contract/jws.js';
import type { PublicJwk } from '../contract/shapes.js';
import type { Identities, SharedKeys, Verifier } from '../contract/spake2plus.js';
import type { Consent, Operator, Person } from '../contract/statements.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { CodeFile } from './code-file.js';
import type { PairingWay } from './window.js';

/** The new owner, proven: both sides hold the code, the key signed the transcript and the consent. */
export interface NewOwner {
  readonly key: PublicJwk;
  readonly kid: string;
  /** What the owner calls the device that holds the key. */
  readonly deviceName: string;
  readonly site: string;
  readonly consent: Consent;
  /** The signed consent as it came. */
  readonly consentStatement: string;
}

/** One more device of the owner that is there, proven as a new owner is. `by` as its consent names the person. */
export interface JoinedDevice {
  readonly key: PublicJwk;
  readonly kid: string;
  readonly deviceName: string;
  readonly by: Person;
  /** Epoch in which the window was opened: what was opened under one owner adds nothing to the next. */
  readonly epoch: number;
}

/** The recorder's half of one exchange: its share (65 bytes), and the keys that are right if the app knew the code. */
export interface SpakeAnswer {
  readonly shareV: Uint8Array;
  readonly keys: SharedKeys;
}

/** The right to one computation, held from before the try is charged. `release` gives it back; more than once does no harm. */
export interface SpakeSlot {
  /** Rejects with pairing.bad_message on an impossible share, pairing.failed when the computation itself broke. */
  respond(ids: Identities, verifier: Verifier, shareP: Uint8Array): Promise<SpakeAnswer>;
  release(): void;
}

/** Where SPAKE2+ is computed: some 20 ms here and up to half a second on a slow recorder, so not where everything else waits for it. */
export interface Spake {
  /** @throws AgentError pairing.busy (retryable) when as many computations wait as may */
  reserve(): SpakeSlot;
  /** Ends what computes. Computations that are under way reject. */
  stop(): Promise<void>;
}

/** Where a message came from. `remote`: keyed hash of the address, where that is known: the relay does not tell it. */
export interface PairingOrigin {
  readonly way: PairingWay;
  readonly remote?: string | undefined;
}

/** A try, or a knock that was refused. */
export interface PairingTry extends PairingOrigin {
  readonly result: 'refused' | 'failed';
  readonly code: string;
}

/** What pairing needs of the recorder; `boot` and `epoch` are told to the new owner, whose commands must name them. */
export interface PairingParts {
  readonly serial: string;
  readonly signer: Signer;
  readonly deviceKey: PublicJwk;
  readonly sealKey: PublicJwk;
  readonly boot: string;
  /** With whom the recorder is set up to speak; null: no cloud. The consent must name the same. */
  readonly operator: Operator | null;
  readonly codeFile: CodeFile;
  readonly spake: Spake;
  readonly isOwned: () => boolean;
  readonly epoch: () => number;
  /** Makes the key the owner's, durably. Rejects when the recorder has an owner already. */
  readonly install: (owner: NewOwner, from: PairingOrigin) => Promise<void>;
  /** Adds the key to the owner's devices, durably. Rejects when there is no owner. */
  readonly join: (device: JoinedDevice, from: PairingOrigin) => Promise<void>;
  /** Every try (`failed`: it counts so until it succeeds), and once per 15 minutes each reason for refusing one; for the operation log. */
  readonly onTry: (event: PairingTry) => void;
  readonly clock: Clock;
  readonly log: Log;
}
