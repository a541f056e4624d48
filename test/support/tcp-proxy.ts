import { connect, createServer, type Socket } from 'node:net';

/** A loopback wire between a client and a server that a test can cut or make silent. */
export interface TcpProxy {
  readonly port: number;
  /** Connections that are open now. */
  readonly open: () => number;
  /** Bytes from clients, and from the server, so far. */
  readonly sent: () => number;
  readonly answered: () => number;
  /** Resets every open connection; new ones are taken. */
  readonly cut: () => void;
  /** From now on nothing that the server says arrives; `false` lets the following bytes through again. */
  readonly holdAnswers: (isHeld: boolean) => void;
  readonly stop: () => Promise<void>;
}

/** Forwards 127.0.0.1:`port` to `target` on 127.0.0.1. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isHeld = false;
  let [sent, answered] = [0, 0];
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    near.on('data', (bytes) => {
      sent += bytes.length;
      far.write(bytes);
    });
    far.on('data', (bytes) => {
      answered += bytes.length;
      if (!isHeld) near.write(bytes);
    });
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        pairs.delete(pair);
        for (const one of pair) one.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const pair of [...pairs]) for (const socket of pair) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    open: () => pairs.size,
    sent: () => sent,
    answered: () => answered,
    cut,
    holdAnswers: (held) => {
      isHeld = held;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
