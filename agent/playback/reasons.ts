import { DriverError } from '../../drivers/port.js';
import { AgentError, type AgentErrorParts } from '../kernel/errors.js';
import type { EgressGate, PlaybackEnd } from './ports.js';

interface Words {
  readonly gate: Parameters<EgressGate['end']>[0];
  readonly say: string;
  readonly fix: string;
}

/** Why a session ended, in the words of the gate and of the viewer. */
export const PLAYBACK_END_WORDS: Readonly<Record<PlaybackEnd, Words>> = {
  withdrawn: {
    gate: 'withdrawn',
    say: 'The site owner withdrew the permission to see recordings.',
    fix: 'Ask the site owner for a new permission.',
  },
  expired: { gate: 'expired', say: 'The time for this playback is over.', fix: 'Open it again while the permission holds.' },
  closed_by_viewer: { gate: 'closed', say: 'The playback was closed.', fix: 'Open it again when needed.' },
  viewer_gone: { gate: 'viewerGone', say: 'The connection to the viewer broke.', fix: 'Open the recordings again.' },
  viewer_unreachable: {
    gate: 'viewerGone',
    say: 'No direct connection between recorder and viewer came about.',
    fix: 'Try from the same network, or have a TURN server configured for this site.',
  },
  unreadable: { gate: 'cameraGone', say: 'The recording cannot be read any further.', fix: 'Choose another time.' },
  finished: { gate: 'closed', say: 'The file was handed over whole.', fix: 'Nothing needs to be done.' },
  taken_over: { gate: 'closed', say: 'The same viewer opened these recordings again.', fix: 'Go on in the newer view.' },
  agent_stopping: { gate: 'closed', say: 'The recorder is stopping or restarting.', fix: 'Open the recordings again in a minute.' },
};

const OTHER_TIME = 'Choose another time.';
const CAMERA_FIX = 'See what the camera needs on its page and try again.';

/** What a driver's word means for somebody who wants to see recordings. */
const DRIVER_WORDS: Readonly<Record<string, Omit<AgentErrorParts, 'cause' | 'retryable'>>> = {
  'viewer.bad_offer': {
    code: 'playback.bad_offer',
    say: 'The viewer’s connection offer cannot be answered.',
    fix: 'Use a current browser and reload the page.',
  },
  'viewer.failed': {
    code: 'playback.viewer_unreachable',
    say: 'The recorder could not prepare a connection to the viewer.',
    fix: 'Try again; if it stays so, restart the agent.',
  },
  'footage.none': { code: 'playback.nothing_recorded', say: 'Nothing is recorded there.', fix: OTHER_TIME },
  'footage.unreachable': {
    code: 'playback.unreachable',
    say: 'The folder of the recordings cannot be read.',
    fix: 'Check on the recorder that its disk is there and may be read.',
  },
  'footage.broken': { code: 'playback.unreadable', say: 'The recording of this time is damaged.', fix: OTHER_TIME },
  'footage.refused': {
    code: 'playback.refused',
    say: 'The recording of this time is not read: it is not what a recorder writes.',
    fix: 'Check the folder and the pattern of the recordings in the recorder’s site file.',
  },
  'stream.unsupported': {
    code: 'playback.codec_unsupported',
    say: 'The recording is in a video format that is not passed on.',
    fix: 'Export it, or record in H.264 from now on.',
  },
  'camera.unsupported': {
    code: 'playback.nothing_recorded',
    say: 'The camera does not play its recordings.',
    fix: 'Name the folder of the recordings in the recorder’s site file.',
  },
  'camera.unauthorized': {
    code: 'playback.camera_unavailable',
    say: 'The camera refuses the user name or password for its recordings.',
    fix: 'Enter the camera’s login again.',
  },
};

/** A thrown value as the AgentError that a person is told. */
export function playbackError(thrown: unknown): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const known = thrown instanceof DriverError ? DRIVER_WORDS[thrown.code] : undefined;
  const parts = known ?? { code: 'playback.camera_unavailable', say: 'The recordings cannot be reached.', fix: CAMERA_FIX };
  return new AgentError({ ...parts, cause: thrown, retryable: thrown instanceof DriverError && thrown.retryable });
}
