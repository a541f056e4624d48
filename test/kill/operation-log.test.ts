// runner: limit 900s
/** The operation log when the process dies, at every step that reaches the disk and at random moments. */
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
const NAMES = ['Dana Kowalczyk', 'dana@installer.example'];

/** What the child was told before it died. */
interface Told {
  readonly rows: readonly number[];
  readonly erased: readonly string[];
  readonly steps: number;
}

/** Runs it until it dies by itself at a step, or is killed some time after its first word. */
async function runAndKill(folder: string, bootId: string, step = 0, how = ''): Promise<Told> {
  const child = spawn(process.execPath, [WRITER, folder, bootId, String(step), how], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  let isKilling = step > 0;
  child.stdout.on('data', (piece: Buffer) => {
    text += piece.toString();
    if (isKilling) return;
    isKilling = true;
    setTimeout(() => child.kill('SIGKILL'), Math.random() * 120);
  });
  const [code, signal] = await once(child, 'close');
  assert.equal([code, signal], [null, 'SIGKILL']);
  const words = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '));
  const of = (kind: string): string[] => words.filter(([word]) => word === kind).map(([, value]) => value ?? '');
  return { rows: of('row').map(Number), erased: of('erased'), steps: Number(of('steps')[0] ?? 0) };
}

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'sightline-kill-'));
  try {
    await act(folder);
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

async function holdsName(folder: string): Promise<boolean> {
  for (const file of await fs.readdir(folder)) {
    const bytes = await fs.readFile(join(folder, file));
    if (NAMES.some((name) => bytes.includes(name))) return true;
  }
  return false;
}

/** Starts on what the dead process left: nothing that was acknowledged is missing, everything verifies, nobody who was forgotten is back. */
async function judge(folder: string, bootId: string, told: ReadonlySet<number>, erased: ReadonlySet<string>): Promise<void> {
  const { service, database, close } = await openLog(folder, { bootId });
  const there = new Set((await database.all('SELECT seq FROM entry')).map((row) => Number(row.seq)));
  const beginsAt = Number((await database.get('SELECT max(size) AS size FROM anchor'))?.size ?? 0);
  assert.equal(
    [...told].filter((seq) => seq > beginsAt && !there.has(seq)),
    [],
  );
  const report = await service.verify();
  assert.is(report.problem, null, report.problem?.say);
  assert.equal(await database.all('SELECT seq FROM open_intent'), []);
  assert.equal(await service.list({ limit: 1, action: 'security.' }), []);
  const people = await service.findSubjects('');
  assert.ok(people.every(({ ref }) => !erased.has(ref)));
  if (!people.some(({ email }) => NAMES.includes(email))) assert.not.ok(await holdsName(folder), 'bytes of somebody who is forgotten');
  await close();
}

test(`kill -9 at the steps that reach the disk, ${CYCLES} of them: no acknowledged row is missing, every row verifies, every open act is closed`, () =>
  inFolder(async (folder) => {
    const { steps } = await runAndKill(join(folder, 'all'), 'all', Number.MAX_SAFE_INTEGER);
    assert.ok(steps > 100, `${steps} steps`);
    const hows = ['before', 'during', 'after'];
    const first = Math.floor(Math.random() * steps);
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      // Spread over all steps, begun somewhere else each time; each folder lives through several deaths.
      const step = 1 + ((first + Math.floor((cycle * steps) / CYCLES)) % steps);
      const where = join(folder, `cycle-${cycle % 4}`);
      const told = new Set<number>();
      const erased = new Set<string>();
      const said = await runAndKill(where, `boot-${cycle}`, step, hows[cycle % 3]);
      for (const seq of said.rows) told.add(seq);
      for (const ref of said.erased) erased.add(ref);
      await judge(where, `check-${cycle}`, told, erased);
    }
  }));

test(`kill -9 at random moments, ${CYCLES} times on one log`, () =>
  inFolder(async (folder) => {
    const told = new Set<number>();
    const erased = new Set<string>();
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const said = await runAndKill(folder, `boot-${cycle}`);
      for (const seq of said.rows) {
        assert.not(told.has(seq), `seq ${seq} was given twice`);
        told.add(seq);
      }
      for (const ref of said.erased) erased.add(ref);
      await judge(folder, `check-${cycle}`, told, erased);
    }
    assert.ok(told.size >= CYCLES * 3, `${told.size} rows`);
  }));

test.run();
