// runner: mostly waits, limit 150s
/** What is broken outside stays outside: bad cameras, bad messages, no broker. Everything else goes on, and each says what is wrong. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signStatement } from '../../agent/contract/jws.js';
import { newId } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { newSigningKey } from '../../scripts/portal/client/keys.js';
import { type NodeViewer, watchInNode } from '../support/node-viewer.js';
import { TENANT } from '../support/people.js';
import { type Letter, type LetterParts, makeCommand, makeLetter, post, sealLetter } from '../support/raw-letters.js';
import { type LocalStatus, openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';

/** The cameras in the order of their channels. */
const CAMERAS = [{}, { password: 'other' }, { goneOffline: true }, { slowMs: 10_500 }, { streamScheme: 'http' }, {}];
const [GOOD, PASSWORD, GONE, SLOW, SCHEME, LEAVING] = ['cam-1', 'cam-2', 'cam-3', 'cam-4', 'cam-5', 'cam-6'] as const;
/** What each bad one says. */
const REASONS = [
  [PASSWORD, 'cameras.wrong_password', 'refuses the password'],
  [GONE, 'cameras.gone', 'Nothing answers'],
  [SLOW, 'cameras.slow', 'does not answer within 10 s'],
  [SCHEME, 'cameras.bad_stream_address', '"http"'],
] as const;

const test = suite<{ site: Site; letters: LetterParts; viewer?: NodeViewer }>('bad input');

test.before(async (world) => {
  world.site = await openSite({ cameras: CAMERAS });
  const { owner, transport } = world.site;
  world.letters = { transport, client: owner.client, signer: owner.key.signer };
});

test.after(async ({ site, viewer }) => {
  viewer?.close();
  await site?.close();
});

const codeOf = async (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );

const cameraOf = (status: LocalStatus, id: string) => status.cameras.find((camera) => camera.id === id);

/** For asking over the relay until an answer changes: the recorder takes 10 commands a second from one person. */
function everyThird(): () => boolean {
  let lastMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - lastMs < 333) return false;
    lastMs = performance.now();
    return true;
  };
}

/** The code with which the owner's wish to watch is judged; one open per viewer and 2 s is taken. */
function judgedOpen(site: Site, id: string): Promise<string> {
  const isDue = everyThird();
  return until('the open is judged', async () => {
    if (!isDue()) return undefined;
    const code = await codeOf(watchInNode(site.owner.client, id));
    return code === 'live.too_soon' || code === 'live.too_many_opens' ? undefined : code;
  });
}

/** How long the owner waits for the list of cameras. */
async function askedMs(site: Site): Promise<number> {
  const startedMs = performance.now();
  await site.owner.client.call('site.get', {});
  return performance.now() - startedMs;
}

test('wrong password, gone, slow, another scheme: each says so on its camera, while another plays and questions are answered', async (world) => {
  const { site } = world;
  await until('the good camera is online', async () => cameraOf(await site.status(), GOOD)?.state === 'online');
  world.viewer = await watchInNode(site.owner.client, GOOD);
  await world.viewer.firstPacket();
  let longestMs = 0;
  const isDue = everyThird();
  const seen = await until(
    'every camera has its reason',
    async () => {
      if (isDue()) longestMs = Math.max(longestMs, await askedMs(site));
      const status = await site.status();
      return REASONS.every(([id, code]) => cameraOf(status, id)?.reason?.code === code) && status;
    },
    60_000,
  );
  assert.ok(longestMs < 2_000, `a question waited ${longestMs} ms`);
  for (const [id, , words] of REASONS) {
    assert.match(cameraOf(seen, id)?.reason?.say ?? '', words);
    assert.ok((cameraOf(seen, id)?.reason?.fix.length ?? 0) > 10, id);
  }
  await until('the last good one is online too', async () => cameraOf(await site.status(), LEAVING)?.state === 'online');
  assert.is(cameraOf(await site.status(), GOOD)?.state, 'online');
  assert.ok(performance.now() - (world.viewer.lastPacketMs ?? 0) < 1_000, 'the good camera still plays');
});

test('a picture of a bad camera is refused with the reason, and nothing is fetched from an address of another scheme', async (world) => {
  const { site, viewer } = world;
  for (const [id] of REASONS) assert.match(await judgedOpen(site, id), /^live\.(camera_unavailable|camera_gone)$/, id);
  for (const camera of site.cameras.slice(1, 5)) assert.is(camera.counters().connections, 0);
  assert.is(viewer?.ended, undefined);
  assert.ok(performance.now() - (viewer?.lastPacketMs ?? 0) < 1_000, 'the good camera still plays');
});

test('a camera that goes while it is watched ends that picture with a reason, and no other', async ({ site, viewer }) => {
  const isDue = everyThird();
  const second = await until('a second picture opens', () =>
    isDue() ? watchInNode(site.owner.client, LEAVING).catch(() => undefined) : undefined,
  );
  try {
    await second.firstPacket();
    site.cameras[5]?.set({ goneOffline: true });
    await until('its viewer is told', () => second.ended !== undefined, 20_000);
    assert.is(second.ended?.code, 'live.camera_gone');
  } finally {
    second.close();
  }
  assert.is(viewer?.ended, undefined);
  assert.ok(performance.now() - (viewer?.lastPacketMs ?? 0) < 1_000, 'the other still plays');
});

