/** Listening to a camera's events, whatever the camera does meanwhile. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openEvents } from '../../../../drivers/onvif/events.js';
import { type CameraEvent, DriverError } from '../../../../drivers/port.js';
import { settle } from '../../../support/manual-clock.js';
import { EventCamera, message, motion, pulled, type Special, subscribed } from './events-answers.js';
import { type FakeLink, fakeLink, gone, never, patient, refuses, says, unsupported } from './link-rig.js';

interface Heard {
  readonly fake: FakeLink;
  readonly camera: EventCamera;
  readonly events: CameraEvent[];
  readonly ends: DriverError[];
  close(): Promise<void>;
}

async function listen(special?: Special, random = 0.5, signal = patient().signal): Promise<Heard> {
  const camera: EventCamera = new EventCamera(() => fake.clock);
  const fake: FakeLink = fakeLink((asked) => camera.answerer(special)(asked), { offsetMs: 60_000 });
  const events: CameraEvent[] = [];
  const ends: DriverError[] = [];
  const source = openEvents(fake.link, () => random);
  assert.ok(source);
  const open = await source.open({ onEvent: (event) => events.push(event), onEnd: (reason) => ends.push(reason) }, { signal });
  await settle();
  return { fake, camera, events, ends, close: () => open.close() };
}

const states = (events: readonly CameraEvent[]): readonly (readonly [string, boolean])[] => events.map(({ kind, isOn }) => [kind, isOn]);

test('events come as they happen, once each, in our own time', async () => {
  const { fake, camera, events, close } = await listen();
  camera.send(motion(false, 'Initialized'));
  await fake.clock.advance(200);
  camera.send(motion(true), motion(true));
  await fake.clock.advance(200);
  camera.send(motion(false));
  await fake.clock.advance(200);
  const atMs = Date.UTC(2026, 0, 1) - 60_000;
  assert.equal(events, [
    { kind: 'motion', isOn: false, source: 'vsc', atMs, isInitial: true },
    { kind: 'motion', isOn: true, source: 'vsc', atMs, isInitial: false },
    { kind: 'motion', isOn: false, source: 'vsc', atMs, isInitial: false },
  ]);
  await close();
  assert.is(fake.count('Unsubscribe'), 1);
  await fake.clock.advance(20_000);
  assert.is(fake.clock.armed, 0, 'once the timers of the camera itself are over none is left');
});

test('quirk 18: the subscription names its lifetime; quirk 34: capabilities are never asked for', async () => {
  const { fake, close } = await listen();
  assert.match(fake.last('CreatePullPointSubscription').body, /<tev:InitialTerminationTime>PT60S</);
  await fake.clock.advance(120_000);
  assert.is(fake.count('GetServiceCapabilities'), 0);
  await close();
});

test('quirk 20: renewals carry a message id and keep one subscription alive for an hour', async () => {
  const { fake, close } = await listen();
  await fake.clock.advance(3_600_000);
  assert.is(fake.count('CreatePullPointSubscription'), 1);
  assert.ok(fake.count('Renew') >= 60 && fake.count('Renew') <= 120, String(fake.count('Renew')));
  const ids = fake.asked.map(({ extras }) => /<wsa:MessageID>(urn:uuid:[0-9a-f-]{36})</.exec(extras.header ?? '')?.[1]);
  assert.is(new Set(ids).size, ids.length, 'each has its own');
  await close();
});

test('quirk 20: where Renew is refused the subscription is made anew in time, the old one given back first', async () => {
  const { fake, camera, events, close } = await listen(({ name }) => (name === 'Renew' ? refuses() : ''));
  await fake.clock.advance(600_000);
  const made = fake.count('CreatePullPointSubscription');
  assert.ok(made >= 10 && made <= 20, `${made} in ten minutes`);
  assert.is(fake.count('Unsubscribe'), made - 1);
  const order = fake.asked.map(({ name }) => name).filter((name) => /Unsubscribe|Create/.test(name));
  assert.equal(order.slice(0, 4), ['CreatePullPointSubscription', 'Unsubscribe', 'CreatePullPointSubscription', 'Unsubscribe']);
  camera.send(motion(true));
  await fake.clock.advance(200);
  assert.equal(states(events), [['motion', true]]);
  await close();
});

const AXIS =
  '<wsa5:ReferenceParameters><dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event">297</dom0:SubscriptionId></wsa5:ReferenceParameters>';

test('quirk 21: reference parameters come back as header blocks; quirk 22: those of later answers are ignored', async () => {
  const { fake, close } = await listen((asked, camera) => {
    if (asked.name === 'CreatePullPointSubscription') return subscribed(camera.clock, asked.name, 60_000, AXIS);
    return asked.name === 'Renew'
      ? says('Renew', `${AXIS.replace('297', '298')}<TerminationTime>2026-01-01T01:00:00Z</TerminationTime>`)
      : '';
  });
  await fake.clock.advance(130_000);
  const echoed = /<dom0:SubscriptionId xmlns:wsar="[^"]+" wsar:IsReferenceParameter="true" xmlns:dom0="[^"]+">297</;
  for (const name of ['PullMessages', 'Renew', 'SetSynchronizationPoint']) assert.match(fake.last(name).extras.header ?? '', echoed);
  await close();
  assert.match(fake.last('Unsubscribe').extras.header ?? '', echoed);
  assert.is(fake.last('PullMessages').extras.path, '/onvif/sub?id=7', 'asked at the reached host');
  assert.match(fake.last('PullMessages').extras.header ?? '', /<wsa:To>http:\/\/10\.9\.9\.9:81\/onvif\/sub\?id=7</);
});

test('quirk 23: a camera that faults every pull is not stormed, and cameras do not come back in step', async () => {
  const counts = [];
  const seconds = [];
  for (const random of [0, 0.999]) {
    const { fake, close } = await listen(({ name }) => (name === 'PullMessages' ? refuses('Action') : ''), random);
    await fake.clock.advance(3_600_000);
    const made = fake.asked.filter(({ name }) => /^(Create|Subscribe)/.test(name));
    counts.push(made.length);
    seconds.push(made[1]?.atMs);
    await close();
  }
  assert.ok(
    counts.every((count) => count >= 1 && count <= 130),
    counts.join(' '),
  );
  assert.equal(seconds, [500, 999.5]);
});

test('quirk 24: a camera that restarts is listened to again once it is back', async () => {
  let isDown = false;
  const { fake, camera, events, ends, close } = await listen(() => (isDown ? gone() : ''));
  isDown = true;
  await fake.clock.advance(180_000);
  const tries = fake.count('CreatePullPointSubscription');
  assert.ok(tries >= 5 && tries <= 10, `${tries} in three minutes`);
  isDown = false;
  await fake.clock.advance(61_000);
  camera.send(motion(true));
  await fake.clock.advance(200);
  assert.equal(states(events), [['motion', true]]);
  assert.equal(ends, []);
  await close();
});

test('quirk 25: an answer with an undeclared prefix is read', async () => {
  const { fake, close } = await listen(({ name }) =>
    name === 'CreatePullPointSubscription'
      ? '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><tev:CreatePullPointSubscriptionResponse>' +
        '<tev:SubscriptionReference><wsa:Address>http://10.9.9.9/undeclared</wsa:Address></tev:SubscriptionReference>' +
        '</tev:CreatePullPointSubscriptionResponse></s:Body></s:Envelope>'
      : '',
  );
  assert.is(fake.last('PullMessages').extras.path, '/undeclared');
  await close();
});

test('quirk 26: motion that never ends is asked about and cleared; confirmed motion stays', async () => {
  let isConfirming = true;
  const { fake, events, close } = await listen((asked, camera) => {
    if (asked.name === 'SetSynchronizationPoint' && isConfirming) camera.send(motion(true, 'Initialized'));
    return '';
  });
  await fake.clock.advance(300_000);
  assert.equal(states(events), [['motion', true]]);
  isConfirming = false;
  await fake.clock.advance(140_000);
  assert.equal(states(events), [
    ['motion', true],
    ['motion', false],
  ]);
  assert.is(events[1]?.atMs, null);
  await close();
});

test('quirk 26: an input stays on through silence, unless the camera tells its states without it', async () => {
  let answers = '';
  const input = message('tns1:Device/Trigger/DigitalInput', { source: { InputToken: 'in-1' }, data: { LogicalState: 'true' } });
  const { fake, camera, events, close } = await listen((asked, own) => {
    if (asked.name === 'SetSynchronizationPoint' && answers !== '') own.send(answers);
    return '';
  });
  camera.send(input);
  await fake.clock.advance(300_000);
  assert.equal(states(events), [['digital-input', true]]);
  answers = motion(false, 'Initialized');
  await fake.clock.advance(140_000);
  assert.equal(states(events).at(-1), ['digital-input', false]);
  await close();
});

test('quirk 26: motion known before the camera vanished is not left on', async () => {
  let isDown = false;
  const { fake, camera, events, close } = await listen(() => (isDown ? gone() : ''));
  camera.send(motion(true));
  await fake.clock.advance(200);
  isDown = true;
  await fake.clock.advance(130_000);
  assert.equal(states(events), [
    ['motion', true],
    ['motion', false],
  ]);
  await close();
});

test('quirk 17: a long poll on a dead connection ends by our own deadline and is made anew', async () => {
  let isDead = true;
  const { fake, camera, events, close } = await listen(({ name }) => (name === 'PullMessages' && isDead ? never() : ''));
  await fake.clock.advance(29_000);
  assert.is(fake.count('CreatePullPointSubscription'), 1);
  isDead = false;
  await fake.clock.advance(3_000);
  assert.is(fake.count('CreatePullPointSubscription'), 2);
  camera.send(motion(true));
  await fake.clock.advance(200);
  assert.equal(states(events), [['motion', true]]);
  await close();
});

test('quirk 28: no pull point left: the camera is asked to send its events; quirk 19: so is one that ends them at once', async () => {
  const full = await listen(({ name }) => (name === 'CreatePullPointSubscription' ? refuses('MaxNotificationProducers') : ''));
  assert.match(full.fake.last('Subscribe').body, /<wsa:Address>http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}<\/wsa:Address>/);
  await full.close();
  assert.is(full.fake.count('Unsubscribe'), 1);

  const fleeting = await listen(({ name }) => (name === 'PullMessages' ? refuses('ResourceUnknown') : ''));
  await fleeting.fake.clock.advance(60_000);
  // The receiver opens a real socket: that takes more turns than the clock gives.
  for (let turn = 0; turn < 50 && fleeting.fake.count('Subscribe') === 0; turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.is(fleeting.fake.count('CreatePullPointSubscription'), 3);
  assert.is(fleeting.fake.count('Subscribe'), 1);
  await fleeting.close();
});

test('a camera with neither way rejects at once; one that refuses the login ends for good', async () => {
  const none = fakeLink(() => unsupported());
  const source = openEvents(none.link);
  const handlers = { onEvent: () => undefined, onEnd: () => undefined };
  const error = await source?.open(handlers, patient()).catch((reason: unknown) => reason);
  assert.instance(error, DriverError);
  assert.is((error as DriverError).code, 'camera.unsupported');
  assert.is(none.clock.armed, 0);

  let isLocked = false;
  const { fake, ends } = await listen(() => (isLocked ? new DriverError('camera.unauthorized', 'no') : ''));
  isLocked = true;
  await fake.clock.advance(600_000);
  assert.equal(
    ends.map(({ code }) => code),
    ['camera.unauthorized'],
  );
  assert.ok(fake.count('PullMessages') <= 2, 'an account is not locked by us');
});

test('the signal ends listening, while it begins and afterwards', async () => {
  const stop = new AbortController();
  const { fake, ends } = await listen(undefined, 0.5, stop.signal);
  stop.abort();
  await settle();
  const before = fake.asked.length;
  await fake.clock.advance(600_000);
  assert.is(fake.asked.length, before);
  assert.equal(ends, [], 'whoever ends it need not be told');

  const early = new AbortController();
  const slow = fakeLink(() => never());
  const opening = openEvents(slow.link)?.open({ onEvent: () => undefined, onEnd: () => undefined }, { signal: early.signal });
  early.abort();
  const error = await opening?.catch((reason: unknown) => reason);
  assert.is((error as DriverError).code, 'driver.aborted');
});

test('a camera that knows no waiting is not polled without pause', async () => {
  const { fake, close } = await listen(({ name }, { clock }) => (name === 'PullMessages' ? pulled(clock, 60_000) : ''));
  await fake.clock.advance(60_000);
  assert.ok(fake.count('PullMessages') <= 62, String(fake.count('PullMessages')));
  await close();
});

test('a camera with limits it does not tell is asked for less', async () => {
  const { fake, close } = await listen(({ name, body }) => (name === 'PullMessages' && body.includes('PT20S') ? refuses() : ''));
  assert.is(fake.count('CreatePullPointSubscription'), 1);
  assert.match(fake.last('PullMessages').body, /PT5S.*<tev:MessageLimit>10</);
  await close();
});

test.run();
