import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isOperation, OPERATIONS } from '../../../../agent/contract/operations.js';
import { closeBox, openBox, PairAnswer, PairRequest } from '../../../../agent/contract/pairing.js';
import { Email, LEASE_SCOPES, PersonName, PublicJwk, parseShape, SCOPES, SECOND_FACTOR_SCOPES } from '../../../../agent/contract/shapes.js';
import { fromBase64url, newId, toBase64url } from '../../../../agent/contract/text.js';
import { readDownTopic, topics } from '../../../../agent/contract/topics.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';

const SCOPE = { tenant: 'local', serial: 'SN4F2K7Q9D' };
const SHARED = new Uint8Array(32).fill(7);

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code;
  }
}

async function boxCode(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'opened';
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code;
  }
}

test('a topic means what it says, and only for this recorder', () => {
  const id = newId();
  assert.equal(readDownTopic(SCOPE, topics.command(SCOPE, id)), { kind: 'cmd', id });
  assert.equal(readDownTopic(SCOPE, topics.pairDown(SCOPE, id)), { kind: 'pair', id });
  assert.equal(readDownTopic(SCOPE, topics.withdraw(SCOPE, 'b'.repeat(22))), { kind: 'withdraw', id: 'b'.repeat(22) });
  const root = 'sl/1/local/SN4F2K7Q9D/down';
  const strange = [
    topics.command({ ...SCOPE, serial: 'SN4F2K7Q9E' }, id),
    topics.command({ ...SCOPE, tenant: 'other' }, id),
    topics.reply(SCOPE, id),
    topics.status(SCOPE),
    `${root}/cmd`,
    `${root}/cmd/`,
    `${root}/cmd/${id}/x`,
    `${root}/cmd/${id.slice(1)}`,
    `${root}/cmd/${id}A`,
    `${root}/cmd/../withdraw/${id}`,
    `${root}/withdraw`,
    `${root}/withdraw/`,
    `${root}/withdraw/${id}/x`,
    `${root}/constructor/${id}`,
    `/${root}/cmd/${id}`,
    root,
    '',
    '#',
  ];
  for (const topic of strange) assert.is(readDownTopic(SCOPE, topic), undefined, topic);
});

test('every topic is under the recorder’s one tree and has at most six slashes', () => {
  const id = newId();
  for (const name of Object.keys(topics) as (keyof typeof topics)[]) {
    const topic = topics[name](SCOPE, id);
    assert.ok(topic.startsWith('sl/1/local/SN4F2K7Q9D/'), topic);
    assert.ok(topic.split('/').length <= 7, topic);
  }
});

test('a pairing box opens with its key, direction and session only', async () => {
  const sid = newId();
  const box = await closeBox(SHARED, 'owner', sid, { a: 1 });
  assert.is(await openBox(SHARED, 'owner', sid, box), '{"a":1}');
  assert.is.not(box, await closeBox(SHARED, 'owner', sid, { a: 1 }), 'a nonce of its own');
  assert.is(await boxCode(openBox(SHARED, 'device', sid, box)), 'pairing.bad_message', 'reflected');
  assert.is(await boxCode(openBox(SHARED, 'owner', newId(), box)), 'pairing.bad_message', 'moved to another session');
  assert.is(await boxCode(openBox(new Uint8Array(32).fill(8), 'owner', sid, box)), 'pairing.bad_message', 'another key');
  for (let at = 0; at < box.length - 1; at += 1) {
    const changed = box.slice(0, at) + (box[at] === 'A' ? 'B' : 'A') + box.slice(at + 1);
    assert.is(await boxCode(openBox(SHARED, 'owner', sid, changed)), 'pairing.bad_message', `changed at ${at}`);
  }
  for (const broken of ['', 'A', '!', box.slice(0, 16), box.slice(4)])
    assert.is(await boxCode(openBox(SHARED, 'owner', sid, broken)), 'pairing.bad_message');
});

