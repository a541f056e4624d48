import { concatBytes } from '../../../agent/contract/text.js';

/** Bytes of the first MQTT packet in `bytes` (MQTT 3.1.1, section 2.2.3), or undefined while its length is not known or not all there. */
function packetLength(bytes: Uint8Array): number | undefined {
  let length = 0;
  for (let at = 1; at <= 4; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    length += (byte & 127) * 128 ** (at - 1);
    if (byte < 128) return bytes.length >= at + 1 + length ? at + 1 + length : undefined;
  }
  // Five bytes of length cannot be: hand it on, so that the parser refuses it.
  return bytes.length;
}

/**
 * Collects pieces and gives back whole packets. MQTT over WebSocket is a stream: a broker or proxy may cut its frames anywhere (section
 * 6). u8-mqtt 0.6.7 then waits for as many bytes as the last cut packet had, so later, shorter ones are held back.
 */
export function makePacketJoiner(): (piece: Uint8Array) => Uint8Array[] {
  let kept = new Uint8Array(0);
  return (piece) => {
    kept = kept.length === 0 ? Uint8Array.from(piece) : concatBytes(kept, piece);
    const whole: Uint8Array[] = [];
    for (let length = packetLength(kept); length !== undefined && length > 0; length = packetLength(kept)) {
      whole.push(kept.slice(0, length));
      kept = kept.slice(length);
    }
    return whole;
  };
}

type Handler<T> = ((event: T) => void) | null;

/** A WebSocket whose messages are exactly one MQTT packet each, with the members that u8-mqtt uses. */
export class PacketSocket {
  binaryType = 'arraybuffer';
  onopen: Handler<Event> = null;
  onmessage: Handler<{ readonly data: Uint8Array }> = null;
  onerror: Handler<Event> = null;
  onclose: Handler<CloseEvent> = null;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    const join = makePacketJoiner();
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', (event) => this.onopen?.(event));
    socket.addEventListener('error', (event) => this.onerror?.(event));
    socket.addEventListener('close', (event) => this.onclose?.(event));
    socket.addEventListener('message', ({ data }) => {
      for (const packet of join(new Uint8Array(data as ArrayBuffer))) this.onmessage?.({ data: packet });
    });
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.#socket.send(bytes);
  }
}
