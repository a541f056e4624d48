import { cpus, loadavg } from 'node:os';

/** One measured figure, or why there is none. */
export type Figure =
  | { readonly median: number; readonly p99?: number; readonly min: number; readonly max: number; readonly n: number }
  | { readonly median: null; readonly why: string };

/** What a bench prints as the last line with --json. */
export interface Report {
  readonly bench: string;
  readonly figures: Readonly<Record<string, Figure>>;
  readonly baseline?: Readonly<Record<string, Figure>>;
  /** What the baseline is. */
  readonly baselineIs?: string;
  /** Facts about the run that the figures need to be understood. */
  readonly notes?: readonly string[];
}

/** Median, extremes and, from 20 values on, the 99th percentile; rounded to three significant places behind the point at most. */
export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  if (sorted.length === 0) return missing('no value was measured');
  const middle = sorted.length % 2 === 1 ? at(0.5) : ((sorted[sorted.length / 2 - 1] ?? 0) + (sorted[sorted.length / 2] ?? 0)) / 2;
  const extremes = { min: round(at(0)), max: round(at(1)), n: sorted.length };
  return { median: round(middle), ...(sorted.length >= 20 ? { p99: round(at(0.99)) } : {}), ...extremes };
}

/** A figure that could not be measured, with the reason. */
export function missing(why: string): Figure {
  return { median: null, why };
}

/** Prints a table for people, or one JSON object on the last line with --json. */
export function print(report: Report): void {
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.versions.node, load1: loadavg()[0] ?? 0 };
  const { bench, figures, baseline, baselineIs, notes } = report;
  if (process.argv.includes('--json')) {
    const shown = {
      bench,
      at: new Date().toISOString(),
      machine,
      figures,
      ...(baseline && { baseline, baselineIs }),
      ...(notes && { notes }),
    };
    process.stdout.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  process.stdout.write(`${bench} on ${machine.cores} × ${machine.cpu}, Node ${machine.node}, load ${machine.load1.toFixed(1)}\n\n`);
  for (const [name, own] of Object.entries(figures)) {
    const other = baseline?.[name];
    process.stdout.write(`${name.padEnd(28)} ${inWords(own)}${other === undefined ? '' : `   baseline ${inWords(other)}`}\n`);
  }
  for (const line of [...(baselineIs === undefined ? [] : [`baseline: ${baselineIs}`]), ...(notes ?? [])])
    process.stdout.write(`\n${line}\n`);
}

/** Says on stderr how far it is. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

function inWords(value: Figure): string {
  if (value.median === null) return `- (${value.why})`;
  return `${value.median} (${value.min} to ${value.max}, n=${value.n})`;
}
