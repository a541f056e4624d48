/** The RTSP client and a camera that sends its media over UDP only. */
import { createSocket, Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type FakeRequest, type RtspFake, reply, rtp, startRtspFake } from './rtsp-fake.js';
import { asked, deserted, failure, openFrom } from './rtsp-rig.js';

interface UdpCamera {
  readonly fake: RtspFake;
  /** Sends to the port the client named, from the address given (the camera's own by default). */
  sendRtp(packet: Buffer, from?: Socket): Promise<void>;
  readonly media: Socket;
  readonly control: Socket;
  clientPort(): number;
}

async function bound(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

async function withUdpCamera(act: (camera: UdpCamera) => Promise<void>): Promise<void> {
  const [media, control] = [await bound('127.0.0.1'), await bound('127.0.0.1')];
  let port = 0;
  const hook = (request: FakeRequest): string | undefined => {
    if (request.method !== 'SETUP') return undefined;
    const transport = request.headers.get('transport') ?? '';
    const match = /^RTP\/AVP;unicast;client_port=(\d+)-(\d+)$/.exec(transport);
    if (match === null) return reply(request, '461 Unsupported Transport');
    port = Number(match[1]);
    const ports = `${media.address().port}-${control.address().port}`;
    return reply(request, '200 OK', `Transport: ${transport};server_port=${ports}\r\nSession: 42;timeout=60\r\n`);
  };
  const fake = await startRtspFake({ hook });
  const sendRtp = (packet: Buffer, from = media): Promise<void> =>
    new Promise((resolve) => from.send(packet, port, '127.0.0.1', () => resolve()));
  try {
    await act({ fake, sendRtp, media, control, clientPort: () => port });
  } finally {
    media.close();
    control.close();
    await fake.close();
  }
}

/** A packet without its interleaved header. */
const bare = (sequence: number): Buffer => rtp(0, sequence, 200).subarray(4);

test('interleaving refused: UDP on an even port and the next, packets of the camera only, reports to its port, nothing left', () =>
  withUdpCamera(async ({ fake, sendRtp, control, clientPort }) => {
    const rig = openFrom(fake.port);
    const pull = await rig.opened;
    assert.is(fake.requests.map(({ method }) => method).join(' '), 'DESCRIBE SETUP SETUP PLAY');
    assert.is(clientPort() % 2, 0);
    // Another address, another payload type, and what is no RTP at all: passed over.
    const stranger = await bound('127.0.0.2');
    await sendRtp(bare(90), stranger);
    stranger.close();
    await sendRtp(rtp(0, 91, 200, 7, 97).subarray(4));
    // The camera's address, but neither its port nor, once it has begun, its source.
    const neighbour = await bound('127.0.0.1');
    await sendRtp(bare(92), neighbour);
    neighbour.close();
    await sendRtp(Buffer.from('RTSP/1.0 200 OK\r\n\r\n'));
    await sendRtp(bare(1));
    await sendRtp(rtp(0, 93, 200, 8).subarray(4));
    await sendRtp(bare(2));
    await rig.received(2);
    assert.equal(rig.packets, [bare(1).toString('hex'), bare(2).toString('hex')]);
    const reported = once(control, 'message');
    rig.clock.advance(5_000);
    const [report] = (await reported) as [Buffer];
    assert.is(report.toString('hex', 0, 4), '81c90007');
    assert.is(report.readUInt32BE(8), 7);
    await pull.close();
    await deserted(fake);
    assert.is(fake.requests.at(-1)?.method, 'TEARDOWN');
    assert.is(rig.clock.armed, 0);
    assert.equal(rig.ends, []);
    // The ports are free again.
    const again = createSocket('udp4');
    again.bind(clientPort(), '127.0.0.1');
    await once(again, 'listening');
    again.close();
  }));

test('aborted while it plays: nothing more is handed out; a handler that throws ends its own stream', () =>
  withUdpCamera(async ({ fake, sendRtp }) => {
    const rig = openFrom(fake.port);
    await rig.opened;
    rig.abort.abort();
    await sendRtp(bare(1));
    await deserted(fake);
    assert.equal(rig.packets, []);
    assert.is(rig.ends[0]?.code, 'driver.aborted');
    const broken = openFrom(fake.port, {
      onRtp: () => {
        throw new TypeError('broken handler');
      },
    });
    await broken.opened;
    await sendRtp(bare(1));
    assert.is((await broken.ended).code, 'stream.ended');
    await deserted(fake);
    assert.is(broken.clock.armed, 0);
  }));

test('a socket that fails while the pair is being made ends nothing else', () =>
  withUdpCamera(async ({ fake, sendRtp }) => {
    const { bind } = Socket.prototype;
    Socket.prototype.bind = function (this: Socket, ...words: unknown[]): Socket {
      this.once('listening', () => setImmediate(() => this.emit('error', new Error('the network went away'))));
      return Reflect.apply(bind, this, words) as Socket;
    } as typeof bind;
    try {
      const rig = openFrom(fake.port);
      const pull = await rig.opened;
      await sendRtp(bare(1));
      await rig.received(1);
      await pull.close();
    } finally {
      Socket.prototype.bind = bind;
    }
  }));

test('refused over both: said so, and no socket stays', async () => {
  const fake = await startRtspFake({ hook: (request) => (request.method === 'SETUP' ? reply(request, '461 Unsupported') : undefined) });
  const rig = openFrom(fake.port);
  assert.is((await failure(rig.opened)).code, 'stream.unsupported');
  await asked(fake, 'SETUP', 2);
  await deserted(fake);
  assert.is(rig.clock.armed, 0);
  await fake.close();
});

test.run();
