import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { iceServersNow } from '../../../../agent/compose/live.js';
import { makeRig, OPERATOR } from '../permissions/permission-rig.js';

const SERVERS = ['stun:stun.example.org'];

test('no server outside is asked while an installer holds the recorder, or before the owner agrees to a new operator', async () => {
  assert.equal(iceServersNow((await makeRig(true, 'installer')).permissions, SERVERS), []);
  assert.equal(iceServersNow((await makeRig(false)).permissions, SERVERS), []);
  const rig = await makeRig();
  assert.equal(iceServersNow(rig.permissions, SERVERS), SERVERS);
  rig.setup = { ...rig.setup, operator: { ...OPERATOR, region: 'US' } };
  await rig.restart();
  assert.equal(iceServersNow(rig.permissions, SERVERS), []);
});

test.run();
