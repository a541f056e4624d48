import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/until.js';

/** coturn on loopback. */
export interface TurnServer {
  readonly port: number;
  /** As it stands in a site file. */
  readonly forRecorder: string;
  readonly forViewer: RTCIceServer;
  stop(): Promise<void>;
}

const USER = 'site';
const PASSWORD = 'p@ss:word';

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** Whether it answers a binding request (RFC 8489 section 6). */
async function answers(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const request = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
  const answered = new Promise<boolean>((resolve) => {
    socket.once('message', () => resolve(true));
    setTimeout(() => resolve(false), 100);
  });
  socket.send(request, port, '127.0.0.1');
  const isUp = await answered;
  socket.close();
  return isUp;
}

/** Debian's package coturn; with a login and for UDP only. */
export async function startTurnServer(): Promise<TurnServer> {
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'sightline-turn-'))];
  const where = ['--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', `--listening-port=${port}`, '--min-port=50000', '--max-port=50999'];
  const login = ['--lt-cred-mech', `--user=${USER}:${PASSWORD}`, '--realm=example.org'];
  const rest = ['--no-tls', '--no-dtls', '--no-cli', '--allow-loopback-peers', '--no-stdout-log', '--log-file=/dev/null'];
  const files = [`--pidfile=${join(folder, 'pid')}`, `--userdb=${join(folder, 'db')}`];
  const child: ChildProcess = spawn('turnserver', ['-n', ...where, ...login, ...rest, ...files], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await until('the TURN server answers', () => answers(port));
  return {
    port,
    forRecorder: `turn:${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
    forViewer: { urls: `turn:127.0.0.1:${port}`, username: USER, credential: PASSWORD },
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
