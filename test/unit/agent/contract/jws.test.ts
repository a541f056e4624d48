import { createHmac } from 'node:crypto';
import { CompactSign } from 'jose';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as z from 'zod/mini';
import { claimedKid, signBytes, signStatement, thumbprint, unverifiedPayload, verifyStatement } from '../../../../agent/contract/jws.js';
import type { PublicJwk } from '../../../../agent/contract/shapes.js';
import { fromBase64url, toBase64url, utf8 } from '../../../../agent/contract/text.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';

const Shape = z.strictObject({ v: z.literal(1), say: z.string() });
const owner = await newSigningKey();
const stranger = await newSigningKey();
const good = await signStatement('grant+jws', { v: 1, say: 'hello' }, owner.signer);
const [header = '', payload = '', signature = ''] = good.split('.');
const part = (value: unknown): string => toBase64url(utf8(JSON.stringify(value)));

/** The code a statement is refused with, as the owner's grant; `accepted` when it is taken. */
async function verdict(token: string, key: PublicJwk = owner.publicKey): Promise<string> {
  try {
    await verifyStatement(token, 'grant+jws', key, Shape);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code;
  }
}

/** Really signed by the owner, with this header. */
const signedWith = (protectedHeader: Record<string, unknown>, body = '{"v":1,"say":"hello"}'): Promise<string> =>
  new CompactSign(utf8(body))
    .setProtectedHeader({ alg: 'ES256', typ: 'grant+jws', kid: owner.signer.kid, ...protectedHeader })
    .sign(owner.signer.privateKey, { crit: { x: true } });

const signedBody = (body: string): Promise<string> => signBytes('grant+jws', utf8(body), owner.signer);

/** HS256 with the public key as secret: what a verifier accepts that lets the header choose the algorithm. */
function hmacForgery(secret: Uint8Array): string {
  const head = part({ alg: 'HS256', typ: 'grant+jws', kid: owner.signer.kid });
  return `${head}.${payload}.${createHmac('sha256', secret).update(`${head}.${payload}`).digest('base64url')}`;
}

/** The bytes of the signature with r or s replaced. */
function withSignature(change: (bytes: Uint8Array) => void): string {
  const bytes = fromBase64url(signature);
  change(bytes);
  return `${header}.${payload}.${toBase64url(bytes)}`;
}

test('a true statement is taken, and gives what was signed', async () => {
  assert.equal(await verifyStatement(good, 'grant+jws', owner.publicKey, Shape), { v: 1, say: 'hello' });
  assert.is(claimedKid(good, 'grant+jws'), owner.signer.kid);
  assert.is(await thumbprint(owner.publicKey), owner.signer.kid);
  assert.equal(unverifiedPayload(good), { v: 1, say: 'hello' });
  assert.equal(JSON.parse(Buffer.from(header, 'base64url').toString()), { alg: 'ES256', typ: 'grant+jws', kid: owner.signer.kid });
});

const raw = Buffer.concat([Buffer.from([4]), Buffer.from(owner.publicKey.x, 'base64url'), Buffer.from(owner.publicKey.y, 'base64url')]);
const strangersGrant = await signStatement('grant+jws', { v: 1, say: 'hello' }, stranger.signer);

