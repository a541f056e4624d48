import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EnrolmentClient } from '../../agent/cloud/enrolment-client.js';
import { MqttLink } from '../../agent/cloud/mqtt-link.js';
import { toPem } from '../../agent/contract/der.js';
import type { EnrolmentProof, EnrolmentRequest } from '../../agent/contract/enrolment.js';
import { signStatement } from '../../agent/contract/jws.js';
import { topics } from '../../agent/contract/topics.js';
import { ConnectNumbers } from '../../agent/identity/boot-counter.js';
import { CertificateService } from '../../agent/identity/certificate.js';
import { type CertificateWish, makeWish } from '../../agent/identity/certificate-pair.js';
import { openRecorderKeys, type RecorderKeys } from '../../agent/identity/keystore.js';
import { type Clock, systemClock } from '../../agent/kernel/clock.js';
import type { AgentError } from '../../agent/kernel/errors.js';
import { issueServerIdentity } from '../../scripts/portal/authority.js';
import { DeviceRegister } from '../../scripts/portal/device-register.js';
import { createEnroller, type RequestHandler } from '../../scripts/portal/enrol.js';
import { startIssuer } from '../../scripts/portal/issuer.js';
import { type MtlsBroker, startMtlsBroker } from '../support/mosquitto-mtls.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { TestLog } from '../support/test-log.js';
import { until } from '../support/until.js';

const A = { tenant: 'main', serial: 'SNAAAAAAAA' };
const NO_HOOK = { run: async () => ({ outcome: 'unsupported', reason: 'There is none.' }) as const };
const NEVER = new AbortController().signal;

let folder: string;
let relay: MtlsBroker;
let wire: TcpProxy;
let cloud: Server;
let url: string;
let register: DeviceRegister;
let handler: RequestHandler;
let keys: RecorderKeys;
let numbers: ConnectNumbers;

const it = suite('enrolment');

it.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-enrolment-'));
  relay = await startMtlsBroker(A.tenant, {});
  wire = await startTcpProxy(Number(new URL(relay.url).port));
  const server = await issueServerIdentity(relay.authority, { names: [], ips: ['127.0.0.1'] });
  cloud = createServer({ key: server.key, cert: server.certificate }, (request, response) => handler(request, response));
  await new Promise<void>((resolve) => cloud.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(cloud.address() as { port: number }).port}/enrol`;
});

it.before.each(async () => {
  register = await DeviceRegister.open(undefined);
  const { key: caKey, certificate: caCert } = relay.authority;
  handler = createEnroller({ caKey, caCert, knownDevices: register });
  keys = await openRecorderKeys(await mkdtemp(join(folder, 'keys-')), NO_HOOK);
  numbers = await ConnectNumbers.load(folder, Date.now());
});

it.after(async () => {
  cloud.closeAllConnections();
  await new Promise((resolve) => cloud.close(resolve));
  await wire.stop();
  await relay.stop();
  await rm(folder, { recursive: true, force: true });
});

const clientOf = (parts: { readonly caFile?: string | undefined; readonly clock?: Clock } = {}): EnrolmentClient =>
  new EnrolmentClient({ url, caFile: relay.authority.file, clock: systemClock, ...parts });
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64url');

function prove(csr: string, by = keys, change: Partial<EnrolmentProof> = {}): Promise<string> {
  const proof: EnrolmentProof = { v: 1, dev: A.serial, key: by.sign.publicJwk, n: numbers.next(), csr, ...change };
  return signStatement('connect+jws', proof, by.sign);
}

async function requestFor(wish: CertificateWish, proof?: string): Promise<EnrolmentRequest> {
  return { v: 1, csr: toPem('CERTIFICATE REQUEST', wish.csr), proof: proof ?? (await prove(hashOf(wish.csr))) };
}

/** The code of what went wrong; the cloud's own reason where it gave one. */
async function reasonOf(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => 'issued',
    (error: AgentError) => String(error.detail.reason ?? error.code),
  );
}

function openService(): CertificateService {
  return new CertificateService({
    folder: join(folder, 'recorder'),
    serial: A.serial,
    issuer: clientOf(),
    prove: (csr) => prove(csr),
    clock: systemClock,
    log: new TestLog(),
    random: Math.random,
  });
}

function openLink(identity: CertificateService): MqttLink {
  return new MqttLink({
    url: `mqtts://127.0.0.1:${wire.port}`,
    clientId: A.serial,
    caFile: relay.authority.file,
    subscription: topics.downAll(A),
    connectFacts: async () => ({ username: A.serial, password: 'a proof', will: { topic: topics.status(A), payload: 'gone' } }),
    identity,
    clock: systemClock,
    log: new TestLog(),
    random: Math.random,
    // Without the word of the service it would wait for ever.
    backoff: { firstMs: 3_600_000, baseMs: 10, capMs: 20 },
  });
}

