import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DriverError, DriverLog, SerialBus } from '../../../../drivers/port.js';
import { createSerialBusFactory } from '../../../../drivers/serial/bus.js';
import type { OpenSerialLine, SerialLineEvents } from '../../../../drivers/serial/line.js';
import { ManualClock, settle } from '../../../support/manual-clock.js';

const quiet: DriverLog = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });
const RIGHT = { pan: 1, tilt: 0, zoom: 0 };
const DRIVE = '8101060118010203ff';
const DRIVE_STOP = '8101060101010303ff';
const ZOOM_STOP = '8101040700ff';
const HOME = '81010604ff';

const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: DriverError) => error.code,
  );

/** A bus whose far end the test plays; numbering is answered as two cameras would. */
async function rig({ isSilent = false } = {}) {
  const clock = new ManualClock();
  const written: string[] = [];
  let events: SerialLineEvents | undefined;
  const openLine: OpenSerialLine = async (_settings, given) => {
    events = given;
    return {
      write: async (bytes) => {
        const text = bytes.toString('hex');
        written.push(text);
        if (!isSilent && text === '883001ff') hear('883003ff');
        if (!isSilent && text === '88010001ff') hear('88010001ff');
      },
      close: async () => undefined,
    };
  };
  const hear = (text: string): void => events?.onData(Buffer.from(text, 'hex'));
  const bus = createSerialBusFactory({ clock, log: quiet, openLine }).open({ path: '/dev/ttyS9', baudRate: 9600, parity: 'none' });
  const ptz = bus.ptz('visca', 1);
  await settle();
  await clock.advance(1_000);
  /** Everything written since the last call. */
  const sent = async (): Promise<readonly string[]> => {
    await clock.advance(30);
    return written.splice(0);
  };
  const say = async (text: string): Promise<void> => {
    hear(text);
    await settle();
  };
  return { clock, bus, ptz, sent, say, lose: () => events?.onLost('EIO') };
}

/** Closes it, with the time that stops take on the wire. */
async function shut(bus: SerialBus, clock: ManualClock): Promise<void> {
  const closing = bus.close();
  await clock.advance(500);
  await closing;
}

test('an opened port is numbered and cleared, and again when a camera says that the chain changed', async () => {
  const { clock, bus, ptz, sent, say } = await rig();
  assert.equal(await sent(), [DRIVE_STOP + ZOOM_STOP, '883001ff', '88010001ff'], 'it may be turning since before we came');
  const moving = outcome(ptz.move(RIGHT, never()));
  assert.equal(await sent(), [DRIVE]);
  await say('9038ff');
  assert.is(await moving, 'serial.unavailable');
  await clock.advance(100);
  assert.equal(await sent(), ['883001ff', '88010001ff']);
  await shut(bus, clock);
  assert.is(clock.armed, 0);
});

test('a movement counts when it is taken; a stop ends both halves and goes first', async () => {
  const { clock, bus, ptz, sent, say } = await rig();
  await sent();
  const moving = outcome(ptz.move(RIGHT, never()));
  assert.equal(await sent(), [DRIVE]);
  await say('9041ff');
  assert.is(await moving, 'done');
  const home = outcome(ptz.home?.(never()) ?? Promise.reject());
  const stopping = outcome(ptz.stop(never()));
  // Home was on its way already: it must be taken before anything else may be said.
  assert.equal(await sent(), [HOME]);
  await say('9042ff');
  assert.equal(await sent(), [DRIVE_STOP]);
  await say('9051ff9041ff');
  assert.equal(await sent(), [ZOOM_STOP]);
  await say('9041ff9051ff');
  assert.is(await stopping, 'done');
  await say('9052ff');
  assert.is(await home, 'done');
  await shut(bus, clock);
});

test('two sockets: a third command waits for one; an inquiry and a stop do not', async () => {
  const { clock, bus, ptz, sent, say } = await rig();
  await sent();
  const work = ['1', '2', '3'].map((token) => outcome(ptz.goto?.(token, never()) ?? Promise.reject()));
  assert.equal(await sent(), ['8101043f0201ff']);
  await say('9041ff');
  assert.equal(await sent(), ['8101043f0202ff']);
  await say('9042ff');
  assert.equal(await sent(), []);
  const status = ptz.status?.(never());
  assert.equal(await sent(), ['81090447ff']);
  await say('905002000000ff');
  assert.equal(await sent(), ['81090002ff']);
  await say('906002ff');
  // A camera that does not tell its model: its zoom is known all the same.
  assert.equal((await status)?.position, { pan: undefined, tilt: undefined, zoom: 0.5 });
  await say('9052ff');
  assert.is(await work[1], 'done');
  assert.equal(await sent(), ['8101043f0203ff']);
  await say('9042ff9052ff9051ff');
  assert.equal(await Promise.all(work), ['done', 'done', 'done']);
  await shut(bus, clock);
});

test('a full camera: a command is asked again, a stop clears the sockets first', async () => {
  const { clock, bus, ptz, sent, say } = await rig();
  await sent();
  const home = outcome(ptz.home?.(never()) ?? Promise.reject());
  assert.equal(await sent(), [HOME]);
  await say('906003ff');
  assert.equal(await sent(), []);
  await clock.advance(100);
  assert.equal(await sent(), [HOME]);
  await say('9041ff9051ff');
  assert.is(await home, 'done');
  void outcome(ptz.stop(never()));
  assert.equal(await sent(), [DRIVE_STOP]);
  await say('906003ff');
  assert.equal(await sent(), ['8121ff', '8122ff', DRIVE_STOP]);
  await shut(bus, clock);
});

