/** What the test camera is told and what it tells. */
import type { EncoderSettings } from './encoders.js';
import type { Account, DigestAlgorithm } from './http-digest.js';
import type { PtzPosition } from './ptz-state.js';
import type { RtspCounters, StreamKind } from './rtsp-context.js';

/** What can go wrong with a camera, set at the start or while it runs. */
export interface CameraSwitches {
  /** The main account's password. */
  password: string;
  /** Every answer, HTTP and RTSP, waits this long. */
  slowMs: number;
  /** Connections are cut and refused, discovery is silent. */
  goneOffline: boolean;
  /** Another scheme in GetStreamUri, such as http. */
  streamScheme: string;
  /** Another host in all addresses the camera gives out, as behind NAT; '' for the one it was asked at. */
  streamHost: string;
  /** How far the camera's clock is ahead. */
  clockSkewMs: number;
  /** SetSynchronizationPoint is answered but not acted on. */
  ignoresSync: boolean;
}

export interface CameraOptions extends Partial<CameraSwitches> {
  /** Address to listen on; 0.0.0.0 for all, 127.0.0.1 when not given. */
  readonly host?: string;
  /** HTTP port, 0 for any. */
  readonly port?: number;
  readonly rtspPort?: number;
  readonly user?: string;
  /** Further accounts, with their levels; the main one is an Administrator. */
  readonly accounts?: readonly Account[];
  readonly name?: string;
  readonly model?: string;
  readonly serial?: string;
  /** The endpoint's UUID; made from serial and name when not given. */
  readonly uuid?: string;
  readonly ptz?: boolean;
  /** Answers WS-Discovery on UDP 3702; on when not given. */
  readonly discovery?: boolean;
  readonly httpDigest?: readonly DigestAlgorithm[];
  readonly rtspDigest?: DigestAlgorithm | 'none';
  /** Each PLAY begins with an IDR, as recorders do; otherwise in the middle of a GOP. */
  readonly idrAtPlay?: boolean;
  readonly sessionTimeoutS?: number;
  /** Hands out another server's stream addresses instead of the own ones. */
  readonly externalRtsp?: (kind: StreamKind) => string;
}

export interface CameraCounters extends Readonly<RtspCounters> {
  readonly syncRequests: number;
  readonly soapRequests: number;
  readonly soapFaults: number;
  /** How often each operation was asked for. */
  readonly operations: Readonly<Record<string, number>>;
}

export interface OnvifCamera {
  /** The device service's address. */
  readonly deviceUri: string;
  readonly httpPort: number;
  readonly rtspPort: number;
  /** urn:uuid:..., as discovery gives it. */
  readonly endpoint: string;
  /** Without user and password. */
  rtspUri(kind: StreamKind): string;
  counters(): CameraCounters;
  set(switches: Partial<CameraSwitches>): void;
  settings(kind: StreamKind): EncoderSettings;
  /** The number burnt into the frame due now (25 per second, 0..499). */
  frameNumber(kind: StreamKind): number;
  /** Where the camera looks now. */
  position(): PtzPosition;
  stop(): Promise<void>;
}
