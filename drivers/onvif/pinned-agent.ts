import https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { DriverError } from '../port.js';

/** Remembers a camera's certificate from the first connection on. */
export interface CertificatePin {
  /** SHA-256 of the certificate as hex pairs; undefined before the first connection. */
  fingerprint: string | undefined;
  /** The last stranger that was told of, so that a log is not filled by every probe. */
  stranger?: string;
}

/** What happened to a pin, for the log. */
export type PinNews = (news: 'first' | 'changed', fingerprint: string) => void;

/** A request that gave up does not know of its connection's handshake: that one ends by itself. */
const HANDSHAKE_MS = 10_000;

/**
 * TLS as cameras have it: self-signed certificates are accepted, but the one seen first is the one expected from then on. The check
 * runs before the socket is handed out, so nothing is ever sent to a stranger.
 */
export class PinnedAgent extends https.Agent {
  readonly #pin: CertificatePin;
  readonly #onNews: PinNews;
  readonly #handshakes = new Set<Socket>();

  constructor(options: https.AgentOptions, pin: CertificatePin, onNews: PinNews) {
    super(options);
    this.#pin = pin;
    this.#onNews = onNews;
  }

  override createConnection(options: https.RequestOptions, callback?: (error: Error | null, socket: Duplex) => void): undefined {
    const { host, port, servername } = options;
    const fail = (error: Error): void => (callback as ((error: Error) => void) | undefined)?.(error);
    const sni = servername ? { servername } : {};
    const socket = tls.connect({ host, port, rejectUnauthorized: false, timeout: HANDSHAKE_MS, ...sni } as tls.ConnectionOptions);
    this.#handshakes.add(socket);
    socket.once('close', () => this.#handshakes.delete(socket));
    socket.once('timeout', () => socket.destroy());
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      this.#handshakes.delete(socket);
      socket.removeListener('error', fail);
      // From here on the request's own deadline counts; a quiet long poll is no dead handshake.
      socket.setTimeout(0);
      if (this.#isKnown(socket.getPeerX509Certificate()?.fingerprint256 ?? '')) {
        callback?.(null, socket);
        return;
      }
      socket.destroy();
      fail(new DriverError('camera.unauthorized', 'the camera shows another certificate than before', { detail: { isPinChanged: true } }));
    });
  }

  override destroy(): void {
    for (const socket of this.#handshakes) socket.destroy();
    super.destroy();
  }

  #isKnown(seen: string): boolean {
    if (seen === '') return false;
    if (this.#pin.fingerprint === undefined) {
      this.#pin.fingerprint = seen;
      this.#onNews('first', seen);
    }
    if (this.#pin.fingerprint === seen) return true;
    if (this.#pin.stranger !== seen) this.#onNews('changed', seen);
    this.#pin.stranger = seen;
    return false;
  }
}
