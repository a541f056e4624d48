import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import mqtt, { type MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket as NodeWebSocket } from 'ws';
import { signStatement } from '../../agent/contract/jws.js';
import { newId } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { U8Transport } from '../../scripts/portal/client/u8-transport.js';
import { type Portal, startPortal } from '../../scripts/portal/server.js';

const SCOPE = { tenant: 'local', serial: 'SNAAAAAAAA' };
const OPTIONS = { mqttPort: 0, tenant: 'local', app: { assets: [], mainBytes: 0, totalBytes: 0 } };

let portal: Portal;
let transport: U8Transport;
const sockets: NodeWebSocket[] = [];

function openTransport(url: string): U8Transport {
  return new U8Transport({
    url: `${url.replace('http', 'ws')}mqtt`,
    random: () => 0.01,
    openSocket: (address) => {
      const socket = new NodeWebSocket(address, ['mqtt']);
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
  });
}

async function openDevice(url: string): Promise<MqttClient> {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const { kty, crv, x, y } = await exportJWK(pair.publicKey);
  const key = { kty, crv, x, y };
  const signer = { kid: await calculateJwkThumbprint(key as never, 'sha256'), privateKey: pair.privateKey as CryptoKey };
  const password = await signStatement('connect+jws', { v: 1, dev: SCOPE.serial, key, n: 1 }, signer);
  const client = await mqtt.connectAsync(url, { clientId: SCOPE.serial, username: SCOPE.serial, password, protocolVersion: 4 });
  return client;
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

const relayed = suite('portal transport');

relayed.before.each(async () => {
  portal = await startPortal({ ...OPTIONS, port: 0 });
  transport = openTransport(portal.url);
});

relayed.after.each(async () => {
  await transport.close();
  await portal.stop();
  for (const socket of sockets.splice(0)) socket.terminate();
});

relayed('receives what it subscribed to, retained state included, and sends letters', async () => {
  const device = await openDevice(portal.mqttUrl);
  await device.publishAsync(topics.status(SCOPE), 'status', { qos: 1, retain: true });
  const first = nextMessage();
  await transport.subscribe(topics.status(SCOPE));
  assert.equal(await first, [topics.status(SCOPE), 'status']);
  await device.subscribeAsync(topics.downAll(SCOPE), { qos: 1 });
  const arrived = new Promise<string>((resolve) => device.once('message', (_topic, payload) => resolve(payload.toString())));
  const letter = 'x'.repeat(40_000);
  await transport.publish(topics.command(SCOPE, newId()), letter);
  assert.is(await arrived, letter);
  await device.endAsync(true);
});

relayed('a subscription that the relay refuses is an error', async () => {
  assert.is(await codeOf(transport.subscribe('sl/1/local/+/up/status')), 'client.refused');
  assert.is(transport.isOnline, true, 'and the connection goes on');
});

relayed('a broken connection comes back by itself with its subscriptions; meanwhile sending fails at once', async () => {
  await transport.subscribe(topics.status(SCOPE));
  const gone = online(false);
  sockets[0]?.terminate();
  await gone;
  assert.is(await codeOf(transport.publish(topics.command(SCOPE, newId()), 'x')), 'client.offline');
  await online(true);
  const device = await openDevice(portal.mqttUrl);
  const message = nextMessage();
  await device.publishAsync(topics.status(SCOPE), 'again', { qos: 1 });
  assert.is((await message)[1], 'again');
  await device.endAsync(true);
});

relayed('the relay itself goes away and comes back', async () => {
  await transport.subscribe(topics.status(SCOPE));
  const port = Number(new URL(portal.url).port);
  const gone = online(false);
  await portal.stop();
  await gone;
  portal = await startPortal({ ...OPTIONS, port });
  await online(true);
});

relayed.run();
