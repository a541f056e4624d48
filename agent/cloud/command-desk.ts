import { Command, type CommandEvent, type LogPosition, type Refusal, type Result } from '../contract/command.js';
import { claimedKid, type Signer, signStatement, unverifiedPayload } from '../contract/jws.js';
import { isOperation, OPERATIONS, type OperationName } from '../contract/operations.js';
import { openSealed, seal } from '../contract/seal.js';
import { type PublicJwk, parseShape } from '../contract/shapes.js';
import { sha256Text } from '../contract/text.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError, asAgentError } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import { type Log, RateLimitedLog } from '../kernel/log.js';
import type { EntrySource } from '../operation-log/entry.js';
import type { OperationLog } from '../operation-log/ports.js';
import type { Verdict } from '../permissions/policy.js';
import type { Ticket } from '../permissions/ticket.js';
import { ActRecorder } from './act-recorder.js';
import { authenticate, type KnownKeys } from './authenticate.js';
import type { ActNote, Call, Handlers } from './call.js';
import { RateLimit } from './rate.js';
import { ReplayWindow } from './replay-window.js';

/** What the desk joins. `serial` and `boot` are what a command must name; `sealKey` opens letters, `signer` signs answers. */
export interface CommandDeskParts {
  readonly serial: string;
  readonly boot: string;
  readonly signer: Signer;
  readonly sealKey: CryptoKey;
  readonly permissions: KnownKeys & { judge(ticket: Ticket): Verdict; onChange(listener: () => void): () => void };
  readonly operationLog: OperationLog;
  readonly handlers: Handlers;
  /** Hands a sealed answer or event to the asker. `isKept`: worth keeping until the link is back. */
  readonly reply: (id: string, letter: string, isKept: boolean) => Promise<void>;
  /** Told of every command that did not get past signature, boot, counter and rate, by its code. */
  readonly onRefused?: ((code: string) => void) | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Keys whose numbers are remembered per start; 64 numbers each. */
const MOST_KEYS = 4096;

/**
 * Where every command is judged and answered, whichever way it came: open the letter, check signatures, then counter, rate, permission and
 * act in this order; intent in the log before the act, result in the log before the answer.
 */
export class CommandDesk {
  readonly #parts: CommandDeskParts;
  readonly #queue = new KeyedQueue();
  readonly #recorder: ActRecorder;
  readonly #windows = new Map<string, ReplayWindow>();
  readonly #applicantWindows = new Map<string, ReplayWindow>();
  readonly #rate = new RateLimit(10, 20);
  /** All applicants together: anyone can make a key, so a limit per key would limit nobody. */
  readonly #applicantRate = new RateLimit(2, 30);
  /** Each application is rows in the log for good: a stranger must not fill the disk with them. */
  readonly #applicationRate = new RateLimit(1 / 60, 30);
  readonly #log: RateLimitedLog;

  constructor(parts: CommandDeskParts) {
    this.#parts = parts;
    this.#recorder = new ActRecorder(parts.operationLog, parts.clock);
    this.#log = new RateLimitedLog(parts.log, parts.clock);
  }

