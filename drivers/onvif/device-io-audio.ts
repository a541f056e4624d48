import * as z from 'zod/mini';
import { type AudioBackchannel, type BackchannelDriver, DriverError } from '../port.js';
import type { LinkCall, OnvifLink } from './link.js';
import { MediaChoice, type MediaName } from './media-choice.js';
import { whereLacking } from './patience.js';
import { attributes, first, many, read, text } from './shapes.js';
import { escapeXml } from './xml.js';

const Outputs = z.object({ AudioOutputs: many(z.object({ $: attributes('token') })), Token: many(text) });
const Present = z.optional(z.unknown());
/** Media1 has an element per codec, Media2 one element that names its codec. */
const Decoder = z.object({ AACDecOptions: Present, G711DecOptions: Present, G726DecOptions: Present, Encoding: text });
const Decoders = z.object({ Options: many(Decoder) });
const Configuration = z.object({ $: attributes('token') });
const Configurations = z.object({ Configurations: many(Configuration) });
const Carriers1 = z.object({
  Profiles: many(
    z.object({
      $: attributes('token'),
      Extension: first(z.object({ AudioOutputConfiguration: first(Configuration), AudioDecoderConfiguration: first(Configuration) })),
    }),
  ),
});
const Carriers2 = z.object({
  Profiles: many(
    z.object({
      $: attributes('token'),
      Configurations: first(z.object({ AudioOutput: first(Configuration), AudioDecoder: first(Configuration) })),
    }),
  ),
});

type Codec = AudioBackchannel['codecs'][number];
const CODECS: readonly Codec[] = ['AAC', 'G711', 'G726'];
/** IANA's names of media types (RFC 3551, 3640, 6416), which Media2 uses, and Media1's own. */
const ENCODINGS: Readonly<Record<string, Codec>> = {
  'MP4A-LATM': 'AAC',
  'MPEG4-GENERIC': 'AAC',
  AAC: 'AAC',
  PCMU: 'G711',
  PCMA: 'G711',
  G711: 'G711',
  G726: 'G726',
};

/** What one profile has of the way back. */
interface Carrier {
  readonly token: string;
  readonly hasOutput: boolean;
  readonly hasDecoder: boolean;
}

const PREFIX: Readonly<Record<MediaName, string>> = { media: 'trt', media2: 'tr2' };
const element = (name: string, value: string): string => (value === '' ? '' : `<${name}>${escapeXml(value)}</${name}>`);

/** Media2 left the outputs to DeviceIO: that is asked where the older service has none. */
async function askOutputs(link: OnvifLink, { ask }: LinkCall): Promise<readonly string[]> {
  const places = (['media', 'deviceIo'] as const).filter((service) => link.has(service));
  for (const service of places) {
    const body = service === 'media' ? '<trt:GetAudioOutputs/>' : '<tmd:GetAudioOutputs/>';
    const tokens = await whereLacking([], async () => {
      const { AudioOutputs, Token } = read(Outputs, await ask(service, 'GetAudioOutputs', body), 'audio outputs');
      return [...AudioOutputs.map(({ $ }) => $.token), ...Token].filter((token) => token !== '');
    });
    if (tokens.length > 0) return tokens;
  }
  return [];
}

async function askCodecs({ ask }: LinkCall, service: MediaName, profileToken: string): Promise<readonly Codec[]> {
  const prefix = PREFIX[service];
  const name = 'GetAudioDecoderConfigurationOptions';
  const body = `<${prefix}:${name}>${element(`${prefix}:ProfileToken`, profileToken)}</${prefix}:${name}>`;
  const { Options } = read(Decoders, await ask(service, name, body), 'audio decoders');
  const named = new Set(
    Options.map(({ Encoding }) => (Object.hasOwn(ENCODINGS, Encoding.toUpperCase()) ? ENCODINGS[Encoding.toUpperCase()] : '')),
  );
  const codecs = CODECS.filter((codec) => named.has(codec) || Options.some((one) => one[`${codec}DecOptions`] !== undefined));
  // The other service may know more.
  if (codecs.length === 0) throw new DriverError('camera.unsupported', `the ${service} service names no decoder`);
  return codecs;
}

