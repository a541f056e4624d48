import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AppendBatch, EntryInput, SignedCheckpoint } from '../../../../agent/operation-log/ports.js';
import { OperationLogStore } from '../../../../agent/store/operation-log-store.js';
import { until } from '../../../support/until.js';
import { codeOf, inFolder } from '../store/scratch.js';
import { keyedSigner, type OpenLog, openLog, withLog } from './open-log.js';

const DANA = { name: 'Dana K', email: 'Dana@installer.example' };
const OPEN: Omit<EntryInput, 'phase'> = { action: 'live.open', source: 'relay', actor: 'employee', channel: 'cam-1', scope: 'live-view' };
const ROW: EntryInput = { ...OPEN, phase: 'result', result: 'ok' };

test('the start names the boot; intent and result share who, what and where; names come back for display', () =>
  withLog(async ({ service }) => {
    const intent = await service.intent({ ...OPEN, grant: 'g1', before: { a: 1 } }, DANA);
    assert.is(intent.seq, 2);
    const done = await service.result(intent, { result: 'ok', sessionId: 's1', durationMs: 5, bytes: 900, after: { name: 'Yard' } });
    assert.match(done.head, /^[0-9a-f]{64}$/);
    assert.equal(await service.position(), done);
    const rows = await service.list({ limit: 10 });
    assert.equal(
      rows.map(({ entry }) => entry?.action),
      ['agent.started', 'live.open', 'live.open'],
    );
    const [boot, first, second] = rows;
    assert.is(boot?.entry?.boot, 'boot-1');
    assert.equal(first?.person, { name: 'Dana K', email: 'dana@installer.example' });
    assert.equal(first?.detail, { before: { a: 1 } });
    assert.equal(second?.detail, { after: { name: 'Yard' } });
    assert.is(second?.entry?.intentSeq, 2);
    assert.is(second?.entry?.grant, 'g1');
    assert.is(second?.entry?.actor.ref, first?.entry?.actor.ref);
    assert.is(second?.entry?.site, 'site-1');
    assert.not.match(JSON.stringify(rows.map(({ entry }) => entry)), /Dana|Yard/i);
  }));

test('appends that wait share a commit, keep their order, and are each answered', () =>
  withLog(async ({ service, database }) => {
    const told = await Promise.all(Array.from({ length: 300 }, () => service.append(ROW, DANA)));
    assert.equal(
      told.map(({ seq }) => seq),
      Array.from({ length: 300 }, (_, n) => n + 2),
    );
    assert.is((await database.get('SELECT count(*) AS c FROM subject'))?.c, 1);
    assert.ok((await service.verify()).isOk);
  }));

test('checkpoints: every 64 rows, every minute with new rows, at once after a security event; none without news', () =>
  withLog(async ({ service, clock }) => {
    await service.seal();
    assert.is((await service.latestCheckpoint())?.size, 1, 'the start is signed at once');
    const made: SignedCheckpoint[] = [];
    let heard = () => {};
    const next = () => new Promise<void>((resolve) => (heard = resolve));
    const stop = service.onCheckpoint((checkpoint) => {
      made.push(checkpoint);
      heard();
    });
    let waiting = next();
    for (let n = 2; n <= 65; n += 1) await service.append(ROW);
    await waiting;
    assert.equal(
      made.map(({ size }) => size),
      [65],
    );
    await service.append(ROW);
    waiting = next();
    clock.fire();
    await waiting;
    clock.fire();
    waiting = next();
    const { seq, head } = await service.append({ ...ROW, action: 'permissions.withdraw' });
    await waiting;
    assert.equal(
      made.map(({ size }) => size),
      [65, 66, 67],
    );
    assert.equal({ seq: made[2]?.size, head: made[2]?.head }, { seq, head });
    const { jws, ...statement } = made[2] as SignedCheckpoint;
    assert.equal(await keyedSigner().open(jws), statement);
    assert.equal(await service.latestCheckpoint(), made[2]);
    stop();
    await service.stop();
    assert.is(made.length, 3);
    assert.is((await service.latestCheckpoint())?.size, 68);
  }));

test('a key that cannot sign holds nothing up; the next occasion catches up', () => {
  let isBroken = true;
  const good = keyedSigner();
  const signer = {
    ...good,
    sign: (what: Parameters<typeof good.sign>[0]) => (isBroken ? Promise.reject(new RangeError('no key')) : good.sign(what)),
  };
  return withLog(
    async ({ service, lines }) => {
      for (let n = 0; n < 70; n += 1) await service.append(ROW);
      assert.is(await service.latestCheckpoint(), null);
      assert.is(lines.filter((line) => line.includes('could not be made')).length, 1);
      isBroken = false;
      await service.stop();
      assert.is((await service.latestCheckpoint())?.size, 72);
    },
    { signer },
  );
});

test('a picture that ends after the stop was written down makes no power cut of it; a run without that row does', () =>
  inFolder(async (folder) => {
    const code = async (service: OpenLog['service']) => (await service.list({ action: 'agent.started', limit: 9 })).at(-1)?.entry?.code;
    const first = await openLog(folder);
    await first.service.stop();
    await first.service.append({ ...ROW, action: 'live.watch', code: 'live.agent_stopping' });
    await first.close();
    const second = await openLog(folder, { bootId: 'boot-2' });
    assert.is(await code(second.service), undefined);
    await second.service.append(ROW);
    await second.close();
    const third = await openLog(folder, { bootId: 'boot-3' });
    assert.is(await code(third.service), 'agent.not_stopped');
    await third.close();
  }));

