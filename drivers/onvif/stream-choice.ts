import type { CameraProfile, CameraSource, CameraStream } from '../port.js';
import type { MediaProfile } from './media-profile.js';

type VideoProfile = MediaProfile & { readonly encoder: NonNullable<MediaProfile['encoder']> };

const pixels = ({ encoder }: VideoProfile): number => encoder.video.width * encoder.video.height;
const withVideo = (profiles: readonly MediaProfile[]): readonly VideoProfile[] =>
  profiles.filter((profile): profile is VideoProfile => profile.encoder !== undefined);

const asProfile = (profile: VideoProfile): CameraProfile => ({
  profileToken: profile.token,
  encoderToken: profile.encoder.token,
  name: profile.name,
  video: profile.encoder.video,
});

/** Main and sub-stream among the profiles of one video source. */
function chooseAmong(ofSource: readonly VideoProfile[]): readonly CameraStream[] {
  const h264 = ofSource.filter((profile) => profile.encoder.video.codec === 'H264');
  const usable = h264.length > 0 ? h264 : ofSource;
  // Sorting is stable: among equals the camera's own order decides.
  const bySize = [...usable].sort((one, other) => pixels(other) - pixels(one));
  const main = bySize[0];
  if (main === undefined) return [];
  const smaller = bySize.find((profile) => profile.encoder.token !== main.encoder.token && pixels(profile) < pixels(main));
  const streams: CameraStream[] = [{ kind: 'main', ...asProfile(main) }];
  if (smaller !== undefined) streams.push({ kind: 'sub', ...asProfile(smaller) });
  return streams;
}

/**
 * A camera's video sources with their profiles, in the order in which its profiles name them: a recorder's list of sources and the
 * profiles that hang on them are often told in different orders, so only what each profile says of itself counts.
 */
export function chooseSources(profiles: readonly MediaProfile[]): readonly CameraSource[] {
  const bySource = new Map<string, VideoProfile[]>();
  for (const profile of withVideo(profiles)) {
    const among = bySource.get(profile.sourceToken) ?? [];
    among.push(profile);
    bySource.set(profile.sourceToken, among);
  }
  return [...bySource].map(([token, ofSource]) => ({
    token,
    configurations: [...new Set(ofSource.map(({ sourceConfiguration }) => sourceConfiguration))].filter((name) => name !== ''),
    name: ofSource[0]?.name ?? '',
    streams: chooseAmong(ofSource),
    profiles: ofSource.map(asProfile),
  }));
}

/**
 * Main and sub-stream of one video source, the first when `sourceToken` is undefined or unknown: the largest H.264 picture is the main
 * stream and the next smaller one the sub-stream. Other codecs count only where there is no H.264 at all, because not every viewer can
 * show them; `chooseSources` names them all.
 */
export function chooseStreams(profiles: readonly MediaProfile[], sourceToken?: string): readonly CameraStream[] {
  const sources = chooseSources(profiles);
  return (sources.find(({ token }) => token === sourceToken) ?? sources[0])?.streams ?? [];
}
