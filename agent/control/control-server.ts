import { promises as fs } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import {
  CONTROL,
  type ControlActs,
  type ControlArgs,
  type ControlOp,
  ControlRequest,
  type ControlSource,
  isControlOp,
} from '../contract/control.js';
import { parseGuarded } from '../contract/guard.js';
import { parseShape } from '../contract/shapes.js';
import { AgentError, asAgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';

export type { ControlActs } from '../contract/control.js';

const LONGEST_REQUEST_BYTES = 4096;
/** A request is one short line: who has not said it by now does not mean to. */
const REQUEST_MS = 10_000;
const MOST_CALLERS = 32;

/**
 * A unix socket in the state folder, 0600: the door for the command line, and at the same time the lock that keeps a second agent off the
 * folder. A socket whose owner is dead refuses connections and is taken over. Who may write to the state folder may do what is asked here.
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
    // Half-open: a caller who has said his line may close his side and still hears the answer.
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket));
    server.maxConnections = MOST_CALLERS;
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
    let isAsked = false;
    socket.setEncoding('utf8');
    socket.setTimeout(REQUEST_MS, () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('end', () => {
      if (!isAsked) socket.destroy();
    });
    socket.on('data', (chunk: string) => {
      if (isAsked) return;
      text += chunk;
      if (Buffer.byteLength(text) > LONGEST_REQUEST_BYTES) return void socket.destroy();
      const end = text.indexOf('\n');
      if (end < 0) return;
      isAsked = true;
      // The act takes as long as it takes; the caller knows how long to wait for it.
      socket.setTimeout(0);
      void this.#answer(text.slice(0, end)).then((answer) => socket.end(`${JSON.stringify(answer)}\n`));
    });
  }

  async #answer(line: string): Promise<unknown> {
    try {
      const { op, args, source } = parseShape(ControlRequest, parseGuarded(line, LONGEST_REQUEST_BYTES), 'control.invalid');
      if (!isControlOp(op)) throw unknownRequest();
      return { ok: true, body: await this.#run(op, args ?? {}, source ?? 'local') };
    } catch (thrown) {
      const error = asAgentError(thrown, { code: 'control.failed', say: 'The agent could not do this.', fix: 'Look into its log.' });
      if (error.code === 'control.failed') this.#log.error('a control request failed', { error });
      return { ok: false, code: error.code, say: error.say, fix: error.fix, retryable: error.retryable };
    }
  }

  #run<Op extends ControlOp>(op: Op, args: unknown, source: ControlSource): Promise<unknown> {
    const checked = parseShape<ControlArgs<ControlOp>>(CONTROL[op].args, args, 'control.invalid') as ControlArgs<Op>;
    return this.#acts()[op](checked, source);
  }
}

function unknownRequest(): AgentError {
  return new AgentError({
    code: 'control.unknown',
    say: 'The agent does not know this request.',
    fix: 'Use the command line of the same version.',
  });
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
