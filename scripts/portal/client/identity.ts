import type { Signer } from '../../../agent/contract/jws.js';
import type { OperationName } from '../../../agent/contract/operations.js';

/** What a command rests on beside the signature: nothing for the owner, grant and badge for an employee, a badge alone for an applicant. */
export interface Credentials {
  readonly grant: string | null;
  readonly badge: string | null;
}

/** A person at a recorder. */
export interface Identity {
  readonly signer: Signer;
  /**
   * Credentials for an operation on a camera (null when it is about none).
   * Rejects with AgentError permissions.not_granted when there is no grant for it: asking the recorder would only be refused.
   */
  credentials(op: OperationName, cam: string | null): Promise<Credentials>;
}

/** The owner signs with the key that the recorder pinned at pairing; nothing else is needed. */
export function ownerIdentity(signer: Signer): Identity {
  return { signer, credentials: () => Promise.resolve({ grant: null, badge: null }) };
}
