import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withOwnerFile } from '../../../../agent/compose/owner-file.js';
import type { PermissionState } from '../../../../agent/contract/stored.js';
import type { PermissionStore } from '../../../../agent/permissions/ports.js';
import { NO_PERMISSIONS } from '../../../../agent/permissions/state.js';
import { TestLog } from '../../../support/test-log.js';
import { give, makeRig } from '../permissions/permission-rig.js';

const test = suite<{ folder: string }>('owner file');

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'sightline-owner-'));
});
test.after.each(({ folder }) => rm(folder, { recursive: true, force: true }));

/** A store that can lose everything, as when its file was damaged and set aside. */
class LossyStore implements PermissionStore {
  state: PermissionState | undefined;
  load = async () => this.state;
  save = async (state: PermissionState): Promise<void> => {
    this.state = state;
  };
}

async function ownedState(): Promise<PermissionState> {
  const rig = await makeRig();
  await give(rig);
  const state = await rig.store.load();
  if (state === undefined) throw new RangeError('nothing was stored');
  return state;
}

test('a lost database does not make the recorder ownerless: the owner is back, every permission is void', async ({ folder }) => {
  const inner = new LossyStore();
  const state = await ownedState();
  await withOwnerFile(inner, folder, new TestLog()).save(state);
  inner.state = undefined;
  const restored = await withOwnerFile(inner, folder, new TestLog()).load();
  assert.is(restored?.owner?.kid, state.owner?.kid);
  assert.equal(restored?.grants, []);
  assert.is(restored?.epoch, state.epoch + 1);
});

test('with both there, the database counts; before anyone owns it there is no file', async ({ folder }) => {
  const inner = new LossyStore();
  const store = withOwnerFile(inner, folder, new TestLog());
  await store.save(NO_PERMISSIONS);
  assert.is(await withOwnerFile(new LossyStore(), folder, new TestLog()).load(), undefined);
  const state = await ownedState();
  await store.save(state);
  assert.equal(await withOwnerFile(inner, folder, new TestLog()).load(), state);
});

test('an older database does not bring back what was withdrawn', async ({ folder }) => {
  const inner = new LossyStore();
  const state = await ownedState();
  await withOwnerFile(inner, folder, new TestLog()).save({ ...state, epoch: state.epoch + 3 });
  inner.state = state;
  const restored = await withOwnerFile(inner, folder, new TestLog()).load();
  assert.equal([restored?.grants.length, restored?.epoch], [0, state.epoch + 4]);
});

test('a damaged file is refused, not overlooked', async ({ folder }) => {
  await writeFile(join(folder, 'owner.json'), '{"v":1,');
  try {
    await withOwnerFile(new LossyStore(), folder, new TestLog()).load();
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, 'permissions.owner_unreadable');
  }
});

test.run();
