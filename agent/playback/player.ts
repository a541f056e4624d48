import type { FootagePicture, FootageReader } from '../../drivers/port.js';
import { type ControlArgs, FAST_SPEED, type PlayerState, type Speed } from '../contract/footage.js';
import type { Timer } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { outsideFootage } from './admission.js';
import { Pacing } from './pacing.js';
import type { PlayerParts, PlayerStart } from './player-parts.js';
import { playbackError } from './reasons.js';
import { SeenPictures } from './seen-pictures.js';
import { nextFootage, type Stretch } from './stretches.js';

/** A reader that falls behind by more than this is not caught up with. */
const MOST_LATE_MS = 500;
/** Where the picture stands is told this often. */
const WORD_EVERY_MS = 100;
/** What is recorded is looked up this far around the place, and again when the place leaves it. */
const LOOK_AROUND_MS = 24 * 3_600_000;
/** A viewer that lost a picture is helped at most this often. */
const REPAIR_EVERY_MS = 1_000;
const MOST_TIME_MS = 4_102_444_800_000;

/**
 * Plays one camera's recordings: reads picture after picture, holds each until it is due, tells gaps and where it stands. Nothing outside the
 * permitted footage is read. Each control that moves the place starts a new run; what an old run still reads is dropped.
 */
export class Player {
  readonly #parts: PlayerParts;
  readonly #pacing: Pacing;
  readonly #abort = new AbortController();
  #speed: Speed;
  #isReverse = false;
  /** One step back is read backwards, whatever the direction of playing. */
  #isBackStep = false;
  #isPlaying: boolean;
  /** Where it stands: the picture shown last, or the place sought. */
  #atMs: number;
  #n = 0;
  #run = 0;
  #reader: FootageReader | undefined;
  #pending: FootagePicture | undefined;
  /** Pictures up to this one only lead to the place: they are handed on at once. */
  #rollMs = Number.NEGATIVE_INFINITY;
  /** How many pictures are shown although it is paused. */
  #owed = 1;
  #isReady = false;
  #isRunning = false;
  #isStopped = false;
  #lastShownMs: number | undefined;
  #wake: (() => void) | undefined;
  #spans: { readonly around: Stretch; readonly list: readonly Stretch[] } | undefined;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #toldN = 0;
  #repairedAtMs = Number.NEGATIVE_INFINITY;
  /** The viewer lost a picture while it plays: nothing more is shown before the next intra picture. */
  #awaitsIntra = false;
  readonly #seen = new SeenPictures();
  #shown: { fromMs: number; toMs: number } | undefined;
  #closing: Promise<void> = Promise.resolve();

  constructor(parts: PlayerParts, start: PlayerStart) {
    this.#parts = parts;
    this.#speed = start.speed;
    this.#isPlaying = start.isPlaying;
    this.#atMs = start.atMs;
    this.#pacing = new Pacing(start.speed, false);
  }

  /** First and last instant of the footage shown so far. */
  get shown(): Stretch | undefined {
    return this.#shown;
  }

