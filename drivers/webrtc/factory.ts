import { randomInt } from 'node:crypto';
import type { DriverClock, DriverLog, ViewerPeer, ViewerPeerFactory, ViewerPeerRequest } from '../port.js';
import { DriverError } from '../port.js';
import { nativeIceServers } from './ice.js';
import { type NativeLibrary, NativePeer } from './native-peer.js';
import { readNativeAnswer, readOffer, writeAnswer } from './sdp.js';

/** What the factory is made of. */
export interface ViewerPeerParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
}

/** A person waits meanwhile: addresses that a server has not told by now are left out. */
const ENOUGH_MS = 2_000;
const ANSWER_DEADLINE_MS = 10_000;

/**
 * Viewers over WebRTC, by libdatachannel. The native part is loaded by the first `answer` or by `warm`, so that an agent nobody
 * watches does not carry it. Its own logger stays off: it calls back from foreign threads, and one left over at exit crashes
 * the process (seen with 0.33.4). Its `cleanup` is not called either: peers are closed one by one and exit needs nothing more.
 */
export function createViewerPeerFactory(parts: ViewerPeerParts): ViewerPeerFactory {
  let loading: Promise<NativeLibrary> | undefined;
  const load = (): Promise<NativeLibrary> => {
    loading ??= import('node-datachannel').then((library) => {
      library.preload();
      return library;
    });
    return loading.catch((cause: unknown) => {
      loading = undefined;
      throw new DriverError('viewer.failed', 'the WebRTC library cannot be loaded on this machine', { cause });
    });
  };
  return {
    answer: async (request) => answer(await load(), request, parts),
    warm: async () => warm(await load(), parts),
  };
}

async function answer(library: NativeLibrary, request: ViewerPeerRequest, parts: ViewerPeerParts): Promise<ViewerPeer> {
  const offer = readOffer(request.offerSdp, request.video, request.mayHear);
  const ice = nativeIceServers(request.iceServers);
  if (ice.unreadable > 0)
    parts.log.warn('a STUN or TURN server in the configuration cannot be used (TURN: over UDP only)', { unreadable: ice.unreadable });
  const ssrc = randomInt(1, 0xffff_ffff);
  const peer = new NativePeer({ ...parts, library, request, offer, ssrc, iceServers: ice.servers });
  try {
    const native = readNativeAnswer(await peer.gather(ENOUGH_MS, ANSWER_DEADLINE_MS));
    return peer.answered(writeAnswer(offer, native, ssrc, peer.audio?.ssrc), native.fingerprint);
  } catch (cause) {
    peer.close();
    if (cause instanceof DriverError) throw cause;
    throw new DriverError('viewer.failed', 'the WebRTC library did not answer the viewer', { cause });
  }
}

/** One answer to an offer of our own shape on loopback: makes the first certificate, starts the threads, and leaves nothing. */
async function warm(library: NativeLibrary, parts: ViewerPeerParts): Promise<void> {
  const peer = await answer(
    library,
    {
      offerSdp: WARM_OFFER,
      video: { codec: 'H264', profileLevelId: undefined },
      iceServers: [],
      bindAddress: '127.0.0.1',
      onConnected: () => undefined,
      onPictureLoss: () => undefined,
      onClosed: () => undefined,
    },
    parts,
  );
  peer.close();
}

const WARM_OFFER = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=recvonly',
  'a=rtcp-mux',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 packetization-mode=1;profile-level-id=42e01f',
  'a=ice-ufrag:warm',
  'a=ice-pwd:warmwarmwarmwarmwarmwarm',
  'a=setup:actpass',
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => '00').join(':')}`,
  '',
].join('\r\n');
