import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OPERATIONS } from '../../../../../agent/contract/operations.js';
import type { Scope } from '../../../../../agent/contract/shapes.js';
import type { HealthInfo, LogRow } from '../../../../../agent/contract/views.js';
import { cameraPatch, formOf, pathInWords, readResolution } from '../../../../../scripts/portal/web/config-form.js';
import { ago, bytes, countdown, duration, moment, secondsAfterPress } from '../../../../../scripts/portal/web/format.js';
import { summaryOf, withGaps } from '../../../../../scripts/portal/web/health-history.js';
import { tl } from '../../../../../scripts/portal/web/log-texts.js';
import { foldRows } from '../../../../../scripts/portal/web/log-words.js';
import { describeScopes, grantsOf, LEASE_DURATIONS, nearestDuration } from '../../../../../scripts/portal/web/permission-parts.js';

const CAMERAS = [
  { id: 'cam-1', name: 'Front door' },
  { id: 'cam-2', name: 'Back yard' },
];
const HOUR = 3_600_000;

test('pictures and the rest become one grant when they last equally long, else two', () => {
  const scopes = new Set<Scope>(['live-view', 'health', 'ptz']);
  assert.equal(grantsOf({ scopes, pictureMs: HOUR, otherMs: HOUR }), [{ scopes: ['health', 'live-view', 'ptz'], durationMs: HOUR }]);
  assert.equal(grantsOf({ scopes, pictureMs: HOUR, otherMs: 24 * HOUR }), [
    { scopes: ['health'], durationMs: 24 * HOUR },
    { scopes: ['live-view', 'ptz'], durationMs: HOUR },
  ]);
  assert.equal(grantsOf({ scopes: new Set(), pictureMs: HOUR, otherMs: HOUR }), []);
  assert.is(nearestDuration(LEASE_DURATIONS, 90 * 24 * HOUR), 7 * 24 * HOUR);
});

test('what is allowed is said in words', () => {
  assert.is(describeScopes(['live-view'], ['cam-1'], CAMERAS), 'watch Front door');
  assert.is(describeScopes(['live-view', 'health'], null, CAMERAS), 'see how the recorder is doing and watch all cameras');
  assert.is(
    describeScopes(['ptz', 'live-view'], ['cam-1', 'cam-7'], CAMERAS),
    'watch Front door and Camera 7 and move cameras (Front door and Camera 7)',
  );
});

test('times and sizes as people say them', () => {
  const now = new Date(2026, 10, 24, 12, 0).getTime();
  assert.is(moment(now + HOUR, now), '13:00');
  assert.is(moment(now + 24 * HOUR, now), 'tomorrow 12:00');
  assert.is(moment(now - 24 * HOUR, now), 'yesterday 12:00');
  assert.is(moment(now + 9 * 24 * HOUR, now), '3 December, 12:00');
  assert.equal(
    [10_000, 5 * 60_000, 2 * HOUR, 7 * HOUR].map((age) => ago(now - age, now)),
    ['just now', '5 minutes ago', '2 hours ago', '05:00'],
  );
  assert.equal([40_000, 600_000, HOUR, 24 * HOUR, 168 * HOUR].map(duration), ['40 s', '10 min', '1 hour', '24 hours', '7 days']);
  assert.equal([581_000, 0, -5].map(countdown), ['9:41', '0:00', '0:00']);
  assert.equal([950, 72e6, 1.2e9].map(bytes), ['950 B', '72 MB', '1.2 GB']);
});

test('the time after pressing is never said shorter than it was', () => {
  assert.equal([secondsAfterPress(0, 0), secondsAfterPress(20.1, 4), secondsAfterPress(999, 2)], ['0.01', '0.03', '1.01']);
});

const row = (part: Partial<LogRow>): LogRow => ({
  seq: 1,
  at: 0,
  clock: 'ntp',
  phase: 'result',
  action: 'live.open',
  source: 'relay',
  actor: { kind: 'employee', name: 'Dana', email: null, isErased: false },
  organisation: 'print',
  grant: null,
  channel: 'cam-1',
  scope: null,
  object: null,
  result: 'ok',
  code: null,
  session: null,
  durationMs: null,
  bytes: null,
  intentSeq: null,
  detail: null,
  head: '',
  ...part,
});

test('an intent is folded into its result; one without a result stays visible', () => {
  const rows = [
    row({ seq: 1, phase: 'intent', result: null }),
    row({ seq: 2, intentSeq: 1, durationMs: 65_000 }),
    row({ seq: 3, phase: 'intent', result: null, action: 'config.apply', channel: null }),
    row({ seq: 4, result: 'refused', action: 'toString', actor: { kind: 'employee', name: null, email: null, isErased: true } }),
  ];
  const entries = foldRows(rows, CAMERAS, { print: 'Example Alarms' });
  assert.equal(
    entries.map(({ seq, who, what, resultText }) => [seq, who, what, resultText]),
    [
      [4, 'A person whose name was erased (Example Alarms)', 'did “toString”: Front door', 'refused'],
      [3, 'Dana (Example Alarms)', 'changed settings', 'begun'],
      [2, 'Dana (Example Alarms)', 'opened the live picture: Front door', 'done, lasted 1 min'],
    ],
  );
});

