/**
 * What real cameras do that the specification does not say: each as a switch, off when not set. The table below is the only
 * place that says what a switch means and where it was seen; test/peers/onvif-quirks holds one test per row.
 */

/** Every quirk off. Values are true for plain switches; numbers and words say how much or which of several kinds. */
export interface CameraQuirks {
  readonly digestOnly: boolean;
  readonly tokenOnly: boolean;
  readonly clockDrift: { readonly aheadMs: number; readonly windowMs: number } | undefined;
  /** Minutes that the camera's zone is ahead of UTC. */
  readonly localTimeAsUtcMin: number;
  readonly timeNeedsLogin: boolean;
  readonly unprefixedSecurityOnly: boolean;
  readonly needsAction: boolean;
  readonly forbidsAction: boolean;
  readonly burnsNonces: boolean;
  readonly lockOut: { readonly afterFailures: number; readonly forMs: number } | undefined;
  /** `host:port` in every address that the camera gives out. */
  readonly wrongAddress: string;
  readonly rtspOnHttpPort: boolean;
  readonly rtspAsSnapshot: boolean;
  readonly snapshotNeedsQuery: boolean;
  readonly snapshotLogin: 'digest' | 'basic' | 'query';
  readonly closesSilently: boolean;
  readonly stalledPulls: boolean;
  readonly needsInitialTermination: boolean;
  /** So many subscriptions end the moment they are made. */
  readonly endsSubscriptions: number;
  readonly refusesRenew: 'always' | 'without-message-id' | undefined;
  readonly axisReference: boolean;
  readonly pinnedReference: boolean;
  readonly faultsPulls: boolean;
  readonly rebootForgets: boolean;
  readonly undeclaredPrefix: boolean;
  readonly neverClears: boolean;
  readonly motionForm: MotionForm | undefined;
  /** How many pull points may be open; 0 for no limit of its own. */
  readonly maxPullPoints: number;
  readonly hidesH265: boolean;
  readonly sparseEncoder: boolean;
  /** Number of video sources; profiles of all of them come mixed. */
  readonly sources: number;
  readonly setNeedsAll: boolean;
  readonly ptz: PtzQuirk | undefined;
  readonly noServiceCapabilities: boolean;
  readonly media2Dies: boolean;
  readonly replay: 'no-uri' | 'partial' | undefined;
  readonly freezes: { readonly requests: number; readonly withinMs: number; readonly forMs: number } | undefined;
  readonly secondInterface: string;
}

/** How motion is worded: topic, item name and the form of the value. */
export type MotionForm = 'cell-true' | 'cell-1' | 'alarm-true' | 'alarm-1';

/** What a PTZ camera minds: zoom sent to one that only pans, a move in one axis only, a Stop of an axis at rest, a long Timeout. */
export type PtzQuirk = 'pan-tilt-only' | 'both-axes-only' | 'stop-moving-axis-only' | 'short-timeout';

/** All off. */
export const NO_QUIRKS: CameraQuirks = {
  digestOnly: false,
  tokenOnly: false,
  clockDrift: undefined,
  localTimeAsUtcMin: 0,
  timeNeedsLogin: false,
  unprefixedSecurityOnly: false,
  needsAction: false,
  forbidsAction: false,
  burnsNonces: false,
  lockOut: undefined,
  wrongAddress: '',
  rtspOnHttpPort: false,
  rtspAsSnapshot: false,
  snapshotNeedsQuery: false,
  snapshotLogin: 'digest',
  closesSilently: false,
  stalledPulls: false,
  needsInitialTermination: false,
  endsSubscriptions: 0,
  refusesRenew: undefined,
  axisReference: false,
  pinnedReference: false,
  faultsPulls: false,
  rebootForgets: false,
  undeclaredPrefix: false,
  neverClears: false,
  motionForm: undefined,
  maxPullPoints: 0,
  hidesH265: false,
  sparseEncoder: false,
  sources: 1,
  setNeedsAll: false,
  ptz: undefined,
  noServiceCapabilities: false,
  media2Dies: false,
  replay: undefined,
  freezes: undefined,
  secondInterface: '',
};

/** One row: the number and name in the matrix of camera quirks, what the camera does, and where that was seen. */
export interface QuirkRow {
  readonly number: number;
  readonly name: keyof CameraQuirks;
  readonly does: string;
  /** Project and issue or pull request; "measured" where it was seen on a server of our own. */
  readonly source: string;
}

const row = (number: number, name: keyof CameraQuirks, does: string, source: string): QuirkRow => ({ number, name, does, source });

