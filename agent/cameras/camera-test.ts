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
import { beginsPicture } from './keyframe.js';
import { explain, type ReasonContext } from './reasons.js';

/** A clock that is further off than this makes recordings and logs disagree, and some cameras refuse the login for it. */
const CLOCK_LIMIT_MS = 5_000;
/** Cameras send a whole picture at least this often, or on demand. */
const KEYFRAME_MS = 12_000;
type StepName = TestStep['step'];
type Said = Pick<TestStep, 'result' | 'say'> & Partial<Pick<TestStep, 'code' | 'fix'>>;

/** One camera and what it is tested with. */
export interface CameraTestParts {
  /** A connection of its own, closed by the caller. */
  readonly driver: CameraDriver;
  /** Where its picture comes by wire there is no network to test. */
  readonly isWired: boolean;
  readonly context: ReasonContext;
  readonly source: string | undefined;
  readonly serialPtz: PtzDriver | undefined;
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
    await this.#step('authentication', signal, async () => [undefined, await this.#identify(signal)], true);
    const streams = isWired ? [] : ((await this.#step('profiles', signal, () => this.#profiles(signal))) ?? []);
    await this.#picture(streams, signal);
    const extras = this.#isOver ? undefined : await this.#extras(signal);
    await this.#step('events', signal, async () => [undefined, await this.#events(extras?.events, signal)]);
    await this.#step('ptz', signal, async () => [undefined, await this.#ptz(extras?.ptz, signal)]);
    return TEST_STEPS.map((step) => this.#steps.find((done) => done.step === step) ?? untried(step, isWired));
  }

  /** Does one step unless one before it failed; what it rejects with becomes its sentence. */
  async #step<T>(step: StepName, signal: AbortSignal, work: () => Promise<[T, Said]>, endsAll = true): Promise<T | undefined> {
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
      if (said.result === 'failed' && endsAll) this.#isOver = true;
      return found;
    } catch (error) {
      if (signal.aborted) throw error;
      const { code, say, fix } = explain(error, context);
      note({ result: 'failed', code, say, fix });
      if (endsAll) this.#isOver = true;
      return undefined;
    }
  }

  async #identify(signal: AbortSignal): Promise<Said> {
    const { driver, context, isWired } = this.#parts;
    if (isWired) return { result: 'absent', say: 'It is connected by wire: there is no login.' };
    const { manufacturer, model, firmware } = await driver.identify({ signal });
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
      false,
    );
    if (seen === undefined || seen.packets === 0) return;
    const tookMs = Math.round((seen.keyframeMs ?? this.#parts.clock.monotonicMs()) - startedMs);
    const said: Said =
      seen.keyframeMs === undefined ? NO_KEYFRAME : { result: 'ok', say: `A whole picture came after ${duration(tookMs)}.` };
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

  async #extras(signal: AbortSignal): Promise<{ readonly ptz: PtzDriver | undefined; readonly events: EventSource | undefined }> {
    const { driver } = this.#parts;
    try {
      const has = await driver.capabilities?.({ signal });
      if (has !== undefined) return has;
      return { ptz: await driver.ptz({ signal }), events: undefined };
    } catch (error) {
      if (signal.aborted) throw error;
      return { ptz: undefined, events: undefined };
    }
  }

  async #events(events: EventSource | undefined, signal: AbortSignal): Promise<Said> {
    if (events === undefined) return { result: 'absent', say: 'Tells nothing by itself.' };
    const ended = new AbortController();
    const open = await events.open(
      { onEvent: () => undefined, onEnd: () => undefined },
      { signal: AbortSignal.any([signal, ended.signal]) },
    );
    await open.close();
    ended.abort();
    return { result: 'ok', say: 'Tells of motion and faults by itself.' };
  }

  async #ptz(own: PtzDriver | undefined, signal: AbortSignal): Promise<Said> {
    const { serialPtz } = this.#parts;
    const driver = serialPtz ?? own;
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

interface PictureSeen {
  codec: 'H264' | 'H265';
  packets: number;
  /** Monotonic instant of the first packet of a whole picture. */
  keyframeMs: number | undefined;
}

const NO_PACKETS: Said = {
  result: 'failed',
  code: 'cameras.no_packets',
  say: 'The stream was opened, but no picture data came.',
  fix: "Check the encoder on the camera's own page, and how many others watch this camera.",
};
const NO_KEYFRAME: Said = {
  result: 'failed',
  code: 'cameras.no_keyframe',
  say: `No whole picture came within ${KEYFRAME_MS / 1000} s.`,
  fix: "Set a shorter interval between whole pictures (GOP, I-frame interval) on the camera's own page: one to two seconds.",
};

function untried(step: StepName, isWired: boolean): TestStep {
  const wired = isWired && ['clock', 'profiles', 'stream', 'keyframe'].includes(step);
  const say = wired ? 'It is connected by wire.' : 'Not tried, because of what failed before.';
  return { step, result: wired ? 'absent' : 'skipped', code: null, say, fix: '', tookMs: 0 };
}

function aboutClock(offsetMs: number): Said {
  const offMs = Math.abs(offsetMs);
  if (offMs <= CLOCK_LIMIT_MS) return { result: 'ok', say: `Its clock agrees with the recorder's to ${duration(offMs)}.` };
  return {
    result: 'warning',
    code: 'cameras.clock_off',
    say: `Its clock is ${duration(offMs)} ${offsetMs > 0 ? 'ahead of' : 'behind'} the recorder's. Sightline allows for it; others may not.`,
    fix: "Set time and time zone on the camera's own page, best by a time server (NTP).",
  };
}

function aboutStreams(streams: readonly CameraStream[]): Said {
  if (streams.length === 0) {
    return {
      result: 'failed',
      code: 'cameras.no_profiles',
      say: 'It has no profile with a picture.',
      fix: "Make a media profile with a video encoder on the camera's own page.",
    };
  }
  const list = streams.map(({ kind, video }) => `${kind} ${video.width}x${video.height} ${video.codec} ${video.frameRate}/s`).join(', ');
  const main = streams[0];
  if (main?.video.codec === 'H264') return { result: 'ok', say: `${list}.` };
  return {
    result: 'warning',
    code: 'cameras.other_codec',
    say: `${list}. Not every browser shows ${main?.video.codec}.`,
    fix: "Set the encoder to H.264 on the camera's own page if pictures stay black.",
  };
}
