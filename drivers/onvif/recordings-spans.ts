/** From what a camera tells of its recordings to stretches of time; no I/O. Times are ms since 1970 by the camera's clock. */
import type { RecordingSpan } from '../port.js';

/** One recording as the camera describes it. */
export interface RecordingFacts {
  readonly token: string;
  /** Undefined: the camera does not say, or there is nothing in it. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  /** Tokens of its video tracks; empty when it does not say. */
  readonly videoTracks: readonly string[];
}

/** At this instant a track began or ceased to have data. */
export interface TrackChange {
  readonly recording: string;
  readonly track: string;
  readonly atMs: number;
  readonly hasData: boolean;
}

/** What is asked for. */
export interface Between {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Stretches of one track: a track that first ceases had data since the beginning, one that never ceases has it to the end. */
function stretchesOf(changes: readonly TrackChange[], bounds: Between): readonly Stretch[] {
  const ordered = [...changes].sort((one, other) => one.atMs - other.atMs);
  const stretches: Stretch[] = [];
  let openedAtMs = ordered[0]?.hasData === false ? bounds.fromMs : undefined;
  for (const change of ordered) {
    if (change.hasData) openedAtMs ??= change.atMs;
    else if (openedAtMs !== undefined) {
      stretches.push({ fromMs: openedAtMs, toMs: change.atMs });
      openedAtMs = undefined;
    }
  }
  if (openedAtMs !== undefined) stretches.push({ fromMs: openedAtMs, toMs: bounds.toMs });
  return stretches;
}

/** Overlapping and touching stretches joined, cut to what was asked for, empty ones left out. */
function joined(stretches: readonly Stretch[], bounds: Between): readonly Stretch[] {
  const ordered = stretches
    .map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, bounds.fromMs), toMs: Math.min(toMs, bounds.toMs) }))
    .filter(({ fromMs, toMs }) => fromMs < toMs)
    .sort((one, other) => one.fromMs - other.fromMs);
  const result: { fromMs: number; toMs: number }[] = [];
  for (const stretch of ordered) {
    const last = result.at(-1);
    if (last !== undefined && stretch.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, stretch.toMs);
    else result.push({ ...stretch });
  }
  return result;
}

/**
 * Spans of all recordings in order of time. A recording of which no change is known is taken as one stretch from its first to its last
 * data: that is all such a camera tells.
 */
export function spansOf(
  recordings: readonly RecordingFacts[],
  changes: readonly TrackChange[],
  between: Between,
): readonly RecordingSpan[] {
  const spans = recordings.flatMap((recording): RecordingSpan[] => {
    const bounds = {
      fromMs: Math.max(between.fromMs, recording.fromMs ?? between.fromMs),
      toMs: Math.min(between.toMs, recording.toMs ?? between.toMs),
    };
    const own = changes.filter(
      ({ recording: token, track }) =>
        token === recording.token && (recording.videoTracks.length === 0 || recording.videoTracks.includes(track)),
    );
    const tracks = [...new Set(own.map(({ track }) => track))];
    const isWhole = own.length === 0 && recording.fromMs !== undefined && recording.toMs !== undefined;
    const stretches = isWhole
      ? [bounds]
      : tracks.flatMap((track) =>
          stretchesOf(
            own.filter((change) => change.track === track),
            bounds,
          ),
        );
    return joined(stretches, bounds).map((stretch) => ({ recording: recording.token, ...stretch }));
  });
  return spans.sort((one, other) => one.fromMs - other.fromMs);
}
