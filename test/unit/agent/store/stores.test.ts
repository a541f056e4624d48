import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as z from 'zod/mini';
import { Secret } from '../../../../agent/kernel/secret.js';
import { Database } from '../../../../agent/store/database.js';
import { HealthStore } from '../../../../agent/store/health-store.js';
import { STATE_MIGRATIONS } from '../../../../agent/store/migrations.js';
import { type OutboxMessage, OutboxStore } from '../../../../agent/store/outbox-store.js';
import { SecretBox } from '../../../../agent/store/secret-box.js';
import { StateStore } from '../../../../agent/store/state-store.js';
import { codeOf, inFolder, ManualClock, withDatabase } from './scratch.js';

const Owner = z.strictObject({ name: z.string(), epoch: z.number() });

const message = (over: Partial<OutboxMessage> = {}): OutboxMessage => ({
  topic: 'sl/1/t/d/up/health',
  payload: Buffer.from('x'),
  qos: 1,
  retain: false,
  class: 'health',
  expiresAt: null,
  dedupeKey: null,
  ...over,
});

test('documents carry a version, come back checked, and several change at once or not at all', () =>
  withDatabase(async (database) => {
    const state = new StateStore(database, new ManualClock());
    assert.is(await state.get('owner', Owner), undefined);
    assert.is(await state.put('owner', { name: 'a', epoch: 1 }), 1);
    assert.is(await state.put('owner', { name: 'a', epoch: 2 }), 2);
    assert.equal(await state.getVersioned('owner', Owner), { value: { name: 'a', epoch: 2 }, version: 2 });
    const failing = state.transact(async (tx) => {
      await tx.put('owner', { name: 'b', epoch: 3 });
      await tx.put('grants/1', []);
      assert.equal(await tx.get('owner', Owner), { name: 'b', epoch: 3 });
      await tx.put('broken', undefined);
    });
    assert.is(await codeOf(failing), 'store.not_json');
    assert.equal(await state.get('owner', Owner), { name: 'a', epoch: 2 });
    assert.equal(await state.keys('grants/'), []);
    await state.put('owner', { name: 'a' });
    assert.is(await codeOf(state.get('owner', Owner)), 'store.unreadable');
    await state.delete('owner');
    assert.equal(await state.keys(), []);
  }));

test('the outbox keeps order within a class, replies first, and keeps a message until it is marked sent', () =>
  withDatabase(async (database) => {
    const outbox = await OutboxStore.open(database, new ManualClock());
    let heard = 0;
    outbox.onEnqueued(() => {
      heard += 1;
    });
    const first = await outbox.enqueue(message({ payload: Buffer.from('h1') }));
    await outbox.enqueue(message({ payload: Buffer.from('h2') }));
    await outbox.enqueue(message({ class: 'reply', payload: Buffer.from('r1') }));
    await outbox.enqueue(message({ class: 'log', payload: Buffer.from('l1') }));
    const texts = async () => (await outbox.peek(10)).map(({ payload }) => Buffer.from(payload).toString());
    assert.equal(await texts(), ['r1', 'l1', 'h1', 'h2']);
    await outbox.markSent(first);
    await outbox.markSent(first);
    assert.equal(await texts(), ['r1', 'l1', 'h2']);
    assert.equal(outbox.counts, { rows: 3, bytes: 6, dropped: 0, expired: 0 });
    assert.is(heard, 4);
  }));

test('a newer message replaces an unsent one of the same key; old ones expire; the lowest class makes room', () =>
  withDatabase(async (database) => {
    const clock = new ManualClock();
    const outbox = await OutboxStore.open(database, clock, { maxRows: 3, maxBytes: 100 });
    await outbox.enqueue(message({ class: 'status', retain: true, dedupeKey: 'status', payload: Buffer.from('online') }));
    const newer = await outbox.enqueue(message({ class: 'status', retain: true, dedupeKey: 'status', payload: Buffer.from('offline') }));
    assert.equal(
      (await outbox.peek(9)).map(({ id }) => id),
      [newer],
    );
    await outbox.enqueue(message({ class: 'reply', expiresAt: clock.now() + 1000 }));
    clock.at += 1000;
    assert.is((await outbox.peek(9)).length, 1);
    assert.is(await outbox.expire(), 1);
    assert.is(await outbox.expire(), 0);
    await outbox.enqueue(message({ payload: Buffer.from('h1') }));
    await outbox.enqueue(message({ payload: Buffer.from('h2') }));
    await outbox.enqueue(message({ class: 'reply' }));
    assert.equal(
      (await outbox.peek(9)).map((item) => item.class),
      ['reply', 'status', 'health'],
    );
    await outbox.enqueue(message({ class: 'reply', payload: Buffer.alloc(95) }));
    assert.is(outbox.counts.dropped, 3);
    assert.is(outbox.counts.rows, 2);
    assert.is(await codeOf(outbox.enqueue(message({ payload: Buffer.alloc(101) }))), 'store.message_too_large');
    await outbox.clear();
    assert.is(outbox.counts.bytes, 0);
  }));

