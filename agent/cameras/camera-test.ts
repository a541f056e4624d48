import {
  type CameraDriver,
  type CameraStream,
  DriverError,
  type EventSource,
  type PtzDriver,
  type StreamClient,
} from '../../drivers/port.js';
import { TEST_STEPS, type TestStep } from '../contract/camera-views.js';
import type { Clock } from '../kernel/clock.js';
import { withDeadline } from '../kernel/deadline.js';
import { duration } from './durations.js';
import { isAnother } from './inspection.js';
import { beginsPicture } from './keyframe.js';
import { anotherDevice, type ReasonContext } from './reasons.js';
import {
  aboutClock,
  aboutEvents,
  aboutStreams,
  eventsFailed,
  failed,
  NO_EVENTS,
  NO_PACKETS,
  noKeyframe,
  type Said,
  streamFailed,
  untried,
} from './test-words.js';

/** Cameras send a whole picture at least this often, or on demand. */
const KEYFRAME_MS = 12_000;
type StepName = TestStep['step'];

/** One camera and what it is tested with. */
export interface CameraTestParts {
  /** A connection of its own, closed by the caller. */
  readonly driver: CameraDriver;
  /** Where its picture comes by wire there is no network to test. */
  readonly isWired: boolean;
  readonly context: ReasonContext;
  readonly source: string | undefined;
  readonly serialPtz: PtzDriver | undefined;
  /** Serial number as last seen; empty when it never told one. */
  readonly serial: string;
  /** Its events are listened to already: many cameras have room for one listener only. */
  readonly isHeard: () => boolean;
  /** Without it nothing is pulled. */
  readonly streams: StreamClient | undefined;
  readonly clock: Clock;
}

/**
 * Walks through a camera from the network to what moves it, one step after another, and says of each what is wrong and what to do next. It moves
 * nothing and changes nothing; each step has the driver's own deadline. Rejects only with what aborts it.
 */
export class CameraTest {
  readonly #parts: CameraTestParts;
  readonly #steps: TestStep[] = [];
  #isOver = false;

  constructor(parts: CameraTestParts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<readonly TestStep[]> {
    const { driver, isWired } = this.#parts;
    const offsetMs = await this.#step('reachability', signal, async () => {
      const offset = await driver.clockOffsetMs({ signal });
      return [offset, { result: 'ok', say: isWired ? 'The port of its bus is open.' : `Answers at ${this.#parts.context.host}.` }];
    });
    if (!isWired) await this.#step('clock', signal, async () => [undefined, aboutClock(offsetMs ?? 0)]);
    await this.#step('authentication', signal, async () => [undefined, await this.#identify(signal)]);
    const streams = isWired ? [] : ((await this.#step('profiles', signal, () => this.#profiles(signal))) ?? []);
    await this.#picture(streams, signal);
    const extras = this.#isOver ? undefined : this.#extras(signal);
    // Asked for once and told twice: what it rejects with is wrong with both.
    extras?.catch(() => undefined);
    await this.#step('events', signal, async () => [undefined, await this.#events((await extras)?.events, signal)], EVENTS);
    await this.#step('ptz', signal, async () => [undefined, await this.#ptz(() => extras, signal)]);
    return TEST_STEPS.map((step) => this.#steps.find((done) => done.step === step) ?? untried(step, isWired));
  }

  /** Does one step unless one before it failed; what it rejects with becomes its sentence. */
  async #step<T>(step: StepName, signal: AbortSignal, work: () => Promise<[T, Said]>, how: How = WHOLE): Promise<T | undefined> {
    if (this.#isOver) return undefined;
    const { clock, context } = this.#parts;
    const startedMs = clock.monotonicMs();
    const note = (said: Said): void => {
      const tookMs = Math.round(clock.monotonicMs() - startedMs);
      this.#steps.push({ step, code: null, fix: '', ...said, tookMs });
    };
    try {
      const [found, said] = await work();
      note(said);
      if (said.result === 'failed' && how.endsAll) this.#isOver = true;
      return found;
    } catch (error) {
      if (signal.aborted) throw error;
      note(how.words(error, context));
      if (how.endsAll) this.#isOver = true;
      return undefined;
    }
  }

  async #identify(signal: AbortSignal): Promise<Said> {
    const { driver, context, isWired, serial: known } = this.#parts;
    if (isWired) return { result: 'absent', say: 'It is connected by wire: there is no login.' };
    const { manufacturer, model, firmware, serial } = await driver.identify({ signal });
    if (isAnother(known, serial)) throw anotherDevice(context.host, { known, seen: serial });
    const what = [manufacturer, model].filter((text) => text !== '').join(' ') || 'a camera that does not say what it is';
    const who = context.login === undefined ? 'without a login' : `user ${context.login.user}`;
    return { result: 'ok', say: `Accepts ${who}: ${what}${firmware === '' ? '' : `, firmware ${firmware}`}.` };
  }

  async #profiles(signal: AbortSignal): Promise<[readonly CameraStream[], Said]> {
    const { driver, source } = this.#parts;
    const sources = (await driver.sources?.({ signal })) ?? [];
    const streams = (sources.find(({ token }) => token === source) ?? sources[0])?.streams ?? (await driver.streams({ signal }));
    return [streams, aboutStreams(streams)];
  }

