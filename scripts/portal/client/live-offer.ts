import { AgentError } from '../../../agent/kernel/errors.js';
import { sdpFingerprint } from './sdp-fingerprint.js';

/** Longest wait for the browser's own addresses. */
const GATHERING_MS = 2_000;
/** An offer that waited longer may name addresses that this device no longer has. */
const FRESH_MS = 120_000;

/** What the recorder is told of this device: the offer, and the fingerprint in it. */
export interface OfferText {
  readonly sdp: string;
  readonly fp: string;
}

/** Resolves with the offer once all addresses are in it: there is no second message for late ones. */
async function describe(peer: RTCPeerConnection): Promise<OfferText> {
  await peer.setLocalDescription(await peer.createOffer());
  if (peer.iceGatheringState !== 'complete') {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GATHERING_MS);
      peer.addEventListener('icegatheringstatechange', () => {
        if (peer.iceGatheringState !== 'complete') return;
        clearTimeout(timer);
        resolve();
      });
    });
  }
  const sdp = peer.localDescription?.sdp ?? '';
  const fp = sdpFingerprint(sdp);
  if (fp !== undefined) return { sdp, fp };
  const words = { say: 'This browser made no usable offer.', fix: 'Use a current browser.' };
  throw new AgentError({ code: 'live.no_fingerprint', ...words, retryable: true });
}

/** H.264 first: it is what cameras send, and the recorder passes it on as it is. */
function preferH264(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
  const isH264 = (codec: { readonly mimeType: string }): boolean => codec.mimeType.toLowerCase() === 'video/h264';
  if (codecs.some(isH264)) transceiver.setCodecPreferences([...codecs.filter(isH264), ...codecs.filter((codec) => !isH264(codec))]);
}

/** One connection that waits for an answer: for one session, or for none. */
export class LiveOffer {
  readonly peer: RTCPeerConnection;
  readonly track: MediaStreamTrack;
  /** What is said beside the picture; only where one was asked for. */
  readonly channel: RTCDataChannel | undefined;
  /** Rejects with AgentError `live.no_fingerprint`. */
  readonly text: Promise<OfferText>;
  readonly #madeAt = performance.now();

  constructor(channelLabel?: string) {
    // No STUN or TURN server: addresses go to the recorder only, inside the sealed letter.
    this.peer = new RTCPeerConnection({ iceServers: [], bundlePolicy: 'max-bundle' });
    const transceiver = this.peer.addTransceiver('video', { direction: 'recvonly' });
    preferH264(transceiver);
    // 0: show what comes; a camera in one's own hand must not lag.
    if ('jitterBufferTarget' in transceiver.receiver) transceiver.receiver.jitterBufferTarget = 0;
    this.track = transceiver.receiver.track;
    this.channel = channelLabel === undefined ? undefined : this.peer.createDataChannel(channelLabel);
    if (this.channel !== undefined) this.channel.binaryType = 'arraybuffer';
    this.text = describe(this.peer);
    // Whoever takes it hears of a failure; one that nobody takes is no unhandled rejection.
    this.text.catch(() => undefined);
  }

  /** Not too old to be used. */
  get isFresh(): boolean {
    return performance.now() - this.#madeAt < FRESH_MS && this.peer.signalingState !== 'closed';
  }
}

/**
 * Keeps one offer ready while a page shows a camera: collecting the browser's addresses takes longer than everything the recorder does for the
 * first picture. Nothing is sent to anybody by it.
 */
export class LiveOffers {
  #ready: LiveOffer | undefined;

  /** Makes one unless a fresh one is there: when the page opens, and when a hand comes near the button. */
  prepare(): void {
    if (this.#ready?.isFresh === true) return;
    this.discard();
    this.#ready = new LiveOffer();
  }

  /** The one that is ready, or a new one; whoever takes it closes its peer. */
  take(): LiveOffer {
    this.prepare();
    const taken = this.#ready ?? new LiveOffer();
    this.#ready = undefined;
    return taken;
  }

  /** Gives up what is ready. */
  discard(): void {
    this.#ready?.peer.close();
    this.#ready = undefined;
  }
}
