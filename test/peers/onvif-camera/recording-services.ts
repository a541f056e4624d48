/** Profile G: the Search, Recording and Replay services over one recording. */
import { requireToken } from './device-service.js';
import { type Call, type Operation, reads, type Service } from './operation.js';
import type { CameraQuirks } from './quirks.js';
import { changesBetween, isRecordedAt, RECORDING, type RecordedSpan, type Search, Searches, TRACK } from './recordings.js';
import { serviceCapabilities } from './service-list.js';
import { invalidArgument, SoapFault } from './soap.js';
import { child, escapeXml, textAt, type XmlElement } from './xml.js';

/** The camera's storage as these services need it. */
export interface StorageState {
  readonly spans: () => readonly RecordedSpan[];
  readonly quirks: () => CameraQuirks;
}

const utc = (at: number): string => new Date(at).toISOString();
const notSupported = (what: string): SoapFault => new SoapFault('Receiver', ['ter:ActionNotSupported'], `${what} is not supported`);
const SOURCE =
  '<tt:Source><tt:SourceId>urn:sightline:source_0</tt:SourceId><tt:Name>Camera</tt:Name><tt:Location></tt:Location><tt:Description></tt:Description><tt:Address>http://localhost/</tt:Address></tt:Source>';

const earliest = (spans: readonly RecordedSpan[]): number => Math.min(...spans.map(({ fromMs }) => fromMs));
const latest = (spans: readonly RecordedSpan[]): number => Math.max(...spans.map(({ toMs }) => toMs));

/** A tt:RecordingInformation; the partial quirk leaves out all that makes it useful. */
function information(tag: string, state: StorageState): string {
  const spans = state.spans();
  const head = `<tt:RecordingToken>${RECORDING}</tt:RecordingToken>${SOURCE}`;
  if (state.quirks().replay === 'partial')
    return `<${tag}>${head}<tt:Content></tt:Content><tt:RecordingStatus>Unknown</tt:RecordingStatus></${tag}>`;
  const [from, to] = [utc(earliest(spans)), utc(latest(spans))];
  const times = `<tt:EarliestRecording>${from}</tt:EarliestRecording><tt:LatestRecording>${to}</tt:LatestRecording>`;
  const track = `<tt:Track><tt:TrackToken>${TRACK}</tt:TrackToken><tt:TrackType>Video</tt:TrackType><tt:Description></tt:Description><tt:DataFrom>${from}</tt:DataFrom><tt:DataTo>${to}</tt:DataTo></tt:Track>`;
  return `<${tag}>${head}${times}<tt:Content>Continuous</tt:Content>${track}<tt:RecordingStatus>Recording</tt:RecordingStatus></${tag}>`;
}

/** One change of tns1:RecordingHistory/Track/State (Recording Search specification, 5.21). */
function historyRow(at: number, isRecording: boolean, isStart: boolean): string {
  const items = `<tt:Source><tt:SimpleItem Name="RecordingToken" Value="${RECORDING}"/><tt:SimpleItem Name="Track" Value="${TRACK}"/></tt:Source><tt:Data><tt:SimpleItem Name="IsDataPresent" Value="${isRecording}"/></tt:Data>`;
  const operation = isStart ? 'Initialized' : 'Changed';
  const message = `<tt:Message UtcTime="${utc(at)}" PropertyOperation="${operation}">${items}</tt:Message>`;
  const topic = `<wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">tns1:RecordingHistory/Track/State</wsnt:Topic>`;
  const head = `<tt:RecordingToken>${RECORDING}</tt:RecordingToken><tt:TrackToken>${TRACK}</tt:TrackToken><tt:Time>${utc(at)}</tt:Time>`;
  return `<tt:Result>${head}<tt:Event>${topic}<wsnt:Message>${message}</wsnt:Message></tt:Event><tt:StartStateEvent>${isStart}</tt:StartStateEvent></tt:Result>`;
}

function time(body: XmlElement, name: string): number {
  const at = Date.parse(textAt(body, name) ?? '');
  if (Number.isNaN(at)) throw new SoapFault('Sender', ['ter:InvalidArgs'], `${name} is missing or wrong`);
  return at;
}

