/** The Media service (version 1): profiles, encoders, stream and snapshot addresses. */
import { requireToken, serviceCapabilities } from './device-service.js';
import { type EncoderOffer, type EncoderSettings, GOP_SECONDS, GOV_RANGE, QUALITY_RANGE, readSettings } from './encoders.js';
import type { Operation, Service } from './operation.js';
import { ptzConfiguration } from './ptz-service.js';
import type { StreamKind } from './rtsp-context.js';
import { invalidArgument, SoapFault } from './soap.js';
import { ENCODER_TOKENS, KINDS, kindOf, PROFILE_TOKENS } from './tokens.js';
import { child, escapeXml, textAt, type XmlElement } from './xml.js';

/** The camera's state as this service needs it. */
export interface MediaState {
  readonly hasPtz: boolean;
  settings(kind: StreamKind): EncoderSettings;
  offer(kind: StreamKind): EncoderOffer;
  apply(kind: StreamKind, settings: EncoderSettings): void;
  synchronize(kind: StreamKind): void;
}

const SOURCE = 'source_0';

const respond = (name: string, inner: string): string => `<trt:${name}Response>${inner}</trt:${name}Response>`;
const resolution = (size: { width: number; height: number }): string =>
  `<tt:Width>${size.width}</tt:Width><tt:Height>${size.height}</tt:Height>`;
const range = (name: string, limits: { min: number; max: number }): string =>
  `<tt:${name}><tt:Min>${limits.min}</tt:Min><tt:Max>${limits.max}</tt:Max></tt:${name}>`;

const SOURCE_CONFIGURATION = `<tt:Name>Sensor</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>${SOURCE}</tt:SourceToken><tt:Bounds x="0" y="0" width="1280" height="720"/>`;

function encoderConfiguration(kind: StreamKind, settings: EncoderSettings): string {
  const limits = `<tt:FrameRateLimit>${settings.rate}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>${settings.bitrateKbps}</tt:BitrateLimit>`;
  return [
    `<tt:Name>Encoder ${kind}</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>`,
    `<tt:Resolution>${resolution(settings)}</tt:Resolution><tt:Quality>${settings.quality}</tt:Quality><tt:RateControl>${limits}</tt:RateControl>`,
    `<tt:H264><tt:GovLength>${settings.rate * GOP_SECONDS}</tt:GovLength><tt:H264Profile>High</tt:H264Profile></tt:H264>`,
    '<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>',
    '<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast><tt:SessionTimeout>PT60S</tt:SessionTimeout>',
  ].join('');
}

function profile(tag: string, kind: StreamKind, state: MediaState): string {
  const source = `<tt:VideoSourceConfiguration token="source_config_0">${SOURCE_CONFIGURATION}</tt:VideoSourceConfiguration>`;
  const encoder = `<tt:VideoEncoderConfiguration token="encoder_${kind}">${encoderConfiguration(kind, state.settings(kind))}</tt:VideoEncoderConfiguration>`;
  const ptz = state.hasPtz ? ptzConfiguration('tt:PTZConfiguration') : '';
  return `<trt:${tag} token="profile_${kind}" fixed="true"><tt:Name>${kind}</tt:Name>${source}${encoder}${ptz}</trt:${tag}>`;
}

