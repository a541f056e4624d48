import * as z from 'zod/mini';
import type { VideoEncoderSettings } from '../port.js';
import { Encoder, encoderSettings } from './encoder-shape.js';
import type { Ask } from './services.js';
import { attributes, first, many, read, text } from './shapes.js';
import { escapeXml } from './xml.js';

const Profile = z.object({
  $: attributes('token'),
  Name: text,
  VideoSourceConfiguration: first(z.object({ SourceToken: text })),
  VideoEncoderConfiguration: first(Encoder),
  PTZConfiguration: first(z.object({ NodeToken: text })),
});
const Profiles = z.object({ Profiles: many(Profile) });
const StreamUri = z.object({ MediaUri: z.object({ Uri: text }) });

/** A Media1 profile, reduced to what is used. */
export interface MediaProfile {
  readonly token: string;
  readonly name: string;
  /** Empty when the profile has no video source. */
  readonly sourceToken: string;
  readonly encoder: { readonly token: string; readonly video: VideoEncoderSettings } | undefined;
  /** Empty without PTZ. */
  readonly ptzNodeToken: string;
}

/** GetProfiles, in the camera's order; profiles without a token cannot be used and are left out. */
export async function askProfiles(ask: Ask): Promise<readonly MediaProfile[]> {
  const { Profiles: all } = read(Profiles, await ask('media', 'GetProfiles', '<trt:GetProfiles/>'), 'profiles');
  return all
    .filter((profile) => profile.$.token !== '')
    .map((profile) => {
      const encoder = profile.VideoEncoderConfiguration;
      const video = encoder === undefined ? undefined : encoderSettings(encoder);
      return {
        token: profile.$.token,
        name: profile.Name,
        sourceToken: profile.VideoSourceConfiguration?.SourceToken ?? '',
        encoder: encoder === undefined || video === undefined ? undefined : { token: encoder.$.token, video },
        ptzNodeToken: profile.PTZConfiguration?.NodeToken ?? '',
      };
    });
}

/** GetStreamUri for RTP over RTSP over TCP, as the camera wrote it. */
export async function askStreamUri(ask: Ask, profileToken: string): Promise<string> {
  const body =
    '<trt:GetStreamUri><trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>' +
    `</trt:StreamSetup><trt:ProfileToken>${escapeXml(profileToken)}</trt:ProfileToken></trt:GetStreamUri>`;
  return read(StreamUri, await ask('media', 'GetStreamUri', body), 'stream address').MediaUri.Uri;
}

/** SetSynchronizationPoint: the camera sends an intra picture as soon as it can. */
export async function askSynchronization(ask: Ask, profileToken: string): Promise<void> {
  const body = `<trt:SetSynchronizationPoint><trt:ProfileToken>${escapeXml(profileToken)}</trt:ProfileToken></trt:SetSynchronizationPoint>`;
  await ask('media', 'SetSynchronizationPoint', body);
}
