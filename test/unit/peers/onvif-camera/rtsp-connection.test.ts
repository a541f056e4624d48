import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PlayOut } from '../../../peers/onvif-camera/play-out.js';
import { RtspConnection } from '../../../peers/onvif-camera/rtsp-connection.js';
import type { RtspContext, StreamKind } from '../../../peers/onvif-camera/rtsp-context.js';

/** A connection whose other end reads nothing after the answers: writes never come back. */
class StuckSocket extends Duplex {
  readonly localAddress = '127.0.0.1';
  answers = '';
  isStuck = false;
  setNoDelay(): this {
    return this;
  }
  override _read(): void {}
  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    if (bytes[0] === 0x52) this.answers += bytes.toString('latin1');
    if (!this.isStuck) done();
  }
}

/** 50 kB a frame, 500 frames a second. */
function makeStream(): PlayOut {
  const nal = new Uint8Array(50_000).fill(0x41);
  const frames = Array.from({ length: 10 }, () => ({ isIdr: false, nals: [nal] }));
  return new PlayOut({ width: 16, height: 16, rate: 500, sps: nal, pps: nal, frames, idrs: [0] }, Date.now);
}

function makeContext(stream: PlayOut): RtspContext {
  return {
    streams: new Map<StreamKind, PlayOut>([['main', stream]]),
    counters: { openConnections: 0, connections: 0, playingSessions: 0, plays: 0, mediaBytes: 0, dropped: 0 },
    now: Date.now,
    auth: () => undefined,
    slowMs: () => 0,
    idrAtPlay: false,
    sessionTimeoutS: 60,
  };
}

test('a client that leaves 4 MB unread is dropped, and its session ends', async () => {
  const stream = makeStream();
  const context = makeContext(stream);
  const socket = new StuckSocket();
  new RtspConnection(socket as unknown as Socket, context);
  socket.push('SETUP rtsp://c/main/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n');
  while (!socket.answers.includes('Session: ')) await new Promise((resolve) => setImmediate(resolve));
  const session = /Session: (\w+)/.exec(socket.answers)?.[1] ?? '';
  socket.push(`PLAY rtsp://c/main RTSP/1.0\r\nCSeq: 2\r\nSession: ${session}\r\n\r\n`);
  while (context.counters.playingSessions === 0) await new Promise((resolve) => setImmediate(resolve));
  socket.isStuck = true;
  await once(socket, 'close');
  assert.is(context.counters.dropped, 1);
  assert.is(context.counters.playingSessions, 0);
  assert.ok(context.counters.mediaBytes > 4_000_000 && context.counters.mediaBytes < 4_600_000, String(context.counters.mediaBytes));
  stream.stop();
});

test.run();
