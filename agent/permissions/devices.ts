import { DELEGATION_MAX_MS, type Delegation } from '../contract/statements.js';
import type { Owner, OwnerDevice, PermissionState } from '../contract/stored.js';
import { type Denial, deny, OTHER_RECORDER } from './denial.js';

/** Most devices that speak for one owner. */
export const MOST_DEVICES = 16;
/** Used delegations that are remembered although they have run out: a clock that is turned back must not make one good again. */
const USED_KEPT = 64;
/** An app reckons the recorder's time from its last answer; a clock that was put right by seconds since is no reason to refuse. */
const SLACK_MS = 30_000;

/** Whether this key may become one of the owner's; undefined means yes. */
export function judgeNewDevice(owner: Owner, kid: string): Denial | undefined {
  if (owner.devices.some((device) => device.kid === kid))
    return deny('device_known', 'This device is one of the owner’s already.', 'Nothing needs to be done.');
  if (owner.devices.length >= MOST_DEVICES)
    return deny(
      'too_many_devices',
      `An owner has at most ${MOST_DEVICES} devices.`,
      'Remove one that is not used any more, then try again.',
    );
  return undefined;
}

/** Whether this device can be removed; undefined means yes. Losing the last one is a reset, not a removal. */
export function judgeRemoval(owner: Owner, kid: string): Denial | undefined {
  if (!owner.devices.some((device) => device.kid === kid))
    return deny('no_such_device', 'This device is not one of the owner’s.', 'Load the list again.');
  if (owner.devices.length > 1) return undefined;
  const fix = 'Add another device first; or hand the recorder over, or reset it.';
  return deny('last_device', 'This is the owner’s only device: without it nobody could manage the recorder.', fix);
}

/** What a delegation is compared with. `isByOwner`: the key that signed it is one of the owner's now. */
export interface DelegationFacts {
  readonly nowAt: number;
  readonly serial: string;
  readonly epoch: number;
  readonly isByOwner: boolean;
  readonly isUsed: boolean;
}

/** Whether whoever holds this delegation may add a device with it; undefined means yes. */
export function judgeDelegation(delegation: Delegation, facts: DelegationFacts): Denial | undefined {
  const anew = 'Make a new invitation on one of the owner’s devices.';
  if (delegation.dev !== facts.serial) return OTHER_RECORDER;
  if (!facts.isByOwner) return deny('delegation_not_owner', 'This invitation was not made by one of the owner’s devices.', anew);
  if (delegation.epoch !== facts.epoch)
    return deny('delegation_void', 'Since this invitation was made, everything was withdrawn; it is void.', anew);
  if (facts.isUsed) return deny('delegation_used', 'This invitation was used already; each is good once.', anew);
  if (facts.nowAt >= delegation.exp) return deny('delegation_expired', 'This invitation has run out.', anew);
  // From now as well as from when it was made: an invitation from the future would live too long.
  if (delegation.exp - delegation.iat > DELEGATION_MAX_MS || delegation.exp - facts.nowAt > DELEGATION_MAX_MS + SLACK_MS)
    return deny('delegation_too_long', 'An invitation is good for 15 minutes at most.', anew);
  return undefined;
}

/** The owner with one device more. */
export function withDevice(owner: Owner, device: OwnerDevice): Owner {
  return { ...owner, devices: [...owner.devices, device] };
}

/** The owner without this device. */
export function withoutDevice(owner: Owner, kid: string): Owner {
  return { ...owner, devices: owner.devices.filter((device) => device.kid !== kid) };
}

/** The used delegations with this one: those that have run out may go, the oldest first, when they are many. */
export function withUsed(
  used: PermissionState['usedDelegations'],
  { id, exp }: Delegation,
  nowAt: number,
): PermissionState['usedDelegations'] {
  const all = [...used, { id, exp }];
  return all.filter((known, at) => at >= all.length - USED_KEPT || known.exp > nowAt);
}
