import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { matchProbe, ownAddressFor } from './onvif-camera/discovery.js';
import { startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { callSoap } from './onvif-camera-client.js';

const MAIN = join(dirname(fileURLToPath(import.meta.url)), 'onvif-camera/main.js');

interface Started {
  readonly child: ChildProcess;
  readonly ready: { readonly ready: boolean; readonly deviceUri: string; readonly rtspPort: number };
}

async function startProcess(...flags: string[]): Promise<Started> {
  const child = spawn(process.execPath, [MAIN, '--no-discovery', ...flags], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, SIGHTLINE_CAMERA_PASSWORD: 'from the environment' },
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, ready: JSON.parse(line) as Started['ready'] };
}

test('as a process it says where it listens, takes its password from the environment, and tells its counters', async () => {
  const { child, ready } = await startProcess('--user', 'root', '--name', 'Yard');
  assert.is(ready.ready, true);
  const answer = await callSoap(ready.deviceUri, 'device', '<GetScopes/>', 'from the environment', 'root');
  assert.match(answer.text, /name\/Yard</);
  const counters = (await (await fetch(new URL('/counters', ready.deviceUri))).json()) as { openConnections: number };
  assert.is(counters.openConnections, 0);
  child.kill('SIGTERM');
  assert.equal(await once(child, 'exit'), [0, null]);
});

test('it ends with its parent, and on an interrupt', async () => {
  const orphan = await startProcess();
  orphan.child.stdin?.end();
  assert.equal(await once(orphan.child, 'exit'), [0, null]);
  const interrupted = await startProcess();
  interrupted.child.kill('SIGINT');
  assert.equal(await once(interrupted.child, 'exit'), [0, null]);
});

test('with nothing at stdin it goes on until it is told to end', async () => {
  const child = spawn(process.execPath, [MAIN, '--no-discovery'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { deviceUri } = JSON.parse(line) as Started['ready'];
  assert.is((await fetch(new URL('/counters', deviceUri))).status, 200);
  child.kill('SIGTERM');
  assert.equal(await once(child, 'exit'), [0, null]);
});

test('a taken port is said in one line, with exit code 1', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const child = spawn(process.execPath, [MAIN, '--no-discovery', '--port', String(port)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (piece: Buffer) => {
    complaint += piece.toString();
  });
  assert.equal(await once(child, 'close'), [1, null]);
  assert.match(complaint, /^test camera: .*EADDRINUSE.*\n$/);
  other.close();
});

const WSA = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
const WSD = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';

function makeProbe(id: string, types = 'dn:NetworkVideoTransmitter', scopes = ''): string {
  const head = `<a:MessageID>${id}</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To><a:Action>${WSD}/Probe</a:Action>`;
  const body = `<d:Probe><d:Types>${types}</d:Types><d:Scopes>${scopes}</d:Scopes></d:Probe>`;
  return `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="${WSA}" xmlns:d="${WSD}"><s:Header>${head}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
}

/** The next datagram that mentions `text`: other tests' cameras may answer on the same group. */
function nextWith(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve) => {
    const look = (bytes: Buffer): void => {
      const message = bytes.toString();
      if (!message.includes(text)) return;
      socket.off('message', look);
      resolve(message);
    };
    socket.on('message', look);
  });
}

test('on loopback it says Hello, answers a probe with all that an ONVIF client needs, and says Bye', async () => {
  const listener = createSocket({ type: 'udp4', reuseAddr: true });
  listener.bind(3702);
  await once(listener, 'listening');
  listener.addMembership('239.255.255.250', '127.0.0.1');
  const hello = nextWith(listener, 'Front%20gate');
  const camera = await startOnvifCamera({ name: 'Front gate' });
  assert.match(await hello, /<d:Hello>/);

  const asker = createSocket('udp4');
  asker.bind(0, '127.0.0.1');
  await once(asker, 'listening');
  asker.setMulticastInterface('127.0.0.1');
  const answer = nextWith(asker, camera.endpoint);
  asker.send(makeProbe('urn:uuid:probe-1'), 3702, '239.255.255.250');
  const match = await answer;
  for (const part of [
    '<a:RelatesTo>urn:uuid:probe-1<',
    `<d:XAddrs>${camera.deviceUri}<`,
    '/name/Front%20gate',
    '/hardware/TC-720',
    '/location/',
    '/Profile/Streaming',
  ]) {
    assert.ok(match.includes(part), part);
  }
  const bye = nextWith(listener, '<d:Bye>');
  await camera.stop();
  assert.ok((await bye).includes('<d:Bye>'));
  asker.close();
  listener.close();
});

test('probes for other types or scopes, and what is no probe, are not answered', () => {
  const scopes = ['onvif://www.onvif.org/name/a', 'onvif://www.onvif.org/Profile/Streaming'];
  assert.is(matchProbe(makeProbe('m'), scopes), 'm');
  assert.is(matchProbe(makeProbe('m', ''), scopes), 'm');
  assert.is(matchProbe(makeProbe('m', 'tds:Device', 'onvif://www.onvif.org/Profile'), scopes), 'm');
  assert.is(matchProbe(makeProbe('m', 'x:Printer'), scopes), undefined);
  assert.is(matchProbe(makeProbe('m', '', 'onvif://www.onvif.org/name/b'), scopes), undefined);
  assert.is(matchProbe(makeProbe('m', '', 'onvif://www.onvif.org/Prof'), scopes), undefined);
  assert.is(matchProbe(makeProbe(''), scopes), undefined);
  assert.is(matchProbe(makeProbe('m').replace('/Probe<', '/Resolve<'), scopes), undefined);
  assert.is(matchProbe('<broken', scopes), undefined);
});

test('the answer names our address in the network of the one who asks, and nothing goes elsewhere', () => {
  const own = [
    { address: '127.0.0.1', netmask: '255.0.0.0' },
    { address: '192.0.2.2', netmask: '255.255.255.0' },
  ];
  assert.is(ownAddressFor('192.0.2.77', own), '192.0.2.2');
  assert.is(ownAddressFor('192.0.2.2', own), '192.0.2.2');
  assert.is(ownAddressFor('127.0.0.5', own), '127.0.0.1');
  assert.is(ownAddressFor('198.51.100.1', own), undefined);
});

test.run();