const FORGERIES: readonly [name: string, token: string | Promise<string>, code: string][] = [
  ['alg none, no signature', `${part({ alg: 'none', typ: 'grant+jws', kid: owner.signer.kid })}.${payload}.`, 'signature.header'],
  [
    'alg none, old signature',
    `${part({ alg: 'none', typ: 'grant+jws', kid: owner.signer.kid })}.${payload}.${signature}`,
    'signature.header',
  ],
  ['HS256 with the public point as secret', hmacForgery(raw), 'signature.header'],
  ['HS256 with the public JWK as secret', hmacForgery(utf8(JSON.stringify(owner.publicKey))), 'signature.header'],
  ['HS256 with the key id as secret', hmacForgery(utf8(owner.signer.kid)), 'signature.header'],
  ['another type of statement by the same key', signStatement('badge+jws', { v: 1, say: 'hello' }, owner.signer), 'signature.type'],
  ['no type', signedWith({ typ: undefined }), 'signature.header'],
  ['signed by a stranger under his own name', strangersGrant, 'signature.key'],
  [
    'signed by a stranger under the owner’s key id',
    signStatement('grant+jws', { v: 1, say: 'hello' }, { ...stranger.signer, kid: owner.signer.kid }),
    'signature.invalid',
  ],
  [
    'signed by the owner under a stranger’s key id',
    signStatement('grant+jws', { v: 1, say: 'hello' }, { ...owner.signer, kid: stranger.signer.kid }),
    'signature.key',
  ],
  ['no key id', signedWith({ kid: undefined }), 'signature.header'],
  ['crit', signedWith({ crit: ['x'], x: 1 }), 'signature.header'],
  ['an embedded key', signedWith({ jwk: { ...stranger.publicKey } }), 'signature.header'],
  ['an address to fetch a key from', signedWith({ jku: 'https://example.org/keys' }), 'signature.header'],
  ['unencoded payload', signedWith({ b64: true }), 'signature.header'],
  ['other payload under the old signature', `${header}.${part({ v: 1, say: 'hallo' })}.${signature}`, 'signature.invalid'],
  ['another statement’s signature', `${header}.${payload}.${strangersGrant.split('.')[2]}`, 'signature.invalid'],
  [
    'header of another statement',
    `${part({ alg: 'ES256', kid: owner.signer.kid, typ: 'grant+jws' })}.${payload}.${signature}`,
    'signature.invalid',
  ],
  ['signature cut short', good.slice(0, -20), 'signature.invalid'],
  ['signature missing', `${header}.${payload}.`, 'signature.invalid'],
  ['signature in DER', `${header}.${payload}.${toBase64url(new Uint8Array([0x30, 0x44, ...new Uint8Array(68)]))}`, 'signature.invalid'],
  ['r and s are zero', withSignature((bytes) => bytes.fill(0)), 'signature.invalid'],
  ['r and s are the order and more', withSignature((bytes) => bytes.fill(0xff)), 'signature.invalid'],
  ['one part missing', `${header}.${payload}`, 'signature.malformed'],
  ['a part too many', `${good}.x`, 'signature.malformed'],
  ['JSON serialisation', JSON.stringify({ protected: header, payload, signature }), 'signature.malformed'],
  ['nothing', '', 'signature.malformed'],
  ['unknown field', signedBody('{"v":1,"say":"hello","admin":true}'), 'message.invalid'],
  ['missing field', signedBody('{"v":1}'), 'message.invalid'],
  ['duplicate key in the payload', signedBody('{"v":1,"say":"no","say":"yes"}'), 'message.duplicate_key'],
  ['duplicate key, escaped', signedBody('{"v":1,"say":"no","s\\u0061y":"yes"}'), 'message.duplicate_key'],
  ['prototype in the payload', signedBody('{"v":1,"say":"x","__proto__":{"say":"y"}}'), 'message.malformed'],
  ['no JSON in the payload', signedBody('hello'), 'message.malformed'],
];

for (const [name, token, code] of FORGERIES)
  test(`forgery refused: ${name}`, async () => {
    assert.is(await verdict(await token), code);
  });

test('every single changed character of a statement is noticed', async () => {
  const isLastOfPart = (at: number): boolean => at === good.length - 1 || good[at + 1] === '.';
  for (let at = 0; at < good.length; at += 1) {
    if (good[at] === '.' || isLastOfPart(at)) continue;
    const changed = good.slice(0, at) + (good[at] === 'A' ? 'B' : 'A') + good.slice(at + 1);
    if ((await verdict(changed)) === 'accepted') assert.unreachable(`changed at ${at}: ${changed}`);
  }
});

test('a key that is no point of the curve verifies nothing', async () => {
  const off: PublicJwk = { ...owner.publicKey, x: 'A'.repeat(43) };
  const token = await signStatement('grant+jws', { v: 1, say: 'hello' }, { ...owner.signer, kid: await thumbprint(off) });
  assert.is(await verdict(token, off), 'signature.invalid');
  assert.is(await verdict(token, off), 'signature.invalid', 'also the second time');
});

test('many keys, one after the other: the kept imports never mix them up', async () => {
  const keys = await Promise.all(Array.from({ length: 80 }, () => newSigningKey()));
  for (const round of [0, 1]) {
    for (const [at, key] of keys.entries()) {
      const token = await signStatement('grant+jws', { v: 1, say: String(at + round) }, key.signer);
      assert.is(await verdict(token, key.publicKey), 'accepted');
      assert.is(await verdict(token, keys[(at + 1) % 80]?.publicKey), 'signature.key');
    }
  }
});

test('refusals say what happened and what to do, and quote nothing of the message', async () => {
  for (const [, token] of FORGERIES) {
    try {
      await verifyStatement(await token, 'grant+jws', owner.publicKey, Shape);
    } catch (error) {
      assert.ok((error as AgentError).say.length > 10 && (error as AgentError).fix.length > 10);
      assert.ok(!(error as AgentError).message.includes('hello'));
    }
  }
});

test('the payload without its signature is guarded like everything else', () => {
  assert.throws(
    () => unverifiedPayload(`x.${toBase64url(utf8('{"a":1,"a":2}'))}.x`),
    (error: AgentError) => error.code === 'message.duplicate_key',
  );
  assert.throws(
    () => unverifiedPayload(`x.${toBase64url(utf8('['.repeat(100)))}.x`),
    (error: AgentError) => error.code === 'message.too_deep',
  );
  assert.throws(
    () => unverifiedPayload('a.?!.c'),
    (error: AgentError) => error.code === 'signature.malformed',
  );
  assert.throws(
    () => unverifiedPayload('nothing'),
    (error: AgentError) => error.code === 'message.malformed',
  );
});

test.run();