it('a recorder without a certificate is refused by the broker, gets one over https, connects with it, and renews it', async () => {
  const service = openService();
  const link = openLink(service);
  const since = relay.broker.log().length;
  await link.start();
  await relay.broker.said(/peer did not return a certificate/, since);
  service.onChange(() => link.retryNow());
  const online = new Promise<void>((resolve) => link.onOnline((isOnline) => isOnline && resolve()));
  await service.start();
  await online;
  await link.publish(topics.status(A), 'here', { retain: true });
  const first = service.current();
  const ours = async (): Promise<string[]> => (await readdir(join(folder, 'recorder'))).sort();
  await until('the new pair is the old one', async () => (await ours()).join() === 'client.pem');

  const renewed = new Promise<void>((resolve) => service.onChange(resolve));
  await service.renewNow();
  await renewed;
  assert.is.not(service.current()?.certificate, first?.certificate);
  assert.is(link.isOnline, true, 'the connection that is there stays');
  assert.equal(await ours(), ['client-next.pem', 'client.pem']);
  const changesTo = (state: boolean): Promise<void> =>
    new Promise((resolve) => link.onOnline((isOnline) => isOnline === state && resolve()));
  const down = changesTo(false);
  const back = changesTo(true);
  wire.cut();
  await down;
  link.retryNow();
  await back;
  await until('the new pair has replaced the old one', async () => (await ours()).join() === 'client.pem');
  await link.stop();
  await service.stop();
});

it('a certificate is issued to whoever proves the key of the serial, and to nobody else', async () => {
  const wish = await makeWish(A.serial);
  const good = await requestFor(wish);
  assert.match(
    await clientOf().enrol(good, NEVER),
    /^-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s+-----BEGIN CERTIFICATE-----/,
  );
  assert.is(await reasonOf(clientOf().enrol(good, NEVER)), 'enrolment.replayed');
  const thief = await openRecorderKeys(await mkdtemp(join(folder, 'thief-')), NO_HOOK);
  const other = await makeWish(A.serial);
  const foreign = await makeWish('SNBBBBBBBB');
  const hash = hashOf(other.csr);
  const { proof: connectProof } = {
    proof: await signStatement('connect+jws', { v: 1, dev: A.serial, key: keys.sign.publicJwk, n: numbers.next() }, keys.sign),
  };
  const cases: [string, EnrolmentRequest][] = [
    ['broker.other_key', await requestFor(other, await prove(hash, thief))],
    [
      'signature.key',
      await requestFor(
        other,
        await signStatement('connect+jws', { v: 1, dev: A.serial, key: keys.sign.publicJwk, n: numbers.next(), csr: hash }, thief.sign),
      ),
    ],
    ['enrolment.other_request', await requestFor(other, await prove(hashOf(wish.csr)))],
    ['enrolment.other_serial', await requestFor(foreign, await prove(hashOf(foreign.csr)))],
    ['message.invalid', await requestFor(other, connectProof)],
    [
      'signature.type',
      await requestFor(
        other,
        await signStatement('status+jws', { v: 1, dev: A.serial, key: keys.sign.publicJwk, n: numbers.next(), csr: hash }, keys.sign),
      ),
    ],
    ['message.invalid', { ...good, csr: `${good.csr}${good.csr}` }],
    ['message.invalid', { ...good, more: 1 } as EnrolmentRequest],
  ];
  for (const [reason, request] of cases) assert.is(await reasonOf(clientOf().enrol(request, NEVER)), reason);
  assert.is(await reasonOf(clientOf().enrol(await requestFor(other), NEVER)), 'issued', 'and the right one still is');
});

it('the key that the relay knows is the key that counts here, and the other way round', async () => {
  const wish = await makeWish(A.serial);
  await clientOf().enrol(await requestFor(wish), NEVER);
  const thief = await openRecorderKeys(await mkdtemp(join(folder, 'thief-')), NO_HOOK);
  const connect = (by: RecorderKeys): Promise<string> =>
    signStatement('connect+jws', { v: 1, dev: A.serial, key: by.sign.publicJwk, n: numbers.next() }, by.sign);
  assert.is(await reasonOf(register.admit(A.serial, await connect(thief))), 'broker.other_key');
  await register.admit(A.serial, await connect(keys));
  // An enrolment proof is none for a connection.
  assert.is(await reasonOf(register.admit(A.serial, await prove(hashOf(wish.csr)))), 'message.invalid');
});

