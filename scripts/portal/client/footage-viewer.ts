import type { FootageWord, PlaybackAnswer, PlayerState, Speed } from '../../../agent/contract/footage.js';
import type { ArgsOf } from '../../../agent/contract/operations.js';
import type { Reason } from '../../../agent/contract/views.js';
import { FootageLink } from './footage-link.js';
import type { RecorderClient } from './recorder-client.js';

/** What the player of one camera's recordings shows. */
export type FootageState =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly until: number; readonly watermark: string; readonly from: number | null; readonly to: number | null }
  | { readonly kind: 'ended'; readonly reason: Reason; readonly isByViewer: boolean };

/** Which recording is wanted from when on, and who is told of it. */
export interface FootageViewerParts {
  readonly client: Pick<RecorderClient, 'call'>;
  readonly cam: string;
  /** Wall clock ms. */
  readonly at: number;
  readonly speed: Speed;
  /** Longest watching, s. */
  readonly maxS: number;
  readonly video: HTMLVideoElement;
  onState(state: FootageState): void;
  /** How the player stands, after each act. */
  onPlayer(player: PlayerState): void;
  /** Wall clock of the picture that is shown. */
  onClock(at: number): void;
  /** A gap, an edge, or trouble; playing has stopped at the last two. */
  onNews(word: Extract<FootageWord, { t: 'gap' | 'edge' | 'trouble' }>): void;
}

/** Something to be done, without the session that it is for. */
type Act<T> = T extends unknown ? Omit<T, 'session'> : never;

/** Plays one camera's recordings. `start()` once; the rest as often as one likes, after `open`. What is not possible rejects. */
export class FootageViewer {
  readonly #parts: FootageViewerParts;
  readonly #link: FootageLink;
  /** Number of the newest act: clocks of pictures from before it are not shown. */
  #newest = 0;

  constructor(parts: FootageViewerParts) {
    this.#parts = parts;
    const { client, cam, at, speed, maxS } = parts;
    this.#link = new FootageLink({
      client,
      ask: (offer, options) => client.call('playback.open', { cam, at, isPlaying: true, speed, maxS, ...offer }, options),
      onWord: (word) => this.#hear(word),
      onEnd: (reason, isByViewer) => {
        parts.video.srcObject = null;
        parts.onState({ kind: 'ended', reason, isByViewer });
      },
    });
  }

  /** Begins; what happens is told. */
  start(): void {
    const { video, onState } = this.#parts;
    onState({ kind: 'opening' });
    video.srcObject = new MediaStream([this.#link.track]);
    void this.#link.open().then((answer: PlaybackAnswer | undefined) => {
      if (answer === undefined) return;
      const { until, watermark, from, to } = answer;
      onState({ kind: 'open', until, watermark, from, to });
      // Muted video may start without a gesture; a refusal would only leave the first picture standing.
      void video.play().catch(() => undefined);
    });
  }

  play(): Promise<void> {
    return this.#control({ act: 'play' });
  }

  pause(): Promise<void> {
    return this.#control({ act: 'pause' });
  }

  seek(at: number): Promise<void> {
    return this.#control({ act: 'seek', at: Math.round(at) });
  }

  speed(speed: Speed): Promise<void> {
    return this.#control({ act: 'speed', speed });
  }

  /** 1: the next picture; -1: the intra picture before. */
  step(by: 1 | -1): Promise<void> {
    return this.#control({ act: 'step', by });
  }

  reverse(isReverse: boolean): Promise<void> {
    return this.#control({ act: 'reverse', isReverse });
  }

  stop(): Promise<void> {
    return this.#link.stop();
  }

  async #control(act: Act<ArgsOf<'playback.control'>>): Promise<void> {
    const { session } = this.#link;
    if (session === undefined) return;
    const player = await this.#parts.client.call('playback.control', { session, ...act } as ArgsOf<'playback.control'>);
    if (player.n < this.#newest) return;
    this.#newest = player.n;
    this.#parts.onPlayer(player);
  }

  #hear(word: FootageWord): void {
    if (word.t === 'file') return;
    if (word.t !== 'at') this.#parts.onNews(word);
    else if (word.n >= this.#newest) this.#parts.onClock(word.at);
  }
}