async function askCarriers({ ask }: LinkCall, service: MediaName): Promise<readonly Carrier[]> {
  if (service === 'media') {
    const { Profiles } = read(Carriers1, await ask('media', 'GetProfiles', '<trt:GetProfiles/>'), 'profiles');
    return Profiles.map(({ $, Extension }) => ({
      token: $.token,
      hasOutput: Extension?.AudioOutputConfiguration !== undefined,
      hasDecoder: Extension?.AudioDecoderConfiguration !== undefined,
    }));
  }
  const body = '<tr2:GetProfiles><tr2:Type>AudioOutput</tr2:Type><tr2:Type>AudioDecoder</tr2:Type></tr2:GetProfiles>';
  const { Profiles } = read(Carriers2, await ask('media2', 'GetProfiles', body), 'profiles');
  return Profiles.map(({ $, Configurations: has }) => ({
    token: $.token,
    hasOutput: has?.AudioOutput !== undefined,
    hasDecoder: has?.AudioDecoder !== undefined,
  }));
}

async function describe(link: OnvifLink, media: MediaChoice, call: LinkCall): Promise<AudioBackchannel | undefined> {
  const outputs = await askOutputs(link, call);
  if (outputs.length === 0) return undefined;
  const codecs = await whereLacking([], () => media.either((service) => askCodecs(call, service, link.profileToken)));
  const carriers = await whereLacking([], () => media.either((service) => askCarriers(call, service)));
  const profiles = carriers.filter(({ hasOutput, hasDecoder }) => hasOutput && hasDecoder).map(({ token }) => token);
  return { outputs, codecs, profiles };
}

async function firstConfiguration({ ask }: LinkCall, service: MediaName, what: string): Promise<string> {
  const name = `Get${what}Configurations`;
  const { Configurations: all } = read(Configurations, await ask(service, name, `<${PREFIX[service]}:${name}/>`), 'audio configurations');
  const token = all.map(({ $ }) => $.token).find((one) => one !== '');
  if (token === undefined) throw new DriverError('camera.unsupported', 'the camera has no way back for sound');
  return token;
}

async function add(call: LinkCall, service: MediaName, profileToken: string, what: string): Promise<void> {
  const token = await firstConfiguration(call, service, what);
  if (service === 'media') {
    const name = `Add${what}Configuration`;
    const body = `<trt:${name}>${element('trt:ProfileToken', profileToken)}${element('trt:ConfigurationToken', token)}</trt:${name}>`;
    await call.ask('media', name, body);
    return;
  }
  const configuration = `<tr2:Configuration>${element('tr2:Type', what)}${element('tr2:Token', token)}</tr2:Configuration>`;
  const body = `<tr2:AddConfiguration>${element('tr2:ProfileToken', profileToken)}${configuration}</tr2:AddConfiguration>`;
  await call.ask('media2', 'AddConfiguration', body);
}

async function bind(media: MediaChoice, call: LinkCall, profileToken: string): Promise<void> {
  await media.either(async (service) => {
    const profile = (await askCarriers(call, service)).find(({ token }) => token === profileToken);
    if (profile === undefined) throw new DriverError('camera.refused', 'the camera has no such profile', { detail: { profileToken } });
    if (!profile.hasOutput) await add(call, service, profileToken, 'AudioOutput');
    if (!profile.hasDecoder) await add(call, service, profileToken, 'AudioDecoder');
  });
}

/** Whether and how the camera takes sound; undefined without media service. Sends nothing yet. */
export function openBackchannel(link: OnvifLink): BackchannelDriver | undefined {
  if (!link.has('media') && !link.has('media2')) return undefined;
  const media = new MediaChoice((service) => link.has(service));
  return {
    describe: (options) => link.run(options, (call) => whereLacking(undefined, () => describe(link, media, call))),
    bind: (profileToken, options) => link.run(options, (call) => bind(media, call, profileToken)),
  };
}