function encoderOptions(body: XmlElement, state: MediaState): string {
  if (textAt(body, 'ConfigurationToken') !== undefined) requireToken(body, 'ConfigurationToken', ENCODER_TOKENS, 'NoConfig');
  if (textAt(body, 'ProfileToken') !== undefined) requireToken(body, 'ProfileToken', PROFILE_TOKENS, 'NoProfile');
  const token = textAt(body, 'ConfigurationToken') ?? textAt(body, 'ProfileToken');
  const offers = (token === undefined ? KINDS : [kindOf(token)]).map((kind) => state.offer(kind));
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

function setEncoder(body: XmlElement, state: MediaState): string {
  const configuration = child(body, 'Configuration');
  const token = configuration?.attributes.get('token');
  if (configuration === undefined || token === undefined || !/^(true|false|0|1)$/.test(textAt(body, 'ForcePersistence') ?? '')) {
    throw new SoapFault('Sender', ['ter:InvalidArgs'], 'Configuration with token and ForcePersistence are needed');
  }
  if (!ENCODER_TOKENS.includes(token)) throw invalidArgument('NoConfig', 'No such configuration');
  state.apply(kindOf(token), readSettings(configuration, state.offer(kindOf(token))));
  return respond('SetVideoEncoderConfiguration', '');
}

function streamUri(body: XmlElement, uri: (kind: StreamKind) => string): string {
  const setup = child(body, 'StreamSetup');
  const protocol = textAt(setup, 'Transport', 'Protocol');
  const token = requireToken(body, 'ProfileToken', PROFILE_TOKENS, 'NoProfile');
  if (textAt(setup, 'Stream') !== 'RTP-Unicast' || protocol === undefined || !['RTSP', 'TCP'].includes(protocol)) {
    throw invalidArgument('InvalidStreamSetup', 'Only RTP-Unicast over RTSP (TCP) is supported');
  }
  return mediaUri('GetStreamUri', uri(kindOf(token)));
}

const mediaUri = (name: string, uri: string): string => {
  const facts =
    '<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout>';
  return respond(name, `<trt:MediaUri><tt:Uri>${escapeXml(uri)}</tt:Uri>${facts}</trt:MediaUri>`);
};

const reads = (takes: readonly string[], answer: Operation['answer']): Operation => ({ access: 'READ_MEDIA', takes, answer });

/** The service over one camera's state. */
export function mediaService(state: MediaState): Service {
  const encoder = (tag: string, kind: StreamKind): string =>
    `<trt:${tag} token="encoder_${kind}">${encoderConfiguration(kind, state.settings(kind))}</trt:${tag}>`;
  return {
    GetServiceCapabilities: serviceCapabilities('trt'),
    GetProfiles: reads([], () => respond('GetProfiles', KINDS.map((kind) => profile('Profiles', kind, state)).join(''))),
    GetProfile: reads(['ProfileToken'], (body) => {
      return respond('GetProfile', profile('Profile', kindOf(requireToken(body, 'ProfileToken', PROFILE_TOKENS, 'NoProfile')), state));
    }),
    GetVideoSources: reads([], () => {
      const { width, height, rate } = { width: 1280, height: 720, rate: 25 };
      const facts = `<tt:Framerate>${rate}</tt:Framerate><tt:Resolution>${resolution({ width, height })}</tt:Resolution>`;
      return respond('GetVideoSources', `<trt:VideoSources token="${SOURCE}">${facts}</trt:VideoSources>`);
    }),
    GetVideoSourceConfigurations: reads([], () => {
      return respond(
        'GetVideoSourceConfigurations',
        `<trt:Configurations token="source_config_0">${SOURCE_CONFIGURATION}</trt:Configurations>`,
      );
    }),
    GetVideoEncoderConfigurations: reads([], () => {
      return respond('GetVideoEncoderConfigurations', KINDS.map((kind) => encoder('Configurations', kind)).join(''));
    }),
    GetVideoEncoderConfiguration: reads(['ConfigurationToken'], (body) => {
      const token = requireToken(body, 'ConfigurationToken', ENCODER_TOKENS, 'NoConfig');
      return respond('GetVideoEncoderConfiguration', encoder('Configuration', kindOf(token)));
    }),
    GetVideoEncoderConfigurationOptions: reads(['ConfigurationToken', 'ProfileToken'], (body) => encoderOptions(body, state)),
    SetVideoEncoderConfiguration: {
      access: 'ACTUATE',
      takes: ['Configuration', 'ForcePersistence'],
      answer: (body) => setEncoder(body, state),
    },
    GetStreamUri: reads(['StreamSetup', 'ProfileToken'], (body, call) => streamUri(body, call.streamUri)),
    GetSnapshotUri: reads(['ProfileToken'], (body, { baseUri }) => {
      requireToken(body, 'ProfileToken', PROFILE_TOKENS, 'NoProfile');
      return mediaUri('GetSnapshotUri', `${baseUri}/onvif/snapshot.jpg`);
    }),
    SetSynchronizationPoint: {
      access: 'ACTUATE',
      takes: ['ProfileToken'],
      answer: (body) => {
        state.synchronize(kindOf(requireToken(body, 'ProfileToken', PROFILE_TOKENS, 'NoProfile')));
        return respond('SetSynchronizationPoint', '');
      },
    },
  };
}
