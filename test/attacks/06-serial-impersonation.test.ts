// runner: limit 90s
/** Somebody knows a recorder's serial, and has a certificate of his own from the same cloud. The broker alone is in mosquitto-access.test.ts. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toPem } from '../../agent/contract/der.js';
import type { EnrolmentProof } from '../../agent/contract/enrolment.js';
import { signStatement } from '../../agent/contract/jws.js';
import { newId } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { askAgent } from '../../agent/control/control-client.js';
import { makeWish } from '../../agent/identity/certificate-pair.js';
import { issueServerIdentity } from '../../scripts/portal/authority.js';
import { newSigningKey } from '../../scripts/portal/client/keys.js';
import { DeviceRegister } from '../../scripts/portal/device-register.js';
import { createEnroller } from '../../scripts/portal/enrol.js';
import { type AgentProcess, startAgent } from '../support/agent-process.js';
import { type MtlsBroker, startMtlsBroker } from '../support/mosquitto-mtls.js';
import { TENANT } from '../support/people.js';
import { certificateFor } from '../support/recorder-certificate.js';
import { Ends } from '../support/site.js';
import { until } from '../support/until.js';

const [ACCOUNT, PASSWORD] = ['app-phone', 'correct horse'] as const;
const THIEF = { tenant: TENANT, serial: 'SNBBBBBBBB' };

interface World {
  ends: Ends;
  relay: MtlsBroker;
  enrolUrl: string;
  state: string;
  agent: AgentProcess;
  scope: { tenant: string; serial: string };
}

const test = suite<World>('serial impersonation');

test.before(async (world) => {
  world.ends = new Ends();
  const folder = world.ends.add(await mkdtemp(join(tmpdir(), 'sightline-serial-')), (path) => rm(path, { recursive: true, force: true }));
  world.relay = world.ends.add(await startMtlsBroker(TENANT, { [ACCOUNT]: PASSWORD }), (made) => made.stop());
  const { authority } = world.relay;
  const server = await issueServerIdentity(authority, { names: [], ips: ['127.0.0.1'] });
  const knownDevices = await DeviceRegister.open(undefined);
  const enroller = createEnroller({ caKey: authority.key, caCert: authority.certificate, knownDevices });
  const cloud = createServer({ key: server.key, cert: server.certificate }, (request, response) => enroller(request, response));
  await new Promise<void>((resolve) => cloud.listen(0, '127.0.0.1', resolve));
  world.ends.add(cloud, (made) => {
    made.closeAllConnections();
    return new Promise((resolve) => made.close(resolve));
  });
  world.enrolUrl = `https://127.0.0.1:${(cloud.address() as { port: number }).port}/enrol`;
  world.state = join(folder, 'state');
  const site = {
    cloud: { url: world.relay.url, tenant: TENANT, caFile: authority.file, enrol: world.enrolUrl },
    cameras: { discovery: false },
  };
  world.agent = world.ends.add(await startAgent(world.state, site, { args: [] }), (made) => made.stop());
  world.scope = { tenant: TENANT, serial: world.agent.serial };
  await until('the recorder has its certificate and is connected', () => isConnected(world));
});

test.after(({ ends }) => ends?.close());

const isConnected = async ({ state }: World): Promise<boolean> => (await askAgent(join(state, 'agent.sock'), 'status')).isCloudConnected;

/** Connects, or rejects with what the broker or TLS said. */
async function open({ ends, relay }: World, url: string, options: IClientOptions): Promise<MqttClient> {
  const client = mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 0, ca: relay.authority.certificate, ...options });
  ends.add(client, (made) => made.endAsync(true));
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.on('error', reject);
    client.once('close', () => reject(new RangeError('closed')));
  });
  return client;
}

const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'done',
    (error: Error & { code?: string | number }) => String(error.code ?? error.message),
  );

function hear(client: MqttClient): string[] {
  const heard: string[] = [];
  client.on('message', (topic) => heard.push(topic));
  return heard;
}

test('Serial impersonation: with another recorder’s certificate nothing is written into this one’s topics and nothing of it is heard', async (world) => {
  const { relay, scope } = world;
  const app = await open(world, relay.wsUrl, { clientId: 'x', username: ACCOUNT, password: PASSWORD });
  const appHeard = hear(app);
  await app.subscribeAsync([topics.status(scope), topics.reply(scope, '+'), topics.pairUp(scope, '+')], { qos: 1 });
  await until('the app has the recorder’s status', () => appHeard.includes(topics.status(scope)));
  const own = await certificateFor(THIEF.serial, relay.authority);
  const login = { clientId: scope.serial, username: scope.serial, password: 'x', cert: own.certificate, key: own.key };
  const thief = await open(world, relay.url, login);
  const stolen = hear(thief);
  // The broker says yes to all of it: only delivery counts.
  for (const filter of [topics.downAll(scope), '#', '+/#', `sl/1/${TENANT}/+/down/#`, topics.status(scope), topics.downAll(THIEF)])
    await thief.subscribeAsync(filter, { qos: 1 });
  const before = appHeard.length;
  for (const topic of [
    topics.status(scope),
    topics.reply(scope, newId()),
    topics.checkpoint(scope),
    topics.withdraw(scope, 'b'.repeat(22)),
  ])
    assert.is(await codeOf(thief.publishAsync(topic, 'forged', { qos: 1, retain: true })), '135', topic);
  // The app knocks; the recorder itself answers, and the thief hears neither.
  const sid = newId();
  await app.publishAsync(topics.pairDown(scope, sid), JSON.stringify({ t: 'pair.hello', v: 1, sid, app: newId() }), { qos: 1 });
  await until('the recorder answers', () => appHeard.includes(topics.pairUp(scope, sid)));
  await app.publishAsync(topics.withdraw(THIEF, 'b'.repeat(22)), 'marker', { qos: 1 });
  await until('the thief hears what is for him', () => stolen.length > 0);
  assert.equal([...new Set(stolen)], [topics.withdraw(THIEF, 'b'.repeat(22))], 'and what was said before it he did not');
  assert.equal(appHeard.slice(before), [topics.pairUp(scope, sid)]);
  assert.is(await isConnected(world), true, 'nor was the recorder thrown out');
});

test('Serial impersonation: nobody gets a certificate for a serial whose key he has not', async (world) => {
  const { scope, enrolUrl, relay } = world;
  const key = await newSigningKey();
  const ask = async (serial: string): Promise<number> => {
    const wish = await makeWish(serial);
    const csr = createHash('sha256').update(wish.csr).digest('base64url');
    const proof: EnrolmentProof = { v: 1, dev: serial, key: key.publicKey, n: Date.now(), csr };
    const body = JSON.stringify({
      v: 1,
      csr: toPem('CERTIFICATE REQUEST', wish.csr),
      proof: await signStatement('connect+jws', proof, key.signer),
    });
    const { request } = await import('node:https');
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const asked = request(enrolUrl, { method: 'POST', ca: relay.authority.certificate, headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      asked.on('error', reject);
      asked.end(body);
    });
  };
  assert.ok((await ask(scope.serial)) >= 400, 'for the serial of a recorder that is known by another key');
  assert.is(await ask('SNCCCCCCCC'), 200, 'positive control: for one of his own');
});

test('Serial impersonation: without a certificate nobody connects at all', async (world) => {
  const login = { clientId: world.scope.serial, username: world.scope.serial, password: 'x' };
  assert.match(await codeOf(open(world, world.relay.url, login)), /CERTIFICATE_REQUIRED|closed|ECONNRESET/);
  assert.is(await isConnected(world), true);
});

test.run();
