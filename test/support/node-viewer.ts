import * as datachannel from 'node-datachannel';
import type { AnswerOf } from '../../agent/contract/operations.js';
import { parseShape } from '../../agent/contract/shapes.js';
import { LiveEnded } from '../../agent/contract/views.js';
import type { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { sdpFingerprint } from '../../scripts/portal/client/sdp-fingerprint.js';
import { until } from './until.js';

/** A viewer without a browser: libdatachannel makes the offer, RTP packets are counted, nothing is decoded. */
export interface NodeViewer {
  readonly answer: AnswerOf<'live.open'>;
  /** RTP packets and their bytes after decryption, so far. */
  readonly packets: number;
  readonly bytes: number;
  /** performance.now() of the newest packet; undefined before the first. */
  readonly lastPacketMs: number | undefined;
  /** What the recorder said at the end; undefined while it has said nothing. */
  readonly ended: LiveEnded | undefined;
  /** The transport's own state, e.g. `connected`, `disconnected`, `closed`. */
  readonly state: string;
  /** Rejects when none came within 15 s. */
  firstPacket(): Promise<void>;
  /** Closes the transport without telling the recorder. */
  close(): void;
}

/** `route`: where the answer says that the recorder is, changed as a viewer behind a TURN server would. `onPacket`: every RTP packet, decrypted. */
export interface ViewerOptions {
  readonly stream?: 'main' | 'sub' | 'auto';
  readonly bindAddress?: string;
  readonly route?: (answerSdp: string) => string;
  readonly onPacket?: (packet: Buffer) => void;
  /** How long the answer may take; 20 s. */
  readonly timeoutMs?: number;
}

/** RTCP shares the port with RTP: packet types 192 to 223 are RTCP (RFC 5761, section 4). */
const isRtcp = (packet: Buffer): boolean => ((packet[1] ?? 0) & 0x7f) >= 64 && ((packet[1] ?? 0) & 0x7f) < 96;

/** Candidates of loopback only, no STUN or TURN server: asks for the picture and connects. Rejects as `client.call` does. */
export async function watchInNode(client: RecorderClient, cam = 'cam-1', options: ViewerOptions = {}): Promise<NodeViewer> {
  const peer = new datachannel.PeerConnection('viewer', { iceServers: [], bindAddress: options.bindAddress ?? '127.0.0.1' });
  const seen = { packets: 0, bytes: 0, lastPacketMs: undefined as number | undefined, ended: undefined as LiveEnded | undefined };
  let state = 'new';
  peer.onStateChange((next) => {
    state = next;
  });
  const video = new datachannel.Video('video', 'RecvOnly');
  video.addH264Codec(102);
  const track = peer.addTrack(video);
  // Without a listener here 0.33.4 keeps its callbacks after close, and with them the process.
  track.onClosed(() => undefined);
  track.setMediaHandler(new datachannel.RtcpReceivingSession());
  track.onMessage((packet) => {
    if (isRtcp(packet)) return;
    seen.packets += 1;
    seen.bytes += packet.length;
    seen.lastPacketMs = performance.now();
    options.onPacket?.(packet);
  });
  try {
    const sdp = await gathered(peer);
    const onEvent = (_event: string, body: unknown): void => {
      seen.ended = parseShape(LiveEnded, body);
    };
    const asked = { cam, stream: options.stream ?? 'main', maxS: 600, sdp, fp: sdpFingerprint(sdp) ?? '' } as const;
    const answer = await client.call('live.open', asked, { onEvent, timeoutMs: options.timeoutMs ?? 20_000 });
    if (sdpFingerprint(answer.sdp) !== answer.fp) throw new RangeError('the answer names another certificate than the signed one');
    peer.setRemoteDescription(options.route?.(answer.sdp) ?? answer.sdp, 'answer');
    return viewerOf({ peer, track }, answer, seen, () => state);
  } catch (error) {
    track.close();
    peer.close();
    throw error;
  }
}

async function gathered(peer: datachannel.PeerConnection): Promise<string> {
  await new Promise<void>((resolve) => {
    peer.onGatheringStateChange((state) => {
      if (state === 'complete') resolve();
    });
    peer.setLocalDescription();
  });
  // Nothing may come before the answer is here: 0.33.4 then begins DTLS with nobody's fingerprint and closes. So the recorder is not told
  // where to reach us; it learns that from our first packet (peer-reflexive, RFC 8445 section 7.3.1.3).
  const lines = (peer.localDescription()?.sdp ?? '').split('\r\n');
  return lines.filter((line) => !/^a=(?:candidate:|end-of-candidates)/.test(line)).join('\r\n');
}

interface Seen {
  packets: number;
  bytes: number;
  lastPacketMs: number | undefined;
  ended: LiveEnded | undefined;
}

/** Holds the track as long as the viewer is held: once collected, it hears nothing more. */
function viewerOf(
  held: { readonly peer: datachannel.PeerConnection; readonly track: datachannel.Track },
  answer: AnswerOf<'live.open'>,
  seen: Seen,
  state: () => string,
): NodeViewer {
  return {
    answer,
    get packets() {
      return seen.packets;
    },
    get bytes() {
      return seen.bytes;
    },
    get lastPacketMs() {
      return seen.lastPacketMs;
    },
    get ended() {
      return seen.ended;
    },
    get state() {
      return state();
    },
    firstPacket: async () => void (await until('the viewer has a packet', () => seen.packets > 0)),
    close: () => {
      held.track.close();
      held.peer.close();
    },
  };
}
