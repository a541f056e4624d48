/** Quirks 29 to 37: profiles, encoders, movement, recordings, and a camera's patience. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { patient, rejection } from '../onvif-rig.js';
import { asked, capabilitiesOf, Listener, quirk, withQuirk } from './quirk-rig.js';

quirk(29, () =>
  withQuirk({ hidesH265: true }, async ({ driver }) => {
    const [source] = (await driver.sources?.(patient())) ?? [];
    assert.equal(
      source?.profiles.map(({ video }) => [video.codec, video.width]),
      [
        ['H265', 1280],
        ['H264', 640],
      ],
    );
    const big = source?.profiles[0];
    assert.ok(big);
    assert.match(await driver.streamUri(big.profileToken, patient()), /\/main$/);
  }),
);

quirk(30, async () => {
  for (const media2 of [true, false]) {
    await withQuirk(
      { sparseEncoder: true },
      async ({ camera, driver }) => {
        const streams = await driver.streams(patient());
        assert.ok(streams.length >= 1);
        const [source] = (await driver.sources?.(patient())) ?? [];
        assert.is(source?.profiles.length, 2);
        for (const { video } of source?.profiles ?? []) assert.is(video.bitrateKbps, 0, 'no limit is told as none');
        assert.is(await driver.streamUri(streams[0]?.profileToken ?? '', patient()), camera.rtspUri('main'));
      },
      { media2 },
    );
  }
});

quirk(31, () =>
  withQuirk(
    { sources: 4 },
    async ({ driver }) => {
      const sources = (await driver.sources?.(patient())) ?? [];
      assert.equal(
        sources.map(({ token, streams }) => [token, ...streams.map((stream) => stream.profileToken)]),
        [
          ['source_0', 'profile_main', 'profile_sub'],
          ['source_1', 'profile_1_main', 'profile_1_sub'],
          ['source_2', 'profile_2_main', 'profile_2_sub'],
          ['source_3', 'profile_3_main', 'profile_3_sub'],
        ],
      );
      const own = await driver.streams(patient());
      assert.equal(
        own.map((stream) => stream.profileToken),
        ['profile_2_main', 'profile_2_sub'],
      );
    },
    { sourceToken: 'source_2' },
  ),
);

quirk(32, async () => {
  for (const media2 of [true, false]) {
    await withQuirk(
      { setNeedsAll: true },
      async ({ camera, driver }) => {
        const sub = (await driver.streams(patient())).find(({ kind }) => kind === 'sub');
        assert.ok(sub);
        const after = await driver.setEncoder(sub, { ...sub.video, width: 320, height: 180, frameRate: 10 }, patient());
        assert.equal([after.width, after.height, after.frameRate], [320, 180, 10]);
        assert.is(camera.settings('sub').width, 320);
      },
      { media2 },
    );
  }
});

quirk(33, async () => {
  const still = { pan: 0, tilt: 0, zoom: 0 };
  await withQuirk({ ptz: 'pan-tilt-only' }, async ({ camera, driver }) => {
    const ptz = await driver.ptz(patient());
    assert.ok(ptz);
    await ptz.move({ ...still, pan: 1, zoom: 1 }, patient());
    assert.ok(camera.isMoving().panTilt);
    await ptz.stop(patient());
    assert.not(camera.isMoving().panTilt);
    await rejection(ptz.move({ ...still, zoom: 1 }, patient()), 'camera.unsupported');
  });
  for (const kind of ['both-axes-only', 'stop-moving-axis-only', 'short-timeout'] as const) {
    await withQuirk({ ptz: kind }, async ({ camera, driver }) => {
      const ptz = await driver.ptz(patient());
      assert.ok(ptz);
      for (const way of [{ pan: 1 }, { tilt: -1 }, { pan: 1, tilt: 1 }, { zoom: 1 }]) {
        await ptz.move({ ...still, ...way }, patient());
        assert.ok(camera.isMoving().panTilt || camera.isMoving().zoom, `${kind} ${JSON.stringify(way)}`);
        await ptz.stop(patient());
        assert.equal(camera.isMoving(), { panTilt: false, zoom: false }, `${kind} ${JSON.stringify(way)}`);
      }
    });
  }
});

quirk(34, () =>
  withQuirk({ noServiceCapabilities: true }, async ({ camera, driver }) => {
    await driver.identify(patient());
    const { ptz, imaging, events, recordings, io, users, upkeep } = await capabilitiesOf(driver);
    for (const [name, one] of Object.entries({ ptz, imaging, events, recordings, io, users, upkeep })) assert.ok(one, name);
    assert.is((await imaging?.read(patient()))?.brightness, 0.5);
    assert.is((await io?.relays(patient()))?.length, 2);
    const listener = await new Listener().open(driver);
    camera.raise({ kind: 'video-loss', isOn: true });
    await listener.heard('video-loss', true);
    await listener.close();
  }),
);

quirk(35, () =>
  withQuirk({ media2Dies: true, hidesH265: true }, async ({ driver }) => {
    const [source] = (await driver.sources?.(patient())) ?? [];
    assert.is(source?.profiles[0]?.video.codec, 'H265');
    assert.is(source?.profiles.length, 2);
  }),
);

quirk(36, async () => {
  const now = Date.now();
  const span = { fromMs: now - 7_200_000, toMs: now - 3_600_000 };
  const between = { fromMs: now - 86_400_000, toMs: now };
  await withQuirk(
    { replay: 'no-uri' },
    async ({ driver }) => {
      const { recordings } = await capabilitiesOf(driver);
      assert.is((await recordings?.summary(patient()))?.count, 1);
      assert.equal(await recordings?.find(between, patient()), [{ recording: 'recording_0', ...span }]);
      await rejection(recordings?.replayUri('recording_0', patient()) ?? Promise.resolve(), 'camera.unsupported');
    },
    { recordings: [span] },
  );
  await withQuirk(
    { replay: 'partial' },
    async ({ driver }) => {
      const { recordings } = await capabilitiesOf(driver);
      assert.is((await recordings?.summary(patient()))?.fromMs, span.fromMs);
      // A camera that does not say when it recorded has no span that could be shown, and does not fail either.
      assert.equal(await recordings?.find(between, patient()), []);
      assert.match((await recordings?.replayUri('recording_0', patient())) ?? '', /\/replay\/recording_0$/);
    },
    { recordings: [span] },
  );
});

quirk(37, () =>
  withQuirk(
    { freezes: { requests: 30, withinMs: 1_000, forMs: 60_000 } },
    async ({ camera, driver }) => {
      await driver.identify(patient());
      const streams = await driver.streams(patient());
      for (const { profileToken } of streams) await driver.streamUri(profileToken, patient());
      await driver.snapshot?.(streams[0]?.profileToken ?? '', patient());
      const { ptz } = await capabilitiesOf(driver);
      await ptz?.presets?.(patient());
      // It answers every pull at once, the first with its states and all others with nothing: a second lies between those.
      const startedMs = performance.now();
      const listener = await new Listener().open(driver);
      await asked(camera, 'PullMessages', 4);
      const waitedMs = performance.now() - startedMs;
      await driver.clockOffsetMs(patient());
      await listener.close();
      assert.ok(waitedMs >= 1_500, `four pulls within ${waitedMs} ms`);
      assert.is(camera.counters().freezes, 0);
    },
    { longestPullMs: 0 },
  ),
);

test.run();
