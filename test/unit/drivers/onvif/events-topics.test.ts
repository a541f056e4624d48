/** The many ways in which cameras say the same (quirk 27), and reference parameters cut out of answers. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readNotify } from '../../../../drivers/onvif/events-messages.js';
import { referenceHeaders } from '../../../../drivers/onvif/events-reference.js';
import { CONFIRM_MS, EventStates, MOMENT_MS, STALE_MS } from '../../../../drivers/onvif/events-state.js';
import { type EventMeaning, meaningOf } from '../../../../drivers/onvif/events-topics.js';
import { parseXml } from '../../../../drivers/onvif/soap.js';
import { envelope } from '../../../peers/soap-answers.js';
import { type MessageOptions, message } from './events-answers.js';

async function understood(topic: string, options: MessageOptions): Promise<EventMeaning | undefined> {
  const [one] = readNotify(await parseXml(envelope(`<wsnt:Notify>${message(topic, options)}</wsnt:Notify>`)));
  assert.ok(one, topic);
  return meaningOf(one);
}

type Row = readonly [topic: string, data: Readonly<Record<string, string>>, source: Readonly<Record<string, string>>, expected: string];

/** Topic, data, source, and what it means: kind, on or off, source. */
const ROWS: readonly Row[] = [
  ['tns1:RuleEngine/CellMotionDetector/Motion', { IsMotion: 'true' }, { VideoSourceConfigurationToken: 'vsc', Rule: 'r' }, 'motion on vsc'],
  ['tns1:RuleEngine/CellMotionDetector/Motion', { IsMotion: '1' }, { VideoSourceConfigurationToken: 'vsc' }, 'motion on vsc'],
  ['tns1:RuleEngine/CellMotionDetector/Motion', { IsMotion: 'FALSE' }, {}, 'motion off '],
  ['tns1:VideoSource/MotionAlarm', { State: 'true' }, { Source: 'VideoSource_1' }, 'motion on VideoSource_1'],
  ['tns1:VideoSource/MotionAlarm', { State: '0' }, { VideoSource: 'ch3' }, 'motion off ch3'],
  ['tns1:VideoAnalytics/tnsaxis:MotionDetection', { motion: '1' }, { window: 'w1' }, 'motion on w1'],
  ['tns1:RuleEngine/MotionRegionDetector/Motion', { State: '1' }, { VideoSourceConfigurationToken: 'v' }, 'motion on v'],
  [
    'tns1:RuleEngine/FieldDetector/ObjectsInside',
    { ObjectId: '7', IsInside: 'true' },
    { VideoSourceConfigurationToken: 'v' },
    'motion on v',
  ],
  ['tns1:RuleEngine/MyRuleDetector/PeopleDetect', { State: 'true' }, { Source: '000' }, 'motion on 000'],
  ['tns1:RuleEngine/TamperDetector/Tamper', { IsTamper: 'true' }, { VideoSourceConfigurationToken: 'v' }, 'tamper on v'],
  ['tns1:VideoSource/GlobalSceneChange/ImagingService', { State: 'true' }, { Source: 's' }, 'tamper on s'],
  ['tns1:VideoSource/ImageTooDark/AnalyticsService', { State: 'false' }, { Source: 's' }, 'tamper off s'],
  ['tns1:VideoSource/tnsaxis:Tampering', { tampering: '1' }, { channel: '1' }, 'tamper on 1'],
  ['tns1:VideoSource/SignalLoss', { State: 'true' }, { VideoSourceToken: 'ch2' }, 'video-loss on ch2'],
  ['tns1:Device/Trigger/DigitalInput', { LogicalState: 'true' }, { InputToken: 'in-1' }, 'digital-input on in-1'],
  ['tns1:Device/tnsaxis:IO/Port', { state: '1' }, { port: '2' }, 'digital-input on 2'],
  ['tns1:Device/Trigger/Relay', { LogicalState: 'active' }, { RelayToken: 'out-1' }, 'relay on out-1'],
  ['tns1:Device/Trigger/Relay', { LogicalState: 'inactive' }, { RelayToken: 'out-1' }, 'relay off out-1'],
  ['tns1:Device/HardwareFailure/StorageFailure', { Failed: 'true' }, { Token: 'disk-1' }, 'hardware-failure on disk-1'],
  ['tns1:Device/HardwareFailure/FanFailure', { Failed: 'false' }, {}, 'hardware-failure off fanfailure'],
  ['tns1:Device/HardwareFailure/TemperatureCritical', { Critical: 'true' }, {}, 'hardware-failure on temperaturecritical'],
];

test('quirk 27: every variant of a topic means the same', async () => {
  for (const [topic, data, source, expected] of ROWS) {
    const meaning = await understood(topic, { data, source });
    assert.is(`${meaning?.kind} ${meaning?.isOn === true ? 'on' : 'off'} ${meaning?.source}`, expected, topic);
  }
});

test('what is none of our kinds, or has no state, is passed over; a crossed line is a moment', async () => {
  assert.is(await understood('tns1:Monitoring/ProcessorUsage', { data: { Value: '1' } }), undefined);
  assert.is(await understood('tns1:RecordingConfig/JobState', { data: { State: 'Active' } }), undefined);
  assert.is(await understood('tns1:VideoSource/SignalLoss', { data: { Level: 'perhaps' } }), undefined);
  assert.is((await understood('tns1:RuleEngine/LineDetector/Crossed', { data: { ObjectId: '4' }, operation: '' }))?.isMoment, true);
  assert.is((await understood('tns1:VideoSource/MotionAlarm', { data: {}, operation: 'Deleted' }))?.isOn, false);
});

