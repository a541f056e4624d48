import { fromBase64url, toBase64url } from '../contract/text.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { type Log, RateLimitedLog } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { Audit, PRUNED } from './audit.js';
import { toHex } from './chain.js';
import { Checkpointer } from './checkpointer.js';
import { decodeBody, type EntryInput, type Person } from './entry.js';
import { listEntries } from './listing.js';
import { People, sha256 } from './people.js';
import type {
  Appended,
  Checkpoint,
  CheckpointSigner,
  ErasedSubject,
  Intent,
  ListedEntry,
  ListQuery,
  LogProblem,
  LogStore,
  OperationLog,
  Outcome,
  SignedCheckpoint,
  VerifyReport,
  Witness,
} from './ports.js';
import { fullness, mayGoUpTo, type RetentionFacts, type RetentionRule, tooOldAt } from './retention.js';
import { cutProblem } from './tip.js';
import { type LogFacts, LogWriter, unwritable } from './writer.js';

/** What the log is built from. */
export interface OperationLogOptions extends LogFacts {
  readonly store: LogStore;
  readonly signer: CheckpointSigner;
  readonly clock: Clock;
  readonly log: Log;
}

const BY_ITSELF = { source: 'system', actor: 'system' } as const;

/** Who did what, when, and how it ended: kept on the recorder, provable to the owner, able to forget a person. */
export class OperationLogService implements OperationLog, Service {
  readonly name = 'operation-log';
  readonly #options: OperationLogOptions;
  readonly #people: People;
  readonly #writer: LogWriter;
  readonly #checkpointer: Checkpointer;
  readonly #alarmed = new Set<Witness>();
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
      onCommitted: (state, isSecurity) => this.#checkpointer.note(state, isSecurity),
      onDamage: (problem) => this.#reportDamage(problem),
    });
  }

  /** Names the boot and closes what the previous run left open. A log that cannot be written does not stop the agent from starting. */
  async start(): Promise<void> {
    this.#checkpointer.start();
    await this.#open().catch((error: unknown) => this.#options.log.error('the operation log cannot be written', { error }));
  }

  async stop(): Promise<void> {
    await this.append({ ...BY_ITSELF, action: 'agent.stopped', phase: 'result', result: 'ok' }).catch((error: unknown) =>
      this.#options.log.error('the stop could not be written to the operation log', { error }),
    );
    await this.#checkpointer.stop();
  }

  async append(entry: EntryInput, person?: Person): Promise<Appended> {
    await this.#open();
    return this.#writer.append({ entry, person });
  }

  async intent(entry: Omit<EntryInput, 'phase'>, person?: Person): Promise<Intent> {
    const full: EntryInput = { ...entry, phase: 'intent' };
    return { ...(await this.append(full, person)), entry: full, person };
  }

  result(intent: Intent, outcome: Outcome): Promise<Appended> {
    const known = Object.fromEntries(Object.entries(outcome).filter(([, value]) => value !== undefined)) as unknown as Outcome;
    const { before: _before, after: _after, ...carried } = intent.entry;
    return this.append({ ...carried, ...known, phase: 'result', intentSeq: intent.seq }, intent.person);
  }

  list(query: ListQuery): Promise<readonly ListedEntry[]> {
    return listEntries(this.#options.store, query);
  }

  async verify(witness?: string): Promise<VerifyReport> {
    const { store, signer, clock, device } = this.#options;
    const held = witness === undefined ? undefined : await this.#opensOwn(witness);
    return new Audit({ store, signer, clock, device, hash: sha256 }, held).run();
  }

  async position(): Promise<Appended> {
    const { size, head } = await this.#writer.state();
    return { seq: size, head: toHex(head) };
  }

  async latestCheckpoint(): Promise<SignedCheckpoint | null> {
    const newest = await this.#options.store.fittingCheckpoint((await this.#writer.state()).size);
    if (newest === null) return null;
    const { size, at, jws } = newest;
    return { v: 1, device: this.#options.device, size, head: toHex(newest.head), root: toHex(newest.root), at, jws };
  }

  seal(): Promise<void> {
    return this.#checkpointer.flush();
  }

  onCheckpoint(listener: (checkpoint: SignedCheckpoint) => void): () => void {
    return this.#checkpointer.onCheckpoint(listener);
  }

  async acknowledge(witness: Witness, jws: string): Promise<LogProblem | null> {
    const held = await this.#opensOwn(jws);
    const problem = await this.#compareWith(held);
    if (problem === null) await this.#options.store.noteAcknowledged(witness, held.size, this.#options.clock.now());
    else if (!this.#alarmed.has(witness)) {
      this.#alarmed.add(witness);
      this.#options.log.error('the operation log is not the one that a witness knows', { witness, say: problem.say });
      await this.append(tamperRow(problem, witness));
    }
    return problem;
  }

  async findSubjects(text: string): Promise<readonly (Person & { readonly ref: string })[]> {
    const rows = await this.#options.store.searchSubjects(text);
    return rows.map((row) => ({ ref: toBase64url(row.ref), name: row.name ?? '', email: row.email ?? '' }));
  }

  async eraseSubject(ref: string, by: Pick<EntryInput, 'actor' | 'source'>): Promise<ErasedSubject> {
    await this.#open();
    const { store, clock } = this.#options;
    const bytes = /^[\w-]{22}$/.test(ref) ? fromBase64url(ref) : new Uint8Array(0);
    const [subject] = await store.subjects([bytes]);
    if (subject === undefined || subject.erasedAt !== null) throw noSuchSubject();
    const person = { name: subject.name ?? '', email: subject.email ?? '' };
    const tombstone: EntryInput = { ...by, action: 'log.subject_erased', phase: 'result', object: ref, result: 'ok' };
    return this.#writer.exclusive([{ entry: tombstone }], async ({ batch, appended }) => {
      this.#people.forget();
      const erased = await store.erase(bytes, person, batch, clock.now());
      return { ref, seq: appended[0]?.seq ?? 0, ...erased };
    });
  }

  async prune(rule: RetentionRule): Promise<number> {
    await this.#open();
    const { store, clock } = this.#options;
    const upTo = mayGoUpTo(rule, await this.#retentionFacts(rule));
    if (upTo === 0) return 0;
    const anchor = await store.fittingCheckpoint(upTo);
    if (anchor === null || anchor.size < (await store.firstSeq())) return 0;
    const after = { rows: anchor.size, days: rule.days, most: rule.rows, root: toHex(anchor.root) };
    const entry: EntryInput = { ...BY_ITSELF, action: PRUNED, phase: 'result', object: String(anchor.size), result: 'ok', after };
    const taken = await this.#writer.exclusive([{ entry }], ({ batch }) => store.prune(anchor, batch));
    this.#people.forget();
    this.#options.log.info('the operation log was shortened', { upTo: anchor.size, taken, at: clock.now() });
    return taken;
  }

  async fullness(rule: RetentionRule): Promise<number> {
    return fullness(rule, await this.#retentionFacts(rule));
  }

  async #retentionFacts(rule: RetentionRule): Promise<RetentionFacts> {
    const { store, clock } = this.#options;
    const nowAt = clock.now();
    const [firstSeq, lastTooOldSeq, [oldestOpenSeq], { size }] = await Promise.all([
      store.firstSeq(),
      store.lastSeqBefore(tooOldAt(rule, nowAt)),
      store.openIntents(),
      this.#writer.state(),
    ]);
    return { nowAt, firstSeq, lastSeq: size, lastTooOldSeq, oldestOpenSeq };
  }

  /** Once per run, before the first row of anybody else; tried again by the next caller when it failed. */
  #open(): Promise<void> {
    this.#opened ??= this.#firstRows().catch((error: unknown) => {
      this.#opened = undefined;
      throw unwritable(error);
    });
    return this.#opened;
  }

  async #firstRows(): Promise<void> {
    const left = await this.#options.store.openIntents();
    const rows: EntryInput[] = [{ ...BY_ITSELF, action: 'agent.started', phase: 'result', result: 'ok', object: this.#options.version }];
    for (const seq of left) rows.push(await this.#interrupted(seq));
    await Promise.all(rows.map((entry) => this.#writer.append({ entry })));
  }

  /** The result row of an act that was under way when the previous run ended. */
  async #interrupted(seq: number): Promise<EntryInput> {
    const [row] = await this.#options.store.rows({ fromSeq: seq, toSeq: seq, limit: 1 });
    const { action, organisation, grant, site, channel, scope, object, sessionId, commandHash } = decodeBody(row?.body ?? '') ?? {
      action: 'agent.unknown',
    };
    const about = { action, organisation, grant, site, channel, scope, object, sessionId, commandHash };
    return { ...BY_ITSELF, ...about, phase: 'result', intentSeq: seq, result: 'failed', code: 'log.interrupted' };
  }

  #reportDamage(problem: LogProblem): void {
    this.#options.log.error('the operation log was changed from outside', { kind: problem.kind, seq: problem.seq, say: problem.say });
    this.#writer
      .append({ entry: tamperRow(problem) })
      .catch((error: unknown) => this.#options.log.error('the alarm could not be written to the operation log', { error }));
  }

  async #compareWith(held: Checkpoint): Promise<LogProblem | null> {
    const { size } = await this.#writer.state();
    if (held.size > size) return cutProblem(size, held.size);
    const [row] = await this.#options.store.rows({ fromSeq: held.size, toSeq: held.size, limit: 1 });
    // Rows before the anchor are gone on purpose; the anchor is signed itself.
    if (row === undefined || toHex(row.head) === held.head) return null;
    return { kind: 'checkpoint', seq: held.size, say: `Row ${held.size} is not the one that the witness knows: the log was rewritten.` };
  }

  async #opensOwn(jws: string): Promise<Checkpoint> {
    const held = await this.#options.signer.open(jws).catch((error: unknown) => {
      throw foreignCheckpoint(error);
    });
    if (held.device !== this.#options.device) throw foreignCheckpoint();
    return held;
  }
}

function tamperRow(problem: LogProblem, witness?: Witness): EntryInput {
  const object = witness === undefined ? `row ${problem.seq}` : `row ${problem.seq}, witness ${witness}`;
  return { ...BY_ITSELF, action: 'log.tamper', phase: 'result', result: 'failed', code: `log.${problem.kind}`, object };
}

function foreignCheckpoint(cause?: unknown): AgentError {
  return new AgentError({
    code: 'log.foreign_checkpoint',
    say: 'This checkpoint was not signed by this recorder.',
    fix: 'Use a checkpoint of this recorder.',
    cause,
  });
}

function noSuchSubject(): AgentError {
  return new AgentError({
    code: 'log.no_such_subject',
    say: 'There is no such person in the operation log, or it was erased already.',
    fix: 'Look the person up by name or e-mail address first.',
  });
}
