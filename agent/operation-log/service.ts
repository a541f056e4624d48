import { fromBase64url, toBase64url } from '../contract/text.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { type Log, RateLimitedLog } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { Audit, PRUNED } from './audit.js';
import { toHex } from './chain.js';
import { Checkpointer, checkpointOf } from './checkpointer.js';
import { decodeBody, type EntryInput, isUrgentAction, type Person } from './entry.js';
import { listEntries } from './listing.js';
import { Outage } from './outage.js';
import { People, sha256 } from './people.js';
import type {
  Appended,
  AskedBy,
  CheckpointSigner,
  ErasedSubject,
  ErasedSubjects,
  Intent,
  ListedEntry,
  ListQuery,
  LogProblem,
  LogStore,
  OperationLog,
  Outcome,
  OwedStore,
  Proofs,
  ProofWish,
  SignedCheckpoint,
  VerifyReport,
  Witness,
  Witnessed,
} from './ports.js';
import { fullness, mayGoUpTo, type RetentionFacts, type RetentionRule, tooOldAt } from './retention.js';
import { Witnesses } from './witnesses.js';
import { type LogFacts, LogWriter, unwritable, type WriteWish } from './writer.js';

/** What the log is built from. */
export interface OperationLogOptions extends LogFacts {
  readonly store: LogStore;
  readonly signer: CheckpointSigner;
  readonly clock: Clock;
  readonly log: Log;
  /** An instant that is surely past: rows grow too old by it, so that a clock that is set ahead for a moment takes none. Default: the clock. */
  readonly surelyAt?: (() => number) | undefined;
  /** Remembers what was stopped while no row could be written. Default: memory only. */
  readonly owed?: OwedStore | undefined;
  /** The log is not what it was: the row that says so is on its way (`security.*`). */
  readonly onAlarm?: (() => void) | undefined;
}

const EMPTY_AGAIN_MS = 10_000;
/** So many rows behind the one that says that the agent stopped are looked through for it: pictures may end after that. */
const MOST_AFTER_STOP = 256;
const STOPPED = 'agent.stopped';
const REF = /^[\w-]{22}$/;
const BY_ITSELF = { source: 'system', actor: 'system' } as const;

/** Who did what, when, and how it ended: kept on the recorder, provable to the owner, able to forget a person. */
export class OperationLogService implements OperationLog, Service {
  readonly name = 'operation-log';
  readonly #options: OperationLogOptions;
  readonly #people: People;
  readonly #writer: LogWriter;
  readonly #checkpointer: Checkpointer;
  readonly #witnesses: Witnesses;
  readonly #reported = new Set<string>();
  #emptying: Timer | undefined;
  readonly #outage: Outage;
  #opened: Promise<void> | undefined;

