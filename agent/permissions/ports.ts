import type { PublicJwk } from '../contract/shapes.js';
import type { Operator } from '../contract/statements.js';
import type { PermissionState } from '../contract/stored.js';
import type { Clock } from '../kernel/clock.js';
import type { Ticket } from './ticket.js';

/** Durable memory of the permissions. */
export interface PermissionStore {
  load(): Promise<PermissionState | undefined>;
  /** Resolves when it survives a power cut. A withdrawal must also find room on a full disk. */
  save(state: PermissionState): Promise<void>;
}

/** A picture that was running under a withdrawn grant. */
export interface ClosedSession {
  readonly session: string;
  readonly cam: string;
  /** From the withdrawal to the last packet; 0 when none left after it. */
  readonly lastMediaMs: number;
}

/** What a withdrawal or a list of called-back badges did in the tick in which it counted: grants that it ended, and pictures. */
export interface Effect {
  readonly ids: readonly string[];
  readonly closed: readonly ClosedSession[];
}

/** What the authorizer needs. A grant must name both `serial` and `deviceKid` (RFC 7638 thumbprint of `deviceKey`). */
export interface PermissionParts {
  readonly serial: string;
  readonly deviceKey: PublicJwk;
  readonly deviceKid: string;
  readonly store: PermissionStore;
  /** Ends everything that runs under a ticket for which this is true, synchronously: when it returns, nothing leaves any more. */
  readonly endSessions: (isOver: (ticket: Ticket) => boolean) => readonly ClosedSession[];
  /** With whom the recorder is set up to speak; null: no cloud. */
  readonly operator: Operator | null;
  /** SHA-256 of the consent text of this version, base64url. */
  readonly consentText: string;
  /** Whether the time is known: false after a start with a clock that had lost it, until somebody trustworthy told it. */
  readonly isTimeKnown: () => boolean;
  readonly clock: Clock;
}
