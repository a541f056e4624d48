/** What the camera's RTSP connections share. */
import type { DigestVerifier } from './http-digest.js';
import type { PlayOut } from './play-out.js';
import type { ReplayContext } from './replay.js';

/** The camera's two streams. */
export type StreamKind = 'main' | 'sub';

/** Counted over the camera's whole life, except the two that say what is open now. */
export interface RtspCounters {
  openConnections: number;
  connections: number;
  playingSessions: number;
  plays: number;
  /** Interleaved bytes, headers included. */
  mediaBytes: number;
  /** Clients that were dropped because they did not read. */
  dropped: number;
}

/** What a connection needs of its server. */
export interface RtspContext {
  readonly streams: ReadonlyMap<StreamKind, PlayOut>;
  readonly counters: RtspCounters;
  readonly now: () => number;
  /** Undefined: no password asked. */
  auth(): DigestVerifier | undefined;
  slowMs(): number;
  /** Requests are read and never answered. */
  hangs?(): boolean;
  /** What is on the storage; undefined: nothing is replayed. */
  readonly replay?: ReplayContext | undefined;
  readonly idrAtPlay: boolean;
  readonly sessionTimeoutS: number;
}
