// runner: limit 120s
/** The relay is the attacker: it changes what app and recorder say to each other while they pair. Inside-out cases are in pairing-relay.test.ts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newCode } from '../../agent/contract/code.js';
import { newScalar, proverShare } from '../../agent/contract/spake2plus.js';
import { fromUtf8, newId, toBase64url } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { newSigningKey } from '../../scripts/portal/client/keys.js';
import { pair } from '../../scripts/portal/client/pair.js';
import type { RelayTransport } from '../../scripts/portal/client/transport.js';
import { TENANT } from '../support/people.js';
import { until } from '../support/until.js';
import { derive } from '../unit/agent/pairing/pairing-rig.js';
import { codeOf, openUnowned, triesOnDisk, type Unowned } from './attack-rig.js';

type Message = Record<string, unknown>;
type Change = (message: Message) => Message;

/** The app's connection with the attacker in it: every message may be changed in either direction. */
function through(honest: RelayTransport, down: Change, up: Change): RelayTransport {
  return {
    get isOnline() {
      return honest.isOnline;
    },
    subscribe: (topic) => honest.subscribe(topic),
    unsubscribe: (topic) => honest.unsubscribe(topic),
    publish: (topic, payload, options) => honest.publish(topic, JSON.stringify(down(JSON.parse(payload) as Message)), options),
    onMessage: (listener) =>
      honest.onMessage((topic, payload) => {
        if (!topic.includes('/up/pair/')) return listener(topic, payload);
        listener(topic, Buffer.from(JSON.stringify(up(JSON.parse(fromUtf8(payload)) as Message))));
      }),
    onOnline: (listener) => honest.onOnline(listener),
    close: async () => undefined,
  };
}

const same: Change = (message) => message;
const onlyIn =
  (kind: string, change: (message: Message) => Message): Change =>
  (message) =>
    message.t === kind ? { ...message, ...change(message) } : message;

const randomScalar = (): Uint8Array => newScalar(globalThis.crypto.getRandomValues(new Uint8Array(48)));
const foreignShare = (): string => toBase64url(proverShare(randomScalar(), randomScalar()));
const shaped = (first: number, fill: number): string => toBase64url(Uint8Array.from({ length: 65 }, (_, at) => (at === 0 ? first : fill)));

const test = suite<{ site: Unowned; code: string }>('relay in pairing');

test.before(async (world) => {
  world.site = await openUnowned(() => ({ args: [] }));
});

test.after(({ site }) => site?.close());

/** The whole pairing by the real app with the right code over this relay; how it ends. */
async function pairOver(site: Unowned, code: string, down: Change, up: Change): Promise<string> {
  const transport = through(site.transport, down, up);
  const key = await newSigningKey();
  const person = { name: 'Olivia Example', email: 'olivia@example.org' };
  const attempt = pair({ transport, scope: { tenant: TENANT, serial: site.agent.serial }, code, derive });
  const part = { owner: key.signer, ownerKey: key.publicKey, deviceName: 'Phone', site: 'Shop', person, role: 'owner' } as const;
  return codeOf(attempt.then((made) => made.finish(part)));
}

/** What the relay does, and what the app says then. `pair.fin` must only be lied about: see the last one. */
function attacks(): readonly [what: string, down: Change, up: Change, code: string][] {
  let shareP = '';
  const remember: Change = (message) => {
    if (message.t === 'pair.start') shareP = String(message.shareP);
    return message;
  };
  return [
    ['swaps the app’s share', onlyIn('pair.start', () => ({ shareP: foreignShare() })), same, 'pairing.wrong_code'],
    ['swaps the recorder’s share', same, onlyIn('pair.resp', () => ({ shareV: foreignShare() })), 'pairing.wrong_code'],
    ['gives the app its own share back', remember, onlyIn('pair.resp', () => ({ shareV: shareP })), 'pairing.wrong_code'],
    ['sends the identity', onlyIn('pair.start', () => ({ shareP: shaped(4, 0) })), same, 'pairing.bad_message'],
    ['sends a point off the curve', onlyIn('pair.start', () => ({ shareP: shaped(4, 7) })), same, 'pairing.bad_message'],
    ['sends a compressed point', onlyIn('pair.start', () => ({ shareP: shaped(2, 1) })), same, 'pairing.bad_message'],
    ['sends the identity to the app', same, onlyIn('pair.resp', () => ({ shareV: shaped(4, 0) })), 'pairing.bad_message'],
    ['swaps the app’s sealed box', onlyIn('pair.fin', () => ({ box: 'A'.repeat(400) })), same, 'pairing.bad_message'],
  ];
}

