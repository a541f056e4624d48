import { promises as fs } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { parseGuarded } from '../contract/guard.js';
import { AgentError, asAgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';

/** What someone at the recorder may ask of the running agent. Who may write to the state folder may do this. */
export interface ControlActs {
  /** Plain JSON for `sightline status`. */
  status(): Promise<unknown>;
  /** Opens the pairing window and shows a new code, once. */
  press(): Promise<unknown>;
  /** Takes every permission back. */
  withdraw(): Promise<unknown>;
}

const LONGEST_REQUEST_BYTES = 4096;
const IDLE_MS = 10_000;

/**
 * A unix socket in the state folder, 0600: the door for the command line, and at the same time the lock that keeps a second agent off the
 * folder. A socket whose owner is dead refuses connections and is taken over.
 */
export class ControlServer implements Service {
  readonly name = 'control';
  readonly #path: string;
  readonly #acts: () => ControlActs;
  readonly #log: Log;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(path: string, acts: () => ControlActs, log: Log) {
    this.#path = path;
    this.#acts = acts;
    this.#log = log;
  }

  /** @throws AgentError control.already_running */
  async start(): Promise<void> {
    if (await isAnswered(this.#path)) {
      throw new AgentError({
        code: 'control.already_running',
        say: 'Another agent already runs with this state folder.',
        fix: 'Stop it first, or name another folder with --state.',
      });
    }
    await fs.rm(this.#path, { force: true });
    const server = createServer((socket) => this.#serve(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#path, resolve);
    });
    await fs.chmod(this.#path, 0o600);
    server.on('error', (error) => this.#log.error('the control socket failed', { error }));
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await fs.rm(this.#path, { force: true });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > LONGEST_REQUEST_BYTES) socket.destroy();
      const end = text.indexOf('\n');
      if (end < 0) return;
      const line = text.slice(0, end);
      text = '';
      void this.#answer(line).then((answer) => socket.end(`${JSON.stringify(answer)}\n`));
    });
  }

  async #answer(line: string): Promise<unknown> {
    try {
      const op = (parseGuarded(line) as { op?: unknown } | null)?.op;
      if (op === 'status') return { ok: true, body: await this.#acts().status() };
      if (op === 'press') return { ok: true, body: await this.#acts().press() };
      if (op === 'withdraw') return { ok: true, body: await this.#acts().withdraw() };
      throw new AgentError({
        code: 'control.unknown',
        say: 'The agent does not know this request.',
        fix: 'Use the command line of the same version.',
      });
    } catch (thrown) {
      const error = asAgentError(thrown, { code: 'control.failed', say: 'The agent could not do this.', fix: 'Look into its log.' });
      if (error.code === 'control.failed') this.#log.error('a control request failed', { error });
      return { ok: false, code: error.code, say: error.say, fix: error.fix };
    }
  }
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
