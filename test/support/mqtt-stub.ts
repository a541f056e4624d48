import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** One packet as it came in. */
export interface StubPacket {
  /** 1 CONNECT, 3 PUBLISH, 8 SUBSCRIBE, 12 PINGREQ, 14 DISCONNECT. */
  readonly type: number;
  /** After the fixed header. */
  readonly body: Buffer;
}

/** One connection to the stub. */
export interface StubClient {
  readonly packets: StubPacket[];
  send(...bytes: number[]): void;
  close(): void;
}

/** A broker that says exactly what a test tells it to. */
export interface MqttStub {
  readonly url: string;
  readonly clients: StubClient[];
  readonly stop: () => Promise<void>;
}

/** Packet id of a SUBSCRIBE or a PUBLISH with QoS 1, two bytes. */
export function packetId({ type, body }: StubPacket): [number, number] {
  const at = type === 3 ? 2 + body.readUInt16BE(0) : 0;
  return [body[at] ?? 0, body[at + 1] ?? 0];
}

/** Protocol level in a CONNECT: 4 or 5. */
export const levelOf = ({ body }: StubPacket): number => body[6] ?? 0;

function takePacket(bytes: Buffer): { readonly packet: StubPacket; readonly rest: Buffer } | undefined {
  let size = 0;
  for (let at = 1, factor = 1; at < bytes.length; at += 1, factor *= 128) {
    const byte = bytes[at] ?? 0;
    size += (byte & 0x7f) * factor;
    if ((byte & 0x80) !== 0) continue;
    const end = at + 1 + size;
    if (bytes.length < end) return undefined;
    return { packet: { type: (bytes[0] ?? 0) >> 4, body: bytes.subarray(at + 1, end) }, rest: bytes.subarray(end) };
  }
  return undefined;
}

function serve(socket: Socket, answer: (client: StubClient, packet: StubPacket) => void): StubClient {
  const client: StubClient = {
    packets: [],
    send: (...bytes) => void socket.write(Uint8Array.from(bytes)),
    close: () => void socket.end(),
  };
  let held: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    held = Buffer.concat([held, bytes]);
    for (let taken = takePacket(held); taken !== undefined; taken = takePacket(held)) {
      held = taken.rest;
      client.packets.push(taken.packet);
      answer(client, taken.packet);
    }
  });
  socket.on('error', () => undefined);
  return client;
}

/** Listens on loopback, with TLS where `tls` gives key and certificate; `answer` is called for each packet. */
export async function startMqttStub(
  answer: (client: StubClient, packet: StubPacket) => void,
  tls?: { readonly key: string; readonly certificate: string },
): Promise<MqttStub> {
  const clients: StubClient[] = [];
  const sockets = new Set<Socket>();
  const accept = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    clients.push(serve(socket, answer));
  };
  const server =
    tls === undefined
      ? createServer(accept)
      : createTlsServer({ key: tls.key, cert: tls.certificate, requestCert: true, rejectUnauthorized: false }, accept);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${tls === undefined ? 'mqtt' : 'mqtts'}://127.0.0.1:${(server.address() as { port: number }).port}`,
    clients,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
