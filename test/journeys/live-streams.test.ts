/** A running recorder: who leaves the choice gets the small stream, and the signed word of the viewer changes it without a gap. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newId } from '../../agent/contract/text.js';
import { watchInNode } from '../support/node-viewer.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';

const test = suite<{ site: Site }>('live streams');

test.before(async (world) => {
  world.site = await openSite();
  await world.site.online();
});

test.after(async ({ site }) => {
  await site?.close();
});

test('auto begins small; `live.stream` changes to the large one: one SSRC, no number missing, one connection to the camera, a row in the log', async ({
  site,
}) => {
  const { client } = site.owner;
  const camera = site.cameras[0];
  const packets: Buffer[] = [];
  const viewer = await watchInNode(client, 'cam-1', { stream: 'auto', onPacket: (packet) => packets.push(packet) });
  assert.is(viewer.answer.stream, 'sub');
  assert.is(viewer.answer.sound, false);
  await until('the small stream plays', () => packets.length > 20);
  const { session } = viewer.answer;
  assert.equal(await client.call('live.stream', { session, stream: 'main' }), { stream: 'main' });
  const atChange = packets.length;
  await until('the large stream plays', () => packets.length > atChange + 100);
  assert.is(new Set(packets.map((packet) => packet.readUInt32BE(8))).size, 1);
  const numbers = packets.map((packet) => packet.readUInt16BE(2));
  assert.ok(numbers.every((number, index) => index === 0 || number === (((numbers[index - 1] ?? 0) + 1) & 0xffff)));
  // Two streams, two sequence parameter sets: the picture is really another one.
  const sizes = new Set(
    packets.filter((packet) => ((packet[12] ?? 0) & 0x1f) === 24).map((packet) => packet.subarray(15, 30).toString('hex')),
  );
  assert.is(sizes.size, 2);
  await until('only the large stream is pulled', () => camera?.counters().openConnections === 1);
  const foreign = await client.call('live.stream', { session: newId(), stream: 'sub' }).catch((error: { code: string }) => error.code);
  assert.is(foreign, 'live.no_such_session');
  const { rows } = await client.call('log.list', { beforeSeq: null, limit: 50, action: 'live.stream' });
  assert.ok(rows.some((row) => row.session === session));
  await client.call('live.close', { session });
  viewer.close();
});

test.run();
