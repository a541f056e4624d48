// runner: limit 60s
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { topics } from '../../../../agent/contract/topics.js';
import { MOST_IN_ALL, MOST_PER_ADDRESS } from '../../../../agent/page/connection-gate.js';
import { DOOR_SCOPE, openTestDoor, type TestDoor } from '../../../support/lan-door.js';
import { until } from '../../../support/until.js';

const SHORT = { firstByteMs: 300, handshakeMs: 400, headMs: 600, requestMs: 3_000, idleMs: 500 };
let at: TestDoor;
const open: Socket[] = [];

const test = suite('local door under pressure');
test.before.each(async () => {
  at = await openTestDoor({ patience: SHORT });
});
test.after.each(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await at.close();
});

function keep<T extends Socket>(socket: T): T {
  socket.on('error', () => undefined);
  open.push(socket);
  return socket;
}
const plain = (from = '127.0.0.1'): Socket => keep(connect({ port: at.port, host: '127.0.0.1', localAddress: from }));
const tls = async (): Promise<TLSSocket> => {
  const socket = keep(connectTls({ port: at.port, host: '127.0.0.1', ca: at.ca }));
  await once(socket, 'secureConnect');
  return socket;
};

/** Everything that the other side says until it hangs up; fails by name when it does not. */
async function rest(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (part: Buffer) => {
    text += part.toString('latin1');
  });
  await until('the connection is ended', () => socket.closed || socket.readableEnded, 6_000);
  return text;
}

test('plain http gets a sentence, not silence', async () => {
  const socket = plain();
  socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  const said = await rest(socket);
  assert.match(said, /^HTTP\/1\.1 400 /);
  assert.match(said, 'write https:// in front of the address');
});

test('who connects and says nothing, or stops in the handshake, is dropped', async () => {
  const silent = plain();
  const half = plain();
  half.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]));
  await Promise.all([rest(silent), rest(half)]);
  assert.is((await at.ask({ path: '/door' })).status, 200);
});

test('slow loris: a head or a letter that never ends is cut off', async () => {
  const head = await tls();
  head.write('GET /door HTTP/1.1\r\nHost: localhost\r\n');
  const drip = setInterval(() => head.write('X-A: b\r\n'), 100);
  const body = await tls();
  const topic = topics.withdraw(DOOR_SCOPE, 'b'.repeat(22));
  body.write(
    `POST /${topic} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nx`,
  );
  try {
    const timed = async (socket: Socket): Promise<[string, number]> => [await rest(socket), performance.now()];
    const [[said, headMs], [, letterMs]] = await Promise.all([timed(head), timed(body)]);
    assert.match(said, /^HTTP\/1\.1 408 /);
    assert.ok(letterMs - headMs > 1_000, 'a head has less time than a whole letter');
  } finally {
    clearInterval(drip);
  }
  assert.equal(at.letters, []);
});

test('what is no HTTP gets an error and the end', async () => {
  const socket = await tls();
  socket.write('\u0000\u0001 nonsense\r\n\r\n');
  assert.match(await rest(socket), /^HTTP\/1\.1 400 /);
});

