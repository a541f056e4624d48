/** The live feature whole, with a real browser as the viewer: gate, packet writer, answer and native transport play in Chromium. */
import { randomUUID } from 'node:crypto';
import { type Browser, chromium, type Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../agent/kernel/clock.js';
import { createLog } from '../../agent/kernel/log.js';
import type { LiveEvent, WatchVerdict } from '../../agent/live/ports.js';
import { LiveService } from '../../agent/live/service.js';
import { createViewerPeerFactory } from '../../drivers/webrtc/factory.js';
import { clipStreams } from './clip-stream.js';

const log = createLog({ level: 'warn', clock: systemClock, write: () => undefined, format: 'text' });
let browser: Browser;

test.before(async () => {
  const args = ['--no-sandbox', '--allow-loopback-in-peer-connection', '--autoplay-policy=no-user-gesture-required'];
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
});

test.after(() => browser.close());

function rig(inBandSets: boolean) {
  const streams = clipStreams({ inBandSets });
  const events: LiveEvent[] = [];
  const state: { verdict: WatchVerdict } = { verdict: { ok: true } };
  const service = new LiveService({
    clock: systemClock,
    log,
    streams,
    peers: createViewerPeerFactory({ clock: systemClock, log }),
    cameras: {
      resolve: (channelId) => ({
        channelId,
        state: 'up',
        reason: '',
        deviceHost: '127.0.0.1',
        login: undefined,
        codec: () => 'H264',
        streamUri: async () => 'rtsp://127.0.0.1/main',
        synchronize: async () => streams.synchronize(),
      }),
    },
    mayWatch: () => state.verdict,
    onEvent: (event) => events.push(event),
    newSessionId: randomUUID,
    bindAddress: '127.0.0.1',
    limits: { openPeriodMs: 0 },
  });
  return { streams, events, state, service };
}

/** What the page measures; lives in the browser. */
interface Viewer {
  pc: RTCPeerConnection;
  video: HTMLVideoElement;
  askedAt: number;
  firstFrameMs: number;
}

async function watch(
  page: Page,
  service: LiveService,
  sections: readonly string[] = [],
): Promise<{ sessionId: string; firstFrameMs: number }> {
  const offerSdp = await page.evaluate(async (kinds) => {
    const pc = new RTCPeerConnection({ iceServers: [] });
    for (const kind of kinds) pc.addTransceiver(kind, { direction: 'recvonly' });
    pc.addTransceiver('video', { direction: 'recvonly' });
    pc.createDataChannel('clock');
    const video = document.createElement('video');
    video.muted = true;
    document.body.append(video);
    const viewer: Viewer = { pc, video, askedAt: 0, firstFrameMs: 0 };
    pc.ontrack = (event) => {
      video.srcObject = new MediaStream([event.track]);
      video.play().catch(() => undefined);
    };
    video.requestVideoFrameCallback(() => {
      viewer.firstFrameMs = performance.now() - viewer.askedAt;
    });
    Object.assign(globalThis, { viewer });
    await pc.setLocalDescription();
    viewer.askedAt = performance.now();
    return pc.localDescription?.sdp ?? '';
  }, sections);
  const opened = await service.open({ ticket: { channelId: 'cam-1', viewerId: 'dana', proof: undefined }, offerSdp });
  await page.evaluate(async (sdp) => {
    const { viewer } = globalThis as unknown as { viewer: Viewer };
    await viewer.pc.setRemoteDescription({ type: 'answer', sdp });
  }, opened.answerSdp);
  await page.waitForFunction(() => (globalThis as unknown as { viewer: Viewer }).viewer.firstFrameMs > 0, undefined, { timeout: 15_000 });
  const firstFrameMs = await page.evaluate(() => (globalThis as unknown as { viewer: Viewer }).viewer.firstFrameMs);
  return { sessionId: opened.sessionId, firstFrameMs };
}

const inbound = (page: Page): Promise<{ framesDecoded: number; packetsLost: number; packetsReceived: number; frameHeight: number }> =>
  page.evaluate(async () => {
    const stats = await (globalThis as unknown as { viewer: Viewer }).viewer.pc.getStats();
    return [...stats.values()].find((entry) => entry.type === 'inbound-rtp');
  });

const decoded = (page: Page, count: number): Promise<unknown> =>
  page.waitForFunction(
    async (wanted) => {
      const stats = await (globalThis as unknown as { viewer: Viewer }).viewer.pc.getStats();
      return [...stats.values()].some((entry) => entry.type === 'inbound-rtp' && entry.framesDecoded >= wanted);
    },
    count,
    { timeout: 15_000 },
  );

for (const inBandSets of [true, false])
  test(`a browser plays the camera (parameter sets ${inBandSets ? 'in the stream' : 'only in the description'}) and stops at the withdrawal`, async () => {
    const { service, streams, events, state } = rig(inBandSets);
    const page = await browser.newPage();
    const { firstFrameMs } = await watch(page, service, inBandSets ? [] : ['audio']);
    await decoded(page, 50);
    const stats = await inbound(page);
    assert.is(stats.frameHeight, 720);
    assert.is(stats.packetsLost, 0);
    assert.ok(firstFrameMs < 3_000, `first frame after ${firstFrameMs} ms`);
    assert.is(streams.playing(), 1);
    state.verdict = { ok: false, code: 'permission.withdrawn', say: 'Withdrawn.', fix: 'Ask.' };
    const [receipt] = service.endMatching(() => true, 'withdrawn');
    assert.is(receipt?.lastMediaMs, 0);
    await page.waitForFunction(() => (globalThis as unknown as { viewer: Viewer }).viewer.pc.connectionState !== 'connected', undefined, {
      timeout: 10_000,
    });
    const after = await inbound(page);
    await service.stop();
    assert.is(after.packetsReceived, receipt?.packets);
    assert.is(streams.playing(), 0);
    assert.equal(
      events.map((event) => event.kind),
      ['opened', 'playing', 'ended'],
    );
    await page.close();
  });

test('a page that closes is noticed', async () => {
  const { service, streams, events } = rig(true);
  const page = await browser.newPage();
  await watch(page, service);
  const closed = performance.now();
  await page.evaluate(() => (globalThis as unknown as { viewer: Viewer }).viewer.pc.close());
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (service.sessions().length > 0 && performance.now() - closed < 20_000) return;
      clearInterval(timer);
      resolve();
    }, 20);
  });
  const last = events.at(-1);
  assert.is(last?.kind === 'ended' && last.code, 'live.viewer_gone');
  await service.stop();
  assert.is(streams.playing(), 0);
  await page.close();
});

test.run();
