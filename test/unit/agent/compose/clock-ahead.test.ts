import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flooredClock } from '../../../../agent/compose/floored-clock.js';
import { openOperationLog } from '../../../../agent/compose/operation-log.js';
import { openStores, prepareStateFolder } from '../../../../agent/compose/stores.js';
import { Ledger } from '../../../../agent/ledger/ledger.js';
import { dayOf } from '../../../../agent/ledger/policy.js';
import { DEFAULT_RETENTION } from '../../../../agent/operation-log/retention.js';
import { LedgerStore } from '../../../../agent/store/ledger-store.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { TestLog } from '../../../support/test-log.js';
import { inFolder, ManualClock } from '../store/scratch.js';

const YEAR_MS = 366 * 86_400_000;
const ROW = { action: 'live.open', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' } as const;

test('a clock that is set years ahead for a moment (a false time server, a bad battery) takes no row of the log and no line of the book', () =>
  inFolder(async (folder) => {
    const system = new ManualClock();
    await prepareStateFolder(folder);
    const stores = await openStores(folder, system);
    const time = await flooredClock(system, stores.state, () => ({ isSynchronised: true, hasBattery: false }));
    const { signer, publicKey: key } = await newSigningKey();
    const { clock } = time;
    const log = { area: () => new TestLog() } as unknown as Parameters<typeof openOperationLog>[0]['log'];
    const side = {
      stores,
      signer,
      key,
      serial: 'SN4F2K7Q9D',
      boot: 'boot',
      site: () => undefined,
      time,
      clock,
      onAlarm: () => undefined,
      log,
    };
    const operationLog = openOperationLog(side);
    const store = new LedgerStore(stores.stateDatabase);
    const consent = () => ({ hasOwner: true, isOperatorAgreed: true });
    const ledger = new Ledger({ store, consent, onRefused: () => undefined, clock, surelyAt: () => time.surelyAt(), log: new TestLog() });
    await operationLog.start();
    for (let n = 0; n < 70; n += 1) await operationLog.append(ROW);
    await operationLog.seal();
    ledger.book('answer', 'relay', 100);
    await ledger.flush();
    const day = dayOf(system.at);

    system.at += 2 * YEAR_MS;
    assert.is(clock.now(), system.at, 'it counts at once for what ends');
    assert.is(await operationLog.prune(DEFAULT_RETENTION), 0);
    ledger.book('answer', 'relay', 100);
    await ledger.flush();
    assert.is((await ledger.between(day, day)).length, 1);

    await operationLog.stop();
    await stores.close();
  }));

test.run();