function isInScope(body: XmlElement): boolean {
  const scope = child(body, 'Scope');
  if (scope === undefined) throw new SoapFault('Sender', ['ter:InvalidArgs'], 'Scope is missing');
  const named = scope.children.filter((one) => one.name === 'IncludedRecordings').map((one) => one.text.trim());
  return named.length === 0 || named.includes(RECORDING);
}

function findEvents(body: XmlElement, state: StorageState, now: number): string[] {
  const spans = state.spans();
  const from = time(body, 'StartPoint');
  const to = textAt(body, 'EndPoint') === undefined ? now : time(body, 'EndPoint');
  if (!isInScope(body)) return [];
  const wantsStart = /^(true|1)$/.test(textAt(body, 'IncludeStartState') ?? '');
  const start = wantsStart ? [historyRow(from, isRecordedAt(spans, from), true)] : [];
  // Backwards where the end lies before the start.
  const changes = changesBetween(spans, Math.min(from, to), Math.max(from, to));
  const ordered = to < from ? [...changes].reverse() : changes;
  return [...start, ...ordered.map(({ atMs, isRecording }) => historyRow(atMs, isRecording, false))];
}

/** The rows that one ask for results gets. */
function resultList(search: Search, body: XmlElement): string {
  if (search.pending > 0) {
    search.pending -= 1;
    return '<tt:SearchState>Searching</tt:SearchState>';
  }
  const most = Number(textAt(body, 'MaxResults') ?? 100);
  const rows = search.rows.splice(0, most > 0 ? most : 100);
  return `<tt:SearchState>${search.rows.length === 0 ? 'Completed' : 'Searching'}</tt:SearchState>${rows.join('')}`;
}

/** Search: FindRecordings and FindEvents (the history of recording, which is where gaps show). */
export function searchService(state: StorageState): Service {
  const searches = new Searches();
  const begin = (name: string, search: Search): string =>
    `<tse:${name}Response><tse:SearchToken>${searches.begin(search)}</tse:SearchToken></tse:${name}Response>`;
  const results = (name: string, kind: Search['kind']): Operation =>
    reads(['SearchToken', 'MinResults', 'MaxResults', 'WaitTime'], (body) => {
      const search = searches.get(textAt(body, 'SearchToken'));
      if (search?.kind !== kind) throw invalidArgument('InvalidToken', 'There is no such search');
      return `<tse:${name}Response><tse:ResultList>${resultList(search, body)}</tse:ResultList></tse:${name}Response>`;
    });
  return {
    GetServiceCapabilities: serviceCapabilities('tse'),
    GetRecordingSummary: reads([], () => {
      const spans = state.spans();
      const [from, to] = spans.length === 0 ? [0, 0] : [earliest(spans), latest(spans)];
      const facts = `<tt:DataFrom>${utc(from)}</tt:DataFrom><tt:DataUntil>${utc(to)}</tt:DataUntil><tt:NumberRecordings>${spans.length === 0 ? 0 : 1}</tt:NumberRecordings>`;
      return `<tse:GetRecordingSummaryResponse><tse:Summary>${facts}</tse:Summary></tse:GetRecordingSummaryResponse>`;
    }),
    GetRecordingInformation: reads(['RecordingToken'], (body) => {
      requireToken(body, 'RecordingToken', [RECORDING], 'InvalidToken');
      return `<tse:GetRecordingInformationResponse>${information('tse:RecordingInformation', state)}</tse:GetRecordingInformationResponse>`;
    }),
    FindRecordings: reads(['Scope', 'MaxMatches', 'KeepAliveTime'], (body) => {
      const isThere = isInScope(body) && state.spans().length > 0;
      return begin('FindRecordings', {
        kind: 'recordings',
        rows: isThere ? [information('tt:RecordingInformation', state)] : [],
        pending: 1,
      });
    }),
    GetRecordingSearchResults: results('GetRecordingSearchResults', 'recordings'),
    FindEvents: reads(
      ['StartPoint', 'EndPoint', 'Scope', 'SearchFilter', 'IncludeStartState', 'MaxMatches', 'KeepAliveTime'],
      (body, { now }) => {
        if (state.quirks().replay === 'partial') throw notSupported('FindEvents');
        return begin('FindEvents', { kind: 'events', rows: findEvents(body, state, now), pending: 0 });
      },
    ),
    GetEventSearchResults: results('GetEventSearchResults', 'events'),
    GetSearchState: reads(['SearchToken'], (body) => {
      const search = searches.get(textAt(body, 'SearchToken'));
      if (search === undefined) throw invalidArgument('InvalidToken', 'There is no such search');
      const word = search.rows.length === 0 ? 'Completed' : 'Searching';
      return `<tse:GetSearchStateResponse><tse:State>${word}</tse:State></tse:GetSearchStateResponse>`;
    }),
    EndSearch: reads(['SearchToken'], (body, { now }) => {
      const token = textAt(body, 'SearchToken') ?? '';
      if (searches.get(token) === undefined) throw invalidArgument('InvalidToken', 'There is no such search');
      searches.end(token);
      return `<tse:EndSearchResponse><tse:Endpoint>${utc(now)}</tse:Endpoint></tse:EndSearchResponse>`;
    }),
  };
}

