/** The Media service (version 1): profiles, encoders, stream and snapshot addresses. */
import { audioOperations1, backchannelParts } from './audio-operations.js';
import { type EncoderSettings, GOP_SECONDS, GOV_RANGE, QUALITY_RANGE, readSettings } from './encoders.js';
import {
  encoderTokens,
  type MediaState,
  MULTICAST,
  namedEncoder,
  namedProfile,
  profileTokens,
  resolution,
  snapshotUri,
  sourceConfiguration,
} from './media-state.js';
import { acts, reads, type Service } from './operation.js';
import { overlayOperations } from './overlay-operations.js';
import { ptzConfiguration } from './ptz-service.js';
import type { StreamKind } from './rtsp-context.js';
import { serviceCapabilities } from './service-list.js';
import { invalidArgument, SoapFault } from './soap.js';
import { encoderToken, KINDS, kindOf, type ProfileKey, profileKeys, profileToken, sourceToken } from './tokens.js';
import { child, escapeXml, textAt, type XmlElement } from './xml.js';

/** What some encoders say when they have no limit. */
const NO_LIMIT = 2_147_483_647;

const respond = (name: string, inner = ''): string => `<trt:${name}Response>${inner}</trt:${name}Response>`;
const range = (name: string, limits: { min: number; max: number }): string =>
  `<tt:${name}><tt:Min>${limits.min}</tt:Min><tt:Max>${limits.max}</tt:Max></tt:${name}>`;

/** A sparse camera leaves out the main encoder's RateControl, and of the other one the Resolution, with an absurd bitrate. */
function encoderConfiguration(kind: StreamKind, settings: EncoderSettings, isSparse: boolean): string {
  const bitrate = isSparse ? NO_LIMIT : settings.bitrateKbps;
  const limits = `<tt:RateControl><tt:FrameRateLimit>${settings.rate}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>${bitrate}</tt:BitrateLimit></tt:RateControl>`;
  const size = `<tt:Resolution>${resolution(settings)}</tt:Resolution>`;
  return [
    `<tt:Name>Encoder ${kind}</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>`,
    `${isSparse && kind === 'sub' ? '' : size}<tt:Quality>${settings.quality}</tt:Quality>${isSparse && kind === 'main' ? '' : limits}`,
    `<tt:H264><tt:GovLength>${settings.rate * GOP_SECONDS}</tt:GovLength><tt:H264Profile>High</tt:H264Profile></tt:H264>`,
    `${MULTICAST}<tt:SessionTimeout>PT60S</tt:SessionTimeout>`,
  ].join('');
}

function encoder(tag: string, token: string, state: MediaState): string {
  const kind = kindOf(token);
  return `<${tag} token="${token}">${encoderConfiguration(kind, state.settings(kind), state.quirks().sparseEncoder)}</${tag}>`;
}

function profile(tag: string, key: ProfileKey, state: MediaState): string {
  const source = `<tt:VideoSourceConfiguration token="source_config_${key.source}">${sourceConfiguration(key.source)}</tt:VideoSourceConfiguration>`;
  const ptz = state.hasPtz && key.source === 0 ? ptzConfiguration('tt:PTZConfiguration') : '';
  const name = key.source === 0 ? key.kind : `${key.kind} ${key.source + 1}`;
  const token = profileToken(key);
  const audio = backchannelParts(state.backchannel, token, ['AudioOutput', 'AudioDecoder'], (part) => `tt:${part}Configuration`);
  const extension = audio === '' ? '' : `<tt:Extension>${audio}</tt:Extension>`;
  const video = encoder('tt:VideoEncoderConfiguration', encoderToken(key), state);
  return `<trt:${tag} token="${token}" fixed="true"><tt:Name>${name}</tt:Name>${source}${video}${ptz}${extension}</trt:${tag}>`;
}

/** The profiles that this version shows: it has no word for H.265. */
function shownProfiles(state: MediaState): readonly ProfileKey[] {
  const { sources, hidesH265 } = state.quirks();
  return profileKeys(sources).filter(({ kind }) => !hidesH265 || kind !== 'main');
}

function encoderOptions(body: XmlElement, state: MediaState): string {
  const byEncoder = textAt(body, 'ConfigurationToken') === undefined ? undefined : kindOf(namedEncoder(body, state));
  const byProfile = textAt(body, 'ProfileToken') === undefined ? undefined : namedProfile(body, state);
  const kind = byEncoder ?? byProfile;
  const offers = (kind === undefined ? KINDS : [kind]).map((one) => state.offer(one));
  const rates = { min: Math.min(...offers.map((one) => one.rates.min)), max: Math.max(...offers.map((one) => one.rates.max)) };
  const sizes = offers.flatMap((one) =>
    one.resolutions.map((size) => `<tt:ResolutionsAvailable>${resolution(size)}</tt:ResolutionsAvailable>`),
  );
  const h264 = [
    ...sizes,
    range('GovLengthRange', GOV_RANGE),
    range('FrameRateRange', rates),
    range('EncodingIntervalRange', { min: 1, max: 1 }),
    '<tt:H264ProfilesSupported>High</tt:H264ProfilesSupported>',
  ].join('');
  const bitrates = { min: 32, max: Math.max(...offers.map((one) => one.bitrates.max)) };
  const extension = `<tt:Extension><tt:H264>${h264}${range('BitrateRange', bitrates)}</tt:H264></tt:Extension>`;
  const options = `${range('QualityRange', QUALITY_RANGE)}<tt:H264>${h264}</tt:H264>${extension}`;
  return respond('GetVideoEncoderConfigurationOptions', `<trt:Options>${options}</trt:Options>`);
}

