import { type CameraDiscovery, type DiscoveredCamera, DriverError } from '../../drivers/port.js';
import type { SearchWish } from '../contract/camera-views.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import { SingleFlight } from '../kernel/single-flight.js';
import type { CameraTiming, SearchResult } from './ports.js';
import { badNetwork, cameraError, discoveryOff, nobodyThere, searchRunning } from './reasons.js';

/** While somebody searches, and for so long afterwards, a camera that greets is taken in at once: it was plugged in just now. */
const PERSON_MS = 120_000;
/** Cameras that come and go must not make a search of every minute. */
const MISSED_AGAIN_MS = 120_000;

/** How what was found is to be taken in. */
export interface MeetHow {
  /** A person searches; otherwise what is new stands in the operation log. */
  readonly isAsked: boolean;
  /** The answers say nothing but an address: a device that has a channel is not another one because it answers on a second port. */
  readonly isByHost: boolean;
}

/** Where a search looks, as the operation log may keep it; undefined for everywhere. */
export function searchedIn({ host, scan }: SearchWish): { readonly [place: string]: string } | undefined {
  if (host !== undefined) return { host };
  return scan === undefined ? undefined : { network: scan };
}

/** What a search is made with. */
export interface CameraSearchParts {
  /** Undefined: nothing is ever searched for. */
  readonly discovery: CameraDiscovery | undefined;
  readonly timing: CameraTiming;
  /** Whether there is a camera, and none is missing. */
  readonly isComplete: () => boolean;
  /** Takes in what was found. */
  readonly meet: (found: readonly DiscoveredCamera[], how: MeetHow) => Promise<SearchResult>;
  /** A search begins by itself: the machine may have other addresses than before. */
  readonly onRound: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Looks for cameras in the network: when it is asked to, and by itself, more often while none is known or one is missing. */
export class CameraSearch {
  readonly #parts: CameraSearchParts;
  readonly #flight = new SingleFlight<SearchResult>();
  readonly #life = new AbortController();
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #begunMs = Number.NEGATIVE_INFINITY;
  #personMs = Number.NEGATIVE_INFINITY;
  #scanned: string | undefined;

  constructor(parts: CameraSearchParts) {
    this.#parts = parts;
  }

  /** Whether a person searches, or did a moment ago. */
  get isPersonSearching(): boolean {
    return this.#parts.clock.monotonicMs() - this.#personMs < PERSON_MS;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#life.abort();
  }

  /** Because a person asks; shared by all who ask for the same meanwhile. Rejects with AgentError. */
  async ask({ host, scan }: SearchWish, signal?: AbortSignal): Promise<SearchResult> {
    const { discovery, clock } = this.#parts;
    if (discovery === undefined) throw discoveryOff();
    const both = signal === undefined ? this.#life.signal : AbortSignal.any([signal, this.#life.signal]);
    this.#personMs = clock.monotonicMs();
    try {
      if (host !== undefined) return await this.#lookAt(discovery, host, both);
      return scan === undefined ? await this.#everywhere(true) : await this.#scan(discovery, scan, both);
    } finally {
      this.#personMs = clock.monotonicMs();
    }
  }

  plan(delayMs: number): void {
    const { discovery, clock, log } = this.#parts;
    if (this.#life.signal.aborted || discovery === undefined) return;
    this.#timer?.cancel();
    this.#dueMs = clock.monotonicMs() + delayMs;
    const search = (): void => {
      this.#parts.onRound();
      this.#everywhere(false).catch((error: unknown) => log.warn('search for cameras failed', { error }));
    };
    this.#timer = clock.after(delayMs, search, true);
  }

  /** A camera went missing: it may be somewhere else. */
  missed(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const atMs = Math.max(nowMs + this.#parts.timing.missedMs, this.#begunMs + MISSED_AGAIN_MS);
    if (atMs < this.#dueMs) this.plan(atMs - nowMs);
  }

  #everywhere(isAsked: boolean): Promise<SearchResult> {
    return this.#flight.run('everywhere', async () => {
      const { discovery, timing, clock } = this.#parts;
      this.#begunMs = clock.monotonicMs();
      this.#dueMs = Number.POSITIVE_INFINITY;
      try {
        const found = (await discovery?.discover({ listenMs: timing.listenMs, signal: this.#life.signal })) ?? [];
        return await this.#parts.meet(found, { isAsked: isAsked || this.isPersonSearching, isByHost: false });
      } catch (error) {
        if (this.#life.signal.aborted) return NOTHING;
        throw cameraError(error, NOWHERE);
      } finally {
        this.plan(this.#parts.isComplete() ? timing.discoverMs : timing.discoverWithoutCameraMs);
      }
    });
  }

  async #lookAt(discovery: CameraDiscovery, host: string, signal: AbortSignal): Promise<SearchResult> {
    let found: DiscoveredCamera | undefined;
    try {
      found = await discovery.probe?.(host, { signal });
    } catch (error) {
      // Whatever else goes wrong on the way there: no camera answers.
      if (signal.aborted) throw cameraError(error, { host, login: undefined });
    }
    if (found === undefined) throw nobodyThere(host);
    return this.#parts.meet([found], { isAsked: true, isByHost: false });
  }

  /** One network at a time: each keeps hundreds of connections busy. */
  #scan(discovery: CameraDiscovery, network: string, signal: AbortSignal): Promise<SearchResult> {
    if (this.#scanned !== undefined && this.#scanned !== network) throw searchRunning(this.#scanned);
    this.#scanned = network;
    return this.#flight.run(`scan ${network}`, async () => {
      try {
        const found = (await discovery.scan?.(network, { signal })) ?? [];
        return await this.#parts.meet(found, { isAsked: true, isByHost: true });
      } catch (error) {
        if (error instanceof DriverError && error.code === 'camera.refused') throw badNetwork(network, error);
        throw cameraError(error, NOWHERE);
      } finally {
        this.#scanned = undefined;
      }
    });
  }
}

const NOTHING: SearchResult = { found: [], known: [], removed: 0 };
const NOWHERE = { host: '', login: undefined };
