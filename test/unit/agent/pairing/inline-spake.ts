import type { Identities, Verifier } from '../../../../agent/contract/spake2plus.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { Spake, SpakeAnswer, SpakeSlot } from '../../../../agent/pairing/ports.js';
import { refusal } from '../../../../agent/pairing/refusals.js';
import { answerTask } from '../../../../agent/pairing/spake-task.js';

/** SPAKE2+ where the test runs, without a thread; counts, can be held back, and can be full. */
export class InlineSpake implements Spake {
  computed = 0;
  held = 0;
  mostSlots = Number.POSITIVE_INFINITY;
  isStopped = false;
  beforeAnswer: () => Promise<void> = async () => undefined;

  reserve(): SpakeSlot {
    if (this.held >= this.mostSlots) throw refusal('busy');
    this.held += 1;
    let isHeld = true;
    return {
      respond: (ids, verifier, shareP) => this.#respond(ids, verifier, shareP),
      release: () => {
        if (isHeld) this.held -= 1;
        isHeld = false;
      },
    };
  }

  async stop(): Promise<void> {
    this.isStopped = true;
  }

  async #respond(ids: Identities, verifier: Verifier, shareP: Uint8Array): Promise<SpakeAnswer> {
    this.computed += 1;
    await this.beforeAnswer();
    const reply = answerTask({ ids, verifier, shareP });
    if ('answer' in reply) return reply.answer;
    if ('refused' in reply) throw new AgentError(reply.refused);
    throw refusal('failed', { cause: reply.broken });
  }
}
