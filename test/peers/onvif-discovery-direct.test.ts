// runner: own network
/** Finding cameras beside the plain probe: IPv6, many at once, Hello and Bye, one host by hand, one network address by address. */
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDiscovery, type DiscoveryParts } from '../../drivers/onvif/discovery.js';
import { localNetworks } from '../../drivers/onvif/discovery-network.js';
import type { DiscoveredCamera } from '../../drivers/port.js';
import { until } from '../support/until.js';
import { fastClock } from './fast-clock.js';
import { patient, QUIET, rejection } from './onvif-rig.js';
import { dateAndTime, notAuthorized, plainCamera } from './soap-answers.js';
import { startSoapFake } from './soap-fake.js';

const LOOPBACK = { address: '127.0.0.1', netmask: '255.0.0.0', interfaceName: 'lo' };
const discovery = (more: Partial<DiscoveryParts> = {}) =>
  createDiscovery({ clock: fastClock(1), log: QUIET, networks: () => [LOOPBACK], ...more });

const close = (socket: Socket): Promise<void> => new Promise((resolve) => socket.close(() => resolve()));
const reference = (endpoint: string): string => `<a:EndpointReference><a:Address>${endpoint}</a:Address></a:EndpointReference>`;
const match = (endpoint: string, xaddr: string): string =>
  `<d:ProbeMatch>${reference(endpoint)}<d:Scopes>onvif://www.onvif.org/name/${endpoint}</d:Scopes><d:XAddrs>${xaddr}</d:XAddrs></d:ProbeMatch>`;
const envelope = (header: string, body: string): string =>
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="a" xmlns:d="d"><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
const matches = (relatesTo: string, inner: string): string =>
  envelope(`<a:RelatesTo>${relatesTo}</a:RelatesTo>`, `<d:ProbeMatches>${inner}</d:ProbeMatches>`);

type Answer = (id: string, send: (text: string) => void) => void;

async function responder(answer: Answer, join: (socket: Socket) => void, type: 'udp4' | 'udp6' = 'udp4'): Promise<Socket> {
  const socket = createSocket({ type, reuseAddr: true });
  socket.on('message', (datagram, from) => {
    const id = /MessageID>([^<]+)</.exec(datagram.toString())?.[1];
    if (id !== undefined) answer(id, (text) => socket.send(text, from.port, from.address));
  });
  await new Promise<void>((resolve) => socket.bind(3702, () => resolve()));
  join(socket);
  return socket;
}

const onLoopback = (answer: Answer): Promise<Socket> => responder(answer, (socket) => socket.addMembership('239.255.255.250', '127.0.0.1'));

test('64 cameras that answer at their own pace are all found in less than 4 s', async () => {
  const timers: NodeJS.Timeout[] = [];
  const crowd = await onLoopback((id, send) => {
    for (let at = 0; at < 64; at += 1) {
      timers.push(setTimeout(() => send(matches(id, match(`urn:uuid:crowd-${at}`, `http://127.0.0.1:${9000 + at}/`))), (at * 500) / 64));
    }
  });
  const startedAt = performance.now();
  const found = await discovery().discover({ listenMs: 1_500, signal: patient().signal });
  for (const timer of timers) clearTimeout(timer);
  assert.ok(performance.now() - startedAt < 4_000);
  assert.is(found.filter(({ endpoint }) => endpoint.startsWith('urn:uuid:crowd')).length, 64);
  await close(crowd);
});

/** A pair of interfaces inside this test's own network; false where that is not to be had. */
function makeInterface(): boolean {
  const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: 'ignore' });
  try {
    ip('link', 'add', 'cam0', 'type', 'veth', 'peer', 'name', 'cam1');
    ip('link', 'set', 'cam0', 'up');
    ip('link', 'set', 'cam1', 'up');
    ip('addr', 'add', '2001:db8::1/64', 'dev', 'cam0', 'nodad');
    return true;
  } catch {
    return false;
  }
}

test('over IPv6 cameras are found in the network of the interface, nowhere else', async () => {
  if (!makeInterface()) {
    process.stdout.write('not checked: no interface with IPv6 to be had here\n');
    return;
  }
  const camera = await responder(
    (id, send) => {
      send(matches(id, match('urn:uuid:six', 'http://[fe80::1]/a http://[2001:db8::7]:81/onvif/device_service http://[2001:db9::7]/b')));
      send(matches(id, match('urn:uuid:elsewhere', 'http://[2001:db9::7]/b http://[::1]/c http://[fe80::2]/d')));
    },
    (socket) => socket.addMembership('ff02::c', '::%cam0'),
    'udp6',
  );
  const networks = () => localNetworks(undefined).filter(({ interfaceName }) => interfaceName === 'cam0');
  const found = await discovery({ networks }).discover({ listenMs: 500, signal: patient().signal });
  assert.equal(
    found.map(({ endpoint, deviceUri }) => [endpoint, deviceUri]),
    [['urn:uuid:six', 'http://[2001:db8::7]:81/onvif/device_service']],
  );
  await close(camera);
});

