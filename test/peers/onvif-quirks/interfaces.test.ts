// runner: own network
/** Quirk 38: discovery of a camera with two interfaces. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDiscovery } from '../../../drivers/onvif/discovery.js';
import { fastClock } from '../fast-clock.js';
import { startOnvifCamera } from '../onvif-camera/onvif-camera.js';
import { login, patient, QUIET, withDriver } from '../onvif-rig.js';
import { quirk } from './quirk-rig.js';

quirk(38, async () => {
  const camera = await startOnvifCamera({
    user: 'admin',
    password: 'right',
    name: 'Two legs',
    quirks: { secondInterface: '127.0.0.2' },
  });
  const networks = () => [{ address: '127.0.0.1', netmask: '255.0.0.0' }];
  try {
    const found = await createDiscovery({ clock: fastClock(1), log: QUIET, networks }).discover({ listenMs: 500, ...patient() });
    const own = found.filter(({ endpoint }) => endpoint === camera.endpoint);
    assert.is(own.length, 1, JSON.stringify(found));
    assert.is(own[0]?.deviceUri, camera.deviceUri);
    await withDriver(own[0]?.deviceUri ?? '', login(), async (driver) => void (await driver.identify(patient())));
  } finally {
    await camera.stop();
  }
});

test.run();
