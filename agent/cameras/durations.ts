const UNITS = [
  [86_400_000, 'days'],
  [3_600_000, 'hours'],
  [60_000, 'minutes'],
] as const;

/** A stretch of time as a person says it: `0.2 s`, `100 s`, `3 minutes`, `2 hours`. */
export function duration(ms: number): string {
  const unit = UNITS.find(([size]) => ms >= 2 * size);
  if (unit !== undefined) return `${Math.round(ms / unit[0])} ${unit[1]}`;
  return `${ms < 10_000 ? Math.round(ms / 100) / 10 : Math.round(ms / 1000)} s`;
}