test('Hello and Bye are heard; printers, strangers and rubbish are not', async () => {
  const heard: string[] = [];
  const greetings = {
    onHello: ({ endpoint, deviceUri, name }: DiscoveredCamera) => void heard.push(`hello ${endpoint} ${deviceUri} ${name}`),
    onBye: (endpoint: string) => void heard.push(`bye ${endpoint}`),
  };
  const listening = await discovery().listen(greetings, patient());
  const sender = createSocket('udp4');
  await new Promise<void>((resolve) => sender.bind(0, '127.0.0.1', () => resolve()));
  sender.setMulticastInterface('127.0.0.1');
  const send = (text: string): void => sender.send(text, 3702, '239.255.255.250');
  const hello = (endpoint: string, types: string, xaddr: string, scopes = ''): string =>
    envelope(
      '',
      `<d:Hello>${reference(endpoint)}<d:Types>${types}</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>${xaddr}</d:XAddrs></d:Hello>`,
    );
  send('rubbish');
  send(hello('urn:uuid:printer', 'wsdp:Device pri:PrintDeviceType', 'http://127.0.0.1/'));
  send(hello('urn:uuid:far', 'dn:NetworkVideoTransmitter', 'http://203.0.113.9/'));
  send(hello('urn:uuid:near', 'dn:NetworkVideoTransmitter', 'http://127.0.0.1:81/x', 'onvif://www.onvif.org/name/Yard%201'));
  send(envelope('', `<d:Bye>${reference('urn:uuid:near')}</d:Bye>`));
  await until('both were heard', () => heard.length >= 2);
  assert.equal(heard, ['hello urn:uuid:near http://127.0.0.1:81/x Yard 1', 'bye urn:uuid:near']);
  const two = await discovery().listen(greetings, patient());
  await two.close();
  await listening.close();
  await listening.close();
  send(envelope('', `<d:Bye>${reference('urn:uuid:late')}</d:Bye>`));
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(heard.length, 2);
  await close(sender);
  await rejection(discovery({ networks: () => [] }).listen(greetings, patient()), 'camera.unreachable');
});

test('a host named by a person is asked over HTTP, login wanted or not; a web page is no camera', async () => {
  const open = await startSoapFake(plainCamera());
  const shy = await startSoapFake(() => notAuthorized());
  const page = http.createServer((_, answer) =>
    answer.writeHead(401, { 'WWW-Authenticate': 'Basic realm="printer"' }).end('<html></html>'),
  );
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  const pagePort = (page.address() as AddressInfo).port;
  const one = discovery({ ports: [pagePort, Number(new URL(open.deviceUri).port)] });
  assert.is((await one.probe(open.host, patient()))?.deviceUri, open.deviceUri);
  assert.is((await one.probe(open.deviceUri, patient()))?.deviceUri, open.deviceUri);
  assert.is((await one.probe('127.0.0.1', patient()))?.deviceUri, open.deviceUri, 'the usual ports are tried');
  assert.is((await one.probe(shy.host, patient()))?.deviceUri, shy.deviceUri);
  assert.is(await one.probe(`127.0.0.1:${pagePort}`, patient()), undefined);
  for (const nonsense of ['', 'a b', 'user:pw@127.0.0.1', '127.0.0.1/path', 'ftp://127.0.0.1', 'x'.repeat(600)]) {
    await rejection(
      Promise.resolve().then(() => one.probe(nonsense, patient())),
      'camera.unreachable',
    );
  }
  page.closeAllConnections();
  await Promise.all([open.stop(), shy.stop(), new Promise((resolve) => page.close(resolve))]);
});

test('a host that also answers WS-Discovery tells its lasting endpoint and its name', async () => {
  const fake = await startSoapFake(plainCamera());
  const camera = await onLoopback((id, send) => {
    send(matches('urn:uuid:00000000-0000-4000-8000-000000000000', match('urn:uuid:forged', fake.deviceUri)));
    send(matches(id, match('urn:uuid:elsewhere', 'http://127.0.0.9/onvif/device_service')));
    send(matches(id, match('urn:uuid:lasting', fake.deviceUri)));
  });
  const found = await discovery({ ports: [Number(new URL(fake.deviceUri).port)] }).probe('127.0.0.1', patient());
  assert.equal([found?.endpoint, found?.deviceUri, found?.name], ['urn:uuid:lasting', fake.deviceUri, 'urn:uuid:lasting']);
  await Promise.all([close(camera), fake.stop()]);
});

test('a network is scanned address by address, but only our own and no large one', async () => {
  const fake = await startSoapFake(({ operation }) => (operation === 'GetSystemDateAndTime' ? dateAndTime(Date.now()) : undefined));
  const parts: number[] = [];
  const one = discovery({ ports: [1, Number(new URL(fake.deviceUri).port)] });
  const found = await one.scan('127.0.0.0/29', { ...patient(), onProgress: (part) => void parts.push(part) });
  assert.equal(
    found.map(({ deviceUri }) => deviceUri),
    [fake.deviceUri],
  );
  assert.is(parts.at(-1), 1);
  for (const network of ['127.0.0.0/8', '203.0.113.0/24', '127.0.0.1', '::1/128', '300.0.0.0/24']) {
    await rejection(one.scan(network, patient()), 'camera.refused');
  }
  const controller = new AbortController();
  const scanning = rejection(one.scan('127.0.4.0/22', { signal: controller.signal }), 'driver.aborted');
  setImmediate(() => controller.abort());
  await scanning;
  await fake.stop();
});

test.run();
