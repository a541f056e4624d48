import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { EntryInput, VerifyReport } from '../../../../agent/operation-log/ports.js';
import type { Transaction } from '../../../../agent/store/database.js';
import { codeOf, inFolder } from '../store/scratch.js';
import { keyedSigner, type OpenLog, openLog } from './open-log.js';

const ROW: EntryInput = {
  action: 'config.apply',
  phase: 'result',
  source: 'relay',
  actor: 'employee',
  result: 'ok',
  after: { name: 'Yard' },
};
const DANA = { name: 'Dana K', email: 'dana@installer.example' };
const FILE = 'operation-log.db';

/** A log of 200 rows with checkpoints at 1, 65, 129, 193 and 200; the witness holds the last. */
async function filled(folder: string, device = 'SN1'): Promise<{ log: OpenLog; witness: string }> {
  const log = await openLog(folder, { device });
  await log.service.seal();
  for (let block = 0; block < 3; block += 1) {
    const upTo = (block + 1) * 64 + 1 - (await log.service.position()).seq;
    await Promise.all(Array.from({ length: upTo }, () => log.service.append(ROW, DANA)));
    await settled(log);
  }
  for (let n = 194; n < 200; n += 1) await log.service.append(ROW, DANA);
  await log.service.stop();
  return { log, witness: (await log.service.latestCheckpoint())?.jws ?? '' };
}

/** The checkpoint that is due after a block of 64 rows is on the disk. */
async function settled({ service }: OpenLog): Promise<void> {
  let stop: () => void = () => undefined;
  // Listening comes first: it may be made while the question below is on its way.
  const made = new Promise<void>((resolve) => {
    stop = service.onCheckpoint(() => resolve());
  });
  const { seq } = await service.position();
  if ((await service.latestCheckpoint())?.size !== seq) await made;
  stop();
}

/** What verify says after somebody with write access to the file did `harm`. */
async function after(harm: (tx: Transaction) => Promise<unknown>, withWitness = false, keepsNote = false): Promise<VerifyReport> {
  let report: VerifyReport | undefined;
  await inFolder(async (folder) => {
    const { log, witness } = await filled(folder);
    await log.database.write(async (tx) => {
      await tx.run('DROP TRIGGER entry_is_append_only');
      await tx.run('CREATE TABLE IF NOT EXISTS spare AS SELECT * FROM entry');
      await tx.all('PRAGMA defer_foreign_keys=ON');
      await harm(tx);
    });
    // Whoever can write the log can write the line beside it.
    if (!keepsNote) await fs.rm(join(folder, `${FILE}.head`));
    report = await log.service.verify(withWitness ? witness : undefined);
    await log.close();
  });
  if (report === undefined) throw new RangeError('no report');
  return report;
}

const found = (report: VerifyReport) => (report.problem === null ? 'nothing' : `${report.problem.kind}@${report.problem.seq}`);
const forget = (tx: Transaction, where: string) =>
  tx.run(`DELETE FROM private_detail WHERE ${where}`).then(() => tx.run(`DELETE FROM entry WHERE ${where}`));

test('an untouched log is fine, against its witness too', async () => {
  const report = await after(async () => undefined, true);
  assert.is(found(report), 'nothing');
  assert.equal([report.rows, report.size, report.checkpoints, report.erasedDetails], [200, 200, 5, 0]);
});

test('an edited row is named: its text, its text with a fitting leaf, its details', async () => {
  const edit = "UPDATE entry SET body=replace(body, 'config.apply', 'live.closed') WHERE seq=75";
  assert.is(found(await after((tx) => tx.run(edit))), 'edit@75');
  const { createHash } = await import('node:crypto');
  const withLeaf = await after(async (tx) => {
    await tx.run(edit);
    const row = await tx.get('SELECT body FROM entry WHERE seq=75');
    const leaf = createHash('sha256').update(Uint8Array.of(0)).update(String(row?.body)).digest();
    await tx.run('UPDATE entry SET leaf=? WHERE seq=75', [leaf]);
  });
  assert.is(found(withLeaf), 'edit@75');
  assert.is(found(await after((tx) => tx.run('UPDATE private_detail SET json=? WHERE seq=80', ['{}']))), 'detail@80');
  assert.is((await after((tx) => tx.run('UPDATE private_detail SET json=NULL, salt=NULL WHERE seq=80'))).erasedDetails, 1);
});

