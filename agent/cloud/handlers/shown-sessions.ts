import type { SiteInfo } from '../../contract/views.js';
import type { Clock } from '../../kernel/clock.js';
import type { Log } from '../../kernel/log.js';
import type { EntryInput } from '../../operation-log/entry.js';
import type { Intent, OperationLog, Outcome } from '../../operation-log/ports.js';
import type { Ticket } from '../../permissions/ticket.js';
import type { Call } from '../call.js';

/** What a session that shows pictures carries for the authorizer and for its end. */
export interface WatchProof {
  readonly ticket: Ticket;
  readonly call: Call;
}

/** One running session as the owner sees it; `kid` is the watcher's key and stays inside. */
export type WatchingNow = SiteInfo['watching'][number] & { readonly kid: string };

/** Live view or playback, as far as it is told of. */
export interface ShownSession {
  readonly sessionId: string;
  readonly channelId: string;
  readonly ticket: { readonly proof: unknown };
  /** Wall clock ms. */
  readonly openedAt: number;
  readonly untilAt: number;
}

/** `organisationName` is null for a grant that is not held any more. */
export interface ShownSessionsParts {
  readonly operationLog: OperationLog;
  readonly organisationName: (grantId: string) => string | null;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long the end of the agent may wait for a viewer to be told; a broker that is silent must not hold it up. */
const TOLD_WITHIN_MS = 1_000;

const proofOf = (session: ShownSession): WatchProof => session.ticket.proof as WatchProof;

/**
 * Sessions outlive the command that opened them. Each is one act in the operation log, from intent to result: what a power cut interrupts is then
 * told by the next run. Its end is told to whoever opened it.
 */
export class ShownSessions<Session extends ShownSession> {
  readonly #parts: ShownSessionsParts;
  readonly #entryOf: (session: Session) => Omit<EntryInput, 'phase'>;
  readonly #ends = new Set<Promise<unknown>>();
  /** Per running session, the row that says it began. */
  readonly #begun = new Map<string, Promise<Intent | undefined>>();

  /** `entryOf`: who sees what under which permission, as it stands in the log. */
  constructor(parts: ShownSessionsParts, entryOf: (session: Session) => Omit<EntryInput, 'phase'>) {
    this.#parts = parts;
    this.#entryOf = entryOf;
  }

  /** It was opened. */
  begin(session: Session): void {
    this.#begun.set(session.sessionId, this.#writeBegin(session));
  }

  /** It ended: `tell` says so to the viewer. */
  end(session: Session, outcome: Outcome, tell: (call: Call) => Promise<void>): void {
    this.#keep(this.#atMost(TOLD_WITHIN_MS, tell(proofOf(session).call)));
    this.#keep(
      this.#writeEnd(session, outcome).catch((error: unknown) =>
        this.#parts.log.error('the end of a session could not be written to the operation log', { error }),
      ),
    );
  }

  /** Resolves when the ends so far stand in the log and are told to their viewers, or could not be told. */
  async settled(): Promise<void> {
    await Promise.all(this.#ends);
  }

  /** Who watches now. */
  watching(sessions: readonly ShownSession[]): readonly WatchingNow[] {
    return sessions.map((session) => {
      const { ticket } = proofOf(session);
      const who = ticket.person?.name ?? '';
      const { sessionId, channelId: cam, openedAt: since, untilAt: until } = session;
      return { session: sessionId, cam, who, organisation: this.#organisationOf(ticket), since, until, kid: ticket.kid };
    });
  }

  /** To be shown over the picture: who watches, and for whom. */
  watermark({ ticket }: Call): string {
    const organisation = this.#organisationOf(ticket);
    const who = ticket.person?.name ?? '';
    return organisation === null ? who : `${who} · ${organisation}`;
  }

  #organisationOf(ticket: Ticket): string | null {
    return ticket.kind === 'employee' ? this.#parts.organisationName(ticket.grantId) : null;
  }

  #atMost(waitMs: number, told: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(waitMs, resolve, true);
      void told.finally(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #keep(end: Promise<void>): void {
    const kept = end.finally(() => this.#ends.delete(kept));
    this.#ends.add(kept);
  }

  /** Undefined when it could not be written; the end is then a row of its own. */
  #writeBegin(session: Session): Promise<Intent | undefined> {
    return this.#parts.operationLog.intent(this.#entryOf(session), proofOf(session).ticket.person).catch((error: unknown) => {
      this.#parts.log.error('the begin of a session could not be written to the operation log', { error });
      return undefined;
    });
  }

  async #writeEnd(session: Session, outcome: Outcome): Promise<void> {
    const intent = await this.#begun.get(session.sessionId);
    this.#begun.delete(session.sessionId);
    if (intent !== undefined) await this.#parts.operationLog.result(intent, outcome);
    else await this.#parts.operationLog.append({ ...this.#entryOf(session), ...outcome, phase: 'result' }, proofOf(session).ticket.person);
  }
}

/** Exactly the signed fingerprint, wherever the SDP states one. */
export function sdpHasOnly(sdp: string, fingerprint: string): boolean {
  const stated = [...sdp.matchAll(/^a=fingerprint:(.+?)\r?$/gim)].map((match) => (match[1] ?? '').trim().toLowerCase());
  return stated.length > 0 && stated.every((one) => one === fingerprint.toLowerCase());
}
