import type { HealthInfo } from '../../../agent/contract/views.js';
import { percent } from './format.js';
import { tr } from './recorder-texts.js';

type History = HealthInfo['history'];

/** One line of the chart, values 0..1 or null, as many as there are times. */
export interface Line {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** The lines of the chart: shares of processor, memory and disk (0..1). */
export function linesOf(history: History): Line[] {
  return [
    { name: tr.healthProcessor, values: history.cpu },
    { name: tr.healthMemory, values: history.memory },
    { name: tr.healthDisk, values: history.disk },
  ].filter((line) => line.values.some((value) => value !== null));
}

/**
 * Times (s) and lines for drawing, with an empty point put into every hole that is longer than two and a half measuring periods: a
 * recorder that was off must not look as if it had gone on evenly.
 */
export function withGaps(history: History, lines: readonly Line[]): { at: number[]; lines: (number | null)[][] } {
  const at: number[] = [];
  const out: (number | null)[][] = lines.map(() => []);
  for (const [index, time] of history.at.entries()) {
    const before = history.at[index - 1];
    if (before !== undefined && time - before > history.periodMs * 2.5) {
      at.push((before + history.periodMs) / 1000);
      for (const column of out) column.push(null);
    }
    at.push(time / 1000);
    for (const [column, line] of lines.entries()) out[column]?.push(line.values[index] ?? null);
  }
  return { at, lines: out };
}

/** A sentence for each line, for those who do not see the chart. */
export function summaryOf(history: History): string[] {
  const sentences = linesOf(history).map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    return tr.healthSummary(name, percent(Math.min(...known)), percent(Math.max(...known)), percent(values.at(-1) ?? null));
  });
  const gaps = history.at.filter((_at, index) => history.cpu[index] === null && history.memory[index] === null).length;
  return gaps > 0 ? [...sentences, tr.healthGaps(gaps)] : sentences;
}
