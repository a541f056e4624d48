import type { CameraStream } from '../port.js';
import type { MediaProfile } from './media.js';

type VideoProfile = MediaProfile & { readonly encoder: NonNullable<MediaProfile['encoder']> };

const pixels = ({ encoder }: VideoProfile): number => encoder.video.width * encoder.video.height;

/**
 * Main and sub-stream out of a camera's profiles: of its first video source the largest H.264 picture is the main stream and the
 * next smaller one the sub-stream. Other codecs count only where there is no H.264 at all, so that the camera can at least be named.
 */
export function chooseStreams(profiles: readonly MediaProfile[]): readonly CameraStream[] {
  const video = profiles.filter((profile): profile is VideoProfile => profile.encoder !== undefined);
  const source = video[0]?.sourceToken;
  const ofSource = video.filter((profile) => profile.sourceToken === source);
  const h264 = ofSource.filter((profile) => profile.encoder.video.codec === 'H264');
  const usable = h264.length > 0 ? h264 : ofSource;
  // Sorting is stable: among equals the camera's own order decides.
  const bySize = [...usable].sort((one, other) => pixels(other) - pixels(one));
  const main = bySize[0];
  if (main === undefined) return [];
  const smaller = bySize.find((profile) => profile.encoder.token !== main.encoder.token && pixels(profile) < pixels(main));
  const asStream = (kind: CameraStream['kind'], profile: VideoProfile): CameraStream => ({
    kind,
    profileToken: profile.token,
    encoderToken: profile.encoder.token,
    name: profile.name,
    video: profile.encoder.video,
  });
  return smaller === undefined ? [asStream('main', main)] : [asStream('main', main), asStream('sub', smaller)];
}
