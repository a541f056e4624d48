/**
 * Child process of operation-log.test.ts: works on a log and says what it was told to be durable, one line each. Either it goes on until it is killed
 * from outside, or it kills itself at one step of what reaches the disk (`step`, `how`), counted over all statements that SQLite is given.
 */
import { writeSync } from 'node:fs';
import sqlite3 from 'sqlite3';
import { openLog } from '../unit/agent/operation-log/open-log.js';

const [folder = '', bootId = '', step = '0', how = 'before'] = process.argv.slice(2);
const die = (): void => void process.kill(process.pid, 'SIGKILL');
let steps = 0;

/** Dies before, during or right after the step that is due: `during` gives SQLite's own thread the statement and does not wait for it. */
function counted(proto: object, name: string): void {
  const methods = proto as Record<string, (...args: unknown[]) => unknown>;
  const before = methods[name] as (...args: unknown[]) => unknown;
  methods[name] = function (this: unknown, ...args: unknown[]): unknown {
    steps += 1;
    const isDue = steps === Number(step);
    if (isDue && how === 'before') die();
    const at = args.length - 1;
    const told = args[at];
    if (isDue && how === 'after' && typeof told === 'function') args[at] = die;
    const made = before.apply(this, args);
    if (isDue && how === 'during') die();
    return made;
  };
}

counted(sqlite3.Database.prototype, 'exec');
counted(sqlite3.Statement.prototype, 'run');
counted(sqlite3.Statement.prototype, 'all');

/** At once, not through a stream: what is printed is what was acknowledged before the end. */
const tell = (line: string): void => void writeSync(1, `${line}\n`);
const { service } = await openLog(folder, { bootId });
const DANA = { name: 'Dana Kowalczyk', email: 'dana@installer.example' };
const MILO = { name: 'Milo Example', email: 'milo@installer.example' };
const ACT = { action: 'config.apply', source: 'relay', actor: 'employee' } as const;

async function act(lane: number, n: number): Promise<void> {
  const intent = await service.intent({ ...ACT, channel: `cam-${lane}`, after: { n } }, lane === 1 ? DANA : MILO);
  tell(`row ${intent.seq}`);
  const done = await service.result(intent, { result: 'ok' });
  tell(`row ${done.seq}`);
}

/** Each kind of write once: acts side by side, a checkpoint, a witness, a person who is forgotten, the oldest rows taken out. */
async function round(n: number): Promise<void> {
  await Promise.all([1, 2].map((lane) => act(lane, n)));
  await service.seal();
  await service.acknowledge('owner', (await service.latestCheckpoint())?.jws ?? '');
  const [dana] = await service.findSubjects(DANA.email);
  if (dana !== undefined) {
    const { seq } = await service.eraseSubject(dana.ref, { actor: 'local', source: 'local' });
    tell(`row ${seq}`);
    tell(`erased ${dana.ref}`);
  }
  await service.prune({ days: 3_650, rows: 40, isHeld: false });
}

if (step === '0') for (let n = 0; ; n += 1) await round(n);
for (let n = 0; n < 2; n += 1) await round(n);
tell(`steps ${steps}`);
die();