test('the outbox survives a restart and never uses an id twice', () =>
  inFolder(async (folder) => {
    const options = { path: join(folder, 'a.db'), kind: 'ordinary', migrations: STATE_MIGRATIONS, clock: new ManualClock() } as const;
    const database = await Database.open(options);
    const outbox = await OutboxStore.open(database, options.clock);
    const ids = [await outbox.enqueue(message()), await outbox.enqueue(message({ topic: 't', qos: 0, expiresAt: 9e12 }))];
    await outbox.markSent(ids[1] ?? 0);
    await database.close();
    const again = await Database.open(options);
    const outboxAgain = await OutboxStore.open(again, options.clock);
    assert.equal(outboxAgain.counts, { rows: 1, bytes: 1, dropped: 0, expired: 0 });
    assert.ok((await outboxAgain.enqueue(message())) > (ids[1] ?? 0));
    await again.close();
  }));

test('health samples are written thirty at a time or when told; what waits is there for readers and is not lost when writing fails', () =>
  withDatabase(async (database) => {
    const clock = new ManualClock();
    const health = new HealthStore(database, clock);
    const Sample = z.strictObject({ cpu: z.number() });
    const start = Math.ceil(clock.now() / 60_000) * 60_000;
    let next = 0;
    const append = async (count: number): Promise<void> => {
      for (const end = next + count; next < end; next += 1) await health.append(start + next * 60_000, { cpu: next });
    };
    const written = async () => (await database.all('SELECT count(*) AS n FROM health_sample'))[0]?.n;
    await append(29);
    assert.is(await written(), 0);
    await append(1);
    assert.is(await written(), 30);
    await append(5);
    await health.flush();
    assert.is(await written(), 35);
    await append(1);
    assert.is((await health.since(start, Sample)).length, 36);
    await database.write(async (tx) => void (await tx.run('ALTER TABLE health_sample RENAME TO away')));
    const isRefused = await append(30).then(
      () => false,
      () => true,
    );
    assert.ok(isRefused, 'writing failed');
    await database.write(async (tx) => void (await tx.run('ALTER TABLE away RENAME TO health_sample')));
    assert.is((await health.since(start, Sample)).length, 66);
  }));

test('health samples are kept by the minute for seven days; those of another shape are left out', () =>
  withDatabase(async (database) => {
    const clock = new ManualClock();
    const health = new HealthStore(database, clock);
    const Sample = z.strictObject({ cpu: z.number() });
    const start = Math.ceil(clock.now() / 60_000) * 60_000;
    await health.append(start, { cpu: 1 });
    await health.append(start + 59_999, { cpu: 2 });
    await health.append(start + 60_000, { cpu: 3 });
    await health.append(start + 120_000, { load: 1 });
    assert.equal(await health.since(start, Sample), [
      { at: start, sample: { cpu: 2 } },
      { at: start + 60_000, sample: { cpu: 3 } },
    ]);
    assert.equal((await health.since(start + 1, Sample)).length, 1);
    clock.at = start + 7 * 86_400_000 + 60_000;
    await health.append(clock.at, { cpu: 4 });
    // The first of the seven days ends with the minute before.
    assert.equal(
      (await health.since(start - 86_400_000, Sample)).map(({ sample }) => sample.cpu),
      [3, 4],
    );
  }));

test('a sealed secret opens only under its name and key, is never in clear, and never twice the same', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'master.key');
    const box = await SecretBox.open(path);
    assert.is((await fs.stat(path)).mode & 0o777, 0o600);
    const sealed = box.seal('cam-1/login', 'correct horse');
    assert.is.not(sealed, box.seal('cam-1/login', new Secret('correct horse')));
    assert.not.match(Buffer.from(sealed, 'base64url').toString('latin1'), 'horse');
    const same = await SecretBox.open(path);
    assert.is(same.open('cam-1/login', sealed).reveal(), 'correct horse');
    const broken = Buffer.from(sealed, 'base64url');
    broken[20] = (broken[20] ?? 0) ^ 1;
    const wrong: readonly (readonly [string, string])[] = [
      ['cam-2/login', sealed],
      ['cam-1/login', broken.toString('base64url')],
      ['cam-1/login', sealed.slice(0, 20)],
      ['cam-1/login', ''],
    ];
    for (const [name, text] of wrong)
      assert.throws(
        () => same.open(name, text),
        (error: { code?: string }) => error.code === 'store.secret_unreadable',
      );
    const other = await SecretBox.open(join(folder, 'other.key'));
    assert.throws(() => other.open('cam-1/login', sealed));
    await fs.writeFile(path, 'short');
    assert.is(await codeOf(SecretBox.open(path)), 'store.bad_master_key');
  }));

test.run();
