import * as z from 'zod/mini';
import { DriverError } from '../port.js';
import { Encoder, encoderSettings } from './encoder-shape.js';
import type { MediaChoice, MediaName } from './media-choice.js';
import type { MediaProfile } from './media-profile.js';
import { askProfiles2 } from './media2.js';
import type { Ask } from './services.js';
import { attributes, first, many, read, text } from './shapes.js';
import { escapeXml } from './xml.js';

const Profile = z.object({
  $: attributes('token'),
  Name: text,
  VideoSourceConfiguration: first(z.object({ $: attributes('token'), SourceToken: text })),
  VideoEncoderConfiguration: first(Encoder),
  PTZConfiguration: first(z.object({ NodeToken: text })),
});
const Profiles = z.object({ Profiles: many(Profile) });
/** Media1 wraps the address, Media2 does not. */
const Uri = z.object({ MediaUri: first(z.object({ Uri: text })), Uri: text });

/** Media1 GetProfiles, in the camera's order; profiles without a token cannot be used and are left out. */
async function askProfiles1(ask: Ask): Promise<readonly MediaProfile[]> {
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
        sourceConfiguration: profile.VideoSourceConfiguration?.$.token ?? '',
        encoder: encoder === undefined || video === undefined ? undefined : { token: encoder.$.token, video },
        ptzNodeToken: profile.PTZConfiguration?.NodeToken ?? '',
      };
    });
}

/** Profiles over the service that has them, in the camera's order. */
export async function askProfiles(ask: Ask, media: MediaChoice, hasPtz: boolean): Promise<readonly MediaProfile[]> {
  let isEmpty = false;
  try {
    return await media.either(async (service) => {
      const found = service === 'media2' ? await askProfiles2(ask, hasPtz) : await askProfiles1(ask);
      isEmpty = found.length === 0;
      // A service may be there and know of nothing: then the other one is asked before that is believed.
      if (isEmpty) throw new DriverError('camera.unsupported', `the ${service} service has no profiles`);
      return found;
    });
  } catch (error) {
    if (isEmpty && error instanceof DriverError && error.code === 'camera.unsupported') return [];
    throw error;
  }
}

const token = (prefix: string, profileToken: string): string =>
  `<${prefix}:ProfileToken>${escapeXml(profileToken)}</${prefix}:ProfileToken>`;

function streamRequest(service: MediaName, profileToken: string): string {
  if (service === 'media2') return `<tr2:GetStreamUri><tr2:Protocol>RTSP</tr2:Protocol>${token('tr2', profileToken)}</tr2:GetStreamUri>`;
  return (
    '<trt:GetStreamUri><trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>' +
    `</trt:StreamSetup>${token('trt', profileToken)}</trt:GetStreamUri>`
  );
}

function uriOf(content: unknown, what: string): string {
  const said = read(Uri, content, what);
  const uri = said.MediaUri?.Uri || said.Uri;
  if (uri === '') throw new DriverError('camera.bad_answer', `the camera gives no ${what}`);
  return uri;
}

/** GetStreamUri for RTP over RTSP over TCP, as the camera wrote it. */
export function askStreamUri(ask: Ask, media: MediaChoice, profileToken: string): Promise<string> {
  return media.either(async (service) => uriOf(await ask(service, 'GetStreamUri', streamRequest(service, profileToken)), 'stream address'));
}

const PREFIX: Readonly<Record<MediaName, string>> = { media: 'trt', media2: 'tr2' };

/** GetSnapshotUri, as the camera wrote it. */
export function askSnapshotUri(ask: Ask, media: MediaChoice, profileToken: string): Promise<string> {
  return media.either(async (service) => {
    const prefix = PREFIX[service];
    const body = `<${prefix}:GetSnapshotUri>${token(prefix, profileToken)}</${prefix}:GetSnapshotUri>`;
    return uriOf(await ask(service, 'GetSnapshotUri', body), 'snapshot address');
  });
}

/** SetSynchronizationPoint: the camera sends an intra picture as soon as it can. */
export async function askSynchronization(ask: Ask, media: MediaChoice, profileToken: string): Promise<void> {
  await media.either((service) => {
    const prefix = PREFIX[service];
    const body = `<${prefix}:SetSynchronizationPoint>${token(prefix, profileToken)}</${prefix}:SetSynchronizationPoint>`;
    return ask(service, 'SetSynchronizationPoint', body);
  });
}
