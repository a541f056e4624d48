import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface MosquittoOptions {
  /** Path of an access list (`acl_file`); none by default: everybody may do everything. */
  readonly aclFile?: string;
  /** Path made by mosquitto_passwd; with it nobody connects without a name and password. */
  readonly passwordFile?: string;
  /** More lines of mosquitto.conf, e.g. `max_packet_size 65536`. */
  readonly settings?: readonly string[];
  /** The whole configuration instead of all that, for these two ports. It must log to stderr, with `log_type information`. */
  readonly configuration?: (ports: { readonly port: number; readonly wsPort: number }) => string;
}

/** A real broker on two loopback ports of its own. */
export interface Mosquitto {
  /** mqtt://127.0.0.1:port */
  readonly url: string;
  /** ws://127.0.0.1:port */
  readonly wsUrl: string;
  /** Everything that the broker has said since it was started last. */
  readonly log: () => string;
  /** Resolves when the broker says something that fits, also in what it said already (from character `since` of the log on); rejects after 10 s. */
  readonly said: (pattern: RegExp, since?: number) => Promise<void>;
  /** SIGKILL: as when the machine loses power. Resolves when the process is gone. */
  readonly kill: () => Promise<void>;
  /** Starts it again on the same ports, after kill(). It keeps nothing from before. */
  readonly restart: () => Promise<void>;
  /** Ends it and removes its folder. */
  readonly stop: () => Promise<void>;
}

const PROGRAM = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'].find(existsSync) ?? 'mosquitto';
const READY = /mosquitto version \S+ running/;
const PATIENCE_MS = 10_000;

/** mosquitto takes no port 0, so the system is asked for two free ones first. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function configuration(port: number, wsPort: number, options: MosquittoOptions): string {
  return [
    'per_listener_settings false',
    'persistence false',
    // Else every exchange waits for a delayed acknowledgement, 40 ms.
    'set_tcp_nodelay true',
    'log_dest stderr',
    'log_type all',
    // Started as root it would become another user, who may not read the files it is given.
    `user ${userInfo().username}`,
    `allow_anonymous ${options.passwordFile === undefined}`,
    ...(options.passwordFile === undefined ? [] : [`password_file ${options.passwordFile}`]),
    ...(options.aclFile === undefined ? [] : [`acl_file ${options.aclFile}`]),
    `listener ${port} 127.0.0.1`,
    `listener ${wsPort} 127.0.0.1`,
    'protocol websockets',
    ...(options.settings ?? []),
    '',
  ].join('\n');
}

/** The broker's process and what it says. */
class Broker {
  readonly #configPath: string;
  #child: ChildProcess | undefined;
  #log = '';
  readonly #readers = new Set<() => void>();

  constructor(configPath: string) {
    this.#configPath = configPath;
  }

  get log(): string {
    return this.#log;
  }

  async start(): Promise<void> {
    this.#log = '';
    const child = spawn(PROGRAM, ['-c', this.#configPath], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
      for (const read of [...this.#readers]) read();
    });
    child.once('error', (error) => {
      this.#log += `cannot be started: ${error.message}\n`;
    });
    child.once('close', () => {
      this.#child = undefined;
      for (const read of [...this.#readers]) read();
    });
    await this.said(READY);
  }

  said(pattern: RegExp, since = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (act: () => void): void => {
        clearTimeout(timer);
        this.#readers.delete(read);
        act();
      };
      const failed = (): void => reject(new Error(`mosquitto did not say ${pattern}:\n${this.#log}`));
      const read = (): void => {
        if (pattern.test(this.#log.slice(since))) end(resolve);
        else if (this.#child === undefined) end(failed);
      };
      const timer = setTimeout(() => end(failed), PATIENCE_MS);
      this.#readers.add(read);
      read();
    });
  }

  end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('close', () => resolve());
      child.kill(signal);
    });
  }

  killNow(): void {
    this.#child?.kill('SIGKILL');
  }
}

/** A free port may be taken by somebody else before the broker has it: then once more with others. */
async function startOnFreePorts(folder: string, options: MosquittoOptions): Promise<{ broker: Broker; port: number; wsPort: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const [port = 0, wsPort = 0] = await freePorts(2);
    const path = join(folder, 'mosquitto.conf');
    await writeFile(path, options.configuration?.({ port, wsPort }) ?? configuration(port, wsPort, options));
    const broker = new Broker(path);
    try {
      await broker.start();
      return { broker, port, wsPort };
    } catch (error) {
      await broker.end('SIGKILL');
      if (attempt >= 3 || !/address already in use/i.test(broker.log)) throw error;
    }
  }
}

/** Starts mosquitto (Debian package `mosquitto`) with a TCP and a WebSocket listener; rejects with its own words when it does not start. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-mosquitto-'));
  const clean = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const { broker, port, wsPort } = await startOnFreePorts(folder, options);
    // A test that ends early must not leave a broker behind.
    const atExit = (): void => {
      broker.killNow();
      clean();
    };
    process.once('exit', atExit);
    return {
      url: `mqtt://127.0.0.1:${port}`,
      wsUrl: `ws://127.0.0.1:${wsPort}`,
      log: () => broker.log,
      said: (pattern, since) => broker.said(pattern, since),
      kill: () => broker.end('SIGKILL'),
      restart: () => broker.start(),
      stop: async () => {
        process.removeListener('exit', atExit);
        await broker.end('SIGTERM');
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    clean();
    throw error;
  }
}
