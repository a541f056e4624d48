/** Our viewer transport against an independent WebRTC implementation (werift) on loopback: media, feedback, and every way to end. */
import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GenericNack, RtcpTransportLayerFeedback } from 'werift';
import { type Meeting, makeKeyPair, meet, newFactory, sendPicture, until } from '../attacks/dtls-rig.js';
import { fastClock } from './fast-clock.js';

const factory = newFactory();
const keys = makeKeyPair();
const sockets = (): number => readdirSync('/proc/self/fd').length;

async function connected(role: 'client' | 'server' = 'server', by = factory): Promise<Meeting> {
  const meeting = await meet(by, { keys, role });
  assert.ok(await until(() => meeting.isConnected, 10_000), 'connected');
  return meeting;
}

test('the answer: one fingerprint, send-only, our SSRC, host candidates of the bound address only', async () => {
  const meeting = await meet(factory, { keys, role: 'client' });
  const lines = meeting.peer.answerSdp.split('\r\n');
  assert.equal(
    lines.filter((line) => line.startsWith('a=fingerprint')),
    [`a=fingerprint:${meeting.peer.fingerprint}`],
  );
  assert.match(meeting.peer.fingerprint, /^sha-256 (?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.ok(lines.includes('a=sendonly') && lines.includes(`a=ssrc:${meeting.peer.ssrc} cname:sightline`));
  const candidates = lines.filter((line) => line.startsWith('a=candidate'));
  assert.ok(candidates.length > 0 && candidates.every((line) => / 127\.0\.0\.1 \d+ typ host/.test(line)), candidates.join());
  await meeting.end();
});

test('each answer has a certificate of its own', async () => {
  const two = [await meet(factory, { keys, role: 'client' }), await meet(factory, { keys, role: 'client' })];
  assert.is.not(two[0]?.peer.fingerprint, two[1]?.peer.fingerprint);
  for (const meeting of two) await meeting.end();
});

test('a picture loss reaches us, sender reports reach the viewer, a lost packet is sent again', async () => {
  const meeting = await connected();
  const reports: number[] = [];
  meeting.viewer.dtlsTransports[0]?.onRtcp.subscribe((packet) => {
    if (packet.type === 200) reports.push(performance.now());
  });
  const receiver = meeting.viewer.getTransceivers()[0]?.receiver;
  assert.ok(
    await until(
      () => meeting.received >= 20,
      5_000,
      () => sendPicture(meeting.peer),
    ),
  );
  await receiver?.sendRtcpPLI(meeting.peer.ssrc);
  assert.ok(await until(() => meeting.pictureLosses > 0, 2_000), 'PLI');
  assert.ok(
    await until(
      () => reports.length >= 1,
      3_000,
      () => sendPicture(meeting.peer, 1),
    ),
    'sender report',
  );
  await until(() => false, 100);
  const before = meeting.media;
  const newest = meeting.newestSequence;
  const nack = new GenericNack({ senderSsrc: 1, mediaSourceSsrc: meeting.peer.ssrc, lost: [newest - 1, newest - 3] });
  await meeting.viewer.dtlsTransports[0]?.sendRtcp([new RtcpTransportLayerFeedback({ feedback: nack })]);
  assert.ok(await until(() => meeting.media >= before + 2, 2_000), `resent ${meeting.media - before}`);
  await meeting.end();
});

test('eight viewers at once all connect and all receive', async () => {
  const meetings = await Promise.all(
    Array.from({ length: 8 }, (_, index) => meet(factory, { keys, role: index % 2 === 0 ? 'client' : 'server' })),
  );
  const all = await until(
    () => meetings.every((meeting) => meeting.received >= 20),
    20_000,
    () => {
      for (const meeting of meetings) if (meeting.isConnected) sendPicture(meeting.peer);
    },
  );
  assert.ok(all, meetings.map((meeting) => meeting.received).join());
  for (const meeting of meetings) await meeting.end();
});

test('a viewer that closes is noticed; one that vanishes without a word too, while pictures flow', async () => {
  const polite = await connected();
  // Five times as fast: silence is noticed after 12 s.
  const vanished = await connected('server', newFactory(fastClock(5)));
  sendPicture(polite.peer);
  sendPicture(vanished.peer);
  // Its sockets go, nothing is said: like a laptop that is shut.
  for (const transport of vanished.viewer.iceTransports) await transport.connection.close();
  polite.peer.close();
  assert.is(polite.closed, undefined, 'our own close is no news');
  const isNoticed = await until(
    () => vanished.closed !== undefined,
    8_000,
    () => sendPicture(vanished.peer, 1),
  );
  assert.ok(isNoticed, 'noticed');
  assert.is(sendPicture(vanished.peer), 0);
  for (const meeting of [polite, vanished]) await meeting.end();
});

test('closing in every moment of a handshake, 200 opens: no crash, no socket and no memory left', async () => {
  await factory.warm();
  const socketsBefore = sockets();
  let rssAfterTwenty = 0;
  for (let round = 0; round < 200; round += 1) {
    const meeting = await meet(factory, { keys, role: round % 2 === 0 ? 'client' : 'server' });
    // 0 to 60 ms: before ICE, during ICE, during DTLS, after; every tenth plays.
    if (round % 10 === 0)
      await until(
        () => meeting.received > 0,
        10_000,
        () => sendPicture(meeting.peer),
      );
    else if (round % 4 !== 0)
      await until(
        () => false,
        (round * 7) % 60,
        () => sendPicture(meeting.peer),
      );
    meeting.peer.close();
    meeting.peer.close();
    assert.is(sendPicture(meeting.peer), 0);
    await meeting.end();
    if (round === 20) rssAfterTwenty = process.memoryUsage.rss();
  }
  assert.ok(await until(() => sockets() <= socketsBefore + 2, 10_000), `${socketsBefore} -> ${sockets()} descriptors`);
  const grownMb = (process.memoryUsage.rss() - rssAfterTwenty) / 1e6;
  // werift lives in the same process and makes garbage; our part alone is measured in the soak bench.
  assert.ok(grownMb < 60, `grew by ${grownMb.toFixed(1)} MB`);
});

test('an offer that cannot be answered leaves nothing behind', async () => {
  const before = sockets();
  for (let round = 0; round < 20; round += 1) {
    const wrong = (offer: string): string => offer.replace(/H264/g, 'VP8');
    await meet(factory, { keys, role: 'client', tamper: wrong }).then(
      () => assert.unreachable('VP8 was answered'),
      (error: { code?: string }) => assert.is(error.code, 'viewer.bad_offer'),
    );
  }
  assert.ok(await until(() => sockets() <= before + 2, 3_000));
});

test.run();
