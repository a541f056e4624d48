// runner: limit 60s
/** The agent dies in the middle of a session (SIGKILL, as when the power goes): no stream stays open, and it starts again as what it was. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { watchInNode } from '../support/node-viewer.js';
import { TestEmployee } from '../support/people.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';

const test = suite<{ site: Site }>('kill in a session');

test.before(async (world) => {
  world.site = await openSite();
  await world.site.online();
});
test.after(async ({ site }) => {
  await site?.close();
});

test('kill -9 leaves no RTSP connection, and the recorder starts again with owner, permissions, channels and log', async ({ site }) => {
  const camera = site.cameras[0];
  const employee = await TestEmployee.make('Example Alarms', { name: 'Dana Example', email: 'dana@example.org' });
  await site.owner.grant(employee.org, ['site-information']);
  const viewer = await watchInNode(site.owner.client);
  await viewer.firstPacket();
  assert.is(camera?.counters().openConnections, 1);
  await site.agent.kill();
  await until('the camera is left alone', () => camera?.counters().openConnections === 0, 3_000);
  const packets = viewer.packets;
  const again = await site.restart();
  assert.is(viewer.packets, packets, 'nothing came after the death');
  viewer.close();
  assert.ok(again.isPaired);
  await site.online();
  const boot = again;
  await until('the app sees the new start', async () => {
    const { grants } = await site.owner.client.call('permissions.list', {});
    return grants.length === 1 && grants[0]?.state === 'in-force';
  });
  const { rows } = await site.owner.client.call('log.list', { beforeSeq: null, limit: 50 });
  assert.ok(
    rows.some((row) => row.action === 'live.open' && row.result === 'ok'),
    'the acknowledged session stands in the log',
  );
  assert.is(rows.filter((row) => row.action === 'agent.started').length, 2);
  assert.is(boot.pid !== 0, true);
});

test.run();