/** The whole matrix, in its order. */
export const QUIRKS: readonly QuirkRow[] = [
  row(1, 'digestOnly', 'WS-Security is refused with 401, HTML and an HTTP Digest challenge', 'agsh/onvif#294, PR 343 (Hikvision)'),
  row(2, 'tokenOnly', 'HTTP Digest is not heard: a fault without challenge where 401 is due', 'open-nvr PR 470 (Tapo C520WS)'),
  row(
    3,
    'clockDrift',
    'the clock is off and tokens count only within a small window of it',
    'agsh#249, scrypted#1142 (Dahua), HA#121952, onvif-rs#121, #79 (Axis)',
  ),
  row(4, 'localTimeAsUtcMin', 'UTCDateTime holds the local time while tokens are judged by UTC', 'OpenIPC majestic-webui#292, HA#91587'),
  row(
    5,
    'timeNeedsLogin',
    'GetSystemDateAndTime is refused without login',
    'agsh/onvif v1 README, node-onvif-ts PR 12 (Panasonic, Digital Barriers)',
  ),
  row(6, 'unprefixedSecurityOnly', 'a Security header with a prefix is not found', 'IOTechSystems/onvif#28 (Bosch DINION, Hanwha)'),
  row(7, 'needsAction', 'a Content-Type without action= is refused with 400', 'agsh PR 498, #497 (Pelco)'),
  row(8, 'forbidsAction', 'a Content-Type with action= is refused with 400', 'agsh#302 (Illustra)'),
  row(9, 'burnsNonces', 'a nonce counts once, even where the answer was a refusal', 'fpompermaier/onvif PR 31, libonvif#126'),
  row(
    10,
    'lockOut',
    'some failed logins lock the account for everyone, the right password included',
    'agsh PR 501, evercam#91, Skinah/IpCamera#11',
  ),
  row(
    11,
    'wrongAddress',
    'every address it gives out is that of another interface or of the inner side of a NAT',
    'agsh#170, #41, #222, frigate#18352, python-onvif-zeep-async PR 167, measured',
  ),
  row(12, 'rtspOnHttpPort', 'the stream address names the HTTP port, RTSP listens elsewhere', 'easy_onvif#39'),
  row(13, 'rtspAsSnapshot', 'GetSnapshotUri gives an rtsp:// address', 'HA#66554 (XM530)'),
  row(14, 'snapshotNeedsQuery', 'the snapshot is there only with its query, a bare ? included', 'node-onvif#36 (Hikvision)'),
  row(
    15,
    'snapshotLogin',
    'the snapshot wants Digest, Basic, or user and password in its query',
    'HA#43376, python-onvif-zeep-async PR 88',
  ),
  row(
    16,
    'closesSilently',
    'a kept connection is closed when the next request comes, never announced',
    'python-onvif-zeep-async PR 140, node-onvif#12, #39',
  ),
  row(17, 'stalledPulls', 'a PullMessages is never answered and its connection never closed', 'homebridge-dahua-alerts PR 27'),
  row(
    18,
    'needsInitialTermination',
    'CreatePullPointSubscription without InitialTerminationTime is refused',
    'HA#85902, PR 91470, python-onvif-zeep-async PR 13 (Tapo)',
  ),
  row(19, 'endsSubscriptions', 'a subscription ends the moment it was made', 'python-onvif-zeep-async PR 47'),
  row(20, 'refusesRenew', 'Renew is refused, always or without wsa:MessageID', 'HA#91089 (Bosch), measured'),
  row(
    21,
    'axisReference',
    'one address for all pull points: ReferenceParameters must come back as header',
    'kerberos-io/onvif PR 6, nirsimetri#27 (Axis)',
  ),
  row(22, 'pinnedReference', 'the first pull fixes the reference header, another one later is refused', 'onvif-nvt PR 32 (Hikvision)'),
  row(23, 'faultsPulls', 'every PullMessages is answered with a fault at once', 'agsh PR 501'),
  row(24, 'rebootForgets', 'a reboot forgets all subscriptions', 'HA PR 37711'),
  row(25, 'undeclaredPrefix', 'answers use the prefix wsa: without declaring it', 'home-assistant.io#40942'),
  row(26, 'neverClears', 'the end of a detection is never told, only seen at a synchronization point', 'HA#124422, #146500'),
  row(27, 'motionForm', 'motion is CellMotionDetector/Motion or MotionAlarm, its value true or 1', 'HA#37545 (Dahua NVR), scrypted#796'),
  row(28, 'maxPullPoints', 'only so many pull points at once', 'onvif_simple_server#50'),
  row(29, 'hidesH265', 'H.265 profiles are in Media2 only', 'node-onvif#78 (Dahua), agsh#283'),
  row(30, 'sparseEncoder', 'Resolution or RateControl are missing, the bitrate is 2147483647', 'node-onvif#88, agsh#233'),
  row(31, 'sources', 'many sources, their profiles mixed', 'agsh#369 (DS-7732NI)'),
  row(
    32,
    'setNeedsAll',
    'an encoder is set only with every element, and not with multicast to 0.0.0.0',
    'hammeraj PR 34 (Axis), edgex#29 (Uniview)',
  ),
  row(
    33,
    'ptz',
    'moves are refused that name an axis it does not have, or only one, or a long Timeout',
    'agsh#9, #267, libonvif#115, HA#27744',
  ),
  row(34, 'noServiceCapabilities', 'GetServiceCapabilities is not there', 'frigate PR 10350 (Axis)'),
  row(35, 'media2Dies', 'Media2 GetProfiles with Type All dies with HTTP 500 and HTML', 'measured on two servers'),
  row(36, 'replay', 'no replay address, or recordings without information', 'hammeraj PR 112, PR 93 (Hikvision, Dahua, Axis)'),
  row(37, 'freezes', 'too many requests in a short time freeze it', 'scrypted#1775, frigate PR 8009 (Tapo)'),
  row(
    38,
    'secondInterface',
    'it answers a probe twice, with the addresses of two interfaces',
    'node-onvif#28, #41, agsh#55, #330, onvif-discovery PR 20',
  ),
];
