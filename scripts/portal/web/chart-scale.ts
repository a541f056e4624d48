/** Where things lie in a chart; no drawing and no browser here. */

/** A round step of whole minutes, hours or days between marks on the time axis, so that `span` (ms) has at most `most` of them. */
export function timeStep(span: number, most: number): number {
  const minutes = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080];
  return (minutes.find((step) => span / (step * 60_000) <= most) ?? 40_320) * 60_000;
}

/** Marks at whole steps of the local clock between two instants (ms). `offsetMs`: what the local clock is ahead of UTC. */
export function timeMarks(from: number, to: number, most: number, offsetMs: number): number[] {
  const step = timeStep(to - from, most);
  const marks: number[] = [];
  for (let at = Math.ceil((from + offsetMs) / step) * step - offsetMs; at <= to; at += step) marks.push(at);
  return marks;
}

/** The SVG path of a line; null values leave a gap, and a value alone between two gaps is drawn as a dot. */
export function linePath(
  times: readonly number[],
  values: readonly (number | null)[],
  x: (time: number) => number,
  y: (value: number) => number,
): string {
  let path = '';
  let isOpen = false;
  for (const [at, value] of values.entries()) {
    const time = times[at];
    if (value === null || time === undefined) {
      isOpen = false;
      continue;
    }
    const point = `${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
    const isAlone = !isOpen && (values[at + 1] ?? null) === null;
    path += isOpen ? `L${point}` : isAlone ? `M${point}h0.1` : `M${point}`;
    isOpen = true;
  }
  return path;
}

/** Index of the time nearest to `wanted` in rising times; -1 when there is none. */
export function nearest(times: readonly number[], wanted: number): number {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  const before = times[low - 1];
  const here = times[low];
  if (here === undefined) return -1;
  return before !== undefined && wanted - before < here - wanted ? low - 1 : low;
}
