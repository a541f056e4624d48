import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { welcome } from '../../../scripts/start/welcome.js';

const say = (label: { code: string; label: string } | null): string =>
  welcome({ portalUrl: 'http://127.0.0.1:8080/', agent: { serial: 'SN4F2K7Q9D', label, lanPort: 8443 }, isSerial: false, camera: 'none' });

test('a recorder without an owner is to be paired; one with an owner is opened where its key is', () => {
  const fresh = say({ code: 'K7MP-X2QR-T', label: 'SL1:SN4F2K7Q9D:K7MPX2QRT' });
  assert.match(fresh, 'choose "I own this site", and pair');
  assert.match(fresh, 'K7MP-X2QR-T');
  const owned = say(null);
  assert.match(owned, 'Open the portal in the browser that paired this recorder');
  assert.not.match(owned, /and pair/);
});

test.run();
