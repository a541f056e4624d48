import type { PublicJwk, Scope } from '../contract/shapes.js';
import type { Badge, Person } from '../contract/statements.js';

/** The way a wish came in, as far as it decides something: an installer who holds a recorder sees pictures on the site's own network only. */
export type Way = 'relay' | 'lan';

/** The outcome of checking signatures: who this is and what it rests on. Whether it still holds is asked of the authorizer, sync. */
export type Ticket =
  | {
      readonly kind: 'owner';
      readonly kid: string;
      readonly person: Person;
      readonly way: Way;
      /** What the operation needs of others; null for what only the owner may do. */
      readonly scope: Scope | null;
    }
  | {
      readonly kind: 'employee';
      readonly kid: string;
      readonly person: Person;
      readonly badge: Badge;
      readonly grantId: string;
      readonly scope: Scope;
      readonly channel: string | null;
    }
  | { readonly kind: 'applicant'; readonly kid: string; readonly person: Person; readonly badge: Badge; readonly orgKid: string }
  /** Holds nothing yet but a key; the handler judges what the arguments prove. */
  | { readonly kind: 'bearer'; readonly kid: string; readonly key: PublicJwk; readonly person: undefined };

/** Narrow form that live view carries with a session. */
export function grantOf(ticket: Ticket): string | null {
  return ticket.kind === 'employee' ? ticket.grantId : null;
}