test('a missing row, missing rows, swapped rows and a row of another place are named', async () => {
  assert.is(found(await after((tx) => forget(tx, 'seq=50'))), 'gap@50');
  assert.is(found(await after((tx) => forget(tx, 'seq<=20'))), 'gap@1');
  const swap = async (tx: Transaction) => {
    for (const [to, from] of [
      [60, 61],
      [61, 60],
    ]) {
      await tx.run('UPDATE entry SET body=(SELECT body FROM spare WHERE seq=?2), leaf=(SELECT leaf FROM spare WHERE seq=?2) WHERE seq=?1', [
        to ?? 0,
        from ?? 0,
      ]);
    }
  };
  assert.is(found(await after(swap)), 'edit@60');
});

test('a chain that was computed anew is found at the first checkpoint it contradicts', async () => {
  const { createHash } = await import('node:crypto');
  const sha = (...parts: Uint8Array[]) => parts.reduce((sum, part) => sum.update(part), createHash('sha256')).digest();
  const rewrite = async (tx: Transaction) => {
    const rows = await tx.all('SELECT seq, body FROM entry ORDER BY seq');
    let head: Uint8Array = new Uint8Array(32);
    for (const row of rows) {
      const body = row.seq === 100 ? String(row.body).replace('"ok"', '"failed"') : String(row.body);
      const leaf = sha(Uint8Array.of(0), Buffer.from(body));
      head = sha(Uint8Array.of(2), head, leaf);
      await tx.run('UPDATE entry SET body=?, leaf=?, head=? WHERE seq=?', [body, leaf, head, Number(row.seq)]);
    }
  };
  assert.is(found(await after(rewrite)), 'checkpoint@129');
  const dropToo = await after(async (tx) => {
    await rewrite(tx);
    await tx.run('DELETE FROM checkpoint');
  }, true);
  assert.is(found(dropToo), 'checkpoint@200');
});

test('a cut tail is found by the stored checkpoints, and by the witness when those were cut too', async () => {
  assert.is(found(await after((tx) => forget(tx, 'seq>190'))), 'cut@191');
  const both = async (tx: Transaction) => {
    await forget(tx, 'seq>190');
    await tx.run('DELETE FROM checkpoint WHERE size>190');
  };
  assert.is(found(await after(both)), 'nothing', 'a chain without a witness cannot know');
  assert.is(found(await after(both, true)), 'cut@191');
  assert.is(found(await after(both, false, true)), 'cut@191', 'the line beside the log remembers');
});

test('a checkpoint that this device never signed is named', async () => {
  assert.is(found(await after((tx) => tx.run("UPDATE checkpoint SET sig='x.y' WHERE size=129"))), 'signature@129');
  const moved = 'UPDATE checkpoint SET sig=(SELECT c.sig FROM checkpoint c WHERE c.size=65) WHERE size=129';
  assert.is(found(await after((tx) => tx.run(moved))), 'checkpoint@129');
});

const alarms = async (log: OpenLog, action: string) =>
  (await log.service.list({ limit: 9, action })).map(({ entry }) => [entry?.code, entry?.object]);

/** The end of a test that puts a whole file in the place of another; the line beside it may be put back as well, or not. */
async function replaced(folder: string, by: string, isNoteReplaced: boolean): Promise<OpenLog> {
  await fs.copyFile(by, join(folder, FILE));
  if (isNoteReplaced) await fs.rm(join(folder, `${FILE}.head`));
  return openLog(folder, { bootId: 'after' });
}

test('the file of another unit is found at the start, and by verifying', () =>
  inFolder(async (folder) => {
    const [own, other] = [join(folder, 'own'), join(folder, 'other')];
    for (const [where, device] of [
      [own, 'SN1'],
      [other, 'SN2'],
    ] as const)
      await (await filled(where, device)).log.close();
    const swapped = await replaced(own, join(other, FILE), true);
    assert.is(found(await swapped.service.verify()), 'foreign@1');
    await swapped.service.append(ROW);
    assert.equal(await alarms(swapped, 'security.'), [['log.foreign', 'row 200']]);
    await swapped.close();
  }));

