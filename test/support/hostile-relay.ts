import { createServer, type Server, type Socket } from 'node:net';
import { Aedes, type AedesPublishPacket, type Client } from 'aedes';
import { utf8 } from '../../agent/contract/text.js';

/** A letter as the relay saw it. */
export interface PassedLetter {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
}

/** What becomes of a letter on its way to one reader: it passes, another one comes in its place, or none. */
export type Treatment = (letter: PassedLetter) => 'pass' | 'drop' | Buffer;

const pass: Treatment = () => 'pass';

/**
 * The relay in the hands of an attacker: it lets everybody in, keeps every letter and every login that was ever presented, and does with a letter
 * what it likes. It speaks MQTT 3.1.1 (aedes 1.2.0).
 */
export class HostileRelay {
  readonly url: string;
  /** Everything that was ever handed in, oldest first. */
  readonly letters: PassedLetter[] = [];
  /** Names and passwords as they were presented. */
  readonly logins: { readonly name: string; readonly password: string }[] = [];
  treatment: Treatment = pass;
  readonly #aedes: Aedes;
  readonly #tcp: Server;
  readonly #sockets: Set<Socket>;

  private constructor(aedes: Aedes, tcp: Server, sockets: Set<Socket>, port: number) {
    this.#aedes = aedes;
    this.#tcp = tcp;
    this.#sockets = sockets;
    this.url = `mqtt://127.0.0.1:${port}`;
  }

  static async open(): Promise<HostileRelay> {
    let relay: HostileRelay | undefined;
    const aedes = await Aedes.createBroker({
      authenticate: (_client, name, password, done) => {
        relay?.logins.push({ name: name ?? '', password: Buffer.from(password ?? []).toString('latin1') });
        done(null, true);
      },
      authorizePublish: (_client, packet, done) => {
        relay?.letters.push(letterOf(packet));
        done(null);
      },
      authorizeForward: (_client: Client, packet) => relay?.treat(packet) ?? null,
    });
    const sockets = new Set<Socket>();
    const tcp = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      aedes.handle(socket);
    });
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    relay = new HostileRelay(aedes, tcp, sockets, (tcp.address() as { port: number }).port);
    return relay;
  }

  /** A letter of the relay's own, or a kept one again: to everybody who listens there, whatever the treatment says. */
  async publish(topic: string, payload: string | Buffer, retain = false): Promise<void> {
    const before = this.treatment;
    this.treatment = (letter) => (letter.topic === topic ? 'pass' : before(letter));
    const bytes = typeof payload === 'string' ? Buffer.from(utf8(payload)) : payload;
    await new Promise<void>((resolve, reject) => {
      const packet = { cmd: 'publish', topic, payload: bytes, qos: 0, retain, dup: false } as const;
      this.#aedes.publish(packet, (error) => (error ? reject(error) : resolve()));
    });
    this.treatment = before;
  }

  /** Treats letters so while `act` runs. */
  async while<T>(treatment: Treatment, act: () => Promise<T>): Promise<T> {
    this.treatment = treatment;
    try {
      return await act();
    } finally {
      this.treatment = pass;
    }
  }

  treat(packet: AedesPublishPacket): AedesPublishPacket | null {
    const treated = this.treatment(letterOf(packet));
    if (treated === 'drop') return null;
    return treated === 'pass' ? packet : { ...packet, payload: treated };
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
    await new Promise<void>((resolve) => this.#aedes.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

const letterOf = ({ topic, payload, retain }: Pick<AedesPublishPacket, 'topic' | 'payload' | 'retain'>): PassedLetter => ({
  topic,
  payload: Buffer.from(payload as Uint8Array),
  retain,
});