const CONFIGURATION = `${SOURCE}<tt:Content>Continuous</tt:Content><tt:MaximumRetentionTime>PT0S</tt:MaximumRetentionTime>`;

/** Recording: what is recorded, read only. */
export function recordingService(state: StorageState): Service {
  const known = (body: XmlElement): void => void requireToken(body, 'RecordingToken', [RECORDING], 'NoRecording');
  const job = `<trc:JobItem><tt:JobToken>job_0</tt:JobToken><tt:JobConfiguration><tt:RecordingToken>${RECORDING}</tt:RecordingToken><tt:Mode>Active</tt:Mode><tt:Priority>1</tt:Priority></tt:JobConfiguration></trc:JobItem>`;
  const track = `<tt:Track><tt:TrackToken>${TRACK}</tt:TrackToken><tt:Configuration><tt:TrackType>Video</tt:TrackType><tt:Description></tt:Description></tt:Configuration></tt:Track>`;
  return {
    GetServiceCapabilities: serviceCapabilities('trc'),
    GetRecordings: reads([], () => {
      const item = `<trc:RecordingItem><tt:RecordingToken>${RECORDING}</tt:RecordingToken><tt:Configuration>${CONFIGURATION}</tt:Configuration><tt:Tracks>${track}</tt:Tracks></trc:RecordingItem>`;
      return `<trc:GetRecordingsResponse>${state.spans().length === 0 ? '' : item}</trc:GetRecordingsResponse>`;
    }),
    GetRecordingConfiguration: reads(['RecordingToken'], (body) => {
      known(body);
      return `<trc:GetRecordingConfigurationResponse><trc:RecordingConfiguration>${CONFIGURATION}</trc:RecordingConfiguration></trc:GetRecordingConfigurationResponse>`;
    }),
    GetRecordingOptions: reads(['RecordingToken'], (body) => {
      known(body);
      return '<trc:GetRecordingOptionsResponse><trc:Options><trc:Job Spare="0"/><trc:Track SpareTotal="0"/></trc:Options></trc:GetRecordingOptionsResponse>';
    }),
    GetRecordingJobs: reads([], () => `<trc:GetRecordingJobsResponse>${job}</trc:GetRecordingJobsResponse>`),
  };
}

function replayUri(body: XmlElement, call: Call, state: StorageState): string {
  if (state.quirks().replay === 'no-uri') throw notSupported('Replay');
  const setup = child(body, 'StreamSetup');
  if (textAt(setup, 'Stream') !== 'RTP-Unicast' || !['RTSP', 'TCP'].includes(textAt(setup, 'Transport', 'Protocol') ?? ''))
    throw invalidArgument('InvalidStreamSetup', 'Only RTP-Unicast over RTSP (TCP) is supported');
  const recording = requireToken(body, 'RecordingToken', [RECORDING], 'NoRecording');
  return `<trp:GetReplayUriResponse><trp:Uri>${escapeXml(call.replayUri(recording))}</trp:Uri></trp:GetReplayUriResponse>`;
}

/** Replay: where a recording is played from. */
export function replayService(state: StorageState): Service {
  return {
    GetServiceCapabilities: serviceCapabilities('trp'),
    GetReplayUri: reads(['StreamSetup', 'RecordingToken'], (body, call) => replayUri(body, call, state)),
    GetReplayConfiguration: reads([], () => {
      return '<trp:GetReplayConfigurationResponse><trp:Configuration><tt:SessionTimeout>PT60S</tt:SessionTimeout></trp:Configuration></trp:GetReplayConfigurationResponse>';
    }),
  };
}
