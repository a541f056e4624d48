// runner: limit 120s
/** Recordings from folders, seen and exported through a real agent, broker and viewer transport. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as datachannel from 'node-datachannel';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ControlArgs, PlayerState } from '../../agent/contract/footage.js';
import { ExportStatement } from '../../agent/contract/footage.js';
import { verifyStatement } from '../../agent/contract/jws.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { CLIP_MS, clipFile, fillFolder, pathOf } from '../support/footage-clips.js';
import { type FootageNodeViewer, type FootageWish, viewFootage } from '../support/footage-viewer.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { TENANT, TestEmployee } from '../support/people.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';

const start = Math.floor((Date.now() - 3 * 3_600_000) / 60_000) * 60_000;
/** What the second camera keeps itself: two stretches with a gap of half a minute. */
const ON_CAMERA = [
  { fromMs: start, toMs: start + 60_000 },
  { fromMs: start + 90_000, toMs: start + 150_000 },
];

type Without<T> = T extends { readonly session: string } ? Omit<T, 'session'> : never;
type Change = Without<ControlArgs>;

let folder = '';
let site: Site;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-footage-'));
  const names = Array.from({ length: 6 }, (_, index) => start + index * CLIP_MS + (index < 3 ? 0 : 60_000));
  await fillFolder(
    folder,
    names.map((at) => `yard/${pathOf(at)}.mp4`),
    await clipFile('plain'),
  );
  site = await openSite({
    cameras: [{}, { recordings: ON_CAMERA }],
    site: {
      recordings: { folders: [{ root: folder, pattern: '{camera}/%Y-%m-%d/%H/%M.%S.mp4', zone: 'UTC', cameras: { 'cam-1': 'yard' } }] },
    },
  });
});

test.after(async () => {
  await site?.close();
  datachannel.cleanup();
  await rm(folder, { recursive: true, force: true });
});

/** Sends an act and waits for the first picture that belongs to it; how long that took, ms. */
async function act(
  viewer: FootageNodeViewer,
  change: Change,
  client = site.owner.client,
): Promise<{ readonly tookMs: number; readonly state: PlayerState; readonly at: number }> {
  const startedMs = performance.now();
  const state = await client.call('playback.control', { session: viewer.answer.session, ...change } as ControlArgs);
  const word = await until('the picture of this act', () => viewer.words.find((one) => one.t === 'at' && one.n === state.n));
  const first = viewer.pictures.find((picture) => picture.atMs > startedMs && picture.isIntra);
  return { tookMs: (first?.atMs ?? performance.now()) - startedMs, state, at: word.t === 'at' ? word.at : 0 };
}

/** As soon as the recorder takes another open: it makes everybody wait 2 s between two. */
async function view(client: RecorderClient, wish: FootageWish): Promise<FootageNodeViewer> {
  return until('it may be opened', () =>
    viewFootage(client, wish).catch((error: unknown) => {
      if (error instanceof AgentError && /too_(many_opens|soon)$/.test(error.code)) return undefined;
      throw error;
    }),
  );
}

async function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );
}

const places = (viewer: FootageNodeViewer): number[] => viewer.words.flatMap((word) => (word.t === 'at' ? [(word.at - start) / 1000] : []));

test('the timeline tells spans and the gap between them', async () => {
  const { cams, resolutionMs } = await site.owner.client.call('playback.timeline', { cams: ['cam-1'], from: start, to: start + 3_600_000 });
  assert.equal(cams, [{ cam: 'cam-1', spans: [0, 60, 120, 180], motion: [] }]);
  assert.is(resolutionMs, 1_000);
});

