// runner: limit 120s
/** What the line may do and the camera may send: lost packets, relays, a thin line, H.265. The viewer is a real browser. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../agent/kernel/clock.js';
import { createConvertingStreams } from '../../drivers/ffmpeg/converting-streams.js';
import { openUdpMiddle } from '../support/udp-middle.js';
import { h265Streams } from './h265-clip.js';
import { startTurnServer } from './turn-server.js';
import {
  decoded,
  inbound,
  launchChromium,
  observeLoss,
  pageRig,
  quietLog,
  rigCamera,
  seededLoss,
  selectedPair,
  watchInPage,
} from './webrtc-page.js';

let browser: Browser;

test.before(async () => {
  browser = await launchChromium();
});

test.after(() => browser.close());

test('5 % of the packets are lost: the picture keeps moving, and what is sent again is counted', async () => {
  const { service } = pageRig();
  const middle = await openUdpMiddle({ isLost: seededLoss(0.05), isKeeping: false });
  const page = await browser.newPage();
  await watchInPage(page, service, { route: (sdp) => middle.route(sdp) });
  const figures = await observeLoss(page, 5);
  const [session] = service.sessions();
  const stats = await inbound(page);
  process.stdout.write(`loss ${JSON.stringify({ loss: 0.05, ...figures })}\n`);
  assert.ok(figures.nacks > 0, 'something was lost');
  assert.ok(figures.frames >= 0.8 * figures.sent, JSON.stringify(figures));
  assert.ok((session?.packets ?? 0) > stats.packetsReceived, 'lost and resent packets are in the session’s count');
  await service.stop();
  await page.close();
  await middle.close();
});

test('the other stream takes over at an intra picture: larger, smaller, and no picture is missing', async () => {
  const { service, streams } = pageRig();
  const page = await browser.newPage();
  const { sessionId, stream } = await watchInPage(page, service, { stream: 'auto' });
  assert.is(stream, 'sub');
  await decoded(page, 10, 180);
  const beganAt = performance.now();
  const before = await inbound(page);
  assert.is(await service.choose(sessionId, 'main'), 'main');
  await decoded(page, 40, 360);
  assert.is(streams.playing(), 1, 'the small stream was let go');
  assert.is(await service.choose(sessionId, 'sub'), 'sub');
  await decoded(page, 70, 180);
  const [after, tookMs] = [await inbound(page), performance.now() - beganAt];
  assert.is(after.packetsLost, 0);
  // A busy machine drops some; a change without an intra picture would cost seconds of them.
  assert.ok(
    after.framesDecoded - before.framesDecoded >= (0.7 * tookMs) / 40,
    `${after.framesDecoded - before.framesDecoded} in ${tookMs} ms`,
  );
  await service.stop();
  assert.is(streams.playing(), 0);
  await page.close();
});

test('relay-only at both ends: everything goes through the TURN server of the configuration', async () => {
  const turn = await startTurnServer();
  const { service } = pageRig({ iceServers: () => [turn.forRecorder], bindAddress: undefined });
  const page = await browser.newPage();
  const onlyRelayed = (sdp: string): string =>
    sdp
      .split('\r\n')
      .filter((line) => !line.startsWith('a=candidate') || line.includes(' typ relay'))
      .join('\r\n');
  const rtc: RTCConfiguration = { iceServers: [turn.forViewer], iceTransportPolicy: 'relay' };
  const { answerSdp } = await watchInPage(page, service, { rtc, route: onlyRelayed });
  assert.match(answerSdp, /typ relay/);
  await decoded(page, 25);
  // Its own end is the relay, and no other address of the recorder is known to it.
  assert.is((await selectedPair(page))[0], 'relay');
  await service.stop();
  await page.close();
  await turn.stop();
});

test('a camera that sends H.265 only is converted for a browser that cannot play it, and nothing of that is left at the end', async () => {
  const camera = h265Streams();
  const streams = createConvertingStreams({ clock: systemClock, log: quietLog }, camera);
  const cameras = rigCamera({ codec: () => 'H265', synchronize: async () => camera.synchronize() });
  const { service, events } = pageRig({ streams, cameras, transcoding: () => streams.room() });
  const page = await browser.newPage();
  const { firstFrameMs } = await watchInPage(page, service);
  await decoded(page, 40, 180);
  process.stdout.write(`converted ${JSON.stringify({ firstFrameMs: Math.round(firstFrameMs) })}\n`);
  await service.stop();
  assert.is(camera.playing(), 0);
  assert.is(streams.room(), 'free');
  assert.not.ok(
    readdirSync('/proc').some((pid) => isOwnFfmpeg(pid)),
    'no child is left',
  );
  assert.equal(
    events.map((event) => event.kind),
    ['opened', 'playing', 'ended'],
  );
  await page.close();
});

function isOwnFfmpeg(pid: string): boolean {
  try {
    return new RegExp(`^\\d+ \\(ffmpeg\\) \\w ${process.pid} `).test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test.run();