test('pairing messages: unknown kinds, unknown fields, wrong lengths and weaker key derivation are refused', () => {
  const sid = newId();
  const start = { t: 'pair.start', v: 1, sid, app: newId(), shareP: 'A'.repeat(87) };
  assert.is(
    codeOf(() => parseShape(PairRequest, start)),
    'accepted',
  );
  for (const change of [
    { t: 'pair.stop' },
    { v: 2 },
    { sid: 'short' },
    { shareP: 'A'.repeat(86) },
    { shareP: `${'A'.repeat(86)}=` },
    { code: 'K7MPX2QRT' },
  ])
    assert.is(
      codeOf(() => parseShape(PairRequest, { ...start, ...change })),
      'message.invalid',
      JSON.stringify(change),
    );
  const kdf = { name: 'scrypt', N: 32_768, r: 8, p: 1 };
  const params = { t: 'pair.params', v: 1, sid, salt: 'A'.repeat(22), kdf, left: 20, purpose: 'own', operator: null };
  assert.is(
    codeOf(() => parseShape(PairAnswer, params)),
    'accepted',
  );
  for (const weak of [{ N: 2 }, { r: 1 }, { p: 0 }, { name: 'none' }, { extra: 1 }])
    assert.is(
      codeOf(() => parseShape(PairAnswer, { ...params, kdf: { ...kdf, ...weak } })),
      'message.invalid',
      JSON.stringify(weak),
    );
});

test('a public key is exactly a P-256 public key: a private half or another curve is refused', async () => {
  const { publicKey } = await newSigningKey();
  assert.is(
    codeOf(() => parseShape(PublicJwk, publicKey)),
    'accepted',
  );
  for (const change of [
    { d: publicKey.x },
    { crv: 'P-384' },
    { kty: 'OKP' },
    { kid: 'x' },
    { x: `${publicKey.x}=` },
    { y: publicKey.y.slice(1) },
  ])
    assert.is(
      codeOf(() => parseShape(PublicJwk, { ...publicKey, ...change })),
      'message.invalid',
      JSON.stringify(change),
    );
});

test('names and addresses hold no line breaks, no control characters and no markup of mail headers', () => {
  for (const name of ['Dana K', 'Łukasz Żółć', '王', "O'Brien & Sons", 'x'.repeat(80)])
    assert.is(
      codeOf(() => parseShape(PersonName, name)),
      'accepted',
      name,
    );
  for (const name of ['', 'x'.repeat(81), 'a\nb', 'a\u0000', 'a\u001b[31m', 'a\u2028b', '\u0085'])
    assert.is(
      codeOf(() => parseShape(PersonName, name)),
      'message.invalid',
    );
  assert.is(
    codeOf(() => parseShape(Email, 'dana@example.org')),
    'accepted',
  );
  for (const mail of ['dana', 'a@b@c', 'a b@c', 'a@c\r\nBcc: x@y', '<a@b>', '"a"@b', `${'x'.repeat(65)}@y`])
    assert.is(
      codeOf(() => parseShape(Email, mail)),
      'message.invalid',
      mail,
    );
});

test('every operation that needs a scope names one that exists, and nothing inherited passes for an operation', () => {
  for (const operation of Object.values(OPERATIONS))
    assert.ok(operation.scope === null ? operation.who !== 'granted' : SCOPES.includes(operation.scope));
  for (const name of ['live.open', 'permissions.withdraw']) assert.ok(isOperation(name));
  for (const name of ['constructor', '__proto__', 'toString', 'live.open ', 'LIVE.OPEN', '']) assert.not.ok(isOperation(name));
  assert.ok([...LEASE_SCOPES].every((scope) => SECOND_FACTOR_SCOPES.has(scope)));
});

test('base64url goes both ways for all bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = toBase64url(bytes);
      assert.match(text, /^[A-Za-z0-9_-]*$/);
      assert.equal([...fromBase64url(text)], [...bytes]);
      assert.is(text, Buffer.from(bytes).toString('base64url'));
    }),
  );
  assert.is(new Set(Array.from({ length: 1_000 }, newId)).size, 1_000);
});

test.run();
