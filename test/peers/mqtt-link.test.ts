import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MqttLink, type MqttLinkParts } from '../../agent/cloud/mqtt-link.js';
import { topics } from '../../agent/contract/topics.js';
import { type Clock, systemClock } from '../../agent/kernel/clock.js';
import type { AgentError } from '../../agent/kernel/errors.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { TestLog } from '../support/test-log.js';

const SCOPE = { tenant: 'local', serial: 'SNTEST0001' };
const STATUS = topics.status(SCOPE);
const ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const WILL = 'the recorder went away';

let broker: Mosquitto;
let proxy: TcpProxy;
let app: MqttTransport;
let link: MqttLink;
let log: TestLog;
let connects = 0;

const it = suite('mqtt-link with mosquitto');

/** The clock of this machine, with the long deadlines of the link shortened to 300 ms. */
const hasty: Clock = {
  ...systemClock,
  after: (delayMs, act, background) => systemClock.after(delayMs >= 1_000 ? 300 : delayMs, act, background),
};

function makeLink(parts: Partial<MqttLinkParts> = {}): MqttLink {
  return new MqttLink({
    url: `mqtt://127.0.0.1:${proxy.port}`,
    clientId: SCOPE.serial,
    caFile: undefined,
    subscription: topics.downAll(SCOPE),
    connectFacts: async () => {
      connects += 1;
      return { username: SCOPE.serial, password: `proof-${connects}`, will: { topic: STATUS, payload: WILL } };
    },
    clock: systemClock,
    log,
    random: Math.random,
    backoff: { firstMs: 20, baseMs: 40, capMs: 200 },
    ...parts,
  });
}

/** Resolves at the next change to this state. */
function becomes(one: MqttLink, isOnline: boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = one.onOnline((now) => {
      if (now !== isOnline) return;
      stop();
      resolve();
    });
  });
}

async function startOnline(one: MqttLink): Promise<void> {
  const online = becomes(one, true);
  await one.start();
  await online;
}

const nextMessage = (one: MqttLink): Promise<[string, string]> =>
  new Promise((resolve) => {
    const stop = one.onMessage((topic, payload) => {
      stop();
      resolve([topic, Buffer.from(payload).toString()]);
    });
  });

/** What the app hears on a topic until a marker that it sends itself comes round: everything sent before it has been delivered by then. */
async function heardUntilMarker(topic: string, act: () => Promise<void>): Promise<string[]> {
  const heard: string[] = [];
  let marked: () => void = () => undefined;
  const marker = new Promise<void>((resolve) => {
    marked = resolve;
  });
  const stop = app.onMessage((at, payload) => {
    if (at === 'marker') marked();
    else if (at === topic) heard.push(Buffer.from(payload).toString());
  });
  await app.subscribe('marker');
  await app.subscribe(topic);
  await act();
  await app.publish('marker', 'x');
  await marker;
  stop();
  await app.unsubscribe(topic);
  return heard;
}

async function codeOf(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => 'resolved',
    (error: AgentError) => error.code,
  );
}

it.before(async () => {
  broker = await startMosquitto();
});

it.before.each(async () => {
  proxy = await startTcpProxy(Number(new URL(broker.url).port));
  app = new MqttTransport(broker.url);
  await app.whenOnline();
  log = new TestLog();
  connects = 0;
  link = makeLink();
});

it.after.each(async () => {
  await link.stop();
  await app.publish(STATUS, '', { retain: true });
  await app.close();
  await proxy.stop();
});

it.after(() => broker.stop());

it('connects, subscribes once to its own tree, and hands over what comes', async () => {
  assert.is(link.isOnline, false);
  await startOnline(link);
  assert.is(link.isOnline, true);
  const message = nextMessage(link);
  await app.publish(topics.command({ ...SCOPE, serial: 'SNTEST0002' }, ID), 'for somebody else');
  await app.publish(topics.command(SCOPE, ID), 'a letter');
  assert.equal(await message, [topics.command(SCOPE, ID), 'a letter']);
});

it('a withdrawal that waits at the relay (retained) comes with the connection', async () => {
  await app.publish(topics.withdraw(SCOPE, 'b'.repeat(22)), 'withdraw', { retain: true });
  const message = nextMessage(link);
  await link.start();
  assert.equal(await message, [topics.withdraw(SCOPE, 'b'.repeat(22)), 'withdraw']);
  await app.publish(topics.withdraw(SCOPE, 'b'.repeat(22)), '', { retain: true });
});

