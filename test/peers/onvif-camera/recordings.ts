/** What is on the camera's own storage: one recording with gaps, and the searches under way. Pure. */

/** A stretch without a gap, ms since 1970. */
export interface RecordedSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export const RECORDING = 'recording_0';
export const TRACK = 'video_0';

/** Three stretches of the last hours, two gaps between them. */
export function defaultSpans(now: number): readonly RecordedSpan[] {
  const minute = 60_000;
  const at = Math.floor(now / minute) * minute;
  return [
    { fromMs: at - 180 * minute, toMs: at - 120 * minute },
    { fromMs: at - 90 * minute, toMs: at - 30 * minute },
    { fromMs: at - 20 * minute, toMs: at },
  ];
}

/** The instants at which recording began or ended within a time, in order. */
export function changesBetween(
  spans: readonly RecordedSpan[],
  fromMs: number,
  toMs: number,
): readonly { readonly atMs: number; readonly isRecording: boolean }[] {
  const all = spans.flatMap((span) => [
    { atMs: span.fromMs, isRecording: true },
    { atMs: span.toMs, isRecording: false },
  ]);
  return all.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs).sort((one, other) => one.atMs - other.atMs);
}

export const isRecordedAt = (spans: readonly RecordedSpan[], at: number): boolean =>
  spans.some(({ fromMs, toMs }) => at >= fromMs && at < toMs);

/** A search that a client began; its results are handed out once. */
export interface Search {
  readonly kind: 'recordings' | 'events';
  readonly rows: string[];
  /** So many asks for results come back empty and unfinished first. */
  pending: number;
}

const MAX_SEARCHES = 8;

/** Searches by their tokens; the oldest is dropped when there are too many. */
export class Searches {
  readonly #open = new Map<string, Search>();
  #made = 0;

  begin(search: Search): string {
    this.#made += 1;
    const token = `search_${this.#made}`;
    this.#open.set(token, search);
    const oldest = this.#open.keys().next().value;
    if (this.#open.size > MAX_SEARCHES && oldest !== undefined) this.#open.delete(oldest);
    return token;
  }

  get(token: string | undefined): Search | undefined {
    return token === undefined ? undefined : this.#open.get(token);
  }

  end(token: string): void {
    this.#open.delete(token);
  }
}
