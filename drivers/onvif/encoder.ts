import * as z from 'zod/mini';
import { type CameraStream, DriverError, type VideoEncoderOptions, type VideoEncoderSettings } from '../port.js';
import { Encoder, EncoderOptions, encoderOffers, encoderRequest, encoderSettings, isUsableMulticast } from './encoder-shape.js';
import { Encoder2, Encoder2Options, encoder2Offers, encoder2Request, encoder2Settings } from './encoder2-shape.js';
import type { MediaChoice } from './media-choice.js';
import type { Ask } from './services.js';
import { many, read } from './shapes.js';
import { escapeXml } from './xml.js';

const Configuration = z.object({ Configuration: Encoder });
const Configurations2 = z.object({ Configurations: many(Encoder2) });

/** What setting needs of a stream; any profile with an encoder will do. */
export type EncoderPlace = Pick<CameraStream, 'encoderToken' | 'profileToken' | 'video'>;

async function askEncoder(ask: Ask, token: string): Promise<Encoder> {
  const body = `<trt:GetVideoEncoderConfiguration><trt:ConfigurationToken>${escapeXml(token)}</trt:ConfigurationToken></trt:GetVideoEncoderConfiguration>`;
  return read(Configuration, await ask('media', 'GetVideoEncoderConfiguration', body), 'encoder settings').Configuration;
}

async function askEncoder2(ask: Ask, token: string): Promise<Encoder2> {
  const body = `<tr2:GetVideoEncoderConfigurations><tr2:ConfigurationToken>${escapeXml(token)}</tr2:ConfigurationToken></tr2:GetVideoEncoderConfigurations>`;
  const said = read(Configurations2, await ask('media2', 'GetVideoEncoderConfigurations', body), 'encoder settings').Configurations;
  // Some cameras give all of them whatever was asked for.
  const own = said.find(({ $ }) => $.token === token);
  if (own === undefined) throw new DriverError('camera.bad_answer', 'the camera does not tell the settings of this encoder');
  return own;
}

/** What the camera offers for the codec the stream has now. */
export function askEncoderOptions(ask: Ask, media: MediaChoice, place: EncoderPlace): Promise<VideoEncoderOptions> {
  return media.either(async (service) => {
    const prefix = service === 'media2' ? 'tr2' : 'trt';
    const body =
      `<${prefix}:GetVideoEncoderConfigurationOptions><${prefix}:ConfigurationToken>${escapeXml(place.encoderToken)}</${prefix}:ConfigurationToken>` +
      `<${prefix}:ProfileToken>${escapeXml(place.profileToken)}</${prefix}:ProfileToken></${prefix}:GetVideoEncoderConfigurationOptions>`;
    const said = await ask(service, 'GetVideoEncoderConfigurationOptions', body);
    const { codec } = place.video;
    const offers =
      service === 'media2'
        ? encoder2Offers(read(Encoder2Options, said, 'encoder options'), codec)
        : encoderOffers(read(EncoderOptions, said, 'encoder options'), codec);
    if (offers === undefined) throw new DriverError('camera.unsupported', `the camera offers no settings for ${codec}`);
    return offers;
  });
}

function assertSameCodec(has: VideoEncoderSettings | undefined, wanted: VideoEncoderSettings, encoding: string): void {
  if (has?.codec === wanted.codec) return;
  throw new DriverError('camera.unsupported', 'the codec of a stream is not changed', { detail: { has: encoding, wanted: wanted.codec } });
}

function known(after: VideoEncoderSettings | undefined): VideoEncoderSettings {
  if (after === undefined) throw new DriverError('camera.bad_answer', 'the camera now names a codec that we do not know');
  return after;
}

/** Media1 cannot leave multicast out: a site-local group (RFC 2365) that nothing is sent to, for cameras that refuse their own 0.0.0.0. */
const UNUSED_MULTICAST = {
  Address: { Type: 'IPv4', IPv4Address: '239.255.0.1', IPv6Address: '' },
  Port: '32000',
  TTL: '1',
  AutoStart: 'false',
} as const;

async function change1(ask: Ask, before: Encoder, token: string, wanted: VideoEncoderSettings): Promise<VideoEncoderSettings> {
  assertSameCodec(encoderSettings(before), wanted, before.Encoding);
  const set = (from: Encoder) => ask('media', 'SetVideoEncoderConfiguration', encoderRequest(from, wanted));
  try {
    await set(before);
  } catch (error) {
    const isMulticast = before.Multicast !== undefined && !isUsableMulticast(before.Multicast);
    if (!isMulticast || !(error instanceof DriverError) || error.code !== 'camera.refused') throw error;
    await set({ ...before, Multicast: { ...UNUSED_MULTICAST, TTL: before.Multicast?.TTL || UNUSED_MULTICAST.TTL } });
  }
  return known(encoderSettings(await askEncoder(ask, token)));
}

async function change2(ask: Ask, before: Encoder2, token: string, wanted: VideoEncoderSettings): Promise<VideoEncoderSettings> {
  assertSameCodec(encoder2Settings(before), wanted, before.Encoding);
  const set = (withMulticast: boolean) => ask('media2', 'SetVideoEncoderConfiguration', encoder2Request(before, wanted, withMulticast));
  try {
    await set(true);
  } catch (error) {
    const isMulticast = before.Multicast !== undefined && !isUsableMulticast(before.Multicast);
    if (!isMulticast || !(error instanceof DriverError) || error.code !== 'camera.refused') throw error;
    await set(false);
  }
  return known(encoder2Settings(await askEncoder2(ask, token)));
}

/** Reads, changes, writes, reads back, all over the service that tells the settings. `camera.refused` carries the camera's own reason. */
export async function changeEncoder(
  ask: Ask,
  media: MediaChoice,
  place: EncoderPlace,
  wanted: VideoEncoderSettings,
): Promise<VideoEncoderSettings> {
  const { encoderToken: token } = place;
  const before = await media.either(async (service) =>
    service === 'media2' ? { two: await askEncoder2(ask, token) } : { one: await askEncoder(ask, token) },
  );
  return before.two === undefined ? change1(ask, before.one, token, wanted) : change2(ask, before.two, token, wanted);
}
