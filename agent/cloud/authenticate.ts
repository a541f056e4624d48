import { Command } from '../contract/command.js';
import { claimedKid, thumbprint, unverifiedPayload, verifyStatement } from '../contract/jws.js';
import { OPERATIONS, type OperationName } from '../contract/operations.js';
import { type PublicJwk, parseShape } from '../contract/shapes.js';
import { Badge, Delegation, type Grant, HandOverOffer, Organisation, type Person } from '../contract/statements.js';
import { AgentError, type AgentErrorParts } from '../kernel/errors.js';
import type { Ticket, Way } from '../permissions/ticket.js';
import type { Sender } from './actor.js';

/** What the check of signatures needs to know of the owner and the grants. */
export interface KnownKeys {
  readonly owner: { readonly consent: { readonly by: Person } } | null;
  /** One of the owner's devices as it is now; undefined for any other key. */
  ownerDevice(kid: string): { readonly key: PublicJwk } | undefined;
  findGrant(id: string): Grant | undefined;
}

/**
 * A denial to somebody whose signature was checked: such refusals are counted against the sender, others could be anybody's. The command is carried
 * along because a letter that was held back or sent again counts against nobody.
 */
export class SenderDenied extends AgentError {
  readonly sender: Sender;
  readonly command: Command;

  constructor(parts: AgentErrorParts, sender: Sender, command: Command) {
    super(parts);
    this.name = 'SenderDenied';
    this.sender = sender;
    this.command = command;
  }
}

/** A command and who it is from, signatures checked. */
export interface Authenticated {
  readonly command: Command;
  readonly ticket: Ticket;
}

/**
 * Who sent this command: one of the owner's devices, or grant -> badge -> command, never deeper. Only signatures and what belongs together;
 * whether the permission holds now is judged later, synchronously. @throws AgentError signature.* | message.* | permissions.* (SenderDenied
 * where the sender is known)
 */
export async function authenticate(signed: string, op: OperationName, known: KnownKeys, way: Way): Promise<Authenticated> {
  const kid = claimedKid(signed, 'cmd+jws');
  const { who, scope } = OPERATIONS[op];
  const { owner } = known;
  const device = known.ownerDevice(kid);
  if (owner !== null && device !== undefined) {
    const command = await verifyStatement(signed, 'cmd+jws', device.key, Command);
    const person = owner.consent.by;
    if (who === 'applicant' || who === 'bearer') throw new SenderDenied(OWNER_ALREADY, { kind: 'owner', kid, person }, command);
    return { command, ticket: { kind: 'owner', kid, person, way, scope } };
  }
  const claimed = parseShape(Command, unverifiedPayload(signed));
  if (who === 'bearer') return asBearer(signed, kid, op, claimed.args, known);
  // Before anything of the letter is looked at: without an owner nobody's name goes into the log.
  if (who === 'applicant' && owner === null) throw noOwner();
  if (claimed.badge === null) throw new AgentError(who === 'owner' ? NOT_OWNER : NO_BADGE);
  return who === 'applicant' ? asApplicant(signed, kid, claimed) : asEmployee(signed, kid, claimed, op, known);
}

async function asEmployee(signed: string, kid: string, claimed: Command, op: OperationName, known: KnownKeys): Promise<Authenticated> {
  const { scope } = OPERATIONS[op];
  const grant = claimed.grant === null ? undefined : known.findGrant(claimed.grant);
  if (grant === undefined || claimed.badge === null) throw new AgentError(scope === null ? NOT_OWNER : NOT_GRANTED);
  const badge = await verifyStatement(claimed.badge, 'badge+jws', grant.org.key, Badge);
  if (badge.grant !== grant.id || badge.org !== (await thumbprint(grant.org.key)))
    throw denied('permissions.other_badge', 'The badge belongs to another permission.', 'Sign in again in the app.');
  const command = await verifyBadgeHolder(signed, kid, badge);
  const person = { name: badge.name, email: badge.email };
  if (scope === null)
    throw new SenderDenied(NOT_OWNER, { kind: 'employee', kid, person, organisation: badge.org, grant: grant.id }, command);
  return { command, ticket: { kind: 'employee', kid, person, badge, grantId: grant.id, scope, channel: channelOf(command.args) } };
}

