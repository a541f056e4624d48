/** The small door through which a camera may send its events: nothing else comes in by it. */
import http from 'node:http';
import net from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseReached } from '../../drivers/onvif/address.js';
import { openReceiver, type Receiver } from '../../drivers/onvif/events-receiver.js';
import type { Notification } from '../../drivers/onvif/events-topics.js';
import { motion } from '../unit/drivers/onvif/events-answers.js';
import { envelope } from './soap-answers.js';

const CAMERA = parseReached('http://127.0.0.1:80/');

async function withReceiver(work: (receiver: Receiver, heard: Notification[]) => Promise<void>, camera = CAMERA): Promise<void> {
  const heard: Notification[] = [];
  const receiver = await openReceiver(camera, (said) => heard.push(...said));
  try {
    await work(receiver, heard);
  } finally {
    await receiver.close();
  }
}

/** Status of one request; 0 when the connection was closed on us. */
function send(uri: string, body: string, method = 'POST'): Promise<number> {
  return new Promise((resolve) => {
    const request = http.request(uri, { method, agent: false }, (response) => {
      response.resume();
      response.on('error', () => undefined);
      resolve(response.statusCode ?? 0);
    });
    request.on('error', () => resolve(0));
    request.end(body);
  });
}

const notify = envelope(`<wsnt:Notify>${motion(true)}${motion(false)}</wsnt:Notify>`);

test('takes what the camera sends, one or many at a time', () =>
  withReceiver(async (receiver, heard) => {
    assert.match(receiver.uri, /^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/);
    assert.is(await send(receiver.uri, notify), 200);
    assert.equal(
      heard.map(({ topic, data }) => [topic, data[0]?.value]),
      [
        ['tns1:RuleEngine/CellMotionDetector/Motion', 'true'],
        ['tns1:RuleEngine/CellMotionDetector/Motion', 'false'],
      ],
    );
  }));

test('without the token nothing is taken', () =>
  withReceiver(async (receiver, heard) => {
    const { origin, pathname } = new URL(receiver.uri);
    for (const path of ['/', `${pathname}x`, pathname.slice(0, -1), `${pathname}/`, `${pathname}?a=1`])
      assert.is(await send(origin + path, notify), 404, path);
    assert.is(await send(receiver.uri, '', 'GET'), 405);
    assert.equal(heard, []);
  }));

test('a document type, broken XML and a body without end are refused, and the next message is taken', () =>
  withReceiver(async (receiver, heard) => {
    assert.is(await send(receiver.uri, `<!DOCTYPE a [<!ENTITY b "c">]>${notify}`), 400);
    assert.is(await send(receiver.uri, '<a'), 400);
    assert.ok([413, 0].includes(await send(receiver.uri, 'x'.repeat(3_000_000))));
    assert.is(await send(receiver.uri, '<a/>'), 200, 'no events in it, but no harm either');
    assert.equal(heard, []);
    assert.is(await send(receiver.uri, notify), 200);
    assert.is(heard.length, 2);
  }));

test('closing ends connections that are held open', async () => {
  const closed = await new Promise<string>((resolve) => {
    withReceiver(async (receiver) => {
      const { hostname, port } = new URL(receiver.uri);
      const socket = net.connect(Number(port), hostname);
      socket.on('error', () => undefined);
      socket.on('close', () => resolve('closed'));
      await new Promise<void>((connected) => socket.once('connect', () => connected()));
      socket.write('POST / HTTP/1.1\r\n');
    }).catch(() => resolve('failed'));
  });
  assert.is(closed, 'closed');
});

test('a camera that nothing leads to is said to be unreachable', async () => {
  const nowhere = parseReached('http://nowhere.invalid/');
  const error = await openReceiver(nowhere, () => undefined).catch((reason: unknown) => reason);
  assert.is((error as { code?: string }).code, 'camera.unreachable');
});

test.run();