  /** Stream and whole picture: the same pull, two lines. A stream that fails ends neither events nor movement. */
  async #picture(streams: readonly CameraStream[], signal: AbortSignal): Promise<void> {
    const main = streams[0];
    const { streams: client } = this.#parts;
    if (main === undefined || client === undefined || this.#isOver) return;
    const startedMs = this.#parts.clock.monotonicMs();
    let seen: PictureSeen | undefined;
    await this.#step(
      'stream',
      signal,
      async () => {
        seen = await withDeadline(this.#parts.clock, KEYFRAME_MS, (late) => this.#pull(client, main, AbortSignal.any([signal, late])));
        if (seen.packets === 0) return [undefined, NO_PACKETS];
        return [undefined, { result: 'ok', say: `Its ${seen.codec} stream plays.` }];
      },
      STREAM,
    );
    if (seen === undefined || seen.packets === 0) return;
    const tookMs = Math.round((seen.keyframeMs ?? this.#parts.clock.monotonicMs()) - startedMs);
    const said: Said =
      seen.keyframeMs === undefined ? noKeyframe(KEYFRAME_MS) : { result: 'ok', say: `A whole picture came after ${duration(tookMs)}.` };
    this.#steps.push({ step: 'keyframe', code: null, fix: '', ...said, tookMs });
  }

  async #pull(client: StreamClient, stream: CameraStream, signal: AbortSignal): Promise<PictureSeen> {
    const { driver, context, clock } = this.#parts;
    const uri = await driver.streamUri(stream.profileToken, { signal });
    const seen: PictureSeen = { codec: 'H264', packets: 0, keyframeMs: undefined };
    let enough: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      enough = resolve;
    });
    const pull = await client.open({
      ...{ uri, allowedHost: context.host, login: context.login, signal },
      onRtp: (buffer, start, end) => {
        seen.packets += 1;
        if (seen.keyframeMs !== undefined || !beginsPicture(seen.codec, buffer, start, end)) return;
        seen.keyframeMs = clock.monotonicMs();
        enough();
      },
      onEnd: () => enough(),
    });
    try {
      seen.codec = pull.track.codec;
      signal.addEventListener('abort', enough, { once: true });
      // Asked for, because some send a whole picture only every few minutes; one that cannot be asked sends it sooner or later.
      await driver.synchronize(stream.profileToken, { signal }).catch(() => undefined);
      await done;
      return seen;
    } finally {
      await pull.close();
    }
  }

  async #extras(signal: AbortSignal): Promise<Extras> {
    const { driver } = this.#parts;
    const has = await driver.capabilities?.({ signal });
    return has ?? { ptz: await driver.ptz({ signal }), events: undefined };
  }

  async #events(events: EventSource | undefined, signal: AbortSignal): Promise<Said> {
    const { isWired, isHeard } = this.#parts;
    if (events === undefined) return isWired ? { result: 'absent', say: 'Tells nothing by itself.' } : NO_EVENTS;
    if (!isHeard()) {
      const ended = new AbortController();
      const both = AbortSignal.any([signal, ended.signal]);
      const open = await events.open({ onEvent: () => undefined, onEnd: () => undefined }, { signal: both });
      await open.close();
      ended.abort();
    }
    return aboutEvents(await events.kinds?.({ signal }));
  }

  async #ptz(extras: () => Promise<Extras> | undefined, signal: AbortSignal): Promise<Said> {
    const { serialPtz } = this.#parts;
    const driver = serialPtz ?? (await extras())?.ptz;
    if (driver === undefined) return { result: 'absent', say: 'Cannot be moved.' };
    const how = serialPtz === undefined ? '' : ' over its serial bus';
    const presets = await driver.presets?.({ signal }).catch((error: unknown) => {
      if (error instanceof DriverError && error.code === 'camera.unsupported') return undefined;
      throw error;
    });
    const places = presets === undefined ? '' : `, ${presets.length} ${presets.length === 1 ? 'preset' : 'presets'} stored`;
    return { result: 'ok', say: `Can be moved${how}${places}. It was not moved.` };
  }
}

interface Extras {
  readonly ptz: PtzDriver | undefined;
  readonly events: EventSource | undefined;
}

/** What a failure of a step means for those behind it, and in which words it is told. */
interface How {
  readonly endsAll: boolean;
  readonly words: (error: unknown, context: ReasonContext) => Said;
}
const WHOLE: How = { endsAll: true, words: failed };
const STREAM: How = { endsAll: false, words: streamFailed };
const EVENTS: How = { endsAll: false, words: eventsFailed };

interface PictureSeen {
  codec: 'H264' | 'H265';
  packets: number;
  /** Monotonic instant of the first packet of a whole picture. */
  keyframeMs: number | undefined;
}
