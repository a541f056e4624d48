import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import mqtt, { type MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Signer, signStatement } from '../../agent/contract/jws.js';
import type { PublicJwk } from '../../agent/contract/shapes.js';
import { newId } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { type Portal, startPortal } from '../../scripts/portal/server.js';
import { until } from '../support/until.js';

const TENANT = 'local';
const A = { tenant: TENANT, serial: 'SNAAAAAAAA' };
const B = { tenant: TENANT, serial: 'SNBBBBBBBB' };

interface Device {
  readonly scope: typeof A;
  readonly signer: Signer;
  readonly key: PublicJwk;
}

async function makeDevice(scope: typeof A): Promise<Device> {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const { kty, crv, x, y } = await exportJWK(pair.publicKey);
  const key = { kty, crv, x, y } as PublicJwk;
  return { scope, key, signer: { kid: await calculateJwkThumbprint({ ...key }, 'sha256'), privateKey: pair.privateKey as CryptoKey } };
}

const proof = (device: Device, n: number, serial = device.scope.serial): Promise<string> =>
  signStatement('connect+jws', { v: 1, dev: serial, key: device.key, n }, device.signer);

let portal: Portal;
let folder: string;
const clients: MqttClient[] = [];

async function open(
  url: string,
  clientId: string,
  username: string,
  password?: string,
  more: { clean?: boolean } = {},
): Promise<MqttClient> {
  const client = mqtt.connect(url, {
    ...more,
    clientId,
    username,
    ...(password === undefined ? {} : { password }),
    protocolVersion: 4,
    reconnectPeriod: 0,
    connectTimeout: 5000,
  });
  clients.push(client);
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed')));
  });
  return client;
}

const openDevice = async (device: Device, n: number): Promise<MqttClient> =>
  open(portal.mqttUrl, device.scope.serial, device.scope.serial, await proof(device, n));
const openApp = (): Promise<MqttClient> => open(`${portal.url.replace('http', 'ws')}mqtt`, `app-${newId()}`, 'app');

async function isRefused(attempt: Promise<MqttClient>): Promise<boolean> {
  try {
    await attempt;
    return false;
  } catch {
    return true;
  }
}

/** Subscribes and says what the broker granted: 128 is a refusal. */
function granted(client: MqttClient, topic: string): Promise<number> {
  return new Promise((resolve) => {
    client.subscribe(topic, { qos: 1 }, (error, grants) => resolve(error === null ? (grants?.[0]?.qos ?? 128) : 128));
  });
}

const closing = (client: MqttClient): Promise<void> => new Promise((resolve) => client.once('close', () => resolve()));
const nextMessage = (client: MqttClient): Promise<[string, Buffer]> =>
  new Promise((resolve) => client.once('message', (topic, payload) => resolve([topic, payload])));

const messages = (client: MqttClient): string[] => {
  const seen: string[] = [];
  client.on('message', (topic) => seen.push(topic));
  return seen;
};

/** Publishing what is not allowed ends the connection. */
async function isCutOff(client: MqttClient, topic: string, retain = false): Promise<boolean> {
  const isClosed = closing(client).then(() => true);
  const isSent = new Promise<boolean>((resolve) =>
    client.publish(topic, 'x', { qos: 1, retain }, (error) => resolve(error !== undefined && error !== null)),
  );
  return Promise.race([isClosed, isSent]);
}

/** A message of the device itself that comes back to prove that everything sent before has been dealt with. */
async function settle(app: MqttClient, device: MqttClient, scope: typeof A): Promise<void> {
  await granted(app, topics.status(scope));
  const arrived = nextMessage(app);
  await device.publishAsync(topics.status(scope), 'settled', { qos: 1 });
  await arrived;
}

const relay = suite('portal broker');

relay.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portal-'));
  portal = await startPortal({
    port: 0,
    mqttPort: 0,
    tenant: TENANT,
    stateFile: join(folder, 'portal.json'),
    app: { assets: [], mainBytes: 0, totalBytes: 0 },
  });
});

relay.after.each(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
  await portal.stop();
  await rm(folder, { recursive: true });
});

