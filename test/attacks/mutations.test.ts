// runner: limit 180s
/** Whatever is done to a signed message on its way, the recorder does nothing for it: 10,000 times at random, with real signatures. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { unverifiedPayload } from '../../agent/contract/jws.js';
import { newId, toBase64url, utf8 } from '../../agent/contract/text.js';
import { MINUTE } from '../unit/agent/cloud/desk-rig.js';
import { mirrored, signedAs } from './forgery.js';
import { type Recorded, Recorder, type Replay, record, type TrueMessage } from './mutation-rig.js';

const ATTACKS = 10_000;
/** So many at the same time: signatures are checked on other threads. */
const AT_ONCE = 20;
const recorded: Recorded = await record();
const { messages, keys } = recorded;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Another text in the place of a true message. */
interface Change {
  readonly at: number;
  readonly how: string;
  make(token: string): Promise<string> | string;
}

const partsOf = (token: string): [string, string, string] => {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return [header, payload, signature];
};
const jsonOf = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
const asPart = (content: unknown): string => toBase64url(utf8(JSON.stringify(content)));
/** Of those that come as letters, to be opened and answered, a third: they cost the most. */
const isLetter = ({ hand, what }: TrueMessage): boolean => hand === messages[0]?.hand || what === 'badge';
const placesOf = (areLetters: boolean): number[] => messages.flatMap((message, at) => (isLetter(message) === areLetters ? [at] : []));
const which = fc.oneof(
  { arbitrary: fc.constantFrom(...placesOf(true)), weight: 1 },
  { arbitrary: fc.constantFrom(...placesOf(false)), weight: 2 },
);

const otherCharacter: fc.Arbitrary<Change> = fc
  .record({ at: which, place: fc.nat(), letter: fc.constantFrom(...ALPHABET, '.', '=', ' ', '+', '%', '\n', '\0') })
  .map(({ at, place, letter }) => ({
    ...{ at, how: 'a character' },
    make: (token) => {
      const index = place % token.length;
      return token.slice(0, index) + letter + token.slice(index + 1);
    },
  }));

const otherBit: fc.Arbitrary<Change> = fc
  .record({ at: which, part: fc.nat(2), place: fc.nat(), bit: fc.nat(7) })
  .map(({ at, part, place, bit }) => ({
    ...{ at, how: 'a bit' },
    make: (token) => {
      const bytes = Buffer.from(partsOf(token)[part] ?? '', 'base64url');
      const index = place % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
      return partsOf(token)
        .map((one, index) => (index === part ? bytes.toString('base64url') : one))
        .join('.');
    },
  }));

const otherLength: fc.Arbitrary<Change> = fc
  .record({ at: which, part: fc.nat(3), cut: fc.integer({ min: 1, max: 80 }), isLonger: fc.boolean() })
  .map(({ at, part, cut, isLonger }) => ({
    ...{ at, how: 'a length' },
    make: (token) => {
      if (part === 3) return isLonger ? `${token}.${token.slice(0, cut)}` : token.slice(0, -cut);
      return partsOf(token)
        .map((one, index) => (index === part ? (isLonger ? one + ALPHABET.slice(0, cut) : one.slice(0, -cut)) : one))
        .join('.');
    },
  }));