it('a message larger than the contract allows stays at the broker, and the link goes on', async () => {
  await startOnline(link);
  const message = nextMessage(link);
  await app.publish(topics.command(SCOPE, ID), 'x'.repeat(200_000));
  await app.publish(topics.command(SCOPE, ID), 'the next one');
  assert.is((await message)[1], 'the next one');
  assert.is(connects, 1);
});

it('publish resolves when the broker has it, and not before', async () => {
  await startOnline(link);
  const heard = await heardUntilMarker(STATUS, () => link.publish(STATUS, 'here', { retain: true }));
  assert.equal(heard, ['here']);
  proxy.holdAnswers(true);
  const before = broker.log().length;
  let isSettled = false;
  const lost = codeOf(link.publish(STATUS, 'its PUBACK is lost', { retain: true })).finally(() => {
    isSettled = true;
  });
  // The broker has it and says so; the answer does not come through.
  await broker.said(/Sending PUBACK to SNTEST0001/, before);
  assert.is(isSettled, false);
  proxy.holdAnswers(false);
  proxy.cut();
  assert.is(await lost, 'cloud.offline', 'not known to have arrived');
});

it('publishing while offline is refused at once: waiting is the outbox’s work', async () => {
  assert.is(await codeOf(link.publish(STATUS, 'x')), 'cloud.offline');
});

it('a broken connection is told, the will is published, and the link comes back by itself with fresh credentials', async () => {
  await startOnline(link);
  assert.is(connects, 1);
  const offline = becomes(link, false);
  const back = becomes(link, true);
  const heard = await heardUntilMarker(STATUS, async () => {
    const before = broker.log().length;
    proxy.cut();
    await offline;
    await broker.said(/Sending PUBLISH to app-[^\n]*up\/status/, before);
    await back;
  });
  assert.equal(heard, [WILL]);
  assert.is(connects, 2, 'credentials are made anew for every attempt');
  const message = nextMessage(link);
  await app.publish(topics.command(SCOPE, ID), 'after the break');
  assert.is((await message)[1], 'after the break');
});

it('a broker that loses power and comes back is found again', async () => {
  await startOnline(link);
  const offline = becomes(link, false);
  await broker.kill();
  await offline;
  assert.is(link.isOnline, false);
  assert.is(await codeOf(link.publish(STATUS, 'x')), 'cloud.offline');
  const back = becomes(link, true);
  await broker.restart();
  await back;
  await app.whenOnline();
  await link.publish(STATUS, 'again');
});

it('a clean stop publishes no will', async () => {
  await startOnline(link);
  const heard = await heardUntilMarker(STATUS, async () => {
    await link.publish(STATUS, 'good-bye');
    const before = broker.log().length;
    await link.stop();
    await broker.said(/Received DISCONNECT from SNTEST0001/, before);
  });
  assert.equal(heard, ['good-bye']);
  assert.is(link.isOnline, false);
});

it('a link that was stopped does not come back', async () => {
  await startOnline(link);
  await link.stop();
  await link.start();
  await proxyIsIdle();
  assert.is(link.isOnline, false);
  assert.is(connects, 1);
});

it('a broker that stops answering: the link gives it up after its deadline, and stopping does not hang', async () => {
  link = makeLink({ clock: hasty });
  await startOnline(link);
  proxy.holdAnswers(true);
  const offline = becomes(link, false);
  assert.is(await codeOf(link.publish(STATUS, 'x')), 'cloud.offline');
  await offline;
  assert.ok(log.lines.some(({ message }) => message.startsWith('the broker does not answer')));
  await link.stop();
  await proxyIsIdle();
});

it('stopping with a message on the way to a silent broker ends within its deadline', async () => {
  link = makeLink({ clock: hasty });
  await startOnline(link);
  proxy.holdAnswers(true);
  const lost = codeOf(link.publish(STATUS, 'x'));
  await link.stop();
  assert.is(await lost, 'cloud.offline');
  await proxyIsIdle();
});

it('stopping in the middle of connecting leaves no connection', async () => {
  proxy.holdAnswers(true);
  link = makeLink({ clock: hasty });
  await link.start();
  while (proxy.open() === 0) await new Promise((resolve) => setImmediate(resolve));
  await link.stop();
  await proxyIsIdle();
});

it('works the same when connectFacts fails once', async () => {
  let fails = 1;
  link = makeLink({
    connectFacts: async () => {
      fails -= 1;
      if (fails >= 0) throw new RangeError('no key yet');
      return { username: SCOPE.serial, password: 'p', will: { topic: STATUS, payload: WILL } };
    },
  });
  await startOnline(link);
  assert.ok(log.lines.some(({ level }) => level === 'error'));
});

async function proxyIsIdle(): Promise<void> {
  while (proxy.open() > 0) await new Promise((resolve) => setImmediate(resolve));
}

it.run();
