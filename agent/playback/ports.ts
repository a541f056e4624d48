/** What playback needs from the rest of the agent and what it tells it; compose hands these in. */
import type { FootageReader, FootageSpan, FootageSpans, FootageWish, ViewerPeerFactory } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';

/** Where the recordings of a camera lie: files in folders, or the camera's own storage. */
export interface RecordingSource {
  /** In order, touching ones joined. Throws DriverError. */
  spans(between: FootageSpan, signal: AbortSignal): Promise<FootageSpans>;
  /** Throws DriverError, `footage.none` when there is nothing in that time. */
  open(wish: FootageWish, signal: AbortSignal): Promise<FootageReader>;
}

/** The recordings of this recorder. */
export interface Recordings {
  /** Channels of which there may be recordings. */
  channels(): readonly string[];
  /** Undefined when there is no such channel; a channel without recordings has a source without spans. Synchronous. */
  resolve(channelId: string): RecordingSource | undefined;
}

/** Who wants to see which camera's recordings, and by which permission; `proof` is the authorizer's own. */
export interface PlaybackTicket {
  readonly channelId: string;
  readonly viewerId: string;
  readonly proof: unknown;
}

/** Yes, perhaps bounded; or no, with the authorizer's code and words. */
export type PlaybackVerdict =
  | {
      readonly ok: true;
      /** Wall clock ms at which the permission lapses. */
      readonly untilAt?: number | undefined;
      readonly channels?: readonly string[] | undefined;
      /** Bounds of the footage that may be read; null where there is none. */
      readonly footage?: { readonly from: number | null; readonly to: number | null } | undefined;
    }
  | { readonly ok: false; readonly code: string; readonly say: string; readonly fix: string };

/** Asked synchronously in the tick of every act: opening, every control, every read, every picture and every piece of a file. */
export type MayPlay = (ticket: PlaybackTicket) => PlaybackVerdict;

/** Who receives; known once the viewer's transport has answered. */
export interface GateOutlet {
  readonly ssrc: number;
  readonly payloadType: number;
  send(packet: Buffer): boolean;
  sendData(message: string | Buffer): boolean;
}

/** What the gate asks and tells; see agent/live/gate.ts, which is the only way pictures leave. */
export interface GateWish {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly mayWatch: () => boolean;
  readonly codec: 'H264' | 'H265';
  readonly deadlineAt: number;
  readonly onRefused: (why: 'withdrawn' | 'expired') => void;
  readonly onFirstPicture: () => void;
  readonly firstSequence: number;
  readonly firstTimestamp: number;
}

/** The egress gate of live view, as playback uses it. */
export interface EgressGate {
  readonly state: string;
  /** RTP and data together, as handed to the transport. */
  readonly packets: number;
  readonly bytes: number;
  readonly lastSentAt: number;
  arm(): boolean;
  connect(outlet: GateOutlet): void;
  /** One RTP packet, valid only during the call. */
  push(bytes: Uint8Array, start: number, end: number): void;
  resend(bytes: number): boolean;
  /** One message beside the picture; false when it may not leave or nobody takes it. */
  sendData(message: string | Buffer): boolean;
  end(event: 'withdrawn' | 'expired' | 'viewerGone' | 'cameraGone' | 'closed'): void;
}

/** Abuse limits, the same as live view's; durations in ms. */
export interface PlaybackLimits {
  readonly maxSessions: number;
  readonly maxDurationMs: number;
  readonly openPeriodMs: number;
  readonly connectDeadlineMs: number;
}

/** Why a session ended. */
export type PlaybackEnd =
  | 'withdrawn'
  | 'expired'
  | 'closed_by_viewer'
  | 'viewer_gone'
  | 'viewer_unreachable'
  | 'unreadable'
  | 'finished'
  | 'taken_over'
  | 'agent_stopping';

/** A session as others may see it. */
export interface PlaybackInfo {
  readonly sessionId: string;
  readonly kind: 'player' | 'export';
  readonly ticket: PlaybackTicket;
  readonly channelId: string;
  readonly viewerId: string;
  /** Wall clock ms. */
  readonly openedAt: number;
  readonly untilAt: number;
  readonly packets: number;
  readonly bytes: number;
  /** First and last instant of footage that was handed out; undefined before the first picture. */
  readonly shown: FootageSpan | undefined;
}

/** What the operation log and the viewer are told. */
export type PlaybackEvent =
  | { readonly kind: 'opened'; readonly session: PlaybackInfo }
  | {
      readonly kind: 'ended';
      readonly session: PlaybackInfo;
      readonly reason: PlaybackEnd;
      /** `playback.<reason>`, or what stood in the way. */
      readonly code: string;
      readonly say: string;
      readonly fix: string;
      readonly durationMs: number;
      /** From the decision to end until the last packet was handed out; 0 when none was after it. */
      readonly lastMediaMs: number;
    };

/** What of a file the recorder signs; see contract/footage.ts ExportStatement. */
export interface ExportFacts {
  readonly cam: string;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly gaps: readonly (readonly [number, number])[];
}

/** Everything playback is made of. */
export interface PlaybackParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly recordings: Recordings;
  readonly peers: ViewerPeerFactory;
  readonly openGate: (wish: GateWish) => EgressGate;
  readonly mayPlay: MayPlay;
  /** Called synchronously; must not throw. Every session that was `opened` is `ended` exactly once. */
  readonly onEvent: (event: PlaybackEvent) => void;
  readonly newSessionId: () => string;
  /** Signs with the recorder's key (export+jws). */
  readonly signExport: (facts: ExportFacts, ticket: PlaybackTicket) => Promise<string>;
  /** SHA-256 over bytes that come one after another. */
  readonly newHash: () => { update(bytes: Uint8Array): void; hex(): string };
  /** Live views that are open now: they count too. */
  readonly liveSessions: () => number;
  readonly limits: PlaybackLimits;
  readonly iceServers?: (() => readonly string[]) | undefined;
  readonly bindAddress?: string | undefined;
}
