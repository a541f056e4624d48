import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Command } from '../../agent/contract/command.js';
import { signStatement, thumbprint, unverifiedPayload } from '../../agent/contract/jws.js';
import { openSealed, seal } from '../../agent/contract/seal.js';
import { PublicJwk, parseShape } from '../../agent/contract/shapes.js';
import type { Status } from '../../agent/contract/statements.js';
import { newId, sha256Text, utf8 } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { ownerIdentity } from '../../scripts/portal/client/identity.js';
import { newSigningKey, type SigningKey } from '../../scripts/portal/client/keys.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import type { RelayTransport } from '../../scripts/portal/client/transport.js';

/** The app against a relay that answers in the recorder's place: it holds everything but the recorder's private keys. */
const SCOPE = { tenant: 'local', serial: 'SN4F2K7Q9D' };
const ANSWER = { isDone: true };
const it = suite('hostile relay in front of the app');

interface SealPair {
  readonly publicKey: PublicJwk;
  readonly privateKey: CryptoKey;
}

async function newSealPair(): Promise<SealPair> {
  const pair = await globalThis.crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits', 'deriveKey']);
  const { kty, crv, x, y } = await globalThis.crypto.subtle.exportKey('jwk', pair.publicKey);
  return { publicKey: parseShape(PublicJwk, { kty, crv, x, y }), privateKey: pair.privateKey };
}

let device: SigningKey;
let box: SealPair;
let owner: SigningKey;
let client: RecorderClient;
let subscribed: Set<string>;
let listeners: Set<(topic: string, payload: Uint8Array) => void>;
/** What the app asked, opened by the recorder. */
let asked: { command: Command; signed: string }[];
/** What comes back for a command, in order; made by each test. */
let answers: (command: Command, signed: string) => Promise<string[]>;

const deliver = (topic: string, text: string): void => {
  for (const listener of [...listeners]) listener(topic, utf8(text));
};

const transport: RelayTransport = {
  isOnline: true,
  subscribe: async (topic) => void subscribed.add(topic),
  unsubscribe: async (topic) => void subscribed.delete(topic),
  publish: async (_topic, letter) => {
    const signed = await openSealed(letter, box.privateKey);
    const command = parseShape(Command, unverifiedPayload(signed));
    asked.push({ command, signed });
    for (const answer of await answers(command, signed)) deliver(topics.reply(SCOPE, command.id), answer);
  },
  onMessage: (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  onOnline: () => () => undefined,
  close: async () => undefined,
};

function status(change: Partial<Status> = {}): Status {
  return {
    v: 1,
    dev: SCOPE.serial,
    state: 'online',
    isPaired: true,
    boot: 'A'.repeat(22),
    up: 60_000,
    version: '0.1.0',
    key: device.publicKey,
    seal: box.publicKey,
    changes: { permissions: 1, cameras: 1, config: 1, security: 1 },
    at: 1_800_000_000_000,
    ...change,
  };
}

/** Hands the app a status that somebody made up; nothing waits for it, because nothing should come of it. */
async function spread(change: Partial<Status>, by: SigningKey): Promise<void> {
  deliver(topics.status(SCOPE), await signStatement('status+jws', status(change), by.signer));
}

/** Hands the app a true status and waits until it is believed. Returns all that were believed meanwhile. */
async function tell(change: Partial<Status> = {}): Promise<Status[]> {
  const believed: Status[] = [];
  await new Promise<void>((resolve) => {
    const stop = client.onStatus((one) => {
      believed.push(one);
      if (one.at !== (change.at ?? status().at) || one.boot !== (change.boot ?? status().boot)) return;
      stop();
      resolve();
    });
    void spread(change, device);
  });
  // Made-up ones that take longer to look at get their time too.
  for (let round = 0; round < 5; round += 1) await thumbprint((await newSigningKey()).publicKey);
  return believed;
}

const impostor = (by: SigningKey, as: SigningKey): SigningKey => ({ ...by, signer: { ...by.signer, kid: as.signer.kid } });

async function result(command: Command, signed: string, change: object = {}, by: SigningKey = device, to = command.reply): Promise<string> {
  const content = { v: 1, dev: SCOPE.serial, cmd: await sha256Text(signed), body: ANSWER, error: null, log: null, ...change };
  return seal(await signStatement('result+jws', content, by.signer), to);
}

const ask = (timeoutMs = 5_000): Promise<unknown> => client.call('live.close', { session: 'S'.repeat(22) }, { timeoutMs });

async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'resolved';
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code;
  }
}

