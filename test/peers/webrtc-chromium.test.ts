// runner: limit 120s
/** The live feature whole, with a real browser as the viewer: gate, packet writer, answer and native transport play in Chromium. */
import type { Browser } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../support/until.js';
import { clipStreams } from './clip-stream.js';
import { openTone } from './tone.js';
import { decoded, inbound, launchChromium, type PageViewer, pageRig, watchInPage } from './webrtc-page.js';

let browser: Browser;

test.before(async () => {
  browser = await launchChromium();
});

test.after(() => browser.close());

for (const inBandSets of [true, false])
  test(`a browser plays the camera (parameter sets ${inBandSets ? 'in the stream' : 'only in the description'}) and stops at the withdrawal`, async () => {
    const { service, streams, events, state } = pageRig({}, clipStreams({ inBandSets }));
    const page = await browser.newPage();
    const { firstFrameMs } = await watchInPage(page, service, { sections: inBandSets ? [] : ['audio'] });
    await decoded(page, 25);
    const stats = await inbound(page);
    assert.is(stats.frameHeight, 360);
    assert.is(stats.packetsLost, 0);
    assert.ok(firstFrameMs < 6_000, `first frame after ${firstFrameMs} ms`);
    assert.is(streams.playing(), 1);
    state.verdict = { ok: false, code: 'permission.withdrawn', say: 'Withdrawn.', fix: 'Ask.' };
    const [receipt] = service.endMatching(() => true, 'withdrawn');
    assert.is(receipt?.lastMediaMs, 0);
    await page.waitForFunction(
      () => (globalThis as unknown as { viewer: PageViewer }).viewer.pc.connectionState !== 'connected',
      undefined,
      { timeout: 10_000 },
    );
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

test('sound is heard by who may hear it, and stops alone when she may not any more', async () => {
  const state = { mayHear: true };
  const streams = { ...clipStreams({ inBandSets: true }), openAudio: openTone };
  const { service } = pageRig({ streams, mayHear: () => state.mayHear });
  const page = await browser.newPage();
  const opened = await watchInPage(page, service, { sections: ['audio'], sound: true });
  assert.is(opened.hasSound, true);
  await until('the browser hears the hum', async () => (await inbound(page, 'audio')).totalAudioEnergy > 0);
  state.mayHear = false;
  const before = await inbound(page);
  await until('the picture goes on', async () => (await inbound(page)).framesDecoded > before.framesDecoded + 25);
  const [first, second] = [await inbound(page, 'audio'), await page.waitForTimeout(300).then(() => inbound(page, 'audio'))];
  assert.is(second.packetsReceived, first.packetsReceived);
  await service.stop();
  await page.close();
});

test('a page that closes is noticed', async () => {
  const { service, streams, events } = pageRig();
  const page = await browser.newPage();
  await watchInPage(page, service);
  const closed = performance.now();
  await page.evaluate(() => (globalThis as unknown as { viewer: PageViewer }).viewer.pc.close());
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
