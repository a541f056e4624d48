/** What cameras say they can tell of: lists of topics as several makers write them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openEvents } from '../../../../drivers/onvif/events.js';
import { topicsOf } from '../../../../drivers/onvif/events-properties.js';
import { parseXml } from '../../../../drivers/onvif/soap.js';
import { type Answerer, fakeLink, gone, patient, says, unsupported } from './link-rig.js';

const SPACES = 'xmlns:wstop="http://docs.oasis-open.org/wsn/t-1" xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:vnd="urn:vendor"';
const description =
  '<tt:MessageDescription IsProperty="true"><tt:Data><tt:SimpleItemDescription Name="State"/></tt:Data></tt:MessageDescription>';
const topic = (name: string, attribute = ' wstop:topic="true"', inner = description): string => `<${name}${attribute}>${inner}</${name}>`;
const set = (inner: string): string => `<wstop:TopicSet ${SPACES}>${inner}</wstop:TopicSet>`;

const parsed = async (inner: string): Promise<unknown> => parseXml(set(inner));
const kindsOf = (answer: Answerer) => openEvents(fakeLink(answer).link)?.kinds?.(patient());
const listed = (inner: string) => kindsOf(({ name }) => says(name, set(inner)));

test('topics are found wherever they stand in the tree, their attribute forgotten or not', async () => {
  const rules = `<tns1:RuleEngine wstop:topic="false">${topic('CellMotionDetector', '', topic('Motion'))}${topic('vnd:Loiter', '')}</tns1:RuleEngine>`;
  const device = `<tns1:Device><Trigger>${topic('DigitalInput', ' wstop:topic="1"', '')}${topic('Relay', ' topic="true"', '')}</Trigger></tns1:Device>`;
  const twice = `<tns1:VideoSource>${topic('MotionAlarm')}</tns1:VideoSource><tns1:VideoSource>${topic('SignalLoss')}</tns1:VideoSource>`;
  assert.equal(topicsOf(await parsed(rules + device + twice)), [
    'RuleEngine/CellMotionDetector/Motion',
    'RuleEngine/Loiter',
    'Device/Trigger/DigitalInput',
    'Device/Trigger/Relay',
    'VideoSource/MotionAlarm',
    'VideoSource/SignalLoss',
  ]);
});

test('what a message looks like is no topic, and a topic may have others below it', async () => {
  const nested = topic('tns1:Device', ' wstop:topic="true"', `${description}${topic('Motion', '', description)}`);
  assert.equal(topicsOf(await parsed(nested)), ['Device', 'Device/Motion']);
  const deceptive = '<tt:MessageDescription><tt:Data wstop:topic="true"><vnd:Motion wstop:topic="true"/></tt:Data></tt:MessageDescription>';
  assert.equal(topicsOf(await parsed(topic('tns1:Device', '', deceptive))), ['Device']);
  assert.equal(topicsOf(undefined), []);
  assert.equal(topicsOf('text'), []);
  assert.equal(topicsOf(await parsed('<tns1:Motion/>')), []);
});

test('a list of ten thousand topics is read to its limit and no further', async () => {
  assert.is(topicsOf(await parsed('<vnd:T wstop:topic="1"/>'.repeat(10_000))).length, 2_000);
});

test('topics become kinds, each once; a camera that has none of ours says so with an empty list', async () => {
  const many = ['CellMotionDetector', 'LineDetector', 'TamperDetector'].map((name) => topic(name)).join('');
  assert.equal(await listed(`<tns1:RuleEngine>${many}</tns1:RuleEngine><tns1:Device>${topic('Relay')}</tns1:Device>`), [
    'motion',
    'tamper',
    'relay',
  ]);
  assert.equal(await listed(`<tns1:Monitoring>${topic('ProcessorUsage')}</tns1:Monitoring>`), []);
});

test('a camera that does not tell its topics is not taken for one without events', async () => {
  assert.is(await kindsOf(() => unsupported()), undefined);
  assert.is(await kindsOf(({ name }) => says(name, '<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet>')), undefined);
  assert.is(await listed(''), undefined);
  const away: unknown = await kindsOf(() => gone())?.catch((error: unknown) => error);
  assert.is((away as { code: string }).code, 'camera.unreachable');
});

test('the request carries its action and an id of its own', async () => {
  const fake = fakeLink(({ name }) => says(name, set(topic('tns1:Motion'))));
  await openEvents(fake.link)?.kinds?.(patient());
  const { extras, service } = fake.last('GetEventProperties');
  assert.is(service, 'events');
  assert.is(extras.action, 'http://www.onvif.org/ver10/events/wsdl/EventPortType/GetEventPropertiesRequest');
  assert.match(extras.header ?? '', /<wsa:MessageID>urn:uuid:/);
});

test.run();