  /**
   * Judges, does and answers one command. Rejects only for what cannot be answered: a letter that is not for us or holds no command
   * (seal.broken, signature.*, message.*).
   */
  async receive(id: string, letter: string, source: EntrySource): Promise<void> {
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
    // One after another per key: counters are compared in the order in which the letters came.
    const admitted = await this.#queue.run(kid, () => this.#admit(signed, claimed, source));
    const { result, isKept } = await this.#carryOut(signed, claimed, admitted, source);
    const statement = await signStatement('result+jws', result, this.#parts.signer);
    await this.#parts.reply(id, await seal(statement, claimed.reply), isKept);
  }

  /** Signature, boot, counter and rate; the ticket, or the refusal. */
  async #admit(signed: string, claimed: Command, source: EntrySource): Promise<Ticket | AgentError> {
    try {
      if (!isOperation(claimed.op))
        throw refuse(
          'command.unknown',
          `This recorder does not know "${claimed.op}".`,
          'Update the recorder, or use an app of its version.',
        );
      const { command, ticket } = await authenticate(signed, claimed.op, this.#parts.permissions);
      if (command.boot !== this.#parts.boot)
        throw refuse('command.stale_boot', 'The recorder has restarted since this was signed.', 'Send it again.', true);
      if (!this.#windowOf(ticket).take(command.n))
        throw refuse('command.replayed', 'This command was received before.', 'Send it again.', true);
      const nowMs = this.#parts.clock.monotonicMs();
      const isWithin = this.#rate.take(ticket.kid, nowMs) && (ticket.kind !== 'applicant' || this.#applicantRate.take('all', nowMs));
      if (!isWithin || (claimed.op === 'permissions.apply' && !this.#applicationRate.take('all', nowMs))) {
        throw refuse('command.too_many', 'Too many commands at once.', 'Wait a few seconds.', true);
      }
      return ticket;
    } catch (thrown) {
      const error = asAgentError(thrown, failed);
      this.#parts.onRefused?.(error.code);
      this.#log.warn(error.code, 'a command was refused', { op: claimed.op, source, error });
      return error;
    }
  }

  /**
   * Applicants' windows may be forgotten when they are many (doing their acts twice is harmless, and anyone can make such keys); those of owner and
   * employees never are, because a forgotten window would take an old command again. The owner's one key always has room, whatever an organisation does.
   */
  #windowOf(ticket: Ticket): ReplayWindow {
    const windows = ticket.kind === 'applicant' ? this.#applicantWindows : this.#windows;
    const known = windows.get(ticket.kid);
    if (known !== undefined) return known;
    if (windows.size >= MOST_KEYS && ticket.kind !== 'owner') {
      if (ticket.kind === 'employee')
        throw refuse('command.too_many_keys', 'Too many different keys were used since the recorder started.', 'Restart the recorder.');
      windows.clear();
    }
    const made = new ReplayWindow();
    windows.set(ticket.kid, made);
    return made;
  }

  async #carryOut(
    signed: string,
    claimed: Command,
    admitted: Ticket | AgentError,
    source: EntrySource,
  ): Promise<{ result: Result; isKept: boolean }> {
    const commandHash = await sha256Text(signed);
    if (admitted instanceof AgentError) {
      await this.#recorder.refusedAtDoor(claimed.op, source, admitted.code);
      return { result: this.#result(commandHash, null, admitted, null), isKept: false };
    }
    const op = claimed.op as OperationName;
    const isKept = OPERATIONS[op].logged === 'act' && op !== 'live.open';
    const note: ActNote = {};
    const record = { op, ticket: admitted, source, args: claimed.args, commandHash, note };
    const ended = new AbortController();
    const stopWatching = this.#parts.permissions.onChange(() => {
      if (!this.#parts.permissions.judge(admitted).ok) ended.abort();
    });
    try {
      const args = parseShape(OPERATIONS[op].args as Parameters<typeof parseShape>[0], claimed.args);
      this.#recheck(admitted);
      const intent = await this.#recorder.begin(record);
      const call: Call = {
        ticket: admitted,
        source,
        commandHash,
        note,
        recheck: () => void this.#recheck(admitted),
        ended: ended.signal,
        channels: () => this.#recheck(admitted),
        emit: this.#emitter(claimed.id, commandHash, claimed.reply),
      };
      // Writing the intent took time: what was withdrawn meanwhile is not done.
      const body = await this.#act(op, args, call).catch(async (error: unknown) => {
        await this.#recorder.end(record, intent, asAgentError(error, failed));
        throw error;
      });
      const position = await this.#recorder.end(record, intent, null);
      return { result: this.#result(commandHash, body, null, position), isKept };
    } catch (thrown) {
      const error = asAgentError(thrown, failed);
      if (error.code === failed.code) this.#parts.log.error('a command failed', { op, error });
      return { result: this.#result(commandHash, null, error, await this.#recorder.refused(record, error)), isKept };
    } finally {
      stopWatching();
    }
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

  #emitter(id: string, commandHash: string, replyKey: PublicJwk): Call['emit'] {
    return async (event, body) => {
      const content: CommandEvent = { v: 1, dev: this.#parts.serial, cmd: commandHash, event, body };
      try {
        const statement = await signStatement('event+jws', content, this.#parts.signer);
        await this.#parts.reply(id, await seal(statement, replyKey), false);
      } catch (error) {
        this.#parts.log.debug('an event found nobody', { event, error });
      }
    };
  }

  #result(commandHash: string, body: unknown, error: AgentError | null, log: LogPosition | null): Result {
    const refusal: Refusal | null = error && {
      code: error.code,
      say: error.say.slice(0, 600),
      fix: error.fix.slice(0, 600),
      retryable: error.retryable,
      detail: { ...error.detail },
    };
    return { v: 1, dev: this.#parts.serial, cmd: commandHash, body: body ?? null, error: refusal, log };
  }
}

const failed = {
  code: 'command.failed',
  say: 'The recorder could not do this.',
  fix: 'Try again; if it stays so, send the support file to your installer.',
  retryable: true,
} as const;

function refuse(code: string, say: string, fix: string, retryable = false): AgentError {
  return new AgentError({ code, say, fix, retryable });
}
