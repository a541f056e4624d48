import { Command, type CommandEvent, type LogPosition, type Refusal, type Result } from '../contract/command.js';
import { claimedKid, type Signer, signStatement, unverifiedPayload } from '../contract/jws.js';
import { isOperation, OPERATIONS, type OperationName } from '../contract/operations.js';
import { checkSealKey, openSealed, seal } from '../contract/seal.js';
import { type PublicJwk, parseShape } from '../contract/shapes.js';
import { sha256Text } from '../contract/text.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError, asAgentError } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import { type Log, RateLimitedLog } from '../kernel/log.js';
import type { OperationLog } from '../operation-log/ports.js';
import type { Verdict } from '../permissions/policy.js';
import type { Ticket } from '../permissions/ticket.js';
import { Abuse } from './abuse.js';
import { type ActRecord, ActRecorder } from './act-recorder.js';
import { type Sender, senderOf } from './actor.js';
import { authenticate, type KnownKeys, SenderDenied } from './authenticate.js';
import type { ActNote, Call, Handlers, Origin } from './call.js';
import { judgeAge } from './freshness.js';
import { ReplayBook } from './replay-book.js';

/** What the desk joins. `serial` and `boot` are what a command must name; `sealKey` opens letters, `signer` signs answers. */
export interface CommandDeskParts {
  readonly serial: string;
  readonly boot: string;
  readonly signer: Signer;
  readonly sealKey: CryptoKey;
  readonly permissions: KnownKeys & { judge(ticket: Ticket): Verdict; onChange(listener: () => void): () => void };
  readonly operationLog: OperationLog;
  readonly handlers: Handlers;
  /** Milliseconds since this start: what `at` of a command is compared with. */
  readonly up: () => number;
  /**
   * Hands a sealed answer or event back the way the command came. `isKept`: worth keeping until the link is back. `mayShow`: it holds a piece of a
   * picture, and this is asked in the tick in which it leaves.
   */
  readonly reply: (id: string, letter: string, isKept: boolean, to: Origin, mayShow?: () => void) => Promise<void>;
  /** Told of every command that did not get past signature, boot, counter and rate, by its code. */
  readonly onRefused?: ((code: string) => void) | undefined;
  /** Something that the owner should look at was written into the log (`security.*`). */
  readonly onSecurity?: (() => void) | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Where every command is judged and answered, whichever way it came: open the letter, check signatures, then boot, age, counter, rate, permission
 * and act in this order; intent in the log before the act, result in the log before the answer.
 */
export class CommandDesk {
  readonly #parts: CommandDeskParts;
  readonly #queue = new KeyedQueue();
  readonly #recorder: ActRecorder;
  readonly #replays = new ReplayBook();
  readonly #abuse = new Abuse();
  readonly #log: RateLimitedLog;

  constructor(parts: CommandDeskParts) {
    this.#parts = parts;
    this.#recorder = new ActRecorder(parts.operationLog, parts.clock);
    this.#log = new RateLimitedLog(parts.log, parts.clock);
  }

