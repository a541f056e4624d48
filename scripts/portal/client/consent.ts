import { CONSENT_TEXT, consentTextHash } from '../../../agent/contract/consent-text.js';
import { type Signer, signStatement } from '../../../agent/contract/jws.js';
import { SCOPES } from '../../../agent/contract/shapes.js';
import type { Consent, Operator, Person } from '../../../agent/contract/statements.js';

/** What stands in a consent beside the text: who agrees, as what, how the recorder came to this key, and whom it may speak with. */
export interface ConsentFacts {
  readonly serial: string;
  readonly person: Person;
  readonly role: Consent['role'];
  readonly method: Consent['method'];
  readonly operator: Operator | null;
  /** Unix time in ms. */
  readonly at: number;
}

/** The consent to the text that this app shows (consent+jws). It permits nothing of what a grant permits, and says so. */
export async function signConsent(facts: ConsentFacts, signer: Signer): Promise<string> {
  const consent: Consent = {
    v: 1,
    dev: facts.serial,
    text: await consentTextHash(),
    lang: CONSENT_TEXT.language,
    ver: CONSENT_TEXT.version,
    by: facts.person,
    role: facts.role,
    method: facts.method,
    operator: facts.operator,
    agreed: ['pairing', 'status', 'log-checkpoints'],
    notAgreed: [...SCOPES],
    iat: facts.at,
  };
  return signStatement('consent+jws', consent, signer);
}