test('Relay in the middle of pairing: whatever it swaps, reflects or makes up, no key comes in, and one guess leaks at most', async ({
  site,
}) => {
  for (const [what, down, up, code] of attacks()) {
    const fresh = await site.press();
    assert.is(await pairOver(site, fresh, down, up), code, what);
    assert.is((await site.status()).isPaired, false, what);
    assert.ok((await triesOnDisk(site.state)).relay <= 1, what);
  }
});

test('Relay in the middle of pairing: a share of another length is no message at all and costs no try', async ({ site }) => {
  await site.press();
  const before = (await site.status()).refusedMessages['message.invalid'] ?? 0;
  const scope = { tenant: TENANT, serial: site.agent.serial };
  for (const length of [0, 33, 64, 66]) {
    const sid = newId();
    const start = { t: 'pair.start', v: 1, sid, app: newId(), shareP: toBase64url(new Uint8Array(length)) };
    await site.transport.publish(topics.pairDown(scope, sid), JSON.stringify(start));
  }
  await until('all four are refused', async () => ((await site.status()).refusedMessages['message.invalid'] ?? 0) - before === 4);
  assert.is((await triesOnDisk(site.state)).relay, 0);
});

test('Second pairing with the same code: positive control, the same app and code over an honest relay pair', async (world) => {
  world.code = await world.site.press();
  assert.is(await pairOver(world.site, world.code, same, same), 'answered');
  assert.is((await world.site.status()).isPaired, true);
});

test('Second pairing with the same code: refused, after a restart too', async ({ site, code }) => {
  assert.is(await pairOver(site, code, same, same), 'pairing.owned');
  await site.powerCut();
  await until('the recorder is back', async () => (await site.status()).isCloudConnected);
  assert.is(await pairOver(site, code, same, same), 'pairing.owned');
});

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Pearson's correlation of two columns of numbers. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (column: readonly number[]): number => column.reduce((sum, one) => sum + one, 0) / column.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const product = (x: readonly number[], meanX: number, y: readonly number[], meanY: number): number =>
    x.reduce((sum, one, at) => sum + (one - meanX) * ((y[at] ?? 0) - meanY), 0);
  return product(a, meanA, b, meanB) / Math.sqrt(product(a, meanA, a, meanA) * product(b, meanB, b, meanB));
}

/** Sum of (seen - expected)² / expected over the 32 characters. */
function chiSquare(column: readonly number[]): number {
  const counts = new Array<number>(32).fill(0);
  for (const symbol of column) counts[symbol] = (counts[symbol] ?? 0) + 1;
  const expected = column.length / 32;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

test('Second pairing with the same code: of 10 000 codes made one after another for serials in a row, nothing follows from serial, order or each other', () => {
  const random = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length));
  const codes = Array.from({ length: 10_000 }, () => newCode(random));
  assert.is(new Set(codes).size, codes.length, 'no code twice');
  const columns = Array.from({ length: 8 }, (_, at) => codes.map((code) => ALPHABET.indexOf(code[at] ?? '')));
  const serials = codes.map((_, at) => at);
  // 31 degrees of freedom: 80 is beyond one in 200 000. A correlation of 0.05 over 10 000 is five standard deviations.
  for (const [at, column] of columns.entries()) {
    assert.ok(chiSquare(column) < 80, `character ${at}: ${chiSquare(column)}`);
    assert.ok(Math.abs(correlation(column, serials)) < 0.05, `character ${at} and the serial`);
    assert.ok(Math.abs(correlation(column.slice(1), column.slice(0, -1))) < 0.05, `character ${at} and the code before`);
    for (const other of columns.slice(at + 1)) assert.ok(Math.abs(correlation(column, other)) < 0.05, 'characters of one code');
  }
});

test.run();
