import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../../../agent/kernel/log.js';
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

test.run();