  constructor(options: OperationLogOptions) {
    const { store, signer, clock, device } = options;
    this.#options = options;
    this.#people = new People(store);
    this.#checkpointer = new Checkpointer({ store, signer, clock, device, log: new RateLimitedLog(options.log, clock) });
    this.#writer = new LogWriter({
      store,
      people: this.#people,
      clock,
      facts: options,
      isOwn: (jws) => this.#isOwn(jws),
      onCommitted: (state, isSecurity) => this.#checkpointer.note(state, isSecurity),
      onDamage: (problem) => this.#reportDamage(problem),
    });
    this.#witnesses = new Witnesses({
      ...{ store, signer, hash: sha256, device, clock, log: options.log },
      state: () => this.#writer.state(),
      seal: () => this.#checkpointer.flush(),
      onProblem: (problem, witness) => this.#alarm(problem, witness),
    });
    this.#outage = new Outage({
      ...{ store, clock, log: options.log, owed: options.owed, site: options.site },
      write: async (wish) => {
        await this.#open(wish.isUrgent);
        await this.#writer.append(wish);
      },
      onChange: () => options.onAlarm?.(),
    });
  }

  /** Names the boot and closes what the previous run left open. A log that cannot be written does not stop the agent from starting. */
  async start(): Promise<void> {
    this.#checkpointer.start();
    await this.#outage.start();
    await this.#open().catch((error: unknown) => this.#options.log.error('the operation log cannot be written', { error }));
    await this.#outage.retry();
  }

  async stop(): Promise<void> {
    this.#emptying?.cancel();
    await this.#outage.stop();
    await this.append({ ...BY_ITSELF, action: STOPPED, phase: 'result', result: 'ok' }).catch((error: unknown) =>
      this.#options.log.error('the stop could not be written to the operation log', { error }),
    );
    await this.#checkpointer.stop();
  }

  async append(entry: EntryInput, person?: Person): Promise<Appended> {
    const { seq, head } = await this.#write({ entry, person });
    return { seq, head };
  }

  async intent(entry: Omit<EntryInput, 'phase'>, person?: Person): Promise<Intent> {
    const full: EntryInput = { ...entry, phase: 'intent' };
    const { seq, head, actorRef } = await this.#write({ entry: full, person });
    const actor = person === undefined || actorRef === undefined ? undefined : { person, ref: actorRef };
    return { seq, head, entry: full, person, actor };
  }

  async result(intent: Intent, outcome: Outcome): Promise<Appended> {
    const known = Object.fromEntries(Object.entries(outcome).filter(([, value]) => value !== undefined)) as unknown as Outcome;
    const { before: _before, after: _after, ...carried } = intent.entry;
    const { person, actor } = intent;
    // Whoever turned out to be somebody else meanwhile (a new owner) is looked up; the same person keeps the ref of the intent.
    const actorRef = actor !== undefined && actor.person === person ? actor.ref : undefined;
    const entry: EntryInput = { ...carried, ...known, phase: 'result', intentSeq: intent.seq };
    const { seq, head } = await this.#write({ entry, person, actorRef });
    return { seq, head };
  }

  list(query: ListQuery): Promise<readonly ListedEntry[]> {
    return listEntries(this.#options.store, query);
  }

  async verify(witness?: string): Promise<VerifyReport> {
    const { store, signer, clock, device } = this.#options;
    const held = witness === undefined ? undefined : await this.#witnesses.opensOwn(witness);
    return new Audit({ store, signer, clock, device, hash: sha256 }, held).run();
  }

  async position(): Promise<Appended> {
    const { size, head } = await this.#writer.state();
    return { seq: size, head: toHex(head) };
  }

  /** Since when no row could be written, ms since 1970; undefined when everything can. */
  get unwritableSince(): number | undefined {
    return this.#outage.since;
  }

  /** Whether it still cannot be written is found out now, by writing what is due. Never rejects. */
  tryAgain(): Promise<void> {
    return this.#outage.retry();
  }

  latestCheckpoint(): Promise<SignedCheckpoint | null> {
    return this.#witnesses.latest();
  }

  seal(): Promise<void> {
    return this.#checkpointer.flush();
  }

  onCheckpoint(listener: (checkpoint: SignedCheckpoint) => void): () => void {
    return this.#checkpointer.onCheckpoint(listener);
  }

  acknowledge(witness: Witness, jws: string): Promise<LogProblem | null> {
    return this.#witnesses.acknowledge(witness, jws);
  }

  witnessed(witness: Witness, jws: string | null): Promise<Witnessed> {
    return this.#witnesses.witnessed(witness, jws);
  }

  prove(wish: ProofWish): Promise<Proofs> {
    return this.#witnesses.prove(wish);
  }

  async findSubjects(text: string): Promise<readonly (Person & { readonly ref: string })[]> {
    const rows = await this.#options.store.searchSubjects(text);
    return rows.map((row) => ({ ref: toBase64url(row.ref), name: row.name ?? '', email: row.email ?? '' }));
  }

  async eraseSubject(ref: string, by: AskedBy): Promise<ErasedSubject> {
    const { refs, seq, ...erased } = await this.#erase([ref], by, false);
    if (refs.length === 0) throw noSuchSubject();
    return { ref, seq, ...erased };
  }

  async eraseSubjects(refs: readonly string[], by: AskedBy, isEverybody = false): Promise<ErasedSubjects> {
    const { seq: _seq, ...erased } = await this.#erase(refs, by, isEverybody);
    return erased;
  }

  async #erase(wanted: readonly string[], { person: asker, ...by }: AskedBy, isEverybody: boolean) {
    await this.#open();
    const { store, clock } = this.#options;
    const found = await store.subjects([...new Set(wanted)].filter((ref) => REF.test(ref)).map((ref) => fromBase64url(ref)));
    const living = found.filter(({ erasedAt }) => erasedAt === null);
    if (living.length === 0) return { refs: [], seq: 0, details: 0, stillIn: [] };
    const subjects = living.map(({ ref, name, email }) => ({ ref, person: { name: name ?? '', email: email ?? '' } }));
    const refs = living.map(({ ref }) => toBase64url(ref));
    const tombstone = { ...by, action: 'log.subject_erased', phase: 'result', result: 'ok' } as const;
    const wishes: WriteWish[] = refs.map((object) => ({ entry: { ...tombstone, object }, person: asker }));
    await this.#outage.forgetWords();
    return this.#writer.exclusive(wishes, async ({ batch, appended }) => {
      // Before, so that nobody is known by heart whatever becomes of the rest; no other row is built meanwhile.
      this.#people.forget();
      const { isEmptied, ...erased } = await store.erase({ subjects, isEverybody }, batch, clock.now());
      if (!isEmptied) this.#emptyLater();
      return { refs, seq: appended[0]?.seq ?? 0, ...erased };
    });
  }

  /** Whoever read the log while somebody was erased is done at some time: then the last bytes go. */
  #emptyLater(): void {
    this.#emptying?.cancel();
    const again = async (): Promise<void> => {
      if (!(await this.#options.store.empty())) this.#emptyLater();
    };
    this.#emptying = this.#options.clock.after(EMPTY_AGAIN_MS, () => void again(), true);
  }

  async prune(rule: RetentionRule): Promise<number> {
    await this.#open();
    const { store, signer, clock, device, log } = this.#options;
    const upTo = mayGoUpTo(rule, await this.#retentionFacts(rule));
    if (upTo === 0) return 0;
    const anchor = await store.fittingCheckpoint(upTo);
    if (anchor === null || anchor.size < (await store.firstSeq())) return 0;
    if (!(await this.#isOwn(anchor.jws))) {
      // Whoever put a checkpoint of his own into the file must not have the rows before it taken out.
      log.warn('the operation log cannot be shortened: its checkpoint is not this recorder’s', { upTo: anchor.size });
      return 0;
    }
    const after = { rows: anchor.size, days: rule.days, most: rule.rows, root: toHex(anchor.root) };
    const entry: EntryInput = { ...BY_ITSELF, action: PRUNED, phase: 'result', object: String(anchor.size), result: 'ok', after };
    const taken = await this.#writer.exclusive([{ entry }], async ({ batch, state }) => {
      const gone = await store.prune(anchor, batch, await checkpointOf(state, { signer, device, at: clock.now() }));
      this.#people.forget();
      return gone;
    });
    log.info('the operation log was shortened', { upTo: anchor.size, taken });
    return taken;
  }

  async fullness(rule: RetentionRule): Promise<number> {
    return fullness(rule, await this.#retentionFacts(rule));
  }

  async #retentionFacts(rule: RetentionRule): Promise<RetentionFacts> {
    const { store, clock, surelyAt } = this.#options;
    const nowAt = surelyAt?.() ?? clock.now();
    const [firstSeq, lastTooOldSeq, [oldestOpenSeq], { size }] = await Promise.all([
      store.firstSeq(),
      store.lastSeqBefore(tooOldAt(rule, nowAt)),
      store.openIntents(),
      this.#writer.state(),
    ]);
    return { nowAt, firstSeq, lastSeq: size, lastTooOldSeq, oldestOpenSeq };
  }

  /** Once per run, before the first row of anybody else; tried again by the next caller when it failed. */
  #open(isUrgent = false): Promise<void> {
    this.#opened ??= this.#firstRows(isUrgent).catch((error: unknown) => {
      this.#opened = undefined;
      throw unwritable(error);
    });
    return this.#opened;
  }

  async #write(wish: WriteWish) {
    try {
      await this.#open(isUrgentAction(wish.entry.action));
      const written = await this.#writer.append(wish);
      void this.#outage.retry();
      return written;
    } catch (error) {
      // The agent is stopping: nothing is wrong with the disk.
      if (causeOf(error) !== 'store.closed') this.#outage.begin(error);
      await this.#outage.owe(wish);
      throw error;
    }
  }

  /** `isUrgent`: what waits for them may use the room that is held back, so they may too. */
  async #firstRows(isUrgent: boolean): Promise<void> {
    const { store, version } = this.#options;
    const left = (await store.openIntents()).filter((seq) => !this.#outage.owes(seq));
    const code = (await this.#wasStopped()) ? undefined : 'agent.not_stopped';
    // Signed at once: whatever is read of this log from here on has a signature behind it.
    const started = { ...BY_ITSELF, action: 'agent.started', phase: 'result', result: 'ok', code, object: version } as const;
    const rows: WriteWish[] = [{ entry: { ...started, isSecurity: true } }];
    for (const seq of left) rows.push(await this.#interrupted(seq));
    await Promise.all(rows.map((row) => this.#writer.append({ ...row, isUrgent })));
  }

  /** Whether the run before was asked to stop, and said so: among its last rows, because a picture may end after that. True for a new log. */
  async #wasStopped(): Promise<boolean> {
    const { store } = this.#options;
    const last = await store.lastRow();
    if (last === null) return true;
    const fromSeq = Math.max(1, last.seq - MOST_AFTER_STOP);
    const [stop] = await store.rows({ action: STOPPED, fromSeq, limit: 1, newestFirst: true });
    return stop !== undefined && decodeBody(stop.body)?.boot === decodeBody(last.body)?.boot;
  }

  /** The result row of an act that was under way when the previous run ended: told by this run, about whom it was. */
  async #interrupted(seq: number): Promise<WriteWish> {
    const [row] = await this.#options.store.rows({ fromSeq: seq, toSeq: seq, limit: 1 });
    const body = decodeBody(row?.body ?? '');
    const outcome = { source: 'system', phase: 'result', intentSeq: seq, result: 'failed', code: 'log.interrupted' } as const;
    if (body === undefined) return { entry: { ...outcome, actor: 'system', action: 'agent.unknown' } };
    const { action, organisation, grant, amr, site, channel, scope, object, sessionId, commandHash, remote, actor } = body;
    const about = { action, organisation, grant, amr, site, channel, scope, object, sessionId, commandHash, remote };
    const isRef = actor.ref !== undefined && REF.test(actor.ref);
    return { entry: { ...outcome, ...about, actor: actor.kind }, actorRef: isRef ? actor.ref : undefined };
  }

  #isOwn(jws: string): Promise<boolean> {
    return this.#options.signer.open(jws).then(
      ({ device }) => device === this.#options.device,
      () => false,
    );
  }

  #reportDamage(problem: LogProblem): void {
    const key = `${problem.kind} ${problem.seq}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#options.log.error('the operation log was changed from outside', { kind: problem.kind, seq: problem.seq, say: problem.say });
    this.#alarm(problem).catch((error: unknown) =>
      this.#options.log.error('the alarm could not be written to the operation log', { error }),
    );
  }

  async #alarm(problem: LogProblem, witness?: Witness): Promise<void> {
    const object = witness === undefined ? `row ${problem.seq}` : `row ${problem.seq}, witness ${witness}`;
    const action = witness === undefined ? 'security.log-tamper' : 'security.witness';
    const entry = { ...BY_ITSELF, action, phase: 'result', result: 'failed', code: `log.${problem.kind}`, object } as const;
    try {
      await this.#writer.append({ entry: { ...entry, after: { say: problem.say } } });
    } finally {
      this.#options.onAlarm?.();
    }
  }
}

/** Code of what the log could not be written for. */
function causeOf(error: unknown): string | undefined {
  const { cause } = error instanceof AgentError ? error : { cause: undefined };
  return cause instanceof AgentError ? cause.code : undefined;
}

function noSuchSubject(): AgentError {
  return new AgentError({
    code: 'log.no_such_subject',
    say: 'There is no such person in the operation log, or it was erased already.',
    fix: 'Look the person up by name or e-mail address first.',
  });
}