  state(): PlayerState {
    const [at, speed, isReverse, isPlaying] = [Math.round(this.#atMs), this.#speed, this.#isReverse, this.#isPlaying];
    return { n: this.#n, at, speed, isReverse, isPlaying };
  }

  /** Reads the first picture, so that the viewer's transport can be answered for its codec. Rejects with AgentError. */
  async prepare(): Promise<FootagePicture> {
    try {
      this.#pending = await this.#read(this.#run);
    } catch (error) {
      throw playbackError(error);
    }
    if (this.#pending === undefined)
      throw new AgentError({
        code: 'playback.nothing_recorded',
        say: 'Nothing is recorded from this time on.',
        fix: 'Choose another time.',
      });
    return this.#pending;
  }

  /** Hands the first picture to the gate, which holds it until the viewer is there. */
  begin(): void {
    this.#start();
  }

  /** The viewer sees: playing begins. */
  ready(): void {
    this.#isReady = true;
    this.#pacing.forget();
    this.#toldAtMs = Number.NEGATIVE_INFINITY;
    if (this.#lastShownMs !== undefined) this.#tellPlace(this.#lastShownMs);
    this.#start();
  }

  /** Carries out one act; the state after it. Throws AgentError `playback.outside_footage`. */
  control(act: ControlArgs): PlayerState {
    if (act.act === 'play') this.#isPlaying = true;
    else if (act.act === 'pause') this.#pause();
    else if (act.act === 'seek') this.#seek(act.at);
    else if (act.act === 'step') this.#step(act.by);
    else if (act.act === 'speed') this.#change(act.speed, this.#isReverse);
    else this.#change(this.#speed, act.isReverse);
    this.#pacing.forget();
    this.#wake?.();
    this.#start();
    return this.state();
  }

  /** The viewer lost packets. Playing goes on at the next intra picture, since a burst would be lost again; what stands still is led to anew. */
  repair(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const isDue = this.#owed > 0 || this.#awaitsIntra;
    if (!this.#isReady || isDue || nowMs - this.#repairedAtMs < REPAIR_EVERY_MS || this.#lastShownMs === undefined) return;
    this.#repairedAtMs = nowMs;
    if (this.#isPlaying) this.#awaitsIntra = true;
    else this.#leadAgain(this.#lastShownMs);
    this.#start();
  }

  /** Nothing is read or shown any more when this returns; resolves when files and connections are let go. */
  stop(): Promise<void> {
    this.#isStopped = true;
    // First of all, so that the reader ends its session with the camera instead of keeping it for the next place.
    this.#abort.abort();
    this.#move(this.#atMs);
    this.#wake?.();
    return this.#closing;
  }

  get #isFast(): boolean {
    return this.#isBackwards || this.#speed >= FAST_SPEED;
  }

  get #isBackwards(): boolean {
    return this.#isReverse || this.#isBackStep;
  }

  #seek(atMs: number): void {
    const verdict = this.#parts.verdict();
    if (!verdict.ok) throw new AgentError(verdict);
    const outside = outsideFootage(verdict, atMs);
    if (outside !== undefined) throw new AgentError(outside);
    this.#n += 1;
    this.#move(atMs);
    this.#lastShownMs = undefined;
    this.#seen.forget();
    this.#owed = 1;
  }

  #pause(): void {
    this.#isPlaying = false;
    if (this.#awaitsIntra && this.#lastShownMs !== undefined) this.#leadAgain(this.#lastShownMs);
  }

  /** The picture that stands, and before it at once those that lead to it. */
  #leadAgain(shownMs: number): void {
    this.#move(shownMs);
    this.#rollMs = shownMs - 1;
    this.#owed = 1;
  }

  #step(by: 1 | -1): void {
    this.#isPlaying = false;
    this.#n += 1;
    this.#owed = 1;
    const isAtHand = this.#reader !== undefined && !this.#isFast && !this.#awaitsIntra;
    if (by === 1 && isAtHand) return;
    const from = this.#lastShownMs ?? this.#atMs;
    if (by === 1) {
      // From another way of reading back to every picture: the ones up to here only lead to the next.
      this.#speed = this.#speed >= FAST_SPEED ? 1 : this.#speed;
      this.#isReverse = false;
      this.#pacing.change(this.#speed, false);
      this.#move(from);
      this.#rollMs = from;
      return;
    }
    this.#move(from - 1);
    this.#isBackStep = true;
  }

  #change(speed: Speed, isReverse: boolean): void {
    const wasFast = this.#isFast;
    const wasReverse = this.#isReverse;
    this.#speed = speed;
    this.#isReverse = isReverse;
    this.#pacing.change(speed, isReverse);
    if (wasFast === this.#isFast && wasReverse === isReverse) return;
    const from = this.#lastShownMs ?? this.#atMs;
    this.#n += 1;
    this.#move(isReverse ? from - 1 : from);
    // Fast forwards goes on behind the picture that stands; every picture begins again at the intra picture before it.
    this.#rollMs = isReverse ? Number.NEGATIVE_INFINITY : from - 1;
  }

  /** Another place: the run before ends, and what it reads is dropped. */
  #move(atMs: number): void {
    this.#run += 1;
    this.#atMs = atMs;
    this.#isBackStep = false;
    this.#awaitsIntra = false;
    this.#pending = undefined;
    this.#rollMs = Number.NEGATIVE_INFINITY;
    this.#pacing.forget();
    const reader = this.#reader;
    this.#reader = undefined;
    this.#wake?.();
    if (reader === undefined) return;
    const closed = reader.close().catch((error: unknown) => this.#parts.log.debug('a recording did not close cleanly', { error }));
    this.#closing = Promise.all([this.#closing, closed]).then(() => undefined);
  }

  #start(): void {
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    void this.#loop()
      .catch((error: unknown) => this.#trouble(error))
      .finally(() => {
        this.#isRunning = false;
      });
  }

  async #loop(): Promise<void> {
    // Before the viewer is there one picture goes to the gate, which holds it.
    while (!this.#isStopped && (this.#owed > 0 || (this.#isPlaying && this.#isReady))) {
      const run = this.#run;
      let picture = this.#pending;
      try {
        picture ??= await this.#read(run);
      } catch (error) {
        if (run !== this.#run) continue;
        throw error;
      }
      if (run !== this.#run) continue;
      this.#pending = picture;
      if (picture === undefined) this.#edge();
      else await this.#present(picture, run);
    }
  }

  async #present(picture: FootagePicture, run: number): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    // Fast forwards nothing that was shown is shown again; otherwise the pictures before the place lead to it.
    if (this.#isFast && !this.#isBackwards && this.#owed === 0 && picture.atMs <= this.#rollMs + 1) {
      this.#pending = undefined;
      return;
    }
    const isRolling = picture.atMs <= this.#rollMs;
    this.#tellGap(picture.atMs);
    if (this.#awaitsIntra && !picture.isIntra) {
      this.#seen.add(picture.atMs);
      this.#pending = undefined;
      return;
    }
    const dueMs = isRolling || !this.#isPlaying ? nowMs : this.#pacing.dueMs(picture.atMs, nowMs, MOST_LATE_MS);
    if (dueMs > nowMs && this.#owed === 0) {
      await this.#until(dueMs - nowMs);
      // A control came: the same picture is looked at anew, or another run has begun.
      if (run !== this.#run || this.#parts.clock.monotonicMs() < dueMs) return;
    }
    this.#pending = undefined;
    this.#showNow(picture, Math.max(dueMs, nowMs - MOST_LATE_MS), isRolling);
  }

  #showNow(picture: FootagePicture, dueMs: number, isRolling: boolean): void {
    const verdict = this.#parts.verdict();
    // A no ends the session in the gate; what the permission does not cover was not asked for and is not shown if it came.
    if (verdict.ok && outsideFootage(verdict, picture.atMs) !== undefined) return;
    this.#awaitsIntra = false;
    this.#lastShownMs = picture.atMs;
    this.#seen.add(picture.atMs);
    this.#atMs = picture.atMs;
    if (!isRolling) this.#owed = Math.max(0, this.#owed - 1);
    const shown = this.#shown ?? { fromMs: picture.atMs, toMs: picture.atMs };
    this.#shown = { fromMs: Math.min(shown.fromMs, picture.atMs), toMs: Math.max(shown.toMs, picture.atMs) };
    this.#parts.show(picture, dueMs);
    if (!isRolling) this.#tellPlace(picture.atMs);
    if (!this.#isBackStep) return;
    // From here on it goes the way it went: the picture that stands leads to the next.
    this.#move(picture.atMs);
    this.#rollMs = picture.atMs;
  }

  #tellPlace(atMs: number): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const isSame = this.#toldN === this.#n;
    if (isSame && this.#isPlaying && this.#owed === 0 && nowMs - this.#toldAtMs < WORD_EVERY_MS) return;
    this.#toldN = this.#n;
    this.#toldAtMs = nowMs;
    this.#parts.tell({ t: 'at', at: Math.round(atMs), n: this.#n });
  }

  #tellGap(atMs: number): void {
    const gap = this.#seen.gapTo(atMs, this.#spans?.list ?? [], { isBackwards: this.#isBackwards, isFast: this.#isFast });
    if (gap === undefined) return;
    this.#pacing.forget();
    this.#parts.tell({ t: 'gap', from: Math.round(gap.fromMs), to: Math.round(gap.toMs) });
    // Told once, though the picture behind it may wait.
    this.#seen.forget();
  }

  /** Nothing more that way: it stands still and says so. */
  #edge(): void {
    const verdict = this.#parts.verdict();
    const { from = null, to = null } = (verdict.ok ? verdict.footage : undefined) ?? {};
    const bound = this.#isBackwards ? from : to;
    const isBound = bound !== null && Math.abs(bound - this.#atMs) < LOOK_AROUND_MS && this.#hasBeyond(bound);
    this.#isPlaying = false;
    this.#owed = 0;
    const why = isBound ? 'permission' : this.#isBackwards ? 'begin' : 'end';
    this.#parts.tell({ t: 'edge', at: Math.round(this.#atMs), why });
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) void reader.close().catch(() => undefined);
  }

  /** Whether the footage known goes up to the bound: then it is the permission that ends it, not the recording. */
  #hasBeyond(bound: number): boolean {
    const list = this.#spans?.list ?? [];
    return list.some((span) => (this.#isBackwards ? span.fromMs <= bound + 1 : span.toMs >= bound - 1));
  }

  #trouble(thrown: unknown): void {
    if (this.#isStopped) return;
    const { code, say, fix } = playbackError(thrown);
    this.#parts.log.info('recordings cannot be played any further', { error: thrown });
    this.#isPlaying = false;
    this.#owed = 0;
    this.#move(this.#atMs);
    this.#parts.tell({ t: 'trouble', code, say, fix });
  }

  /** The next picture of this run; undefined when there is none any more. */
  async #read(run: number): Promise<FootagePicture | undefined> {
    this.#reader ??= await this.#open(run, this.#atMs);
    return run === this.#run ? this.#reader?.next() : undefined;
  }

  async #open(run: number, fromMs: number): Promise<FootageReader | undefined> {
    const { source } = this.#parts;
    const bounds = this.#reach();
    const { list } = await this.#look(fromMs, run);
    const startMs = nextFootage(list, fromMs, this.#isBackwards);
    if (startMs === undefined || run !== this.#run) return undefined;
    const wish = { ...bounds, startMs, isReverse: this.#isBackwards, isIntraOnly: this.#isFast };
    const reader = await source.open(wish, this.#abort.signal);
    if (run === this.#run) return reader;
    await reader.close();
    return undefined;
  }

  /** What may be read at all, now. */
  #reach(): Stretch {
    const verdict = this.#parts.verdict();
    if (!verdict.ok) return { fromMs: 0, toMs: 0 };
    const { from, to } = verdict.footage ?? { from: null, to: null };
    return { fromMs: from ?? 0, toMs: to === null ? MOST_TIME_MS : to + 1 };
  }

  /** What is recorded around a place; asked again when the place leaves what is known, and for the newest hour each time. */
  async #look(atMs: number, run: number): Promise<{ readonly list: readonly Stretch[] }> {
    const known = this.#spans;
    const isNew = atMs > this.#parts.clock.now() - LOOK_AROUND_MS / 24;
    if (known !== undefined && !isNew && atMs - known.around.fromMs > 3_600_000 && known.around.toMs - atMs > 3_600_000) return known;
    const reach = this.#reach();
    const around = { fromMs: Math.max(reach.fromMs, atMs - LOOK_AROUND_MS), toMs: Math.min(reach.toMs, atMs + LOOK_AROUND_MS) };
    if (around.fromMs >= around.toMs) return { list: [] };
    const { spans } = await this.#parts.source.spans(around, this.#abort.signal);
    const looked = { around, list: spans };
    if (run === this.#run) this.#spans = looked;
    return looked;
  }

  #until(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#wake = undefined;
        resolve();
      };
      const timer: Timer = this.#parts.clock.after(waitMs, done);
      this.#wake = done;
    });
  }
}
