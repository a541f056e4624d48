import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { StatusPublisher } from '../../../../agent/cloud/status.js';
import { verifyStatement } from '../../../../agent/contract/jws.js';
import { Status } from '../../../../agent/contract/statements.js';
import { newId } from '../../../../agent/contract/text.js';
import { topics } from '../../../../agent/contract/topics.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { TestLog } from '../../../support/test-log.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { gate, newSealPair, SERIAL } from './desk-rig.js';
import { FakeLink } from './fake-link.js';

const SCOPE = { tenant: 'main', serial: SERIAL };
const it = suite('status');

it('tells how long the recorder is up when it comes online, and counts what the owner should look at', async () => {
  const [device, { publicKey: seal }] = await Promise.all([newSigningKey(), newSealPair()]);
  const [clock, link] = [new VirtualClock(), new FakeLink()];
  let arrived = gate();
  link.answer = async () => arrived.open();
  const status = new StatusPublisher(
    {
      ...{ scope: SCOPE, signer: device.signer, key: device.publicKey, seal, boot: newId(), version: '1.0.0' },
      ...{ isPaired: () => true, up: () => clock.monotonicMs() + 0.7, clock, log: new TestLog() },
    },
    () => link,
  );
  const published = async (): Promise<Status> => {
    await arrived.passed;
    arrived = gate();
    return verifyStatement(link.sent.at(-1) ?? '', 'status+jws', device.publicKey, Status);
  };
  await status.start();
  await clock.advance(4_000);
  link.set(true);
  const first = await published();
  assert.equal([first.state, first.up, first.changes.security], ['online', 4_000, 0]);
  for (let at = 0; at < 3; at += 1) status.changed('security');
  await clock.advance(1_000);
  const second = await published();
  assert.equal([second.up, second.changes], [4_150, { permissions: 0, cameras: 0, config: 0, security: 3 }]);
  assert.is(link.sent.length, 2, 'one message for a burst');
  await status.stop();
  assert.ok(link.retained.has(topics.status(SCOPE)));
  assert.is((await published()).state, 'offline');
});

it.run();
