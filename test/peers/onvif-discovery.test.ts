// runner: own network
/** WS-Discovery over loopback: against the test camera, and against a responder that lies. */
import { createSocket, type Socket } from 'node:dgram';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDiscovery } from '../../drivers/onvif/discovery.js';
import type { CameraDiscovery, DiscoveredCamera } from '../../drivers/port.js';
import { until } from '../support/until.js';
import { fastClock } from './fast-clock.js';
import { startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { QUIET, rejection } from './onvif-rig.js';

const LOOPBACK = { address: '127.0.0.1', netmask: '255.0.0.0' };
const discovery = (networks = [LOOPBACK]): CameraDiscovery =>
  createDiscovery({ clock: fastClock(1), log: QUIET, networks: () => networks });
const patient = (): AbortSignal => new AbortController().signal;
/** Other tests' cameras may answer too: only ours count. */
const among = (found: readonly DiscoveredCamera[], prefix: string): readonly DiscoveredCamera[] =>
  found.filter(({ endpoint }) => endpoint.startsWith(prefix));

/** Answers every probe with what `answers` makes of its id; each text is one datagram. */
async function startLiar(answers: (id: string) => readonly string[]): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (datagram, from) => {
    const id = /MessageID>([^<]+)</.exec(datagram.toString())?.[1] ?? '';
    for (const text of answers(id)) socket.send(text, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(3702, () => resolve()));
  socket.addMembership('239.255.255.250', '127.0.0.1');
  return socket;
}

const close = (socket: Socket): Promise<void> => new Promise((resolve) => socket.close(() => resolve()));

const match = (endpoint: string, xaddr: string): string =>
  `<d:ProbeMatch><a:EndpointReference><a:Address>${endpoint}</a:Address></a:EndpointReference><d:XAddrs>${xaddr}</d:XAddrs></d:ProbeMatch>`;
const matches = (relatesTo: string, inner: string): string =>
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="a" xmlns:d="d"><s:Header><a:RelatesTo>${relatesTo}</a:RelatesTo></s:Header>` +
  `<s:Body><d:ProbeMatches>${inner}</d:ProbeMatches></s:Body></s:Envelope>`;

test('finds the test camera with its name and address', async () => {
  const camera = await startOnvifCamera({ user: 'admin', password: 'right', name: 'Yard gate', model: 'Dome 7' });
  const found = await discovery().discover({ listenMs: 600, signal: patient() });
  const mine = found.find(({ endpoint }) => endpoint === camera.endpoint);
  assert.ok(mine, JSON.stringify(found));
  assert.is(mine.deviceUri, camera.deviceUri);
  assert.is(mine.name, 'Yard gate');
  assert.ok(mine.hardware);
  await camera.stop();
});

test('rounds at the same time do not disturb each other', async () => {
  const liar = await startLiar((id) => [matches(id, match('urn:uuid:twice', 'http://127.0.0.1:81/'))]);
  const one = discovery();
  const rounds = await Promise.all([one, one, discovery()].map((each) => each.discover({ listenMs: 400, signal: patient() })));
  for (const found of rounds) assert.is(among(found, 'urn:uuid:twice').length, 1);
  await close(liar);
});

test('several cameras in one datagram, one camera in several, rubbish in between', async () => {
  const liar = await startLiar((id) => [
    'rubbish',
    '<a>'.repeat(20_000),
    `<!DOCTYPE a>${matches(id, match('urn:uuid:liar-doctype', 'http://127.0.0.1:82/'))}`,
    matches(id, match('urn:uuid:liar-1', 'http://127.0.0.1:83/') + match('urn:uuid:liar-2', 'http://127.0.0.1:84/')),
    matches(id, match('urn:uuid:liar-1', 'http://127.0.0.1:83/')),
  ]);
  const found = await discovery().discover({ listenMs: 400, signal: patient() });
  assert.equal(
    among(found, 'urn:uuid:liar').map(({ endpoint }) => endpoint),
    ['urn:uuid:liar-1', 'urn:uuid:liar-2'],
  );
  await close(liar);
});

test('an answer to another question, or one that sends us elsewhere, is not taken', async () => {
  const liar = await startLiar((id) => [
    matches('urn:uuid:00000000-0000-4000-8000-000000000000', match('urn:uuid:forged-1', 'http://127.0.0.1:85/')),
    matches(id, match('urn:uuid:forged-2', 'http://203.0.113.5/onvif/device_service')),
    matches(id, match('urn:uuid:forged-3', 'http://169.254.169.254/latest')),
  ]);
  assert.equal(among(await discovery().discover({ listenMs: 400, signal: patient() }), 'urn:uuid:forged'), []);
  await close(liar);
});

test('an address that is not ours fails alone', async () => {
  const liar = await startLiar((id) => [matches(id, match('urn:uuid:beside', 'http://127.0.0.1:86/'))]);
  const both = [{ address: '203.0.113.77', netmask: '255.255.255.0' }, LOOPBACK];
  assert.is(among(await discovery(both).discover({ listenMs: 400, signal: patient() }), 'urn:uuid:beside').length, 1);
  assert.equal(await discovery(both.slice(0, 1)).discover({ listenMs: 50, signal: patient() }), []);
  await close(liar);
});

test('the test camera greets when it comes, leaves with a word, and does both when it restarts', async () => {
  const heard: string[] = [];
  const { signal } = new AbortController();
  const listening = await discovery().listen?.(
    {
      onHello: ({ endpoint, deviceUri, name }) => heard.push(`hello ${endpoint} ${deviceUri} ${name}`),
      onBye: (endpoint) => heard.push(`bye ${endpoint}`),
    },
    { signal },
  );
  const camera = await startOnvifCamera({ name: 'Yard gate', rebootMs: 20 });
  const hello = `hello ${camera.endpoint} ${camera.deviceUri} Yard gate`;
  const bye = `bye ${camera.endpoint}`;
  await until('it greets', () => heard.length >= 1);
  await camera.reboot();
  await until('it came back', () => heard.length >= 3);
  await camera.stop();
  await until('it left', () => heard.length >= 4);
  assert.equal(heard, [hello, bye, hello, bye]);
  await listening?.close();
});

test('a search can be given up, and leaves nothing open', async () => {
  const controller = new AbortController();
  const searching = rejection(discovery().discover({ listenMs: 60_000, signal: controller.signal }), 'driver.aborted');
  setImmediate(() => controller.abort());
  await searching;
  await rejection(discovery().discover({ listenMs: 60_000, signal: controller.signal }), 'driver.aborted');
});

test.run();
