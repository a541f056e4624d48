/** The loop: changes known inputs, runs them, keeps those that lead somewhere new, and tells what fell over or took too long. */
import { Chance, mutate } from './mutate.js';

/** What is fuzzed. */
export interface FuzzTarget {
  readonly name: string;
  /** Good inputs, from which the bad ones are made. */
  readonly corpus: readonly Buffer[];
  /** Pieces that mean something in this language. */
  readonly tokens: readonly Buffer[];
  /**
   * Gives the bytes to the code. Answers where they led (an error's code, what was found): a new word makes the input worth changing further.
   * Whatever is thrown is a crash; errors that the code is meant to have are answered as words.
   */
  run(bytes: Buffer): string | Promise<string>;
}

/** One input that should not have done what it did. */
export interface Finding {
  readonly kind: 'crash' | 'hang';
  readonly say: string;
  /** The whole input. */
  readonly base64: string;
  readonly tookMs: number;
}

export interface FuzzReport {
  readonly target: string;
  readonly seed: number;
  readonly executions: number;
  readonly tookMs: number;
  /** Different words that `run` answered. */
  readonly outcomes: number;
  readonly slowestMs: number;
  readonly findings: readonly Finding[];
}

export interface FuzzLimits {
  readonly seed: number;
  readonly endsAtMs: number;
  readonly mostExecutions: number;
}

export const HANG_MS = 100;
const MOST_FINDINGS = 20;
const MOST_INTERESTING = 400;

/** Ends at the time, after so many executions, or with twenty findings. */
export async function fuzz(target: FuzzTarget, limits: FuzzLimits): Promise<FuzzReport> {
  const chance = new Chance(limits.seed);
  const interesting: Buffer[] = [...target.corpus];
  const outcomes = new Set<string>();
  const findings = new Map<string, Finding>();
  const startedAt = performance.now();
  let executions = 0;
  let slowestMs = 0;
  const execute = async (input: Buffer): Promise<void> => {
    executions += 1;
    const { outcome, tookMs, crash } = await once(target, input);
    slowestMs = Math.max(slowestMs, tookMs);
    const finding = crash ?? (tookMs > HANG_MS ? await hang(target, input) : undefined);
    if (finding !== undefined && !findings.has(finding.say)) findings.set(finding.say, finding);
    if (outcome === undefined || outcomes.has(outcome)) return;
    outcomes.add(outcome);
    if (interesting.length < MOST_INTERESTING) interesting.push(input);
  };
  for (const input of target.corpus) await execute(input);
  while (executions < limits.mostExecutions && findings.size < MOST_FINDINGS && performance.now() < limits.endsAtMs) {
    await execute(mutate(chance.pick(interesting) ?? Buffer.alloc(0), chance, interesting, target.tokens));
  }
  return {
    target: target.name,
    seed: limits.seed,
    executions,
    tookMs: Math.round(performance.now() - startedAt),
    outcomes: outcomes.size,
    slowestMs: Math.round(slowestMs * 10) / 10,
    findings: [...findings.values()],
  };
}

interface Ran {
  readonly outcome: string | undefined;
  readonly tookMs: number;
  readonly crash: Finding | undefined;
}

async function once(target: FuzzTarget, input: Buffer): Promise<Ran> {
  const startedAt = performance.now();
  try {
    const outcome = await target.run(Buffer.from(input));
    return { outcome, tookMs: performance.now() - startedAt, crash: undefined };
  } catch (error) {
    const tookMs = performance.now() - startedAt;
    const crash: Finding = { kind: 'crash', say: whereOf(error), base64: input.toString('base64'), tookMs };
    return { outcome: undefined, tookMs, crash };
  }
}

/** A machine that is busy with other things is no hang: the fastest of three must be too slow. */
async function hang(target: FuzzTarget, input: Buffer): Promise<Finding | undefined> {
  const [second, third] = [await once(target, input), await once(target, input)];
  const tookMs = Math.min(second.tookMs, third.tookMs);
  return tookMs > HANG_MS ? { kind: 'hang', say: `took ${Math.round(tookMs)} ms`, base64: input.toString('base64'), tookMs } : undefined;
}

/** The message and the innermost place: one finding each. */
function whereOf(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const place =
    error.stack
      ?.split('\n')
      .find((line) => line.includes(' at '))
      ?.trim() ?? '';
  return `${error.name}: ${error.message.slice(0, 120)} ${place}`;
}
