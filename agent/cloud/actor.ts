import type { EntryInput, Person } from '../operation-log/entry.js';
import type { Ticket } from '../permissions/ticket.js';

/** Who is known to have signed a command. */
export interface Sender {
  readonly kind: Ticket['kind'];
  readonly kid: string;
  readonly person?: Person | undefined;
  readonly organisation?: string | undefined;
  readonly grant?: string | undefined;
}

/** The holder of a ticket. */
export function senderOf(ticket: Ticket): Sender {
  const { kind, kid, person } = ticket;
  const organisation = 'badge' in ticket ? ticket.badge.org : undefined;
  return { kind, kid, person, organisation, grant: kind === 'employee' ? ticket.grantId : undefined };
}

/** Who holds this ticket, as the operation log says it. A bearer is nobody yet: what his arguments prove is not known before the act. */
export function actorOf(ticket: Ticket): Pick<EntryInput, 'actor' | 'organisation' | 'grant' | 'amr'> {
  const { kind, organisation, grant } = senderOf(ticket);
  const actor = kind === 'owner' ? 'owner' : kind === 'bearer' ? 'system' : 'employee';
  return { actor, organisation, grant, amr: 'badge' in ticket ? ticket.badge.amr : undefined };
}

/** Anybody can make a new key for every letter: what counts by key must not let such senders have a count, or a row, of their own. */
export function isStranger({ kind }: Pick<Ticket, 'kind'>): boolean {
  return kind === 'applicant' || kind === 'bearer';
}
