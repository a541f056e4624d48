// runner: limit 120s
/** Somebody who can write to the disk changes the log of what was done; it is checked by the command that the owner's people would use. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../agent/kernel/clock.js';
import { Database, type Transaction } from '../../agent/store/database.js';
import { LOG_MIGRATIONS } from '../../agent/store/migrations.js';
import { commandLine } from '../support/command-line.js';
import { type Ended, runBuilt } from '../support/run-built.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';
import { codeOf, openUnowned } from './attack-rig.js';

const FILE = 'operation-log.db';

interface World {
  folder: string;
  site: Site;
  /** A copy of the state folder as it was in the middle of it all. */
  early: string;
  /** As it was at the end, the agent stopped. */
  whole: string;
  /** The newest signed checkpoint that the owner's app had seen. */
  witness: string;
  size: number;
}

const test = suite<World>('log tampering');

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-tamper-'));
  world.site = await openSite({ cameras: [], agent: { args: [] } });
});

test.after(async ({ site, folder }) => {
  await site?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Gives the recorder this name, as an act that stands in the log; true when it was answered. */
async function rename({ owner }: Site, recorderName: string): Promise<boolean> {
  // One that is killed meanwhile does not answer.
  const options = { timeoutMs: 3_000 };
  const { version: base } = await owner.client.call('config.get', {}, options);
  return (await codeOf(owner.client.call('config.apply', { base, patch: { recorderName } }, options))) === 'answered';
}

/** Starts it again; the owner's app knows of it. */
async function restarted(site: Site): Promise<void> {
  const { client } = site.owner;
  const boot = client.status?.boot;
  await site.restart();
  await until('the app sees the new start', () => client.status?.state === 'online' && client.status.boot !== boot);
}

async function copyOf(world: World, name: string, from = world.site.state): Promise<string> {
  const to = join(world.folder, name);
  // A socket cannot be copied, and is nothing of the log.
  await cp(from, to, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  return to;
}

interface Report {
  readonly isOk: boolean;
  readonly problem: { readonly kind: string; readonly seq: number | null } | null;
}

const program = (...words: string[]): Promise<Ended> => runBuilt(['agent/main.js', ...words]);

/** By the command, without the program where another case has run it. */
async function verify(state: string, checkpoint?: string, run = commandLine): Promise<Report> {
  const words = checkpoint === undefined ? [] : ['--checkpoint', checkpoint];
  const ended = await run('log', 'verify', '--state', state, '--json', ...words);
  return JSON.parse(ended.stdout) as Report;
}

const found = ({ problem }: Report): string => (problem === null ? 'nothing' : `${problem.kind}@${problem.seq}`);

/** A copy in which somebody with the agent's own rights did `harm`. */
async function harmed(world: World, name: string, harm: (tx: Transaction) => Promise<unknown>): Promise<string> {
  const state = await copyOf(world, name, world.whole);
  const options = { path: join(state, FILE), kind: 'durable', migrations: LOG_MIGRATIONS, clock: systemClock } as const;
  const database = await Database.open(options);
  await database.write(async (tx) => {
    await tx.run('DROP TRIGGER entry_is_append_only');
    await tx.all('PRAGMA defer_foreign_keys=ON');
    await harm(tx);
  });
  await database.close();
  return state;
}

test('Log tampering: positive control, an untouched log is whole, also against what the owner’s app had seen', async (world) => {
  const { site } = world;
  for (let n = 0; n < 3; n += 1) await rename(site, `Early ${n}`);
  await site.agent.stop();
  world.early = await copyOf(world, 'early');
  await restarted(site);
  for (let n = 0; n < 3; n += 1) await rename(site, `Late ${n}`);
  await site.agent.stop();
  await restarted(site);
  const page = await site.owner.client.call('log.list', { beforeSeq: null, limit: 1 });
  world.witness = page.checkpoint ?? '';
  assert.ok(world.witness.length > 100);
  await site.agent.stop();
  world.whole = await copyOf(world, 'whole');
  for (const witness of [undefined, world.witness])
    for (const run of [program, commandLine]) assert.is(found(await verify(world.whole, witness, run)), 'nothing');
});

test('Log tampering: an edited, a removed, a moved row: the first bad one is named', async (world) => {
  const edited = await harmed(world, 'edited', (tx) =>
    tx.run("UPDATE entry SET body=replace(body, 'config.apply', 'site.get') WHERE seq=8"),
  );
  const gone = await harmed(world, 'gone', (tx) =>
    tx.run('DELETE FROM private_detail WHERE seq=9').then(() => tx.run('DELETE FROM entry WHERE seq=9')),
  );
  const moved = await harmed(world, 'moved', async (tx) => {
    const rows = await tx.all('SELECT seq, body, leaf FROM entry WHERE seq IN (10, 11) ORDER BY seq');
    for (const [at, row] of [...rows].reverse().entries())
      await tx.run('UPDATE entry SET body=?, leaf=? WHERE seq=?', [String(row.body), row.leaf as Uint8Array, 10 + at]);
  });
  assert.is(found(await verify(edited)), 'edit@8');
  assert.is(found(await verify(gone)), 'gap@9');
  assert.is(found(await verify(moved)), 'edit@10');
});

test('Log tampering: a tail cut off, the file of last week and another recorder’s file are found against the witness', async (world) => {
  const cut = await harmed(world, 'cut', async (tx) => {
    const [row] = await tx.all('SELECT max(seq) AS last FROM entry');
    const from = Number(row?.last) - 6;
    for (const table of ['private_detail', 'open_intent', 'entry']) await tx.run(`DELETE FROM ${table} WHERE seq>${from}`);
    await tx.run(`DELETE FROM checkpoint WHERE size>${from}`);
  });
  assert.is.not(found(await verify(cut, world.witness, program)), 'nothing', 'cut');
  const rolledBack = await copyOf(world, 'rolled-back', world.whole);
  await cp(join(world.early, FILE), join(rolledBack, FILE));
  assert.is.not(found(await verify(rolledBack, world.witness)), 'nothing', 'rolled back');
  const other = await openUnowned(() => ({ args: [] }));
  try {
    await other.agent.stop();
    const swapped = await copyOf(world, 'swapped', world.whole);
    await cp(join(other.state, FILE), join(swapped, FILE));
    assert.is.not(found(await verify(swapped)), 'nothing', 'another recorder’s');
    assert.is.not(found(await verify(swapped, world.witness)), 'nothing');
  } finally {
    await other.close();
  }
});

test('Log tampering: kill -9 while acts are being written, four times: what was answered stands there, and all of it verifies', async (world) => {
  const { site } = world;
  const answered: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    await restarted(site);
    const names = Array.from({ length: 8 }, (_, n) => `Round ${round} act ${n}`);
    let isOver = false;
    const acts = (async () => {
      for (const name of names) if (!isOver && (await rename(site, name).catch(() => false))) answered.push(name);
    })();
    await until('the first is answered', () => answered.some((name) => name.startsWith(`Round ${round}`)), 10_000);
    await new Promise((resolve) => setTimeout(resolve, round * 17));
    await site.agent.kill();
    isOver = true;
    await acts;
  }
  assert.ok(answered.length >= 4, `${answered.length} answered`);
  assert.is(found(await verify(site.state)), 'nothing');
  assert.is(found(await verify(site.state, world.witness)), 'nothing');
  const shown = await commandLine('log', 'show', '--state', site.state, '--limit', '1000', '--json');
  assert.equal(
    answered.filter((name) => !shown.stdout.includes(`"${name}"`)),
    [],
  );
});

test.run();