test('what was under way when the process died gets a result at the next start; the chain goes on', () =>
  inFolder(async (folder) => {
    const first = await openLog(folder);
    await first.service.intent({ ...OPEN, sessionId: 's9' }, DANA);
    const finished = await first.service.intent({ ...OPEN, action: 'config.apply' }, DANA);
    await first.service.result(finished, { result: 'failed', code: 'config.no' });
    await first.close();
    const second = await openLog(folder, { bootId: 'boot-2' });
    const rows = await second.service.list({ limit: 10, fromSeq: 5 });
    assert.equal(
      rows.map(({ entry }) => [entry?.action, entry?.code, entry?.intentSeq, entry?.sessionId, entry?.actor.kind, entry?.boot]),
      [
        ['agent.started', 'agent.not_stopped', undefined, undefined, 'system', 'boot-2'],
        ['live.open', 'log.interrupted', 2, 's9', 'employee', 'boot-2'],
      ],
    );
    const [begun] = await second.service.list({ limit: 1, fromSeq: 2 });
    assert.equal([rows[1]?.person?.name, rows[1]?.entry?.actor.ref], ['Dana K', begun?.entry?.actor.ref], 'the person is named again');
    assert.equal([rows[1]?.entry?.source, rows[0]?.person], ['system', null]);
    assert.ok((await second.service.verify()).isOk);
    await second.close();
    const third = await openLog(folder, { bootId: 'boot-3' });
    assert.is((await third.service.list({ limit: 10, fromSeq: 7 })).length, 1);
    await third.close();
  }));

test('filters: person, action, area, channel, time, newest first, page', () =>
  withLog(async ({ service, clock }) => {
    await service.append(ROW, DANA);
    clock.at += 1000;
    await service.append({ ...ROW, channel: 'cam-2', action: 'live.closed' }, { name: 'Émile Z', email: 'e@x.example' });
    clock.at += 1000;
    await service.append({ ...ROW, action: 'config.apply' }, DANA);
    const seqs = async (query: object) => (await service.list({ limit: 10, ...query })).map(({ seq }) => seq);
    assert.equal(await seqs({ actor: 'dana' }), [2, 4]);
    assert.equal(await seqs({ actor: 'émile' }), [3]);
    assert.equal(await seqs({ actor: 'nobody' }), []);
    assert.equal(await seqs({ action: 'live.' }), [2, 3]);
    assert.equal(await seqs({ action: 'live.open' }), [2]);
    assert.equal(await seqs({ channel: 'cam-2' }), [3]);
    assert.equal(await seqs({ sinceAt: clock.at - 1000, untilAt: clock.at }), [3]);
    assert.equal(await seqs({ newestFirst: true, limit: 2 }), [4, 3]);
    assert.equal(await seqs({ fromSeq: 2, toSeq: 3, actor: 'DANA' }), [2]);
    const ref = (await service.findSubjects('dana'))[0]?.ref ?? '';
    assert.equal(await seqs({ actor: ref }), [2, 4]);
  }));

test('a log that cannot be written refuses with one code, at start and later, and works again by itself', () =>
  inFolder(async (folder) => {
    const log = await openLog(folder, { isStarted: false });
    await log.database.write((tx) => tx.run('ALTER TABLE entry RENAME TO hidden'));
    await log.service.start();
    assert.is(await codeOf(log.service.append(ROW)), 'log.unwritable');
    await log.database.write((tx) => tx.run('ALTER TABLE hidden RENAME TO entry'));
    assert.is((await log.service.append(ROW)).seq, 2);
    // That it could not be written stands in it next.
    await until('it is told', async () => (await log.service.position()).seq === 3);
    // In the middle of the run: rows and heads go on where the disk stands.
    await log.database.write((tx) => tx.run('ALTER TABLE open_intent RENAME TO hidden'));
    const both = await Promise.all([codeOf(log.service.intent(OPEN)), codeOf(log.service.intent(OPEN))]);
    assert.equal(both, ['log.unwritable', 'log.unwritable']);
    await log.database.write((tx) => tx.run('ALTER TABLE hidden RENAME TO open_intent'));
    assert.is((await log.service.append(ROW)).seq, 4);
    assert.ok((await log.service.verify()).isOk);
    await log.close();
    assert.is(await codeOf(log.service.append(ROW)), 'log.unwritable');
  }));

test('a commit that went through although its answer was an error is found on the disk: no seq is given twice', () => {
  let isLying = false;
  class LyingStore extends OperationLogStore {
    override async append(batch: AppendBatch): Promise<void> {
      await super.append(batch);
      if (isLying) throw new RangeError('the answer got lost');
    }
  }
  return withLog(
    async ({ service }) => {
      isLying = true;
      assert.is(await codeOf(service.append(ROW)), 'log.unwritable');
      isLying = false;
      assert.is((await service.append(ROW)).seq, 3);
      assert.ok((await service.verify()).isOk);
    },
    { makeStore: (database) => new LyingStore(database) },
  );
});

test.run();
