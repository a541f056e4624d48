// runner: limit 300s
/** Somebody with a screwdriver and an SQLite program: what is done to the files of a real recorder is found and named, on site and by the owner's app. */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Connection } from '../../agent/store/connection.js';
import { provenRow, type WitnessMemory, watchLog } from '../../scripts/portal/client/log-witness.js';
import { startAgent } from '../support/agent-process.js';
import { TestEmployee } from '../support/people.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';
import { asJson, inProcess, keptAtRelay, rowsOf, sightline, verifyFile, verifyLines } from './log-rig.js';

interface World {
  site: Site;
  /** The state folder as it was after the first acts, and after some more. */
  early: string;
  late: string;
  /** Another recorder's. */
  other: string;
  /** The checkpoint that the relay had when `late` was taken. */
  witness: string;
  lateSize: number;
  count: number;
}

const test = suite<World>('log tampering');
const FILES = ['operation-log.db', 'operation-log.db-wal', 'operation-log.db-shm', 'operation-log.db.head'];

test.before(async (world) => {
  world.count = 0;
  world.site = await openSite({ cameras: [] });
  const { site } = world;
  world.early = join(site.folder, 'early');
  world.late = join(site.folder, 'late');
  world.other = join(site.folder, 'other');
  const employee = await TestEmployee.make('Example Alarms', { name: 'Dana Example', email: 'dana@example.org' });
  await site.owner.grant(employee.org, ['site-information']);
  await site.agent.stop();
  await cp(site.state, world.early, { recursive: true });
  await site.restart();
  await isBack(site);
  for (let n = 0; n < 5; n += 1) await site.owner.grant(employee.org, ['health']);
  const { size } = await site.owner.client.call('log.list', { beforeSeq: null, limit: 1 });
  world.witness = await keptAtRelay(site.broker.url, site.agent.serial, size);
  await site.agent.stop();
  await cp(site.state, world.late, { recursive: true });
  world.lateSize = (await asJson<{ size: number }>(world.late, 'log', 'verify')).size;
  await (await startAgent(world.other, { cameras: { discovery: false } })).stop();
});

test.after(async ({ site }) => {
  await site?.close();
});

/** The status of the run that began last, once the owner's app has it. */
const isBack = (site: Site) =>
  until('it is back', () => {
    const { status } = site.owner.client;
    return status?.state === 'online' ? status : undefined;
  });

/** A copy of the late state to which `sql` was done, with everything that the recorder itself uses to notice taken away when `isThorough`. */
async function harmed(world: World, sql: string, isThorough = false): Promise<string> {
  world.count += 1;
  const state = join(world.site.folder, `harmed-${world.count}`);
  await cp(world.late, state, { recursive: true });
  if (isThorough) await rm(join(state, 'operation-log.db.head'), { force: true });
  const file = await Connection.open(join(state, 'operation-log.db'));
  await file.exec(`PRAGMA foreign_keys=OFF; DROP TRIGGER entry_is_append_only; ${sql}`);
  await file.close();
  return state;
}

interface Found {
  readonly local: string;
  readonly exported: string;
}

/** By whom it is looked at: the programs themselves, or what they are made of, for the many cases. */
const PROGRAMS = { run: sightline, verify: verifyFile };
const PARTS = { run: inProcess, verify: verifyLines };

/** What `sightline log verify` says, and what verify-log.mjs says of the export. */
async function verdicts(state: string, witness?: string, { run, verify }: typeof PROGRAMS | typeof PARTS = PARTS): Promise<Found> {
  const word = (problem: { kind: string; seq: number } | null): string => (problem === null ? 'nothing' : `${problem.kind}@${problem.seq}`);
  const more = witness === undefined ? [] : ['--checkpoint', witness];
  const asked = await run(state, 'log', 'verify', ...more, '--json');
  const report = JSON.parse(asked.stdout) as { isOk: boolean; problem: { kind: string; seq: number; say: string } | null };
  assert.is(asked.code, report.isOk ? 0 : 1);
  const said = await run(state, 'log', 'verify', ...more);
  assert.is(said.code, report.isOk ? 0 : 1);
  assert.match(said.stdout, report.problem === null ? /^The log is whole: / : `The log was changed. ${report.problem.say}`);
  const file = join(state, 'export.jsonl');
  const made = await run(state, 'log', 'export', '--details', '--out', file);
  assert.is(made.code, 0, made.stderr);
  return { local: word(report.problem), exported: word((await verify(file, witness)).problem) };
}

test('untouched it is whole, against the relay’s checkpoint too', async ({ late, witness }) => {
  for (const how of [PROGRAMS, PARTS])
    for (const outside of [undefined, witness]) {
      assert.equal(await verdicts(late, outside, how), { local: 'nothing', exported: 'nothing' });
      await rm(join(late, 'export.jsonl'));
    }
});

