import type { Login, VideoEncoderOptions } from '../../drivers/port.js';
import type { Applied, Configuration, ConfigurationPatch, Plan } from '../contract/configuration.js';
import { AgentError } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import { Secret } from '../kernel/secret.js';
import type { Service } from '../kernel/service.js';
import { applyActs } from './apply.js';
import { diffConfiguration, type StreamChange } from './diff.js';
import { type ConfigDocument, EMPTY_DOCUMENT, NO_WISH } from './document.js';
import { cancelled, planRefused, staleBase } from './failures.js';
import { type Act, type Offer, offerKey, offersNeeded, type Planned, planConfiguration } from './plan.js';
import type { ConfigParts } from './ports.js';
import { reportConfiguration, reportedStream } from './report.js';

type Listener = (current: Configuration) => void;

/**
 * The recorder's configuration: says how everything is set now, plans a change without touching anything, and applies one so that it is
 * either wholly there, read back from the cameras, or not at all.
 */
export class ConfigService implements Service {
  readonly name = 'config';
  /** Long enough to go back from a change under way at one camera. */
  readonly stopDeadlineMs = 10_000;
  readonly #parts: ConfigParts;
  readonly #queue = new KeyedQueue();
  readonly #listeners = new Set<Listener>();
  readonly #life = new AbortController();
  #document: ConfigDocument = EMPTY_DOCUMENT;
  #announced = '';
  #isApplying = false;
  #endListening: (() => void) | undefined;

  constructor(parts: ConfigParts) {
    this.#parts = parts;
  }

  /** Resolves when the stored document is loaded. Rejects with `store.*`. */
  async start(): Promise<void> {
    this.#document = (await this.#parts.store.load()) ?? EMPTY_DOCUMENT;
    this.#announced = this.current().version;
    this.#endListening = this.#parts.cameras.onChange(() => this.#announce());
  }

