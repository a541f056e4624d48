/**
 * How long the log is kept. Pure: says up to which row it may be shortened; the service does it. Rows go from the beginning only, up to a signed
 * checkpoint, which then stands for all that was before it.
 */

/** What the owner chose. */
export interface RetentionRule {
  readonly days: number;
  readonly rows: number;
  /** A legal hold: nothing is shortened while it stands. */
  readonly isHeld: boolean;
}

/** 365 days or 200 000 rows (about 84 MB at 421 bytes a row, measured), whichever comes first. */
export const DEFAULT_RETENTION: RetentionRule = { days: 365, rows: 200_000, isHeld: false };
/** Below 30 days and 10 000 rows a log answers no question that a court or an insurer asks; above, it outgrows small recorders. */
export const RETENTION_BOUNDS = { days: { min: 30, max: 3_650 }, rows: { min: 10_000, max: 1_000_000 } } as const;
/** Rows that one shortening takes at most: it holds up new rows while it runs. */
export const PRUNE_STEP_ROWS = 5_000;
/** The owner is told when this share of the rows is used. */
export const CAPACITY_WARNING = 0.8;

const DAY_MS = 86_400_000;

/** What the rule is applied to. `firstSeq` 0 when there are no rows. */
export interface RetentionFacts {
  readonly nowAt: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Newest row that is older than the rule's days; 0 for none. */
  readonly lastTooOldSeq: number;
  /** The oldest act without a result; undefined for none. */
  readonly oldestOpenSeq: number | undefined;
}

/** The instant before which rows are too old. */
export function tooOldAt(rule: RetentionRule, nowAt: number): number {
  return nowAt - rule.days * DAY_MS;
}

/** The last row that may go now, or 0. A checkpoint at or before it is where the log will begin. */
export function mayGoUpTo(rule: RetentionRule, facts: RetentionFacts): number {
  if (rule.isHeld || facts.firstSeq === 0) return 0;
  const tooMany = facts.lastSeq - rule.rows;
  const wanted = Math.max(facts.lastTooOldSeq, tooMany);
  const open = facts.oldestOpenSeq === undefined ? Number.POSITIVE_INFINITY : facts.oldestOpenSeq - 1;
  const upTo = Math.min(wanted, open, facts.firstSeq - 1 + PRUNE_STEP_ROWS);
  return upTo >= facts.firstSeq ? upTo : 0;
}

/** How full the log is: 1 is where the oldest rows begin to go. */
export function fullness(rule: RetentionRule, facts: Pick<RetentionFacts, 'firstSeq' | 'lastSeq'>): number {
  return facts.firstSeq === 0 ? 0 : (facts.lastSeq - facts.firstSeq + 1) / rule.rows;
}
