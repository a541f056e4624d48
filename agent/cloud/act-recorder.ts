import type { LogPosition } from '../contract/command.js';
import { OPERATIONS, type OperationName } from '../contract/operations.js';
import type { Clock } from '../kernel/clock.js';
import type { AgentError } from '../kernel/errors.js';
import type { EntryInput } from '../operation-log/entry.js';
import type { Appended, Intent, OperationLog } from '../operation-log/ports.js';
import type { Ticket } from '../permissions/ticket.js';
import { COOL_DOWN } from './abuse.js';
import { actorOf, isStranger, type Sender } from './actor.js';
import type { ActNote, Origin } from './call.js';
import { OncePer, SlidingCount } from './rate.js';

/** One command as the log speaks of it. */
export interface ActRecord {
  readonly op: OperationName;
  readonly ticket: Ticket;
  readonly from: Origin;
  readonly args: unknown;
  readonly commandHash: string;
  readonly note: ActNote;
}

const LOOK_PERIOD_MS = 15 * 60_000;
const MOTION_PERIOD_MS = 10_000;
const REFUSAL_PERIOD_MS = 60_000;
/** Rows that nobody known can bring about, per way in: anybody may knock, and must not push the acts of others out of a log that keeps 200,000 rows. */
const UNKNOWN_ROWS = { most: 30, withinMs: 3_600_000 } as const;
/** What stops things is done first and written down after: neither a full nor a slow disk may keep a picture running. */
const WAITS_FOR_NO_DISK: ReadonlySet<OperationName> = new Set(['permissions.withdraw', 'incident.open']);
/** Refusals at the door that say nothing of anybody: a restart, a clock that was off, and what the row of a cool-down has told already. */
const UNTOLD: ReadonlySet<string> = new Set(['command.stale_boot', 'command.too_old', 'command.ahead', 'command.cool_down']);

/**
 * Writes commands into the operation log: acts as intent and result, an employee's looks, anybody's readings and movements once per period, refusals
 * once per person, operation, reason and minute. Acts are refused while the log cannot be written; withdrawing is not.
 */
export class ActRecorder {
  readonly #log: OperationLog;
  readonly #clock: Clock;
  readonly #looks = new OncePer(LOOK_PERIOD_MS);
  readonly #motions = new OncePer(MOTION_PERIOD_MS);
  readonly #refusals = new OncePer(REFUSAL_PERIOD_MS);
  readonly #unknown = new SlidingCount(UNKNOWN_ROWS.most, UNKNOWN_ROWS.withinMs);
  readonly #written = new WeakSet<ActRecord>();

