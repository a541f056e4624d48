import * as z from 'zod/mini';
import { DriverError, type RecordingDriver, type RecordingSummary } from '../port.js';
import { rebuildStreamUri } from './address.js';
import type { LinkCall, OnvifLink } from './link.js';
import { instantMs, isLacking, pause, whereLacking } from './patience.js';
import { type Between, type RecordingFacts, spansOf, type TrackChange } from './recordings-spans.js';
import { attributes, first, many, number, read, text } from './shapes.js';
import { escapeXml } from './xml.js';

/** A search runs inside the camera and may take its time. */
const SEARCH_MS = 30_000;
const END_MS = 3_000;
const ROUND_MS = 200;
const MOST_ROUNDS = 200;
const MOST_RESULTS = 10_000;
const STATE_TOPIC = 'tns1:RecordingHistory/Track/State';
const DIALECT = 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet';

const Summary = z.object({ Summary: first(z.object({ DataFrom: text, DataUntil: text, NumberRecordings: number })) });
const Search = z.object({ SearchToken: text });
const Track = z.object({ TrackToken: text, TrackType: text, DataFrom: text, DataTo: text });
const Information = z.object({ RecordingToken: text, EarliestRecording: text, LatestRecording: text, Track: many(Track) });
const RecordingResults = z.object({ ResultList: first(z.object({ SearchState: text, RecordingInformation: many(Information) })) });
const OneInformation = z.object({ RecordingInformation: first(Information) });
const Listed = z.object({ RecordingItem: many(z.object({ RecordingToken: text })) });
const Item = z.object({ $: attributes('Name', 'Value') });
const Inner = z.object({ Data: first(z.object({ SimpleItem: many(Item) })) });
const Found = z.object({
  RecordingToken: text,
  TrackToken: text,
  Time: text,
  Event: first(z.object({ Topic: text, Message: first(z.object({ Message: first(Inner) })) })),
});
const EventResults = z.object({ ResultList: first(z.object({ SearchState: text, Result: many(Found) })) });
const ReplayUri = z.object({ Uri: text });

/** One answer to a search. */
interface Batch<T> {
  readonly isDone: boolean;
  readonly results: readonly T[];
}

const isDone = (state: string | undefined): boolean => state === undefined || /completed/i.test(state);

/** EndSearch, on time of its own: the search may have ended because that of the call was over. Never rejects. */
function endSearch(link: OnvifLink, searchToken: string): Promise<void> {
  const body = `<tse:EndSearch>${searchToken}</tse:EndSearch>`;
  const { signal } = new AbortController();
  return link
    .run({ signal }, ({ ask }) => ask('search', 'EndSearch', body), END_MS)
    .then(
      () => undefined,
      () => undefined,
    );
}

/** Fetches the results of a search until the camera says that it is done, and ends the search whatever happens. */
async function collect<T>(
  link: OnvifLink,
  call: LinkCall,
  token: string,
  next: (body: string) => Promise<Batch<T>>,
): Promise<readonly T[]> {
  const searchToken = `<tse:SearchToken>${escapeXml(token)}</tse:SearchToken>`;
  const all: T[] = [];
  try {
    for (let round = 0; round < MOST_ROUNDS && all.length < MOST_RESULTS; round += 1) {
      const startedMs = link.clock.monotonicMs();
      const batch = await next(`${searchToken}<tse:MaxResults>100</tse:MaxResults><tse:WaitTime>PT5S</tse:WaitTime>`);
      all.push(...batch.results);
      if (batch.isDone) break;
      // A camera that still searches but answers at once is not asked without pause.
      const restMs = startedMs + ROUND_MS - link.clock.monotonicMs();
      if (batch.results.length === 0 && restMs > 0) await pause(link.clock, restMs, call.signal);
    }
  } finally {
    const ended = endSearch(link, searchToken);
    // The next search waits for it, since some cameras hold one at a time; a call that is over waits for nothing.
    if (!call.signal.aborted) await ended;
  }
  return all;
}

function facts(said: z.infer<typeof Information>): RecordingFacts {
  const starts = [said.EarliestRecording, ...said.Track.map((track) => track.DataFrom)].map(instantMs).filter((at) => at !== undefined);
  const ends = [said.LatestRecording, ...said.Track.map((track) => track.DataTo)].map(instantMs).filter((at) => at !== undefined);
  return {
    token: said.RecordingToken,
    fromMs: starts.length === 0 ? undefined : Math.min(...starts),
    toMs: ends.length === 0 ? undefined : Math.max(...ends),
    videoTracks: said.Track.filter((track) => /^video$/i.test(track.TrackType)).map((track) => track.TrackToken),
  };
}

async function searchRecordings(link: OnvifLink, call: LinkCall): Promise<readonly RecordingFacts[]> {
  const body = '<tse:FindRecordings><tse:Scope/><tse:KeepAliveTime>PT30S</tse:KeepAliveTime></tse:FindRecordings>';
  const { SearchToken } = read(Search, await call.ask('search', 'FindRecordings', body), 'search');
  const found = await collect(link, call, SearchToken, async (asked) => {
    const request = `<tse:GetRecordingSearchResults>${asked}</tse:GetRecordingSearchResults>`;
    const said = read(RecordingResults, await call.ask('search', 'GetRecordingSearchResults', request), 'recordings').ResultList;
    return { isDone: isDone(said?.SearchState), results: said?.RecordingInformation ?? [] };
  });
  return found.map(facts);
}

