import type { Cameras } from '../cameras/ports.js';
import type { Picture } from '../cameras/take-picture.js';
import type { Call, Handlers } from '../cloud/call.js';
import { PIECE_BYTES, type Snapshot } from '../contract/snapshot.js';
import { toBase64url } from '../contract/text.js';
import type { Clock } from '../kernel/clock.js';
import { withDeadline } from '../kernel/deadline.js';
import { AgentError } from '../kernel/errors.js';
import type { Ticket } from '../permissions/ticket.js';

/** What still pictures need. `organisationName` is null for a grant that is not held any more. */
export interface SnapshotParts {
  readonly cameras: Pick<Cameras, 'picture'>;
  readonly organisationName: (grantId: string) => string | null;
  readonly clock: Clock;
}

/** A camera answers a still within a second or two; whoever waits longer would rather watch. */
const DEADLINE_MS = 12_000;
/** Pictures under way at once: each is held in memory until it is sent. */
const MOST_AT_ONCE = 4;
/** A still counts as aiming for this long: looking again and again is watching. */
const COUNTS_MS = 60_000;

/**
 * Still pictures. They are video: the same permission, asked before the camera is, and again in the tick of every piece that leaves; an act of the
 * log with its bytes; the class of pictures in the ledger. Nothing is kept: not for the next asker, and not for one who has gone.
 */
export class SnapshotDesk {
  readonly #parts: SnapshotParts;
  readonly #underWay = new Set<string>();
  #shown: readonly { readonly ticket: Ticket; readonly atMs: number }[] = [];

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
  }

  handlers(): Pick<Handlers, 'cameras.snapshot'> {
    return { 'cameras.snapshot': ({ cam }, call) => this.#answer(cam, call) };
  }

  /** Under which tickets a picture was shown within the last minute: an installer's time for aiming is counted by them too. */
  recent(): readonly Ticket[] {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#shown = this.#shown.filter(({ atMs }) => nowMs - atMs < COUNTS_MS);
    return this.#shown.map(({ ticket }) => ticket);
  }

  async #answer(cam: string, call: Call): Promise<Snapshot> {
    if (this.#underWay.has(cam) || this.#underWay.size >= MOST_AT_ONCE) throw tooMany();
    this.#underWay.add(cam);
    try {
      const picture = await this.#take(cam, call);
      return await this.#show(cam, picture, call);
    } finally {
      this.#underWay.delete(cam);
    }
  }

  async #take(cam: string, call: Call): Promise<Picture> {
    call.recheck();
    try {
      return await withDeadline(this.#parts.clock, DEADLINE_MS, (signal) =>
        this.#parts.cameras.picture(cam, AbortSignal.any([signal, call.ended])),
      );
    } catch (error) {
      // Given up because the permission ended: that is the answer, not what the camera made of it.
      call.recheck();
      throw error;
    }
  }

  async #show(cam: string, { bytes, width, height }: Picture, call: Call): Promise<Snapshot> {
    const { clock } = this.#parts;
    const at = clock.now();
    const pieces = Math.ceil(bytes.byteLength / PIECE_BYTES);
    call.note.bytes = 0;
    for (let piece = 0; piece < pieces; piece += 1) {
      const part = bytes.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
      await call.show({ cam, piece, pieces, data: toBase64url(part) });
      call.note.bytes += part.byteLength;
      if (piece === 0) this.#shown = [...this.#shown, { ticket: call.ticket, atMs: clock.monotonicMs() }];
    }
    return { cam, at, pieces, bytes: bytes.byteLength, width, height, watermark: this.#watermark(call.ticket) };
  }

  #watermark(ticket: Ticket): string {
    const organisation = ticket.kind === 'employee' ? this.#parts.organisationName(ticket.grantId) : null;
    const who = ticket.person?.name ?? '';
    return organisation === null ? who : `${who} · ${organisation}`;
  }
}

function tooMany(): AgentError {
  const say = 'A picture of this camera, or many of others, are being taken just now.';
  return new AgentError({ code: 'cameras.too_many_pictures', say, fix: 'Try again in 2 s.', retryable: true, detail: { retryS: 2 } });
}