/** Values that somebody would like to see in a field, and some that break things. */
const wished = fc.constantFrom<unknown[]>(
  ...[null, true, 0, 1, 2, -1, 1e15, 4_102_444_800_000, '', 'SN4F2K7Q9E', 'owner.add-device', 'permissions.withdraw', 'A'.repeat(43)],
  ...[newId(), [], {}, { __proto__: null }, ['firmware', 'wifi', 'ptz'], ['cam-1', 'cam-2'], ['mfa'], 'x'.repeat(500), '\u202e', '..%00'],
  ...[keys.stranger.publicKey, keys.stranger.signer.kid, keys.owner.signer.kid, keys.org.publicKey, keys.employee.signer.kid],
);
/** With whose name the attacker signs what he changed; with none the old signature stays. */
const names: readonly (string | undefined)[] = [
  ...[undefined, keys.stranger.signer.kid, keys.owner.signer.kid, keys.org.signer.kid, keys.employee.signer.kid],
];
const otherField: fc.Arbitrary<Change> = fc
  .record({
    at: which,
    field: fc.nat(),
    value: wished,
    adds: fc.constantFrom(...[undefined, undefined, 'admin', '__proto__', 'v2']),
    name: fc.constantFrom(...names),
  })
  .map(({ at, field, value, adds, name }) => ({
    ...{ at, how: 'a field' },
    make: (token) => {
      const [header, payload, signature] = partsOf(token);
      const content = jsonOf(payload);
      const fields = Object.keys(content);
      const key = adds ?? fields[field % fields.length] ?? '';
      const changed = Object.fromEntries([...Object.entries(content), [key, value]]);
      if (name === undefined) return [header, asPart(changed), signature].join('.');
      return signedAs({ ...jsonOf(header), kid: name }, changed, keys.stranger.signer);
    },
  }));

const headers = fc.constantFrom<object[]>(
  ...[{ alg: 'none' }, { alg: 'HS256' }, { alg: 'ES384' }, { crit: ['exp'] }, { jwk: keys.stranger.publicKey }, { b64: false }],
  ...['cmd+jws', 'grant+jws', 'badge+jws', 'withdraw+jws', 'offer+jws', 'accept+jws', 'cancel+jws', 'JWT', undefined].map((typ) => ({
    typ,
  })),
  ...[keys.stranger, keys.owner, keys.org, keys.employee, keys.device].map(({ signer }) => ({ kid: signer.kid })),
  { kid: undefined },
);
const otherHeader: fc.Arbitrary<Change> = fc
  .record({ at: which, header: headers, signs: fc.boolean() })
  .map(({ at, header: other, signs }) => ({
    ...{ at, how: 'a header' },
    make: (token) => {
      const [header, payload, signature] = partsOf(token);
      const changed = { ...jsonOf(header), ...other };
      return signs ? signedAs(changed, jsonOf(payload), keys.stranger.signer) : [asPart(changed), payload, signature].join('.');
    },
  }));

/** Header, content and signature of up to three true messages; or a whole one where another kind is asked for. */
const otherParts: fc.Arbitrary<Change> = fc
  .record({ at: which, from: fc.tuple(which, which, which), isWhole: fc.boolean() })
  .map(({ at, from, isWhole }) => ({
    ...{ at, how: 'other parts' },
    make: () => {
      const [first, second, third] = from.map((index) => messages[index]?.token ?? '') as [string, string, string];
      return isWhole ? first : [partsOf(first)[0], partsOf(second)[1], partsOf(third)[2]].join('.');
    },
  }));

const change = fc.oneof(otherCharacter, otherBit, otherLength, otherField, otherHeader, otherParts);

/** The same bytes in another spelling say the same; and what is true stays true where it belongs. */
const sameBytes = (one: string, other: string): boolean =>
  partsOf(one).every((part, index) => Buffer.from(part, 'base64url').equals(Buffer.from(partsOf(other)[index] ?? '', 'base64url')));
const hasSameWay = (one: TrueMessage, other: TrueMessage): boolean =>
  one.hand === other.hand || (one.what.startsWith('withdrawal') && other.what.startsWith('withdrawal'));
const isTrue = (message: TrueMessage, token: string): boolean =>
  messages.some((other) => (other === message || hasSameWay(other, message)) && sameBytes(other.token, token));

const replay = fc.record({ at: which, choice: fc.nat(), times: fc.integer({ min: 1, max: 3 }) }).map(({ at, choice, times }) => {
  const replays = messages[at]?.replays ?? [];
  return { at, replay: replays[choice % replays.length] ?? 'again', times };
});
type Attack = Change | { readonly at: number; readonly replay: Replay; readonly times: number };
const attack: fc.Arbitrary<Attack> = fc.oneof({ arbitrary: change, weight: 8 }, { arbitrary: replay, weight: 2 });

