// runner: limit 180s
/**
 * The relay is the attacker's, with all its tokens, and the TURN server too. It reads, keeps, replays, delays, drops and makes up what it likes,
 * between a real recorder and the apps of its owner and of an employee. It gets no frame, nothing is done but what these two did, and their apps
 * say what they do not get.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signStatement } from '../../agent/contract/jws.js';
import { newId, utf8 } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { newSigningKey } from '../../scripts/portal/client/keys.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { asAnnexB, decodedFrames } from '../support/decoded-frames.js';
import type { PassedLetter, Treatment } from '../support/hostile-relay.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { type NodeViewer, watchInNode } from '../support/node-viewer.js';
import { openUdpMiddle, type UdpMiddle } from '../support/udp-middle.js';
import { until } from '../support/until.js';
import { forgeries } from './hostile-relay-forgeries.js';
import { World } from './hostile-relay-world.js';

interface Context {
  world: World;
  middle: UdpMiddle;
  viewers: NodeViewer[];
}

const test = suite<Context>('hostile relay');

test.before(async (context) => {
  context.viewers = [];
  context.middle = await openUdpMiddle();
  context.world = await World.open();
  const { owner, employee, done } = context.world;
  employee.grantId = await owner.grant(employee.org, ['live-view', 'remote-configuration']);
  await context.world.online();
  done.push(...(await context.world.acts()));
  assert.equal(done, ['pairing.consent olivia@example.org', 'permissions.grant olivia@example.org']);
});

test.after(async ({ world, middle, viewers }) => {
  for (const viewer of viewers) viewer.close();
  await world?.close();
  await middle.close();
});

async function codeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return 'answered';
  } catch (error) {
    if (error instanceof AgentError) return error.code;
    throw error;
  }
}

const isDown = ({ topic }: PassedLetter): boolean => topic.includes('/down/');
const isReply = ({ topic }: PassedLetter): boolean => topic.includes('/up/reply/');
const dropping =
  (...which: ((letter: PassedLetter) => boolean)[]): Treatment =>
  (letter) =>
    which.some((is) => is(letter)) ? 'drop' : 'pass';

/** How many letters the recorder has turned away. */
async function refused(world: World): Promise<number> {
  return Object.values((await world.status()).refusedMessages).reduce((sum, count) => sum + count, 0);
}

/** Everything is let loose again, and every letter of it is turned away, but for so many that the recorder has never seen and that are not old. */
async function replayed(world: World, captured: readonly PassedLetter[], what: string, fresh = 0): Promise<void> {
  const before = await refused(world);
  const sent = captured.filter(({ payload }) => payload.length > 0);
  for (const { topic, payload } of sent) await world.relay.publish(topic, payload);
  // What belongs to a pairing is answered, with a refusal, and not counted.
  const counted = sent.filter(({ topic }) => topic.includes('/cmd/')).length - fresh;
  await until(`${what}: all ${counted} are judged`, async () => (await refused(world)) - before >= counted);
}