test('what was allowed is told whole, a code only of what did not go well, and a picture’s end in words', () => {
  const at = new Date(2026, 10, 24, 12, 0).getTime();
  const after = { organisation: 'Example Alarms', scopes: ['live-view', 'bogus'], cameras: ['cam-1'], hours: 'any', until: at + 2 * HOUR };
  const say = (part: Partial<LogRow>): readonly unknown[] => {
    const [entry] = foldRows([row({ channel: null, at, ...part })], CAMERAS, {});
    return [entry?.what, entry?.resultText, entry?.code];
  };
  const grant = { action: 'permissions.grant', code: 'permissions.fine' };
  assert.equal(say({ ...grant, detail: { before: null, after } }), [
    'allowed Example Alarms to watch Front door until 14:00',
    'done',
    null,
  ]);
  const hours = { zone: 'UTC', days: [0, 6], from: '08:00', to: '18:00' };
  assert.match(String(say({ ...grant, detail: { after: { ...after, cameras: 'all', hours } } })[0]), /all cameras.*Saturday and Sunday/);
  for (const detail of [null, {}, { after: { organisation: 7 } }]) assert.is(say({ ...grant, detail })[0], 'allowed something');
  assert.equal(say({ ...grant, result: 'refused' })[2], 'permissions.fine');
  assert.equal(say({ action: 'live.watch', code: 'live.withdrawn', durationMs: 65_000 })[1], 'done, lasted 1 min, stopped by the owner');
  assert.equal(say({ action: 'live.watch', code: 'live.closed_by_viewer' })[1], 'done');
});

test('what gear on serial lines told is said in words, a receipt line by line, and what was erased without them', () => {
  const told = (part: Partial<LogRow>): readonly unknown[] => {
    const [entry] = foldRows([row({ channel: null, source: 'serial', ...part })], CAMERAS, {});
    return [entry?.what, ...(entry?.lines ?? [])];
  };
  assert.equal(told({ action: 'gear.power', object: 'mains-lost' }), ['lost mains power and runs on its battery']);
  assert.equal(told({ action: 'gear.power', object: 'toString' }), ['noticed a change of its power supply']);
  const detail = { after: { account: '1234', event: '130', meaning: 'burglary', partition: '01', zone: '015' } };
  for (const [object, end] of [
    ['130-new', ''],
    ['130-restored', ' (over)'],
    ['130-still', ' (still)'],
  ] as const)
    assert.equal(told({ action: 'gear.alarm', object, detail }), [`was told by the alarm panel: burglary, zone 015${end}`]);
  assert.equal(told({ action: 'gear.alarm', object: '130-new' }), ['was told of an event by the alarm panel']);
  const receipt = { action: 'gear.receipt', channel: 'cam-1' };
  assert.equal(told({ ...receipt, detail: { after: { lines: ['Milk 1.20', 7] } } }), [
    'received a receipt from the till: Front door',
    'Milk 1.20',
  ]);
  assert.equal(told(receipt), ['received a receipt from the till: Front door']);
});

test('every operation that can stand in the log has words', () => {
  // The owner's own looks are not logged.
  const logged = Object.entries(OPERATIONS).filter(([, { who, logged }]) => who !== 'owner' || logged !== 'look');
  assert.equal(
    logged.map(([name]) => name).filter((name) => !Object.hasOwn(tl.actions, name)),
    [],
  );
});

test('a form becomes a patch of what differs, and a typing error becomes a sentence', () => {
  const camera = { name: 'Front door', main: null, sub: { width: 640, height: 360, frameRate: 15 }, hasLogin: true };
  const form = formOf(camera);
  assert.is(cameraPatch('cam-1', form, camera).patch, undefined);
  const changed = { ...form, name: ' Door ', sub: { resolution: '320 × 180', frameRate: '12,5' } };
  assert.equal(cameraPatch('cam-1', changed, camera), {
    patch: { cameras: { 'cam-1': { name: 'Door', sub: { width: 320, height: 180, frameRate: 12.5 } } } },
    errors: {},
  });
  const wrong = cameraPatch('cam-1', { ...form, name: ' ', sub: { resolution: 'big', frameRate: '' } }, camera).errors;
  assert.equal(Object.keys(wrong).sort(), ['name', 'sub.frameRate', 'sub.resolution']);
  assert.equal(readResolution('1280x720'), { width: 1280, height: 720 });
  assert.is(pathInWords('cameras.cam-1.sub.frameRate', CAMERAS), 'Front door, small picture, pictures per second');
  assert.is(pathInWords('recorderName', CAMERAS), 'Name of the recorder');
});

test('a hole in the measurements is drawn as a hole', () => {
  const history = {
    periodMs: 60_000,
    at: [0, 60_000, 600_000, 660_000],
    cpu: [0.1, 0.2, null, 0.4],
    memory: [0.5, 0.5, null, 0.5],
    disk: [null, null, null, null],
    temperatureCelsius: [],
    rssBytes: [],
    camerasUp: [],
  } as HealthInfo['history'];
  const drawn = withGaps(history, [{ name: 'cpu', values: history.cpu }]);
  assert.equal(drawn, { at: [0, 60, 120, 600, 660], lines: [[0.1, 0.2, null, null, 0.4]] });
  const sentences = summaryOf(history);
  assert.is(sentences[0], 'Processor: between 10% and 40%, now 40%.');
  assert.is(sentences.length, 3, 'no line for what was never measured, one sentence for the gap');
});

test.run();