/** For cameras that list their recordings but cannot search for them. */
async function listRecordings(call: LinkCall): Promise<readonly RecordingFacts[]> {
  const { RecordingItem } = read(Listed, await call.ask('recording', 'GetRecordings', '<trc:GetRecordings/>'), 'recordings');
  const all: RecordingFacts[] = [];
  for (const { RecordingToken: token } of RecordingItem.slice(0, 64)) {
    const body = `<tse:GetRecordingInformation><tse:RecordingToken>${escapeXml(token)}</tse:RecordingToken></tse:GetRecordingInformation>`;
    const said = await whereLacking(undefined, async () =>
      read(OneInformation, await call.ask('search', 'GetRecordingInformation', body), 'recording'),
    );
    const information = said?.RecordingInformation;
    if (information !== undefined) all.push(facts({ ...information, RecordingToken: token }));
  }
  return all;
}

async function askRecordings(link: OnvifLink, call: LinkCall): Promise<readonly RecordingFacts[]> {
  try {
    return await searchRecordings(link, call);
  } catch (error) {
    if (!isLacking(error) || !link.has('recording')) throw error;
    return listRecordings(call);
  }
}

/** FindEvents for the beginnings and ends of data on each track, the state at the start included. */
async function askChanges(link: OnvifLink, call: LinkCall, between: Between): Promise<readonly TrackChange[]> {
  const body =
    `<tse:FindEvents><tse:StartPoint>${new Date(between.fromMs).toISOString()}</tse:StartPoint>` +
    `<tse:EndPoint>${new Date(between.toMs).toISOString()}</tse:EndPoint><tse:Scope/>` +
    `<tse:SearchFilter><wsnt:TopicExpression Dialect="${DIALECT}">${STATE_TOPIC}</wsnt:TopicExpression></tse:SearchFilter>` +
    '<tse:IncludeStartState>true</tse:IncludeStartState><tse:KeepAliveTime>PT30S</tse:KeepAliveTime></tse:FindEvents>';
  const { SearchToken } = read(Search, await call.ask('search', 'FindEvents', body), 'search');
  const found = await collect(link, call, SearchToken, async (asked) => {
    const request = `<tse:GetEventSearchResults>${asked}</tse:GetEventSearchResults>`;
    const said = read(EventResults, await call.ask('search', 'GetEventSearchResults', request), 'recorded events').ResultList;
    return { isDone: isDone(said?.SearchState), results: said?.Result ?? [] };
  });
  return found.flatMap((event): TrackChange[] => {
    const item = event.Event?.Message?.Message?.Data?.SimpleItem.find(({ $ }) => $.Name === 'IsDataPresent');
    const atMs = instantMs(event.Time);
    // Cameras that know no filter send everything they have.
    if (item === undefined || atMs === undefined || !/Track\/State$/.test(event.Event?.Topic ?? '')) return [];
    return [{ recording: event.RecordingToken, track: event.TrackToken, atMs, hasData: /^(true|1)$/i.test(item.$.Value) }];
  });
}

async function askSummary(link: OnvifLink, call: LinkCall): Promise<RecordingSummary> {
  const said = await whereLacking(undefined, async () =>
    read(Summary, await call.ask('search', 'GetRecordingSummary', '<tse:GetRecordingSummary/>'), 'recording summary'),
  );
  if (said?.Summary !== undefined) {
    const { DataFrom, DataUntil, NumberRecordings } = said.Summary;
    return { fromMs: instantMs(DataFrom), toMs: instantMs(DataUntil), count: NumberRecordings ?? 0 };
  }
  const all = await askRecordings(link, call);
  const starts = all.flatMap(({ fromMs }) => fromMs ?? []);
  const ends = all.flatMap(({ toMs }) => toMs ?? []);
  return {
    fromMs: starts.length === 0 ? undefined : Math.min(...starts),
    toMs: ends.length === 0 ? undefined : Math.max(...ends),
    count: all.length,
  };
}

async function askReplayUri({ ask }: LinkCall, recording: string): Promise<string> {
  const body =
    '<trp:GetReplayUri><trp:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>' +
    `</trp:StreamSetup><trp:RecordingToken>${escapeXml(recording)}</trp:RecordingToken></trp:GetReplayUri>`;
  return read(ReplayUri, await ask('replay', 'GetReplayUri', body), 'replay address').Uri;
}

/**
 * Recordings on the camera's own storage; undefined without search service. Times are the camera's own, as its replay wants them. How far
 * its clock is off now can be asked; how far it was when it recorded, nobody knows. Sends nothing yet.
 */
export function openRecordings(link: OnvifLink): RecordingDriver | undefined {
  if (!link.has('search')) return undefined;
  return {
    summary: (options) => link.run(options, (call) => askSummary(link, call), SEARCH_MS),
    find: (between, options) =>
      link.run(
        options,
        async (call) => {
          if (!(between.fromMs < between.toMs)) throw new DriverError('camera.refused', 'the time asked for ends before it begins');
          const recordings = await askRecordings(link, call);
          // Many cameras search recordings but not events; then each recording is one stretch.
          const changes = await whereLacking([], () => askChanges(link, call, between));
          return spansOf(recordings, changes, between);
        },
        SEARCH_MS,
      ),
    // The clock is asked before every call, where it was not lately.
    clockOffsetMs: (options) => link.run(options, async () => (link.isClockKnown() ? link.offsetMs() : undefined)),
    replayUri: (recording, options) =>
      link.run(options, async (call) => rebuildStreamUri(await askReplayUri(call, recording), link.reached)),
  };
}
