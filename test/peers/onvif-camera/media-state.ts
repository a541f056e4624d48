/** What both Media services share: the camera's encoders, and how tokens and addresses are read and made. */
import type { Backchannel } from './audio-operations.js';
import { requireToken } from './device-service.js';
import type { EncoderOffer, EncoderSettings } from './encoders.js';
import type { Call } from './operation.js';
import type { CameraQuirks } from './quirks.js';
import type { StreamKind } from './rtsp-context.js';
import { encoderToken, kindOf, profileKeys, profileToken, sourceToken } from './tokens.js';
import type { XmlElement } from './xml.js';

/** The camera's state as the Media services need it. */
export interface MediaState {
  readonly hasPtz: boolean;
  readonly backchannel: Backchannel;
  readonly quirks: () => CameraQuirks;
  /** The main account's password, which one quirk writes into the snapshot's address. */
  readonly login: () => { readonly user: string; readonly password: string };
  readonly overlays: Overlays;
  settings(kind: StreamKind): EncoderSettings;
  offer(kind: StreamKind): EncoderOffer;
  apply(kind: StreamKind, settings: EncoderSettings): void;
  synchronize(kind: StreamKind): void;
}

/** A text in the picture. */
export interface Overlay {
  readonly token: string;
  readonly place: string;
  readonly kind: string;
  readonly text: string;
}

/** All texts in the picture; the first one, a clock, is there from the start. */
export class Overlays {
  readonly all: Overlay[] = [{ token: 'osd_0', place: 'UpperLeft', kind: 'DateAndTime', text: '' }];
  #made = 0;

  add(overlay: Omit<Overlay, 'token'>): string {
    this.#made += 1;
    const token = `osd_${this.#made}`;
    this.all.push({ token, ...overlay });
    return token;
  }
}

const keys = (state: MediaState) => profileKeys(state.quirks().sources);

/** The profile that a request names. */
export function namedProfile(body: XmlElement, state: MediaState): StreamKind {
  return kindOf(requireToken(body, 'ProfileToken', keys(state).map(profileToken), 'NoProfile'));
}

/** The encoder that a request names. */
export function namedEncoder(body: XmlElement, state: MediaState): string {
  return requireToken(body, 'ConfigurationToken', keys(state).map(encoderToken), 'NoConfig');
}

export const encoderTokens = (state: MediaState): readonly string[] => keys(state).map(encoderToken);
export const profileTokens = (sources: number): readonly string[] => profileKeys(sources).map(profileToken);

/** Tokens of all video sources. */
export const sourceTokens = (sources: number): readonly string[] => Array.from({ length: sources }, (_, source) => sourceToken(source));

export const resolution = (size: { width: number; height: number }): string =>
  `<tt:Width>${size.width}</tt:Width><tt:Height>${size.height}</tt:Height>`;

/** The inner part of a source's configuration. */
export const sourceConfiguration = (source: number): string =>
  `<tt:Name>Sensor</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>${sourceToken(source)}</tt:SourceToken><tt:Bounds x="0" y="0" width="1280" height="720"/>`;

/** Multicast as a camera that does not use it says it. */
export const MULTICAST =
  '<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address><tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>';

/** Where the snapshot is, as the camera gives it. */
export function snapshotUri(state: MediaState, call: Call, kind: StreamKind): string {
  const quirks = state.quirks();
  if (quirks.rtspAsSnapshot) return call.streamUri(kind);
  const plain = `${call.baseUri}/onvif/snapshot.jpg`;
  if (quirks.snapshotLogin === 'query') {
    const { user, password } = state.login();
    return `${plain}?usr=${encodeURIComponent(user)}&pwd=${encodeURIComponent(password)}`;
  }
  return quirks.snapshotNeedsQuery ? `${plain}?` : plain;
}
