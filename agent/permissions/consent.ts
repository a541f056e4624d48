import type { Consent, Operator } from '../contract/statements.js';
import { type Denial, deny, OTHER_RECORDER } from './denial.js';

/** What a consent is compared with: the text of this version, whom the recorder is set up to speak with, and as what its signer stands there. */
export interface ConsentFacts {
  readonly serial: string;
  readonly consentText: string;
  readonly operator: Operator | null;
  readonly role: Consent['role'];
}

/** Whether this is a consent to what is in force here; undefined means yes. */
export function judgeConsent(consent: Consent, facts: ConsentFacts): Denial | undefined {
  const again = 'Load the page again, read the text, and agree to it.';
  if (consent.dev !== facts.serial) return OTHER_RECORDER;
  if (consent.text !== facts.consentText) return deny('consent_other_text', 'This is a consent to another version of the text.', again);
  if (!isSameOperator(consent.operator, facts.operator))
    return deny('consent_other_operator', 'This consent names another operator than the one that the recorder is set up for.', again);
  if (consent.role === facts.role) return undefined;
  const say =
    facts.role === 'owner'
      ? 'Only an owner’s consent is good here, not an installer’s.'
      : 'An installer becomes the owner by a hand-over only.';
  return deny('consent_role', say, facts.role === 'owner' ? 'Agree as the owner.' : 'Hand the recorder over to its owner.');
}

/** Whether both name the same company, region and host, or both none. */
export function isSameOperator(one: Operator | null, other: Operator | null): boolean {
  if (one === null || other === null) return one === other;
  return one.name === other.name && one.region === other.region && one.host === other.host;
}
