/** A viewer made of libdatachannel for the live feature without an agent around it: it counts packets and decodes nothing. */
import * as datachannel from 'node-datachannel';

/** Before the answer: its offer; after it: what came. */
export interface NativeViewer {
  readonly offerSdp: string;
  /** RTP packets, decrypted, oldest first. */
  readonly packets: readonly Buffer[];
  readonly state: string;
  /** Where the recorder is and we are, once connected: `host 127.0.0.1`. */
  readonly remote: string;
  answer(sdp: string): void;
  close(): void;
}

/** RTCP shares the port with RTP: packet types 192 to 223 are RTCP (RFC 5761, section 4). */
const isRtcp = (packet: Buffer): boolean => ((packet[1] ?? 0) & 0x7f) >= 64 && ((packet[1] ?? 0) & 0x7f) < 96;

/** Offers one video section of this codec. Its addresses are not in the offer: the recorder learns them from the first packet. */
export async function nativeViewer(codec: 'H264' | 'H265', bindAddress: string): Promise<NativeViewer> {
  const peer = new datachannel.PeerConnection('viewer', { iceServers: [], bindAddress });
  const packets: Buffer[] = [];
  let state = 'new';
  peer.onStateChange((next) => {
    state = next;
  });
  const video = new datachannel.Video('video', 'RecvOnly');
  if (codec === 'H264') video.addH264Codec(102);
  else video.addH265Codec(104);
  const track = peer.addTrack(video);
  // Without a listener here 0.33.4 keeps its callbacks after close, and with them the process.
  track.onClosed(() => undefined);
  track.setMediaHandler(new datachannel.RtcpReceivingSession());
  track.onMessage((packet) => {
    if (!isRtcp(packet)) packets.push(packet);
  });
  await new Promise<void>((resolve) => {
    peer.onGatheringStateChange((gathering) => {
      if (gathering === 'complete') resolve();
    });
    peer.setLocalDescription();
  });
  const lines = (peer.localDescription()?.sdp ?? '').split('\r\n');
  return {
    offerSdp: lines.filter((line) => !/^a=(?:candidate:|end-of-candidates)/.test(line)).join('\r\n'),
    packets,
    get state() {
      return state;
    },
    get remote() {
      const selected = peer.getSelectedCandidatePair()?.remote;
      return selected === undefined ? '' : `${selected.type} ${selected.address}`;
    },
    answer: (sdp) => peer.setRemoteDescription(sdp, 'answer'),
    close: () => {
      track.close();
      peer.close();
    },
  };
}
