/** The exported log in pieces, as the owner's app fetches it over the relay: together they are one file that verifies. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { signStatement, verifyStatement } from '../../../../agent/contract/jws.js';
import type { ExportPlace, LogExport } from '../../../../agent/contract/log-views.js';
import { Checkpoint } from '../../../../agent/contract/statements.js';
import { exportLines } from '../../../../agent/operation-log/export.js';
import { exportPiece } from '../../../../agent/operation-log/export-piece.js';
import { sha256 } from '../../../../agent/operation-log/people.js';
import { OperationLogStore } from '../../../../agent/store/operation-log-store.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { ROOT } from '../../../../scripts/root.js';
import type { VerifyLogReport } from '../../../../scripts/verify-log.mjs';
import { codeOf } from '../store/scratch.js';
import { type OpenLog, withLog } from './open-log.js';

const { verifyLog } = (await import(join(ROOT, 'scripts', 'verify-log.mjs'))) as {
  verifyLog: (lines: readonly string[], witness?: string) => Promise<VerifyLogReport>;
};
const { signer, publicKey: key } = await newSigningKey();
const checkpoints = {
  sign: (checkpoint: Checkpoint) => signStatement('checkpoint+jws', checkpoint, signer),
  open: (jws: string) => verifyStatement(jws, 'checkpoint+jws', key, Checkpoint),
};
const DEVICE = 'SN000001';
const ROW = { action: 'config.apply', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' } as const;

interface Exporting {
  readonly log: OpenLog;
  /** Everything from this place on, a piece after the other; `between` happens after each. */
  readonly rest: (from: ExportPlace | null, between?: () => Promise<void>) => Promise<readonly LogExport[]>;
  readonly piece: (from: ExportPlace | null) => Promise<LogExport>;
  /** The same from the program's side. */
  readonly whole: () => Promise<string>;
}

function withExport(body: (exporting: Exporting) => Promise<void>): Promise<void> {
  return withLog(
    async (log) => {
      const parts = { store: new OperationLogStore(log.database), hash: sha256, device: DEVICE, key, at: log.clock.at };
      const piece = (from: ExportPlace | null) => exportPiece(parts, from);
      const rest: Exporting['rest'] = async (from, between) => {
        const pieces: LogExport[] = [];
        for (let place = from; ; ) {
          const next = await piece(place);
          pieces.push(next);
          place = next.next;
          if (place === null) return pieces;
          await between?.();
        }
      };
      const whole = async (): Promise<string> => {
        const lines: string[] = [];
        for await (const line of exportLines(parts, { hasDetails: true, hasPeople: true })) lines.push(line);
        return lines.join('');
      };
      await body({ log, rest, piece, whole });
    },
    { signer: checkpoints, device: DEVICE },
  );
}

async function rows(log: OpenLog, count: number): Promise<void> {
  const person = (at: number) => ({ name: `Person ${at % 90}`, email: `p${at % 90}@example.org` });
  const one = (_: unknown, at: number) => log.service.append({ ...ROW, after: { note: 'Übung '.repeat(at % 40), at } }, person(at));
  await Promise.all(Array.from({ length: count }, one));
  await log.service.seal();
}

const textOf = (pieces: readonly LogExport[]): string => pieces.map(({ text }) => text).join('');

test('all pieces are the very file that the program writes, each fits an answer, and it verifies', () =>
  withExport(async ({ log, rest, whole }) => {
    await rows(log, 400);
    const pieces = await rest(null);
    assert.is(textOf(pieces), await whole());
    assert.ok(pieces.length > 5);
    for (const { text, to } of pieces) {
      assert.is(to, 401);
      assert.ok(Buffer.byteLength(JSON.stringify(text)) <= 26_500, 'a message is at most 64 KiB after sealing');
    }
    const report = await verifyLog(textOf(pieces).split('\n'), (await log.service.latestCheckpoint())?.jws);
    assert.equal([report.problem, report.rows, report.signedSize, report.people, report.witness], [null, 401, 401, 90, 'met']);
  }));

