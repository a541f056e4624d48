import {
  FOOTAGE_LABEL,
  FOOTAGE_TAKEN,
  FootageWord,
  HERE_EVERY_MS,
  type PlaybackAnswer,
  PlaybackEnded,
} from '../../../agent/contract/footage.js';
import { parseGuarded } from '../../../agent/contract/guard.js';
import { parseShape } from '../../../agent/contract/shapes.js';
import type { Reason } from '../../../agent/contract/views.js';
import { AgentError, asAgentError } from '../../../agent/kernel/errors.js';
import { LiveOffer, type OfferText } from './live-offer.js';
import type { CallOptions, RecorderClient } from './recorder-client.js';
import { sdpFingerprint } from './sdp-fingerprint.js';

/** What a connection for recordings tells. */
export interface FootageLinkParts {
  readonly client: Pick<RecorderClient, 'call'>;
  /** Asks the recorder with this offer: a player or a file. */
  ask(offer: OfferText, options: CallOptions): Promise<PlaybackAnswer>;
  onWord(word: FootageWord): void;
  /** A piece of a file. */
  onPiece?(piece: ArrayBuffer): void;
  /** Once. `isByViewer`: whoever watched ended it. */
  onEnd(reason: Reason, isByViewer: boolean): void;
}

const ANSWER_MS = 30_000;
const CLOSE_MS = 2_000;
const FINISHED = 'playback.finished';
const CONNECT_MS = 15_000;

/**
 * The connection over which recordings come: asks the recorder, checks that the peer is the one whose fingerprint the recorder signed, says that
 * somebody is still here, and tells the end once. The data channel is ordered, so that what is said stands where it belongs among the pieces.
 */
export class FootageLink {
  readonly #parts: FootageLinkParts;
  readonly #offer = new LiveOffer(FOOTAGE_LABEL);
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #session: string | undefined;
  #hasEnded = false;

  constructor(parts: FootageLinkParts) {
    this.#parts = parts;
    const { peer, channel } = this.#offer;
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'failed') this.#fail('footage.connection_lost', 'The connection to the recorder was lost.');
    });
    channel?.addEventListener('open', () => {
      clearTimeout(this.#timers[0]);
      this.#timers.push(setInterval(() => channel.readyState === 'open' && channel.send('here'), HERE_EVERY_MS));
    });
    channel?.addEventListener('close', () => this.#fail('footage.connection_lost', 'The connection to the recorder was lost.'));
    channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => this.#hear(data));
  }

  get track(): MediaStreamTrack {
    return this.#offer.track;
  }

  /** The id under which the recorder is told what to do; undefined before its answer. */
  get session(): string | undefined {
    return this.#session;
  }

  /** Resolves with the recorder's answer; what goes wrong is told as the end, and then it resolves with undefined. */
  async open(): Promise<PlaybackAnswer | undefined> {
    try {
      const text = await this.#offer.text;
      if (this.#hasEnded) return undefined;
      const answer = await this.#parts.ask(text, { timeoutMs: ANSWER_MS, onEvent: (_event, body) => this.#onEnded(body) });
      this.#session = answer.session;
      if (this.#hasEnded) {
        await this.#closeAtRecorder();
        return undefined;
      }
      if (sdpFingerprint(answer.sdp) !== answer.fp) {
        const say = 'The answer is not from the recorder: its pictures were refused.';
        throw new AgentError({ code: 'footage.other_peer', say, fix: 'Try again; if it happens again, tell the owner.' });
      }
      this.#timers.unshift(setTimeout(() => this.#fail('footage.no_connection', 'No connection came about.'), CONNECT_MS));
      await this.#offer.peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
      return answer;
    } catch (error) {
      const { code, say, fix } = asAgentError(error, {
        code: 'footage.failed',
        say: 'The recording could not be opened.',
        fix: 'Try again.',
      });
      void this.#end({ code, say, fix }, false, true);
      return undefined;
    }
  }

  /** The file is here whole: the recorder need not keep the way open. Its end comes from there; `stop()` may follow. */
  taken(): void {
    const { channel } = this.#offer;
    if (channel?.readyState === 'open') channel.send(FOOTAGE_TAKEN);
  }

  /** Ends it; the recorder is told. */
  stop(): Promise<void> {
    return this.#end({ code: 'footage.closed', say: '', fix: '' }, true, true);
  }

  #hear(data: unknown): void {
    if (this.#hasEnded) return;
    try {
      if (data instanceof ArrayBuffer) this.#parts.onPiece?.(data);
      else if (typeof data === 'string') this.#parts.onWord(parseShape(FootageWord, parseGuarded(data)));
    } catch (error) {
      const { code, say, fix } = asAgentError(error, {
        code: 'footage.failed',
        say: 'The recording could not be read.',
        fix: 'Try again.',
      });
      void this.#end({ code, say, fix }, false, true);
    }
  }

  #onEnded(body: unknown): void {
    const { session, code, say, fix } = parseShape(PlaybackEnded, body);
    // A file that is whole says so itself, behind its last piece: this word came another way and may have overtaken it.
    if (code === FINISHED) return;
    if (this.#session === undefined || session === this.#session) void this.#end({ code, say, fix }, false, false);
  }

  #fail(code: string, say: string): void {
    void this.#end({ code, say, fix: 'Try again. If it stays so, this device may not reach the recorder’s network.' }, false, true);
  }

  async #end(reason: Reason, isByViewer: boolean, isToldToRecorder: boolean): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#parts.onEnd(reason, isByViewer);
    if (isToldToRecorder) await this.#closeAtRecorder();
    this.#offer.peer.close();
  }

  /** Best effort: the recorder notices a vanished viewer by itself too. */
  async #closeAtRecorder(): Promise<void> {
    if (this.#session === undefined) return;
    await this.#parts.client.call('playback.close', { session: this.#session }, { timeoutMs: CLOSE_MS }).catch(() => undefined);
  }
}
