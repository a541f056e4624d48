import { createConnection } from 'node:net';
import { parseGuarded } from '../contract/guard.js';
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
/** Withdrawing writes to disk; a slow one may take seconds. */
const ANSWER_MS = 15_000;

/**
 * Asks the running agent through its socket. Rejects with control.not_running, or with what the agent refused.
 */
export async function askAgent(path: string, op: 'status' | 'press' | 'withdraw'): Promise<unknown> {
  const answer = parseGuarded(await exchange(path, `${JSON.stringify({ op })}\n`)) as Record<string, unknown>;
  if (answer.ok === true) return answer.body;
  throw new AgentError({ code: String(answer.code), say: String(answer.say), fix: String(answer.fix) });
}

function exchange(path: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    // A hung agent must not hang the person who wants to withdraw.
    socket.setTimeout(ANSWER_MS, () => {
      reject(new AgentError(NO_ANSWER));
      socket.destroy();
    });
    socket.on('end', () => resolve(text));
    socket.on('error', (cause: NodeJS.ErrnoException) =>
      reject(new AgentError({ ...(cause.code === 'EACCES' || cause.code === 'EPERM' ? NOT_ALLOWED : NOT_RUNNING), cause })),
    );
  });
}
