import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Signer, signStatement, verifyStatement } from '../../../agent/contract/jws.js';
import { PublicJwk, parseShape } from '../../../agent/contract/shapes.js';
import { Checkpoint } from '../../../agent/contract/statements.js';
import { exportLines } from '../../../agent/operation-log/export.js';
import { sha256 } from '../../../agent/operation-log/people.js';
import type { CheckpointSigner } from '../../../agent/operation-log/ports.js';
import { OperationLogStore } from '../../../agent/store/operation-log-store.js';
import { ROOT } from '../../../scripts/root.js';
import { type OpenLog, openLog } from '../agent/operation-log/open-log.js';
import { inFolder } from '../agent/store/scratch.js';

const PROGRAM = join(ROOT, 'scripts', 'verify-log.mjs');
const { verifyLog, sha256: own } = (await import(PROGRAM)) as {
  verifyLog: (
    lines: readonly string[],
    witness?: string,
  ) => Promise<{
    isOk: boolean;
    problem: { kind: string; seq: number; say: string } | null;
    rows: number;
    signedSize: number;
    witness: string | null;
  }>;
  sha256: (...parts: Uint8Array[]) => Uint8Array;
};
const DEVICE = 'SN000001';
const DANA = { name: 'Dana K', email: 'dana@installer.example' };

interface Keyed {
  readonly key: PublicJwk;
  readonly signer: CheckpointSigner;
}

async function newKey(): Promise<Keyed> {
  const pair = await globalThis.crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const { kty, crv, x, y } = await globalThis.crypto.subtle.exportKey('jwk', pair.publicKey);
  const key = parseShape(PublicJwk, { kty, crv, x, y });
  const { thumbprint } = await import('../../../agent/contract/jws.js');
  const signer: Signer = { kid: await thumbprint(key), privateKey: pair.privateKey };
  return {
    key,
    signer: {
      sign: (checkpoint) => signStatement('checkpoint+jws', checkpoint, signer),
      open: (jws) => verifyStatement(jws, 'checkpoint+jws', key, Checkpoint),
    },
  };
}

async function rows(log: OpenLog, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1)
    await log.service.append(
      { action: 'config.get', phase: 'result', source: 'relay', actor: 'employee', result: 'ok', after: { at } },
      DANA,
    );
  await log.service.seal();
}

async function exported(log: OpenLog, key: PublicJwk): Promise<string[]> {
  const lines: string[] = [];
  const parts = { store: new OperationLogStore(log.database), hash: sha256, device: DEVICE, key, at: log.clock.at };
  for await (const line of exportLines(parts, { hasDetails: true, hasPeople: true })) lines.push(line.trimEnd());
  return lines;
}

/** A log of 150 rows, its export, and a checkpoint that somebody outside kept. */
async function withExport(
  body: (made: { lines: string[]; witness: string; folder: string; keyed: Keyed; log: OpenLog }) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const keyed = await newKey();
    const log = await openLog(folder, { device: DEVICE, signer: keyed.signer });
    try {
      await rows(log, 149);
      const witness = (await log.service.latestCheckpoint())?.jws ?? '';
      await body({ lines: await exported(log, keyed.key), witness, folder, keyed, log });
    } finally {
      await log.close();
    }
  });
}

const changed = (lines: readonly string[], at: number, change: (item: Record<string, unknown>) => object): string[] =>
  lines.map((line, index) => {
    if (index !== at) return line;
    const item = JSON.parse(line) as Record<string, unknown>;
    return JSON.stringify({ ...item, ...change(item) });
  });
const rowAt = (lines: readonly string[], seq: number): number => lines.findIndex((line) => line.startsWith(`{"kind":"row","seq":${seq},`));

test('its own SHA-256 is the one of FIPS 180-4', () => {
  for (const length of [0, 1, 3, 54, 55, 56, 63, 64, 65, 119, 120, 128, 1_000]) {
    const bytes = randomBytes(length);
    assert.is(
      Buffer.from(own(bytes.subarray(0, 40), bytes.subarray(40))).toString('hex'),
      createHash('sha256').update(bytes).digest('hex'),
    );
  }
});

test('a whole export is whole, with checkpoints, details and persons', () =>
  withExport(async ({ lines, witness }) => {
    const report = await verifyLog(lines, witness);
    assert.equal(report.problem, null);
    assert.is(report.rows, 150);
    assert.ok(lines.filter((line) => line.startsWith('{"kind":"checkpoint"')).length >= 2);
    assert.ok(lines.some((line) => line.includes('dana@installer.example')));
  }));

test('every kind of change is found and named', () =>
  withExport(async ({ lines, witness, keyed, log }) => {
    const at = rowAt(lines, 100);
    const cases: readonly (readonly [string, number, readonly string[]])[] = [
      ['checkpoint', 129, changed(lines, at, (item) => ({ body: String(item.body).replace('config.get', 'config.put') }))],
      ['gap', 100, lines.toSpliced(at, 1)],
      ['gap', 100, lines.with(at, lines[at + 1] ?? '').with(at + 1, lines[at] ?? '')],
      ['moved', 100, changed(lines, at, (item) => ({ body: String(item.body).replace('"seq":100', '"seq":101') }))],
      ['foreign', 100, changed(lines, at, (item) => ({ body: String(item.body).replace('"device":"SN000001"', '"device":"SN000002"') }))],
      ['detail', 100, changed(lines, at, (item) => ({ detail: { ...(item.detail as object), json: '{"after":{"at":7}}' } }))],
      ['cut', 151, lines.slice(0, -1)],
      ['edit', 99, changed(lines, at, () => ({ body: 'nonsense' }))],
      ['header', 0, lines.slice(1)],
      ['unsigned', 1, lines.filter((line) => !line.startsWith('{"kind":"checkpoint"'))],
      ['edit', 151, [...lines, lines[at]?.replace('"seq":100', '"seq":151') ?? '']],
      ['signature', 1, changed(lines, 0, () => ({ key: { ...(keyed.key as object), ...({ x: keyed.key.y, y: keyed.key.x } as object) } }))],
    ];
    for (const [kind, seq, bad] of cases) {
      const report = await verifyLog(bad, witness);
      assert.not.ok(report.isOk, kind);
      // A key that is no point of the curve cannot even be read.
      if (kind === 'signature') continue;
      assert.is(report.problem?.kind, kind, JSON.stringify(report.problem));
      if (kind !== 'edit') assert.is(report.problem?.seq, seq, kind);
    }
    const others = await newKey();
    const foreign = await verifyLog(changed(lines, 0, () => ({ key: others.key })));
    assert.is(foreign.problem?.kind, 'signature');
    await rows(log, 5);
  }));