relay('a device proves its key, is pinned, and neither another key nor an old proof gets in', async () => {
  const [device, impostor] = await Promise.all([makeDevice(A), makeDevice(A)]);
  await openDevice(device, 5);
  assert.ok(await isRefused(openDevice(impostor, 9)), 'another key for the same serial');
  assert.ok(await isRefused(openDevice(device, 5)), 'the same proof again');
  assert.ok(await isRefused(openDevice(device, 4)), 'an older proof');
  assert.ok(await isRefused(open(portal.mqttUrl, A.serial, B.serial, await proof(device, 10, B.serial))), 'client id of another');
  assert.ok(await isRefused(open(portal.mqttUrl, B.serial, B.serial, await proof(device, 11))), 'proof for another serial');
  assert.ok(await isRefused(open(portal.mqttUrl, A.serial, A.serial, 'not.a.proof')), 'no proof');
  assert.ok(await isRefused(open(portal.mqttUrl, A.serial, 'app')), 'an app under the name of a device');
  await openDevice(device, 12);
  assert.is(portal.counters().refusedConnects, 7);
  const kept = JSON.parse(await readFile(join(folder, 'portal.json'), 'utf8')) as { devices: Record<string, { key: string; n: number }> };
  assert.equal(kept.devices, { [A.serial]: { key: device.signer.kid, n: 12 } });
});

relay('the pinned keys outlive a restart', async () => {
  const [device, impostor] = await Promise.all([makeDevice(A), makeDevice(A)]);
  await openDevice(device, 1);
  await portal.stop();
  portal = await startPortal({
    port: 0,
    mqttPort: 0,
    tenant: TENANT,
    stateFile: join(folder, 'portal.json'),
    app: { assets: [], mainBytes: 0, totalBytes: 0 },
  });
  assert.ok(await isRefused(openDevice(impostor, 9)));
  assert.ok(await isRefused(openDevice(device, 1)));
  await openDevice(device, 2);
});

relay('a letter goes to its recorder and the answer comes back', async () => {
  const device = await openDevice(await makeDevice(A), 1);
  const app = await openApp();
  assert.is(await granted(device, topics.downAll(A)), 1);
  const id = newId();
  assert.is(await granted(app, topics.reply(A, id)), 1);
  device.on('message', (_topic, payload) => device.publish(topics.reply(A, id), payload, { qos: 1 }));
  const answered = nextMessage(app);
  await app.publishAsync(topics.command(A, id), 'sealed', { qos: 1 });
  const [topic, payload] = await answered;
  assert.is(topic, topics.reply(A, id));
  assert.is(payload.toString(), 'sealed');
});

relay('nobody reads another recorder’s letters or watches the fleet', async () => {
  const [one, two] = await Promise.all([makeDevice(A), makeDevice(B)]);
  const [a, b, app] = await Promise.all([openDevice(one, 1), openDevice(two, 1), openApp()]);
  const spied = messages(b);
  const foreign = ['#', 'sl/#', 'sl/1/+/+/down/#', topics.downAll(A), topics.status(A), `sl/1/${TENANT}/+/up/status`, '$SYS/#'];
  for (const filter of foreign) assert.is(await granted(b, filter), 128, `device: ${filter}`);
  const watching = [
    '#',
    '+/#',
    `sl/1/${TENANT}/+/up/status`,
    `sl/1/${TENANT}/#`,
    `sl/1/${TENANT}/${A.serial}/up/#`,
    topics.downAll(A),
    '$SYS/#',
  ];
  for (const filter of watching) assert.is(await granted(app, filter), 128, `app: ${filter}`);
  await granted(a, topics.downAll(A));
  const other = await openApp();
  await other.publishAsync(topics.command(A, newId()), 'x', { qos: 1 });
  await settle(other, a, A);
  assert.equal(spied, []);
  assert.is(portal.counters().refusedSubscriptions, foreign.length + watching.length);
});

