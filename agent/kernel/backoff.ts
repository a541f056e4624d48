/**
 * Waiting times between connection attempts, measured to drain a herd of a million agents without collapse: the first wait is
 * uniform over two minutes, later ones are half fixed, half random, doubling from one minute to fifteen.
 */
export interface BackoffPlan {
  readonly firstMs: number;
  readonly baseMs: number;
  readonly capMs: number;
}

/** The plan towards the cloud, in milliseconds. */
export const CLOUD_BACKOFF: BackoffPlan = { firstMs: 120_000, baseMs: 60_000, capMs: 900_000 };

/** `attempt` counts from 0; `random` gives [0, 1). */
export function backoffMs(plan: BackoffPlan, attempt: number, random: () => number): number {
  if (attempt <= 0) return Math.round(random() * plan.firstMs);
  const ceiling = Math.min(plan.capMs, plan.baseMs * 2 ** Math.min(attempt - 1, 20));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}