it('a server that is not trusted, does not answer in time, or says too much gets nothing and stops nothing', async () => {
  const request = await requestFor(await makeWish(A.serial));
  assert.is(await reasonOf(clientOf({ caFile: undefined }).enrol(request, NEVER)), 'cloud.enrolment_unreachable');
  assert.is(await reasonOf(clientOf({ caFile: join(folder, 'not-there') }).enrol(request, NEVER)), 'cloud.enrolment_unreachable');
  handler = () => undefined;
  const hasty: Clock = { ...systemClock, after: (_delayMs, act) => systemClock.after(100, act) };
  assert.is(await reasonOf(clientOf({ clock: hasty }).enrol(request, NEVER)), 'cloud.enrolment_unreachable');
  const end = new AbortController();
  const given = reasonOf(clientOf().enrol(request, end.signal));
  end.abort();
  assert.is(await given, 'cloud.enrolment_unreachable');
  handler = (_request, response) => response.writeHead(200).end('x'.repeat(16_385));
  assert.is(await reasonOf(clientOf().enrol(request, NEVER)), 'cloud.enrolment_unreachable');
  handler = (_request, response) => response.writeHead(302, { location: url }).end();
  assert.is(await reasonOf(clientOf().enrol(request, NEVER)), 'cloud.enrolment_refused');
  handler = (_request, response) => response.writeHead(200, { 'content-length': 100 }).end('short', () => response.destroy());
  assert.is(await reasonOf(clientOf().enrol(request, NEVER)), 'cloud.enrolment_unreachable');
});

it('the issuer: POST only, 16 KiB at most, and its own troubles stay inside', async () => {
  const ask = async (init: { readonly method: string; readonly body?: string }): Promise<{ status: number; text: string }> => {
    const { request } = await import('node:https');
    return new Promise((resolve, reject) => {
      const sent = request(url, { method: init.method, ca: relay.authority.certificate, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(init.body);
    });
  };
  assert.is((await ask({ method: 'GET' })).status, 405);
  for (const body of ['', '{', 'null', '[]', `{"v":1,"csr":"${'A'.repeat(7_000)}","proof":"x"}`]) {
    assert.is((await ask({ method: 'POST', body })).status, 403, body.slice(0, 20));
  }
  assert.match((await ask({ method: 'POST', body: 'x'.repeat(16_400) })).text, /enrolment\.too_large/);
  const { key: caKey, certificate: caCert } = relay.authority;
  const knownDevices = { pin: () => Promise.reject(new RangeError('/secret/path')) };
  const troubles: unknown[] = [];
  handler = createEnroller({ caKey, caCert, knownDevices, onTrouble: (error) => troubles.push(error) });
  const failed = await ask({ method: 'POST', body: JSON.stringify(await requestFor(await makeWish(A.serial))) });
  assert.is(failed.status, 500);
  assert.not.match(failed.text, /secret/);
  assert.is(troubles.length, 1);
});

it('the reference cloud’s own issuer: its authority is kept, its address is https, and it pins what the relay pins', async () => {
  const authority = join(folder, 'own-authority');
  const parts = { port: 0, host: '127.0.0.1', folder: authority, register };
  const issuer = await startIssuer(parts);
  const ask = (proof?: string) => async (): Promise<string> => {
    const client = new EnrolmentClient({ url: issuer.url, caFile: issuer.caFile, clock: systemClock });
    return client.enrol(await requestFor(await makeWish(A.serial), proof), NEVER);
  };
  assert.match(await ask()(), /BEGIN CERTIFICATE/);
  const thief = await openRecorderKeys(await mkdtemp(join(folder, 'keys-')), NO_HOOK);
  const proof = { v: 1, dev: A.serial, key: thief.sign.publicJwk, n: numbers.next() };
  assert.is(await reasonOf(register.admit(A.serial, await signStatement('connect+jws', proof, thief.sign))), 'broker.other_key');
  await issuer.stop();
  assert.is(await reasonOf(ask()()), 'cloud.enrolment_unreachable');
  const again = await startIssuer(parts);
  assert.is(again.caFile, issuer.caFile, 'the recorders still trust it');
  await again.stop();
});

it.run();