test('an end that was cut off cleanly shows only against the checkpoint from outside', () =>
  withExport(async ({ keyed, log, folder }) => {
    await inFolder(async (other) => {
      await log.database.checkpoint();
      await fs.copyFile(join(folder, 'operation-log.db'), join(other, 'operation-log.db'));
      await rows(log, 20);
      const witness = (await log.service.latestCheckpoint())?.jws ?? '';
      const cut = await openLog(other, { device: DEVICE, signer: keyed.signer, isStarted: false });
      const lines = await exported(cut, keyed.key);
      await cut.close();
      assert.ok((await verifyLog(lines)).isOk);
      const report = await verifyLog(lines, witness);
      assert.is(report.problem?.kind, 'cut');
      assert.is(report.problem?.seq, 151);
    });
  }));

test('a witness is believed only when this recorder signed it; rows behind the last checkpoint are said to be unsigned', () =>
  withExport(async ({ lines, witness, keyed, log }) => {
    assert.equal([(await verifyLog(lines, witness)).witness, (await verifyLog(lines)).witness], ['met', null]);
    const others = await newKey();
    const forged = await others.signer.sign({ v: 1, device: DEVICE, size: 999, head: 'a'.repeat(64), root: 'b'.repeat(64), at: 1 });
    for (const nonsense of [forged, 'x.y.z', '', '.....']) assert.is((await verifyLog(lines, nonsense)).problem?.kind, 'signature');
    const neighbour = await keyed.signer.sign({ v: 1, device: 'SN000002', size: 7, head: 'a'.repeat(64), root: 'b'.repeat(64), at: 1 });
    assert.is((await verifyLog(lines, neighbour)).problem?.kind, 'foreign');
    await log.service.append({ action: 'config.get', phase: 'result', source: 'relay', actor: 'owner', result: 'ok' });
    const more = await verifyLog(await exported(log, keyed.key), witness);
    assert.equal([more.isOk, more.rows, more.signedSize], [true, 151, 150]);
  }));

test('a log that was shortened by its rule is whole; one that lost its beginning is not', () =>
  withExport(async ({ keyed, log, witness }) => {
    log.clock.at += 40 * 86_400_000;
    await rows(log, 3);
    assert.ok((await log.service.prune({ days: 30, rows: 10_000, isHeld: false })) > 0);
    const lines = await exported(log, keyed.key);
    const report = await verifyLog(lines, witness);
    assert.equal([report.problem, report.witness], [null, 'met'], 'the witness stands exactly where the log begins');
    const told = lines.findIndex((line) => line.includes('log.pruned'));
    const untold = await verifyLog(
      changed(lines, told, (item) => ({ body: String(item.body).replace('"object":"150"', '"object":"149"') })),
    );
    assert.is(untold.problem?.kind, 'checkpoint');
    const unsigned = lines.filter((line, at) => at < told || !line.startsWith('{"kind":"checkpoint"'));
    assert.is((await verifyLog(unsigned)).problem?.kind, 'anchor', 'nobody signed the row that says so');
  }));

test('as a program: exit code and words', () =>
  withExport(async ({ lines, witness, folder, log, keyed }) => {
    const file = join(folder, 'export.jsonl');
    const run = (...args: string[]) => spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' });
    await fs.writeFile(file, `${lines.join('\n')}\n`);
    const good = run(file, '--checkpoint', witness);
    assert.is(good.status, 0, good.stderr);
    assert.match(good.stdout, /The log is whole: 150 rows of recorder SN000001/);
    await fs.writeFile(file, `${lines.toSpliced(rowAt(lines, 9), 1).join('\n')}\n`);
    const bad = run(file, '--json');
    assert.is(bad.status, 1);
    assert.is((JSON.parse(bad.stdout) as { problem: { seq: number } }).problem.seq, 9);
    assert.equal([run().status, run(join(folder, 'nothing')).status, run(file, '--checkpoint').status, run('--help').status], [2, 2, 2, 0]);
    assert.match(run(join(folder, 'nothing')).stderr, /cannot be read/);
    // What an editor puts before the text is no part of it; what ends lines elsewhere is no end of a line here.
    await log.service.append({
      action: 'config.apply',
      phase: 'result',
      source: 'relay',
      actor: 'owner',
      after: { name: 'Yard\u2028door\u2029' },
    });
    await log.service.seal();
    await fs.writeFile(file, `\uFEFF${(await exported(log, keyed.key)).join('\r\n')}\r\n`);
    const marked = run(file);
    assert.equal([marked.status, /151 rows/.test(marked.stdout)], [0, true], marked.stdout);
    await fs.writeFile(file, `\uFEFF\uFEFF${lines.join('\n')}\n`);
    assert.is(run(file).status, 1);
  }));

test.run();
