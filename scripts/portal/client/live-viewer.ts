import type { AnswerOf } from '../../../agent/contract/operations.js';
import { parseShape } from '../../../agent/contract/shapes.js';
import { LiveEnded, type Reason } from '../../../agent/contract/views.js';
import { AgentError, asAgentError } from '../../../agent/kernel/errors.js';
import { LiveOffer } from './live-offer.js';
import type { RecorderClient } from './recorder-client.js';
import { sdpFingerprint } from './sdp-fingerprint.js';

/** What the viewer of one camera shows. `live` begins with the first decoded frame. */
export type LiveState =
  | { readonly kind: 'opening'; readonly step: 'asking' | 'connecting' | 'waiting-for-picture' }
  | { readonly kind: 'live'; readonly until: number; readonly watermark: string; readonly firstFrameMs: number }
  | { readonly kind: 'ended'; readonly reason: Reason; readonly isByViewer: boolean };

/** Which picture is wanted and where it is to be shown. */
export interface LiveViewerParts {
  readonly client: Pick<RecorderClient, 'call'>;
  readonly cam: string;
  readonly stream: 'main' | 'sub';
  /** Longest watching, s. */
  readonly maxS: number;
  readonly video: HTMLVideoElement;
  /** Made before, so that the browser's addresses are known already; a new one by default. It is used up. */
  readonly offer?: LiveOffer | undefined;
  onState(state: LiveState): void;
}

/** Longest wait for the recorder's word that the session is closed. */
const CLOSE_MS = 2_000;
/** Without a picture in this time something is wrong; the recorder's own reason usually comes first. */
const FIRST_FRAME_MS = 15_000;

function failure(code: string, say: string, fix: string): AgentError {
  return new AgentError({ code, say, fix, retryable: true });
}

/**
 * One live picture: asks the recorder, checks that the peer is the one whose fingerprint the recorder signed, and tells every change.
 * `start()` once; `stop()` at any time and as often as one likes.
 */
export class LiveViewer {
  readonly #parts: LiveViewerParts;
  readonly #offer: LiveOffer;
  readonly #peer: RTCPeerConnection;
  readonly #startedAt = performance.now();
  #session: string | undefined;
  #hasEnded = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: LiveViewerParts) {
    this.#parts = parts;
    this.#offer = parts.offer ?? new LiveOffer();
    this.#peer = this.#offer.peer;
    this.#peer.addEventListener('connectionstatechange', () => {
      if (this.#peer.connectionState === 'failed') this.#giveUp('live.connection_lost', 'The connection to the recorder was lost.');
    });
  }

  /** Begins; what happens is told through onState. */
  start(): void {
    void this.#open().catch((error: unknown) => {
      const { code, say, fix } = asAgentError(error, { code: 'live.failed', say: 'The picture could not be opened.', fix: 'Try again.' });
      void this.#end({ code, say, fix }, false, true);
    });
  }

  /** Ends watching; the recorder is told. */
  async stop(): Promise<void> {
    await this.#end({ code: 'live.closed', say: 'You stopped watching.', fix: '' }, true);
  }

  async #open(): Promise<void> {
    const { client, cam, stream, maxS, video } = this.#parts;
    this.#say({ kind: 'opening', step: 'asking' });
    video.srcObject = new MediaStream([this.#offer.track]);
    const offer = await this.#offer.text;
    if (this.#hasEnded) return;
    const answer = await client.call(
      'live.open',
      { cam, stream, maxS, ...offer },
      { timeoutMs: 30_000, onEvent: (_event, body) => this.#onEnded(body) },
    );
    this.#session = answer.session;
    if (this.#hasEnded) {
      await this.#closeAtRecorder();
      this.#peer.close();
      return;
    }
    await this.#connect(answer);
  }

  async #connect(answer: AnswerOf<'live.open'>): Promise<void> {
    if (sdpFingerprint(answer.sdp) !== answer.fp) {
      throw failure(
        'live.other_peer',
        'The answer is not from the recorder: the picture was refused.',
        'Try again; if it happens again, tell the owner.',
      );
    }
    this.#say({ kind: 'opening', step: 'connecting' });
    this.#timer = setTimeout(() => this.#giveUp('live.no_picture', 'No picture came within 15 seconds.'), FIRST_FRAME_MS);
    this.#parts.video.requestVideoFrameCallback(() => {
      if (this.#hasEnded) return;
      clearTimeout(this.#timer);
      const firstFrameMs = performance.now() - this.#startedAt;
      this.#say({ kind: 'live', until: answer.until, watermark: answer.watermark, firstFrameMs });
    });
    await this.#peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    // Muted video may start without a gesture; a refusal would only leave the first frame standing.
    void this.#parts.video.play().catch(() => undefined);
  }

  #onEnded(body: unknown): void {
    const { session, code, say, fix } = parseShape(LiveEnded, body);
    if (this.#session === undefined || session === this.#session) void this.#end({ code, say, fix }, false);
  }

  #giveUp(code: string, say: string): void {
    void this.#end({ code, say, fix: 'Try again. If it stays so, this device may not reach the recorder’s network.' }, false, true);
  }

  async #end(reason: Reason, isByViewer: boolean, isToldToRecorder = isByViewer): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#parts.video.srcObject = null;
    this.#say({ kind: 'ended', reason, isByViewer });
    // Told first, then gone: the recorder's log then says that the picture was closed, not that the viewer vanished.
    if (isToldToRecorder) await this.#closeAtRecorder();
    this.#peer.close();
  }

  /** Best effort: the recorder notices a vanished viewer by itself too. */
  async #closeAtRecorder(): Promise<void> {
    if (this.#session === undefined) return;
    await this.#parts.client.call('live.close', { session: this.#session }, { timeoutMs: CLOSE_MS }).catch(() => undefined);
  }

  #say(state: LiveState): void {
    this.#parts.onState(state);
  }
}