test('Hostile relay: positive control, the employee sees the picture through it; of all that passed it and the TURN server, 0 frames can be decoded', async ({
  world,
  middle,
}) => {
  const { relay, app, done } = world;
  const packets: Buffer[] = [];
  await world.nextOpen();
  const viewer = await watchInNode(app, 'cam-1', { route: middle.route, onPacket: (packet) => void packets.push(packet) });
  await until('some seconds of picture have come', () => viewer.packets > 150, 20_000);
  // The TURN server says it all once more: what was heard is not heard again.
  const told = middle.media.slice(0, 60);
  for (const datagram of told) await middle.inject(datagram);
  const last = viewer.packets;
  await until('the picture goes on', () => viewer.packets > last + 20);
  const numbers = packets.map((packet) => packet.readUInt16BE(2));
  assert.is(new Set(numbers).size, numbers.length, 'no packet twice');
  assert.ok(middle.media.length > viewer.packets, 'all went through the TURN server');
  await app.call('live.close', { session: viewer.answer.session });
  viewer.close();
  done.push('live.open dana@example.org', 'live.close dana@example.org');
  const seen = new Set(await decodedFrames(asAnnexB(packets)));
  assert.ok(seen.size > 10, `the employee has ${seen.size} different frames`);
  const letters = relay.letters.map(({ payload }) => payload);
  const opened = letters.flatMap((letter) => letter.toString('latin1').split('.')).map((part) => Buffer.from(part, 'base64url'));
  const kept = { datagrams: Buffer.concat(middle.datagrams), letters: Buffer.concat([...letters, ...opened]) };
  // Of noise ffmpeg may make a picture too; it is none that anybody has seen.
  for (const bytes of [asAnnexB(middle.media), kept.datagrams, kept.letters])
    assert.equal(
      (await decodedFrames(bytes)).filter((frame) => seen.has(frame)),
      [],
    );
  const inside = packets.filter(({ length }) => length > 100).map((packet) => packet.subarray(60, 76));
  assert.ok(inside.length > 50);
  assert.equal(
    inside.filter((piece) => kept.datagrams.includes(piece) || kept.letters.includes(piece)),
    [],
    'not 16 bytes of it',
  );
});

test('Hostile relay: there is nothing in a letter that it could rewrite: no fingerprint, no address of ICE, no name, no permission', ({
  world,
}) => {
  const { letters } = world.relay;
  assert.ok(letters.filter(isDown).length > 5 && letters.filter(isReply).length > 3);
  const secrets = ['a=fingerprint', 'sha-256 ', 'candidate:', 'ice-ufrag', 'live-view', 'cam-1', 'Olivia', 'dana@', 'Corner shop'];
  for (const text of secrets) {
    const wanted = Buffer.from(utf8(text));
    const found = letters.filter(({ payload }) => {
      const parts = payload.toString('latin1').split('.');
      return payload.includes(wanted) || parts.some((part) => Buffer.from(part, 'base64url').includes(wanted));
    });
    assert.equal(
      found.map(({ topic }) => topic),
      [],
      text,
    );
  }
});

test('Hostile relay: a changed letter opens nothing, wherever it was changed', async ({ world }) => {
  const commands = world.relay.letters.filter(({ topic }) => topic.includes('/down/cmd/'));
  const changed = commands.flatMap(({ topic, payload }, at) =>
    [0, 1, 2, 3].map((part) => {
      const copy = Buffer.from(payload);
      const place = (at * 7 + Math.floor((copy.length * part) / 4)) % copy.length;
      copy[place] = copy[place] === 65 ? 66 : 65;
      return { topic, payload: copy, retain: false };
    }),
  );
  assert.ok(changed.length > 15);
  await replayed(world, changed, 'changed');
  assert.equal(await world.acts(), world.done);
});

test('Hostile relay: what it has kept, what it makes up and what it signs itself does nothing, and both people are still served', async ({
  world,
}) => {
  const { relay, owner, transport, employee, app, done } = world;
  const before = await owner.permissions();
  await replayed(world, relay.letters.filter(isDown), 'replayed');
  const forged = await forgeries({ relay, owner, transport, grantId: employee.grantId ?? '' });
  assert.ok(forged.length > 40);
  for (const { what, topic, text } of forged) {
    const count = await refused(world);
    await relay.publish(topic, text);
    await until(`${what} is refused`, async () => (await refused(world)) > count);
  }
  assert.equal(await world.acts(), done);
  const after = await owner.permissions();
  assert.equal({ ...after, now: 0 }, { ...before, now: 0 }, 'the same owner, devices, permissions and epoch');
  assert.is(await codeOf(app.call('config.get', {})), 'answered');
  done.push('config.get dana@example.org');
  assert.equal(await world.acts(), done);
});