test('an older state of the own file is found by the line beside it at the start, and by whoever outside holds a newer checkpoint', () =>
  inFolder(async (folder) => {
    const own = join(folder, 'own');
    const { log, witness } = await filled(own);
    await log.close();
    const older = join(folder, 'older');
    await fs.copyFile(join(own, FILE), older);
    const grown = await openLog(own);
    for (let n = 0; n < 5; n += 1) await grown.service.append(ROW);
    await grown.service.stop();
    const newer = (await grown.service.latestCheckpoint())?.jws ?? '';
    assert.is(found(await grown.service.verify(witness)), 'nothing');
    await grown.close();

    const local = await replaced(own, older, false);
    await local.service.append(ROW);
    assert.equal(await alarms(local, 'security.'), [['log.cut', 'row 201']]);
    await local.close();

    const rolledBack = await replaced(own, older, true);
    assert.is(found(await rolledBack.service.verify(newer)), 'cut@202');
    // A witness that speaks up raises the alarm, once a run, in the log itself.
    assert.is((await rolledBack.service.acknowledge('relay', newer))?.kind, 'cut');
    await rolledBack.service.acknowledge('relay', newer);
    assert.is(await rolledBack.service.acknowledge('owner', witness), null);
    assert.equal(await alarms(rolledBack, 'security.'), [['log.cut', 'row 202, witness relay']]);
    assert.is(await codeOf(rolledBack.service.acknowledge('relay', 'x.y')), 'log.foreign_checkpoint');
    // When it has grown past what the witness knows, it is another log there.
    for (let n = 0; n < 9; n += 1) await rolledBack.service.append(ROW);
    assert.is((await rolledBack.service.acknowledge('relay', newer))?.kind, 'checkpoint');
    await rolledBack.close();
  }));

test('a checkpoint that somebody else signed is found at the start when it is the newest', () =>
  inFolder(async (folder) => {
    const { log } = await filled(folder);
    await log.database.write((tx) => tx.run("UPDATE checkpoint SET sig='x.y' WHERE size=200"));
    await log.close();
    const next = await openLog(folder);
    await next.service.append(ROW);
    assert.equal(await alarms(next, 'security.'), [['log.signature', 'row 200']]);
    await next.close();
  }));

test('rows that were taken out at the beginning must be told by a row that is signed: one that was added at the end does not do', () =>
  inFolder(async (folder) => {
    const { log } = await filled(folder);
    await log.database.write(async (tx) => {
      await tx.run('DROP TRIGGER entry_is_append_only');
      await forget(tx, 'seq<=65');
      await tx.run('INSERT INTO anchor(size, head, peaks, sig) SELECT size, head, peaks, sig FROM checkpoint WHERE size=65');
      await tx.run('DELETE FROM checkpoint WHERE size<65 OR size>129');
    });
    await log.close();
    await fs.rm(join(folder, `${FILE}.head`));
    // The agent's own code writes the row, but nobody signs it.
    const signer = { ...keyedSigner(), sign: () => Promise.reject(new RangeError('no key')) };
    const forged = await openLog(folder, { signer, isStarted: false });
    await forged.service.append({ action: 'log.pruned', phase: 'result', source: 'system', actor: 'system', result: 'ok', object: '65' });
    assert.is(found(await forged.service.verify()), 'anchor@1');
    await forged.close();
  }));

test('a log from which all checkpoints were taken is not whole', () =>
  inFolder(async (folder) => {
    const { log } = await filled(folder);
    for (let n = 0; n < 60; n += 1) await log.service.append(ROW);
    await log.service.seal();
    await log.database.write((tx) => tx.run('DELETE FROM checkpoint'));
    assert.is(found(await log.service.verify()), 'nothing', 'they may be on their way');
    log.clock.at += 3_600_000;
    assert.is(found(await log.service.verify()), 'unsigned@1');
    await log.close();
  }));

test('a cut or edited end is noticed at the next start, written down, and logging goes on', () =>
  inFolder(async (folder) => {
    const { log } = await filled(folder);
    await log.database.write((tx) => forget(tx, 'seq>195'));
    await log.close();
    const next = await openLog(folder);
    await next.service.append(ROW);
    assert.equal(await alarms(next, 'security.log-tamper'), [['log.cut', 'row 196']]);
    while ((await next.service.position()).seq < 199) await next.service.append(ROW);
    // Signs the state at 200 once more, where the cut rows had a checkpoint already.
    const signed = new Promise((resolve) => next.service.onCheckpoint(({ size }) => size === 200 && resolve(size)));
    await next.service.append({ ...ROW, action: 'permissions.withdraw' });
    await signed;
    assert.is(found(await next.service.verify()), 'checkpoint@200', 'the cut stays visible after the log grew past it');
    await next.close();
  }));

test.run();
