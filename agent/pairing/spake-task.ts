import { type Identities, newScalar, type Verifier, verifierRespond } from '../contract/spake2plus.js';
import { AgentError } from '../kernel/errors.js';
import type { SpakeAnswer } from './ports.js';

/** One computation as it crosses to the other thread. */
export interface SpakeTask {
  readonly ids: Identities;
  readonly verifier: Verifier;
  readonly shareP: Uint8Array;
}

/** What comes back. An error loses its class on the way between threads: only what a person is told crosses. */
export type SpakeReply =
  | { readonly answer: SpakeAnswer }
  | { readonly refused: { readonly code: string; readonly say: string; readonly fix: string } }
  | { readonly broken: string };

/** The recorder's half of an exchange with a fresh random scalar. Computes where it is called. Never throws. */
export function answerTask({ ids, verifier, shareP }: SpakeTask): SpakeReply {
  try {
    const y = newScalar(globalThis.crypto.getRandomValues(new Uint8Array(48)));
    return { answer: verifierRespond(ids, verifier, y, shareP) };
  } catch (error) {
    if (error instanceof AgentError) return { refused: { code: error.code, say: error.say, fix: error.fix } };
    return { broken: String(error) };
  }
}
