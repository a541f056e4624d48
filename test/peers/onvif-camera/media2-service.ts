/** The Media service, version 2 (Profile T): one configuration for every codec. */
import { audioOperations2, backchannelParts } from './audio-operations.js';
import { type EncoderOffer, type EncoderSettings, GOP_SECONDS, GOV_RANGE, QUALITY_RANGE, readSettings2 } from './encoders.js';
import { checkMulticast } from './media-service.js';
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
import { encoderToken, kindOf, type ProfileKey, profileKeys, profileToken } from './tokens.js';
import { child, escapeXml, textAt, type XmlElement } from './xml.js';

const respond = (name: string, inner = ''): string => `<tr2:${name}Response>${inner}</tr2:${name}Response>`;

/** A CGI program that died, as its web server says it; not a SOAP answer at all. */
export class DeadProgram extends Error {}

function encoder(tag: string, token: string, state: MediaState): string {
  const kind = kindOf(token);
  const settings: EncoderSettings = state.settings(kind);
  const { sparseEncoder, hidesH265 } = state.quirks();
  const isH265 = hidesH265 && kind === 'main';
  const limits = `<tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>${settings.rate}</tt:FrameRateLimit><tt:BitrateLimit>${sparseEncoder ? 2_147_483_647 : settings.bitrateKbps}</tt:BitrateLimit></tt:RateControl>`;
  const parts = [
    `<tt:Name>Encoder ${kind}</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>${isH265 ? 'H265' : 'H264'}</tt:Encoding>`,
    sparseEncoder && kind === 'sub' ? '' : `<tt:Resolution>${resolution(settings)}</tt:Resolution>`,
    sparseEncoder && kind === 'main' ? '' : limits,
    `${MULTICAST}<tt:Quality>${settings.quality}</tt:Quality>`,
  ];
  return `<${tag} token="${token}" GovLength="${settings.rate * GOP_SECONDS}" Profile="${isH265 ? 'Main' : 'High'}">${parts.join('')}</${tag}>`;
}

/** A profile with the kinds of configuration that were asked for. */
function profile(key: ProfileKey, state: MediaState, types: readonly string[]): string {
  const wants = (type: string): boolean => types.includes('All') || types.includes(type);
  const configurations = [
    wants('VideoSource') ? `<tr2:VideoSource token="source_config_${key.source}">${sourceConfiguration(key.source)}</tr2:VideoSource>` : '',
    wants('VideoEncoder') ? encoder('tr2:VideoEncoder', encoderToken(key), state) : '',
    wants('PTZ') && state.hasPtz && key.source === 0 ? ptzConfiguration('tr2:PTZ') : '',
    backchannelParts(
      state.backchannel,
      profileToken(key),
      (['AudioOutput', 'AudioDecoder'] as const).filter(wants),
      (part) => `tr2:${part}`,
    ),
  ].join('');
  const name = key.source === 0 ? key.kind : `${key.kind} ${key.source + 1}`;
  const inside = configurations === '' ? '' : `<tr2:Configurations>${configurations}</tr2:Configurations>`;
  return `<tr2:Profiles token="${profileToken(key)}" fixed="true"><tr2:Name>${name}</tr2:Name>${inside}</tr2:Profiles>`;
}

function getProfiles(body: XmlElement, state: MediaState): string {
  const { sources, media2Dies } = state.quirks();
  const types = body.children.filter((one) => one.name === 'Type').map((one) => one.text.trim());
  if (media2Dies && types.includes('All')) throw new DeadProgram();
  const keys = profileKeys(sources);
  const token = textAt(body, 'Token');
  const wanted = token === undefined ? keys : keys.filter((key) => profileToken(key) === token);
  if (wanted.length === 0) throw invalidArgument('NoProfile', 'No such profile');
  return respond('GetProfiles', wanted.map((key) => profile(key, state, types)).join(''));
}

function options(kind: StreamKind, offer: EncoderOffer, codec: string): string {
  const range = (name: string, limits: { min: number; max: number }): string =>
    `<tt:${name}><tt:Min>${limits.min}</tt:Min><tt:Max>${limits.max}</tt:Max></tt:${name}>`;
  const sizes = offer.resolutions.map((size) => `<tt:ResolutionsAvailable>${resolution(size)}</tt:ResolutionsAvailable>`).join('');
  const { min, max } = offer.rates;
  const rates = [...new Set([max, Math.round((min + max) / 2), min])].join(' ');
  const attributes = `GovLengthRange="${GOV_RANGE.min} ${GOV_RANGE.max}" FrameRatesSupported="${rates}" ProfilesSupported="${codec === 'H265' ? 'Main' : 'High'}"`;
  const inner = `<tt:Encoding>${codec}</tt:Encoding>${range('QualityRange', QUALITY_RANGE)}${sizes}${range('BitrateRange', offer.bitrates)}`;
  return kind === undefined ? '' : `<tr2:Options ${attributes}>${inner}</tr2:Options>`;
}

