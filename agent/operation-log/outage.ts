import { toBase64url } from '../contract/text.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import { canonicalPerson, type EntryInput, isUrgentAction, type JsonObject } from './entry.js';
import type { LogStore, OwedRow, OwedStore, Person } from './ports.js';
import type { WriteWish } from './writer.js';

/** What an outage is told and made good with. */
export interface OutageParts {
  /** Commits one row, after the first rows of this run. */
  readonly write: (wish: WriteWish) => Promise<unknown>;
  readonly store: Pick<LogStore, 'findSubject' | 'rows'>;
  /** Durable memory of what is owed; none: it is owed as long as this run lasts. */
  readonly owed: OwedStore | undefined;
  readonly site: () => string | undefined;
  /** It begins, or is over: the owner is told as far as that is possible without a row. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A row that is owed, with the person behind it as long as no row names her. */
interface Owed extends OwedRow {
  readonly person?: Person | undefined;
  /** From the run before: perhaps it was written, and the power went before that could be noted. */
  readonly mayBeThere: boolean;
}

const AGAIN_MS = 60_000;
/** Whoever owns the recorder stops things a few times a day; more than this is somebody who fills the memory. */
const MOST_OWED = 256;
/** Of these, what organisations send: however many lists of called-back badges come, the owner's own stops have a place. */
const MOST_OWED_CANCELS = 128;
const CANCEL = 'permissions.cancel';
const MOST_ROWS = 1_000;

/** Whether this row is owed when it cannot be written: what stops others is done first, so its row must follow, however late. */
function isOwed({ action, phase }: EntryInput): boolean {
  return phase === 'result' && isUrgentAction(action);
}

/**
 * The time in which no row can be written. What was stopped meanwhile is remembered, over a power cut too, and its row written as soon as that is
 * possible; then follows the row that says that nothing could be written, and since when.
 */
export class Outage {
  readonly #parts: OutageParts;
  #since: number | undefined;
  #owed: Owed[] = [];
  /** Rows of this outage for which there was no place. */
  #notOwed = 0;
  #isStored = false;
  #saving: Promise<void> = Promise.resolve();
  #retrying: Promise<void> | undefined;
  #timer: Timer | undefined;

  constructor(parts: OutageParts) {
    this.#parts = parts;
  }

  /** Since when nothing could be written, ms since 1970; undefined when everything can. */
  get since(): number | undefined {
    return this.#since;
  }

