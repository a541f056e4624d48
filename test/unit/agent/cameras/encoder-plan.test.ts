import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planEncoder } from '../../../../agent/cameras/encoder-plan.js';
import { OFFERS } from './camera-fakes.js';

const now = { codec: 'H264', width: 640, height: 360, frameRate: 30, bitrateKbps: 0, gopLength: 50 } as const;
const refused = (patch: Parameters<typeof planEncoder>[1]): string | undefined => planEncoder(now, patch, OFFERS).refused?.field;

test('only what is to change is checked', () => {
  assert.equal(planEncoder(now, { width: 320, height: 180 }, OFFERS).wanted, { ...now, width: 320, height: 180 });
  assert.is(refused({ bitrateKbps: 64 }), undefined);
  assert.is(refused({}), undefined);
});

test('half a resolution, rates outside the bounds and fractions are refused with the offer', () => {
  assert.equal(planEncoder(now, { width: 320 }, OFFERS).refused, { field: 'resolution', value: '320x360', offers: '640x360, 320x180' });
  assert.equal(planEncoder(now, { frameRate: 26 }, OFFERS).refused, { field: 'frameRate', value: '26', offers: '1 to 25' });
  assert.is(refused({ frameRate: 12.5 }), 'frameRate');
  assert.is(refused({ bitrateKbps: 63 }), 'bitrateKbps');
  assert.is(refused({ gopLength: Number.NaN }), 'gopLength');
  assert.is(refused({ gopLength: 10_000 }), undefined, 'no bounds said');
});

test.run();
