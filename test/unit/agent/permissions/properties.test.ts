// runner: limit 180s
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signStatement } from '../../../../agent/contract/jws.js';
import type { Scope } from '../../../../agent/contract/shapes.js';
import { newId } from '../../../../agent/contract/text.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import * as m from './model.js';
import {
  MINUTE,
  makeRig,
  newGrant,
  ownerOf,
  ownerTicket,
  type PermissionRig,
  type RigKeys,
  signAccept,
  signCancellation,
  signDelegation,
  signOffer,
  signWithdrawal,
  ticketFor,
  verdict,
} from './permission-rig.js';

/** Any sequence of acts, compared with the plain telling of the same in model.ts. */
const it = suite('permissions as a whole');

const SCOPES: readonly Scope[] = ['live-view', 'health'];
const EMPLOYEES = ['K'.repeat(43), 'L'.repeat(43)];
/** Keys that may become owners, and two organisations. */
let people: SigningKey[];
let orgs: SigningKey[];
let keys: RigKeys;

it.before(async () => {
  people = await Promise.all(Array.from({ length: 4 }, () => newSigningKey()));
  orgs = await Promise.all([newSigningKey(), newSigningKey()]);
  // Making keys costs more than all the rest of a sequence.
  keys = await Promise.all([newSigningKey(), newSigningKey(), newSigningKey()]);
});

type Op =
  | { readonly t: 'grant'; readonly by: number; readonly org: number; readonly scopes: readonly Scope[]; readonly minutes: number }
  | { readonly t: 'withdraw'; readonly by: number; readonly picks: readonly number[] | 'all' }
  | { readonly t: 'local'; readonly picks: readonly number[] | 'all' }
  | { readonly t: 'cancel'; readonly org: number; readonly n: number; readonly keys: readonly number[] }
  | { readonly t: 'add'; readonly by: number; readonly key: number }
  | { readonly t: 'join'; readonly by: number; readonly key: number }
  | { readonly t: 'remove'; readonly key: number }
  | { readonly t: 'install'; readonly key: number }
  | { readonly t: 'handOver'; readonly by: number; readonly to: number; readonly erase: boolean }
  | { readonly t: 'reset' }
  | { readonly t: 'expire' }
  | { readonly t: 'again'; readonly pick: number }
  | { readonly t: 'advance'; readonly minutes: number }
  | { readonly t: 'jump'; readonly minutes: number }
  | { readonly t: 'restart' };

/** `isLate`: signed now, delivered only when some `again` picks it. `isTogether`: at once with the next. */
interface Step {
  readonly op: Op;
  readonly isLate: boolean;
  readonly isTogether: boolean;
}

/** Who signs: mostly one of the owner's devices as they are then, else anybody. */
const signer = fc.nat(15);
const person = fc.nat(3);
const picks = fc.oneof(fc.constant('all' as const), fc.array(fc.nat(5), { minLength: 1, maxLength: 2 }));
const anyOp: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      t: fc.constant('grant'),
      by: signer,
      org: fc.nat(1),
      scopes: fc.subarray([...SCOPES], { minLength: 1 }),
      minutes: fc.integer({ min: 1, max: 180 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ t: fc.constant('withdraw'), by: signer, picks }) },
  { weight: 1, arbitrary: fc.record({ t: fc.constant('local'), picks }) },
  {
    weight: 3,
    arbitrary: fc.record({ t: fc.constant('cancel'), org: fc.nat(1), n: fc.integer({ min: 1, max: 3 }), keys: fc.subarray([0, 1]) }),
  },
  { weight: 3, arbitrary: fc.record({ t: fc.constantFrom('add', 'join'), by: signer, key: person }) },
  { weight: 2, arbitrary: fc.record({ t: fc.constantFrom('remove', 'install'), key: signer }) },
  { weight: 2, arbitrary: fc.record({ t: fc.constant('handOver'), by: signer, to: person, erase: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ t: fc.constantFrom('reset', 'expire') }) },
  { weight: 4, arbitrary: fc.record({ t: fc.constant('again'), pick: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ t: fc.constant('advance'), minutes: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ t: fc.constant('jump'), minutes: fc.integer({ min: -600, max: 600 }) }) },
  { weight: 1, arbitrary: fc.record({ t: fc.constant('restart') }) },
) as fc.Arbitrary<Op>;
const anyStep: fc.Arbitrary<Step> = fc.record({
  op: anyOp,
  isLate: fc.nat(5).map((n) => n === 0),
  isTogether: fc.nat(3).map((n) => n === 0),
});

