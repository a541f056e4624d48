/** Starts GStreamer's RTSP server as an independent camera stream (Debian: gir1.2-gst-rtsp-server-1.0, python3-gi, gstreamer1.0 plugins). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface GstCamera {
  readonly port: number;
  /** Without user and password. */
  rtspUri(kind: 'main' | 'sub'): string;
  stop(): Promise<void>;
}

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)).replace(/[/\\]\.build(?=[/\\])/, ''), 'gst-camera.py');

/** Resolves when it listens on 127.0.0.1; rejects with what Python said when it cannot start. */
export async function startGstCamera(login: { user: string; password: string }): Promise<GstCamera> {
  // The system's Python: a virtual environment's one has no gi.
  const child = spawn('/usr/bin/python3', [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (piece: Buffer) => {
    complaints = `${complaints}${piece.toString('utf8')}`.slice(-4000);
  });
  const exited = once(child, 'exit');
  child.stdin.on('error', () => {});
  child.stdin.write(`${login.user}\n${login.password}\n`);
  const lines = createInterface(child.stdout);
  const ready = once(lines, 'line').then(([line]) => JSON.parse(String(line)) as { port: number });
  const failed = exited.then(() => Promise.reject(new Error(`GStreamer's RTSP server did not start: ${complaints.trim()}`)));
  failed.catch(() => {});
  const { port } = await Promise.race([ready, failed]);
  return {
    port,
    rtspUri: (kind) => `rtsp://127.0.0.1:${port}/${kind}`,
    async stop() {
      child.stdin.end();
      child.kill('SIGKILL');
      await exited;
      lines.close();
    },
  };
}
