/** Quirks 11 to 16: what a camera says of its own addresses, its snapshot, and its connections. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CameraDriver } from '../../../drivers/port.js';
import { patient, rejection } from '../onvif-rig.js';
import { Listener, quirk, withQuirk } from './quirk-rig.js';

async function mainToken(driver: CameraDriver): Promise<string> {
  const [main] = await driver.streams(patient());
  assert.ok(main);
  return main.profileToken;
}

async function takesPicture(driver: CameraDriver): Promise<void> {
  const picture = await driver.snapshot?.(await mainToken(driver), patient());
  assert.is(picture?.mediaType, 'image/jpeg');
  assert.equal([...(picture?.bytes.subarray(0, 3) ?? [])], [0xff, 0xd8, 0xff]);
}

quirk(11, () =>
  withQuirk({ wrongAddress: '192.0.2.77:8899' }, async ({ camera, driver }) => {
    assert.is(await driver.streamUri(await mainToken(driver), patient()), camera.rtspUri('main'));
    await takesPicture(driver);
    assert.ok(await driver.ptz(patient()));
    const listener = await new Listener().open(driver);
    camera.raise({ kind: 'motion', isOn: true });
    await listener.heard('motion', true);
    await listener.close();
  }),
);

quirk(12, async () => {
  for (const media2 of [true, false]) {
    await withQuirk(
      { rtspOnHttpPort: true },
      async ({ camera, driver }) => {
        assert.is(await driver.streamUri(await mainToken(driver), patient()), camera.rtspUri('main'));
      },
      { media2 },
    );
  }
});

quirk(13, () =>
  withQuirk({ rtspAsSnapshot: true }, async ({ camera, driver }) => {
    const token = await mainToken(driver);
    await rejection(driver.snapshot?.(token, patient()) ?? Promise.resolve(), 'camera.unsupported');
    assert.is(camera.counters().unknownPaths, 0, 'what is no address of HTTP is not asked over HTTP');
    assert.is(await driver.streamUri(token, patient()), camera.rtspUri('main'), 'the stream is there all the same');
  }),
);

quirk(14, () => withQuirk({ snapshotNeedsQuery: true }, ({ driver }) => takesPicture(driver)));

quirk(15, async () => {
  await withQuirk({ snapshotLogin: 'digest' }, ({ driver }) => takesPicture(driver));
  await withQuirk({ snapshotLogin: 'query' }, ({ driver }) => takesPicture(driver));
  // Basic would show the password to everyone on the network: over plain HTTP it is refused by us.
  await withQuirk({ snapshotLogin: 'basic' }, async ({ driver }) => {
    const token = await mainToken(driver);
    await rejection(driver.snapshot?.(token, patient()) ?? Promise.resolve(), 'camera.unauthorized');
  });
});

quirk(16, () =>
  withQuirk({ closesSilently: true }, async ({ camera, driver }) => {
    for (let round = 0; round < 10; round += 1) await driver.identify(patient());
    await takesPicture(driver);
    const ptz = await driver.ptz(patient());
    await ptz?.relative?.({ pan: 0.1, tilt: 0, zoom: 0 }, patient());
    assert.is(camera.counters().operations.RelativeMove, 1, 'a step is not taken twice');
    const listener = await new Listener().open(driver);
    camera.raise({ kind: 'motion', isOn: true });
    await listener.heard('motion', true);
    await listener.close();
  }),
);

test.run();
