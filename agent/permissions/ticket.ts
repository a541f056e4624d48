import type { Scope } from '../contract/shapes.js';
import type { Badge, Person } from '../contract/statements.js';

/** The outcome of checking signatures: who this is and what it rests on. Whether it still holds is asked of the authorizer, sync. */
export type Ticket =
  | { readonly kind: 'owner'; readonly kid: string; readonly person: Person }
  | {
      readonly kind: 'employee';
      readonly kid: string;
      readonly person: Person;
      readonly badge: Badge;
      readonly grantId: string;
      readonly scope: Scope;
      readonly channel: string | null;
    }
  | { readonly kind: 'applicant'; readonly kid: string; readonly person: Person; readonly badge: Badge; readonly orgKid: string };

/** Narrow form that live view carries with a session. */
export function grantOf(ticket: Ticket): string | null {
  return ticket.kind === 'employee' ? ticket.grantId : null;
}
