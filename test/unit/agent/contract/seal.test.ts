import { CompactEncrypt, importJWK } from 'jose';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_MESSAGE_BYTES } from '../../../../agent/contract/guard.js';
import { openSealed, seal } from '../../../../agent/contract/seal.js';
import { type PublicJwk, PublicJwk as PublicJwkShape, parseShape } from '../../../../agent/contract/shapes.js';
import { toBase64url, utf8 } from '../../../../agent/contract/text.js';
import { AgentError } from '../../../../agent/kernel/errors.js';

const { subtle } = globalThis.crypto;

interface SealPair {
  readonly publicKey: PublicJwk;
  readonly privateKey: CryptoKey;
}

async function newPair(): Promise<SealPair> {
  const pair = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits', 'deriveKey']);
  const { kty, crv, x, y } = await subtle.exportKey('jwk', pair.publicKey);
  return { publicKey: parseShape(PublicJwkShape, { kty, crv, x, y }), privateKey: pair.privateKey };
}

async function isBroken(letter: string, key: CryptoKey): Promise<boolean> {
  try {
    await openSealed(letter, key);
    return false;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code === 'seal.broken';
  }
}

const mine = await newPair();
const other = await newPair();

test('a letter is read by its addressee, and no two letters are alike', async () => {
  for (const content of ['', 'hello', 'grüße 日本', 'x'.repeat(MAX_MESSAGE_BYTES - 1_000)]) {
    const letter = await seal(content, mine.publicKey);
    assert.is(await openSealed(letter, mine.privateKey), content);
    assert.is.not(letter, await seal(content, mine.publicKey));
    if (content.length > 3) assert.not.match(letter, /hello/);
  }
});

test('another key opens nothing', async () => {
  assert.ok(await isBroken(await seal('hello', mine.publicKey), other.privateKey));
});

test('a changed character anywhere breaks it', async () => {
  const letter = await seal('open the gate', mine.publicKey);
  // The last character of a base64url part carries bits that are not looked at: it is left out.
  const isLastOfPart = (at: number): boolean => at === letter.length - 1 || letter[at + 1] === '.';
  for (let at = 0; at < letter.length; at += 1) {
    if (letter[at] === '.' || isLastOfPart(at)) continue;
    const changed = letter.slice(0, at) + (letter[at] === 'A' ? 'B' : 'A') + letter.slice(at + 1);
    if (!(await isBroken(changed, mine.privateKey))) assert.unreachable(`changed at ${at}`);
  }
});

test('what is not a letter', async () => {
  const letter = await seal('hello', mine.publicKey);
  const [header = '', ...rest] = letter.split('.');
  const withHeader = (change: object): string => {
    const known = JSON.parse(Buffer.from(header, 'base64url').toString()) as object;
    return [toBase64url(utf8(JSON.stringify({ ...known, ...change }))), ...rest].join('.');
  };
  const cases = [
    '',
    'hello',
    '....',
    'a.b.c',
    letter.slice(0, -4),
    `${letter}AAAA`,
    letter.split('.').slice(0, 4).join('.'),
    `${letter}.x`,
    withHeader({ alg: 'dir' }),
    withHeader({ alg: 'none' }),
    withHeader({ enc: 'A128GCM' }),
    withHeader({ zip: 'DEF' }),
    withHeader({ crit: ['x'], x: 1 }),
    withHeader({ epk: { ...other.publicKey } }),
    withHeader({ epk: { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) } }),
  ];
  for (const text of cases) assert.ok(await isBroken(text, mine.privateKey), text.slice(0, 60));
});

test('other algorithms are refused even when the letter is for this key', async () => {
  const key = await importJWK({ ...mine.publicKey }, 'ECDH-ES');
  const make = (header: object): Promise<string> =>
    new CompactEncrypt(utf8('hello')).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', ...header }).encrypt(key);
  assert.is(await openSealed(await make({}), mine.privateKey), 'hello');
  for (const header of [{ enc: 'A128GCM' }, { enc: 'A256CBC-HS512' }, { alg: 'ECDH-ES+A256KW' }, { alg: 'ECDH-ES+A128KW' }])
    assert.ok(await isBroken(await make(header), mine.privateKey), JSON.stringify(header));
});

test('a small letter that unfolds into a large one is not opened', async () => {
  const key = await importJWK({ ...mine.publicKey }, 'ECDH-ES');
  for (const size of [10, 1_000_000]) {
    const bomb = await new CompactEncrypt(new Uint8Array(size))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', zip: 'DEF' })
      .encrypt(key);
    assert.ok(bomb.length < 3_000);
    assert.ok(await isBroken(bomb, mine.privateKey), String(size));
  }
});

test('more than a message may hold, and bytes that are no text', async () => {
  const key = await importJWK({ ...mine.publicKey }, 'ECDH-ES');
  const make = (bytes: Uint8Array): Promise<string> =>
    new CompactEncrypt(bytes).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' }).encrypt(key);
  assert.ok(await isBroken(await seal('x'.repeat(MAX_MESSAGE_BYTES + 1), mine.publicKey), mine.privateKey));
  assert.is((await openSealed(await seal('x'.repeat(MAX_MESSAGE_BYTES), mine.publicKey), mine.privateKey)).length, MAX_MESSAGE_BYTES);
  assert.ok(await isBroken(await make(Uint8Array.from([0xff, 0xfe])), mine.privateKey));
});

test.run();