test('Hostile relay: answers and states that it sends in the recorder’s place are believed by nobody, and the app says that nothing came', async ({
  world,
}) => {
  const { relay, app, owner, scope } = world;
  const known = app.status;
  const fake = await newSigningKey();
  const states = [
    await signStatement('status+jws', { ...known, key: fake.publicKey, seal: fake.publicKey }, fake.signer),
    await signStatement('status+jws', { ...known, seal: fake.publicKey }, { ...fake.signer, kid: owner.paired.deviceKey }),
    await signStatement(
      'status+jws',
      { ...known, boot: newId(), at: Date.now() + 60_000 },
      { ...fake.signer, kid: owner.paired.deviceKey },
    ),
  ];
  for (const state of states) await relay.publish(topics.status(scope), state, true);
  const earlier = relay.letters.filter(isReply);
  const answers: readonly [what: string, treatment: Treatment][] = [
    ['an earlier answer', (letter) => (isReply(letter) ? (earlier[0]?.payload ?? 'drop') : 'pass')],
    ['a changed one', (letter) => (isReply(letter) ? Buffer.from(letter.payload.toString('latin1').replace(/.$/, 'x_')) : 'pass')],
    ['one that it signed', (letter) => (isReply(letter) ? Buffer.from(states[0] ?? '') : 'pass')],
    ['none', dropping(isReply)],
    ['none, because the question never came', dropping(isDown)],
  ];
  for (const [what, treatment] of answers)
    assert.is(await relay.while(treatment, () => codeOf(app.call('config.get', {}, { timeoutMs: 400 }))), 'client.timeout', what);
  assert.equal({ ...app.status, at: 0, up: 0 }, { ...known, at: 0, up: 0 });
  // An app that comes new and is shown nothing but these.
  const transport = new MqttTransport(relay.url);
  const newcomer = new RecorderClient({ transport, scope, identity: world.employee, deviceKey: owner.paired.deviceKey });
  await newcomer.start();
  assert.is(await codeOf(newcomer.call('config.get', {})), 'client.unreachable');
  newcomer.close();
  await transport.close();
});

test('Hostile relay: an answer with another picture in it cannot be made; a changed one shows no picture, and the app says so', async ({
  world,
}) => {
  const { relay, app, done } = world;
  await world.nextOpen();
  const middle = await openUdpMiddle();
  const changed: Treatment = (letter) => (isReply(letter) ? Buffer.from(`${letter.payload.toString('latin1').slice(0, -4)}AAAA`) : 'pass');
  const options = { route: middle.route, timeoutMs: 1_500 };
  assert.is(await relay.while(changed, () => codeOf(watchInNode(app, 'cam-1', options))), 'client.timeout');
  assert.is(middle.datagrams.length, 0);
  await middle.close();
  // The question was the employee's own, and the log says who asked.
  done.push('live.open dana@example.org');
});

test('Hostile relay: a command that it keeps for half a minute and lets loose then is not done', async ({ world }) => {
  const { relay, app, done, owner } = world;
  const { version, recorderName } = await owner.client.call('config.get', {});
  const from = relay.letters.length;
  const rename = { base: version, patch: { recorderName: 'Let loose' } };
  assert.is(await relay.while(dropping(isDown), () => codeOf(app.call('config.apply', rename, { timeoutMs: 400 }))), 'client.timeout');
  const held = relay.letters.slice(from).filter(isDown);
  assert.is(held.length, 1);
  await world.wait(31_000);
  const before = (await world.status()).refusedMessages['command.too_old'] ?? 0;
  await replayed(world, held, 'kept back');
  assert.is((await world.status()).refusedMessages['command.too_old'], before + 1);
  assert.is((await owner.client.call('config.get', {})).recorderName, recorderName);
  // Positive control: what is not kept back is done.
  await app.call('config.apply', { ...rename, patch: { recorderName: 'Named by Dana' } });
  done.push('config.apply dana@example.org');
  assert.equal(await world.acts(), done);
});