test('a camera that never answers, answers half, or refuses: a reason each, and the next command works', async () => {
  const { clock, bus, ptz, sent, say } = await rig({ isSilent: true });
  await sent();
  const silent = outcome(ptz.move(RIGHT, never()));
  await clock.advance(600);
  assert.is(await silent, 'serial.timeout');
  await sent();
  const home = outcome(ptz.home?.(never()) ?? Promise.reject());
  await sent();
  await say('9041ff');
  await clock.advance(15_000);
  assert.is(await home, 'serial.timeout');
  const unknown = outcome(ptz.home?.(never()) ?? Promise.reject());
  await sent();
  await say('906002ff');
  assert.is(await unknown, 'camera.unsupported');
  const notNow = outcome(ptz.home?.(never()) ?? Promise.reject());
  await sent();
  await say('9041ff906141ff');
  assert.is(await notNow, 'camera.refused');
  const good = outcome(ptz.home?.(never()) ?? Promise.reject());
  await sent();
  // Noise, and a camera that is done without saying that it took it.
  await say('00ff37');
  await say('9051ff');
  assert.is(await good, 'done');
  await shut(bus, clock);
  assert.is(clock.armed, 0);
});

test('a cancelled command that runs is given up at the camera', async () => {
  const { clock, bus, ptz, sent, say } = await rig();
  await sent();
  const cancel = new AbortController();
  const home = outcome(ptz.home?.({ signal: cancel.signal }) ?? Promise.reject());
  await sent();
  await say('9042ff');
  cancel.abort();
  assert.is(await home, 'driver.aborted');
  assert.equal(await sent(), ['8122ff']);
  await shut(bus, clock);
});

test('unplugged while it moved: the movement is stopped as soon as the port is back, then numbered', async () => {
  const { clock, bus, ptz, sent, say, lose } = await rig();
  await sent();
  const moving = outcome(ptz.move({ ...RIGHT, zoom: 1 }, never()));
  await sent();
  await say('9041ff');
  await sent();
  await say('9042ff');
  assert.is(await moving, 'done');
  lose();
  await clock.advance(1_100);
  assert.equal(await sent(), [`${DRIVE_STOP}${ZOOM_STOP}`, '883001ff', '88010001ff']);
  await shut(bus, clock);
});

test('places: counted in degrees by the model, an axis alone, a step, and beyond the range', async () => {
  const { clock, bus, ptz, sent, say } = await rig();
  await sent();
  const status = ptz.status?.(never());
  for (const [asked, answer] of [
    ['81090447ff', '905000000000ff'],
    ['81090002ff', '90500020040e010002ff'],
    // +85 degrees are 46Dh, -30 degrees are FE70h on an EVI-D70.
    ['81090612ff', '90500004060d0f0e0700ff'],
  ] as const) {
    assert.equal(await sent(), [asked]);
    await say(answer);
  }
  const { pan = 0, tilt = 0 } = (await status)?.position ?? {};
  assert.ok(Math.abs(pan * 180 - 85) < 0.1 && Math.abs(tilt * 90 + 30) < 0.1, `${pan} ${tilt}`);
  const panned = outcome(ptz.absolute?.({ pan: 0.5, tilt: undefined, zoom: undefined }, never()) ?? Promise.reject());
  assert.equal(await sent(), ['81090612ff']);
  await say('90500004060d0f0e0700ff');
  // 90 degrees of pan are 1200 steps, 4B0h; the tilt stays.
  assert.equal(await sent(), ['81010602181400040b000f0e0700ff']);
  await say('9041ff9051ff');
  assert.is(await panned, 'done');
  const step = outcome(ptz.relative?.({ pan: 0, tilt: 0.1, zoom: 0 }, never()) ?? Promise.reject());
  assert.equal(await sent(), ['8101060318140000000000000708ff']);
  await say('9041ff9051ff');
  assert.is(await step, 'done');
  const zoomed = outcome(ptz.relative?.({ pan: 0, tilt: 0, zoom: 0.25 }, never()) ?? Promise.reject());
  assert.equal(await sent(), ['81090447ff']);
  await say('905001000000ff');
  assert.equal(await sent(), ['8101044702000000ff']);
  await say('9041ff9051ff');
  assert.is(await zoomed, 'done');
  const tooFar = outcome(ptz.absolute?.({ pan: 1, tilt: 1, zoom: undefined }, never()) ?? Promise.reject());
  await sent();
  await say('906002ff');
  assert.is(await tooFar, 'camera.refused');
  await shut(bus, clock);
});

test('an address that cannot be is refused, a place of an unknown model unsupported until its steps are told', async () => {
  const { clock, bus, ptz, sent, say } = await rig();
  await sent();
  assert.is(await outcome(bus.ptz('visca', 8).move(RIGHT, never())), 'camera.refused');
  const place = { pan: 1, tilt: -1, zoom: undefined };
  const unknown = outcome(ptz.absolute?.(place, never()) ?? Promise.resolve());
  assert.equal(await sent(), ['81090002ff']);
  await say('90500001051a010002ff');
  assert.is(await unknown, 'camera.unsupported');
  const told = outcome(bus.ptz('visca', 1, { stepsPerDegree: 14.4 }).absolute?.(place, never()) ?? Promise.resolve());
  // 180 degrees are 2592 steps, A20h; 90 downward are 1296, FAF0h.
  assert.equal(await sent(), ['810106021814000a02000f0a0f00ff']);
  await say('9041ff9051ff');
  assert.is(await told, 'done');
  assert.is(await outcome(ptz.goto?.('front door', never()) ?? Promise.resolve()), 'camera.refused');
  assert.is(await outcome(ptz.auxiliary?.('aux:1|on', never()) ?? Promise.resolve()), 'camera.unsupported');
  await shut(bus, clock);
});

test.run();
