import type { Scope } from '../../../../agent/contract/shapes.js';

/**
 * Who may do what, told once more as plainly as it goes: no disk, no signatures, no concurrency. What the authorizer does is compared with
 * this. Keys are small numbers; each act tells whether it is accepted.
 */
export interface Model {
  devices: number[];
  epoch: number;
  grants: ModelGrant[];
  withdrawnAhead: string[];
  usedDelegations: string[];
  /** By organisation. */
  lists: Record<number, { n: number; keys: number[] }>;
  isErasureDue: boolean;
  /** Both clocks, and what an offer's taker is told by. */
  now: number;
  monoMs: number;
}

export interface ModelGrant {
  readonly id: string;
  readonly epoch: number;
  readonly org: number;
  readonly scopes: readonly Scope[];
  readonly exp: number;
  readonly receivedAt: number;
  endsMs: number;
  isEnded: boolean;
}

export const emptyModel = (now: number, monoMs: number): Model => ({
  devices: [],
  epoch: 1,
  grants: [],
  withdrawnAhead: [],
  usedDelegations: [],
  lists: {},
  isErasureDue: false,
  now,
  monoMs,
});

const isOver = (model: Model, grant: ModelGrant): boolean => model.now >= grant.exp || model.monoMs >= grant.endsMs;
const isOwned = (model: Model): boolean => model.devices.length > 0;
const isDevice = (model: Model, key: number): boolean => model.devices.includes(key);

/** May this employee (a number that belongs to the organisation of the grant) do this now? */
export function may(model: Model, id: string, employee: number, scope: Scope): boolean {
  const grant = model.grants.find((one) => one.id === id);
  if (grant === undefined || grant.isEnded || grant.epoch !== model.epoch || isOver(model, grant)) return false;
  return grant.scopes.includes(scope) && model.lists[grant.org]?.keys.includes(employee) !== true;
}

export interface GrantAct {
  readonly by: number;
  readonly id: string;
  readonly epoch: number;
  readonly org: number;
  readonly scopes: readonly Scope[];
  readonly exp: number;
}

export function grant(model: Model, act: GrantAct): boolean {
  if (!isDevice(model, act.by) || act.epoch !== model.epoch || act.exp <= model.now) return false;
  if (model.withdrawnAhead.includes(act.id) || model.grants.some((one) => one.id === act.id)) return false;
  const { id, epoch, org, scopes, exp } = act;
  model.grants.push({ id, epoch, org, scopes, exp, receivedAt: model.now, endsMs: model.monoMs + exp - model.now, isEnded: false });
  return true;
}

export function withdraw(model: Model, act: { by: number | 'local'; epoch: number; ids: readonly string[] | 'all' }): boolean {
  if (act.by !== 'local' && (!isDevice(model, act.by) || act.epoch !== model.epoch)) return false;
  const { ids } = act;
  if (ids === 'all') {
    for (const one of model.grants) one.isEnded = true;
    model.epoch += 1;
    model.withdrawnAhead = [];
    return true;
  }
  if (act.by === 'local' && !ids.some((id) => model.grants.some((one) => one.id === id))) return false;
  for (const id of ids) {
    const held = model.grants.find((one) => one.id === id);
    if (held !== undefined) held.isEnded = true;
    else if (act.by !== 'local') model.withdrawnAhead.push(id);
  }
  return true;
}

export function cancel(model: Model, act: { org: number; n: number; keys: readonly number[] }): boolean {
  if (!isOwned(model) && model.grants.length === 0) return false;
  if (!model.grants.some((one) => one.org === act.org && one.epoch === model.epoch)) return false;
  const known = model.lists[act.org];
  if (known !== undefined && act.n < known.n) return false;
  if (known !== undefined && act.n === known.n) return String(known.keys) === String(act.keys);
  model.lists[act.org] = { n: act.n, keys: [...act.keys] };
  return true;
}

export function addDevice(model: Model, act: { by: number; key: number }): boolean {
  if (!isDevice(model, act.by) || isDevice(model, act.key)) return false;
  model.devices.push(act.key);
  return true;
}

export function join(model: Model, act: { by: number; key: number; epoch: number; id: string; exp: number }): boolean {
  if (!isDevice(model, act.by) || isDevice(model, act.key) || act.epoch !== model.epoch) return false;
  if (model.usedDelegations.includes(act.id) || model.now >= act.exp || act.exp - model.now > 15 * 60_000 + 30_000) return false;
  model.usedDelegations.push(act.id);
  model.devices.push(act.key);
  return true;
}

export function removeDevice(model: Model, act: { key: number }): boolean {
  if (!isDevice(model, act.key) || model.devices.length < 2) return false;
  model.devices = model.devices.filter((one) => one !== act.key);
  return true;
}

export interface HandOverAct {
  readonly by: number;
  readonly to: number;
  readonly epoch: number;
  readonly exp: number;
  readonly erase: boolean;
}

export function handOver(model: Model, act: HandOverAct): boolean {
  if (!isDevice(model, act.by) || isDevice(model, act.to) || act.epoch !== model.epoch || model.now >= act.exp) return false;
  if (act.exp - model.now > 7 * 86_400_000 + 300_000) return false;
  newHolder(model, [act.to]);
  model.isErasureDue ||= act.erase;
  for (const one of model.grants) one.isEnded = true;
  return true;
}

export function reset(model: Model): boolean {
  newHolder(model, []);
  model.grants = [];
  model.isErasureDue = true;
  return true;
}

function newHolder(model: Model, devices: number[]): void {
  Object.assign(model, { devices, epoch: model.epoch + 1, withdrawnAhead: [], usedDelegations: [], lists: {} });
}

export function install(model: Model, act: { key: number }): boolean {
  if (isOwned(model)) return false;
  model.devices = [act.key];
  return true;
}

/** Time alone: what has run out by now has ended for good. */
export function expire(model: Model): boolean {
  for (const one of model.grants) if (isOver(model, one)) one.isEnded = true;
  return true;
}

/** The clock that cannot be turned begins anew: no grant lasts longer from here than it was given for. */
export function restarted(model: Model): void {
  for (const one of model.grants) one.endsMs = model.monoMs + Math.max(0, one.exp - Math.max(model.now, one.receivedAt));
}