test('cameras that answer again are used again by themselves', async ({ site }) => {
  site.cameras[2]?.set({ goneOffline: false });
  site.cameras[3]?.set({ slowMs: 0 });
  await until(
    'gone and slow are online',
    async () => {
      const status = await site.status();
      return [GONE, SLOW].every((id) => cameraOf(status, id)?.state === 'online');
    },
    40_000,
  );
});

/** Wrong messages by the code they are refused with; each is sent three times. */
async function badMessages(letters: LetterParts): Promise<Record<string, () => Promise<void>>> {
  const scope = { tenant: TENANT, serial: letters.client.status?.dev ?? '' };
  const stranger = await newSigningKey();
  // Says that it is the owner's key.
  const forger = { ...stranger.signer, kid: letters.signer.kid };
  const send = (topic: string, payload: string) => letters.transport.publish(topic, payload);
  const posted = (made: Promise<Letter>) => made.then((letter) => post(letters, letter));
  const none = `${Buffer.from('{"alg":"none","typ":"cmd+jws"}').toString('base64url')}.e30.`;
  const pairing = JSON.stringify({ v: 1, sid: newId(), surprise: true });
  const replayed = await makeLetter(letters);
  await post(letters, replayed);
  return {
    'message.unknown_topic': () => send(topics.command(scope, newId()).replace('/cmd/', '/firmware/'), 'hello'),
    'seal.broken': () => send(topics.command(scope, newId()), 'neither sealed nor signed'),
    'message.malformed': () => send(topics.pairDown(scope, newId()), '{"v":1,'),
    'message.invalid': () => send(topics.pairDown(scope, newId()), pairing),
    'signature.header': () => posted(sealLetter(letters, newId(), none)),
    'signature.invalid': () => posted(makeLetter({ ...letters, signer: forger })),
    'permissions.not_owner': async () => {
      const command = await makeCommand(letters, { op: 'log.list', args: { beforeSeq: null, limit: 1 } });
      await posted(signStatement('cmd+jws', command, stranger.signer).then((signed) => sealLetter(letters, command.id, signed)));
    },
    'command.stale_boot': () => posted(makeLetter(letters, { boot: newId() })),
    'command.replayed': () => post(letters, replayed),
    'command.unknown': () => posted(makeLetter(letters, { op: 'recorder.explode' })),
    'command.other_recorder': () => posted(makeLetter(letters, { dev: 'SLAAAAAAAA' })),
  };
}

test('bad messages are refused and counted, told in the log once a minute per kind, and good ones are answered', async ({
  site,
  letters,
}) => {
  const before = (await site.status()).refusedMessages;
  const logBefore = site.agent.log.length;
  const bad = await badMessages(letters);
  // The broker was told what the agent takes at most (MQTT 5): this one never arrives, and nothing behind it is lost.
  const tooLarge = topics.command({ tenant: TENANT, serial: site.agent.serial }, newId());
  await letters.transport.publish(tooLarge, 'x'.repeat(65_537));
  for (let round = 0; round < 3; round += 1) for (const send of Object.values(bad)) await send();
  const counted = await until('all are counted', async () => {
    const { refusedMessages } = await site.status();
    const sum = Object.keys(bad).map((code) => (refusedMessages[code] ?? 0) - (before[code] ?? 0));
    return sum.every((count) => count >= 3) && refusedMessages;
  }).catch(async () => (await site.status()).refusedMessages);
  assert.equal(
    Object.fromEntries(Object.keys(bad).map((code) => [code, (counted[code] ?? 0) - (before[code] ?? 0)])),
    Object.fromEntries(Object.keys(bad).map((code) => [code, 3])),
  );
  const lines = site.agent.log.slice(logBefore).map((line) => JSON.parse(line) as { kind?: string; message: string });
  for (const code of Object.keys(bad)) assert.is(lines.filter((line) => line.kind === code).length, 1, code);
  assert.ok((await askedMs(site)) < 2_000);
});

test('without its broker the agent goes on locally, and it comes back by itself', async ({ site }) => {
  const soapBefore = site.cameras[0]?.counters().soapRequests ?? 0;
  await site.broker.kill();
  await until('the agent notices', async () => (await site.status()).isCloudConnected === false, 5_000);
  await until('the camera is still looked after', () => (site.cameras[0]?.counters().soapRequests ?? 0) > soapBefore, 40_000);
  assert.is(cameraOf(await site.status(), GOOD)?.state, 'online');
  await site.broker.restart();
  await until('the agent is back', async () => (await site.status()).isCloudConnected, 15_000);
  await site.transport.whenOnline();
  assert.ok((await askedMs(site)) < 5_000);
  assert.is(site.owner.client.status?.state, 'online');
});

test.run();
