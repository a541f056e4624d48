// runner: mostly waits, limit 150s
/** Nobody watches: then nothing of the picture moves, no process runs beside the agent, and no door for video is open. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeViewer, watchInNode } from '../support/node-viewer.js';
import { observe } from '../support/observe.js';
import { udpSocketsOf } from '../support/proc.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';

const IDLE_MS = 60_000;
/** A helper program that lives for less than this may be missed. */
const LOOK_EVERY_MS = 40;

const test = suite<{ site: Site; viewer?: NodeViewer }>('idle');

test.before(async (world) => {
  world.site = await openSite();
  await world.site.online();
});

test.after(async ({ site, viewer }) => {
  viewer?.close();
  await site?.close();
});

test('60 s without a session: no stream is asked for, no media byte, no child process, no UDP socket', async ({ site }) => {
  const camera = site.cameras[0];
  const before = await site.status();
  assert.ok(before.isPaired && before.isCloudConnected);
  assert.is(before.watching, 0);
  const { soapRequests } = camera?.counters() ?? { soapRequests: Number.NaN };
  const seen = await observe(site.agent.pid, IDLE_MS);
  assert.ok(seen.looks > IDLE_MS / LOOK_EVERY_MS / 4, `looked ${seen.looks} times only`);
  assert.equal([...seen.children], []);
  assert.equal([...seen.sockets], []);
  const counted = camera?.counters();
  assert.equal([counted?.connections, counted?.plays, counted?.mediaBytes], [0, 0, 0]);
  // It was not asleep or cut off: the camera was asked whether it is there.
  assert.ok((counted?.soapRequests ?? 0) > soapRequests, 'the camera was looked after');
  assert.is((await site.status()).cameras[0]?.state, 'online');
});

test('with a session the same eyes see a stream, media and UDP sockets; after it nothing is left', async (world) => {
  const { site } = world;
  const camera = site.cameras[0];
  const viewer = await watchInNode(site.owner.client);
  world.viewer = viewer;
  await viewer.firstPacket();
  const during = await observe(site.agent.pid, 1_000);
  assert.ok(during.sockets.size > 0, 'sockets');
  assert.is(camera?.counters().openConnections, 1);
  assert.ok((camera?.counters().mediaBytes ?? 0) > 10_000);
  await site.owner.client.call('live.close', { session: viewer.answer.session });
  await until('the camera is left alone', () => camera?.counters().openConnections === 0, 3_000);
  await until('the sockets are closed', () => udpSocketsOf(site.agent.pid).length === 0, 5_000);
  assert.equal([...during.children], []);
});

test.run();
