import { promises as fs } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withOwnerFile } from '../../../../agent/compose/owner-file.js';
import type { PermissionState } from '../../../../agent/contract/stored.js';
import type { PermissionStore } from '../../../../agent/permissions/ports.js';
import { NO_PERMISSIONS } from '../../../../agent/permissions/state.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { TestLog } from '../../../support/test-log.js';
import { give, handOver, makeRig, type PermissionRig } from '../permissions/permission-rig.js';

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

async function stateOf(rig: PermissionRig): Promise<PermissionState> {
  const state = await rig.store.load();
  if (state === undefined) throw new RangeError('nothing was stored');
  return state;
}

async function ownedState(): Promise<PermissionState> {
  const rig = await makeRig();
  await give(rig);
  return stateOf(rig);
}

test('a lost database does not make the recorder ownerless: the owner is back, every permission is void', async ({ folder }) => {
  const inner = new LossyStore();
  const state = await ownedState();
  await withOwnerFile(inner, folder, new TestLog()).save(state);
  inner.state = undefined;
  const restored = await withOwnerFile(inner, folder, new TestLog()).load();
  assert.equal(restored?.owner, state.owner);
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

/** What a start finds after the database was lost; and the next start after that. */
async function afterLoss(folder: string): Promise<PermissionState | undefined> {
  const inner = new LossyStore();
  const found = await withOwnerFile(inner, folder, new TestLog()).load();
  assert.equal(inner.state, found, 'written down at once');
  assert.equal(await withOwnerFile(inner, folder, new TestLog()).load(), found, 'the next start finds the same');
  return found;
}

test('after a reset a lost database does not bring the old owner back; what the reset began is finished', async ({ folder }) => {
  const rig = await makeRig();
  const store = withOwnerFile(new LossyStore(), folder, new TestLog());
  await store.save(await stateOf(rig));
  await rig.permissions.reset();
  await store.save(await stateOf(rig));
  const found = await afterLoss(folder);
  assert.equal([found?.owner, found?.epoch, found?.erasureDue], [null, 3, true]);
});

test('after a hand-over a lost database brings the new owner back, with every permission void', async ({ folder }) => {
  const rig = await makeRig();
  const store = withOwnerFile(new LossyStore(), folder, new TestLog());
  await store.save(await stateOf(rig));
  await handOver(rig, await newSigningKey());
  const state = await stateOf(rig);
  await store.save(state);
  const found = await afterLoss(folder);
  assert.equal([found?.owner, found?.epoch, found?.grants], [state.owner, 3, []]);
});

test('a power cut between the two writes: the database counts, and the file follows before the next loss', async ({ folder }) => {
  for (const change of ['reset', 'hand-over', 'removal'] as const) {
    const rig = await makeRig();
    const second = await newSigningKey();
    await rig.permissions.addDevice({ key: second.publicKey, name: 'Tablet' });
    const inner = new LossyStore();
    await rm(join(folder, 'owner.json'), { force: true });
    await withOwnerFile(inner, folder, new TestLog()).save(await stateOf(rig));
    if (change === 'reset') await rig.permissions.reset();
    if (change === 'hand-over') await handOver(rig, await newSigningKey());
    if (change === 'removal') await rig.permissions.removeDevice(second.signer.kid);
    // Only the database was written.
    inner.state = await stateOf(rig);
    const state = inner.state;
    assert.equal(await withOwnerFile(inner, folder, new TestLog()).load(), state, change);
    const found = await afterLoss(folder);
    assert.equal([found?.owner, found?.epoch], [state.owner, state.epoch + 1], change);
  }
});

test('a database from before a device was removed does not bring it back; one that was never confirmed does not come in', async ({
  folder,
}) => {
  const rig = await makeRig();
  const [second, third] = await Promise.all([newSigningKey(), newSigningKey()]);
  await rig.permissions.addDevice({ key: second.publicKey, name: 'Tablet' });
  const inner = new LossyStore();
  const older = await stateOf(rig);
  await rig.permissions.removeDevice(second.signer.kid);
  await withOwnerFile(inner, folder, new TestLog()).save(await stateOf(rig));
  const devices = async (state: PermissionState): Promise<readonly string[] | undefined> => {
    inner.state = state;
    return (await withOwnerFile(inner, folder, new TestLog()).load())?.owner?.devices.map(({ kid }) => kid);
  };
  assert.equal(await devices(older), [rig.owner.signer.kid]);
  await rig.permissions.addDevice({ key: third.publicKey, name: 'Never confirmed' });
  assert.equal(await devices(await stateOf(rig)), [rig.owner.signer.kid]);
  // Nothing in common: the file is the later one, because the database is written first.
  const { owner } = older;
  const strangers = owner === null ? null : { ...owner, devices: owner.devices.slice(1) };
  assert.equal(await devices({ ...older, owner: strangers }), [rig.owner.signer.kid]);
});

test('a pairing after a reset, cut off before the file: the new owner stands', async ({ folder }) => {
  const rig = await makeRig();
  const inner = new LossyStore();
  const store = withOwnerFile(inner, folder, new TestLog());
  await store.save(await stateOf(rig));
  await rig.permissions.reset();
  await store.save(await stateOf(rig));
  const other = await makeRig();
  inner.state = { ...(await stateOf(other)), epoch: 2 };
  assert.equal((await withOwnerFile(inner, folder, new TestLog()).load())?.owner, other.permissions.owner);
  assert.equal((await afterLoss(folder))?.owner, other.permissions.owner);
});

test('a file that cannot be written again at the start keeps nobody from starting', async ({ folder }) => {
  const state = await ownedState();
  await withOwnerFile(new LossyStore(), folder, new TestLog()).save(state);
  const broken: PermissionStore = {
    load: async () => undefined,
    save: async () => {
      throw new RangeError('the disk is full');
    },
  };
  const found = await withOwnerFile(broken, folder, new TestLog()).load();
  assert.equal([found?.owner, found?.epoch], [state.owner, state.epoch + 1]);
});

test('an owner with sixteen devices and long names is read back', async ({ folder }) => {
  const state = await ownedState();
  const [device] = state.owner?.devices ?? [];
  if (state.owner === null || device === undefined) throw new RangeError('no owner');
  const devices = Array.from({ length: 16 }, () => ({ ...device, name: '字'.repeat(80) }));
  const large = { ...state, owner: { ...state.owner, devices, consentStatement: 'x'.repeat(60_000) } };
  await withOwnerFile(new LossyStore(), folder, new TestLog()).save(large);
  assert.equal((await afterLoss(folder))?.owner, large.owner);
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

test('a hand-over whose write failed after the file was in its place is not the one that comes back', async ({ folder }) => {
  const rig = await makeRig();
  const before = await stateOf(rig);
  await handOver(rig, await newSigningKey());
  const refused = await stateOf(rig);
  const inner = new LossyStore();
  const store = withOwnerFile(inner, folder, new TestLog());
  await store.save(before);
  const { open } = fs;
  fs.open = async (path, ...rest) => {
    if (path === folder) throw new RangeError('the folder cannot be synced');
    return open(path, ...rest);
  };
  const failed = await store.save(refused).catch((error: unknown) => error);
  fs.open = open;
  assert.instance(failed, RangeError);
  // The new owner was told that it failed; what memory says is written again.
  await store.save(before);
  assert.equal(await withOwnerFile(inner, folder, new TestLog()).load(), before);
});

test.run();
