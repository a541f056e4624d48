import * as z from 'zod/mini';
import { Encoder2, encoder2Settings } from './encoder2-shape.js';
import { isMissing } from './media-choice.js';
import type { MediaProfile } from './media-profile.js';
import type { Ask } from './services.js';
import { attributes, first, many, read, text } from './shapes.js';

const Profile = z.object({
  $: attributes('token'),
  Name: text,
  Configurations: first(
    z.object({
      VideoSource: first(z.object({ $: attributes('token'), SourceToken: text })),
      VideoEncoder: first(Encoder2),
      PTZ: first(z.object({ NodeToken: text })),
    }),
  ),
});
const Profiles = z.object({ Profiles: many(Profile) });
type Profile = z.infer<typeof Profile>;

/** One kind of configuration at a time: asked for all at once some cameras' servers crash. */
async function askType(ask: Ask, type: 'VideoEncoder' | 'VideoSource' | 'PTZ'): Promise<readonly Profile[]> {
  const said = await ask('media2', 'GetProfiles', `<tr2:GetProfiles><tr2:Type>${type}</tr2:Type></tr2:GetProfiles>`);
  return read(Profiles, said, 'profiles').Profiles.filter(({ $ }) => $.token !== '');
}

/** Media2 GetProfiles, in the camera's order. */
export async function askProfiles2(ask: Ask, hasPtz: boolean): Promise<readonly MediaProfile[]> {
  const encoders = await askType(ask, 'VideoEncoder');
  if (encoders.length === 0) return [];
  const sources = await askType(ask, 'VideoSource');
  // Movement is an extra: a camera is not given up for it.
  const movers = hasPtz
    ? await askType(ask, 'PTZ').catch((error: unknown): readonly Profile[] => {
        if (!isMissing(error)) throw error;
        return [];
      })
    : [];
  const among = (profiles: readonly Profile[], token: string) => profiles.find(({ $ }) => $.token === token)?.Configurations;
  return encoders.map((profile) => {
    const { token } = profile.$;
    const encoder = profile.Configurations?.VideoEncoder;
    const video = encoder === undefined ? undefined : encoder2Settings(encoder);
    const source = among(sources, token)?.VideoSource;
    return {
      token,
      name: profile.Name,
      sourceToken: source?.SourceToken ?? '',
      sourceConfiguration: source?.$.token ?? '',
      encoder: encoder === undefined || video === undefined ? undefined : { token: encoder.$.token, video },
      ptzNodeToken: among(movers, token)?.PTZ?.NodeToken ?? '',
    };
  });
}
