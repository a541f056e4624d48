/**
 * Fuzzes what reads bytes from outside: `npm run fuzz -- --target onvif|pelco|visca|gear|rtsp|contract|all --seconds 60 [--seed 7] [--executions N]
 * [--input BASE64] [--json]`. Each finding is printed with its whole input; `--input` runs one again. Exit code 1 when there are findings.
 */
import { parseArgs } from 'node:util';
import { type FuzzReport, type FuzzTarget, fuzz } from './engine.js';
import { targets } from './targets.js';

const USAGE = 'Use it like this: npm run fuzz -- --target onvif|pelco|visca|gear|rtsp|contract|all --seconds 60 [--seed 7] [--json]\n';

interface Wanted {
  readonly targets: readonly FuzzTarget[];
  readonly seconds: number;
  readonly seed: number;
  readonly executions: number;
  readonly input: string | undefined;
  readonly isJson: boolean;
}

async function readWanted(): Promise<Wanted | undefined> {
  try {
    const { values } = parseArgs({
      options: {
        target: { type: 'string', default: 'all' },
        seconds: { type: 'string', default: '10' },
        seed: { type: 'string' },
        executions: { type: 'string' },
        input: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const seconds = Number(values.seconds);
    const seed = Number(values.seed ?? Date.now() % 1_000_000);
    const executions = Number(values.executions ?? Number.MAX_SAFE_INTEGER);
    const chosen = (await targets()).filter(({ name }) => values.target === 'all' || name === values.target);
    const isGood = chosen.length > 0 && seconds > 0 && seconds <= 86_400 && Number.isInteger(seed) && executions > 0;
    return isGood ? { targets: chosen, seconds, seed, executions, input: values.input, isJson: values.json } : undefined;
  } catch {
    return undefined;
  }
}

function asText(report: FuzzReport): string {
  const { target, seed, executions, tookMs, outcomes, slowestMs, findings } = report;
  const first = `${target}: ${executions} executions in ${(tookMs / 1000).toFixed(1)} s, ${outcomes} outcomes, slowest ${slowestMs} ms, seed ${seed}, ${findings.length} findings`;
  return [
    first,
    ...findings.map(({ kind, say, base64 }) => `  ${kind}: ${say}\n    again: npm run fuzz -- --target ${target} --input ${base64}`),
  ].join('\n');
}

async function runOne(target: FuzzTarget, { seed, seconds, executions, input }: Wanted, share: number): Promise<FuzzReport> {
  const endsAtMs = performance.now() + (seconds * 1000) / share;
  if (input === undefined) return fuzz(target, { seed, endsAtMs, mostExecutions: executions });
  return fuzz({ ...target, corpus: [Buffer.from(input, 'base64')] }, { seed, endsAtMs, mostExecutions: 1 });
}

const wanted = await readWanted();
if (wanted === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  const reports: FuzzReport[] = [];
  for (const target of wanted.targets) {
    const report = await runOne(target, wanted, wanted.targets.length);
    reports.push(report);
    if (!wanted.isJson) process.stdout.write(`${asText(report)}\n`);
  }
  if (wanted.isJson) process.stdout.write(`${JSON.stringify(reports)}\n`);
  if (reports.some(({ findings }) => findings.length > 0)) process.exitCode = 1;
}
