/**
 * What lies in a recorder's folder, kept warm: per folder of files only its stretches of time, never the names. Folders whose time is over are
 * believed for some minutes; those that may still be written are looked at again whenever somebody asks. Reads only.
 */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, type DriverClock, DriverError, type DriverLog, type FootageSpan } from '../port.js';
import { openSegment } from './open-file.js';
import type { PathFacts, Pattern } from './pattern.js';
import { cutSpans, isFollowed, joinSpans, type Segment, stretch } from './spans.js';

const MAX_FOLDERS = 100_000;
const MAX_NAMES = 100_000;
/** Files of one folder that were listed are remembered for a while: seeking asks for them again and again. */
const KEPT_LISTS = 32;
const FRESH_MS = 2_000;
const FULL_LOOK_MS = 5 * 60_000;
/** A folder whose time ended longer ago than this is written no more. */
const SETTLED_MS = 3_600_000;
const ANY_CAMERA = '';

interface Leaf {
  readonly path: string;
  readonly facts: PathFacts;
  mtimeMs: number;
  /** By camera: the stretches and, for the last of them, how it ends. */
  cameras: Map<string, LeafSpans>;
}

interface LeafSpans {
  readonly spans: readonly FootageSpan[];
  readonly stepMs: number;
  readonly last: Segment;
  /** Undefined until it was asked for. */
  endMs: number | undefined;
}

interface Folder {
  readonly mtimeMs: number;
  readonly names: readonly string[];
}

/** What the index is made of. */
export interface SegmentIndexParts {
  /** Absolute, free of links. */
  readonly root: string;
  readonly pattern: Pattern;
  readonly clock: DriverClock;
  readonly log: DriverLog;
}

/** See the head of the file. */
export class SegmentIndex {
  readonly #parts: SegmentIndexParts;
  readonly #folders = new Map<string, Folder>();
  readonly #leaves = new Map<string, Leaf>();
  readonly #lists = new Map<string, { readonly mtimeMs: number; readonly segments: ReadonlyMap<string, readonly Segment[]> }>();
  #lookedMs = Number.NEGATIVE_INFINITY;
  #fullMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #seen = new Set<string>();
  #walked = 0;

  constructor(parts: SegmentIndexParts) {
    this.#parts = parts;
  }

  /** Stretches of one camera within a time, joined, in order. */
  async spans(camera: string, between: FootageSpan, { signal }: CallOptions): Promise<FootageSpan[]> {
    await this.refresh();
    const found: FootageSpan[] = [];
    const leaves = this.#leavesOf(camera, between);
    for (const [index, { own }] of leaves.entries()) {
      if (signal.aborted) throw new DriverError('driver.aborted', 'Looking for recordings was given up.');
      found.push(...own.spans);
      const nextMs = leaves[index + 1]?.own.spans[0]?.fromMs;
      const isJoined = isFollowed(own.last.startMs, nextMs, own.stepMs);
      if (!isJoined) own.endMs ??= await this.endOf(own.last);
      found.push({ fromMs: own.last.startMs, toMs: isJoined ? (nextMs ?? 0) : (own.endMs ?? own.last.startMs) });
    }
    return cutSpans(joinSpans(found), between);
  }

