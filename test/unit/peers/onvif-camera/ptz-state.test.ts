import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_PRESETS, PtzState } from '../../../peers/onvif-camera/ptz-state.js';

test('it moves at a quarter of the range each second until stopped, timed out, or at the end', () => {
  const ptz = new PtzState();
  ptz.move({ panTilt: { x: 1, y: -0.5 }, zoom: 1 }, 10_000, 0);
  assert.equal(ptz.position(1000), { pan: 0.25, tilt: -0.125, zoom: 0.25 });
  assert.equal(ptz.isMoving(1000), { panTilt: true, zoom: true });
  ptz.stop({ panTilt: true, zoom: false }, 2000);
  assert.equal(ptz.position(3000), { pan: 0.5, tilt: -0.25, zoom: 0.75 });
  assert.equal(ptz.isMoving(3000), { panTilt: false, zoom: true });
  assert.is(ptz.position(100_000).zoom, 1);
  assert.is(ptz.isMoving(5000).zoom, false);
  ptz.move({ panTilt: { x: -1, y: 0 } }, 1000, 10_000);
  assert.is(ptz.position(60_000).pan, 0.25);
});

test('presets keep a place, home too, and places run out', () => {
  const ptz = new PtzState();
  ptz.move({ panTilt: { x: 1, y: 0 } }, 2000, 0);
  assert.is(ptz.setPreset(undefined, 'gate', 5000), '1');
  ptz.goTo({ pan: -1, tilt: 1, zoom: 1 }, 5000);
  assert.is(ptz.isMoving(5100).panTilt, true);
  assert.equal(ptz.position(9000), { pan: -1, tilt: 1, zoom: 1 });
  assert.equal(ptz.presets, [{ token: '1', name: 'gate', position: { pan: 0.5, tilt: 0, zoom: 0 } }]);
  assert.is(ptz.setPreset('9', 'no such', 9000), undefined);
  ptz.setHome(9000);
  assert.equal(ptz.home, { pan: -1, tilt: 1, zoom: 1 });
  for (let count = 2; count <= MAX_PRESETS; count += 1) assert.is(ptz.setPreset(undefined, undefined, 9000), String(count));
  assert.is(ptz.setPreset(undefined, undefined, 9000), undefined);
  ptz.removePreset('3');
  assert.is(ptz.setPreset(undefined, undefined, 9000), '3');
});

test.run();
