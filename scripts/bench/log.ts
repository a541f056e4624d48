/**
 * The operation log alone: `npm run --silent bench:log -- --json [--rows N]`. Appends are measured one after another, each on the disk before the next
 * (synchronous=FULL), turn by turn with a bare write and fsync of as many bytes; verifying and erasing on a log of 200 000 rows.
 */
import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { signStatement, thumbprint, verifyStatement } from '../../agent/contract/jws.js';
import { PublicJwk, parseShape } from '../../agent/contract/shapes.js';
import { Checkpoint } from '../../agent/contract/statements.js';
import { systemClock } from '../../agent/kernel/clock.js';
import { createLog } from '../../agent/kernel/log.js';
import type { CheckpointSigner } from '../../agent/operation-log/ports.js';
import { OperationLogService } from '../../agent/operation-log/service.js';
import { Database } from '../../agent/store/database.js';
import { LOG_MIGRATIONS } from '../../agent/store/migrations.js';
import { OperationLogStore } from '../../agent/store/operation-log-store.js';
import { type Figure, figure, missing, print, progress } from './support/report.js';

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, rows: { type: 'string', default: '200000' }, folder: { type: 'string' } },
});
const ROWS = Math.max(1_000, Number(values.rows) || 200_000);
const APPENDS = 2_000;
const PEOPLE = 20;
const person = (at: number) => ({ name: `Person ${at % PEOPLE}`, email: `person${at % PEOPLE}@example.org` });
const row = (at: number) =>
  ({
    action: 'live.open',
    phase: 'result',
    source: 'relay',
    actor: 'employee',
    result: 'ok',
    channel: `cam-${(at % 16) + 1}`,
    grant: 'AAAAAAAAAAAAAAAAAAAAAA',
    after: { stream: 'main', seconds: at },
  }) as const;

async function makeSigner(): Promise<CheckpointSigner> {
  const pair = await globalThis.crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const { kty, crv, x, y } = await globalThis.crypto.subtle.exportKey('jwk', pair.publicKey);
  const key = parseShape(PublicJwk, { kty, crv, x, y });
  const signer = { kid: await thumbprint(key), privateKey: pair.privateKey };
  return {
    sign: (checkpoint) => signStatement('checkpoint+jws', checkpoint, signer),
    open: (statement) => verifyStatement(statement, 'checkpoint+jws', key, Checkpoint),
  };
}

async function openLog(folder: string) {
  const database = await Database.open({
    path: join(folder, 'operation-log.db'),
    kind: 'durable',
    migrations: LOG_MIGRATIONS,
    clock: systemClock,
  });
  const service = new OperationLogService({
    store: new OperationLogStore(database),
    signer: await makeSigner(),
    clock: systemClock,
    log: createLog({ level: 'error', clock: systemClock, format: 'json', write: (line) => progress(line) }),
    device: 'SLBENCH01',
    version: 'bench',
    bootId: 'AAAAAAAAAAAAAAAAAAAAAA',
    clockQuality: () => 'rtc',
    site: () => undefined,
  });
  await service.start();
  return { database, service };
}

/** The floor under any durable log: as many bytes, written and on the disk. */
async function bareWrite(handle: fs.FileHandle, bytes: Uint8Array): Promise<number> {
  const startedAt = performance.now();
  await handle.write(bytes);
  await handle.datasync();
  return performance.now() - startedAt;
}

type Service = OperationLogService;

/** Appends one after another, turn by turn with the bare write. */
async function measureAppends(folder: string, service: Service): Promise<{ appends: number[]; floor: number[] }> {
  const bare = await fs.open(join(folder, 'bare'), 'a');
  const [appends, floor]: [number[], number[]] = [[], []];
  for (let at = 0; at < APPENDS; at += 1) {
    const startedAt = performance.now();
    await service.append(row(at), person(at));
    appends.push(performance.now() - startedAt);
    floor.push(await bareWrite(bare, new Uint8Array(421)));
  }
  await bare.close();
  return { appends, floor };
}

async function fill(service: Service): Promise<void> {
  for (let at = APPENDS; at < ROWS; at += 128)
    await Promise.all(Array.from({ length: Math.min(128, ROWS - at) }, (_, more) => service.append(row(at + more), person(at + more))));
  await service.seal();
}

/** Reads everything once, and what that costs in memory and in turns of the event loop. */
async function measureVerify(service: Service) {
  const rssBefore = process.memoryUsage.rss();
  let rssMost = rssBefore;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const watch = setInterval(() => {
    rssMost = Math.max(rssMost, process.memoryUsage.rss());
  }, 20);
  delay.enable();
  const startedAt = performance.now();
  const report = await service.verify();
  const tookMs = performance.now() - startedAt;
  delay.disable();
  clearInterval(watch);
  // The histogram counts the timer's own period of 1 ms too.
  const ms = (ns: number): number => Math.max(0, Math.round((ns / 1e6 - 1) * 1000) / 1000);
  const loopDelay: Figure = {
    median: ms(delay.percentile(50)),
    p99: ms(delay.percentile(99)),
    min: ms(delay.min),
    max: ms(delay.max),
    n: delay.count,
  };
  return { report, tookMs, grownMb: (rssMost - rssBefore) / 2 ** 20, loopDelay };
}

async function main(): Promise<void> {
  const folder = await fs.mkdtemp(join(values.folder ?? tmpdir(), 'sightline-bench-log-'));
  try {
    const { database, service } = await openLog(folder);
    progress(`${APPENDS} appends, one after another`);
    const { appends, floor } = await measureAppends(folder, service);
    progress(`filling up to ${ROWS} rows`);
    await fill(service);
    progress('verifying');
    const { report, tookMs, grownMb, loopDelay } = await measureVerify(service);
    progress('erasing a person');
    const [subject] = await service.findSubjects(person(3).email);
    const eraseAt = performance.now();
    const erased = await service.eraseSubject(subject?.ref ?? '', { actor: 'local', source: 'local' });
    const eraseMs = performance.now() - eraseAt;
    await service.stop();
    await database.close();
    const { size } = await fs.stat(join(folder, 'operation-log.db'));
    print({
      bench: 'log',
      figures: {
        appendMs: figure(appends),
        verifyRowsPerS: report.isOk ? figure([report.rows / (tookMs / 1000)]) : missing(`the log does not verify: ${report.problem?.say}`),
        verifyRssGrowthMb: figure([grownMb]),
        loopDelayMs: loopDelay,
        eraseMs: figure([eraseMs]),
        bytesPerRow: figure([size / report.rows]),
        writtenMbPerDayIdle: missing('measured by bench:idle as writtenMbPerDay'),
      },
      baseline: { appendMs: figure(floor) },
      baselineIs: 'write and fdatasync of 421 bytes to a plain file, turn by turn',
      notes: [
        `${report.rows} rows, ${report.checkpoints} checkpoints verified; the person erased stood in ${Math.round(report.rows / PEOPLE)} rows, ${erased.stillIn.length} files still hold the name`,
      ],
    });
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

await main();
