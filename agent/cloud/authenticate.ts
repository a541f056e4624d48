import { Command } from '../contract/command.js';
import { claimedKid, thumbprint, unverifiedPayload, verifyStatement } from '../contract/jws.js';
import { OPERATIONS, type OperationName } from '../contract/operations.js';
import { type PublicJwk, parseShape } from '../contract/shapes.js';
import { Badge, type Grant, Organisation } from '../contract/statements.js';
import { AgentError } from '../kernel/errors.js';
import type { Ticket } from '../permissions/ticket.js';

/** What the check of signatures needs to know of the owner and the grants. */
export interface KnownKeys {
  readonly owner: {
    readonly kid: string;
    readonly key: PublicJwk;
    readonly consent: { readonly by: { name: string; email: string } };
  } | null;
  findGrant(id: string): Grant | undefined;
}

/**
 * Who sent this command: grant -> badge -> command, never deeper. Only signatures and what belongs together; whether the permission
 * holds now is judged later, synchronously. @throws AgentError signature.* | message.* | permissions.*
 */
export async function authenticate(signed: string, op: OperationName, known: KnownKeys): Promise<{ command: Command; ticket: Ticket }> {
  const kid = claimedKid(signed, 'cmd+jws');
  const { who } = OPERATIONS[op];
  if (known.owner !== null && kid === known.owner.kid) {
    if (who === 'applicant')
      throw denied('permissions.owner_needs_none', 'The owner needs no permission.', 'Use the recorder as its owner.');
    const command = await verifyStatement(signed, 'cmd+jws', known.owner.key, Command);
    return { command, ticket: { kind: 'owner', kid, person: known.owner.consent.by } };
  }
  if (who === 'owner')
    throw denied('permissions.not_owner', 'Only the site owner may do this.', 'Use the device that the recorder was paired with.');
  const claimed = parseShape(Command, unverifiedPayload(signed));
  if (claimed.badge === null) throw denied('permissions.no_badge', 'The command carries no badge.', 'Sign in again in the app.');
  return who === 'applicant' ? asApplicant(signed, kid, claimed) : asEmployee(signed, kid, claimed, op, known);
}

async function asEmployee(signed: string, kid: string, claimed: Command, op: OperationName, known: KnownKeys) {
  const grant = claimed.grant === null ? undefined : known.findGrant(claimed.grant);
  if (grant === undefined || claimed.badge === null) {
    throw denied('permissions.not_granted', 'The owner has not given this permission.', 'Ask the site owner for permission.');
  }
  const badge = await verifyStatement(claimed.badge, 'badge+jws', grant.org.key, Badge);
  if (badge.grant !== grant.id || badge.org !== (await thumbprint(grant.org.key))) {
    throw denied('permissions.other_badge', 'The badge belongs to another permission.', 'Sign in again in the app.');
  }
  const command = await verifyBadgeHolder(signed, kid, badge);
  const scope = OPERATIONS[op].scope;
  if (scope === null || command.grant !== grant.id)
    throw denied('permissions.not_granted', 'This cannot be granted.', 'Ask the site owner to do it.');
  const person = { name: badge.name, email: badge.email };
  const ticket: Ticket = { kind: 'employee', kid, person, badge, grantId: grant.id, scope, channel: channelOf(command.args) };
  return { command, ticket };
}

async function asApplicant(signed: string, kid: string, claimed: Command) {
  const org = parseShape(Organisation, (claimed.args as { org?: unknown } | null)?.org);
  const orgKid = await thumbprint(org.key);
  const badge = await verifyStatement(claimed.badge ?? '', 'badge+jws', org.key, Badge);
  if (badge.org !== orgKid)
    throw denied('permissions.other_badge', 'The badge belongs to another organisation.', 'Sign in again in the app.');
  const command = await verifyBadgeHolder(signed, kid, badge);
  const ticket: Ticket = { kind: 'applicant', kid, person: { name: badge.name, email: badge.email }, badge, orgKid };
  return { command, ticket };
}

async function verifyBadgeHolder(signed: string, kid: string, badge: Badge): Promise<Command> {
  if (kid !== (await thumbprint(badge.key)))
    throw denied('permissions.other_badge', 'The badge belongs to another person.', 'Sign in again in the app.');
  return verifyStatement(signed, 'cmd+jws', badge.key, Command);
}

function channelOf(args: unknown): string | null {
  const cam = typeof args === 'object' && args !== null && 'cam' in args ? args.cam : null;
  return typeof cam === 'string' ? cam : null;
}

function denied(code: string, say: string, fix: string): AgentError {
  return new AgentError({ code, say, fix });
}
