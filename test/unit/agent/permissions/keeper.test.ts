import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PermissionState } from '../../../../agent/contract/stored.js';
import { StateKeeper } from '../../../../agent/permissions/keeper.js';
import { NO_PERMISSIONS } from '../../../../agent/permissions/state.js';
import { gate, MemoryStore } from './permission-rig.js';

const it = suite('memory and disk');

/** The epoch stands for the whole state: small is narrow. */
const state = (epoch: number): PermissionState => ({ ...NO_PERMISSIONS, epoch });

function makeKeeper() {
  const store = new MemoryStore();
  const seen: number[] = [];
  const keeper: StateKeeper = new StateKeeper(store, () => {
    seen.push(keeper.state.epoch);
    return [{ session: `at ${keeper.state.epoch}`, cam: 'cam-1', lastMediaMs: 0 }];
  });
  const onDisk = async (): Promise<number | undefined> => (await store.load())?.epoch;
  return { store, keeper, seen, onDisk };
}

async function failing(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => 'resolved',
    (error: Error) => error.message,
  );
}

it('what widens is durable before it counts; what narrows counts before it is durable', async () => {
  const { store, keeper, seen, onDisk } = makeKeeper();
  const held = gate();
  store.beforeSave = () => held.passed;
  const wider = keeper.widen(() => state(10));
  await Promise.resolve();
  assert.equal([keeper.state.epoch, seen], [1, []]);
  held.open();
  assert.equal(
    (await wider).map(({ session }) => session),
    ['at 10'],
  );
  assert.equal([keeper.state.epoch, await onDisk(), keeper.isDirty], [10, 10, false]);
  assert.is(keeper.narrow(state(5))[0]?.session, 'at 5');
  assert.equal([keeper.state.epoch, await onDisk(), keeper.isDirty, seen], [5, 10, true, [10, 5]]);
  await keeper.settle();
  assert.equal([await onDisk(), keeper.isDirty], [5, false]);
});

it('narrowed while a wider state is being written: the change is judged again on what is left, as often as that happens', async () => {
  const { store, keeper, seen, onDisk } = makeKeeper();
  const judged: [number, boolean][] = [];
  let narrowings = 3;
  store.beforeSave = async () => {
    if (narrowings > 0) keeper.narrow(state(100 + narrowings));
    narrowings -= 1;
  };
  await keeper.widen((before, isAgain) => {
    judged.push([before.epoch, isAgain]);
    return state(before.epoch + 1_000);
  });
  assert.equal(judged, [
    [1, false],
    [103, true],
    [102, true],
    [101, true],
  ]);
  assert.equal([keeper.state.epoch, await onDisk(), keeper.isDirty], [1_101, 1_101, false]);
  assert.equal(seen, [103, 102, 101, 1_101]);
});

it('a change that does not hold any more is written over before it is refused', async () => {
  const { store, keeper, seen, onDisk } = makeKeeper();
  store.beforeSave = async () => {
    store.beforeSave = async () => undefined;
    keeper.narrow(state(2));
  };
  const change = keeper.widen((_before, isAgain) => {
    if (isAgain) throw new RangeError('not any more');
    return state(10);
  });
  assert.is(await failing(change), 'not any more');
  assert.equal([keeper.state.epoch, await onDisk(), keeper.isDirty, seen], [2, 2, false, [2]]);
});

it('a refusal at first sight writes nothing', async () => {
  const { store, keeper } = makeKeeper();
  const change = keeper.widen(() => {
    throw new RangeError('no');
  });
  assert.is(await failing(change), 'no');
  assert.equal([store.saves, keeper.isDirty], [0, false]);
});

it('a failed write: nothing wider counts, and it is known that the disk may say something else', async () => {
  const { store, keeper, onDisk } = makeKeeper();
  store.beforeSave = async () => {
    throw new RangeError('disk');
  };
  assert.is(await failing(keeper.widen(() => state(10))), 'disk');
  assert.equal([keeper.state.epoch, keeper.isDirty], [1, true]);
  store.beforeSave = async () => undefined;
  await keeper.settle();
  assert.equal([await onDisk(), keeper.isDirty], [1, false]);
});

it('changes are written in the order in which they came, each on top of the one before', async () => {
  const { store, keeper, onDisk } = makeKeeper();
  store.beforeSave = () => new Promise((resolve) => setImmediate(resolve));
  const add = (step: number) => keeper.widen((before) => state(before.epoch + step));
  await Promise.all([add(1), add(10), keeper.settle(), add(100)]);
  assert.equal([keeper.state.epoch, await onDisk()], [112, 112]);
});

it('narrowed while that narrower state is being written: the disk is known to lag behind', async () => {
  const { store, keeper, onDisk } = makeKeeper();
  keeper.narrow(state(5));
  store.beforeSave = async () => {
    store.beforeSave = async () => undefined;
    keeper.narrow(state(4));
  };
  await keeper.settle();
  assert.equal([await onDisk(), keeper.isDirty], [5, true]);
  await keeper.settle();
  assert.equal([await onDisk(), keeper.isDirty], [4, false]);
});

it.run();
