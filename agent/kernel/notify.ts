import { writeSync } from 'node:fs';

/**
 * Speaks to systemd (sd_notify protocol) through a descriptor that the launcher opened: Node cannot open datagram unix sockets
 * and a spawned helper is gone before systemd looks it up. Without NOTIFY_FD every call is a no-op.
 */
export class SupervisorNotice {
  readonly #fd: number | undefined;

  constructor(environment: NodeJS.ProcessEnv) {
    const text = environment.NOTIFY_FD;
    const fd = text === undefined ? Number.NaN : Number(text);
    this.#fd = Number.isInteger(fd) && fd > 2 ? fd : undefined;
    // Children must not inherit the right to speak for the agent.
    delete environment.NOTIFY_FD;
    delete environment.NOTIFY_SOCKET;
  }

  ready(status: string): void {
    this.#write(`READY=1\nSTATUS=${status}`);
  }

  /** Called by progress of real work, never by a bare timer: a hung agent must not look alive. */
  alive(): void {
    this.#write('WATCHDOG=1');
  }

  stopping(): void {
    this.#write('STOPPING=1');
  }

  #write(text: string): void {
    if (this.#fd === undefined) return;
    try {
      writeSync(this.#fd, text);
    } catch (error) {
      // The supervisor may be gone (EPIPE, ECONNREFUSED) or busy (EAGAIN); neither is a reason for the agent to end.
      if (!['EPIPE', 'ECONNREFUSED', 'EAGAIN', 'ENOTCONN', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
}