test('plays at its own pace, seeks, pauses, steps, runs fast and backwards, and tells the gap', async () => {
  const viewer = await view(site.owner.client, { cam: 'cam-1', at: start + 5_000 });
  try {
    await until('a second of pictures', () => viewer.pictures.length >= 30);
    assert.is(places(viewer)[0], 4, 'from the intra picture before the time');
    assert.ok(viewer.pictures[0]?.isIntra === true);
    const [first, last] = [viewer.pictures[4], viewer.pictures[29]];
    const paceMs = ((last?.atMs ?? 0) - (first?.atMs ?? 0)) / 25;
    assert.ok(paceMs > 30 && paceMs < 60, `a picture every ${paceMs} ms\n`);
    const seeks: number[] = [];
    for (const at of [41_000, 13_000, 150_500, 30_000]) seeks.push((await act(viewer, { act: 'seek', at: start + at })).tookMs);
    process.stdout.write(`seek to first picture, from the command: ${seeks.map(Math.round).join(' ')} ms\n`);
    assert.ok(Math.min(...seeks) < 400);
    const paused = await site.owner.client.call('playback.control', { session: viewer.answer.session, act: 'pause' });
    assert.is(paused.isPlaying, false);
    const stepped = await act(viewer, { act: 'step', by: 1 });
    const again = await act(viewer, { act: 'step', by: 1 });
    assert.is(again.at - stepped.at, 40, 'a step is one picture');
    const back = await act(viewer, { act: 'step', by: -1 });
    assert.is((back.at - start) % 4_000, 0, 'a step back is the intra picture before');
    const after = await act(viewer, { act: 'step', by: 1 });
    assert.is(after.at - back.at, 40, 'and forward again from there');
    const known = viewer.words.length;
    await site.owner.client.call('playback.control', { session: viewer.answer.session, act: 'play' });
    await act(viewer, { act: 'speed', speed: 16 });
    await until('the end', () => viewer.words.slice(known).some((word) => word.t === 'edge'), 20_000);
    const fast = viewer.words.slice(known);
    assert.equal(
      fast.filter((word) => word.t === 'gap'),
      [{ t: 'gap', from: start + 60_000, to: start + 120_000 }],
    );
  } finally {
    viewer.close();
  }
});

test('recordings on the camera itself: replay, seek, 16 times, the gap, nothing stripped off is left', async () => {
  await site.online();
  const { client } = site.owner;
  const { cams } = await client.call('playback.timeline', { cams: ['cam-2'], from: start, to: start + 3_600_000 });
  assert.equal(cams, [{ cam: 'cam-2', spans: [0, 60, 90, 150], motion: [] }]);
  const viewer = await view(client, { cam: 'cam-2', at: start + 20_000 });
  try {
    await until('pictures', () => viewer.pictures.length >= 30);
    const seeks: number[] = [];
    for (const at of [41_000, 13_000, 120_500, 30_000]) seeks.push((await act(viewer, { act: 'seek', at: start + at })).tookMs);
    process.stdout.write(`Profile G: seek to first picture, from the command: ${seeks.map(Math.round).join(' ')} ms\n`);
    assert.ok(Math.min(...seeks) < 600);
    const known = viewer.words.length;
    await act(viewer, { act: 'speed', speed: 16 });
    await until('the end', () => viewer.words.slice(known).some((word) => word.t === 'edge'), 20_000);
    const fast = viewer.words.slice(known);
    const seen = fast.flatMap((word) => (word.t === 'at' ? [word.at] : []));
    assert.equal(seen, [...seen].sort(), 'in order');
    assert.ok(seen.length >= 20, `${seen.length} intra pictures`);
    assert.equal(
      fast.filter((word) => word.t === 'gap'),
      [{ t: 'gap', from: start + 60_000, to: start + 90_000 }],
    );
    const back = viewer.words.length;
    await client.call('playback.control', { session: viewer.answer.session, act: 'reverse', isReverse: true });
    await client.call('playback.control', { session: viewer.answer.session, act: 'play' });
    await until('the beginning', () => viewer.words.slice(back).some((word) => word.t === 'edge' && word.why === 'begin'), 20_000);
    const backwards = viewer.words.slice(back).flatMap((word) => (word.t === 'at' ? [-word.at] : []));
    assert.equal(
      backwards,
      [...backwards].sort((one, other) => one - other),
      'backwards in order',
    );
    assert.is(viewer.hasExtensions, false);
  } finally {
    viewer.close();
  }
});

