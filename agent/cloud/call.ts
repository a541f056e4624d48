import type { AnswerOf, ArgsOf, OperationName } from '../contract/operations.js';
import type { PicturePiece } from '../contract/snapshot.js';
import type { JsonObject, Person } from '../operation-log/entry.js';
import type { Ticket } from '../permissions/ticket.js';

/** Where a letter came in. */
export interface Origin {
  readonly source: 'relay' | 'lan';
  /** Keyed hash of the sender's address on the local network, base64url: tells two senders apart, never where they are. */
  readonly remote?: string | undefined;
}

/** What a handler adds to the row of the operation log that tells how its act ended. */
export interface ActNote {
  object?: string;
  before?: JsonObject;
  after?: JsonObject;
  sessionId?: string;
  durationMs?: number;
  bytes?: number;
  /** Who it turned out to be, where the ticket names nobody: the new owner. */
  person?: Person;
}

/** One judged command on its way to its handler. */
export interface Call {
  readonly ticket: Ticket;
  readonly from: Origin;
  /** SHA-256 of the signed command, base64url. */
  readonly commandHash: string;
  /** Filled in by the handler as it learns more. */
  readonly note: ActNote;
  /** Throws the denial when the permission does not hold any more: called again by handlers in the tick of their act. */
  readonly recheck: () => void;
  /** Fires when the permission ends while the act is under way: what is not done by then must not be done any more. */
  readonly ended: AbortSignal;
  /** The channels the permission covers now; undefined for all. */
  readonly channels: () => readonly string[] | undefined;
  /** Tells the asker of something that happens later to this command; lost when the link is down. Resolves when it is sent or lost. */
  readonly emit: (event: 'live.ended' | 'playback.ended', body: unknown) => Promise<void>;
  /**
   * Hands a piece of a picture to the asker. The permission is asked in the tick in which it leaves; it is neither kept nor sent later. Rejects with
   * the denial, or with what stood in its way.
   */
  readonly show: (piece: PicturePiece) => Promise<void>;
}

/** One function per operation. What it throws becomes the refusal. */
export type Handlers = { readonly [Name in OperationName]: (args: ArgsOf<Name>, call: Call) => Promise<AnswerOf<Name>> };
