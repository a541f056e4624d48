/**
 * A whole day of what an idle agent writes, in seconds: the real stores on the real disk, driven by a clock that is moved on. What wears flash out is
 * the bytes that reach the storage layer, the file system's own books included, and those come in beats of a quarter of an hour and more.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flooredClock } from '../../../agent/compose/floored-clock.js';
import { healthPort, openStores, prepareStateFolder } from '../../../agent/compose/stores.js';
import type { HealthSample } from '../../../agent/health/types.js';
import { createLog } from '../../../agent/kernel/log.js';
import { Ledger } from '../../../agent/ledger/ledger.js';
import { LedgerStore } from '../../../agent/store/ledger-store.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { writtenBytes } from './usage.js';

const MINUTES = 1_440;
/** A sign of life each minute, and what the relay is told of it. */
const PING_BYTES = 2;

const sampleAt = (at: number): HealthSample => ({
  ...{ at, cpu: 0.0123456, memory: 0.4123456, memoryAvailableBytes: 1_234_567_890, disk: 0.5123456, diskFreeBytes: 12_345_678_901 },
  ...{ temperatureCelsius: 48.3, rssBytes: 81_234_567, uptimeS: 123_456.78, camerasUp: 1, camerasTotal: 1 },
});

/** Bytes that one day of idling writes. The first two hours are not counted: the files are new then, and the time is not sure yet. */
export async function writtenInADay(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-bench-idle-'));
  const system = new ManualClock(Date.now());
  await prepareStateFolder(folder);
  const stores = await openStores(folder, system);
  const log = createLog({ level: 'error', clock: system, format: 'json', write: () => undefined });
  const time = await flooredClock(system, stores.state, () => ({ isSynchronised: true, hasBattery: true }));
  const consent = () => ({ hasOwner: true, isOperatorAgreed: true });
  const ledger = new Ledger({ store: new LedgerStore(stores.stateDatabase), consent, onRefused: () => undefined, clock: time.clock, log });
  const health = healthPort(stores.health);
  try {
    await ledger.start();
    const floor = time.watch(log, () => stores.health.flush());
    const minute = async (): Promise<void> => {
      ledger.book('connection', 'relay', PING_BYTES, 0);
      await health.append(sampleAt(system.now()));
      await system.advance(60_000);
      // Whatever that minute has begun to write is written before the next one begins, as it is in life.
      await stores.stateDatabase.write(async () => undefined);
      await stores.stateDatabase.write(async () => undefined);
    };
    for (let at = 0; at < 120; at += 1) await minute();
    const before = writtenBytes(process.pid);
    for (let at = 0; at < MINUTES; at += 1) await minute();
    const written = writtenBytes(process.pid) - before;
    floor.cancel();
    await ledger.stop();
    return written;
  } finally {
    await stores.close();
    await rm(folder, { recursive: true, force: true });
  }
}