  /**
   * Judges, does and answers one command. Rejects only for what cannot be answered: a letter that is not for us or holds no command
   * (seal.broken, seal.bad_key, signature.*, message.*).
   */
  async receive(id: string, letter: string, from: Origin): Promise<void> {
    const signed = await openSealed(letter, this.#parts.sealKey);
    const kid = claimedKid(signed, 'cmd+jws');
    const claimed = parseShape(Command, unverifiedPayload(signed));
    if (claimed.id !== id || claimed.dev !== this.#parts.serial) {
      throw new AgentError({
        code: 'command.other_recorder',
        say: 'The command is for another recorder.',
        fix: 'Send it to the recorder that it names.',
      });
    }
    const hashing = sha256Text(signed);
    // Nothing is done for whom nothing can be answered.
    await checkSealKey(claimed.reply);
    // One after another per key: a stop must not overtake the movement that was sent before it.
    const admitted = await this.#queue.run(kid, () => this.#admit(signed, claimed, from));
    const { result, isKept } = await this.#carryOut(await hashing, claimed, admitted, from);
    const statement = await signStatement('result+jws', result, this.#parts.signer);
    await this.#parts.reply(id, await seal(statement, claimed.reply), isKept, from);
  }

  /** Signature, boot, age, counter and rate; the ticket, or the refusal. */
  async #admit(signed: string, claimed: Command, from: Origin): Promise<Ticket | AgentError> {
    try {
      if (!isOperation(claimed.op))
        throw refuse(
          'command.unknown',
          `This recorder does not know "${claimed.op}".`,
          'Update the recorder, or use an app of its version.',
        );
      return await this.#authenticate(signed, claimed.op, from);
    } catch (thrown) {
      const error = asAgentError(thrown, failed);
      this.#parts.onRefused?.(error.code);
      this.#log.warn(error.code, 'a command was refused', { op: claimed.op, source: from.source, error });
      return error;
    }
  }

  async #authenticate(signed: string, op: OperationName, from: Origin): Promise<Ticket> {
    try {
      const { command, ticket } = await authenticate(signed, op, this.#parts.permissions, from.source);
      this.#takeNumber(op, command, senderOf(ticket), from);
      return ticket;
    } catch (error) {
      if (!(error instanceof SenderDenied)) throw error;
      // Also a denied letter counts once only: sent again by the relay, it must not count against its sender.
      this.#takeNumber(op, error.command, error.sender, from);
      this.#countAgainst(error.sender, error.code, from);
      throw error;
    }
  }

  /** Judges and takes in one tick: two letters with the same number cannot both be judged before one of them took it. @throws AgentError command.* */
  #takeNumber(op: OperationName, { boot, at, n }: Command, sender: Sender, from: Origin): void {
    if (boot !== this.#parts.boot)
      throw refuse('command.stale_boot', 'The recorder has restarted since this was signed.', 'Send it again.', true);
    const age = judgeAge(at, this.#parts.up());
    if (age === 'too_old') throw refuse('command.too_old', 'This command was under way for too long.', 'Send it again.', true);
    if (age === 'ahead') throw refuse('command.ahead', 'This command comes from the future of this recorder.', 'Send it again.', true);
    const nowMs = this.#parts.clock.monotonicMs();
    const number = this.#replays.judge(sender, n, nowMs);
    if (number === 'seen') throw refuse('command.replayed', 'This command was received before.', 'Send it again.', true);
    if (number === 'full')
      throw refuse('command.too_many_keys', 'Too many devices speak with this recorder at once.', 'Try again in two minutes.', true);
    this.#abuse.admit(op, sender, from, nowMs);
    this.#replays.take(sender, n, nowMs);
  }

  async #carryOut(
    commandHash: string,
    claimed: Command,
    admitted: Ticket | AgentError,
    from: Origin,
  ): Promise<{ result: Result; isKept: boolean }> {
    if (admitted instanceof AgentError) {
      await this.#recorder.refusedAtDoor(claimed.op, from, admitted.code);
      return { result: this.#result(commandHash, null, admitted, null), isKept: false };
    }
    const op = claimed.op as OperationName;
    const isKept = OPERATIONS[op].logged === 'act' && !SHORT_LIVED.has(op);
    const record: ActRecord = { op, ticket: admitted, from, args: claimed.args, commandHash, note: {} };
    try {
      const { body, position } = await this.#perform(record, claimed);
      return { result: this.#result(commandHash, body, null, position), isKept };
    } catch (thrown) {
      const error = asAgentError(thrown, failed);
      if (error.code === failed.code) this.#parts.log.error('a command failed', { op, error });
      this.#countAgainst(senderOf(admitted), error.code, from);
      return { result: this.#result(commandHash, null, error, await this.#recorder.refused(record, error)), isKept };
    }
  }

  /** Intent, act, result. Rejects with what the act rejects with, after that was written too. */
  async #perform(record: ActRecord, claimed: Command): Promise<{ body: unknown; position: LogPosition | null }> {
    const { op, ticket, note } = record;
    const { permissions, clock } = this.#parts;
    const ended = new AbortController();
    const stopWatching = permissions.onChange(() => {
      if (!permissions.judge(ticket).ok) ended.abort();
    });
    try {
      const args = parseShape(OPERATIONS[op].args as Parameters<typeof parseShape>[0], claimed.args);
      this.#recheck(ticket);
      this.#abuse.begin(op, senderOf(ticket), clock.monotonicMs());
      const intent = await this.#recorder.begin(record);
      const call = this.#callOf(record, note, ended.signal, claimed);
      // Writing the intent took time: what was withdrawn meanwhile is not done.
      const body = await this.#act(op, args, call).catch(async (error: unknown) => {
        await this.#recorder.end(record, intent, asAgentError(error, failed));
        throw error;
      });
      return { body, position: await this.#recorder.end(record, intent, null) };
    } finally {
      stopWatching();
    }
  }

  #callOf({ ticket, from, commandHash }: ActRecord, note: ActNote, ended: AbortSignal, { id, reply }: Command): Call {
    return {
      ticket,
      from,
      commandHash,
      note,
      recheck: () => void this.#recheck(ticket),
      ended,
      channels: () => this.#recheck(ticket),
      emit: this.#emitter(id, commandHash, reply, from),
      show: async (piece) => {
        const letter = await this.#sealEvent({ cmd: commandHash, event: 'cameras.picture', body: piece }, reply);
        await this.#parts.reply(id, letter, false, from, () => void this.#recheck(ticket));
      },
    };
  }

  /** Refusals of one verified key add up: at some point it has to wait, and the owner is told. */
  #countAgainst(sender: Sender, code: string, from: Origin): void {
    if (!this.#abuse.refused(sender.kid, code, this.#parts.clock.monotonicMs())) return;
    this.#parts.log.warn('a key kept trying what it may not', { kid: sender.kid, source: from.source, reason: code });
    if (this.#recorder.coolDown(sender, from)) this.#parts.onSecurity?.();
  }

  async #act(op: OperationName, args: unknown, call: Call): Promise<unknown> {
    call.recheck();
    const handler = this.#parts.handlers[op] as (args: unknown, call: Call) => Promise<unknown>;
    return handler(args, call);
  }

  /** The channels covered. @throws AgentError the denial */
  #recheck(ticket: Ticket): readonly string[] | undefined {
    const verdict = this.#parts.permissions.judge(ticket);
    if (!verdict.ok) throw new AgentError(verdict);
    return verdict.channels;
  }

