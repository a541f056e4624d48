/** Recordings on the camera's own storage, in whole and in part (quirk 36). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openRecordings } from '../../../../drivers/onvif/recordings.js';
import { type RecordingFacts, spansOf } from '../../../../drivers/onvif/recordings-spans.js';
import { DriverError } from '../../../../drivers/port.js';
import { type Asked, fakeLink, never, patient, refuses, says, unsupported } from './link-rig.js';

const at = (hour: number): number => Date.UTC(2026, 0, 1, hour);
const iso = (hour: number): string => new Date(at(hour)).toISOString();

const information = (token: string, from: number, to: number): string =>
  `<tt:RecordingInformation><tt:RecordingToken>${token}</tt:RecordingToken><tt:EarliestRecording>${iso(from)}</tt:EarliestRecording>` +
  `<tt:LatestRecording>${iso(to)}</tt:LatestRecording><tt:Track><tt:TrackToken>v</tt:TrackToken><tt:TrackType>Video</tt:TrackType>` +
  `<tt:DataFrom>${iso(from)}</tt:DataFrom><tt:DataTo>${iso(to)}</tt:DataTo></tt:Track></tt:RecordingInformation>`;
const results = (state: string, inner: string): string =>
  `<tse:ResultList><tt:SearchState>${state}</tt:SearchState>${inner}</tse:ResultList>`;
const change = (token: string, track: string, hour: number, isPresent: boolean): string =>
  `<tt:Result><tt:RecordingToken>${token}</tt:RecordingToken><tt:TrackToken>${track}</tt:TrackToken><tt:Time>${iso(hour)}</tt:Time>` +
  '<tt:Event><wsnt:Topic>tns1:RecordingHistory/Track/State</wsnt:Topic><wsnt:Message><tt:Message><tt:Data>' +
  `<tt:SimpleItem Name="IsDataPresent" Value="${isPresent}"/></tt:Data></tt:Message></wsnt:Message></tt:Event></tt:Result>`;

interface CameraOptions {
  readonly lacks?: readonly string[];
  readonly batches?: readonly string[];
  readonly changes?: string;
}

function camera({ lacks = [], batches = [results('Completed', information('r1', 0, 20))], changes = '' }: CameraOptions = {}) {
  const left = [...batches];
  return ({ name }: Asked): string => {
    if (lacks.includes(name)) return unsupported();
    if (name === 'FindRecordings' || name === 'FindEvents') return says(name, `<tse:SearchToken>${name}-1</tse:SearchToken>`);
    if (name === 'GetRecordingSearchResults') return says(name, left.shift() ?? batches.at(-1));
    if (name === 'GetEventSearchResults') return says(name, results('Completed', changes));
    if (name === 'GetRecordings') return says(name, '<trc:RecordingItem><tt:RecordingToken>r9</tt:RecordingToken></trc:RecordingItem>');
    if (name === 'GetRecordingInformation')
      return says(name, information('r9', 3, 4).replaceAll('tt:RecordingInformation', 'tse:RecordingInformation'));
    if (name === 'GetRecordingSummary') {
      return says(
        name,
        `<tse:Summary><tt:DataFrom>${iso(0)}</tt:DataFrom><tt:DataUntil>${iso(20)}</tt:DataUntil><tt:NumberRecordings>1</tt:NumberRecordings></tse:Summary>`,
      );
    }
    if (name === 'GetReplayUri') return says(name, '<trp:Uri>rtsp://10.9.9.9:554/replay?rec=r1&amp;x=1</trp:Uri>');
    return says(name);
  };
}

test('gaps are where the camera says that data ceased; the state at the start counts', async () => {
  const changes = change('r1', 'v', 2, true) + change('r1', 'v', 5, false) + change('r1', 'a', 6, true) + change('r1', 'v', 7, true);
  const fake = fakeLink(camera({ changes }));
  const spans = await openRecordings(fake.link)?.find({ fromMs: at(2), toMs: at(10) }, patient());
  assert.equal(spans, [
    { recording: 'r1', fromMs: at(2), toMs: at(5) },
    { recording: 'r1', fromMs: at(7), toMs: at(10) },
  ]);
  assert.match(fake.last('FindEvents').body, /StartPoint>2026-01-01T02:00:00.000Z<.*IncludeStartState>true</);
  assert.is(fake.count('EndSearch'), 2);
});

test('results in many parts are all taken, and a camera still searching is not hurried', async () => {
  const batches = [
    results('Searching', ''),
    results('Searching', information('r1', 0, 2)),
    results('Searching', ''),
    results('Completed', information('r2', 3, 4)),
  ];
  const fake = fakeLink(camera({ batches, lacks: ['FindEvents'] }));
  const found = openRecordings(fake.link)?.find({ fromMs: at(1), toMs: at(30) }, patient());
  await fake.clock.advance(2_000);
  assert.equal(await found, [
    { recording: 'r1', fromMs: at(1), toMs: at(2) },
    { recording: 'r2', fromMs: at(3), toMs: at(4) },
  ]);
  const asked = fake.asked.filter(({ name }) => name === 'GetRecordingSearchResults').map(({ atMs }) => atMs);
  assert.equal(asked, [0, 200, 200, 400]);
});

test('quirk 36: without search for recordings the list is taken, without a summary the recordings tell it', async () => {
  const listed = fakeLink(camera({ lacks: ['FindRecordings', 'FindEvents', 'GetRecordingSummary'] }));
  assert.equal(await openRecordings(listed.link)?.find({ fromMs: at(0), toMs: at(30) }, patient()), [
    { recording: 'r9', fromMs: at(3), toMs: at(4) },
  ]);
  assert.equal(await openRecordings(listed.link)?.summary(patient()), { fromMs: at(3), toMs: at(4), count: 1 });
  const whole = fakeLink(camera());
  assert.equal(await openRecordings(whole.link)?.summary(patient()), { fromMs: at(0), toMs: at(20), count: 1 });
  assert.is(openRecordings(fakeLink(camera(), { services: ['device', 'recording'] }).link), undefined);
});

test('a search that never ends is ended with the deadline, and the camera is told', async () => {
  const answers = camera();
  const fake = fakeLink((asked) => (asked.name === 'GetRecordingSearchResults' ? never() : answers(asked)));
  const found = openRecordings(fake.link)
    ?.find({ fromMs: at(0), toMs: at(1) }, patient())
    .catch((error: unknown) => error);
  await fake.clock.advance(31_000);
  assert.is(((await found) as DriverError).code, 'camera.timeout');
  assert.is(fake.count('EndSearch'), 1);
});

test('how far the camera’s clock is off is told, where it is known', async () => {
  const off = openRecordings(fakeLink(camera(), { offsetMs: -3_600_000 }).link);
  assert.is(await off?.clockOffsetMs(patient()), -3_600_000);
  assert.is(await openRecordings(fakeLink(camera(), { isClockKnown: false }).link)?.clockOffsetMs(patient()), undefined);
});

test('the replay address is rebuilt on the host we reached; another scheme is refused', async () => {
  const fake = fakeLink(camera());
  assert.is(await openRecordings(fake.link)?.replayUri('r1', patient()), 'rtsp://127.0.0.1:554/replay?rec=r1&x=1');
  fake.answer(({ name }) => says(name, '<trp:Uri>file:///etc/passwd</trp:Uri>'));
  const error = await openRecordings(fake.link)
    ?.replayUri('r1', patient())
    .catch((reason: unknown) => reason);
  assert.instance(error, DriverError);
  fake.answer(() => refuses('NoRecording'));
  const refused = await openRecordings(fake.link)
    ?.replayUri('r1', patient())
    .catch((reason: unknown) => reason);
  assert.is((refused as DriverError).code, 'camera.refused');
});

const facts = (over: Partial<RecordingFacts> = {}): RecordingFacts => ({ token: 'r', fromMs: 0, toMs: 100, videoTracks: [], ...over });
const spans = (
  between: readonly [number, number],
  changes: readonly (readonly [string, number, boolean])[],
  over: Partial<RecordingFacts> = {},
) =>
  spansOf(
    [facts(over)],
    changes.map(([track, atMs, hasData]) => ({ recording: 'r', track, atMs, hasData })),
    { fromMs: between[0], toMs: between[1] },
  ).map(({ fromMs, toMs }) => [fromMs, toMs]);

test('spans: order, joins and edges', () => {
  assert.equal(spans([10, 90], []), [[10, 90]]);
  assert.equal(spans([10, 90], [], { fromMs: undefined }), [], 'nothing known is nothing recorded');
  assert.equal(spans([200, 300], []), []);
  assert.equal(spans([10, 90], [['v', 40, false]]), [[10, 40]], 'it ceased, so it was there');
  assert.equal(
    spans(
      [10, 90],
      [
        ['v', 60, true],
        ['v', 40, false],
      ],
    ),
    [
      [10, 40],
      [60, 90],
    ],
    'in any order',
  );
  assert.equal(
    spans(
      [10, 90],
      [
        ['v', 20, true],
        ['w', 30, true],
        ['v', 50, false],
        ['w', 70, false],
      ],
    ),
    [[20, 70]],
    'tracks are joined',
  );
  assert.equal(
    spans(
      [10, 90],
      [
        ['v', 20, true],
        ['v', 30, true],
        ['v', 50, false],
        ['v', 55, false],
      ],
    ),
    [[20, 50]],
    'said twice',
  );
  assert.equal(spans([10, 90], [['v', 20, true]], { toMs: undefined }), [[20, 90]], 'still recording');
});

test.run();
