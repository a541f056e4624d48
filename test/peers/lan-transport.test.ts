/** The app's transport and the recorder's door, over real HTTPS: the same behaviour as over a relay (portal-transport.test.ts). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newId } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { LanTransport } from '../../scripts/portal/client/lan-transport.js';
import { DOOR_SCOPE, openTestDoor, type TestDoor } from '../support/lan-door.js';
import { pageFetch } from '../support/lan-fetch.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

let at: TestDoor;
let transport: LanTransport;

function openTransport(origin = at.origin, silenceMs?: number): LanTransport {
  return new LanTransport({ origin, random: () => 0.01, silenceMs, fetch: pageFetch(origin, () => at.ca) });
}

const online = (isWanted: boolean): Promise<void> =>
  new Promise((resolve) => {
    if (transport.isOnline === isWanted) resolve();
    const stop = transport.onOnline((isOnline) => {
      if (isOnline !== isWanted) return;
      stop();
      resolve();
    });
  });

const nextMessage = (): Promise<[string, string]> =>
  new Promise((resolve) => {
    const stop = transport.onMessage((topic, payload) => {
      stop();
      resolve([topic, new TextDecoder().decode(payload)]);
    });
  });

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
}

const test = suite('LAN transport');

test.before.each(async () => {
  at = await openTestDoor();
  transport = openTransport();
});

test.after.each(async () => {
  await transport.close();
  await at.close();
});

test('receives what it subscribed to, what is kept included, and sends letters', async () => {
  const first = nextMessage();
  await transport.subscribe(topics.status(DOOR_SCOPE));
  assert.equal(await first, [topics.status(DOOR_SCOPE), 'status']);
  const letter = 'x'.repeat(40_000);
  const topic = topics.command(DOOR_SCOPE, newId());
  await transport.publish(topic, letter);
  assert.equal([at.letters[0]?.topic, at.letters[0]?.text], [topic, letter]);
  const reply = topics.reply(DOOR_SCOPE, newId());
  await transport.subscribe(reply);
  const answer = nextMessage();
  assert.is(at.door.publish(reply, 'answer'), true);
  assert.equal(await answer, [reply, 'answer']);
  await transport.unsubscribe(reply);
  assert.is(at.door.publish(reply, 'late'), false);
});

test('a subscription that the door refuses is an error, and the connection goes on', async () => {
  for (const topic of ['sl/1/local/+/up/status', topics.status({ ...DOOR_SCOPE, serial: 'SNBBBBBBBB' }), topics.downAll(DOOR_SCOPE)])
    assert.is(await codeOf(transport.subscribe(topic)), 'client.refused', topic);
  assert.is(await codeOf(transport.publish(topics.status(DOOR_SCOPE), 'x')), 'client.refused');
  assert.is(await codeOf(transport.publish(topics.command(DOOR_SCOPE, newId()), 'x'.repeat(70_000))), 'client.too_large');
  assert.is(transport.isOnline, true);
});

test('a broken connection comes back by itself with its subscriptions; meanwhile sending fails at once', async () => {
  const proxy = await startTcpProxy(at.port);
  const through = openTransport(`https://127.0.0.1:${proxy.port}`);
  try {
    await transport.close();
    transport = through;
    await transport.subscribe(topics.status(DOOR_SCOPE));
    const gone = online(false);
    proxy.cut();
    await gone;
    assert.is(await codeOf(transport.publish(topics.command(DOOR_SCOPE, newId()), 'x')), 'client.offline');
    assert.equal(await nextMessage(), [topics.status(DOOR_SCOPE), 'status'], 'the status comes anew by itself');
    assert.is(transport.isOnline, true);
  } finally {
    await through.close();
    await proxy.stop();
  }
});

test('the recorder restarts: a new door on the same port, without a word from the app', async () => {
  await transport.subscribe(topics.status(DOOR_SCOPE));
  const gone = online(false);
  await at.close();
  await gone;
  at = await openTestDoor({ port: at.port });
  await online(true);
  await until('the new door knows the topic', () => at.door.publish(topics.status(DOOR_SCOPE), 'news'));
});

test('a door that says nothing any more is taken for gone, and looked for again', async () => {
  const proxy = await startTcpProxy(at.port);
  await transport.close();
  transport = openTransport(`https://127.0.0.1:${proxy.port}`, 300);
  try {
    await online(true);
    proxy.holdAnswers(true);
    await online(false);
    proxy.holdAnswers(false);
    await online(true);
  } finally {
    await transport.close();
    await proxy.stop();
  }
});

test('more at once than the door lets through: the rest waits its turn, and none is refused', async () => {
  await online(true);
  const letter = () => transport.publish(topics.command(DOOR_SCOPE, newId()), 'x');
  assert.equal(new Set(await Promise.all(Array.from({ length: 110 }, () => codeOf(letter())))), new Set(['none']));
});

test.run();
