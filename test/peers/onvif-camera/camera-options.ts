/** What the test camera is told and what it tells. */
import type { EventName, RaisedEvent } from './camera-events.js';
import type { EncoderSettings } from './encoders.js';
import type { Account, DigestAlgorithm } from './http-digest.js';
import type { ImagingValues } from './imaging-state.js';
import type { PtzPosition } from './ptz-state.js';
import type { CameraQuirks } from './quirks.js';
import type { RecordedSpan } from './recordings.js';
import type { ReplayCounters } from './replay.js';
import type { RtspCounters, StreamKind } from './rtsp-context.js';

/** What can go wrong with a camera, set at the start or while it runs. */
export interface CameraSwitches {
  /** The main account's password. */
  password: string;
  /** Every answer, HTTP and RTSP, waits this long. */
  slowMs: number;
  /** Connections are cut and refused, discovery is silent. */
  goneOffline: boolean;
  /** Connections are accepted and requests read, but nothing is ever answered, HTTP and RTSP. */
  hangs: boolean;
  /** Another scheme in GetStreamUri, such as http. */
  streamScheme: string;
  /** Another host in all addresses the camera gives out, as behind NAT; '' for the one it was asked at. */
  streamHost: string;
  /** How far the camera's clock is ahead. */
  clockSkewMs: number;
  /** SetSynchronizationPoint is answered but not acted on. */
  ignoresSync: boolean;
  /** A PullMessages is held no longer than this, whatever the client asked for; 60 s when not given. */
  longestPullMs: number;
  /** A subscription is granted no more than this, whatever the client asked for; an hour when not given. */
  longestLifeMs: number;
  /** What this camera does that the specification does not say; see quirks.ts. */
  quirks: CameraQuirks;
}

/** Switches to change; quirks that are not named stay as they are. */
export type SwitchChanges = Partial<Omit<CameraSwitches, 'quirks'>> & { readonly quirks?: Partial<CameraQuirks> };

/** How the camera tells events: pull points and base notification, only the latter, or not at all. */
export type EventKind = 'pull' | 'base' | 'none';

export interface CameraOptions extends SwitchChanges {
  /** Address to listen on; 0.0.0.0 for all, ::1 for IPv6, 127.0.0.1 when not given. */
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
  /** The Media2 service; on when not given. */
  readonly media2?: boolean;
  readonly events?: EventKind;
  /** Imaging, DeviceIO and the three recording services, each on when not given. */
  readonly imaging?: boolean;
  readonly deviceIo?: boolean;
  readonly storage?: boolean;
  /** What is on the camera's storage; three spans of the last hours with gaps when not given. */
  readonly recordings?: readonly RecordedSpan[];
  /** It has a loudspeaker and takes audio over RTSP. */
  readonly backchannel?: boolean;
  /** Its profiles carry the way back from the start; on when not given. */
  readonly backchannelIsBound?: boolean;
  /** What it can tell of; everything when not given. */
  readonly tells?: readonly EventName[];
  /** It also has HTTPS and RTSPS, on any free ports, with a certificate of its own making. */
  readonly tls?: boolean;
  /** SOAP and pictures take HTTP Basic and nothing else. */
  readonly basicOnly?: boolean;
  /** How long a reboot keeps it away. */
  readonly rebootMs?: number;
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
  /** Requests for an address where nothing is. */
  readonly unknownPaths: number;
  /** How often each operation was asked for. */
  readonly operations: Readonly<Record<string, number>>;
  readonly failedLogins: number;
  /** Logins that were refused because the account was locked. */
  readonly lockedLogins: number;
  /** Passwords that came in clear over an unencrypted connection, which never is right. */
  readonly clearPasswords: number;
  /** Subscriptions that are open now, and the most there ever were at once. */
  readonly subscriptions: number;
  readonly mostSubscriptions: number;
  readonly reboots: number;
  readonly replay: Readonly<ReplayCounters>;
  /** Times that the camera froze under too many requests. */
  readonly freezes: number;
  readonly firmwareBytes: number;
  /** Auxiliary commands, in order. */
  readonly auxiliary: readonly string[];
}

export interface OnvifCamera {
  /** The device service's address. */
  readonly deviceUri: string;
  /** The same over TLS; '' for a camera without. */
  readonly secureUri: string;
  readonly httpPort: number;
  readonly rtspPort: number;
  /** urn:uuid:..., as discovery gives it. */
  readonly endpoint: string;
  /** Without user and password. */
  rtspUri(kind: StreamKind): string;
  /** Shows another certificate from now on and ends what is open; only with TLS. */
  renewCertificate(): Promise<void>;
  counters(): CameraCounters;
  set(switches: SwitchChanges): void;
  settings(kind: StreamKind): EncoderSettings;
  /** The number burnt into the frame due now (25 per second, 0..499). */
  frameNumber(kind: StreamKind): number;
  /** Where the camera looks now. */
  position(): PtzPosition;
  /** Whether it moves now. */
  isMoving(): { readonly panTilt: boolean; readonly zoom: boolean };
  /** Something happens in front of the camera: told to whoever subscribed. */
  raise(event: RaisedEvent): void;
  /** Every subscription ends without a word, as after a crash of the camera's event service. */
  forgetSubscriptions(): void;
  /** How its picture is set. */
  imaging(): ImagingValues;
  /** Whether a relay is active; undefined for a token it does not have. */
  relay(token: string): boolean | undefined;
  /** Closes or opens a digital input, which is an event. */
  setInput(token: string, isOn: boolean): void;
  /** Names and levels of all accounts. */
  users(): readonly { readonly user: string; readonly level: Account['level'] }[];
  /** The camera's own clock, ms since 1970, and what it was told about time. */
  clock(): { readonly atMs: number; readonly zone: string; readonly isNtp: boolean; readonly servers: readonly string[] };
  /** Goes away and comes back; resolves when it is back. */
  reboot(): Promise<void>;
  stop(): Promise<void>;
}