test('edited, deleted, moved: the first bad row is named', async (world) => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['UPDATE entry SET body=replace(body, \'"ok"\', \'"no"\') WHERE seq=6', 'edit@6', /^checkpoint@\d+$/],
    ['DELETE FROM private_detail WHERE seq=5; DELETE FROM entry WHERE seq=5', 'gap@5', /^gap@5$/],
    [
      'CREATE TEMP TABLE two AS SELECT * FROM entry WHERE seq IN (4,5); UPDATE entry SET body=(SELECT body FROM two WHERE two.seq=9-entry.seq), leaf=(SELECT leaf FROM two WHERE two.seq=9-entry.seq) WHERE seq IN (4,5)',
      'edit@4',
      /^moved@4$/,
    ],
    ["UPDATE private_detail SET json='{}' WHERE seq=(SELECT min(seq) FROM private_detail)", 'detail@', /^detail@\d+$/],
    ["UPDATE checkpoint SET sig='a.b.c' WHERE size=(SELECT max(size) FROM checkpoint)", 'signature@', /^signature@\d+$/],
  ];
  for (const [sql, local, exported] of cases) {
    const found = await verdicts(await harmed(world, sql));
    assert.ok(found.local.startsWith(local), `${sql}: ${found.local}`);
    assert.match(found.exported, exported, sql);
  }
});

test('the file of another unit in its place', async (world) => {
  world.count += 1;
  const state = join(world.site.folder, `harmed-${world.count}`);
  await cp(world.late, state, { recursive: true });
  for (const name of FILES) {
    await rm(join(state, name), { force: true });
    await cp(join(world.other, name), join(state, name)).catch(() => undefined);
  }
  const found = await verdicts(state);
  assert.is(found.local, 'foreign@1');
  assert.match(found.exported, /^(foreign|signature)@/);
});

test('a tail cut off cleanly: found by the line beside the log, and when that is gone too by the relay’s checkpoint alone', async (world) => {
  const { lateSize, witness } = world;
  const cut = lateSize - 4;
  const sql = `DELETE FROM private_detail WHERE seq>${cut}; DELETE FROM open_intent; DELETE FROM entry WHERE seq>${cut}; DELETE FROM checkpoint WHERE size>${cut}`;
  assert.is((await verdicts(await harmed(world, sql))).local, `cut@${cut + 1}`);
  const thorough = await harmed(world, sql, true);
  assert.equal(await verdicts(thorough), { local: 'nothing', exported: 'nothing' }, 'alone it cannot know');
  await rm(join(thorough, 'export.jsonl'));
  assert.equal(await verdicts(thorough, witness, PROGRAMS), { local: `cut@${cut + 1}`, exported: `cut@${cut + 1}` });
});

test('the file rolled back: the same, by a checkpoint that came later', async ({ early, witness }) => {
  const found = await verdicts(early, witness);
  assert.match(found.local, /^cut@\d+$/);
  assert.is(found.exported, found.local);
});

test('the rolled back recorder goes on as if nothing were: the owner’s app notices by itself, the alarm stands in the log and in the status', async (world) => {
  const { site, early, witness } = world;
  for (const name of FILES) {
    await rm(join(site.state, name), { force: true });
    await cp(join(early, name), join(site.state, name)).catch(() => undefined);
  }
  await rm(join(site.state, 'operation-log.db.head'), { force: true });
  await site.restart();
  const { client } = site.owner;
  const status = await isBack(site);
  const kept: { jws: string | null } = { jws: null };
  const memory: WitnessMemory = { load: async () => kept.jws, save: async (jws) => void Object.assign(kept, { jws }) };
  const recorder = { client, serial: site.agent.serial, deviceKey: status.key };
  // The new run has told the relay its own, shorter state by now; what the app got from the relay before is what counts.
  const report = await watchLog(recorder, memory, witness);
  assert.is(report.verdict, 'changed');
  assert.match(report.finding?.kind ?? '', /^(cut|checkpoint)$/);
  assert.is(kept.jws, null, 'what was not convincing is not remembered');
  await until('the status says so', () => (client.status?.changes.security ?? 0) > status.changes.security);
  const [row] = await rowsOf(site.state, '--action', 'security.');
  assert.equal([row?.action, row?.source, row?.actor.kind], ['security.witness', 'system', 'system']);
  assert.match(row?.object ?? '', /^row \d+, witness relay$/);
  const { rows } = await client.call('log.list', { beforeSeq: null, limit: 5, action: 'security.' });
  assert.is(rows[0]?.action, 'security.witness');
});

test('a recorder that is as it was is believed, over a restart too, and proves a single row', async (world) => {
  const { site, late } = world;
  await site.agent.stop();
  for (const name of FILES) {
    await rm(join(site.state, name), { force: true });
    await cp(join(late, name), join(site.state, name)).catch(() => undefined);
  }
  await site.restart();
  const { client } = site.owner;
  const status = await isBack(site);
  const kept: { jws: string | null } = { jws: null };
  const memory: WitnessMemory = { load: async () => kept.jws, save: async (jws) => void Object.assign(kept, { jws }) };
  const recorder = { client, serial: site.agent.serial, deviceKey: status.key };
  assert.is((await watchLog(recorder, memory, world.witness)).verdict, 'whole');
  await site.owner.client.call('owner.tell-time', { at: Date.now() });
  assert.is((await watchLog(recorder, memory, world.witness)).verdict, 'whole');
  assert.equal(await rowsOf(site.state, '--action', 'security.'), []);
  const { body, under } = await provenRow(recorder, 3);
  assert.is((JSON.parse(body) as { seq: number; device: string }).device, site.agent.serial);
  assert.ok(under.size > world.lateSize);
});

test.run();