relay('publishing beyond one’s own letter box ends the connection', async () => {
  const [one, two] = await Promise.all([makeDevice(A), makeDevice(B)]);
  const a = await openDevice(one, 1);
  let n = 1;
  const listening = messages(a);
  await granted(a, topics.downAll(A));
  for (const topic of [topics.status(A), topics.reply(A, newId()), topics.command(A, newId()), 'sl/1/other/SNBBBBBBBB/up/status']) {
    n += 1;
    assert.ok(await isCutOff(await openDevice(two, n), topic), `device: ${topic}`);
  }
  for (const topic of [topics.status(A), topics.reply(A, newId()), `sl/1/${TENANT}/${A.serial}/down/cmd/short`, '$SYS/x']) {
    assert.ok(await isCutOff(await openApp(), topic), `app: ${topic}`);
  }
  assert.ok(await isCutOff(await openApp(), topics.command(A, newId()), true), 'a retained command');
  assert.ok(
    await isCutOff(await openApp(), topics.withdraw({ ...A, serial: 'SNNEVERSEEN' }, 'b'.repeat(22)), true),
    'retained for a recorder never seen',
  );
  assert.equal(listening, []);
});

relay('a withdrawal waits for a recorder that is away', async () => {
  const keys = await makeDevice(A);
  await (await openDevice(keys, 1)).endAsync();
  const app = await openApp();
  await app.publishAsync(topics.withdraw(A, 'b'.repeat(22)), 'withdrawn', { qos: 1, retain: true });
  const back = await openDevice(keys, 2);
  const arrived = nextMessage(back);
  await granted(back, topics.downAll(A));
  assert.is(String((await arrived)[0]), topics.withdraw(A, 'b'.repeat(22)));
});

relay('who does not know the letter box can neither replace nor remove what waits in it, and 64 of them are enough', async () => {
  const keys = await makeDevice(A);
  await (await openDevice(keys, 1)).endAsync();
  const owner = await openApp();
  const own = topics.withdraw(A, newId());
  await owner.publishAsync(own, 'the order', { qos: 1, retain: true });
  let stranger = await openApp();
  for (let box = 1; box < 64; box += 1) {
    if (box % 10 === 0) stranger = await openApp();
    await stranger.publishAsync(topics.withdraw(A, newId()), 'rubbish', { qos: 1, retain: true });
  }
  assert.ok(await isCutOff(await openApp(), topics.withdraw(A, newId()), true), 'the 65th is refused, so that whoever leaves it knows');
  const back = await openDevice(keys, 2);
  const heard: string[] = [];
  back.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
  await granted(back, topics.downAll(A));
  await until('the order arrives', () => heard.includes(`${own} the order`));
  await owner.publishAsync(own, '', { qos: 1, retain: true });
  await (await openApp()).publishAsync(topics.withdraw(A, newId()), 'another', { qos: 1, retain: true });
});

relay('nothing is queued for who is away, even when it asks for that', async () => {
  const keys = await makeDevice(A);
  const lasting = async (n: number): Promise<MqttClient> =>
    open(portal.mqttUrl, A.serial, A.serial, await proof(keys, n), { clean: false });
  const first = await lasting(1);
  await granted(first, topics.downAll(A));
  await first.endAsync();
  const app = await openApp();
  await app.publishAsync(topics.command(A, newId()), 'stale', { qos: 1 });
  const back = await lasting(2);
  const seen = messages(back);
  await granted(back, topics.downAll(A));
  await settle(app, back, A);
  assert.equal(seen, []);
});

relay('a packet over 64 KiB is cut off before it is collected', async () => {
  const port = Number(new URL(portal.mqttUrl).port);
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  // PUBLISH with a remaining length of 268 435 455, then silence.
  socket.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]));
  await once(socket, 'close');
  const app = await openApp();
  const isClosed = closing(app);
  app.publish(topics.command(A, newId()), Buffer.alloc(70_000), { qos: 1 });
  await isClosed;
  assert.is(portal.counters().tooLarge, 2);
  const small = await openApp();
  await small.publishAsync(topics.command(A, newId()), Buffer.alloc(60_000), { qos: 1 });
});

relay('an app that floods is cut off, the others go on', async () => {
  const [flooder, other] = await Promise.all([openApp(), openApp()]);
  const isClosed = closing(flooder);
  for (let i = 0; i < 200; i += 1) flooder.publish(topics.command(A, newId()), 'x');
  await isClosed;
  assert.ok(portal.counters().overRate >= 1);
  await other.publishAsync(topics.command(A, newId()), 'x', { qos: 1 });
});

relay.run();