function newClient(deviceKey: string | null): RecorderClient {
  return new RecorderClient({ transport, scope: SCOPE, identity: ownerIdentity(owner.signer), deviceKey });
}

it.before.each(async () => {
  [device, owner, box] = await Promise.all([newSigningKey(), newSigningKey(), newSealPair()]);
  subscribed = new Set();
  listeners = new Set();
  asked = [];
  answers = async (command, signed) => [await result(command, signed)];
  client = newClient(device.signer.kid);
  await client.start();
  await tell();
});

it.after.each(() => client.close());

it('asks and takes the recorder’s answer, and leaves no subscription behind', async () => {
  assert.equal(await ask(), ANSWER);
  assert.is(asked[0]?.command.op, 'live.close');
  assert.equal([...subscribed], [topics.status(SCOPE)]);
});

it('an answer by another key, to another question, for another reader or recorder counts as none', async () => {
  const stranger = await newSigningKey();
  const otherBox = await newSealPair();
  const forgeries: (typeof answers)[] = [
    async (command, signed) => [await result(command, signed, {}, stranger)],
    async (command, signed) => [await result(command, signed, {}, impostor(stranger, device))],
    async (command) => [await result(command, 'another command')],
    async (command, signed) => [await result(command, signed, { dev: 'SN4F2K7Q9E' })],
    async (command, signed) => [await result(command, signed, {}, device, otherBox.publicKey)],
    async (command, signed) => [await result(command, signed, { admin: true })],
    async (command) => [JSON.stringify({ v: 1, body: ANSWER, cmd: command.id }), 'noise', ''],
    async (command) => [await seal(JSON.stringify(ANSWER), command.reply)],
    async (command) => [await seal(await signStatement('event+jws', { v: 1, dev: SCOPE.serial, cmd: 'x' }, device.signer), command.reply)],
  ];
  for (const forged of forgeries) {
    answers = forged;
    assert.is(await codeOf(ask(150)), 'client.timeout', forged.toString());
  }
  answers = async (command, signed) => ['noise', await result(command, signed, {}, stranger), await result(command, signed)];
  assert.equal(await ask(), ANSWER, 'the true one is found among them');
});

it('an answer that was recorded cannot be used again', async () => {
  let recorded = '';
  answers = async (command, signed) => {
    recorded = await result(command, signed);
    return [recorded];
  };
  await ask();
  answers = async () => [recorded];
  assert.is(await codeOf(ask(150)), 'client.timeout');
});

it('an answer of another shape than the operation’s is refused', async () => {
  answers = async (command, signed) => [await result(command, signed, { body: { isDone: 'yes' } })];
  assert.is(await codeOf(ask()), 'client.bad_answer');
});

it('a status by another key is not believed, with whatever it says', async () => {
  const stranger = await newSigningKey();
  const fake = await newSealPair();
  await spread({ key: stranger.publicKey, seal: fake.publicKey, boot: 'B'.repeat(22) }, stranger);
  await spread({ seal: fake.publicKey }, impostor(stranger, device));
  await spread({ dev: 'SN4F2K7Q9E' }, device);
  deliver(topics.status(SCOPE), 'noise');
  const later = { at: 1_800_000_000_001 };
  assert.equal(await tell(later), [status(later)]);
  assert.equal(client.status, status(later));
});

