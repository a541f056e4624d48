import { drivers } from '../../drivers/index.js';
import type {
  FootageReader,
  FootageSpan,
  FootageWish,
  RecordingDriver,
  RecordingSpan,
  ReplayClient,
  SegmentStore,
} from '../../drivers/port.js';
import { DriverError } from '../../drivers/port.js';
import type { CameraRegistry } from '../cameras/registry.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { RecordingSource, Recordings } from '../playback/ports.js';
import type { Base } from './base.js';

/** How the camera's own recordings are reached. */
type CameraRecordings = Pick<CameraRegistry, 'list' | 'find' | 'withRecordings' | 'loginInUse'>;

/** The recordings of this site: files in folders where the site file names some for a channel, else what the camera itself keeps. */
export async function openRecordings({ site, clock, log }: Base, cameras: CameraRecordings): Promise<Recordings> {
  const named = new Map<string, RecordingSource>();
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const { root, pattern, zone = own, cameras: names } of site.recordings?.folders ?? []) {
    try {
      const store = await drivers.segments({ root, pattern, zone }, { clock, log: log.area('recordings') });
      for (const [channel, name] of Object.entries(names)) named.set(channel, fromFolder(store, name));
    } catch (error) {
      // A wrong line of the site file costs its recordings, never the agent.
      log.error('a folder of recordings in the site file cannot be used', { root, pattern, error });
    }
  }
  const replay = await drivers.replay({ clock, log: log.area('replay') });
  return {
    channels: () => [...new Set([...cameras.list().map(({ id }) => id), ...named.keys()])],
    resolve: (channel) =>
      named.get(channel) ?? (cameras.find(channel) === undefined ? undefined : fromCamera({ cameras, replay, clock }, channel)),
  };
}

function fromFolder(store: SegmentStore, name: string): RecordingSource {
  return {
    spans: (between, signal) => store.spans(name, between, { signal }),
    open: (wish, signal) => store.open(name, wish, { signal }),
  };
}

/** A search takes a camera many questions; seeking back and forth asks for the same again and again. */
const KNOWN_MS = 30_000;
/** So far around the place asked for is searched at once. */
const AROUND_MS = 86_400_000;
/** Cameras tell their time in whole seconds: less is no difference, and the places of one search stay where they are. */
const SAME_MS = 2_000;
/** From here on a time stands for no end. */
const NO_END_MS = 4_102_444_800_000;

/** Bounds and what was found are by the recorder's clock. */
interface Search extends FootageSpan {
  /** Camera's clock minus ours; undefined where it is not known. */
  readonly offsetMs: number | undefined;
  readonly searchedMs: number;
  readonly found: readonly RecordingSpan[];
}

/** What one camera said of its recordings, for as long as that may be believed. */
class CameraMemory {
  search: Search | undefined;
  readonly uris = new Map<string, { readonly uri: string; readonly askedMs: number }>();
}

/** Sources of cameras that were asked for; few, and each holds one search. */
const memories = new WeakMap<CameraRecordings, Map<string, CameraMemory>>();

function memoryOf(cameras: CameraRecordings, channel: string): CameraMemory {
  const known = memories.get(cameras) ?? new Map<string, CameraMemory>();
  memories.set(cameras, known);
  const memory = known.get(channel) ?? new CameraMemory();
  known.set(channel, memory);
  return memory;
}

/** `beforeMs`: how far the camera's clock was off at the search before. */
async function searchByOurClock(
  recordings: RecordingDriver,
  between: FootageSpan,
  beforeMs: number,
  signal: AbortSignal,
): Promise<Pick<Search, 'offsetMs' | 'found'>> {
  const saidMs = await recordings.clockOffsetMs({ signal });
  const offsetMs = saidMs !== undefined && Math.abs(saidMs - beforeMs) < SAME_MS ? beforeMs : saidMs;
  const found = await recordings.find(moved(between, offsetMs ?? 0), { signal });
  return { offsetMs, found: found.map((span) => ({ ...span, ...moved(span, -(offsetMs ?? 0)) })) };
}