  /** The files of a camera that begin within a time, and the one before them, in order. */
  async segments(camera: string, between: FootageSpan): Promise<readonly Segment[]> {
    await this.refresh();
    const all: Segment[] = [];
    for (const { leaf } of this.#leavesOf(camera, between)) all.push(...((await this.#list(leaf)).get(camera) ?? []));
    all.sort((one, other) => one.startMs - other.startMs);
    const from = all.findLastIndex(({ startMs }) => startMs <= between.fromMs);
    return all.slice(Math.max(0, from)).filter(({ startMs }) => startMs < between.toMs);
  }

  /** Looks at what may have changed; several askers share one look. */
  refresh(): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#looking === undefined && nowMs - this.#lookedMs < FRESH_MS) return Promise.resolve();
    this.#looking ??= this.#look(nowMs).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Where a file ends; undefined when it cannot be read (or not yet: it is being written). */
  async endOf(segment: Segment): Promise<number | undefined> {
    try {
      const media = await openSegment(this.#parts.root, segment.path);
      await media.close();
      return segment.startMs + media.durationMs;
    } catch (error) {
      this.#parts.log.debug('a recording is passed over', { path: segment.path, error });
      return undefined;
    }
  }

  #leavesOf(camera: string, { fromMs, toMs }: FootageSpan): { leaf: Leaf; own: LeafSpans }[] {
    const found: { leaf: Leaf; own: LeafSpans }[] = [];
    for (const leaf of this.#leaves.values()) {
      const own = leaf.cameras.get(camera);
      if (own === undefined) continue;
      const endMs = own.endMs ?? own.last.startMs + Math.max(3_600_000, 2 * own.stepMs);
      if ((own.spans[0]?.fromMs ?? own.last.startMs) < toMs && endMs > fromMs) found.push({ leaf, own });
    }
    return found.sort((one, other) => one.own.last.startMs - other.own.last.startMs);
  }

  async #look(nowMs: number): Promise<void> {
    const isFull = nowMs - this.#fullMs >= FULL_LOOK_MS;
    this.#seen = new Set();
    this.#walked = 0;
    await this.#walk('', 0, {}, isFull);
    for (const path of this.#leaves.keys()) if (!this.#seen.has(path)) this.#leaves.delete(path);
    for (const path of this.#folders.keys()) if (!this.#seen.has(path)) this.#folders.delete(path);
    this.#lookedMs = this.#parts.clock.monotonicMs();
    if (isFull) this.#fullMs = this.#lookedMs;
  }

  async #walk(path: string, level: number, facts: PathFacts, isFull: boolean): Promise<void> {
    this.#walked += 1;
    if (this.#walked > MAX_FOLDERS)
      throw new DriverError('footage.refused', 'The folder of the recordings holds more folders than are read.');
    this.#seen.add(path);
    const isLeaf = level === this.#parts.pattern.levels - 1;
    const isSettled = this.#parts.pattern.latestMs(facts) + SETTLED_MS < this.#parts.clock.now();
    if (isLeaf) {
      if (isFull || !isSettled || !this.#leaves.has(path)) await this.#lookAtLeaf(path, facts);
      return;
    }
    const known = this.#folders.get(path);
    const names = known !== undefined && isSettled && !isFull ? known.names : await this.#foldersIn(path, known);
    for (const name of names) {
      const next = this.#parts.pattern.match(level, name, facts);
      if (next !== undefined) await this.#walk(path === '' ? name : `${path}/${name}`, level + 1, next, isFull);
    }
  }

  async #foldersIn(path: string, known: Folder | undefined): Promise<readonly string[]> {
    const mtimeMs = await this.#mtime(path);
    if (mtimeMs === undefined) return [];
    if (known?.mtimeMs === mtimeMs) return known.names;
    // Links to folders are no folders here, so nothing outside the root is ever walked into.
    const names = (await this.#entries(path)).filter((entry) => entry.isDirectory()).map(({ name }) => name);
    this.#folders.set(path, { mtimeMs, names });
    return names;
  }

  async #lookAtLeaf(path: string, facts: PathFacts): Promise<void> {
    const mtimeMs = await this.#mtime(path);
    const known = this.#leaves.get(path);
    if (mtimeMs === undefined) {
      this.#leaves.delete(path);
      return;
    }
    if (known?.mtimeMs === mtimeMs) {
      // The newest file grows without its folder changing.
      for (const own of known.cameras.values()) if (own.last.startMs + SETTLED_MS > this.#parts.clock.now()) own.endMs = undefined;
      return;
    }
    const leaf: Leaf = { path, facts, mtimeMs, cameras: new Map() };
    for (const [camera, segments] of await this.#list(leaf)) {
      const last = segments.at(-1);
      if (last !== undefined) leaf.cameras.set(camera, { ...(await stretch(segments, (one) => this.endOf(one))), last, endMs: undefined });
    }
    this.#leaves.set(path, leaf);
  }

  async #list(leaf: Leaf): Promise<ReadonlyMap<string, readonly Segment[]>> {
    const known = this.#lists.get(leaf.path);
    if (known?.mtimeMs === leaf.mtimeMs) return known.segments;
    const segments = new Map<string, Segment[]>();
    const { pattern } = this.#parts;
    for (const entry of await this.#entries(leaf.path)) {
      const facts = entry.isFile() ? pattern.match(pattern.levels - 1, entry.name, leaf.facts) : undefined;
      if (facts === undefined) continue;
      const camera = facts.camera ?? ANY_CAMERA;
      const own = segments.get(camera) ?? [];
      segments.set(camera, own);
      own.push({ startMs: pattern.startMs(facts), path: leaf.path === '' ? entry.name : `${leaf.path}/${entry.name}` });
    }
    for (const own of segments.values()) own.sort((one, other) => one.startMs - other.startMs);
    this.#lists.delete(leaf.path);
    this.#lists.set(leaf.path, { mtimeMs: leaf.mtimeMs, segments });
    const [oldest] = this.#lists.keys();
    if (this.#lists.size > KEPT_LISTS && oldest !== undefined) this.#lists.delete(oldest);
    return segments;
  }

  async #entries(path: string): Promise<readonly Dirent[]> {
    const entries = await readdir(join(this.#parts.root, path), { withFileTypes: true }).catch(() => []);
    if (entries.length > MAX_NAMES) this.#parts.log.warn('a folder of recordings holds more files than are read', { path });
    return entries.slice(0, MAX_NAMES);
  }

  async #mtime(path: string): Promise<number | undefined> {
    return stat(join(this.#parts.root, path)).then(
      (facts) => facts.mtimeMs,
      () => undefined,
    );
  }
}
