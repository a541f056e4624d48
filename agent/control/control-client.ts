import { createConnection } from 'node:net';
import {
  CONTROL,
  CONTROL_ANSWER_BYTES,
  type ControlAnswer,
  type ControlArgs,
  type ControlOp,
  ControlReply,
  type ControlSource,
} from '../contract/control.js';
import { parseGuarded } from '../contract/guard.js';
import { parseShape } from '../contract/shapes.js';
import { AgentError } from '../kernel/errors.js';

const NOT_RUNNING = {
  code: 'control.not_running',
  say: 'No agent runs with this state folder.',
  fix: 'Start it (systemctl start sightline), or name its folder with --state.',
} as const;

const NOT_ALLOWED = {
  code: 'control.not_allowed',
  say: 'This user may not speak with the agent.',
  fix: 'Use the agent’s own user or root (sudo).',
} as const;

const NO_ANSWER = {
  code: 'control.no_answer',
  say: 'The agent runs, but does not answer.',
  fix: 'Look into its log; restart it when it stays so (systemctl restart sightline).',
  retryable: true,
} as const;

const CUT_OFF = {
  code: 'control.cut_off',
  say: 'The agent ended before it answered: what was asked may be done or not.',
  fix: 'Start it again, then look at the operation log (sightline log show).',
  retryable: true,
} as const;

const OTHER_VERSION = {
  code: 'control.other_version',
  say: 'The agent gave an answer that this command does not understand.',
  fix: 'Use the command line of the same version as the running agent; restart the agent after an update.',
} as const;

/** What a request may say besides its name. */
export interface AskOptions<Op extends ControlOp> {
  readonly args?: ControlArgs<Op> | undefined;
  /** Default: local. */
  readonly source?: ControlSource | undefined;
  /** How long silence is borne; default: what the table says. */
  readonly limitMs?: number | undefined;
}

/**
 * Asks the running agent through its socket. Rejects with control.not_running | not_allowed | no_answer | cut_off | other_version, or with what
 * the agent refused.
 */
export async function askAgent<Op extends ControlOp>(path: string, op: Op, options: AskOptions<Op> = {}): Promise<ControlAnswer<Op>> {
  const { args, source, limitMs = CONTROL[op].limitMs } = options;
  const text = await exchange(path, `${JSON.stringify({ op, args, source })}\n`, limitMs);
  if (text.trim() === '') throw new AgentError(CUT_OFF);
  const reply = understood(() => parseShape(ControlReply, parseGuarded(text, CONTROL_ANSWER_BYTES)));
  if (!reply.ok) throw new AgentError(reply);
  return understood(() => parseShape<ControlAnswer<ControlOp>>(CONTROL[op].answer, reply.body)) as ControlAnswer<Op>;
}

function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new AgentError({ ...OTHER_VERSION, cause });
  }
}

/** A hung agent must not hang the person who wants to withdraw: silence ends after `limitMs`. */
function exchange(path: string, request: string, limitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    let text = '';
    const fail = (error: AgentError): void => {
      reject(error);
      socket.destroy();
    };
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > CONTROL_ANSWER_BYTES) fail(new AgentError(OTHER_VERSION));
    });
    socket.setTimeout(limitMs, () => fail(new AgentError(NO_ANSWER)));
    socket.on('end', () => resolve(text));
    socket.on('error', (cause: NodeJS.ErrnoException) => fail(new AgentError({ ...errorOf(cause.code), cause })));
  });
}

function errorOf(code: string | undefined): typeof NOT_ALLOWED | typeof NOT_RUNNING | typeof CUT_OFF {
  if (code === 'EACCES' || code === 'EPERM') return NOT_ALLOWED;
  return code === 'ECONNRESET' || code === 'EPIPE' ? CUT_OFF : NOT_RUNNING;
}
