import { type CallOptions, type CameraDriver, DriverError } from '../../drivers/port.js';
import { PICTURE_BYTES, PICTURE_SIDE } from '../contract/snapshot.js';
import { AgentError } from '../kernel/errors.js';
import { jpegSize, type PictureSize } from './picture.js';

/** One still picture: a JPEG and what it says of itself. */
export interface Picture extends PictureSize {
  readonly bytes: Uint8Array;
}

const WATCH = 'Watch the camera live instead.';

function noPicture(say: string, cause?: unknown): AgentError {
  return new AgentError({ code: 'cameras.no_picture', say, fix: WATCH, cause });
}

function tooLarge(): AgentError {
  return new AgentError({
    code: 'cameras.picture_too_large',
    say: `The camera’s still picture is larger than ${PICTURE_BYTES / 1000} kB, which is not passed on.`,
    fix: `${WATCH} Or choose a smaller picture on the camera’s own page.`,
  });
}

/** What is wrong with the picture alone. The rest passes, and its caller takes it as a matter aside: many cameras stream without fault beside it. */
function asPictureError(error: unknown): unknown {
  if (!(error instanceof DriverError)) return error;
  if (error.code === 'camera.unsupported') return noPicture('The camera gives no still pictures.', error);
  if (error.code !== 'camera.bad_answer') return error;
  return error.detail.limitBytes === undefined ? noPicture('The camera answers with something that is no picture.', error) : tooLarge();
}

/**
 * One picture of this profile, now. Only a JPEG of bounded size and sides is passed on: what shows it must not have to trust the camera.
 * @throws AgentError cameras.no_picture | cameras.picture_too_large; DriverError for what is wrong with the camera itself
 */
export async function takePicture(driver: Pick<CameraDriver, 'snapshot'>, profileToken: string, options: CallOptions): Promise<Picture> {
  const taken = await driver.snapshot?.(profileToken, { ...options, maxBytes: PICTURE_BYTES }).catch((error: unknown) => {
    throw asPictureError(error);
  });
  if (taken === undefined) throw noPicture('The camera gives no still pictures.');
  const size = jpegSize(taken.bytes);
  if (size === undefined) throw noPicture('The camera’s still picture is no JPEG.');
  if (taken.bytes.byteLength > PICTURE_BYTES || Math.max(size.width, size.height) > PICTURE_SIDE) throw tooLarge();
  return { bytes: taken.bytes, ...size };
}