/** The recorder in the moment in which the replay begins. */
async function readyFor(message: TrueMessage, how: Replay): Promise<Recorder> {
  if (how === 'elsewhere') return Recorder.make(recorded, { serial: 'SN4F2K7Q9E' });
  if (how === 'after a restart') return Recorder.make(recorded, { boot: newId() });
  const recorder = await Recorder.make(recorded);
  if (how === 'late')
    await recorder.clock.advance(message.token.startsWith(partsOf(messages[0]?.token ?? '')[0]) ? 31_000 : 8 * 1_440 * MINUTE);
  else if (how === 'after everything was withdrawn') await recorder.permissions.withdraw(recorded.withdrawAll);
  else await message.hand(recorder, message.token);
  return recorder;
}

const counted = new Map<string, number>();
const count = (what: string): void => void counted.set(what, (counted.get(what) ?? 0) + 1);

async function playChange({ at, make, how }: Change): Promise<void> {
  const message = messages[at] as TrueMessage;
  const token = await make(message.token);
  if (isTrue(message, token)) return;
  const recorder = await Recorder.make(recorded);
  const before = recorder.effect;
  const code = await recorder.take(message, token);
  count('changed');
  count(how);
  count(code ?? 'not refused');
  assert.is(recorder.effect, before, `${message.what}: ${how}`);
  assert.ok(code !== undefined, `${message.what}: ${how}`);
}

async function playReplay(at: number, how: Replay, times: number): Promise<void> {
  const message = messages[at] as TrueMessage;
  const recorder = await readyFor(message, how);
  const before = recorder.effect;
  const token = how === 'mirrored' ? mirrored(message.token) : message.token;
  for (let time = 0; time < times; time += 1) await recorder.take(message, token, (time === 0 && message.handByFinder) || message.hand);
  count('replayed');
  count(how);
  assert.is(recorder.effect, before, `${message.what}: ${how}`);
}

test('positive control: each of the messages, unchanged, is taken, and changes something', async () => {
  for (const message of messages) {
    const recorder = await Recorder.make(recorded);
    const before = recorder.effect;
    assert.is(await recorder.take(message, message.token), undefined, message.what);
    assert.is.not(recorder.effect, before, message.what);
  }
});

test('0 of 10,000 changed or replayed commands, grants, badges, withdrawals, cancellations, delegations, offers, acceptances and consents are accepted', async () => {
  const play = (one: Attack): Promise<void> => ('replay' in one ? playReplay(one.at, one.replay, one.times) : playChange(one));
  const batch = fc.array(attack, { minLength: AT_ONCE, maxLength: AT_ONCE });
  await fc.assert(
    fc.asyncProperty(batch, async (attacks) => void (await Promise.all(attacks.map(play)))),
    // Some changes change nothing: the same bytes in another spelling. They are not counted.
    { numRuns: (ATTACKS * 1.1) / AT_ONCE, includeErrorInReport: true },
  );
  const told = JSON.stringify(Object.fromEntries(counted));
  const many = (what: string): number => counted.get(what) ?? 0;
  assert.ok(many('changed') + many('replayed') >= ATTACKS, told);
  assert.ok(many('signature.invalid') + many('signature.key') > ATTACKS / 5, `a good part gets as far as a signature: ${told}`);
  for (const how of ['again', 'mirrored', 'late', 'after a restart', 'elsewhere', 'after everything was withdrawn'])
    assert.ok(many(how) > 100, `${how}: ${told}`);
});

test('true commands in any order and number: each is carried out once at most', async () => {
  const [first] = messages as readonly [TrueMessage];
  const header = jsonOf(partsOf(first.token)[0]);
  const command = unverifiedPayload(first.token) as object;
  const tokens = await Promise.all([1, 2, 3].map((n) => signedAs(header, { ...command, n, id: newId() }, keys.owner.signer)));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(2), { minLength: 1, maxLength: 8 }), async (order) => {
      const recorder = await Recorder.make(recorded);
      for (const index of order) await recorder.take(first, tokens[index] ?? '');
      assert.is(recorder.done.length, new Set(order).size, order.join());
    }),
    { numRuns: 200 },
  );
});

test.run();