it('a status of an earlier boot that was recorded does not come back', async () => {
  const newer = { boot: 'B'.repeat(22), at: 1_800_000_100_000 };
  await tell(newer);
  await spread({}, device);
  assert.equal(await tell(newer), [status(newer)]);
});

it('the first key counts only when it has signed: a mere claim does not keep the true recorder out', async () => {
  client.close();
  client = newClient(null);
  await client.start();
  const stranger = await newSigningKey();
  await spread({ key: stranger.publicKey }, impostor(device, stranger));
  assert.equal(await tell(), [status()]);
  await spread({ key: stranger.publicKey, boot: 'B'.repeat(22), at: 1_900_000_000_000 }, stranger);
  assert.equal(await tell(), [status()], 'and from then on no other');
});

it('after a restart of the recorder the question is signed anew, once, for the new boot', async () => {
  const stale = { code: 'command.stale_boot', say: 's', fix: 'f', retryable: true };
  answers = async (command, signed) => {
    if (command.boot === 'B'.repeat(22)) return [await result(command, signed)];
    await tell({ boot: 'B'.repeat(22), at: 1_800_000_100_000 });
    return [await result(command, signed, { body: null, error: stale })];
  };
  const startMs = performance.now();
  assert.equal(await ask(), ANSWER);
  assert.ok(performance.now() - startMs < 2_500, 'a status that came before the refusal is not waited for again');
  assert.equal(
    asked.map(({ command }) => command.boot[0]),
    ['A', 'B'],
  );
  const [first, second] = asked.map(({ command }) => command);
  assert.ok((second?.n ?? 0) > (first?.n ?? 0));
  assert.is.not(first?.id, second?.id);
  assert.is.not(first?.reply.x, second?.reply.x, 'a fresh key for every answer');
});

it('what came later but overtakes the answer is heard too, and the answer is not lost over it', async () => {
  const heard: unknown[] = [];
  answers = async (command, signed) => {
    const content = { v: 1, dev: SCOPE.serial, cmd: await sha256Text(signed), event: 'live.ended', body: 'over' };
    return [await seal(await signStatement('event+jws', content, device.signer), command.reply), await result(command, signed)];
  };
  let told = (): void => undefined;
  const isTold = new Promise<void>((resolve) => {
    told = resolve;
  });
  const onEvent = (event: string, body: unknown): void => {
    heard.push([event, body]);
    told();
  };
  assert.equal(await client.call('live.close', { session: newId() }, { timeoutMs: 2_000, onEvent }), ANSWER);
  // Both are opened at the same time: the event may be read a moment later all the same.
  await isTold;
  assert.equal(heard, [['live.ended', 'over']]);
});

it('what comes later is heard once, from the recorder only; closing leaves nothing subscribed', async () => {
  const heard: unknown[] = [];
  const options = { timeoutMs: 5_000, onEvent: (event: string, body: unknown) => heard.push([event, body]) };
  await client.call('live.close', { session: newId() }, options);
  const last = asked.at(-1);
  if (last === undefined) throw new TypeError('nothing was asked');
  const { command, signed } = last;
  const topic = topics.reply(SCOPE, command.id);
  assert.ok(subscribed.has(topic));
  const event = async (by: SigningKey, cmd: string): Promise<void> => {
    const content = { v: 1, dev: SCOPE.serial, cmd, event: 'live.ended', body: 'over' };
    deliver(topic, await seal(await signStatement('event+jws', content, by.signer), command.reply));
    // Behind a status that is believed, everything before it was looked at.
    await tell();
  };
  await event(owner, await sha256Text(signed));
  await event(device, await sha256Text('another'));
  assert.equal(heard, []);
  await event(device, await sha256Text(signed));
  await event(device, await sha256Text(signed));
  assert.equal(heard, [['live.ended', 'over']]);
  assert.not.ok(subscribed.has(topic));
  await client.call('live.close', { session: newId() }, options);
  client.close();
  assert.equal([...subscribed], []);
});

it.run();
