import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { basicAuthorization, createDigest, makeCnonce, offersBasic, parseChallenges, pickDigest } from '../../../drivers/digest.js';

const login = (user: string, password: string) => ({ user, password: { reveal: () => password } });
const MUFASA = login('Mufasa', 'Circle of Life');
const RFC7616 =
  'realm="http-auth@example.org", qop="auth, auth-int", algorithm=ALG, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
const RFC7616_CNONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
const field = (header: string, name: string): string | undefined => new RegExp(`[ ,]${name}="?([^",]*)"?(?:,|$)`).exec(header)?.[1];

function answer(challenge: string, cnonce: string, who = MUFASA, method = 'GET', uri = '/dir/index.html'): string {
  const picked = pickDigest(parseChallenges(challenge));
  if (picked === undefined) return '';
  return createDigest(picked, who, cnonce).authorize(method, uri);
}

test('RFC 7616 section 3.9.1: MD5 and SHA-256', () => {
  const md5 = answer(`Digest ${RFC7616.replace('ALG', 'MD5')}`, RFC7616_CNONCE);
  assert.is(field(md5, 'response'), '8ca523f5e9506fed4657c9700eebdbec');
  const sha = answer(`Digest ${RFC7616.replace('ALG', 'SHA-256')}`, RFC7616_CNONCE);
  assert.is(field(sha, 'response'), '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1');
  assert.is(field(sha, 'nc'), '00000001');
  assert.is(field(sha, 'qop'), 'auth');
  assert.is(field(sha, 'opaque'), 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS');
});

test('RFC 2617 section 3.5, with the older spelling of the header', () => {
  const header = answer(
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    '0a4f113b',
    login('Mufasa', 'Circle Of Life'),
  );
  assert.is(field(header, 'response'), '6629fae49393a05397450978507c4ef1');
  assert.is(field(header, 'algorithm'), undefined, 'not named by the camera, so not echoed');
});

test('RFC 2069: without qop there is neither counter nor cnonce', () => {
  const header = answer('Digest realm="cam", nonce="abc"', 'cccc', login('admin', 'pw'), 'DESCRIBE', 'rtsp://192.0.2.1/main');
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  assert.is(field(header, 'response'), md5(`${md5('admin:cam:pw')}:abc:${md5('DESCRIBE:rtsp://192.0.2.1/main')}`));
  for (const name of ['nc', 'cnonce', 'qop']) assert.is(field(header, name), undefined);
});

test('-sess keys mix nonce and cnonce in, auth-int hashes the body', () => {
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const header = answer('Digest realm="r", nonce="n", qop="auth-int", algorithm="SHA-256-sess"', 'c', login('u', 'p'), 'PLAY', 'rtsp://h/');
  const a1 = sha(`${sha('u:r:p')}:n:c`);
  assert.is(field(header, 'response'), sha(`${a1}:n:00000001:c:auth-int:${sha(`PLAY:rtsp://h/:${sha('')}`)}`));
  assert.match(header, 'algorithm=SHA-256-sess');
});

test('the counter goes up and changes the answer', () => {
  const picked = pickDigest(parseChallenges('Digest realm="r", nonce="n", qop="auth"'));
  assert.ok(picked);
  const session = createDigest(picked, MUFASA, 'c');
  const [first, second] = [session.authorize('GET', '/'), session.authorize('GET', '/')];
  assert.is(field(second, 'nc'), '00000002');
  assert.is.not(field(first, 'response'), field(second, 'response'));
});

test('of several challenges the strongest known one is taken', () => {
  const both =
    'Basic realm="a, \\"quoted\\" b", Digest realm="x, y", nonce="1", algorithm=MD5, Digest realm="x, y", nonce="2", algorithm=SHA-256, qop="auth"';
  const parsed = parseChallenges(both);
  assert.equal(
    parsed.map(({ scheme }) => scheme),
    ['basic', 'digest', 'digest'],
  );
  assert.is(parsed[0]?.params.get('realm'), 'a, "quoted" b');
  assert.is(pickDigest(parsed)?.nonce, '2');
  assert.is(pickDigest(parsed)?.realm, 'x, y');
  assert.ok(offersBasic(parsed));
  assert.is(pickDigest(parseChallenges(['Digest nonce="m",realm="r"', 'Digest nonce="s",realm="r",algorithm=SHA-256']))?.hash, 'sha256');
  assert.is(
    pickDigest(parseChallenges(['Digest nonce="t", algorithm=TOKEN, realm="r"', 'Digest nonce="q", qop="new", realm="r"'])),
    undefined,
  );
});

test('broken and unusual spellings are understood', () => {
  const cases: readonly [string, string, string][] = [
    ['Digest realm=IP Camera(G1234), nonce=abc, stale=FALSE', 'IP Camera(G1234)', 'abc'],
    ['digest  REALM = "r" ,, nonce = "n"  ', 'r', 'n'],
    ['Negotiate YIIabc==, Digest realm="r", nonce="n"', 'r', 'n'],
    ['NTLM, Digest nonce="n", realm="open', 'open', 'n'],
    ['Digest realm="r", nonce="a=b, c=d", nonce="second"', 'r', 'a=b, c=d'],
    ['Digest realm="", nonce=""', '', ''],
  ];
  for (const [text, realm, nonce] of cases) {
    const picked = pickDigest(parseChallenges(text));
    assert.is(picked?.realm, realm, text);
    assert.is(picked?.nonce, nonce, text);
  }
  assert.is(pickDigest(parseChallenges('Digest nonce="n", stale="True"'))?.isStale, true);
});

test('no value can start a new header line, quotes are escaped', () => {
  const header = answer('Digest realm="a\\"b\r\nX: 1", nonce="n"', 'c', login('ad"min\r\nEvil: 1', 'p'));
  assert.not.match(header, /[\r\n]/);
  assert.match(header, 'username="ad\\"minEvil: 1"');
  assert.match(header, 'realm="a\\"bX: 1"');
});

test('users and passwords outside ASCII', () => {
  const md5 = (...parts: (string | Buffer)[]) => parts.reduce((hash, part) => hash.update(part), createHash('md5')).digest('hex');
  const realm = Buffer.from('Kamera Süd', 'utf8').toString('latin1');
  const plain = answer(`Digest realm="${realm}", nonce="n"`, 'c', login('jörg', 'größe'), 'GET', '/');
  assert.is(field(plain, 'response'), md5(`${md5('jörg:Kamera Süd:größe')}:n:${md5('GET:/')}`));
  assert.match(plain, `username="${Buffer.from('jörg').toString('latin1')}"`);
  assert.match(answer('Digest realm="r", nonce="n", charset=UTF-8', 'c', login("jörg'", 'p')), "username*=UTF-8''j%C3%B6rg%27");
  const hashed = answer('Digest realm="r", nonce="n", userhash=true', 'c', login('jörg', 'p'));
  assert.match(hashed, `username="${md5('jörg:r')}", userhash=true`);
});

test('basic and cnonce', () => {
  assert.is(basicAuthorization(login('Aladdin', 'open sesame')), 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
  assert.match(makeCnonce(), /^[0-9a-f]{32}$/);
  assert.is.not(makeCnonce(), makeCnonce());
});

test('any text at all is parsed without throwing, and every answer is one line', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc
      .array(fc.constantFrom('Digest', ' ', ',', '=', '"', '\\', 'nonce', 'realm', 'qop', 'auth', 'algorithm', 'MD5', '\t', '\r\n', 'x'), {
        maxLength: 60,
      })
      .map((a) => a.join('')),
  );
  fc.assert(
    fc.property(text, (input) => {
      const header = answer(input, 'c');
      assert.not.match(header, /[\r\n]/);
    }),
    { numRuns: 2000 },
  );
});

test.run();
