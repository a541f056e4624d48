/** What live view needs from the rest of the agent and what it tells it; compose hands these in. */
import type { Login, StreamClient, ViewerPeerFactory } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';

/** The camera's large or small stream. */
export type StreamKind = 'main' | 'sub';

/** What a viewer wishes; `auto` leaves it to the recorder, which follows the viewer's line. */
export type StreamWish = StreamKind | 'auto';

/** One camera channel as live view sees it, resolved anew for every session. */
export interface LiveCamera {
  readonly channelId: string;
  /** `up` when a picture can be asked for; otherwise `reason` says why not, in a person's words. */
  readonly state: 'up' | 'down';
  readonly reason: string;
  /** Host the camera was reached at; a stream address that points elsewhere is refused by the driver. */
  readonly deviceHost: string;
  readonly login: Login | undefined;
  /** Codec of the stream as the camera's encoder settings say it; undefined when not known yet. */
  codec(stream: StreamKind): 'H264' | 'H265' | undefined;
  /** What this stream is taken from as far as it is known now (profile, address): when it changes, a running pull is of another source. */
  source(stream: StreamKind): string;
  /** rtsp:// address without login. Throws DriverError. */
  streamUri(stream: StreamKind, signal: AbortSignal): Promise<string>;
  /** Asks the camera for an intra picture now. Throws DriverError (`camera.unsupported` where it cannot). */
  synchronize(stream: StreamKind, signal: AbortSignal): Promise<void>;
}

/** The channels of this recorder. */
export interface LiveCameras {
  /** Undefined when there is no such channel. Synchronous: it is part of the admission in the tick of the act. */
  resolve(channelId: string): LiveCamera | undefined;
}

/**
 * Who wants to watch what, and by which permission. `proof` is whatever the authorizer needs to judge it again (grant, badge,
 * epoch, boot); live view never looks inside.
 */
export interface WatchTicket {
  readonly channelId: string;
  /** Stable key of the person or device that watches: limits are counted by it. */
  readonly viewerId: string;
  readonly proof: unknown;
}

/** Yes, perhaps bounded; or no, with the authorizer's code and words. */
export type WatchVerdict =
  /** `untilAt`: wall clock ms at which grant or badge lapses. `channels`: the only channels it covers; undefined for all. */
  | { readonly ok: true; readonly untilAt?: number | undefined; readonly channels?: readonly string[] | undefined }
  | { readonly ok: false; readonly code: string; readonly say: string; readonly fix: string };

/**
 * The authorizer, asked synchronously: at admission, in the tick in which the gate is armed, before held packets are flushed,
 * and at the start of every picture. Must be cheap (no signature check) and must see a withdrawal at once.
 */
export type MayWatch = (ticket: WatchTicket) => WatchVerdict;

/** Whether the same permission covers sound now; asked like `MayWatch`, for every packet of sound. */
export type MayHear = (ticket: WatchTicket) => boolean;

/** Abuse limits; durations in ms. */
export interface LiveLimits {
  readonly maxSessions: number;
  readonly defaultDurationMs: number;
  readonly maxDurationMs: number;
  /** Shortest time between two opens of one viewer. */
  readonly openPeriodMs: number;
  /** A viewer that has not connected by then is given up. */
  readonly connectDeadlineMs: number;
}

/** A wish to watch, after the signatures of its command were checked. */
export interface LiveOpenRequest {
  readonly ticket: WatchTicket;
  /** The viewer's WebRTC offer, already checked against the hash in the signed command. */
  readonly offerSdp: string;
  /** Default `main`. */
  readonly stream?: StreamWish | undefined;
  /** The viewer wants sound too. Default no; it comes only where the permission covers it. */
  readonly sound?: boolean | undefined;
  /** Default 10 minutes; capped at 60 minutes and at the end of the permission. */
  readonly maxDurationMs?: number | undefined;
}

/** The answer to a wish to watch. */
export interface LiveOpened {
  readonly sessionId: string;
  readonly answerSdp: string;
  /** Of our DTLS certificate, `sha-256 AB:CD:...`; belongs into the signed answer. */
  readonly fingerprint: string;
  /** Wall clock ms at which the session ends by itself. */
  readonly untilAt: number;
  readonly stream: StreamKind;
  /** Sound may come: it was wanted, is permitted, and the viewer has a place for it. */
  readonly hasSound: boolean;
}

/** Why a session ended; the sentence for the viewer goes with it in the event. */
export type EndReason =
  | 'withdrawn'
  | 'expired'
  | 'closed_by_viewer'
  | 'viewer_gone'
  | 'viewer_unreachable'
  | 'camera_gone'
  | 'codec_unsupported'
  | 'taken_over'
  | 'agent_stopping';

/** A session as others may see it; packets and bytes are those handed to the viewer's transport (RTP, headers included). */
export interface LiveSessionInfo {
  readonly sessionId: string;
  readonly ticket: WatchTicket;
  readonly channelId: string;
  readonly viewerId: string;
  /** What plays now. */
  readonly stream: StreamKind;
  readonly hasSound: boolean;
  /** Wall clock ms. */
  readonly openedAt: number;
  readonly untilAt: number;
  readonly packets: number;
  readonly bytes: number;
}

/** What the withdrawal's receipt and the operation log need of one ended session. */
export interface EndReceipt {
  readonly sessionId: string;
  readonly channelId: string;
  readonly viewerId: string;
  readonly packets: number;
  readonly bytes: number;
  /** From the decision to end until the last media packet was handed out; 0 when none was handed out after it. */
  readonly lastMediaMs: number;
}

/** What the operation log and the viewer are told. */
export type LiveEvent =
  | { readonly kind: 'opened'; readonly session: LiveSessionInfo }
  /** The first picture was handed to the viewer's transport; `waitMs` since the open request. */
  | { readonly kind: 'playing'; readonly session: LiveSessionInfo; readonly waitMs: number }
  | {
      readonly kind: 'ended';
      readonly session: LiveSessionInfo;
      readonly reason: EndReason;
      /** `live.<reason>`, for machines. */
      readonly code: string;
      /** For the viewer: what happened and what to do. */
      readonly say: string;
      readonly fix: string;
      readonly durationMs: number;
      readonly receipt: EndReceipt;
    };

/** Everything live view is made of. */
export interface LiveParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly streams: StreamClient;
  readonly peers: ViewerPeerFactory;
  readonly cameras: LiveCameras;
  readonly mayWatch: MayWatch;
  /** Default: nobody may hear anything. */
  readonly mayHear?: MayHear | undefined;
  /** Called synchronously; must not throw. Every session that was `opened` is `ended` exactly once. */
  readonly onEvent: (event: LiveEvent) => void;
  /** Other sessions that count among those allowed at once: recordings that are being watched. */
  readonly others?: (() => number) | undefined;
  /** Random and unguessable. */
  readonly newSessionId: () => string;
  /** Whether H.265 can be made H.264 here now. Default: it cannot. */
  readonly transcoding?: (() => 'free' | 'busy' | 'no') | undefined;
  readonly limits?: Partial<LiveLimits> | undefined;
  /** STUN and TURN from the configuration; default none, and then nothing is asked of anyone. */
  readonly iceServers?: (() => readonly string[]) | undefined;
  /** Bind ICE to this address; default all. */
  readonly bindAddress?: string | undefined;
}