test('it ends where it ended when it was begun, however much is written meanwhile; every row in it is signed', () =>
  withExport(async ({ log, rest }) => {
    await rows(log, 150);
    const pieces = await rest(null, () => rows(log, 3));
    const report = await verifyLog(textOf(pieces).split('\n'));
    assert.equal([report.problem, report.size, report.signedSize], [null, 151, 151]);
  }));

test('a change that is longer than an answer comes in slices', () =>
  withExport(async ({ log, rest, whole }) => {
    await rows(log, 2);
    await log.service.append({ ...ROW, after: { text: '"\\\u0001'.repeat(1_600) } });
    await rows(log, 2);
    const pieces = await rest(null);
    assert.is(textOf(pieces), await whole());
    assert.ok(pieces.some(({ next }) => (next?.skip ?? 0) > 0));
    for (const { text } of pieces) assert.ok(Buffer.byteLength(JSON.stringify(text)) <= 26_500);
    assert.ok((await verifyLog(textOf(pieces).split('\n'))).isOk);
  }));

test('no character is cut in two: pieces are whole one by one, and put together as bytes, as a browser does it', () =>
  withExport(async ({ log, rest, whole }) => {
    // A cut falls between two units of an emoji in one of the two, however long the line is before it.
    for (const begin of ['', 'x']) await log.service.append({ ...ROW, after: { text: begin + '😀'.repeat(8_000) } });
    await log.service.seal();
    const pieces = await rest(null);
    for (const { text } of pieces) assert.is(Buffer.from(text).toString(), text);
    assert.is(await new Blob(pieces.map(({ text }) => text)).text(), await whole());
    assert.ok((await verifyLog(textOf(pieces).split('\n'))).isOk);
  }));

test('a person who is erased while a long change is on its way: it is to be begun anew, and verifies then', () =>
  withExport(async ({ log, rest, piece }) => {
    const dana = { name: 'Dana Example', email: 'dana@example.org' };
    await log.service.append({ ...ROW, after: { text: `Dana Example ${'"'.repeat(7_000)}` } }, dana);
    await log.service.seal();
    let place: ExportPlace | null = null;
    do place = (await piece(place)).next;
    while (place !== null && place.skip === 0);
    assert.ok(place);
    const [found] = await log.service.findSubjects('dana');
    assert.is((await log.service.eraseSubject(found?.ref ?? '', { actor: 'local', source: 'local' })).details, 1);
    assert.is(await codeOf(piece(place)), 'log.shortened');
    // Also where the rest would begin within the shorter line.
    assert.is(await codeOf(piece({ ...place, skip: 10 })), 'log.shortened');
    await log.service.seal();
    const pieces = await rest(null);
    assert.not.match(textOf(pieces), 'Dana');
    assert.ok((await verifyLog(textOf(pieces).split('\n'))).isOk);
  }));

test('a log that was shortened is exported from where it begins now; shortened in between it is to be begun anew', () =>
  withExport(async ({ log, rest, piece }) => {
    await rows(log, 200);
    const first = await piece(null);
    log.clock.at += 40 * 86_400_000;
    await rows(log, 3);
    assert.ok((await log.service.prune({ days: 30, rows: 10_000, isHeld: false })) > 0);
    assert.is(await codeOf(rest(first.next)), 'log.shortened');
    const report = await verifyLog(textOf(await rest(null)).split('\n'));
    assert.equal([report.problem, report.beginsAt], [null, 201]);
    const place = { to: 205, seq: 204, ref: null, skip: 0 };
    assert.is(await codeOf(piece({ ...place, to: 9_999 })), 'log.shortened', 'no place that it gave');
  }));

test('nothing is exported that nobody signed', () =>
  withExport(async ({ log, piece }) => {
    await log.service.seal();
    await log.database.write((tx) => tx.run('DELETE FROM checkpoint'));
    assert.is(await codeOf(piece(null)), 'log.not_signed');
  }));

test.run();
