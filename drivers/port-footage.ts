/** Recordings by time, wherever they lie: parts of the driver port. Import it through port.ts. Times are ms since 1970. */
import type { CallOptions, Login } from './port-base.js';

/** A stretch of time without a gap. */
export interface FootageSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What is recorded of one camera between two instants, in order. */
export interface FootageSpans {
  readonly spans: readonly FootageSpan[];
  /** Stretches in which something moved; empty where the recorder does not tell. */
  readonly motion: readonly FootageSpan[];
}

/** One encoded picture. */
export interface FootagePicture {
  /** Wall clock of the picture. */
  readonly atMs: number;
  /** Decoding can begin here. */
  readonly isIntra: boolean;
  readonly codec: 'H264' | 'H265';
  /** NAL units without start codes, in order; an intra picture brings its parameter sets. Valid until the next `next()`. */
  readonly nals: readonly Uint8Array[];
}

/** What to read: from the intra picture at or before `startMs` on, in one direction. */
export interface FootageWish {
  readonly startMs: number;
  /** Bounds that are never read beyond: where the picture at `startMs` begins before them, the next intra picture within them comes first. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Backwards only intra pictures come. */
  readonly isReverse: boolean;
  readonly isIntraOnly: boolean;
}

/** An open reader. One call at a time. */
export interface FootageReader {
  /** The next picture; undefined when there is none any more. Rejects with DriverError. */
  next(): Promise<FootagePicture | undefined>;
  /** Lets go of files and connections; a `next` under way rejects with driver.aborted. Idempotent. */
  close(): Promise<void>;
}

// ---------------------------------------------------------------- folders of files

/** A folder that a recorder writes files into. Nothing is ever written there by us. */
export interface SegmentFolder {
  /** Absolute path of the folder. */
  readonly root: string;
  /** Path below it: `{camera}`, `*` for anything within one name, and %Y %m %d %H %M %S %s (seconds since 1970) %% as strftime has them. */
  readonly pattern: string;
  /** IANA name of the zone the pattern is written in, e.g. UTC or Europe/Berlin. */
  readonly zone: string;
}

/** Recordings in folders, by the name that stands for a camera in the pattern. */
export interface SegmentStore {
  /** From a warm index; what a recorder wrote since is seen within a few seconds. */
  spans(camera: string, between: FootageSpan, options: CallOptions): Promise<FootageSpans>;
  /** Begins to read; rejects with footage.none when there is nothing in that time. */
  open(camera: string, wish: FootageWish, options: CallOptions): Promise<FootageReader>;
}

// ---------------------------------------------------------------- replay over RTSP

/** One recording inside a camera or recorder (ONVIF Streaming Specification, clause 6: replay). */
export interface ReplayRequest {
  /** rtsp:// or rtsps:// without login, as GetReplayUri gave it. */
  readonly uri: string;
  readonly allowedHost: string;
  readonly login: Login | undefined;
  readonly wish: FootageWish;
  readonly signal: AbortSignal;
}

/** Reads recordings over RTSP, no faster than they are taken. Rejects with camera.*, stream.* or footage.none. */
export interface ReplayClient {
  open(request: ReplayRequest): Promise<FootageReader>;
}
