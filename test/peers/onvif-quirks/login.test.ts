/** Quirks 1 to 10: clocks, logins and the header of a request. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startOnvifCamera } from '../onvif-camera/onvif-camera.js';
import { connector, login, patient, rejection } from '../onvif-rig.js';
import { quirk, withQuirk } from './quirk-rig.js';

const HALF_A_YEAR_MS = 180 * 86_400_000;

quirk(1, () =>
  withQuirk({ digestOnly: true }, async ({ camera, driver }) => {
    await driver.identify(patient());
    assert.is((await driver.streams(patient())).length, 2);
    const before = camera.counters().soapFaults;
    await driver.identify(patient());
    assert.is(camera.counters().soapFaults, before, 'the way of login is remembered');
    assert.is(camera.counters().failedLogins, 0);
  }),
);

quirk(2, () =>
  withQuirk({ digestOnly: true }, async ({ camera, driver }) => {
    await driver.identify(patient());
    // Another firmware: Digest, which worked a moment ago, is not heard any more.
    camera.set({ quirks: { digestOnly: false, tokenOnly: true } });
    await driver.identify(patient());
    assert.ok(await driver.ptz(patient()));
    assert.is(camera.counters().failedLogins, 0);
  }),
);

quirk(3, async () => {
  for (const aheadMs of [8_000, -25_000, HALF_A_YEAR_MS, -HALF_A_YEAR_MS]) {
    await withQuirk({ clockDrift: { aheadMs, windowMs: 5_000 } }, async ({ camera, driver }) => {
      await driver.identify(patient());
      assert.ok(Math.abs((await driver.clockOffsetMs(patient())) - aheadMs) < 2_000);
      assert.is(camera.counters().failedLogins, 0);
      camera.set({ quirks: { clockDrift: { aheadMs: aheadMs + 60_000, windowMs: 5_000 } } });
      await driver.identify(patient());
    });
  }
});

quirk(4, async () => {
  for (const localTimeAsUtcMin of [120, -300]) {
    await withQuirk({ localTimeAsUtcMin, clockDrift: { aheadMs: 0, windowMs: 5_000 } }, async ({ driver, camera }) => {
      await driver.identify(patient());
      const before = camera.counters().failedLogins;
      assert.ok(before <= 2, `${before} failed logins`);
      await driver.streams(patient());
      assert.is(camera.counters().failedLogins, before, 'the clock that it judges by is remembered');
    });
  }
});

quirk(5, () =>
  withQuirk({ timeNeedsLogin: true, clockDrift: { aheadMs: 3_600_000, windowMs: 5_000 } }, async ({ camera, driver }) => {
    await driver.identify(patient());
    assert.ok(Math.abs((await driver.clockOffsetMs(patient())) - 3_600_000) < 2_500);
    assert.is(camera.counters().failedLogins, 0);
  }),
);

quirk(6, () =>
  withQuirk({ unprefixedSecurityOnly: true, tokenOnly: true }, async ({ driver }) => {
    await driver.identify(patient());
    assert.is((await driver.streams(patient())).length, 2);
  }),
);

quirk(7, () =>
  withQuirk({ needsAction: true }, async ({ driver }) => {
    await driver.identify(patient());
    const ptz = await driver.ptz(patient());
    await ptz?.move({ pan: 1, tilt: 0, zoom: 0 }, patient());
    await ptz?.stop(patient());
  }),
);

quirk(8, () =>
  withQuirk({ forbidsAction: true }, async ({ driver }) => {
    await driver.identify(patient());
    assert.is((await driver.streams(patient())).length, 2);
  }),
);

quirk(9, async () => {
  for (const digestOnly of [false, true]) {
    await withQuirk({ burnsNonces: true, digestOnly }, async ({ camera, driver }) => {
      await driver.identify(patient());
      await Promise.all(Array.from({ length: 6 }, () => driver.identify(patient())));
      assert.is(camera.counters().failedLogins, 0, 'no nonce is ever sent twice');
    });
  }
});

quirk(10, async () => {
  const camera = await startOnvifCamera({
    user: 'admin',
    password: 'right',
    discovery: false,
    quirks: { lockOut: { afterFailures: 5, forMs: 1_800_000 } },
  });
  const shared = connector();
  try {
    const wrong = shared.connect({ deviceUri: camera.deviceUri, login: login('admin', 'wrong') });
    await rejection(wrong.identify(patient()), 'camera.unauthorized');
    for (let round = 0; round < 6; round += 1) await wrong.identify(patient()).catch(() => undefined);
    await rejection(wrong.identify(patient()), 'camera.locked_out');
    wrong.close();
    assert.ok(camera.counters().failedLogins < 5, `${camera.counters().failedLogins} failed logins reached the camera`);
    const right = shared.connect({ deviceUri: camera.deviceUri, login: login() });
    await right.identify(patient());
    right.close();
    assert.is(camera.counters().lockedLogins, 0);
  } finally {
    await camera.stop();
  }
});

test.run();
