import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { createLog } from '../../../../agent/kernel/log.js';
import type { AppendBatch, OwedRow } from '../../../../agent/operation-log/ports.js';
import { OperationLogService } from '../../../../agent/operation-log/service.js';
import { Ballast } from '../../../../agent/store/ballast.js';
import { Database } from '../../../../agent/store/database.js';
import { LOG_MIGRATIONS } from '../../../../agent/store/migrations.js';
import { OperationLogStore } from '../../../../agent/store/operation-log-store.js';
import { until } from '../../../support/until.js';
import { codeOf, inFolder, ManualClock } from '../store/scratch.js';
import { keyedSigner } from './open-log.js';

const ROW = { action: 'config.apply', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' } as const;
const STOP = { action: 'permissions.withdraw', phase: 'result', source: 'relay', actor: 'owner', result: 'ok' } as const;

/** A ballast on a disk that is full or not, as the test says. */
class TestBallast extends Ballast {
  isFull = false;
  #isReleased = false;

  override get isOut(): boolean {
    return this.#isReleased;
  }

  override async ensure(): Promise<boolean> {
    if (!this.isFull) this.#isReleased = false;
    return !this.isFull;
  }

  override async release(): Promise<boolean> {
    this.#isReleased = true;
    return true;
  }
}

test('a full disk: acts are refused, what stops others is written, the owner is told at once and by a row when it is over', () =>
  inFolder(async (folder) => {
    const clock = new ManualClock();
    const ballast = new TestBallast(join(folder, 'ballast'));
    const path = join(folder, 'operation-log.db');
    const database = await Database.open({ path, kind: 'durable', migrations: LOG_MIGRATIONS, clock, ballast });
    let alarms = 0;
    const service = new OperationLogService({
      ...{ store: new OperationLogStore(database), signer: keyedSigner(), clock },
      log: createLog({ level: 'error', clock, format: 'json', write: () => undefined }),
      ...{ device: 'SN1', version: '0.1.0', bootId: 'b', clockQuality: () => 'ntp' as const, site: () => undefined },
      onAlarm: () => {
        alarms += 1;
      },
    });
    await service.start();
    // The disk fills up, and something urgent takes the space that was held back.
    ballast.isFull = true;
    await ballast.release();
    for (let tries = 0; tries < 3; tries += 1) assert.is(await codeOf(service.append(ROW)), 'log.unwritable');
    assert.is(await codeOf(service.intent({ action: 'live.open', source: 'relay', actor: 'owner' })), 'log.unwritable');
    assert.is(alarms, 1, 'told once');
    await service.append(STOP);
    assert.is(await codeOf(service.append(ROW)), 'log.unwritable', 'the room is not for others');
    assert.is(alarms, 1, 'it is not over, and not told again');
    clock.at += 60_000;
    ballast.isFull = false;
    await service.append(ROW);
    const told = await until('it is told', async () => (await service.list({ action: 'security.log-unwritable', limit: 9 }))[0]);
    assert.equal(told.detail?.after, { since: clock.at - 60_000 });
    assert.is((await service.list({ action: 'security.log-unwritable', limit: 9 })).length, 1);
    assert.ok((await service.verify()).isOk);
    await service.stop();
    await database.close();
  }));

test('the space is held back again only where there is room beside it; what else fails stops nobody', () =>
  inFolder(async (folder) => {
    const ballast = new Ballast(join(folder, 'ballast'));
    assert.is(ballast.isOut, false);
    assert.ok(await ballast.ensure());
    assert.ok(await ballast.release());
    assert.is(ballast.isOut, true);
    assert.ok(await ballast.ensure());
    assert.is(ballast.isOut, false);
    assert.is((await fs.stat(join(folder, 'ballast'))).size, 256 * 1024);
    const nowhere = new Ballast(join(folder, 'not', 'there'));
    assert.is(await nowhere.ensure(), false);
    assert.is(nowhere.isOut, false);
  }));

test('started on a full disk: what stops others is written, the first rows of the start before it; the rest stays refused', () =>
  inFolder(async (folder) => {
    const clock = new ManualClock();
    const ballast = new TestBallast(join(folder, 'ballast'));
    const path = join(folder, 'operation-log.db');
    const database = await Database.open({ path, kind: 'durable', migrations: LOG_MIGRATIONS, clock, ballast });
    ballast.isFull = true;
    await ballast.release();
    const service = new OperationLogService({
      ...{ store: new OperationLogStore(database), signer: keyedSigner(), clock },
      log: createLog({ level: 'error', clock, format: 'json', write: () => undefined }),
      ...{ device: 'SN1', version: '0.1.0', bootId: 'b', clockQuality: () => 'ntp' as const, site: () => undefined },
    });
    await service.start();
    assert.is(await codeOf(service.append(ROW)), 'log.unwritable');
    await service.append(STOP);
    assert.equal((await service.list({ limit: 10 })).map(({ entry }) => entry?.action).sort(), ['agent.started', 'permissions.withdraw']);
    assert.is(await codeOf(service.append(ROW)), 'log.unwritable');
    await database.close();
  }));

/** A log on a disk that may be full to its last byte, and what it owes in a file on the same disk. */
class FullLog {
  readonly clock = new ManualClock();
  readonly lines: string[] = [];
  isFull = false;
  /** As stored. */
  owed: readonly OwedRow[] = [];
  /** Happens behind each commit, while no other can begin. */
  afterCommit: () => Promise<void> = async () => undefined;
  /** The power goes between a row and the note that it is not owed any more. */
  isOwedStuck = false;

  async open(folder: string): Promise<{ service: OperationLogService; close: () => Promise<void> }> {
    const database = await Database.open({
      ...{ path: join(folder, 'operation-log.db'), kind: 'durable', migrations: LOG_MIGRATIONS, clock: this.clock },
    });
    const full = (): AgentError => new AgentError({ code: 'store.full', say: 'The disk is full.', fix: 'Make room.' });
    const whenRoom = (): Promise<void> => (this.isFull ? Promise.reject(full()) : Promise.resolve());
    const committed = (): Promise<void> => this.afterCommit();
    class Store extends OperationLogStore {
      override async append(batch: AppendBatch): Promise<void> {
        await whenRoom();
        await super.append(batch);
        await committed();
      }
    }
    const service = new OperationLogService({
      ...{ store: new Store(database), signer: keyedSigner(), clock: this.clock },
      log: createLog({ level: 'error', clock: this.clock, format: 'json', write: (line) => this.lines.push(line) }),
      ...{ device: 'SN1', version: '0.1.0', bootId: `b${this.clock.at}`, clockQuality: () => 'ntp' as const, site: () => 'site-1' },
      owed: {
        load: async () => this.owed,
        save: async (rows) => {
          if (!this.isOwedStuck) this.owed = JSON.parse(JSON.stringify(rows)) as OwedRow[];
        },
      },
    });
    await service.start();
    return { service, close: () => database.close() };
  }
}

const OLIVIA = { name: 'Olivia Example', email: 'olivia@example.org' };
const withdrawals = async (service: OperationLogService) => service.list({ action: STOP.action, limit: 9 });

test('what was stopped while not one byte could be written has its row as soon as one can, with who it was and when', () =>
  inFolder(async (folder) => {
    const disk = new FullLog();
    const { service, close } = await disk.open(folder);
    await service.append(ROW, OLIVIA);
    disk.isFull = true;
    const doneAt = disk.clock.at;
    assert.is(await codeOf(service.append({ ...STOP, after: { grants: 2 } }, OLIVIA)), 'log.unwritable');
    assert.is(service.unwritableSince, doneAt);
    assert.is(disk.owed.length, 1);
    assert.not.match(JSON.stringify(disk.owed), /olivia/i, 'by reference only');
    assert.is(await codeOf(service.append(ROW, OLIVIA)), 'log.unwritable');
    assert.is(disk.owed.length, 1, 'an act that was refused is owed to nobody');
    disk.clock.at += 60_000;
    disk.isFull = false;
    disk.clock.fire();
    const [row] = await until('it is written without anybody doing anything', async () => {
      const found = await withdrawals(service);
      return found.length > 0 && disk.owed.length === 0 ? found : undefined;
    });
    assert.equal([row?.person?.name, row?.entry?.site, row?.detail?.after], [OLIVIA.name, 'site-1', { grants: 2, doneAt }]);
    await until('it is over', () => service.unwritableSince === undefined);
    await service.stop();
    assert.equal([(await withdrawals(service)).length, (await service.verify()).isOk], [1, true]);
    await close();
  }));

test('what is owed outlives the power; a row that was written just before it went is not written twice', () =>
  inFolder(async (folder) => {
    const disk = new FullLog();
    const first = await disk.open(folder);
    await first.service.append(ROW, OLIVIA);
    disk.isFull = true;
    for (const grants of [1, 2]) await codeOf(first.service.append({ ...STOP, after: { grants } }, OLIVIA));
    await first.close();
    const still = await disk.open(folder);
    assert.equal([await withdrawals(still.service), disk.owed.length], [[], 2], 'a start on the same disk forgets nothing');
    await still.close();
    disk.isFull = false;
    disk.isOwedStuck = true;
    disk.clock.at += 60_000;
    const second = await disk.open(folder);
    const written = async () => (await withdrawals(second.service)).map(({ person, detail }) => [person?.name, detail?.after?.grants]);
    assert.equal(await written(), [
      [OLIVIA.name, 1],
      [OLIVIA.name, 2],
    ]);
    assert.is(disk.owed.length, 2, 'the power went before that was noted');
    await second.close();
    disk.isOwedStuck = false;
    const third = await disk.open(folder);
    assert.is((await withdrawals(third.service)).length, 2);
    assert.is(disk.owed.length, 0);
    await third.close();
  }));

test('an erasure takes names and words out of what is owed too', () =>
  inFolder(async (folder) => {
    const disk = new FullLog();
    const { service, close } = await disk.open(folder);
    const dana = { name: 'Dana Example', email: 'dana@example.org' };
    await service.append(ROW, dana);
    disk.isFull = true;
    await codeOf(service.append({ ...STOP, action: 'incident.open', after: { note: 'Dana was here', grants: 1 } }, OLIVIA));
    assert.match(JSON.stringify(disk.owed), 'Dana was here');
    disk.isFull = false;
    const [found] = await service.findSubjects('dana');
    await service.eraseSubject(found?.ref ?? '', { actor: 'local', source: 'local' });
    assert.not.match(JSON.stringify(disk.owed), 'Dana');
    await service.stop();
    const [row] = await service.list({ action: 'incident.open', limit: 1 });
    assert.equal([row?.person, row?.detail?.after?.grants, row?.detail?.after?.note], [null, 1, undefined]);
    await close();
  }));

test('somebody who is erased between two owed rows does not come back with the second, nor what was typed', () =>
  inFolder(async (folder) => {
    const disk = new FullLog();
    const { service, close } = await disk.open(folder);
    const dana = { name: 'Dana Example', email: 'dana@example.org' };
    disk.isFull = true;
    // In no row yet: what is owed has her by name, in memory.
    await codeOf(service.append({ ...STOP, after: { grants: 1 } }, dana));
    await codeOf(service.append({ ...STOP, action: 'incident.open', after: { note: 'Dana was here', grants: 2 } }, dana));
    disk.isFull = false;
    let erasing: Promise<unknown> | undefined;
    disk.afterCommit = async () => {
      if (erasing !== undefined) return;
      const [found] = await service.findSubjects('dana');
      erasing = service.eraseSubject(found?.ref ?? '', { actor: 'local', source: 'local' });
      await until('the words are forgotten', () => !JSON.stringify(disk.owed).includes('Dana was here'));
    };
    await service.tryAgain();
    await erasing;
    const rows = await service.list({ fromSeq: 2, limit: 9 });
    assert.equal(
      rows.slice(0, 3).map(({ entry, person, detail }) => [entry?.action, person, detail?.after?.note, detail?.after?.grants]),
      [
        ['permissions.withdraw', null, undefined, 1],
        ['log.subject_erased', null, undefined, undefined],
        ['incident.open', null, undefined, 2],
      ],
    );
    assert.equal([await service.findSubjects('dana'), disk.owed.length, (await service.verify()).isOk], [[], 0, true]);
    await close();
  }));

test('however many badges are called back meanwhile, the owner’s stops keep their place; what has none is said, and counted in the row', () =>
  inFolder(async (folder) => {
    const disk = new FullLog();
    const { service, close } = await disk.open(folder);
    disk.isFull = true;
    const cancel = { ...STOP, action: 'permissions.cancel', actor: 'employee', organisation: 'Example Alarms' } as const;
    for (let list = 0; list < 131; list += 1) await codeOf(service.append({ ...cancel, after: { list } }));
    assert.is(disk.owed.length, 128);
    await codeOf(service.append({ ...STOP, after: { grants: 1 } }, OLIVIA));
    assert.is(disk.owed.at(-1)?.entry.action, STOP.action);
    const said = disk.lines.filter((line) => line.includes('this will have no row'));
    assert.is(said.length, 3);
    assert.match(said[2] ?? '', /permissions\.cancel.*Example Alarms.*"notOwed":3/);
    const since = disk.clock.at;
    disk.isFull = false;
    await service.tryAgain();
    assert.is((await withdrawals(service))[0]?.person?.name, OLIVIA.name);
    const told = await service.list({ action: 'security.log-unwritable', limit: 9 });
    assert.equal(
      told.map(({ detail }) => detail?.after),
      [{ since, notOwed: 3 }],
    );
    disk.isFull = true;
    await codeOf(service.append(ROW));
    disk.isFull = false;
    await service.tryAgain();
    const [again] = await service.list({ action: 'security.log-unwritable', limit: 1, newestFirst: true });
    assert.equal(again?.detail?.after, { since }, 'counted for its own outage alone');
    await close();
  }));

test('ordinary rows that come in together with an urgent one get none of the room that is held back for it', () =>
  inFolder(async (folder) => {
    const clock = new ManualClock();
    const ballast = new TestBallast(join(folder, 'ballast'));
    const database = await Database.open({
      ...{ path: join(folder, 'operation-log.db'), kind: 'durable', migrations: LOG_MIGRATIONS, clock, ballast },
    });
    const service = new OperationLogService({
      ...{ store: new OperationLogStore(database), signer: keyedSigner(), clock },
      log: createLog({ level: 'error', clock, format: 'json', write: () => undefined }),
      ...{ device: 'SN1', version: '0.1.0', bootId: 'b', clockQuality: () => 'ntp' as const, site: () => undefined },
    });
    await service.start();
    ballast.isFull = true;
    await ballast.release();
    const together = [service.append(ROW), service.append(STOP), service.append(ROW), service.append(STOP)];
    assert.equal(await Promise.all(together.map(codeOf)), ['log.unwritable', 'resolved', 'log.unwritable', 'resolved']);
    assert.equal(
      (await service.list({ limit: 10, fromSeq: 2 })).map(({ entry }) => entry?.action),
      [STOP.action, STOP.action],
    );
    ballast.isFull = false;
    assert.equal(await Promise.all([service.append(ROW), service.append(STOP)].map(codeOf)), ['resolved', 'resolved']);
    await service.stop();
    assert.ok((await service.verify()).isOk);
    await database.close();
  }));

test.run();