test('Hostile relay: hiding a withdrawal lasts until the permission runs out, the owner is told, and on the spot it cannot be hidden', async ({
  world,
  middle,
  viewers,
}) => {
  const { relay, owner, employee, app, done } = world;
  const hide = async (): Promise<void> => {
    const { epoch } = await owner.permissions();
    const statement = await owner.withdrawal('all', epoch);
    await relay.while(dropping(isDown), async () => {
      assert.is(await codeOf(owner.client.call('permissions.withdraw', { statement }, { timeoutMs: 400 })), 'client.timeout');
      await world.transport.publish(topics.withdraw(world.scope, newId()), statement);
    });
  };
  await hide();
  assert.is(await codeOf(app.call('config.get', {})), 'answered', 'until then nobody at the recorder can know');
  await world.wait(600_000);
  assert.is(await codeOf(app.call('config.get', {})), 'permissions.expired');
  employee.grantId = await owner.grant(employee.org, ['live-view', 'remote-configuration']);
  const viewer = await watchInNode(app, 'cam-1', { route: middle.route });
  viewers.push(viewer);
  await viewer.firstPacket();
  await hide();
  await world.withdrawOnSite();
  assert.is((await world.status()).watching, 0);
  const atMs = performance.now();
  done.push('permissions.grant olivia@example.org', 'live.open dana@example.org', 'permissions.withdraw local/local');
  await until('half a second has gone by', () => performance.now() - atMs > 500);
  assert.ok((viewer.lastPacketMs ?? 0) - atMs < 250, 'nothing came any more');
  // The owner's word that was hidden comes at last: everything that it took back is gone already.
  await replayed(world, relay.letters.filter(isDown), 'the hidden withdrawals and the grant', 1);
  await until('the owner reads that it came too late', async () => {
    const { rows } = await owner.client.call('log.list', { beforeSeq: null, limit: 20, action: 'permissions.withdraw' });
    return rows[0]?.result === 'refused' && rows[0].code === 'permissions.stale_withdrawal';
  });
  assert.is(await codeOf(app.call('config.get', {})), 'permissions.withdrawn');
  assert.is(await codeOf(watchInNode(app)), 'permissions.withdrawn');
  assert.equal(await world.acts(), done);
});

test('Hostile relay: after a restart everything that it ever kept is worth nothing; when it hides the new start, the app says so', async ({
  world,
}) => {
  const { relay, app, owner, done, scope } = world;
  const boot = owner.client.status?.boot;
  const states = relay.letters.filter(({ topic }) => topic === topics.status(scope));
  const { epoch } = await owner.permissions();
  const isState = ({ topic }: PassedLetter): boolean => topic === topics.status(scope);
  await relay.while(dropping(isState), async () => {
    await world.powerCut();
    await until('the recorder is back', async () => (await world.status()).isCloudConnected);
    assert.is(await codeOf(owner.client.call('permissions.list', {}, { timeoutMs: 2_000 })), 'command.stale_boot');
  });
  await replayed(world, relay.letters.filter(isDown), 'of before the restart');
  await relay.publish(topics.status(scope), states.at(-1)?.payload ?? '', true);
  await relay.publish(topics.status(scope), relay.letters.findLast(isState)?.payload ?? '', true);
  await until('the apps see the new start', () => owner.client.status?.state === 'online' && owner.client.status.boot !== boot);
  for (const state of states) await relay.publish(topics.status(scope), state.payload);
  assert.is((await owner.permissions()).epoch, epoch);
  assert.is.not(owner.client.status?.boot, boot, 'no state of before comes back');
  assert.match(await codeOf(app.call('config.get', {})), /^permissions\./);
  assert.equal(await world.acts(), done, 'of everything in the log, all was done by the two of them');
  assert.is((await world.status()).watching, 0);
});

test.run();