/** One act, ready to be delivered (again): to the authorizer, and to the model; both tell whether it was accepted. */
interface Act {
  readonly kind?: Op['t'];
  readonly run: () => Promise<unknown>;
  readonly tell: (model: m.Model) => boolean;
  /** Called before it is delivered again. */
  readonly again?: () => void;
}

/** One sequence under way. */
class World {
  readonly rig: PermissionRig;
  model: m.Model;
  readonly sent: Act[] = [];
  readonly ids: string[] = [];
  /** Kind of act and what became of it. */
  readonly outcomes: string[] = [];

  #turns = 0;

  constructor(rig: PermissionRig) {
    this.rig = rig;
    this.model = m.emptyModel(rig.clock.now(), rig.clock.monotonicMs());
    m.install(this.model, { key: 0 });
  }

  /** Another number below this each time, and the same ones in a repetition of the sequence. */
  turn(below: number): number {
    this.#turns += 1;
    return (this.#turns * 7) % below;
  }

  key(index: number): SigningKey {
    return people[index] ?? this.rig.owner;
  }

  /** The act with its signer, or the device it is about, as a key. */
  resolved(op: Op): Op {
    const key = (wish: number) => (wish < 12 ? this.model.devices[wish % this.model.devices.length] : undefined) ?? wish % 4;
    if (op.t === 'remove') return { ...op, key: key(op.key) };
    return 'by' in op ? { ...op, by: key(op.by) } : op;
  }

  idsOf(which: readonly number[] | 'all'): string[] | 'all' {
    return which === 'all' ? 'all' : [...new Set(which)].map((pick) => this.ids[pick % this.ids.length] ?? newId());
  }
}

const ACTS: {
  readonly [T in Exclude<Op['t'], 'again' | 'advance' | 'jump' | 'restart'>]: (world: World, op: Extract<Op, { t: T }>) => Promise<Act>;
} = {
  grant: async (world, { by, org, scopes, minutes }) => {
    const { rig, model } = world;
    const key = orgs[org] ?? rig.org;
    const wanted = newGrant(rig, {
      org: { name: 'Example', key: key.publicKey },
      scopes: [...scopes],
      exp: model.now + minutes * MINUTE,
      epoch: model.epoch,
    });
    world.ids.push(wanted.id);
    const statement = await signStatement('grant+jws', wanted, world.key(by).signer);
    const act = { by, org, scopes, id: wanted.id, epoch: wanted.epoch, exp: wanted.exp };
    return { run: () => rig.permissions.grant(statement, null), tell: (told) => m.grant(told, act) };
  },
  withdraw: async (world, { by, picks: which }) => {
    const { epoch } = world.model;
    const ids = world.idsOf(which);
    const statement = await signWithdrawal(world.rig, ids === 'all' ? { all: true } : { ids }, world.key(by));
    return { run: () => world.rig.permissions.withdraw(statement), tell: (told) => m.withdraw(told, { by, epoch, ids }) };
  },
  local: async (world, { picks: which }) => {
    const ids = world.idsOf(which);
    const run = () => world.rig.permissions.withdrawLocally(ids === 'all' ? undefined : ids);
    return { run, tell: (told) => m.withdraw(told, { by: 'local', epoch: 0, ids }) };
  },
  cancel: async (world, { org, n, keys }) => {
    const kids = keys.map((index) => EMPLOYEES[index] ?? '');
    const statement = await signCancellation(world.rig, n, kids, orgs[org]);
    return { run: () => world.rig.permissions.cancelBadges(statement), tell: (told) => m.cancel(told, { org, n, keys }) };
  },
  add: async (world, { by, key }) => {
    const device = { key: world.key(key).publicKey, name: 'device', byKid: world.key(by).signer.kid };
    return { run: () => world.rig.permissions.addDevice(device), tell: (told) => m.addDevice(told, { by, key }) };
  },
  join: async (world, { by, key }) => {
    const { epoch, now } = world.model;
    const [id, exp] = [newId(), now + 15 * MINUTE];
    const delegation = await signDelegation(world.rig, { id, exp }, world.key(by));
    // Whoever has seen it comes with a key of his own.
    let joiner = key;
    const run = () => {
      const device = { key: world.key(joiner).publicKey, delegation, deviceName: 'device' };
      return world.rig.permissions.join(device);
    };
    const tell = (model: m.Model): boolean => m.join(model, { by, key: joiner, epoch, id, exp });
    const again = (): void => {
      joiner = world.turn(4);
    };
    return { run, tell, again };
  },
  remove: async (world, { key }) => ({
    run: () => world.rig.permissions.removeDevice(world.key(key).signer.kid),
    tell: (told) => m.removeDevice(told, { key }),
  }),
  install: async (world, { key }) => ({
    run: () => world.rig.permissions.install(ownerOf(world.key(key % 4), 0)),
    tell: (told) => m.install(told, { key: key % 4 }),
  }),
  handOver: async (world, { by, to, erase }) => {
    const { epoch, now } = world.model;
    const exp = now + 60 * MINUTE;
    const offer = await signOffer(world.rig, world.key(to), { erasePeople: erase, exp }, world.key(by));
    const accept = await signAccept(world.rig, offer, world.key(to));
    const run = () => world.rig.permissions.handOver({ key: world.key(to).publicKey, offer, accept, deviceName: 'device' });
    return { run, tell: (told) => m.handOver(told, { by, to, epoch, exp, erase }) };
  },
  reset: async (world) => ({ run: () => world.rig.permissions.reset(), tell: m.reset }),
  expire: async (world) => ({ run: () => world.rig.permissions.expire(), tell: m.expire, kind: 'expire' }),
};

/** Whole rounds of the event loop: long enough for a signature to be checked meanwhile. */
async function rounds(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
}

async function isAccepted(act: Act, afterRounds = 0): Promise<boolean> {
  try {
    await rounds(afterRounds);
    await act.run();
    return true;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return false;
  }
}

/** Everything that can be asked, as one text; of the authorizer. */
function asked({ rig, ids }: World): string {
  const owners = people.map((key) => Number(verdict(rig, ownerTicket(key)) === 'yes'));
  const rows = ids.flatMap((id) => EMPLOYEES.flatMap((kid) => SCOPES.map((scope) => Number(isYes(rig, id, kid, scope)))));
  return `${rig.permissions.epoch} ${rig.permissions.isErasureDue} ${owners.join('')} ${rows.join('')}`;
}

function isYes(rig: PermissionRig, id: string, kid: string, scope: Scope): boolean {
  const org = rig.permissions.findGrant(id)?.org.key.x === orgs[1]?.publicKey.x ? orgs[1] : orgs[0];
  const ticket = ticketFor(rig, id, scope, 'cam-1', kid);
  return rig.permissions.judge({ ...ticket, badge: { ...ticket.badge, org: org?.signer.kid ?? '' } }).ok;
}

/** The same of the model. */
function told(model: m.Model, ids: readonly string[]): string {
  const owners = people.map((_key, index) => Number(model.devices.includes(index)));
  const rows = ids.flatMap((id) => EMPLOYEES.flatMap((_kid, index) => SCOPES.map((scope) => Number(m.may(model, id, index, scope)))));
  return `${model.epoch} ${model.isErasureDue} ${owners.join('')} ${rows.join('')}`;
}

/** Delivers these at once. What comes of it must be what one of the two orders gives. */
async function deliver(world: World, acts: readonly Act[]): Promise<void> {
  const results = await Promise.all(acts.map((act, index) => isAccepted(act, index === 0 ? 0 : world.turn(7))));
  const orders =
    acts.length === 2
      ? [
          [0, 1],
          [1, 0],
        ]
      : [[0]];
  const possible = orders.map((order) => {
    const model = structuredClone(world.model);
    const accepted: boolean[] = [];
    for (const index of order) accepted[index] = acts[index]?.tell(model) ?? false;
    return { model, accepted, text: `${accepted} ${told(model, world.ids)}` };
  });
  const text = `${results} ${asked(world)}`;
  const found = possible.find((one) => one.text === text);
  if (found === undefined) assert.is(text, possible.map((one) => one.text).join(' or '));
  else world.model = found.model;
  for (const [index, { kind }] of acts.entries()) world.outcomes.push(`${kind} ${results[index] ? 'accepted' : 'refused'}`);
}

async function restart(world: World): Promise<void> {
  const { rig } = world;
  await deliver(world, [await ACTS.expire(world, { t: 'expire' })]);
  const see = () => (rig.permissions.owner === null ? null : rig.permissions.list(null));
  const [before, ownerBefore] = [see(), rig.permissions.owner];
  await rig.restart();
  m.restarted(world.model);
  assert.equal([see(), rig.permissions.owner], [before, ownerBefore]);
  assert.is(asked(world), told(world.model, world.ids));
}

async function passTime(world: World, op: Op): Promise<void> {
  const { rig } = world;
  if (op.t === 'restart') await restart(world);
  else if (op.t === 'advance') await rig.clock.advance(op.minutes * MINUTE);
  else if (op.t === 'jump') rig.clock.stepWall(op.minutes * MINUTE);
  Object.assign(world.model, { now: rig.clock.now(), monoMs: rig.clock.monotonicMs() });
  assert.is(asked(world), told(world.model, world.ids));
}

async function actOf(world: World, op: Op): Promise<Act | undefined> {
  if (op.t === 'again') {
    const act = world.sent[op.pick % world.sent.length];
    act?.again?.();
    return act;
  }
  const make = ACTS[op.t as keyof typeof ACTS] as (world: World, op: Op) => Promise<Act>;
  const made = await make(world, world.resolved(op));
  const act = { ...made, kind: op.t };
  world.sent.push(act);
  return act;
}

async function play(steps: readonly Step[]): Promise<World> {
  const rig = await makeRig(false, 'owner', keys);
  const world = new World(rig);
  await rig.permissions.install(ownerOf(world.key(0), 0));
  rig.store.beforeSave = () => rounds(world.turn(5));
  let waiting: Act | undefined;
  for (const { op, isLate, isTogether } of steps) {
    if (op.t === 'advance' || op.t === 'jump' || op.t === 'restart') {
      if (waiting !== undefined) await deliver(world, [waiting]);
      waiting = undefined;
      await passTime(world, op);
      continue;
    }
    const act = await actOf(world, op);
    if (act === undefined || (isLate && op.t !== 'again')) continue;
    if (isTogether && waiting === undefined) {
      waiting = act;
      continue;
    }
    await deliver(world, waiting === undefined ? [act] : [waiting, act]);
    waiting = undefined;
  }
  if (waiting !== undefined) await deliver(world, [waiting]);
  await restart(world);
  return world;
}

it('2 000 random sequences: the authorizer says yes when the plain telling says yes, and never else', async () => {
  const seen = new Map<string, number>();
  const sequences = fc.array(anyStep, { minLength: 1, maxLength: 14, size: 'max' });
  const property = fc.asyncProperty(sequences, async (steps) => {
    for (const outcome of (await play(steps)).outcomes) seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  });
  await fc.assert(property, { numRuns: 2_000 });
  // Each kind of act was accepted many times, and refused where it can be.
  for (const kind of ['grant', 'withdraw', 'local', 'cancel', 'add', 'join', 'remove', 'install', 'handOver']) {
    for (const outcome of ['accepted', 'refused'])
      assert.ok((seen.get(`${kind} ${outcome}`) ?? 0) >= 5, `${kind} ${outcome}: ${JSON.stringify([...seen])}`);
  }
});

it.run();