  constructor(log: OperationLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** The intent of an act, committed; undefined where none is written. A withdrawal waits for no disk. @throws AgentError log.unwritable */
  async begin(record: ActRecord): Promise<Intent | undefined> {
    if (OPERATIONS[record.op].logged !== 'act' || WAITS_FOR_NO_DISK.has(record.op)) return undefined;
    return this.#log.intent(this.#entry(record), record.ticket.person);
  }

  /** The result, committed; null where none is written. */
  async end(record: ActRecord, intent: Intent | undefined, error: AgentError | null): Promise<LogPosition | null> {
    const { result, code } = outcomeOf(error);
    this.#written.add(record);
    const { person, ...note } = record.note;
    if (intent !== undefined) return position(await this.#log.result(became(intent, person), { result, code, ...note }));
    if (error !== null || !this.#isDue(record)) {
      if (error !== null) this.#written.delete(record);
      return null;
    }
    const entry: EntryInput = { ...this.#entry(record), ...note, phase: 'result', result, code };
    // An act without an intent is a withdrawal: it was done first, and on a full disk the log writes its row later.
    return this.#log.append(entry, record.ticket.person).then(position, () => {
      this.#undo(record);
      return null;
    });
  }

  /** A refusal after the door; null when the same was written within the minute, or `end` wrote it. */
  async refused(record: ActRecord, error: AgentError): Promise<LogPosition | null> {
    if (this.#written.has(record)) return null;
    const key = `${whoOf(record.ticket)} ${record.op} ${error.code}`;
    const nowMs = this.#clock.monotonicMs();
    if (!this.#refusals.isDue(key, nowMs) || (isStranger(record.ticket) && this.#isTooMany(record.from, nowMs))) return null;
    const entry: EntryInput = { ...this.#entry(record), phase: 'result', ...outcomeOf(error) };
    return this.#log.append(entry, record.ticket.person).then(position, () => null);
  }

  /** Something that did not even prove who sent it. No person: a name in a letter that nobody signed is worth nothing. */
  async refusedAtDoor(op: string, from: Origin, code: string): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (UNTOLD.has(code) || !this.#refusals.isDue(`door ${from.source} ${code}`, nowMs) || this.#isTooMany(from, nowMs)) return;
    const entry: EntryInput = {
      action: 'command.refused',
      phase: 'result',
      ...from,
      actor: 'system',
      object: op.slice(0, 40),
      result: 'refused',
      code,
    };
    await this.#log.append(entry).catch(() => undefined);
  }

  /**
   * A key that kept trying what it may not, by name: the owner looks for these rows. False when nothing is to be told, because strangers, who can
   * make any number of keys, are told of together and once a minute.
   */
  coolDown(sender: Sender, from: Origin): boolean {
    const isAnybody = isStranger(sender);
    const isOwner = sender.kind === 'owner';
    if (isAnybody && !this.#refusals.isDue('strangers cool down', this.#clock.monotonicMs())) return false;
    const entry: EntryInput = {
      action: isOwner ? 'security.refusals' : 'security.cool-down',
      phase: 'result',
      ...from,
      actor: isOwner ? 'owner' : isAnybody ? 'system' : 'employee',
      organisation: isAnybody ? undefined : sender.organisation,
      grant: sender.grant,
      result: 'ok',
      after: { refusals: COOL_DOWN.refusals, minutes: isOwner ? 0 : COOL_DOWN.lastsMs / 60_000 },
    };
    void this.#log.append(entry, isAnybody ? undefined : sender.person).catch(() => undefined);
    return true;
  }

  #isTooMany({ source }: Origin, nowMs: number): boolean {
    return this.#unknown.take(source, nowMs) > 0;
  }

  #isDue(record: ActRecord): boolean {
    const { logged } = OPERATIONS[record.op];
    if (logged === 'act') return true;
    if (logged === 'look' && record.ticket.kind === 'owner') return false;
    const { book, key } = this.#collapsed(record);
    return book.isDue(key, this.#clock.monotonicMs());
  }

  /** A look or movement whose row could not be written must not stand for those after it. */
  #undo(record: ActRecord): void {
    if (OPERATIONS[record.op].logged === 'act') return;
    const { book, key } = this.#collapsed(record);
    book.forget(key);
  }

  /** Where looks and movements that come one after another are one. */
  #collapsed({ op, ticket, args }: ActRecord): { readonly book: OncePer; readonly key: string } {
    if (OPERATIONS[op].logged === 'motion') return { book: this.#motions, key: `${ticket.kid} ${op} ${channelOf(args) ?? ''}` };
    return { book: this.#looks, key: `${whoOf(ticket)} ${op}` };
  }

  #entry(record: ActRecord): Omit<EntryInput, 'phase'> {
    const { ticket } = record;
    return {
      action: record.op,
      ...record.from,
      ...actorOf(ticket),
      channel: channelOf(record.args),
      scope: OPERATIONS[record.op].scope ?? undefined,
      commandHash: record.commandHash,
    };
  }
}

/** The intent as it is finished once it is known who acted: whoever joined or took over is the owner by then. */
function became(intent: Intent, person: ActNote['person']): Intent {
  return person === undefined ? intent : { ...intent, person, entry: { ...intent.entry, actor: 'owner' } };
}

/** Strangers count as one: anybody can make a new key for every letter, and each would get a row of its own. */
function whoOf(ticket: Ticket): string {
  return isStranger(ticket) ? 'strangers' : ticket.kid;
}

function channelOf(args: unknown): string | undefined {
  const cam = typeof args === 'object' && args !== null && 'cam' in args ? args.cam : undefined;
  return typeof cam === 'string' ? cam : undefined;
}

/** Codes that say: not allowed, or not understood, so nothing was tried. */
const REFUSED =
  /^(permissions\.|message\.|signature\.|owner\.|pairing\.|command\.(?!failed)|config\.(stale_base|refused)$|live\.(too_|no_such|bad_offer)|playback\.(too_|no_such|bad_|outside_|channel_)|cameras\.(no_such|not_offered|bad_|too_many))/;

/** What the owner or a rule forbids is refused; what was tried and did not work failed. */
function outcomeOf(error: AgentError | null): { result: 'ok' | 'refused' | 'failed'; code: string | undefined } {
  if (error === null) return { result: 'ok', code: undefined };
  const isRefusal = REFUSED.test(error.code);
  return { result: isRefusal ? 'refused' : 'failed', code: error.code };
}

function position(appended: Appended): LogPosition {
  return { seq: appended.seq, head: appended.head };
}
