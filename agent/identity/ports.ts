import type { EnrolmentRequest } from '../contract/enrolment.js';

/** What a hook's answer is checked with; a strict schema of the contract fits. */
export interface AnswerShape<Answer> {
  safeParse(value: unknown): { readonly success: true; readonly data: Answer } | { readonly success: false; readonly error: unknown };
}

/** How a call of the hook `keystore-sign` ended: `unsupported` when there is no such hook. */
export type KeystoreAnswer<Answer> =
  | { readonly outcome: 'ok'; readonly answer: Answer }
  | { readonly outcome: 'unsupported' | 'refused' | 'retry' | 'rolled-back' | 'failed'; readonly reason: string };

/** The firmware's keystore (firmware-hooks/PROTOCOL.md, `keystore-sign`); the hook runner fits. Never rejects for what the hook does. */
export interface KeystoreHook {
  run<Answer>(
    name: 'keystore-sign',
    call: { readonly input: Readonly<Record<string, unknown>>; readonly answer: AnswerShape<Answer> },
  ): Promise<KeystoreAnswer<Answer>>;
}

/** Who issues client certificates; the way there is the cloud's. */
export interface CertificateIssuer {
  /** The PEM chain. Rejects with an AgentError, also when `signal` fires. */
  enrol(request: EnrolmentRequest, signal: AbortSignal): Promise<string>;
}
