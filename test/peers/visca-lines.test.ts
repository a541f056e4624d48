import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { openSync, writeSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { ReadStream } from 'node:tty';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../agent/kernel/clock.js';
import type { DriverError, DriverLog } from '../../drivers/port.js';
import { createSerialBusFactory } from '../../drivers/serial/bus.js';
import { createSerialTools } from '../../drivers/serial/tools.js';
import { readVisca, ViscaDecoder } from '../../drivers/serial/visca.js';
import { decodeViscaIp, encodeViscaIp } from '../../drivers/serial/visca-ip.js';
import { ManualClock } from '../support/manual-clock.js';
import { until } from '../support/until.js';
import { startPelcoCamera, startPtyPair } from './pelco-camera.js';

const quiet: DriverLog = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const parts = { clock: systemClock, log: quiet };
const never = { signal: new AbortController().signal };
const RIGHT = { pan: 1, tilt: 0, zoom: 0 };
// The drivers' own timers keep no process alive.
const alive = setInterval(() => undefined, 60_000);

/** A camera number 1 at the far end of a pty; noise before every answer. */
function viscaCamera(device: string): { readonly heard: string[]; stop(): Promise<void> } {
  const fd = openSync(device, 'r+');
  const input = new ReadStream(fd);
  const decoder = new ViscaDecoder();
  const heard: string[] = [];
  const say = (hex: string): number => writeSync(fd, Buffer.from(`00ff37${hex}`, 'hex'));
  input.on('error', () => undefined);
  input.on('data', (bytes: Buffer) => {
    for (const raw of decoder.push(bytes)) {
      const { kind } = readVisca(raw);
      const hex = Buffer.from(raw).toString('hex');
      heard.push(hex);
      if (kind === 'address-set') say('883002ff');
      if (kind === 'clear') say(hex);
      if (kind === 'command') say('9041ff9051ff');
      if (kind === 'inquiry') say('905002000000ff');
    }
  });
  return {
    heard,
    stop: async () => {
      const closed = once(input, 'close');
      input.destroy();
      await closed;
    },
  };
}

test('VISCA over a real line: numbered, moved, asked and stopped, whatever noise comes with the answers', async () => {
  const pair = await startPtyPair();
  const camera = viscaCamera(pair.far);
  let opened = (): void => undefined;
  const isOpen = new Promise<void>((resolve) => {
    opened = resolve;
  });
  const log = { ...quiet, info: (message: string) => (message === 'serial port opened' ? opened() : undefined) };
  // By RTS, which a pty does not have: the line is used all the same.
  const bus = createSerialBusFactory({ ...parts, log }).open({ path: pair.near, baudRate: 9600, parity: 'none', direction: 'rts' });
  const ptz = bus.ptz('visca', 1);
  await isOpen;
  await ptz.move(RIGHT, never);
  assert.is((await ptz.status?.(never))?.position.zoom, 0.5);
  await ptz.stop(never);
  assert.equal(camera.heard, [
    // Whatever turned before the port was opened.
    ...['8101060101010303ff', '8101040700ff'],
    ...['883001ff', '88010001ff', '8101060118010203ff', '81090447ff'],
    // Its model, once; it is none whose steps are known.
    '81090002ff',
    ...['8101060101010303ff', '8101040700ff'],
  ]);
  await bus.close();
  await camera.stop();
  await pair.stop();
});

test('a scan of a real line finds the Pelco-D head that answers, and only it', async () => {
  const pair = await startPtyPair();
  const camera = await startPelcoCamera({ device: pair.far, address: 2 });
  const found: unknown[] = [];
  const options = { ...never, baudRates: [9600], addresses: [1, 2, 3] };
  for await (const one of createSerialTools(parts).scan(pair.near, options)) found.push(one);
  assert.equal(found, [{ protocol: 'pelco-d', address: 2, says: 'looks at 0.00°', baudRate: 9600, parity: 'none' }]);
  await camera.stop();
  await pair.stop();
});

/** A camera on the network that loses datagrams and forgets its count as it is told. */
async function networkCamera(): Promise<{
  readonly socket: Socket;
  readonly port: number;
  readonly heard: string[];
  lose: number;
  forget: boolean;
}> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const camera = { socket, port: (socket.address() as AddressInfo).port, heard: [] as string[], lose: 0, forget: false };
  socket.on('message', (bytes, from) => {
    const packet = decodeViscaIp(bytes);
    if (packet === undefined) return;
    const say = (type: 'reply' | 'control-reply', hex: string): void =>
      socket.send(encodeViscaIp({ type, sequence: packet.sequence, payload: Buffer.from(hex, 'hex') }), from.port, from.address);
    camera.heard.push(`${packet.type} ${packet.sequence}`);
    if (camera.lose > 0) camera.lose -= 1;
    else if (packet.type === 'control') say('control-reply', '01');
    else if (camera.forget) {
      camera.forget = false;
      say('control-reply', '0f01');
    } else if (packet.type === 'inquiry') say('reply', '90500001051a010002ff');
    else {
      say('reply', '9041ff');
      // Twice: datagrams are repeated on the way.
      say('reply', '9051ff');
      say('reply', '9051ff');
    }
  });
  return camera;
}

test('VISCA over the network: counted from anew, sent again when lost, and when the camera forgot the count', async () => {
  const camera = await networkCamera();
  const head = createSerialBusFactory(parts).openNetwork({ host: '127.0.0.1', port: camera.port });
  // Asked by itself whether it is there.
  await head.ptz.home?.(never);
  assert.equal(camera.heard.splice(0), ['control 0', 'inquiry 1', 'command 2']);
  assert.equal(head.state(), { isOpen: true, reason: '' });
  camera.lose = 1;
  await head.ptz.home?.(never);
  assert.equal(camera.heard.splice(0), ['command 3', 'command 3']);
  camera.forget = true;
  await head.ptz.home?.(never);
  assert.equal(camera.heard.splice(0), ['command 4', 'control 0', 'command 1']);
  camera.lose = 9;
  const dead = await head.ptz.home?.(never).catch((error: DriverError) => error.code);
  assert.is(dead, 'serial.timeout');
  await head.close();
  assert.is(await head.ptz.home?.(never).catch((error: DriverError) => error.code), 'driver.aborted');
  camera.socket.close();
});

test('VISCA over the network: a camera that is not there is told so, and so is its return', async () => {
  const camera = await networkCamera();
  const clock = new ManualClock();
  const head = createSerialBusFactory({ ...parts, clock }).openNetwork({ host: '127.0.0.1', port: camera.port });
  /** Lets the camera answer (or not) and the driver's time go by. */
  const pass = async (ms: number, what: string): Promise<void> => {
    const before = camera.heard.length;
    await clock.advance(ms);
    await until(what, () => camera.heard.length > before);
  };
  camera.lose = 1_000;
  await until('it is asked for its count', () => camera.heard.length > 0);
  await pass(300, 'it is asked whether it is there');
  await clock.advance(1_000);
  assert.equal(head.state(), { isOpen: false, reason: '127.0.0.1 does not answer.' });
  camera.lose = 0;
  await pass(30_000, 'it is asked again');
  await until('it is back', () => head.state().isOpen);
  await head.close();
  assert.is(clock.armed, 0);
  camera.socket.close();
});

test.after(() => clearInterval(alive));
test.run();
