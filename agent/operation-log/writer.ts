import { fromBase64url, toBase64url, utf8 } from '../contract/text.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import { extend, type LogState, leafHash, toHex } from './chain.js';
import { type ClockQuality, type EntryInput, encodeBody, encodeDetail, isSecurityAction, isUrgentAction, type Person } from './entry.js';
import { commitment, newSalt, type People, sha256 } from './people.js';
import type { AppendBatch, Appended, LogProblem, LogStore, StoredRowWithDetail, SubjectRow } from './ports.js';
import { loadTip } from './tip.js';

/** Facts that stand in every row. */
export interface LogFacts {
  readonly device: string;
  readonly version: string;
  readonly bootId: string;
  readonly clockQuality: () => ClockQuality;
  readonly site: () => string | undefined;
}

/** What the writer works with and tells. */
export interface WriterParts {
  readonly store: LogStore;
  readonly people: People;
  readonly clock: Clock;
  readonly facts: LogFacts;
  /** After each commit, with the state that it made. */
  readonly onCommitted: (state: LogState, isSecurity: boolean) => void;
  /** Whether this recorder signed the checkpoint. */
  readonly isOwn: (jws: string) => Promise<boolean>;
  /** When the stored log turned out to be damaged. */
  readonly onDamage: (problem: LogProblem) => void;
}

/** A row to be written and the person behind it. */
export interface WriteWish {
  readonly entry: EntryInput;
  readonly person?: Person | undefined;
  /** By which ref an earlier row names the person: taken as it is, so that somebody who was erased meanwhile does not come back. */
  readonly actorRef?: string | undefined;
  /** May use the room that is held back on a full disk, whatever the action is. */
  readonly isUrgent?: boolean | undefined;
}

/** A row on the disk. */
export interface Written extends Appended {
  /** By which ref it names its person. */
  readonly actorRef?: string | undefined;
}

interface Waiting {
  readonly wish: WriteWish;
  readonly done: (written: Written) => void;
  readonly failed: (error: AgentError) => void;
}

/** Rows built on a state, not stored yet. */
export interface Built {
  readonly batch: AppendBatch;
  readonly state: LogState;
  readonly appended: readonly Written[];
  readonly fresh: ReadonlyMap<string, SubjectRow>;
}

const MOST_PER_COMMIT = 128;

/**
 * The only writer of rows. Wishes that come in while a commit is under way share the next one; each is answered after the
 * commit that holds it. After any failure the state is read again from the disk, because it is not known how far it got.
 */
