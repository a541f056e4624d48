// runner: limit 90s
/** Somebody sits between viewer and recorder, with every cable in his hand. What the driver alone does then is in dtls-peer.test.ts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as datachannel from 'node-datachannel';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sdpFingerprint } from '../../scripts/portal/client/sdp-fingerprint.js';
import { Eyes } from '../support/eyes.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';
import { App, asOrganisation, codeOf, newCompany, Person } from './attack-rig.js';
import { count, endViewer, fingerprintOf, type KeyPair, makeKeyPair, newViewer, nothingSeen, type Seen } from './dtls-rig.js';

interface World {
  folder: string;
  eyes: Eyes;
  site: Site;
  app: App;
  opens: number;
}

const test = suite<World>('video in the middle');

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-middle-'));
  world.eyes = new Eyes(world.folder);
  world.opens = 0;
  world.site = await openSite({ agent: world.eyes.start });
  const { owner } = world.site;
  const company = await newCompany();
  const person = await Person.of(company, await owner.grant(asOrganisation(company), ['live-view']));
  world.app = await App.of(world.site, person);
  await world.site.online();
});

test.after(async ({ site, folder }) => {
  await App.leaveAll();
  await site?.close();
  await rm(folder, { recursive: true, force: true });
  // The one that answers keeps callbacks after close in 0.33.4, and with them the process.
  datachannel.cleanup();
});

/** One picture may be opened every two seconds: the recorder is made to think that they have gone by. */
const nextOpen = (world: World): void => {
  world.opens += 1;
  world.eyes.shiftClocks(0, world.opens * 2_500);
};

const keys = makeKeyPair();
const otherKeys = makeKeyPair();

async function open(world: World, sdp: string, fp = sdpFingerprint(sdp) ?? '') {
  nextOpen(world);
  await new Promise((resolve) => setTimeout(resolve, 20));
  return world.app.call('live.open', { cam: 'cam-1', stream: 'main', maxS: 60, sdp, fp });
}

async function offerOf(viewer: ReturnType<typeof newViewer>): Promise<string> {
  await viewer.setLocalDescription(await viewer.createOffer());
  return `${viewer.localDescription?.sdp}`;
}

test('Video in the middle: an offer whose fingerprint is not the signed one, or that has two, a weak or no one, opens nothing', async (world) => {
  const viewer = newViewer(keys);
  const offer = await offerOf(viewer);
  const [print, other] = [fingerprintOf(keys.certPem), fingerprintOf(otherKeys.certPem)];
  const signed = `sha-256 ${print}`;
  const line = /a=fingerprint:\S+ \S+/g;
  const attacks: readonly [what: string, sdp: string][] = [
    ['another one', offer.replace(line, `a=fingerprint:sha-256 ${other}`)],
    ['a second one', offer.replace('a=setup:', `a=fingerprint:sha-256 ${other}\r\na=setup:`)],
    ['a second one before the media', offer.replace('t=0 0', `t=0 0\r\na=fingerprint:sha-256 ${other}`)],
    ['sha-1 beside it', offer.replace('a=setup:', `a=fingerprint:sha-1 ${print.slice(0, 59)}\r\na=setup:`)],
    ['sha-1 alone', offer.replace(line, `a=fingerprint:sha-1 ${print.slice(0, 59)}`)],
    ['none', offer.replace(/a=fingerprint:\S+ \S+\r\n/g, '')],
    ['a made-up role', offer.replaceAll(/a=setup:\w+/g, 'a=setup:holdconn')],
  ];
  for (const [what, sdp] of attacks) assert.is(await codeOf(open(world, sdp, signed)), 'live.bad_offer', what);
  assert.is((await world.site.status()).watching, 0);
  assert.is(world.site.cameras[0]?.counters().mediaBytes, 0);
  await endViewer(viewer);
});

/** A viewer that answers the handshake with these keys, whatever certificate the signed offer names; waits until it is through, or `limitMs`. */
async function meetRecorder(world: World, held: KeyPair, named: string, limitMs: number): Promise<Seen> {
  const viewer = newViewer(held);
  const seen = nothingSeen();
  try {
    const offer = (await offerOf(viewer)).replace(/a=fingerprint:\S+ \S+/g, `a=fingerprint:sha-256 ${named}`);
    const answer = await open(world, offer.replaceAll('a=setup:actpass', 'a=setup:active'));
    count(viewer, seen);
    await viewer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    await until('pictures come', () => seen.received > 20, limitMs).catch(() => undefined);
    await world.app.call('live.close', { session: answer.session });
    return { ...seen };
  } finally {
    await endViewer(viewer);
  }
}

test('Video in the middle: who shows another certificate than the signed one, or has not its key, gets no picture', async (world) => {
  const print = fingerprintOf(keys.certPem);
  const honest = await meetRecorder(world, keys, print, 10_000);
  assert.ok(honest.received > 20 && honest.media > 20, `positive control: ${JSON.stringify(honest)}`);
  const attacks: readonly [what: string, held: KeyPair][] = [
    ['another certificate', otherKeys],
    ['the certificate without its key', { certPem: keys.certPem, keyPem: otherKeys.keyPem }],
  ];
  for (const [what, held] of attacks) {
    const seen = await meetRecorder(world, held, print, 1_500);
    assert.ok(seen.handshakes > 0, `${what}: it was tried`);
    assert.equal([seen.received, seen.media], [0, 0], what);
  }
});

/** Both descriptions in full, with every candidate in them. */
function described(peer: datachannel.PeerConnection): Promise<string> {
  return new Promise((resolve) => {
    peer.onGatheringStateChange((state) => {
      if (state === 'complete') resolve(peer.localDescription()?.sdp ?? '');
    });
    peer.setLocalDescription();
  });
}

/** A viewer, and somebody who answers in the recorder's place. `claim` is the fingerprint that the viewer was told to expect; undefined: his own. */
async function answeredByAnother(claim: string | undefined): Promise<string> {
  const options = { iceServers: [], bindAddress: '127.0.0.1' };
  const [viewer, middle] = [new datachannel.PeerConnection('viewer', options), new datachannel.PeerConnection('middle', options)];
  let state = 'new';
  viewer.onStateChange((next) => {
    state = next;
  });
  const video = new datachannel.Video('video', 'RecvOnly');
  video.addH264Codec(102);
  const track = viewer.addTrack(video);
  track.onClosed(() => undefined);
  const theirs: datachannel.Track[] = [];
  middle.onTrack((one) => {
    one.onClosed(() => undefined);
    theirs.push(one);
  });
  try {
    const offer = await described(viewer);
    const answered = new Promise<string>((resolve) => {
      middle.onGatheringStateChange((next) => {
        if (next === 'complete') resolve(middle.localDescription()?.sdp ?? '');
      });
    });
    middle.setRemoteDescription(offer, 'offer');
    const answer = await answered;
    viewer.setRemoteDescription(
      claim === undefined ? answer : answer.replace(/a=fingerprint:\S+ \S+/g, `a=fingerprint:${claim}`),
      'answer',
    );
    await until('it is through or given up', () => ['connected', 'failed', 'closed'].includes(state), 4_000).catch(() => undefined);
    return state;
  } finally {
    for (const one of [track, ...theirs]) one.close();
    viewer.close();
    middle.close();
  }
}

test('Video in the middle: somebody who answers in the recorder’s place is not taken for it, and the viewer shows a failure', async () => {
  assert.is(await answeredByAnother(undefined), 'connected', 'positive control');
  const recorder = `sha-256 ${fingerprintOf(keys.certPem)}`;
  assert.match(await answeredByAnother(recorder), /^(failed|closed)$/);
});

test.run();
