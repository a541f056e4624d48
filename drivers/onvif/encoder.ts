import * as z from 'zod/mini';
import { type CameraStream, DriverError, type VideoEncoderOptions, type VideoEncoderSettings } from '../port.js';
import { Encoder, EncoderOptions, encoderOffers, encoderRequest, encoderSettings } from './encoder-shape.js';
import type { Ask } from './services.js';
import { read } from './shapes.js';
import { escapeXml } from './xml.js';

const Configuration = z.object({ Configuration: Encoder });

async function askEncoder(ask: Ask, token: string): Promise<Encoder> {
  const body = `<trt:GetVideoEncoderConfiguration><trt:ConfigurationToken>${escapeXml(token)}</trt:ConfigurationToken></trt:GetVideoEncoderConfiguration>`;
  return read(Configuration, await ask('media', 'GetVideoEncoderConfiguration', body), 'encoder settings').Configuration;
}

/** GetVideoEncoderConfigurationOptions for the codec the stream has now. */
export async function askEncoderOptions(ask: Ask, stream: CameraStream): Promise<VideoEncoderOptions> {
  const body =
    `<trt:GetVideoEncoderConfigurationOptions><trt:ConfigurationToken>${escapeXml(stream.encoderToken)}</trt:ConfigurationToken>` +
    `<trt:ProfileToken>${escapeXml(stream.profileToken)}</trt:ProfileToken></trt:GetVideoEncoderConfigurationOptions>`;
  const said = read(EncoderOptions, await ask('media', 'GetVideoEncoderConfigurationOptions', body), 'encoder options');
  const offers = encoderOffers(said, stream.video.codec);
  if (offers === undefined) throw new DriverError('camera.unsupported', `the camera offers no settings for ${stream.video.codec}`);
  return offers;
}

/** Reads, changes, writes, reads back. `camera.refused` carries the camera's own reason. */
export async function changeEncoder(ask: Ask, stream: CameraStream, wanted: VideoEncoderSettings): Promise<VideoEncoderSettings> {
  const before = await askEncoder(ask, stream.encoderToken);
  if (encoderSettings(before)?.codec !== wanted.codec) {
    throw new DriverError('camera.unsupported', 'the codec of a stream is not changed', {
      detail: { has: before.Encoding, wanted: wanted.codec },
    });
  }
  await ask('media', 'SetVideoEncoderConfiguration', encoderRequest(before, wanted));
  const after = encoderSettings(await askEncoder(ask, stream.encoderToken));
  if (after === undefined) throw new DriverError('camera.bad_answer', 'the camera now names a codec that we do not know');
  return after;
}
