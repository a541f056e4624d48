import type { Socket } from 'node:net';

/** First byte of a TLS record that holds a handshake (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 0x16;
const SAY = 'This recorder speaks only https: write https:// in front of the address.\n';
const ANSWER = [
  'HTTP/1.1 400 Bad Request',
  'Content-Type: text/plain; charset=utf-8',
  `Content-Length: ${Buffer.byteLength(SAY)}`,
  'X-Content-Type-Options: nosniff',
  'Connection: close',
  '',
  SAY,
].join('\r\n');

/**
 * Looks at the first byte of a connection and hands it on with `onTls` when it begins as TLS does. Whoever speaks plain http is told so in a
 * sentence, since a browser tries that first when somebody types an address. Who says nothing for `firstByteMs` is dropped.
 */
export function sortOutPlain(socket: Socket, firstByteMs: number, onTls: () => void): void {
  socket.setTimeout(firstByteMs, () => socket.destroy());
  socket.once('readable', () => {
    const first = socket.read() as Buffer | null;
    if (first === null) {
      // Ended or failed before it said anything.
      socket.destroy();
    } else if (first[0] === TLS_HANDSHAKE) {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.unshift(first);
      onTls();
    } else {
      // What still comes is read and dropped: a connection closed over unread bytes would lose the answer.
      socket.resume();
      socket.end(ANSWER);
    }
  });
}
