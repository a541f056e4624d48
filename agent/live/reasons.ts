import type { EndEvent } from './gate.js';
import type { EndReason } from './ports.js';

interface Words {
  readonly gate: EndEvent;
  /** For the viewer: what happened, and what to do. */
  readonly say: string;
  readonly fix: string;
}

/** Why a session ended, in the words of the gate and of the viewer. */
export const END_WORDS: Readonly<Record<EndReason, Words>> = {
  withdrawn: {
    gate: 'withdrawn',
    say: 'The site owner withdrew the permission to watch.',
    fix: 'Ask the site owner for a new permission.',
  },
  expired: { gate: 'expired', say: 'The time for this live view is over.', fix: 'Open it again while the permission holds.' },
  closed_by_viewer: { gate: 'closed', say: 'The live view was closed.', fix: 'Open it again when needed.' },
  viewer_gone: { gate: 'viewerGone', say: 'The connection to the viewer broke.', fix: 'Open the live view again.' },
  viewer_unreachable: {
    gate: 'viewerGone',
    say: 'No direct connection between recorder and viewer came about.',
    fix: 'Try from the same network, or have a TURN server configured for this site.',
  },
  camera_gone: {
    gate: 'cameraGone',
    say: 'The camera stopped sending its picture.',
    fix: 'See whether the camera is up and open the live view again.',
  },
  codec_unsupported: {
    gate: 'cameraGone',
    say: 'The camera sends a video format that is not passed on.',
    fix: 'Set the stream to H.264, or choose the other stream.',
  },
  taken_over: { gate: 'closed', say: 'The same viewer opened this camera again; the earlier view ended.', fix: 'Go on in the newer view.' },
  agent_stopping: { gate: 'closed', say: 'The recorder is stopping or restarting.', fix: 'Open the live view again in a minute.' },
};
