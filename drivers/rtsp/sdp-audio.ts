import { type AudioTrack, DriverError } from '../port.js';
import type { Sdp } from './sdp.js';

/** Static payload types (RFC 3551 table 4); cameras often leave the rtpmap out. */
const STATIC: Readonly<Record<number, AudioTrack['codec']>> = { 0: 'PCMU', 8: 'PCMA' };

/** The first G.711 audio of a description. Throws `stream.unsupported`, with the names of what there was instead. Pure. */
export function chooseAudio(sdp: Sdp): { readonly track: AudioTrack; readonly control: string | undefined } {
  const offered: string[] = [];
  for (const media of sdp.media) {
    if (media.type !== 'audio') continue;
    for (const payloadType of media.formats) {
      const [name = '', rate = '8000', channels = '1'] = (media.rtpmap.get(payloadType) ?? STATIC[payloadType] ?? '')
        .toUpperCase()
        .split('/');
      const isPlain = rate === '8000' && channels === '1';
      if ((name === 'PCMU' || name === 'PCMA') && isPlain)
        return { track: { codec: name, payloadType, clockRate: 8_000 }, control: media.control };
      offered.push((name === '' ? `payload type ${payloadType}` : name).slice(0, 40));
    }
  }
  const what = offered.length === 0 ? 'no audio' : offered.join(', ');
  throw new DriverError('stream.unsupported', `The camera's sound is not G.711 (${what}).`, { detail: { offered } });
}
