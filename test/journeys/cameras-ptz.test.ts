// runner: limit 120s
/**
 * From a key that is pressed in the app to what moves: the app's own driver and client, a signed and sealed command over a real broker, the agent in
 * its own process, an ONVIF camera and gear on a serial bus.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askAgent } from '../../agent/control/control-client.js';
import { PtzDriver } from '../../scripts/portal/web/ptz-driver.js';
import { type PelcoCamera, type PtyPair, startPelcoCamera, startPtyPair } from '../peers/pelco-camera.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';

interface World {
  site: Site;
  pty: PtyPair;
  dome: PelcoCamera;
}

const test = suite<World>('moving cameras');
const PRESSES = 20;
/** A key may ask for ten things a second: no finger is quicker, and a test must not be either. */
const PACE_MS = 220;
/** On a quiet machine it is below 30 ms, and is printed; where much else runs it may be this long before something is wrong. */
const BUSY_MS = 250;
const SPEED = 0.5;

/** Pelco-D frames as two independent encoders make them. */
const GOLDEN = { right: 'ff010002200023', left: 'ff010004200025', stop: 'ff010000000001', gotoOne: 'ff010007000109' };

test.before(async (world) => {
  world.pty = await startPtyPair();
  world.dome = await startPelcoCamera({ device: world.pty.far });
  world.site = await openSite({
    cameras: [{}],
    agent: { args: [] },
    site: {
      serial: [{ path: world.pty.near, baudRate: 9600, parity: 'none', protocol: 'pelco-d', units: { '1': 'cam-7' } }],
    },
    analogue: [{ channel: 'cam-7', name: 'Old dome' }],
  });
});

test.after(async ({ site, dome, pty }) => {
  await site?.close();
  await dome?.stop();
  await pty?.stop();
});

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;

/** What the app does while a key is held, with the orders it sends. */
function keys({ owner }: Site, cam: string): PtzDriver {
  return new PtzDriver({
    move: (direction) => owner.client.call('ptz.move', { cam, ...direction }),
    stop: () => owner.client.call('ptz.stop', { cam }),
    onError: (error) => assert.unreachable(String(error)),
  });
}

const cameraIs = (site: Site, id: string, state: string): Promise<unknown> =>
  until(`${id} is ${state}`, async () => (await site.status()).cameras.some((camera) => camera.id === id && camera.state === state));

test('a key press reaches an ONVIF camera at once, letting go stops it', async ({ site }) => {
  const [camera] = site.cameras;
  const done = (operation: string): number => camera?.counters().operations[operation] ?? 0;
  await cameraIs(site, 'cam-8', 'online');
  const driver = keys(site, 'cam-8');
  // As the page does when it opens.
  await site.owner.client.call('ptz.presets', { cam: 'cam-8' });
  const times: number[] = [];
  for (let press = 0; press < PRESSES; press += 1) {
    const [moves, stops] = [done('ContinuousMove'), done('Stop')];
    const startedMs = performance.now();
    driver.press({ pan: press % 2 === 0 ? SPEED : -SPEED, tilt: 0, zoom: 0 });
    while (done('ContinuousMove') === moves) await wait(1);
    times.push(performance.now() - startedMs);
    driver.release();
    await until('it stands', () => done('Stop') > stops);
    await wait(PACE_MS);
  }
  process.stdout.write(`key press to ONVIF camera: p50 ${median(times).toFixed(1)} ms over ${PRESSES} presses\n`);
  assert.ok(median(times) <= BUSY_MS, `p50 ${median(times)} ms`);
});