test('a broken notification does not take the others with it', async () => {
  const broken =
    '<wsnt:NotificationMessage>text</wsnt:NotificationMessage><wsnt:NotificationMessage><wsnt:Topic/></wsnt:NotificationMessage>';
  const bare =
    '<wsnt:NotificationMessage><wsnt:Topic>x</wsnt:Topic><wsnt:Message><tt:Message><tt:Data><tt:SimpleItem/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>';
  const said = readNotify(
    await parseXml(envelope(`<wsnt:Notify>${broken}${bare}${message('tns1:VideoSource/MotionAlarm')}</wsnt:Notify>`)),
  );
  assert.equal(
    said.map(({ topic }) => topic),
    ['x', 'tns1:VideoSource/MotionAlarm'],
  );
  assert.equal(readNotify(undefined), []);
  assert.equal(readNotify(await parseXml(envelope('<wsnt:Notify/>'))), []);
});

test('times: no zone is UTC, and a clock that was never set is no time', async () => {
  const at = async (utcTime: string): Promise<number | undefined> => {
    const [one] = readNotify(await parseXml(envelope(`<wsnt:Notify>${message('t', { utcTime })}</wsnt:Notify>`)));
    return one?.cameraAtMs;
  };
  assert.is(await at('2026-03-01T10:00:00'), Date.UTC(2026, 2, 1, 10));
  assert.is(await at('2026-03-01T10:00:00+02:00'), Date.UTC(2026, 2, 1, 8));
  assert.is(await at('0000-00-00T00:00:00Z'), undefined);
  assert.is(await at('1970-01-01T00:00:09Z'), undefined);
});

const meaning = (property: string, isOn: boolean, isMoment = false): EventMeaning => ({
  kind: 'motion',
  source: 'v',
  property,
  isOn,
  isMoment,
});

test('one motion under two topics is one motion; moments end by themselves', () => {
  const states = new EventStates();
  assert.is(states.take(meaning('cell', true), false, 5, 0)?.isOn, true);
  assert.is(states.take(meaning('alarm', true), false, 5, 1), undefined);
  assert.is(states.take(meaning('cell', false), false, 5, 2), undefined, 'the other one still says motion');
  assert.is(states.take(meaning('alarm', false), false, 5, 3)?.isOn, false);
  assert.is(states.nextAtMs(), undefined);

  assert.is(states.take(meaning('line', true, true), false, 5, 10)?.isOn, true);
  assert.is(states.nextAtMs(), 10 + MOMENT_MS);
  assert.equal(states.endMoments(9 + MOMENT_MS), []);
  assert.equal(
    states.endMoments(10 + MOMENT_MS).map(({ isOn }) => isOn),
    [false],
  );
});

test('a hostile camera cannot fill the memory with properties', () => {
  const states = new EventStates();
  for (let count = 0; count < 2_000; count += 1) states.take({ ...meaning(`p${count}`, true), source: `s${count}` }, false, null, count);
  assert.is(states.clearUnconfirmed(STALE_MS + CONFIRM_MS, true).length, 512);
});

const answer = (inner: string, spaces = ''): string =>
  `<?xml version="1.0"?><!-- <a:ReferenceParameters> --><s:Envelope xmlns:s="soap"${spaces}><s:Body>${inner}</s:Body></s:Envelope>`;

test('reference parameters stand by themselves once they are cut out', async () => {
  const cases: readonly (readonly [string, string, RegExp | undefined])[] = [
    ['<w:ReferenceParameters><x:Id xmlns:x="urn:x">5</x:Id></w:ReferenceParameters>', '', /<x:Id [^>]*xmlns:x="urn:x">5<\/x:Id>/],
    ['<w:ReferenceParameters><x:Id>5</x:Id></w:ReferenceParameters>', ' xmlns:x="urn:x"', /<x:Id [^>]*xmlns:x="urn:x">5<\/x:Id>/],
    [
      '<w:ReferenceParameters><Id xmlns="urn:d" a="1"><b>6</b></Id></w:ReferenceParameters>',
      '',
      /<Id [^>]*xmlns="urn:d" a="1"><b>6<\/b><\/Id>/,
    ],
    ["<w:ReferenceParameters><x:A/><x:B c='>'>7</x:B></w:ReferenceParameters>", ' xmlns:x="urn:x"', /<x:A [^>]*\/><x:B .*c='>'>7<\/x:B>/],
    ['<w:ReferenceParameters><y:Id>5</y:Id></w:ReferenceParameters>', '', undefined],
    ['<w:ReferenceParameters/>', '', undefined],
    ['<x:Id>5</x:Id>', ' xmlns:x="urn:x"', undefined],
    ['<w:ReferenceParameters><x:Id>5</x:Id>', ' xmlns:x="urn:x"', /<x:Id [^>]*>5</],
  ];
  for (const [inner, spaces, expected] of cases) {
    const blocks = referenceHeaders(answer(inner, spaces));
    if (expected === undefined) assert.is(blocks, '', inner);
    else assert.match(blocks, expected);
    await parseXml(`<Header>${blocks}</Header>`);
  }
});

test('broken and huge answers cost little', () => {
  const startedMs = performance.now();
  for (const xml of [
    '<',
    '<a',
    '<a b="',
    '</a></a>',
    `<a ${'b="'.repeat(80_000)}`,
    '<a>'.repeat(80_000),
    '<!--'.repeat(60_000),
    `${'<'.repeat(200_000)}`,
  ])
    referenceHeaders(xml);
  assert.ok(performance.now() - startedMs < 500, String(performance.now() - startedMs));
});

test.run();