/** What the quirk about complete requests refuses beyond what every camera does: multicast to nowhere. */
export function checkMulticast(configuration: XmlElement, state: MediaState): void {
  const multicast = child(configuration, 'Multicast');
  if (state.quirks().setNeedsAll && multicast !== undefined && (textAt(multicast, 'Address', 'IPv4Address') ?? '0.0.0.0') === '0.0.0.0')
    throw new SoapFault('Sender', ['ter:InvalidArgVal', 'ter:ConfigModify'], 'Multicast address 0.0.0.0 is not valid');
}

function setEncoder(body: XmlElement, state: MediaState): string {
  const configuration = child(body, 'Configuration');
  const token = configuration?.attributes.get('token');
  if (configuration === undefined || token === undefined || !/^(true|false|0|1)$/.test(textAt(body, 'ForcePersistence') ?? '')) {
    throw new SoapFault('Sender', ['ter:InvalidArgs'], 'Configuration with token and ForcePersistence are needed');
  }
  if (!encoderTokens(state).includes(token)) throw invalidArgument('NoConfig', 'No such configuration');
  const settings = readSettings(configuration, state.offer(kindOf(token)));
  checkMulticast(configuration, state);
  state.apply(kindOf(token), settings);
  return respond('SetVideoEncoderConfiguration');
}

function checkSetup(body: XmlElement): void {
  const setup = child(body, 'StreamSetup');
  const protocol = textAt(setup, 'Transport', 'Protocol');
  if (textAt(setup, 'Stream') !== 'RTP-Unicast' || protocol === undefined || !['RTSP', 'TCP'].includes(protocol)) {
    throw invalidArgument('InvalidStreamSetup', 'Only RTP-Unicast over RTSP (TCP) is supported');
  }
}

const mediaUri = (name: string, uri: string): string => {
  const facts =
    '<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout>';
  return respond(name, `<trt:MediaUri><tt:Uri>${escapeXml(uri)}</tt:Uri>${facts}</trt:MediaUri>`);
};

/** The service over one camera's state. */
export function mediaService(state: MediaState): Service {
  const sources = () => Array.from({ length: state.quirks().sources }, (_, source) => source);
  return {
    GetServiceCapabilities: serviceCapabilities('trt'),
    GetProfiles: reads([], () =>
      respond(
        'GetProfiles',
        shownProfiles(state)
          .map((key) => profile('Profiles', key, state))
          .join(''),
      ),
    ),
    GetProfile: reads(['ProfileToken'], (body) => {
      const kind = namedProfile(body, state);
      const key = profileKeys(state.quirks().sources).find((one) => profileToken(one) === textAt(body, 'ProfileToken'));
      return respond('GetProfile', profile('Profile', key ?? { kind, source: 0 }, state));
    }),
    GetVideoSources: reads([], () => {
      const facts = `<tt:Framerate>25</tt:Framerate><tt:Resolution>${resolution({ width: 1280, height: 720 })}</tt:Resolution>`;
      const rows = sources().map((source) => `<trt:VideoSources token="${sourceToken(source)}">${facts}</trt:VideoSources>`);
      return respond('GetVideoSources', rows.join(''));
    }),
    GetVideoSourceConfigurations: reads([], () => {
      const rows = sources().map(
        (source) => `<trt:Configurations token="source_config_${source}">${sourceConfiguration(source)}</trt:Configurations>`,
      );
      return respond('GetVideoSourceConfigurations', rows.join(''));
    }),
    GetVideoEncoderConfigurations: reads([], () => {
      const rows = shownProfiles(state).map((key) => encoder('trt:Configurations', encoderToken(key), state));
      return respond('GetVideoEncoderConfigurations', rows.join(''));
    }),
    GetVideoEncoderConfiguration: reads(['ConfigurationToken'], (body) => {
      return respond('GetVideoEncoderConfiguration', encoder('trt:Configuration', namedEncoder(body, state), state));
    }),
    GetVideoEncoderConfigurationOptions: reads(['ConfigurationToken', 'ProfileToken'], (body) => encoderOptions(body, state)),
    SetVideoEncoderConfiguration: acts(['Configuration', 'ForcePersistence'], (body) => setEncoder(body, state)),
    GetStreamUri: reads(['StreamSetup', 'ProfileToken'], (body, call) => {
      const kind = namedProfile(body, state);
      checkSetup(body);
      return mediaUri('GetStreamUri', call.streamUri(kind));
    }),
    GetSnapshotUri: reads(['ProfileToken'], (body, call) => {
      return mediaUri('GetSnapshotUri', snapshotUri(state, call, namedProfile(body, state)));
    }),
    SetSynchronizationPoint: acts(['ProfileToken'], (body) => {
      state.synchronize(namedProfile(body, state));
      return respond('SetSynchronizationPoint');
    }),
    ...audioOperations1(state.backchannel, () => profileTokens(state.quirks().sources)),
    ...overlayOperations('trt', state.overlays),
  };
}
