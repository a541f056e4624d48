import type { Clip } from './clip.js';
import { CLOCK_RATE, PAYLOAD_TYPE } from './rtp.js';

/** What DESCRIBE answers: one H.264 video track. `address` is the camera's own, `base` the URI the client asked for. Pure. */
export function describeClip(clip: Clip, address: string): string {
  const base64 = (nal: Uint8Array): string => Buffer.from(nal).toString('base64');
  const profile = Buffer.from(clip.sps.subarray(1, 4)).toString('hex').toUpperCase();
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=Test camera',
    'c=IN IP4 0.0.0.0',
    't=0 0',
    'a=control:*',
    'a=range:npt=now-',
    `m=video 0 RTP/AVP ${PAYLOAD_TYPE}`,
    `a=rtpmap:${PAYLOAD_TYPE} H264/${CLOCK_RATE}`,
    `a=fmtp:${PAYLOAD_TYPE} packetization-mode=1;profile-level-id=${profile};sprop-parameter-sets=${base64(clip.sps)},${base64(clip.pps)}`,
    `a=framerate:${clip.rate}`,
    `a=x-dimensions:${clip.width},${clip.height}`,
    'a=control:trackID=0',
    '',
  ].join('\r\n');
}
