import { Duplex } from 'node:stream';
import { PacketMeter } from '../../agent/cloud/packet-meter.js';

/**
 * `inner` with a limit on incoming packets: the broker's parser would otherwise collect up to 256 MB for a length that somebody made
 * up. A client that announces more is cut off before anything is collected; `onTooLarge` is called once then.
 */
export function guardPackets(inner: Duplex, maxBytes: number, onTooLarge: () => void): Duplex {
  const meter = new PacketMeter(maxBytes);
  const outer = new Duplex({
    read: () => inner.resume(),
    // The broker writes a packet in many small pieces; over WebSocket each would become a frame of its own.
    writev: (chunks, done) => {
      const whole = Buffer.concat(chunks.map(({ chunk }) => (typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array))));
      // Back-pressure of the real connection: the broker must learn that a reader is slow.
      if (inner.write(whole)) done();
      else inner.once('drain', () => done());
    },
    final: (done) => {
      inner.end();
      done();
    },
    destroy: (error, done) => {
      inner.destroy();
      done(error);
    },
  });
  inner.on('data', (chunk: Uint8Array) => {
    if (!meter.accept(chunk)) {
      onTooLarge();
      outer.destroy();
    } else if (!outer.push(chunk)) inner.pause();
  });
  inner.on('end', () => outer.push(null));
  inner.on('error', (error) => outer.destroy(error));
  inner.on('close', () => outer.destroy());
  return outer;
}
