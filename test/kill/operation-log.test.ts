import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openLog } from '../unit/agent/operation-log/open-log.js';

const CYCLES = Number(process.env.KILL_CYCLES ?? 20);
const WRITER = fileURLToPath(new URL('./log-writer.js', import.meta.url));

/** Lets the child run until it has acknowledged a few rows and then some random time more, kills it, and returns what it told. */
async function runAndKill(folder: string, bootId: string): Promise<readonly number[]> {
  const child = spawn(process.execPath, [WRITER, folder, bootId], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  let isKilling = false;
  child.stdout.on('data', (piece: Buffer) => {
    text += piece.toString();
    if (isKilling) return;
    isKilling = true;
    setTimeout(() => child.kill('SIGKILL'), Math.random() * 120);
  });
  const [code, signal] = await once(child, 'close');
  assert.equal([code, signal], [null, 'SIGKILL']);
  return text.trim().split('\n').map(Number);
}

test(`kill -9 at random moments, ${CYCLES} times: no acknowledged row is missing, every row verifies, every open act is closed`, async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'sightline-kill-'));
  const told = new Set<number>();
  try {
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      for (const seq of await runAndKill(folder, `boot-${cycle}`)) {
        assert.not(told.has(seq), `seq ${seq} was given twice`);
        told.add(seq);
      }
      const { service, database, close } = await openLog(folder, { bootId: `check-${cycle}` });
      const there = new Set((await database.all('SELECT seq FROM entry')).map((row) => Number(row.seq)));
      assert.equal(
        [...told].filter((seq) => !there.has(seq)),
        [],
      );
      const report = await service.verify();
      assert.is(report.problem, null, report.problem?.say);
      assert.equal(await database.all('SELECT seq FROM open_intent'), []);
      assert.equal(await service.list({ limit: 1, action: 'log.tamper' }), []);
      await close();
    }
    assert.ok(told.size >= CYCLES * 3, `${told.size} rows`);
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
});

test.run();
