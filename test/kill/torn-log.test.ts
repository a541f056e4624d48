// runner: limit 900s
/** The operation log when the end of one of its files is gone: it starts, it verifies, and it says so when that took rows with it. */
import { existsSync, promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SetAside } from '../../agent/store/database.js';
import { openLog } from '../unit/agent/operation-log/open-log.js';

/** In the long mode (`npm run kill -- --cycles 200`) the files are cut at every byte. */
const isLong = Number(process.env.KILL_CYCLES ?? 20) >= 100;
const LANES = 4;
/** Thousands of starts wait for no disk: what is tried here is what lies in the files, not whether it got there. */
const ROOM = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const FILE = 'operation-log.db';
const FILES = [FILE, `${FILE}-wal`, `${FILE}.head`];

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await fs.mkdtemp(join(ROOM, 'sightline-torn-'));
  try {
    await act(folder);
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

/** Offsets in the last 4 KiB: all of them in the long mode, else every 61st and both ends. */
function offsets(size: number): number[] {
  const from = Math.max(0, size - 4096);
  const every = Array.from({ length: size - from }, (_, at) => from + at);
  return isLong ? every : every.filter((at, index) => index % 61 === 0 || at === size - 1);
}

/** What becomes of a log whose file `name` ends at `size`: rows that were there, rows that are there, and whether somebody is told. */
async function afterCut(from: string, to: string, name: string, size: number): Promise<{ before: number; there: number; isTold: boolean }> {
  await fs.rm(to, { recursive: true, force: true });
  await fs.mkdir(to);
  for (const file of FILES) await fs.copyFile(join(from, file), join(to, file));
  const before = Number((await fs.readFile(join(to, `${FILE}.head`), 'latin1')).slice(0, 16));
  await fs.truncate(join(to, name), size);
  const aside: SetAside[] = [];
  const log = await openLog(to, { bootId: 'after', onSetAside: (what) => aside.push(what) });
  const [started] = await log.service.list({ limit: 1, newestFirst: true, action: 'agent.started' });
  const there = (started?.seq ?? 1) - 1;
  // The alarm is written behind the row of the start.
  await log.service.append({ action: 'config.get', phase: 'result', source: 'relay', actor: 'owner', result: 'ok' });
  const alarms = await log.service.list({ limit: 9, action: 'security.' });
  const report = await log.service.verify();
  assert.is(report.problem, null, `at ${size}: ${report.problem?.say}`);
  for (const { movedTo } of aside) assert.ok((await fs.stat(movedTo)).size > 0, 'a damaged file is kept');
  await log.close();
  return { before, there, isTold: alarms.length > 0 };
}

for (const [what, name, isClosed] of [
  ['the write-ahead log', `${FILE}-wal`, false],
  ['the file itself', FILE, true],
] as const)
  test(`${what} cut at ${isLong ? 'every byte' : 'bytes all over'} of its last 4 KiB: the log starts, verifies, and says so when rows are gone`, () =>
    inFolder(async (folder) => {
      const [live, dead] = [join(folder, 'live'), join(folder, 'dead')];
      const log = await openLog(live);
      await log.service.seal();
      for (let n = 0; n < 20; n += 1)
        await log.service.append({ action: 'config.get', phase: 'result', source: 'relay', actor: 'owner', result: 'ok', after: { n } });
      if (isClosed) await log.close();
      // As they lie there when the power goes.
      await fs.cp(live, dead, { recursive: true });
      for (const file of FILES) await (await fs.open(join(dead, file), 'a')).close();
      if (!isClosed) await log.close();
      const { size } = await fs.stat(join(dead, name));
      assert.ok(size > 4096, `${size} bytes`);
      let lost = 0;
      const waiting = offsets(size);
      const lane = async (to: string): Promise<void> => {
        for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
          const { before, there, isTold } = await afterCut(dead, to, name, at);
          assert.ok(there <= before);
          if (there < before) lost += 1;
          assert.is(isTold, there < before, `cut at ${at}: ${there} of ${before} rows`);
        }
      };
      await Promise.all(Array.from({ length: LANES }, (_, number) => lane(join(folder, `cut-${number}`))));
      assert.ok(lost > 0, 'no cut took anything: the test tests nothing');
    }));

test.run();