function encoderOptions(body: XmlElement, state: MediaState): string {
  const byEncoder = textAt(body, 'ConfigurationToken') === undefined ? undefined : kindOf(namedEncoder(body, state));
  const byProfile = textAt(body, 'ProfileToken') === undefined ? undefined : namedProfile(body, state);
  const kind = byEncoder ?? byProfile ?? 'main';
  const codec = state.quirks().hidesH265 && kind === 'main' ? 'H265' : 'H264';
  return respond('GetVideoEncoderConfigurationOptions', options(kind, state.offer(kind), codec));
}

function setEncoder(body: XmlElement, state: MediaState): string {
  const configuration = child(body, 'Configuration');
  const token = configuration?.attributes.get('token');
  if (configuration === undefined || token === undefined) throw new SoapFault('Sender', ['ter:InvalidArgs'], 'Configuration is missing');
  if (!encoderTokens(state).includes(token)) throw invalidArgument('NoConfig', 'No such configuration');
  const kind = kindOf(token);
  const codec = state.quirks().hidesH265 && kind === 'main' ? 'H265' : 'H264';
  const settings = readSettings2(configuration, state.offer(kind), codec, state.settings(kind));
  checkMulticast(configuration, state);
  state.apply(kind, settings);
  return respond('SetVideoEncoderConfiguration');
}

/** The service over one camera's state. */
export function media2Service(state: MediaState): Service {
  const sources = () => Array.from({ length: state.quirks().sources }, (_, source) => source);
  const filter = ['ConfigurationToken', 'ProfileToken'];
  return {
    GetServiceCapabilities: serviceCapabilities('tr2', state.backchannel.isThere),
    GetProfiles: { ...reads(['Token', 'Type'], (body) => getProfiles(body, state)), repeats: ['Type'] },
    GetVideoSourceConfigurations: reads(filter, () => {
      const rows = sources().map(
        (one) => `<tr2:Configurations token="source_config_${one}">${sourceConfiguration(one)}</tr2:Configurations>`,
      );
      return respond('GetVideoSourceConfigurations', rows.join(''));
    }),
    GetVideoEncoderConfigurations: reads(filter, (body) => {
      const named = textAt(body, 'ConfigurationToken') === undefined ? undefined : namedEncoder(body, state);
      const kind = textAt(body, 'ProfileToken') === undefined ? undefined : namedProfile(body, state);
      const tokens = encoderTokens(state).filter((token) => (named ?? token) === token && (kind ?? kindOf(token)) === kindOf(token));
      return respond('GetVideoEncoderConfigurations', tokens.map((token) => encoder('tr2:Configurations', token, state)).join(''));
    }),
    GetVideoEncoderConfigurationOptions: reads(filter, (body) => encoderOptions(body, state)),
    SetVideoEncoderConfiguration: acts(['Configuration'], (body) => setEncoder(body, state)),
    GetVideoEncoderInstances: reads(['ConfigurationToken'], () => {
      const codec = '<tr2:Codec><tr2:Encoding>H264</tr2:Encoding><tr2:Number>2</tr2:Number></tr2:Codec>';
      return respond('GetVideoEncoderInstances', `<tr2:Info>${codec}<tr2:Total>2</tr2:Total></tr2:Info>`);
    }),
    GetStreamUri: reads(['Protocol', 'ProfileToken'], (body, call) => {
      const kind = namedProfile(body, state);
      if (!['RTSP', 'RtspUnicast', 'RtspOverHttp'].includes(textAt(body, 'Protocol') ?? ''))
        throw invalidArgument('InvalidStreamSetup', 'This protocol is not supported');
      return respond('GetStreamUri', `<tr2:Uri>${escapeXml(call.streamUri(kind))}</tr2:Uri>`);
    }),
    GetSnapshotUri: reads(['ProfileToken'], (body, call) => {
      return respond('GetSnapshotUri', `<tr2:Uri>${escapeXml(snapshotUri(state, call, namedProfile(body, state)))}</tr2:Uri>`);
    }),
    SetSynchronizationPoint: acts(['ProfileToken'], (body) => {
      state.synchronize(namedProfile(body, state));
      return respond('SetSynchronizationPoint');
    }),
    ...audioOperations2(state.backchannel, () => profileTokens(state.quirks().sources)),
    ...overlayOperations('tr2', state.overlays),
  };
}