  /** Reads what the run before owed. Never rejects: a start must not wait for it. */
  async start(): Promise<void> {
    this.#timer = this.#parts.clock.every(AGAIN_MS, () => void this.retry());
    const rows = await this.#parts.owed?.load().catch((error: unknown) => {
      this.#parts.log.error('what the operation log owes could not be read', { error });
      return undefined;
    });
    this.#owed = (rows ?? []).map((row) => ({ ...row, mayBeThere: true }));
    this.#isStored = this.#owed.length > 0;
  }

  /** One last try. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.retry();
  }

  /** A row could not be written. */
  begin(error: unknown): void {
    if (this.#since !== undefined) return;
    this.#since = this.#parts.clock.now();
    this.#parts.log.error('the operation log cannot be written: what changes something is refused', { error });
    this.#parts.onChange();
  }

  /** Remembers the row if it must follow and has a place; resolves when that is on the disk, or cannot be. */
  async owe({ entry, person, actorRef }: WriteWish): Promise<void> {
    if (!isOwed(entry)) return;
    if (!this.#hasPlace(entry)) {
      this.#notOwed += 1;
      const { action, organisation } = entry;
      this.#parts.log.error('too much is owed to the operation log: this will have no row', {
        action,
        organisation,
        notOwed: this.#notOwed,
      });
      return;
    }
    // No two at the same instant: it is by this that a row is known again.
    const at = Math.max(this.#parts.clock.now(), (this.#owed.at(-1)?.at ?? 0) + 1);
    const site = entry.site ?? this.#parts.site();
    this.#owed.push({ at, entry: { ...entry, site }, person, actorRef, mayBeThere: false });
    await this.#save().catch((error: unknown) =>
      this.#parts.log.error('what the operation log owes is in memory only', { action: entry.action, error }),
    );
  }

  #hasPlace({ action }: EntryInput): boolean {
    const cancels = this.#owed.filter(({ entry }) => entry.action === CANCEL).length;
    return this.#owed.length < MOST_OWED && (action !== CANCEL || cancels < MOST_OWED_CANCELS);
  }

  /** Whether the result of this intent is owed. */
  owes(intentSeq: number): boolean {
    return this.#owed.some(({ entry }) => entry.intentSeq === intentSeq);
  }

  /** Somebody is erased: nobody is known by name here any more, and nothing that anybody typed. Rejects when that cannot be stored. */
  async forgetWords(): Promise<void> {
    if (this.#owed.length === 0) return;
    this.#owed = this.#owed.map(({ person: _person, entry, ...rest }) => ({
      ...rest,
      entry: { ...entry, before: withoutWords(entry.before), after: withoutWords(entry.after) },
    }));
    await this.#save();
  }

  /** Tries to write what is due, one after the other. Never rejects; what could not be written stays due. */
  retry(): Promise<void> {
    if (this.#since === undefined && this.#owed.length === 0) return Promise.resolve();
    this.#retrying ??= this.#writeDue()
      .catch((error: unknown) => this.#parts.log.debug('the operation log still cannot be written', { error }))
      .finally(() => {
        this.#retrying = undefined;
      });
    return this.#retrying;
  }

  async #writeDue(): Promise<void> {
    // Each is looked at in the tick in which it is written: an erasure takes names and words out of what is still owed.
    for (let one = this.#owed[0]; one !== undefined; one = this.#owed[0]) {
      const { at } = one;
      const isThere = one.mayBeThere && (await this.#isThere(one));
      if (!isThere) await this.#parts.write(wishFor(this.#owed[0] ?? one));
      this.#owed = this.#owed.filter((other) => other.at !== at);
    }
    if (this.#isStored) await this.#save();
    if (this.#since !== undefined) await this.#tell(this.#since);
  }

  /** It can be written again: that it could not, since when, and what will never have a row, stands in it from then on. */
  async #tell(since: number): Promise<void> {
    const by = { source: 'system', actor: 'system' } as const;
    const notOwed = this.#notOwed;
    const after = { since, ...(notOwed > 0 && { notOwed }) };
    await this.#parts.write({ entry: { ...by, action: 'security.log-unwritable', phase: 'result', result: 'ok', after } });
    this.#notOwed -= notOwed;
    this.#since = undefined;
    this.#parts.onChange();
  }

  async #isThere({ at, entry }: Owed): Promise<boolean> {
    const rows = await this.#parts.store.rows({ action: entry.action, sinceAt: at, limit: MOST_ROWS });
    return rows.some(({ detail }) => detail?.json?.includes(`"doneAt":${at}`) === true);
  }

  #save(): Promise<void> {
    const { owed } = this.#parts;
    if (owed === undefined) return Promise.resolve();
    const saved = this.#saving.then(async () => {
      for (const [index, one] of this.#owed.entries()) {
        const actorRef = one.actorRef ?? (await this.#refOf(one.person));
        // By the reference alone: no name may stand anywhere but where it can be erased.
        if (actorRef !== undefined && this.#owed[index] === one) this.#owed[index] = { ...one, actorRef, person: undefined };
      }
      await owed.save(this.#owed.map(({ at, entry, actorRef }) => ({ at, entry, actorRef })));
      this.#isStored = this.#owed.length > 0;
    });
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  async #refOf(person: Person | undefined): Promise<string | undefined> {
    if (person === undefined) return undefined;
    const known = await this.#parts.store.findSubject(canonicalPerson(person)).catch(() => null);
    return known === null ? undefined : toBase64url(known.ref);
  }
}

/** `doneAt`: the row itself says when it was written. */
function wishFor({ at, entry, person, actorRef }: Owed): WriteWish {
  return { entry: { ...entry, after: { ...entry.after, doneAt: at } }, person, actorRef, isUrgent: true };
}

/** Numbers and yes or no stay. */
function withoutWords(detail: JsonObject | undefined): JsonObject | undefined {
  return detail && Object.fromEntries(Object.entries(detail).filter(([, value]) => typeof value !== 'string' && typeof value !== 'object'));
}