test('a key press reaches gear on a serial bus, byte for byte as published', async ({ site, dome }) => {
  await cameraIs(site, 'cam-7', 'online');
  const driver = keys(site, 'cam-7');
  const times: number[] = [];
  const heard: string[] = [];
  dome.events.on('command', (command: { hex: string }) => heard.push(command.hex));
  for (let press = 0; press < PRESSES; press += 1) {
    const [pan, want] = press % 2 === 0 ? [SPEED, GOLDEN.right] : [-SPEED, GOLDEN.left];
    heard.length = 0;
    const startedMs = performance.now();
    driver.press({ pan, tilt: 0, zoom: 0 });
    while (heard.length === 0) await wait(1);
    times.push(performance.now() - startedMs);
    driver.release();
    await until('it stands', () => heard.at(-1) === GOLDEN.stop);
    assert.equal(heard, [want, GOLDEN.stop]);
    await wait(PACE_MS);
  }
  await site.owner.client.call('ptz.goto', { cam: 'cam-7', token: '1' });
  await until('it drives', () => heard.at(-1) === GOLDEN.gotoOne);
  process.stdout.write(`key press to serial bus: p50 ${median(times).toFixed(1)} ms over ${PRESSES} presses\n`);
  assert.ok(median(times) <= BUSY_MS, `p50 ${median(times)} ms`);
});

test('a viewer who vanishes with a key held leaves nothing moving after a second', async ({ site, dome }) => {
  const heard: { hex: string; atMs: number }[] = [];
  dome.events.on('command', ({ hex }: { hex: string }) => heard.push({ hex, atMs: performance.now() }));
  const stops = (): number => site.cameras[0]?.counters().operations.Stop ?? 0;
  const before = stops();
  await site.owner.client.call('ptz.move', { cam: 'cam-7', pan: 1, tilt: 0, zoom: 0 });
  await site.owner.client.call('ptz.move', { cam: 'cam-8', pan: 1, tilt: 0, zoom: 0 });
  const vanishedMs = performance.now();
  await until('both stand', () => stops() > before && heard.at(-1)?.hex === GOLDEN.stop);
  assert.ok(performance.now() - vanishedMs <= 1_000, `${performance.now() - vanishedMs} ms`);
});

test('an alarm of a camera is told to its owner and stands in the log; a search that is switched off says so', async ({ site }) => {
  site.cameras[0]?.raise({ kind: 'video-loss', isOn: true });
  const told = async () => (await site.owner.client.call('log.list', { beforeSeq: null, limit: 5, action: 'cameras.alarm' })).rows;
  await until('it is written down', async () => (await told()).length > 0);
  assert.equal(
    (await told()).map(({ action, object, channel, source }) => `${action} ${object} ${channel} ${source}`),
    ['cameras.alarm video-loss cam-8 system'],
  );
  const { cameras } = await site.owner.client.call('site.get', {});
  assert.equal(cameras.find(({ id }) => id === 'cam-8')?.alarms, ['video-loss']);
  const asked = site.owner.client.call('cameras.discover', { host: '127.0.0.1' });
  assert.is(await asked.then(String, ({ code }: { code: string }) => code), 'cameras.discovery_off');
});

test('the same camera from the recorder’s own command line: moved, tested, and told in the log', async ({ site }) => {
  const socket = `${site.state}/agent.sock`;
  assert.equal(await askAgent(socket, 'ptz-move', { args: { cam: 'cam-8', pan: 0, tilt: 1, zoom: 0, forMs: 100 } }), { isDone: true });
  const { isOk, steps } = await askAgent(socket, 'cameras-test', { args: { cam: 'cam-8' } });
  assert.ok(isOk, JSON.stringify(steps));
  assert.equal(
    steps.filter(({ result }) => result !== 'ok').map(({ step }) => step),
    [],
  );
  const { rows } = await site.owner.client.call('log.list', { beforeSeq: null, limit: 20 });
  const told = rows.filter(({ source }) => source === 'local').map(({ action, phase, channel }) => `${action} ${phase} ${channel}`);
  assert.equal(told.slice(0, 4), [
    'cameras.test result cam-8',
    'cameras.test intent cam-8',
    'ptz.move result cam-8',
    'ptz.move intent cam-8',
  ]);
});

test.run();
