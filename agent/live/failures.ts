import { DriverError } from '../../drivers/port.js';
import { AgentError, type AgentErrorParts } from '../kernel/errors.js';
import { BUSY } from './stream-choice.js';

const CAMERA_FIX = 'See what the camera needs on its page and try again.';

/** What a driver's word means for somebody who wants to watch. */
const WORDS: Readonly<Record<string, Omit<AgentErrorParts, 'cause' | 'retryable'>>> = {
  'viewer.bad_offer': {
    code: 'live.bad_offer',
    say: 'The viewer’s connection offer cannot be answered.',
    fix: 'Use a current browser and reload the page.',
  },
  'viewer.failed': {
    code: 'live.viewer_unreachable',
    say: 'The recorder could not prepare a connection to the viewer.',
    fix: 'Try again; if it stays so, restart the agent.',
  },
  'camera.unreachable': { code: 'live.camera_unavailable', say: 'The camera does not answer.', fix: CAMERA_FIX },
  'camera.timeout': { code: 'live.camera_unavailable', say: 'The camera answers too slowly.', fix: CAMERA_FIX },
  'camera.unauthorized': {
    code: 'live.camera_unavailable',
    say: 'The camera refuses the user name or password it was given.',
    fix: 'Enter the camera’s login again.',
  },
  'camera.locked_out': {
    code: 'live.camera_unavailable',
    say: 'The camera’s login is wrong; the recorder stopped trying so that the camera does not lock it.',
    fix: 'Enter the camera’s login again.',
  },
  'stream.bad_uri': { code: 'live.camera_unavailable', say: 'The camera gave a stream address that is not allowed.', fix: CAMERA_FIX },
  'ffmpeg.busy': { code: BUSY.code, say: BUSY.say, fix: BUSY.fix },
  'ffmpeg.unavailable': {
    code: 'live.codec_unsupported',
    say: 'The camera sends H.265, and there is no ffmpeg on this recorder to convert it.',
    fix: 'Set the stream to H.264, or have ffmpeg installed on the recorder.',
  },
  'ffmpeg.failed': {
    code: 'live.conversion_failed',
    say: 'The recorder could not convert the camera’s H.265 picture.',
    fix: 'Try again; if it stays so, set the stream to H.264.',
  },
  'stream.unsupported': {
    code: 'live.codec_unsupported',
    say: 'The camera sends a video format that is not passed on.',
    fix: 'Set the stream to H.264, or choose the other stream.',
  },
};

/** A thrown value as the AgentError that an open request fails with. */
export function liveError(thrown: unknown): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const words = thrown instanceof DriverError ? WORDS[thrown.code] : undefined;
  const parts = words ?? { code: 'live.camera_unavailable', say: 'The camera’s stream could not be opened.', fix: CAMERA_FIX };
  return new AgentError({ ...parts, cause: thrown, retryable: thrown instanceof DriverError && thrown.retryable });
}
