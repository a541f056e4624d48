/** Quirks 17 to 28: subscriptions and what comes through them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError } from '../../../drivers/port.js';
import { connector, login, patient } from '../onvif-rig.js';
import { asked, Listener, quirk, withEvents, withQuirk } from './quirk-rig.js';

const CREATE = 'CreatePullPointSubscription';

quirk(17, () =>
  withEvents(
    { stalledPulls: true },
    async ({ camera, driver, listener }) => {
      await asked(camera, 'SetSynchronizationPoint', 1);
      // A dead long poll holds up nothing else.
      for (let round = 0; round < 3; round += 1) await driver.identify(patient());
      await asked(camera, CREATE, 2);
      camera.set({ quirks: { stalledPulls: false } });
      camera.raise({ kind: 'motion', isOn: true });
      await listener.heard('motion', true);
      assert.is(listener.ended, undefined);
    },
    { faster: 20, longestPullMs: 50 },
  ),
);

quirk(18, () =>
  withEvents({ needsInitialTermination: true }, async ({ camera, listener }) => {
    camera.raise({ kind: 'tamper', isOn: true });
    await listener.heard('tamper', true);
    assert.is(camera.counters().soapFaults, 0);
  }),
);

quirk(19, () =>
  withEvents(
    { endsSubscriptions: 2 },
    async ({ camera, listener }) => {
      camera.raise({ kind: 'motion', isOn: true });
      await listener.heard('motion', true);
      assert.is(camera.counters().operations[CREATE], 3);
    },
    { faster: 10, longestPullMs: 50 },
  ),
);

quirk(20, async () => {
  const short = { faster: 4, longestPullMs: 50, longestLifeMs: 3_000 };
  await withEvents(
    { refusesRenew: 'always' },
    async ({ camera, listener }) => {
      await asked(camera, 'Renew', 1);
      await asked(camera, CREATE, 2);
      camera.raise({ kind: 'motion', isOn: true });
      await listener.heard('motion', true);
      assert.is(listener.ended, undefined);
    },
    short,
  );
  await withEvents(
    { refusesRenew: 'without-message-id' },
    async ({ camera, listener }) => {
      await asked(camera, 'Renew', 1);
      camera.raise({ kind: 'motion', isOn: true });
      await listener.heard('motion', true);
      assert.is(camera.counters().operations[CREATE], 1);
      assert.is(camera.counters().soapFaults, 0);
    },
    short,
  );
});

quirk(21, () =>
  withEvents({ axisReference: true }, async ({ camera, driver, listener }) => {
    const second = await new Listener().open(driver);
    camera.raise({ kind: 'motion', isOn: true });
    await Promise.all([listener.heard('motion', true), second.heard('motion', true)]);
    await second.close();
    camera.raise({ kind: 'motion', isOn: false });
    await listener.heard('motion', false);
    assert.is(camera.counters().subscriptions, 1, 'the other one was given back');
  }),
);

quirk(22, () =>
  withEvents(
    { pinnedReference: true },
    async ({ camera, listener }) => {
      await asked(camera, 'PullMessages', 4);
      camera.raise({ kind: 'motion', isOn: true });
      await listener.heard('motion', true);
      assert.is(camera.counters().soapFaults, 0);
      assert.is(camera.counters().operations[CREATE], 1);
    },
    { faster: 5, longestPullMs: 50 },
  ),
);

quirk(23, () =>
  withEvents(
    { faultsPulls: true },
    async ({ camera, listener }) => {
      const startedMs = performance.now();
      await asked(camera, CREATE, 3);
      // Half of 1 s and of 2 s at the least lie between three attempts.
      const waitedMs = (performance.now() - startedMs) * 10;
      assert.ok(waitedMs >= 1_300, `three attempts within ${waitedMs} ms`);
      assert.ok((camera.counters().operations.PullMessages ?? 0) <= 6);
      camera.set({ quirks: { faultsPulls: false } });
      camera.raise({ kind: 'motion', isOn: true });
      await listener.heard('motion', true);
    },
    { faster: 10, longestPullMs: 50 },
  ),
);

quirk(24, () =>
  withEvents(
    { rebootForgets: true },
    async ({ camera, listener }) => {
      camera.raise({ kind: 'motion', isOn: true });
      await listener.heard('motion', true);
      await camera.reboot();
      camera.raise({ kind: 'digital-input', isOn: true });
      const told = await listener.heard('digital-input', true);
      assert.is(told.source, 'input_0');
      assert.is(listener.ended, undefined);
      assert.is(camera.counters().subscriptions, 1);
    },
    { faster: 10, longestPullMs: 50, rebootMs: 100 },
  ),
);

quirk(25, () =>
  withEvents({ undeclaredPrefix: true }, async ({ camera, listener }) => {
    camera.raise({ kind: 'motion', isOn: true });
    await listener.heard('motion', true);
    assert.is(camera.counters().operations[CREATE], 1);
  }),
);

quirk(26, () =>
  withEvents(
    { neverClears: true },
    async ({ camera, listener }) => {
      await asked(camera, 'SetSynchronizationPoint', 1);
      camera.raise({ kind: 'motion', isOn: true });
      await listener.heard('motion', true);
      camera.raise({ kind: 'motion', isOn: false });
      await listener.heard('motion', false);
      assert.ok((camera.counters().operations.SetSynchronizationPoint ?? 0) >= 2, 'the camera was asked how it is');
    },
    { faster: 20, longestPullMs: 50 },
  ),
);

quirk(27, async () => {
  for (const motionForm of ['cell-true', 'cell-1', 'alarm-true', 'alarm-1'] as const) {
    await withEvents({ motionForm }, async ({ camera, listener }) => {
      camera.raise({ kind: 'motion', isOn: true });
      const on = await listener.heard('motion', true);
      camera.raise({ kind: 'motion', isOn: false });
      await listener.heard('motion', false);
      assert.ok(on.atMs !== null && Math.abs(on.atMs - Date.now()) < 5_000);
    });
  }
});

quirk(28, () =>
  withQuirk({ maxPullPoints: 1 }, async ({ camera, driver }) => {
    for (let round = 0; round < 3; round += 1) await (await new Listener().open(driver)).close();
    const holder = await new Listener().open(driver);
    const other = connector().connect({ deviceUri: camera.deviceUri, login: login() });
    const refused: unknown = await new Listener().open(other).catch((error: unknown) => error);
    assert.instance(refused, DriverError);
    assert.is((refused as DriverError).code, 'camera.refused');
    await holder.close();
    const second = await new Listener().open(other);
    camera.raise({ kind: 'motion', isOn: true });
    await second.heard('motion', true);
    await second.close();
    other.close();
    assert.is(camera.counters().subscriptions, 0);
  }),
);

test.run();