  #emitter(id: string, commandHash: string, replyKey: PublicJwk, to: Origin): Call['emit'] {
    return async (event, body) => {
      try {
        await this.#parts.reply(id, await this.#sealEvent({ cmd: commandHash, event, body }, replyKey), false, to);
      } catch (error) {
        this.#parts.log.debug('an event found nobody', { event, error });
      }
    };
  }

  async #sealEvent(content: Pick<CommandEvent, 'cmd' | 'event' | 'body'>, replyKey: PublicJwk): Promise<string> {
    const { serial: dev, signer } = this.#parts;
    return seal(await signStatement('event+jws', { v: 1, dev, ...content }, signer), replyKey);
  }

  #result(commandHash: string, body: unknown, error: AgentError | null, log: LogPosition | null): Result {
    const refusal: Refusal | null = error && {
      code: error.code,
      say: error.say.slice(0, 600),
      fix: error.fix.slice(0, 600),
      retryable: error.retryable,
      // Whoever was refused for his reckoning of this recorder's clock can set it right.
      detail: { ...error.detail, up: Math.floor(this.#parts.up()) },
    };
    return { v: 1, dev: this.#parts.serial, cmd: commandHash, body: body ?? null, error: refusal, log };
  }
}

/** Answers that are of no use once the asker is gone: a picture of before is not delivered later. */
const SHORT_LIVED: ReadonlySet<OperationName> = new Set(['live.open', 'cameras.snapshot', 'playback.open', 'playback.export']);

const failed = {
  code: 'command.failed',
  say: 'The recorder could not do this.',
  fix: 'Try again; if it stays so, send the support file to your installer.',
  retryable: true,
} as const;

function refuse(code: string, say: string, fix: string, retryable = false): AgentError {
  return new AgentError({ code, say, fix, retryable });
}
