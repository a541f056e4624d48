/** Events, picture, inputs and outputs, recordings, users and upkeep through the driver, against the complete test camera on loopback. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '../../agent/kernel/clock.js';
import type { CameraCapabilities, CameraEvent, DriverError } from '../../drivers/port.js';
import { until } from '../support/until.js';
import { fastClock } from './fast-clock.js';
import type { CameraOptions } from './onvif-camera/camera-options.js';
import { type OnvifCamera, startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { login, patient, rejection, withDriver } from './onvif-rig.js';

type Work = (has: CameraCapabilities, camera: OnvifCamera) => Promise<void>;

async function withServices(options: CameraOptions, work: Work, clock?: Clock): Promise<void> {
  const camera = await startOnvifCamera({ user: 'admin', password: 'right', discovery: false, ...options });
  try {
    await withDriver(
      camera.deviceUri,
      login(),
      async (driver) => {
        const has = await driver.capabilities?.(patient());
        assert.ok(has);
        await work(has, camera);
      },
      clock,
    );
  } finally {
    await camera.stop();
  }
}

interface Heard {
  readonly events: CameraEvent[];
  readonly ends: DriverError[];
  has(kind: CameraEvent['kind'], isOn: boolean): Promise<CameraEvent>;
  close(): Promise<void>;
}

async function listen({ events: source }: CameraCapabilities): Promise<Heard> {
  assert.ok(source);
  const events: CameraEvent[] = [];
  const ends: DriverError[] = [];
  const open = await source.open({ onEvent: (event) => events.push(event), onEnd: (reason) => ends.push(reason) }, patient());
  return {
    events,
    ends,
    has: (kind, isOn) => until(`${kind} ${isOn}`, () => events.find((event) => event.kind === kind && event.isOn === isOn), 5_000),
    close: () => open.close(),
  };
}

test('every kind of event arrives, in our time though the camera is an hour ahead', () =>
  withServices({ clockSkewMs: 3_600_000 }, async (has, camera) => {
    const heard = await listen(has);
    camera.raise({ kind: 'motion', isOn: true });
    const event = await heard.has('motion', true);
    assert.ok(Math.abs((event.atMs ?? 0) - Date.now()) < 5_000, String(event.atMs));
    camera.setInput('input_0', true);
    assert.is((await heard.has('digital-input', true)).source, 'input_0');
    await has.io?.setRelay('relay_0', true, patient());
    assert.is((await heard.has('relay', true)).source, 'relay_0');
    camera.raise({ kind: 'tamper', isOn: true });
    await heard.has('tamper', true);
    await heard.close();
    assert.is(camera.counters().subscriptions, 0, 'given back');
    assert.equal(heard.ends, []);
  }));

test('a camera that only sends events to an address is listened to as well', () =>
  withServices({ events: 'base' }, async (has, camera) => {
    const heard = await listen(has);
    camera.raise({ kind: 'motion', isOn: true });
    await heard.has('motion', true);
    await heard.close();
    assert.is(camera.counters().subscriptions, 0);
  }));

test('subscriptions that the camera forgot are made anew, reference parameters and all', () =>
  withServices(
    { quirks: { axisReference: true, rebootForgets: true }, rebootMs: 100 },
    async (has, camera) => {
      const heard = await listen(has);
      camera.raise({ kind: 'motion', isOn: true });
      await heard.has('motion', true);
      await camera.reboot();
      camera.raise({ kind: 'tamper', isOn: true });
      await heard.has('tamper', true);
      camera.forgetSubscriptions();
      camera.raise({ kind: 'motion', isOn: false });
      await heard.has('motion', false);
      await heard.close();
    },
    fastClock(10),
  ));

test('a new password ends listening with the reason, and the account is not locked', () =>
  withServices(
    {},
    async (has, camera) => {
      const heard = await listen(has);
      camera.set({ password: 'other' });
      camera.forgetSubscriptions();
      camera.raise({ kind: 'motion', isOn: true });
      await until('the end', () => heard.ends.length > 0, 5_000);
      assert.is(heard.ends[0]?.code, 'camera.unauthorized');
      assert.ok(camera.counters().failedLogins <= 3, String(camera.counters().failedLogins));
      await heard.close();
    },
    fastClock(10),
  ));

test('the picture is set and read back, the focus moves', () =>
  withServices({}, async ({ imaging }, camera) => {
    assert.ok(imaging);
    assert.is((await imaging.options(patient())).canFocus, true);
    const after = await imaging.write({ brightness: 0.8, irCut: 'off', isWideDynamicRange: true }, patient());
    assert.equal([after.brightness, after.contrast, after.irCut, after.isWideDynamicRange], [0.8, 0.5, 'off', true]);
    assert.equal([camera.imaging().brightness, camera.imaging().irCut, camera.imaging().wideDynamicRange], [80, 'OFF', 'ON']);
    await imaging.focus(0.5, patient());
    await imaging.focus('stop', patient());
    assert.equal([camera.counters().operations.Move, camera.counters().operations.Stop], [1, 1]);
  }));

test('relays switch, inputs are listed; a camera without any has empty lists', async () => {
  for (const deviceIo of [true, false]) {
    await withServices({ deviceIo }, async ({ io }, camera) => {
      assert.ok(io);
      const relays = await io.relays(patient());
      const expected = [
        ['relay_0', false],
        ['relay_1', true],
      ];
      assert.equal(
        relays.map(({ token, isMomentary }) => [token, isMomentary]),
        deviceIo ? expected : [],
      );
      assert.is((await io.inputs(patient())).length, deviceIo ? 2 : 0);
      if (!deviceIo) return;
      await io.setRelay('relay_0', true, patient());
      assert.is(camera.relay('relay_0'), true);
      await io.setRelay('relay_0', false, patient());
      assert.is(camera.relay('relay_0'), false);
      await rejection(io.setRelay('relay_9', true, patient()), 'camera.refused');
    });
  }
});

test('a camera with a loudspeaker can be spoken through, over either media service; a profile is made to carry it', async () => {
  for (const media2 of [true, false]) {
    await withServices({ backchannel: true, media2, backchannelIsBound: false }, async ({ backchannel }, camera) => {
      assert.equal(await backchannel?.describe(patient()), { outputs: ['speaker_0'], codecs: ['G711'], profiles: [] });
      await backchannel?.bind?.('profile_sub', patient());
      assert.equal((await backchannel?.describe(patient()))?.profiles, ['profile_sub']);
      const asked = camera.counters().operations;
      await backchannel?.bind?.('profile_sub', patient());
      const again = camera.counters().operations;
      for (const name of ['AddConfiguration', 'AddAudioOutputConfiguration']) assert.is(again[name], asked[name], 'nothing was missing');
    });
  }
  await withServices({ backchannel: true }, async ({ backchannel }) => {
    assert.equal((await backchannel?.describe(patient()))?.profiles, ['profile_main', 'profile_sub']);
  });
  await withServices({}, async ({ backchannel }) => {
    assert.is(await backchannel?.describe(patient()), undefined);
    await rejection(backchannel?.bind?.('profile_main', patient()) ?? Promise.resolve(), 'camera.unsupported');
  });
});

test('a camera says what it can tell of, and one without motion says that too', async () => {
  const everything = ['motion', 'tamper', 'video-loss', 'digital-input', 'relay', 'hardware-failure'];
  const cases: readonly (readonly [CameraOptions, readonly string[] | undefined])[] = [
    [{}, everything],
    [{ quirks: { motionForm: 'alarm-1' } }, everything],
    [{ events: 'base', tells: ['digital-input', 'tamper'] }, ['digital-input', 'tamper']],
    [{ tells: [] }, undefined],
  ];
  for (const [options, expected] of cases) {
    await withServices(options, async ({ events }) => {
      const kinds = await events?.kinds?.(patient());
      assert.equal(kinds && [...kinds].sort(), expected && [...expected].sort());
    });
  }
});

test('recordings are found with their gaps, and replayed from the host we reached', () => {
  const spans = [
    { fromMs: Date.UTC(2026, 0, 1, 8), toMs: Date.UTC(2026, 0, 1, 9) },
    { fromMs: Date.UTC(2026, 0, 1, 10), toMs: Date.UTC(2026, 0, 1, 11) },
  ];
  return withServices({ recordings: spans, streamHost: '203.0.113.9' }, async ({ recordings }, camera) => {
    assert.ok(recordings);
    const summary = await recordings.summary(patient());
    assert.equal([summary.fromMs, summary.toMs, summary.count], [spans[0]?.fromMs, spans[1]?.toMs, 1]);
    const between = { fromMs: Date.UTC(2026, 0, 1, 8, 30), toMs: Date.UTC(2026, 0, 1, 23) };
    const found = await recordings.find(between, patient());
    assert.equal(
      found.map(({ fromMs, toMs }) => [fromMs, toMs]),
      [
        [between.fromMs, spans[0]?.toMs],
        [spans[1]?.fromMs, spans[1]?.toMs],
      ],
    );
    const uri = new URL(await recordings.replayUri(found[0]?.recording ?? '', patient()));
    assert.equal([uri.protocol, uri.hostname, uri.port], ['rtsp:', '127.0.0.1', String(camera.rtspPort)]);
    await rejection(recordings.replayUri('nothing', patient()), 'camera.refused');
  });
});

test('users are made, changed and removed; the new password counts at once', () =>
  withServices({}, async ({ users }, camera) => {
    assert.ok(users);
    await users.create(login('guard', 'First-1234'), 'operator', patient());
    assert.equal(
      (await users.list(patient())).find(({ name }) => name === 'guard'),
      { name: 'guard', level: 'operator' },
    );
    await users.setPassword(login('guard', 'Second-1234'), patient());
    await withDriver(camera.deviceUri, login('guard', 'Second-1234'), async (driver) => {
      assert.ok(await driver.identify(patient()));
    });
    await users.remove('guard', patient());
    assert.not.ok(camera.users().some(({ user }) => user === 'guard'));
  }));

test('the clock is set, though that makes the login’s own time wrong; then it follows a server', () =>
  withServices({ quirks: { timeNeedsLogin: true } }, async ({ upkeep }, camera) => {
    assert.ok(upkeep);
    await upkeep.setTime({ atMs: Date.UTC(2020, 1, 3), zone: undefined, ntp: undefined }, patient());
    assert.is(new Date(camera.clock().atMs).getUTCFullYear(), 2020);
    await upkeep.setTime({ atMs: Date.now(), zone: 'CET-1CEST,M3.5.0,M10.5.0/3', ntp: undefined }, patient());
    const { atMs, zone } = camera.clock();
    assert.ok(Math.abs(atMs - Date.now()) < 5_000, String(atMs - Date.now()));
    assert.is(zone, 'CET-1CEST,M3.5.0,M10.5.0/3');
    await upkeep.setTime({ atMs: undefined, zone: undefined, ntp: ['ntp.example.org'] }, patient());
    assert.equal([camera.clock().isNtp, camera.clock().servers], [true, ['ntp.example.org']]);
    assert.equal((await upkeep.time(patient())).servers, ['ntp.example.org']);
  }));

test('an image is taken whole; the camera restarts when asked', () =>
  withServices({ rebootMs: 50 }, async ({ upkeep }, camera) => {
    assert.ok(upkeep);
    const parts: number[] = [];
    const image = {
      sizeBytes: 300_000,
      async *read() {
        for (let piece = 0; piece < 3; piece += 1) yield new Uint8Array(100_000).fill(piece);
      },
    };
    const awayMs = await upkeep.upgradeFirmware(image, (part) => parts.push(Math.round(part * 100)), patient());
    assert.ok(awayMs >= 0);
    assert.is(camera.counters().firmwareBytes, 300_000);
    assert.equal(parts, [33, 67, 100]);
    await until('it is back', () => camera.counters().reboots === 1);
    await until('it answers', () =>
      upkeep.reboot(patient()).then(
        (said) => said !== '',
        () => false,
      ),
    );
    await until('it restarts', () => camera.counters().reboots === 2);
  }));

test.run();