  /** A change under way goes back to what was before; resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#endListening?.();
    this.#life.abort();
    await this.#queue.run('apply', () => Promise.resolve());
  }

  /** As it is now: what the cameras said last, null where they said nothing since the agent started. No secret inside. */
  current(): Configuration {
    return reportConfiguration(this.#document, this.#parts.recorderName, this.#parts.cameras.list());
  }

  /**
   * What `patch` would do and what would not work; touches nothing. Rejects with `config.stale_base` (`detail.current`) when `base` is not
   * the current version, `config.cancelled` when `signal` fires.
   */
  async plan(base: string, patch: ConfigurationPatch, signal?: AbortSignal): Promise<Plan> {
    return (await this.#prepare(base, patch, this.#both(signal))).plan;
  }

  /**
   * Applies `patch`: one caller at a time, all or nothing. Rejects with `config.stale_base`, `config.refused` (`detail.refused`; nothing
   * was touched), or, after going back as far as possible (`detail.isRestored`, `.restored`, `.notRestored`; paths): `config.not_taken`
   * (`detail.step`, `.asked`, `.read`), `config.login_not_taken`, `config.not_applied` (`detail.reason` is the camera's or the store's
   * code), `config.cancelled`.
   */
  apply(base: string, patch: ConfigurationPatch, signal?: AbortSignal): Promise<Applied> {
    return this.#queue.run('apply', () => this.#apply(base, patch, this.#both(signal)));
  }

  /** Called with the new configuration whenever its version changes; during an apply once, at its end. Returns the way to stop listening. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #apply(base: string, patch: ConfigurationPatch, signal: AbortSignal): Promise<Applied> {
    const { cameras, clock } = this.#parts;
    const log = this.#parts.log.area('config');
    const startedAtMs = clock.monotonicMs();
    const { plan, acts } = await this.#prepare(base, patch, signal);
    if (plan.refused.length > 0) throw planRefused(plan.refused);
    if (acts.length === 0) return { version: base, steps: [] };
    const document = this.#document;
    this.#isApplying = true;
    try {
      const confirmed = await applyActs(acts, { cameras, document, logins: loginsOf(patch), signal }, log, () => this.#remember(acts));
      const steps = acts.flatMap((act, at) => act.steps.map((step) => ({ ...step, isReadBack: confirmed[at] === true })));
      log.info('settings changed', { steps: steps.map(({ path }) => path), tookMs: Math.round(clock.monotonicMs() - startedAtMs) });
      return { version: this.current().version, steps };
    } finally {
      this.#isApplying = false;
      this.#announce();
    }
  }

  async #prepare(base: string, patch: ConfigurationPatch, signal: AbortSignal): Promise<Planned> {
    if (signal.aborted) throw cancelled();
    const current = this.current();
    if (base !== current.version) throw staleBase(current);
    const changes = diffConfiguration(current, patch);
    const offers = await this.#askOffers(offersNeeded(changes, this.#parts.cameras.list()), signal);
    if (signal.aborted) throw cancelled();
    // Asking takes time, and a plan must not be made for what is no longer so.
    const fresh = this.current();
    if (base !== fresh.version) throw staleBase(fresh);
    return planConfiguration({ current, cameras: this.#parts.cameras.list(), offers }, changes);
  }

  /** Cameras side by side, the streams of one camera one after the other: many cameras fall over when asked for two things at once. */
  async #askOffers(needed: readonly StreamChange[], signal: AbortSignal): Promise<ReadonlyMap<string, Offer>> {
    const offers = new Map<string, Offer>();
    const perCamera = new KeyedQueue();
    const ask = ({ cam, stream }: StreamChange): Promise<void> =>
      perCamera.run(cam, async () => {
        const asked: Promise<VideoEncoderOptions> = this.#parts.cameras.encoderOptions(cam, stream, signal);
        const offer = await asked.then(
          (options): Offer => ({ options }),
          (error: unknown): Offer => ({ trouble: troubleOf(error) }),
        );
        offers.set(offerKey(cam, stream), offer);
      });
    await Promise.all(needed.map(ask));
    return offers;
  }

  /** Makes the wishes durable. Called only after every camera confirmed its part. */
  async #remember(acts: readonly Act[]): Promise<void> {
    const next = withWishes(this.#document, acts, new Set(this.#parts.cameras.list().map(({ id }) => id)));
    await this.#parts.store.save(next);
    this.#document = next;
  }

  #announce(): void {
    if (this.#isApplying) return;
    const current = this.current();
    if (current.version === this.#announced) return;
    this.#announced = current.version;
    for (const listener of this.#listeners) listener(current);
  }

  #both(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#life.signal : AbortSignal.any([signal, this.#life.signal]);
  }
}

function troubleOf(error: unknown): { say: string; fix: string } {
  if (error instanceof AgentError) return { say: error.say, fix: error.fix };
  return { say: 'It could not be asked what it offers.', fix: 'Try again; if it stays so, send the support bundle.' };
}

function loginsOf(patch: ConfigurationPatch): ReadonlyMap<string, Login> {
  const logins = new Map<string, Login>();
  for (const [cam, { login }] of Object.entries(patch.cameras ?? {})) {
    if (login !== undefined) logins.set(cam, { user: login.user, password: new Secret(login.password) });
  }
  return logins;
}

/** `document` with what the acts brought about, and without cameras that are gone. */
function withWishes(document: ConfigDocument, acts: readonly Act[], known: ReadonlySet<string>): ConfigDocument {
  const cameras = Object.fromEntries(Object.entries(document.cameras).filter(([cam]) => known.has(cam)));
  let { recorderName } = document;
  for (const act of acts) {
    if (act.kind === 'recorder-name') recorderName = act.name;
    if (act.kind === 'camera-name') cameras[act.cam] = { ...(cameras[act.cam] ?? NO_WISH), name: act.name };
    if (act.kind === 'encoder') cameras[act.cam] = { ...(cameras[act.cam] ?? NO_WISH), [act.stream]: reportedStream(act.asked) };
  }
  return { v: 1, recorderName, cameras };
}