/** A permission holds by the recorder's clock; the camera counts its recordings by its own. Every time is turned over on the way out and back. */
export function fromCamera(
  parts: { readonly cameras: CameraRecordings; readonly replay: ReplayClient; readonly clock: Clock },
  channel: string,
): RecordingSource {
  const { cameras, replay, clock } = parts;
  const memory = memoryOf(cameras, channel);
  const isFresh = (askedMs: number): boolean => clock.monotonicMs() - askedMs < KNOWN_MS;
  const search = async (between: FootageSpan, signal: AbortSignal): Promise<Search> => {
    const known = memory.search;
    if (known !== undefined && isFresh(known.searchedMs) && known.fromMs <= between.fromMs && known.toMs >= between.toMs) return known;
    const searchedMs = clock.monotonicMs();
    const seen = await cameras.withRecordings(channel, signal, (recordings, both) =>
      searchByOurClock(recordings, between, known?.offsetMs ?? 0, both),
    );
    memory.search = { ...between, searchedMs, ...seen };
    return memory.search;
  };
  const uriOf = async (recording: string, signal: AbortSignal): Promise<string> => {
    const known = memory.uris.get(recording);
    if (known !== undefined && isFresh(known.askedMs)) return known.uri;
    const uri = await cameras.withRecordings(channel, signal, (recordings, both) => recordings.replayUri(recording, { signal: both }));
    if (memory.uris.size > 64) memory.uris.clear();
    memory.uris.set(recording, { uri, askedMs: clock.monotonicMs() });
    return uri;
  };
  return {
    spans: async (between, signal) => ({ spans: cutTo((await search(between, signal)).found, between), motion: [] }),
    open: async (wish, signal) => {
      const first = await openAt(wish, signal);
      if (first === undefined) throw new DriverError('footage.none', 'Nothing is recorded there.');
      return inTurn(first, (startMs) => openAt({ ...wish, startMs }, signal));
    },
  };

  async function openAt(wish: FootageWish, signal: AbortSignal): Promise<Opened | undefined> {
    const { startMs, isReverse } = wish;
    const reach = isReverse
      ? { fromMs: Math.max(wish.fromMs, startMs - AROUND_MS), toMs: startMs + 1 }
      : { fromMs: startMs, toMs: Math.min(wish.toMs, startMs + AROUND_MS) };
    const known = memory.search;
    const isKnown = known !== undefined && isFresh(known.searchedMs) && known.fromMs <= startMs && known.toMs > startMs;
    const searched = isKnown ? known : await search(reach, signal);
    const nearest = isReverse
      ? searched.found.findLast(({ fromMs }) => fromMs <= startMs)
      : searched.found.find(({ toMs }) => toMs > startMs);
    if (nearest === undefined) return undefined;
    const { offsetMs } = searched;
    if (offsetMs === undefined && (wish.fromMs > 0 || wish.toMs < NO_END_MS)) throw clockUnknown();
    const uri = await uriOf(nearest.recording, signal);
    const own = bounds(searched, nearest, wish);
    const request = { uri, allowedHost: cameras.find(channel)?.host ?? '', login: cameras.loginInUse(channel), signal };
    const asked = { ...wish, ...moved(own, offsetMs ?? 0), startMs: startMs + (offsetMs ?? 0) };
    const reader = byOurClock(await replay.open({ ...request, wish: asked }), offsetMs ?? 0);
    const isWhole = isReverse ? own.fromMs > wish.fromMs : own.toMs < wish.toMs;
    return { reader, nextMs: isWhole ? (isReverse ? own.fromMs - 1 : own.toMs) : undefined };
  }
}

/** The parts of these spans that lie within `between`. */
const cutTo = (found: readonly FootageSpan[], between: FootageSpan): FootageSpan[] =>
  found.flatMap(({ fromMs, toMs }) => {
    const cut = { fromMs: Math.max(fromMs, between.fromMs), toMs: Math.min(toMs, between.toMs) };
    return cut.fromMs < cut.toMs ? [cut] : [];
  });

const moved = ({ fromMs, toMs }: FootageSpan, byMs: number): FootageSpan => ({ fromMs: Math.max(0, fromMs + byMs), toMs: toMs + byMs });

const clockUnknown = (): AgentError =>
  new AgentError({
    code: 'playback.clock_unknown',
    say: 'What the camera’s clock shows is not known, so its recordings cannot be held to the times that are allowed.',
    fix: 'Set the camera’s clock and time zone, then try again.',
  });

function byOurClock(reader: FootageReader, offsetMs: number): FootageReader {
  return {
    next: async () => {
      const picture = await reader.next();
      return picture === undefined ? undefined : { ...picture, atMs: picture.atMs - offsetMs };
    },
    close: () => reader.close(),
  };
}

/** A reader of one recording, and where another one would go on; undefined: there is nothing wished for beyond. */
interface Opened {
  readonly reader: FootageReader;
  readonly nextMs: number | undefined;
}

/** One recording after another, as one reader. */
function inTurn(first: Opened, open: (startMs: number) => Promise<Opened | undefined>): FootageReader {
  let now = first;
  let isClosed = false;
  return {
    next: async () => {
      for (;;) {
        const picture = await now.reader.next();
        if (picture !== undefined || now.nextMs === undefined) return picture;
        const next = await open(now.nextMs);
        if (next === undefined) return undefined;
        await now.reader.close();
        now = next;
        if (!isClosed) continue;
        await now.reader.close();
        return undefined;
      }
    },
    close: () => {
      isClosed = true;
      return now.reader.close();
    },
  };
}

/** A recording is played up to its own end, through its gaps; where it goes on beyond what was searched, to the end of the wish. */
function bounds(searched: Search, { recording }: RecordingSpan, wish: FootageWish): FootageSpan {
  const own = searched.found.filter((span) => span.recording === recording);
  const [first, last] = [own[0], own.at(-1)];
  if (wish.isReverse) {
    const isCut = first === undefined || first.fromMs <= searched.fromMs;
    return { fromMs: isCut ? wish.fromMs : Math.max(wish.fromMs, first.fromMs), toMs: wish.toMs };
  }
  const isCut = last === undefined || last.toMs >= searched.toMs;
  return { fromMs: wish.fromMs, toMs: isCut ? wish.toMs : Math.min(wish.toMs, last.toMs) };
}
