// runner: limit 90s
/** A camera that was taken over names addresses of others as its own stream. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AgentError } from '../../agent/kernel/errors.js';
import { allowedArguments } from '../../drivers/ffmpeg/allowed.js';
import { snapshotArguments } from '../../drivers/ffmpeg/command.js';
import { Eyes } from '../support/eyes.js';
import { watchInNode } from '../support/node-viewer.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';
import { codeOf } from './attack-rig.js';

/** The camera's own address; everything else on this machine is somebody else's. */
const CAMERA = '127.0.0.2';

interface World {
  folder: string;
  eyes: Eyes;
  site: Site;
  victim: Listener;
  redirector: Listener;
  uris: readonly string[];
  opens: number;
}

/** Counts who connects, and answers as it is told. */
interface Listener {
  readonly port: number;
  readonly connections: () => number;
  answer: (text: string) => string;
  stop(): Promise<void>;
}

async function listen(host: string): Promise<Listener> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => void socket.write(listener.answer(bytes.toString('latin1'))));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const listener: Listener = {
    port: (server.address() as { port: number }).port,
    connections: () => connections,
    answer: () => '',
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return listener;
}

const test = suite<World>('hostile stream URI');

/** What cameras say is their stream: one camera each. */
const hostileUris = (victim: number): readonly string[] => [
  'file:///etc/passwd',
  'concat:/etc/passwd|/etc/hostname',
  'subfile,,start,0,end,100,,:/etc/passwd',
  'http://169.254.169.254/latest/meta-data/',
  `http://127.0.0.1:${victim}/`,
  `rtmp://127.0.0.1:${victim}/`,
  `tcp://127.0.0.1:${victim}`,
  `rtsp://user name:pass word@127.0.0.1:${victim}/`,
  `rtsp://admin:camera@127.0.0.1:${victim}/`,
  `rtsp://127.0.0.1:${victim}\r\nX: y/`,
  `rtsp://127.0.0.1:${victim}/`,
  'rtsp://127.0.0.1:1883/',
  `rtsp://${CAMERA}:99999/`,
  'rtsp:///live',
  '-version',
  `rtsp://${'a'.repeat(3_000)}/`,
];

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-uri-'));
  world.eyes = new Eyes(world.folder);
  world.opens = 0;
  world.victim = await listen('127.0.0.1');
  world.redirector = await listen(CAMERA);
  world.uris = hostileUris(world.victim.port);
  const claims = [...world.uris, `rtsp://${CAMERA}:${world.redirector.port}/main`];
  world.site = await openSite({
    agent: { ...world.eyes.start, args: [] },
    cameras: claims.map((uri, at) => ({ host: CAMERA, name: `Camera ${at + 1}`, externalRtsp: () => uri })),
  });
  await until('every camera was looked at', async () => {
    const { cameras } = await world.site.status();
    return cameras.length === claims.length && cameras.every(({ state }) => state === 'online' || state === 'fault');
  });
});

test.after(async ({ site, victim, redirector, folder }) => {
  await site?.close();
  await victim?.stop();
  await redirector?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The owner wants to see the camera of this number; how that ends. */
async function open(world: World, number: number): Promise<string> {
  world.opens += 1;
  world.eyes.shiftClocks(0, world.opens * 2_500);
  await new Promise((resolve) => setTimeout(resolve, 20));
  return codeOf(
    watchInNode(world.site.owner.client, `cam-${number}`).then(async (viewer) => {
      // The recorder answered before its camera had: what it says then is what counts.
      await until('the picture ends', () => viewer.ended);
      viewer.close();
      throw new AgentError({ code: viewer.ended?.code ?? '', say: '', fix: '' });
    }),
  );
}

const REFUSED = /^live\.camera_(unavailable|gone)$/;

test('Hostile stream URI: other schemes, files, other machines and logins in the address: no picture, no connection, no program', async (world) => {
  const { victim, site, eyes, uris } = world;
  assert.is(uris.length, 16);
  const before = eyes.programs.length;
  for (const [at, uri] of uris.entries()) {
    const code = await open(world, at + 1);
    assert.match(code, REFUSED, `${uri.slice(0, 60)}: ${code}`);
  }
  assert.is(victim.connections(), 0);
  assert.equal(eyes.programs.slice(before), []);
  const { cameras, watching } = await site.status();
  assert.is(watching, 0);
  const said = cameras.filter(({ reason }) => reason?.code === 'cameras.bad_stream_address');
  assert.ok(said.length >= 10, `${said.length} of them are told to the owner as what they are`);
});

test('Hostile stream URI: a camera that sends the recorder on to somebody else is not followed', async (world) => {
  const { victim, redirector, uris } = world;
  for (const scheme of ['http', 'rtsp', 'file'])
    for (const status of ['301 Moved Permanently', '302 Found', '305 Use Proxy']) {
      const location = scheme === 'file' ? 'file:///etc/passwd' : `${scheme}://127.0.0.1:${victim.port}/x`;
      redirector.answer = (text) => `RTSP/1.0 ${status}\r\nCSeq: ${/CSeq: (\d+)/i.exec(text)?.[1] ?? '1'}\r\nLocation: ${location}\r\n\r\n`;
      const before = redirector.connections();
      const code = await open(world, uris.length + 1);
      assert.match(code, REFUSED, `${status} ${location}: ${code}`);
      assert.ok(redirector.connections() > before, 'the camera itself is asked');
    }
  assert.is(victim.connections(), 0);
});

test('Hostile stream URI: with the first wall removed, ffmpeg’s command line takes no address, and ffmpeg itself opens none', async (world) => {
  const { folder, victim } = world;
  const secret = join(folder, 'secret.h264');
  await writeFile(secret, 'S3CRET'.repeat(100));
  const uris = [
    `file:${secret}`,
    secret,
    `concat:${secret}`,
    `subfile,,start,0,end,0,,:${secret}`,
    `http://127.0.0.1:${victim.port}/`,
    `rtsp://127.0.0.1:${victim.port}/`,
  ];
  const golden = await snapshotArguments();
  assert.equal(allowedArguments(golden), golden);
  const inputAt = golden.indexOf('-i') + 1;
  for (const uri of uris) {
    const argv = golden.map((word, at) => (at === inputAt ? uri : word));
    assert.throws(() => allowedArguments(argv), /not (started|allowed)/, uri);
    const ran = spawnSync('ffmpeg', ['-nostdin', ...argv], { encoding: 'latin1', timeout: 10_000 });
    assert.is.not(ran.status, 0, uri);
    assert.match(ran.stderr, /not on whitelist|Protocol not found|Invalid/i, uri);
    assert.not.ok(ran.stdout.includes('S3CRET'));
  }
  assert.is(victim.connections(), 0);
});

test.run();
