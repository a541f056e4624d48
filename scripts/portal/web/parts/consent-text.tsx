import { CONSENT_TEXT } from '../../../../agent/contract/consent-text.js';
import type { Operator } from '../../../../agent/contract/statements.js';
import { tt } from '../trust-words.js';
import { Card } from './basics.js';

/** The text that is agreed to, exactly as it is signed. `isHeld`: by somebody who will hand the recorder over; that is said before it. */
export function ConsentText({ isHeld = false }: { readonly isHeld?: boolean }) {
  return (
    <Card title={isHeld ? tt.consentHeld : CONSENT_TEXT.title} test="consent-text">
      {isHeld && (
        <>
          <p>{tt.consentHeldText}</p>
          <h3>{CONSENT_TEXT.title}</h3>
        </>
      )}
      {CONSENT_TEXT.paragraphs.map((paragraph) => (
        <p key={paragraph}>{paragraph}</p>
      ))}
    </Card>
  );
}

/** An operator in words. */
export function operatorName(operator: Operator | null): string {
  return operator === null ? tt.operatorNone : tt.operator(operator.name, operator.region, operator.host);
}

/** Whom the recorder is connected with: a part of what is agreed to. */
export function OperatorCard({ operator }: { readonly operator: Operator | null }) {
  return (
    <Card title={tt.operatorTitle} test="operator">
      <p>
        <strong>{operatorName(operator)}</strong>
      </p>
      {operator !== null && <p class="hint">{tt.operatorMeaning}</p>}
    </Card>
  );
}