test('a permission shows its cameras and its time only, and its withdrawal ends playing at once', async () => {
  const { owner } = site;
  const employee = await TestEmployee.make('Example Security', { name: 'Eva Example', email: 'eva@example.org' });
  const footage = { from: start + 120_000, to: start + 140_000 };
  const statement = await owner.signGrant(employee.org, ['playback'], { cams: ['cam-2'], footage });
  employee.grantId = (await owner.client.call('permissions.grant', { grant: statement, application: null })).id;
  const transport = new MqttTransport(site.broker.url);
  await transport.whenOnline();
  const client = new RecorderClient({
    transport,
    scope: { tenant: TENANT, serial: site.agent.serial },
    identity: employee,
    deviceKey: owner.paired.deviceKey,
  });
  await client.start();
  try {
    const { cams } = await client.call('playback.timeline', { cams: null, from: start, to: start + 3_600_000 });
    assert.equal(cams, [{ cam: 'cam-2', spans: [120, 140], motion: [] }]);
    for (const at of [start + 20_000, start + 141_000])
      assert.is(await refusal(view(client, { cam: 'cam-2', at })), 'playback.outside_footage');
    assert.is(await refusal(view(client, { cam: 'cam-1', at: start + 121_000 })), 'permissions.other_camera');
    const viewer = await view(client, { cam: 'cam-2', at: start + 121_000, isPlaying: false });
    try {
      await until('pictures', () => viewer.pictures.length >= 1);
      assert.is(await refusal(act(viewer, { act: 'pause' })), 'playback.no_such_session', 'not even the owner steers it');
      assert.is(await refusal(act(viewer, { act: 'seek', at: start + 100_000 }, client)), 'playback.outside_footage');
      const control = (change: Change) => client.call('playback.control', { session: viewer.answer.session, ...change } as ControlArgs);
      await control({ act: 'speed', speed: 16 });
      await control({ act: 'play' });
      await until('the bound', () => viewer.words.some((word) => word.t === 'edge'));
      assert.equal(
        viewer.words.filter((word) => word.t === 'edge').map((word) => word.t === 'edge' && word.why),
        ['permission'],
      );
      const shown = viewer.words.flatMap((word) => (word.t === 'at' ? [word.at] : []));
      assert.ok(Math.min(...shown) >= footage.from && Math.max(...shown) <= footage.to, `${Math.min(...shown)} ${Math.max(...shown)}`);
      await act(viewer, { act: 'seek', at: start + 122_000 }, client);
      await control({ act: 'speed', speed: 0.25 });
      await control({ act: 'play' });
      await until('pictures again', () => viewer.pictures.length >= 20);
      const receipt = await owner.withdraw([employee.grantId]);
      const after = viewer.pictures.length;
      assert.ok(JSON.stringify(receipt).includes(viewer.answer.session), JSON.stringify(receipt));
      await until(
        'the viewer is told',
        () => viewer.ended?.code === 'permissions.withdrawn' || viewer.ended?.code === 'playback.withdrawn',
      );
      assert.is(viewer.pictures.length, after, 'no picture after the receipt');
      assert.ok((viewer.ended?.bytes ?? 0) > 0 && (viewer.ended?.from ?? 0) >= footage.from);
    } finally {
      viewer.close();
    }
  } finally {
    client.close();
    await transport.close();
  }
});

test('an export is a whole mp4 with the recorder’s word for it, and nothing of it is written on the recorder', async () => {
  const { client } = site.owner;
  const viewer = await view(client, { cam: 'cam-1', from: start + 45_000, to: start + 130_000 });
  try {
    const word = await until('the file', () => viewer.words.find((one) => one.t === 'file'), 30_000);
    if (word.t !== 'file') throw new RangeError('no file');
    const file = Buffer.concat(viewer.pieces);
    assert.is(file.length, word.bytes);
    assert.is(createHash('sha256').update(file).digest('hex'), word.sha256);
    const key = client.status?.key ?? { kty: 'EC', crv: 'P-256', x: '', y: '' };
    const said = await verifyStatement(word.statement, 'export+jws', key, ExportStatement);
    assert.is(said.sha256, word.sha256);
    assert.equal(said.gaps, [[start + 60_000, start + 120_000]]);
    assert.is(said.from, start + 44_000);
    const path = join(folder, word.name);
    await writeFile(path, file);
    const { stdout } = await promisify(execFile)('ffprobe', [
      '-v',
      'error',
      '-count_frames',
      '-show_entries',
      'stream=codec_name,width,height,nb_read_frames',
      '-of',
      'csv=p=0',
      path,
    ]);
    assert.is(stdout.trim(), 'h264,320,180,650');
    await until('its end', () => viewer.ended?.code === 'playback.finished');
  } finally {
    viewer.close();
  }
  const { rows } = await client.call('log.list', { beforeSeq: null, limit: 20, action: 'playback.' });
  const told = rows.find((row) => row.action === 'playback.copy' && row.phase === 'result');
  assert.is(told?.channel, 'cam-1');
  assert.ok((told?.bytes ?? 0) >= viewer.bytes, 'the log knows how much left');
  assert.equal((told?.detail as { readonly after?: unknown } | undefined)?.after, { from: start + 44_000, to: start + 129_960 });
});

test('a viewer that vanishes without a word is gone after 15 s', async () => {
  const viewer = await view(site.owner.client, { cam: 'cam-1', at: start + 5_000, isPlaying: false });
  try {
    await until('the picture', () => viewer.pictures.length >= 1);
    viewer.fallSilent();
    const startedMs = performance.now();
    await until('its end', () => viewer.ended?.code === 'playback.viewer_gone', 20_000);
    assert.ok(performance.now() - startedMs < 16_500);
  } finally {
    viewer.close();
  }
});

test.run();