export class LogWriter {
  readonly #parts: WriterParts;
  readonly #lane = new KeyedQueue();
  #waiting: Waiting[] = [];
  #isFlushAsked = false;
  #state: LogState | undefined;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  append(wish: WriteWish): Promise<Written> {
    return new Promise((done, failed) => {
      this.#waiting.push({ wish, done, failed });
      this.#askFlush();
    });
  }

  /** The state on the disk. */
  state(): Promise<LogState> {
    return this.#lane.run('log', () => this.#loaded());
  }

  /** Builds rows and stores them in the caller's way, with no other row in between. */
  exclusive<T>(wishes: readonly WriteWish[], store: (built: Built) => Promise<T>): Promise<T> {
    return this.#lane.run('log', async () => {
      const built = await this.#build(wishes);
      try {
        const made = await store(built);
        this.#committed(built, wishes);
        return made;
      } catch (error) {
        this.#state = undefined;
        throw unwritable(error);
      }
    });
  }

  #askFlush(): void {
    if (this.#isFlushAsked) return;
    this.#isFlushAsked = true;
    void this.#lane.run('log', () => this.#flush());
  }

  async #flush(): Promise<void> {
    this.#isFlushAsked = false;
    const taken = this.#waiting.splice(0, MOST_PER_COMMIT);
    if (this.#waiting.length > 0) this.#askFlush();
    const error = await this.#commit(taken);
    if (error === undefined) return;
    // The room that is held back on a full disk is for what is urgent alone: not for what happened to come in with it.
    const urgent = codeOf(error) === 'store.full' ? taken.filter(({ wish }) => isUrgentWish(wish)) : [];
    const isAlone = urgent.length === taken.length;
    const again = urgent.length === 0 || isAlone ? error : await this.#commit(urgent);
    for (const one of taken) {
      const left = urgent.includes(one) ? again : error;
      if (left !== undefined) one.failed(unwritable(left));
    }
  }

  /** Commits these together and answers them; what it failed with instead. */
  async #commit(taken: readonly Waiting[]): Promise<unknown> {
    const wishes = taken.map(({ wish }) => wish);
    try {
      const built = await this.#build(wishes);
      await this.#parts.store.append(built.batch);
      this.#committed(built, wishes);
      for (const [index, { done }] of taken.entries()) done(built.appended[index] as Written);
      return undefined;
    } catch (error) {
      this.#state = undefined;
      return error;
    }
  }

  #committed(built: Built, wishes: readonly WriteWish[]): void {
    this.#state = built.state;
    this.#parts.people.remember(built.fresh);
    this.#parts.onCommitted(
      built.state,
      wishes.some(({ entry }) => entry.isSecurity === true || isSecurityAction(entry.action)),
    );
  }

  async #loaded(): Promise<LogState> {
    if (this.#state === undefined) {
      const { store, facts, isOwn } = this.#parts;
      const tip = await loadTip(store, sha256, { device: facts.device, isOwn });
      this.#state = tip.state;
      if (tip.problem !== null) this.#parts.onDamage(tip.problem);
    }
    return this.#state;
  }

  async #build(wishes: readonly WriteWish[]): Promise<Built> {
    let state = await this.#loaded();
    const fresh = new Map<string, SubjectRow>();
    const rows: StoredRowWithDetail[] = [];
    const appended: Written[] = [];
    for (const { entry, person, actorRef: known } of wishes) {
      const actorRef = known ?? (person === undefined ? undefined : await this.#parts.people.refOf(person, fresh));
      const row = this.#row(state, entry, actorRef);
      state = row.state;
      rows.push(row.stored);
      appended.push({ seq: row.stored.seq, head: toHex(row.stored.head), actorRef });
    }
    const opened = appended.filter((_, index) => wishes[index]?.entry.phase === 'intent').map(({ seq }) => seq);
    const seen = new Map(appended.flatMap(({ seq, actorRef }) => (actorRef === undefined ? [] : [[actorRef, seq] as const])));
    const finished = wishes.flatMap(({ entry }) => (entry.intentSeq === undefined ? [] : [entry.intentSeq]));
    const lastSeen = [...seen].map(([ref, seq]) => ({ ref: fromBase64url(ref), seq }));
    const isUrgent = wishes.every(isUrgentWish);
    return { batch: { rows, subjects: [...fresh.values()], seen: lastSeen, opened, finished, isUrgent }, state, appended, fresh };
  }

  #row(before: LogState, entry: EntryInput, actorRef: string | undefined): { stored: StoredRowWithDetail; state: LogState } {
    const { facts, clock } = this.#parts;
    const json = encodeDetail(entry);
    const detail = json === undefined ? null : { salt: newSalt(), json };
    const seq = before.size + 1;
    const body = encodeBody(entry, {
      seq,
      at: clock.now(),
      clock: facts.clockQuality(),
      bootId: facts.bootId,
      device: facts.device,
      version: facts.version,
      actorRef,
      detail: detail === null ? undefined : toBase64url(commitment(detail.salt, detail.json)),
      site: facts.site(),
    });
    const leaf = leafHash(sha256, utf8(body));
    const state = extend(sha256, before, leaf);
    return { stored: { seq, body, leaf, head: state.head, detail }, state };
  }
}

function isUrgentWish({ entry, isUrgent }: WriteWish): boolean {
  return isUrgent === true || isUrgentAction(entry.action);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof AgentError ? error.code : undefined;
}

/** The one error that callers act upon: nothing that changes state may be done. */
export function unwritable(cause: unknown): AgentError {
  if (cause instanceof AgentError && cause.code === 'log.unwritable') return cause;
  const inner = cause instanceof AgentError ? cause : undefined;
  return new AgentError({
    code: 'log.unwritable',
    say: `The operation log cannot be written. ${inner?.say ?? ''}`.trim(),
    fix: inner?.fix ?? 'Look at the disk’s health; the cause is in the log.',
    retryable: inner?.retryable ?? false,
    cause,
  });
}
