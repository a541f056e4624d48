import * as datachannel from 'node-datachannel';
import {
  FOOTAGE_LABEL,
  FOOTAGE_TAKEN,
  FootageWord,
  HERE_EVERY_MS,
  type PlaybackAnswer,
  PlaybackEnded,
} from '../../agent/contract/footage.js';
import { parseShape } from '../../agent/contract/shapes.js';
import type { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { sdpFingerprint } from '../../scripts/portal/client/sdp-fingerprint.js';

/** One picture as it arrived: when, and whether it is an IDR. */
export interface SeenPicture {
  readonly atMs: number;
  readonly timestamp: number;
  isIntra: boolean;
}

/** A viewer of recordings without a browser: RTP is looked into, nothing is decoded. Times are performance.now(). */
export interface FootageNodeViewer {
  readonly answer: PlaybackAnswer;
  readonly pictures: readonly SeenPicture[];
  readonly words: readonly FootageWord[];
  /** The pieces of a file, in order. */
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  readonly hasExtensions: boolean;
  readonly ended: PlaybackEnded | undefined;
  /** Signs of life are no longer sent. */
  fallSilent(): void;
  close(): void;
}

/** What is asked, without the offer. */
export type FootageWish =
  | { readonly cam: string; readonly at: number; readonly isPlaying?: boolean; readonly speed?: 0.25 | 0.5 | 1 | 2 | 4 | 8 | 16 }
  | { readonly cam: string; readonly from: number; readonly to: number };

/** Opens a player, or an export when a time from and to is asked for. Rejects as `client.call` does. */
export async function viewFootage(client: RecorderClient, wish: FootageWish): Promise<FootageNodeViewer> {
  const peer = new datachannel.PeerConnection('footage', { iceServers: [], bindAddress: '127.0.0.1', disableAutoNegotiation: true });
  const seen = {
    pictures: [] as SeenPicture[],
    words: [] as FootageWord[],
    pieces: [] as Buffer[],
    bytes: 0,
    hasExtensions: false,
    ended: undefined as PlaybackEnded | undefined,
  };
  const video = new datachannel.Video('video', 'RecvOnly');
  video.addH264Codec(102);
  const track = peer.addTrack(video);
  track.onClosed(() => undefined);
  track.setMediaHandler(new datachannel.RtcpReceivingSession());
  track.onMessage((packet) => look(packet, seen));
  const channel = peer.createDataChannel(FOOTAGE_LABEL);
  const timer = setInterval(() => {
    if (channel.isOpen()) channel.sendMessage('here');
  }, HERE_EVERY_MS);
  timer.unref();
  channel.onMessage((message) => {
    if (typeof message === 'string') {
      const word = parseShape(FootageWord, JSON.parse(message));
      seen.words.push(word);
      if (word.t === 'file') channel.sendMessage(FOOTAGE_TAKEN);
    } else {
      const piece = Buffer.from(message as Buffer);
      seen.bytes += piece.length;
      seen.pieces.push(piece);
    }
  });
  channel.onOpen(() => undefined);
  channel.onError(() => undefined);
  channel.onClosed(() => undefined);
  channel.onBufferedAmountLow(() => undefined);
  const close = (): void => {
    clearInterval(timer);
    if (channel.isOpen()) channel.close();
    track.close();
    peer.close();
  };
  try {
    const sdp = await gathered(peer);
    const fp = sdpFingerprint(sdp) ?? '';
    const onEvent = (_event: string, body: unknown): void => {
      seen.ended = parseShape(PlaybackEnded, body);
    };
    const answer =
      'from' in wish
        ? await client.call('playback.export', { ...wish, sdp, fp }, { onEvent })
        : await client.call('playback.open', { isPlaying: true, speed: 1, ...wish, maxS: 600, sdp, fp }, { onEvent });
    if (sdpFingerprint(answer.sdp) !== answer.fp) throw new RangeError('the answer names another certificate than the signed one');
    peer.setRemoteDescription(answer.sdp, 'answer');
    return Object.assign(seen, { answer, fallSilent: () => clearInterval(timer), close, held: { peer, track, channel } });
  } catch (error) {
    close();
    throw error;
  }
}

/** Notes pictures by their time stamps (RFC 6184: IDR slices, alone, in STAP-A, or as FU-A). */
function look(packet: Buffer, seen: { pictures: SeenPicture[]; hasExtensions: boolean }): void {
  const type = (packet[1] ?? 0) & 0x7f;
  if (type >= 64 && type < 96) return;
  if (((packet[0] ?? 0) & 0x10) !== 0) seen.hasExtensions = true;
  const timestamp = packet.readUInt32BE(4);
  let picture = seen.pictures.at(-1);
  if (picture === undefined || picture.timestamp !== timestamp) {
    picture = { atMs: performance.now(), timestamp, isIntra: false };
    seen.pictures.push(picture);
  }
  const nal = (packet[12] ?? 0) & 0x1f;
  if (nal === 5 || (nal === 28 && ((packet[13] ?? 0) & 0x1f) === 5)) picture.isIntra = true;
}

async function gathered(peer: datachannel.PeerConnection): Promise<string> {
  await new Promise<void>((resolve) => {
    peer.onGatheringStateChange((state) => {
      if (state === 'complete') resolve();
    });
    peer.setLocalDescription();
  });
  const lines = (peer.localDescription()?.sdp ?? '').split('\r\n');
  return lines.filter((line) => !/^a=(?:candidate:|end-of-candidates)/.test(line)).join('\r\n');
}