async function asApplicant(signed: string, kid: string, claimed: Command): Promise<Authenticated> {
  const org = parseShape(Organisation, (claimed.args as { org?: unknown } | null)?.org);
  const orgKid = await thumbprint(org.key);
  const badge = await verifyStatement(claimed.badge ?? '', 'badge+jws', org.key, Badge);
  if (badge.org !== orgKid)
    throw denied('permissions.other_badge', 'The badge belongs to another organisation.', 'Sign in again in the app.');
  const command = await verifyBadgeHolder(signed, kid, badge);
  return { command, ticket: { kind: 'applicant', kid, person: { name: badge.name, email: badge.email }, badge, orgKid } };
}

/**
 * A key that nobody knows yet, with an invitation that one of the owner's devices signed: without it anybody could have rows written into the
 * log. Whether the invitation is still good is judged where it is used up.
 */
async function asBearer(signed: string, kid: string, op: OperationName, claimedArgs: unknown, known: KnownKeys): Promise<Authenticated> {
  if (known.owner === null) throw noOwner();
  const { key, isForKey } = op === 'owner.accept' ? await readOffer(op, claimedArgs, known) : await readDelegation(claimedArgs, known);
  if (kid !== (await thumbprint(key)) || !isForKey) throw new AgentError(FOR_ANOTHER);
  const command = await verifyStatement(signed, 'cmd+jws', key, Command);
  return { command, ticket: { kind: 'bearer', kid, key, person: undefined } };
}

async function readOffer(op: 'owner.accept', claimedArgs: unknown, known: KnownKeys): Promise<{ key: PublicJwk; isForKey: boolean }> {
  const { key, offer } = parseShape(OPERATIONS[op].args, claimedArgs);
  const inviter = inviterOf(claimedKid(offer, 'offer+jws'), known, 'offer_not_owner');
  const { to } = await verifyStatement(offer, 'offer+jws', inviter, HandOverOffer);
  return { key, isForKey: to.x === key.x && to.y === key.y };
}

async function readDelegation(claimedArgs: unknown, known: KnownKeys): Promise<{ key: PublicJwk; isForKey: boolean }> {
  const { key, delegation } = parseShape(OPERATIONS['owner.join'].args, claimedArgs);
  const inviter = inviterOf(claimedKid(delegation, 'delegate+jws'), known, 'delegation_not_owner');
  await verifyStatement(delegation, 'delegate+jws', inviter, Delegation);
  return { key, isForKey: true };
}

function inviterOf(kid: string, known: KnownKeys, reason: 'offer_not_owner' | 'delegation_not_owner'): PublicJwk {
  const device = known.ownerDevice(kid);
  if (device !== undefined) return device.key;
  const say = 'This invitation was not made by one of the owner’s devices.';
  throw denied(`permissions.${reason}`, say, 'Ask the site owner for a new invitation.');
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

const FOR_ANOTHER = {
  code: 'permissions.offer_for_another',
  say: 'The invitation is for another device.',
  fix: 'Open it on the device that it was made for.',
};
const OWNER_ALREADY = {
  code: 'permissions.owner_needs_none',
  say: 'This device belongs to the owner already and needs no permission.',
  fix: 'Use the recorder as its owner.',
};
const NOT_OWNER = {
  code: 'permissions.not_owner',
  say: 'Only the site owner may do this.',
  fix: 'Use one of the owner’s devices.',
};
const NO_BADGE = { code: 'permissions.no_badge', say: 'The command carries no badge.', fix: 'Sign in again in the app.' };
const NOT_GRANTED = {
  code: 'permissions.not_granted',
  say: 'The owner has not given this permission.',
  fix: 'Ask the site owner for permission.',
};

function noOwner(): AgentError {
  return denied('permissions.no_owner', 'This recorder has no owner yet.', 'Pair it first, with the code on its label.');
}

function denied(code: string, say: string, fix: string): AgentError {
  return new AgentError({ code, say, fix });
}
