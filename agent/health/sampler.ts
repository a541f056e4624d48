import type { Host, HostInventory, HostSample } from '../../drivers/port.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { AlertBook } from './alert-book.js';
import { isListed, type JudgedFact, judgeFacts, sampleOf, unavailableSentence } from './facts.js';
import { asHealthSample, History } from './history.js';
import type {
  AlertNotice,
  AlertStore,
  CamerasUp,
  FactNow,
  Health,
  HealthColumns,
  HealthNow,
  HealthSample,
  HealthStore,
  Level,
  PowerNow,
} from './types.js';
import { verdict } from './verdict.js';

const DAY_MS = 86_400_000;

/** What the sampler is made of. */
export interface SamplerParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly host: Host;
  /** A path on the system volume, usually the state folder. */
  readonly diskPath: string;
  readonly camerasUp: CamerasUp;
  readonly power?: PowerNow;
  readonly store: HealthStore;
  readonly alertStore?: AlertStore;
  /** Default 60 000. */
  readonly periodMs?: number;
}

/**
 * Takes a sample at start and then every period, judges it, keeps it and tells what became news. Nothing here may end the agent or
 * keep it from starting: a store that fails or a machine that does not tell a fact is logged and passed over.
 */
export class Sampler implements Service, Health {
  readonly name = 'health';
  readonly #parts: SamplerParts;
  readonly #history: History;
  readonly #book = new AlertBook();
  readonly #alertListeners = new Set<(notice: AlertNotice) => void>();
  readonly #sampleListeners = new Set<(sample: HealthSample) => void>();
  #facts: readonly JudgedFact[] = [];
  #sample: HealthSample | null = null;
  #recorder: HostInventory | null = null;
  #inventory: Promise<HostInventory> | undefined;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: SamplerParts) {
    this.#parts = parts;
    this.#history = new History(parts.periodMs ?? 60_000);
  }

  async start(): Promise<void> {
    await this.#restore();
    // Not awaited: a disk that hangs in statfs must not keep the agent from starting.
    void this.#tick();
    this.#timer = this.#parts.clock.every(this.#parts.periodMs ?? 60_000, () => void this.#tick());
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#running;
  }

  /** Takes a sample out of turn: something changed that must not wait a minute. Never rejects. */
  async refresh(): Promise<void> {
    // The one that runs may have looked before the change.
    await this.#running;
    await this.#tick();
  }

  now(): HealthNow {
    const cameras = this.#parts.camerasUp();
    const alerts = this.#book.now();
    const levelOf = (id: string): Level => this.#book.levelBefore(`camera-up:${id}`);
    return {
      at: this.#sample?.at ?? null,
      verdict: verdict(alerts, cameras),
      sample: this.#sample,
      facts: this.#facts.filter(isListed).map(factNow),
      cameras: cameras.map((camera) => ({ ...camera, level: levelOf(camera.id) })),
      alerts,
      recorder: this.#recorder,
    };
  }

  history(fromAt: number): HealthColumns {
    return this.#history.columns(fromAt);
  }

  inventory(): Promise<HostInventory> {
    this.#inventory ??= this.#parts.host.inventory().then(
      (found) => {
        this.#recorder = found;
        return found;
      },
      (error: unknown) => {
        // Asked again next time: what failed once (a busy machine) need not fail twice.
        this.#inventory = undefined;
        throw error;
      },
    );
    return this.#inventory;
  }

  onAlert(listener: (notice: AlertNotice) => void): () => void {
    this.#alertListeners.add(listener);
    return () => void this.#alertListeners.delete(listener);
  }

  onSample(listener: (sample: HealthSample) => void): () => void {
    this.#sampleListeners.add(listener);
    return () => void this.#sampleListeners.delete(listener);
  }

  async #restore(): Promise<void> {
    const { store, alertStore, clock } = this.#parts;
    await this.#guarded('health history could not be read', async () => {
      const rows = await store.load(clock.now() - DAY_MS);
      const samples = rows.flatMap((row) => asHealthSample(row) ?? []);
      for (const sample of samples.sort((a, b) => a.at - b.at)) this.#history.append(sample);
    });
    if (alertStore === undefined) return;
    await this.#guarded('announced alerts could not be read', async () => this.#book.remember(await alertStore.load()));
  }

  /** One sample at a time: a slow disk must not pile them up. */
  #tick(): Promise<void> {
    this.#running ??= this.#guarded('a health sample failed', () => this.#takeSample()).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #takeSample(): Promise<void> {
    const { clock, host, diskPath, camerasUp, power, store } = this.#parts;
    let reading: HostSample | undefined;
    await this.#guarded('the machine does not tell its state', async () => {
      reading = await host.sample(diskPath);
    });
    const cameras = camerasUp();
    const at = clock.now();
    const sample = sampleOf(reading, cameras, at);
    this.#facts = judgeFacts(reading, cameras, at, (key) => this.#book.levelBefore(key), power?.());
    this.#sample = sample;
    this.#history.append(sample);
    const notices = this.#book.step(this.#facts, at, clock.monotonicMs());
    await this.#guarded('a health sample could not be kept', () => store.append(sample));
    if (notices.length > 0) await this.#announce(notices);
    this.#tell(this.#sampleListeners, sample);
  }

  /** Kept before it is told: after a crash in between, nothing is told twice. A notice lost that way is still seen in `now()`. */
  async #announce(notices: readonly AlertNotice[]): Promise<void> {
    const { alertStore, log } = this.#parts;
    if (alertStore !== undefined) {
      await this.#guarded('announced alerts could not be kept', () => alertStore.save(this.#book.memory()));
    }
    for (const notice of notices) {
      log.info('a health alert changed', { key: notice.key, from: notice.from, to: notice.to, kind: notice.kind });
      this.#tell(this.#alertListeners, notice);
    }
  }

  #tell<T>(listeners: ReadonlySet<(news: T) => void>, news: T): void {
    for (const listener of listeners) {
      try {
        listener(news);
      } catch (error) {
        this.#parts.log.warn('a listener of health failed', { error });
      }
    }
  }

  async #guarded(message: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#parts.log.warn(message, { error });
    }
  }
}

function factNow(judged: JudgedFact): FactNow {
  const { fact, object, finding } = judged;
  if (finding === undefined) return { fact, object, state: 'unavailable', sentence: unavailableSentence(judged.name) };
  return { fact, object, state: finding.level, sentence: finding.sentence };
}
