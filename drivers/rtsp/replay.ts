/** Recordings inside cameras and recorders, read over RTSP (ONVIF Profile G). */
import { DriverError, type FootageReader, type ReplayClient, type ReplayRequest } from '../port.js';
import { given, type ReplayParts, ReplaySession } from './replay-session.js';

/** A session that nobody reads is kept this long: seeking and another speed begin with the next PLAY, not with a new connection. */
const KEPT_MS = 10_000;
const MOST_KEPT = 4;
/** From the connection to the answer to PLAY, all together. */
const BEGIN_MS = 10_000;
/** The answer to another PLAY; a new connection is tried after it. */
const AGAIN_MS = 3_000;

interface Held {
  readonly session: ReplaySession;
  /** The signal does not end it any more. */
  readonly letGo: () => void;
}

interface Kept {
  readonly session: ReplaySession;
  readonly timer: { cancel(): void };
}

const keyOf = ({ uri, allowedHost, login }: ReplayRequest): string => `${uri} ${allowedHost} ${login?.user ?? ''}`;

/** Any number of readers, each with a session of its own; a session left behind is taken up again by the next reader of the same recording. */
export function createReplayClient(parts: ReplayParts): ReplayClient {
  return new Replays(parts);
}

class Replays implements ReplayClient {
  readonly #parts: ReplayParts;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: ReplayParts) {
    this.#parts = parts;
  }

  async open(request: ReplayRequest): Promise<FootageReader> {
    if (request.signal.aborted) throw given();
    const { session, letGo } = (await this.#again(request)) ?? (await this.#begin(request));
    let closing: Promise<void> | undefined;
    return {
      next: () => session.next(),
      close: () => {
        letGo();
        closing ??= request.signal.aborted ? this.#end(session) : this.#keep(keyOf(request), session);
        return closing;
      },
    };
  }

  /** The session that was left behind, at the new place; undefined when there is none that still goes. */
  async #again(request: ReplayRequest): Promise<Held | undefined> {
    const key = keyOf(request);
    const found = this.#kept.get(key);
    if (found === undefined) return undefined;
    this.#kept.delete(key);
    found.timer.cancel();
    const { session } = found;
    if (session.isDown) return undefined;
    try {
      return await this.#hold(session, request.signal, AGAIN_MS, () => session.play(request.wish));
    } catch (error) {
      if (request.signal.aborted) throw error;
      // The camera has let go of it meanwhile: a new one is begun.
      this.#parts.log.debug('a kept replay could not go on', { error });
      return undefined;
    }
  }

  async #begin(request: ReplayRequest): Promise<Held> {
    if (request.signal.aborted) throw given();
    const session = new ReplaySession(this.#parts, request);
    return this.#hold(session, request.signal, BEGIN_MS, async () => {
      await session.open();
      await session.play(request.wish);
    });
  }

  /** Takes the steps until pictures come: whoever gives up, and a camera that does not answer, end them at each of them. */
  async #hold(session: ReplaySession, signal: AbortSignal, deadlineMs: number, steps: () => Promise<void>): Promise<Held> {
    let isPlaying = false;
    const abort = (): void => {
      // What plays is told to end; what only begins is cut off.
      if (isPlaying) void this.#end(session);
      else session.destroy(given());
    };
    const letGo = (): void => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort, { once: true });
    const late = this.#parts.clock.after(deadlineMs, () =>
      session.destroy(new DriverError('camera.timeout', 'The camera did not begin to play its recording in time.')),
    );
    try {
      await steps();
      isPlaying = true;
      return { session, letGo };
    } catch (error) {
      letGo();
      await this.#end(session);
      throw error;
    } finally {
      late.cancel();
    }
  }

  async #keep(key: string, session: ReplaySession): Promise<void> {
    if (session.isDown || this.#kept.has(key) || this.#kept.size >= MOST_KEPT) return this.#end(session);
    session.pause();
    const timer = this.#parts.clock.after(
      KEPT_MS,
      () => {
        if (this.#kept.get(key)?.session === session) this.#kept.delete(key);
        void this.#end(session);
      },
      true,
    );
    this.#kept.set(key, { session, timer });
  }

  #end(session: ReplaySession): Promise<void> {
    return session.close().catch((error: unknown) => this.#parts.log.debug('a replay did not end cleanly', { error }));
  }
}
