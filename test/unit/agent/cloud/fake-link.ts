import type { CloudLink } from '../../../../agent/cloud/link.js';
import { AgentError } from '../../../../agent/kernel/errors.js';

export const lost = (): AgentError => new AgentError({ code: 'cloud.offline', say: 's', fix: 'f', retryable: true });

/** A link whose broker a test plays: `answer` is the PUBACK, or its absence. */
export class FakeLink implements CloudLink {
  readonly sent: string[] = [];
  /** What the broker keeps, by topic. */
  readonly retained = new Map<string, string>();
  answer: (text: string, topic: string) => Promise<void> = async () => undefined;
  readonly #listeners = new Set<(isOnline: boolean) => void>();
  isOnline = false;
  atOnce = 0;
  mostAtOnce = 0;

  async publish(topic: string, payload: string | Uint8Array, options?: { readonly retain?: boolean }): Promise<void> {
    if (!this.isOnline) throw lost();
    const text = typeof payload === 'string' ? payload : Buffer.from(payload).toString();
    this.sent.push(text);
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    try {
      await this.answer(text, topic);
      if (options?.retain === true && text !== '') this.retained.set(topic, text);
      if (options?.retain === true && text === '') this.retained.delete(topic);
    } finally {
      this.atOnce -= 1;
    }
  }

  onMessage(): () => void {
    return () => undefined;
  }

  onOnline(listener: (isOnline: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  set(isOnline: boolean): void {
    this.isOnline = isOnline;
    for (const listener of [...this.#listeners]) listener(isOnline);
  }
}
