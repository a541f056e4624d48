/** A second independent client: zeep, which makes and reads every message by the published WSDLs, asks the test camera for everything it has. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDevice } from './onvif-camera/camera-device.js';
import { type OnvifCamera, startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { publishedFolder } from './onvif-validator.js';

const HERE = dirname(fileURLToPath(import.meta.url)).replace(/[/\\]\.build(?=[/\\])/, '');
interface Walked {
  /** `<namespace> <operation>`, each once. */
  readonly asked: readonly string[];
  /** What came back other than it should. */
  readonly mistakes: readonly string[];
  readonly seen: Readonly<Record<string, unknown>>;
}

/** Everything a camera of this kind answers, in the words of the walk. */
function everything(): readonly string[] {
  const device = createDevice({ backchannel: true }, { reboot: () => undefined, ports: () => ({ http: 80, rtsp: 554 }) });
  const names = [...device.services.values()]
    .flat()
    .flatMap(({ space, operations }) => Object.keys(operations).map((name) => `${space} ${name}`));
  device.stop();
  return [...new Set(names)].sort();
}

async function walk(camera: OnvifCamera, published: string): Promise<Walked> {
  // The system's Python: a virtual environment's one has no zeep. Nothing is compiled into the source folder.
  const child = spawn('/usr/bin/python3', ['-B', join(HERE, 'zeep', 'walk.py')], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  let complaints = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString('utf8')));
  child.stderr.on('data', (piece: Buffer) => (complaints += piece.toString('utf8')));
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify({ deviceUri: camera.deviceUri, user: 'admin', password: 'camera', published }));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.is(code, 0, complaints.slice(-4_000));
  return JSON.parse(said) as Walked;
}

test('zeep asks for every operation of every service and reads every answer by the schemas', async () => {
  const published = publishedFolder();
  if (published === undefined) {
    process.stdout.write('not checked: no ONVIF schemas here (SIGHTLINE_ONVIF_SCHEMA names their validator)\n');
    return;
  }
  const camera = await startOnvifCamera({ discovery: false, backchannel: true, serial: 'ZEEP-1', rebootMs: 50 });
  try {
    const { asked, mistakes, seen } = await walk(camera, published);
    assert.equal(mistakes, []);
    assert.equal(asked, everything());
    assert.equal([seen.identity, seen.stream], ['ZEEP-1', camera.rtspUri('main')]);
    assert.is(seen.replay, `rtsp://127.0.0.1:${camera.rtspPort}/replay/recording_0`);
    // What it set is what the camera has.
    assert.equal([camera.settings('main').bitrateKbps, camera.settings('sub').rate], [1024, 10]);
    assert.equal([camera.imaging().brightness, camera.imaging().irCut], [70, 'OFF']);
    assert.equal(camera.clock().servers, ['time.example.org', '192.0.2.9']);
    assert.equal(camera.counters().auxiliary, ['tt:Wiper|On']);
    assert.is(camera.counters().failedLogins, 1, 'only the wrong password was refused');
    assert.is(camera.counters().subscriptions, 0);
  } finally {
    await camera.stop();
  }
});

test.run();
