import { type CameraSnapshot, DriverError } from '../port.js';
import type { LinkCall, OnvifLink } from './link.js';
import { askSnapshotUri } from './media.js';
import type { MediaChoice } from './media-choice.js';

const MAX_PICTURE_BYTES = 8 * 1024 * 1024;

/** A JPEG begins so; cameras often name it otherwise or not at all. */
const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8;

/**
 * One picture: the camera's address for it, asked on the reached host with the login. `camera.unsupported` for a camera without
 * pictures, one whose address is none of HTTP included.
 */
export async function takeSnapshot(
  link: Pick<OnvifLink, 'fetch'>,
  media: MediaChoice,
  profileToken: string,
  { ask, signal }: LinkCall,
  maxBytes: number = MAX_PICTURE_BYTES,
): Promise<CameraSnapshot> {
  const uri = await askSnapshotUri(ask, media, profileToken);
  const { status, bytes, mediaType } = await link.fetch({ method: 'GET', uri, maxAnswerBytes: maxBytes }, signal);
  if (status === 403)
    throw new DriverError('camera.unauthorized', 'the camera keeps its pictures from this user', { detail: { http: status } });
  if (status === 404 || status === 501)
    throw new DriverError('camera.unsupported', 'the camera has no picture at its own address', { detail: { http: status } });
  if (status !== 200)
    throw new DriverError('camera.bad_answer', `the camera answered ${status} instead of a picture`, { detail: { http: status } });
  if (isJpeg(bytes)) return { mediaType: 'image/jpeg', bytes };
  if (bytes.byteLength === 0 || !mediaType.startsWith('image/')) {
    throw new DriverError('camera.bad_answer', 'the camera sent something else than a picture', { detail: { mediaType } });
  }
  return { mediaType, bytes };
}