test('requests of one address have a rate, and the answer says when to come again', async () => {
  const socket = await tls();
  let said = '';
  socket.on('data', (part: Buffer) => {
    said += part.toString('latin1');
  });
  socket.write('GET /door HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(140));
  const count = (status: number): number => said.split(`HTTP/1.1 ${status} `).length - 1;
  await until('all are answered', () => count(200) + count(429) === 140);
  const answered = count(200);
  assert.ok(answered >= 100 && answered < 125, `${answered} answered`);
  assert.match(said, /^retry-after: 1\r$/im);
});

/** Of so many connections that say nothing, how many are left once the door has dropped what it does not take. */
async function leftOf(sockets: readonly Socket[], expected: number): Promise<number> {
  await until('the others are dropped', () => sockets.filter((socket) => socket.closed).length >= sockets.length - expected);
  // Another connection that was taken and answered, or dropped, shows that the door has looked at all of those before it.
  await once(plain('127.0.9.9'), 'connect');
  return sockets.filter((socket) => !socket.closed).length;
}

test('one address keeps 16 connections, many addresses together 64', async () => {
  await at.close();
  at = await openTestDoor();
  const one = Array.from({ length: 30 }, () => plain('127.0.0.1'));
  assert.is(await leftOf(one, MOST_PER_ADDRESS), MOST_PER_ADDRESS);
  for (const socket of one) socket.destroy();
  await until('they are given back', () => one.every((socket) => socket.closed));
  const many = Array.from({ length: 20 }, (_, host) => Array.from({ length: 8 }, () => plain(`127.0.1.${host + 1}`))).flat();
  const left = await leftOf(many, MOST_IN_ALL);
  // One less where the connection that asked was taken before the last of them.
  assert.ok(left >= MOST_IN_ALL - 2 && left <= MOST_IN_ALL, `${left} of 160 are left`);
});

test('1 000 connections of one address: the door works for others, and again for this one', async () => {
  const sockets = Array.from({ length: 1_000 }, () => plain('127.0.0.1'));
  await until('nearly all are dropped', () => sockets.filter((socket) => !socket.closed).length <= MOST_PER_ADDRESS);
  const other = keep(connectTls({ port: at.port, host: '127.0.0.1', ca: at.ca, localAddress: '127.0.0.2' } as never));
  await once(other, 'secureConnect');
  await until('the silent ones are dropped', () => sockets.every((socket) => socket.closed));
  // The address has used up its connections for now; they come back at ten in a second.
  const reply = await until('the door answers again', () => at.ask({ path: '/door' }).catch(() => undefined));
  assert.is(reply.status, 200);
});

test('a letter that is announced as too large is refused before it is sent', async () => {
  const socket = await tls();
  const head = `Host: localhost\r\nOrigin: https://localhost\r\nContent-Type: text/plain\r\nContent-Length: 10000000`;
  socket.write(`POST /${topics.withdraw(DOOR_SCOPE, 'b'.repeat(22))} HTTP/1.1\r\n${head}\r\n\r\n`);
  const said = await rest(socket);
  assert.match(said, /^HTTP\/1\.1 413 /);
});

test('a listener that does not read is ended, and costs no more than its share of memory', async () => {
  const socket = await tls();
  const answer = once(socket, 'data');
  socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [head] = (await answer) as [Buffer];
  const name = /"stream":"([^"]+)"/.exec(head.toString('latin1'))?.[1] ?? '';
  socket.pause();
  const topic = topics.status(DOOR_SCOPE);
  const body = JSON.stringify({ add: [topic], remove: [] });
  const headers = { 'content-type': 'application/json' };
  assert.is((await at.ask({ path: `/events/${name}`, method: 'POST', headers, body })).status, 204);
  const letter = 'x'.repeat(60_000);
  let sent = 0;
  await until('the stream is ended', () => {
    for (let i = 0; i < 20 && at.door.publish(topic, letter); i += 1) sent += 1;
    return !at.door.publish(topic, letter);
  });
  assert.ok(sent < 400, `${sent} letters of 60 kB were taken`);
  assert.is((await at.ask({ path: '/door' })).status, 200);
});

test('stop ends everything at once: listeners, idle and half-open connections', async () => {
  const stream = await tls();
  stream.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [first] = (await once(stream, 'data')) as [Buffer];
  assert.match(first.toString('latin1'), /^HTTP\/1\.1 200 /);
  const idle = await tls();
  const raw = plain();
  await once(raw, 'connect');
  const startedMs = performance.now();
  await at.door.stop();
  assert.ok(performance.now() - startedMs < 200);
  await Promise.all([rest(stream), rest(idle), rest(raw)]);
  assert.is(at.door.address, undefined);
  assert.is(
    await at.ask({ path: '/door' }).then(
      () => 'answered',
      () => 'refused',
    ),
    'refused',
  );
});

test.run();
