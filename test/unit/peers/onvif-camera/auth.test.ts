import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDigest, parseChallenges, pickDigest } from '../../../../drivers/digest.js';
import { type Account, type DigestAlgorithm, DigestVerifier, parseDigest } from '../../../peers/onvif-camera/http-digest.js';
import { createTokenVerifier } from '../../../peers/onvif-camera/wsse.js';
import { parseXml } from '../../../peers/onvif-camera/xml.js';

const account: Account = { user: 'Jürgen', password: 'pä"ss', level: 'Operator' };
const login = (password: string) => ({ user: account.user, password: { reveal: () => password } });

function verifier(algorithms: readonly DigestAlgorithm[], hasQop: boolean, clock = { now: 0 }): DigestVerifier {
  return new DigestVerifier({ realm: 'camera', algorithms, hasQop, accounts: () => [account], now: () => clock.now });
}

/** What our own driver answers to the verifier's challenge. */
function client(server: DigestVerifier, password = account.password) {
  const challenge = pickDigest(parseChallenges(server.challenges()));
  assert.ok(challenge);
  return createDigest(challenge, login(password), 'c0ffee');
}

test('the right password passes in every form, another one in none', () => {
  for (const [algorithms, hasQop] of [
    [['MD5'], false],
    [['MD5'], true],
    [['SHA-256'], true],
    [['MD5', 'SHA-256'], true],
  ] as const) {
    const server = verifier(algorithms, hasQop);
    assert.is(server.verify(client(server).authorize('GET', '/x'), 'GET', '/x'), account);
    assert.is(server.verify(client(server, 'no').authorize('GET', '/x'), 'GET', '/x'), undefined);
    assert.is(server.verify(client(server).authorize('GET', '/x'), 'POST', '/x'), undefined);
    assert.is(server.verify(client(server).authorize('GET', '/x'), 'GET', '/y'), undefined);
  }
});

test('the stronger algorithm is offered first', () => {
  assert.match(verifier(['MD5', 'SHA-256'], true).challenges()[0] ?? '', /SHA-256/);
});

test('a nonce count is used once, a nonce grows old, an unknown nonce is stale', () => {
  const clock = { now: 0 };
  const server = verifier(['SHA-256'], true, clock);
  const session = client(server);
  const first = session.authorize('GET', '/x');
  assert.is(server.verify(first, 'GET', '/x'), account);
  assert.is(server.verify(first, 'GET', '/x'), 'stale');
  assert.is(server.verify(session.authorize('GET', '/x'), 'GET', '/x'), account);
  clock.now = 300_001;
  assert.is(server.verify(session.authorize('GET', '/x'), 'GET', '/x'), 'stale');
  assert.is(verifier(['SHA-256'], true).verify(session.authorize('GET', '/x'), 'GET', '/x'), 'stale');
});

test('broken headers are no Digest', () => {
  for (const header of ['', 'Basic abc', 'Digest', 'Digest a="1', 'Digest a="1", a="2"', 'Digest a="1" b="2"'])
    assert.is(parseDigest(header), undefined, header);
  assert.is(parseDigest('Digest a="x, \\"y\\"", b=1')?.get('a'), 'x, "y"');
});

const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const TYPE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest';

function token(options: { user?: string; password?: string; nonce?: string; at?: number; type?: string } = {}) {
  const nonce = Buffer.from(options.nonce ?? 'nonce-1');
  const created = new Date(options.at ?? 0).toISOString();
  const digest = createHash('sha1')
    .update(nonce)
    .update(created)
    .update(options.password ?? account.password)
    .digest('base64');
  const parts = `<Username>${options.user ?? account.user}</Username><Password Type="${options.type ?? TYPE}">${digest}</Password>`;
  const all = `${parts}<Nonce>${nonce.toString('base64')}</Nonce><Created>${created}</Created>`;
  return parseXml(`<Header><Security xmlns="${WSSE}"><UsernameToken>${all}</UsernameToken></Security></Header>`);
}

test('a token passes once, within five minutes of the camera clock', () => {
  const tokens = createTokenVerifier({ accounts: () => [account], now: () => 1000 });
  assert.equal(tokens.verify(token()), { kind: 'ok', account });
  assert.equal(tokens.verify(token()), { kind: 'refused', reason: 'replay' });
  assert.is(tokens.verify(token({ nonce: 'nonce-2', at: 301_000 })).kind, 'ok');
  assert.equal(tokens.verify(token({ nonce: 'nonce-3', at: 301_001 })), { kind: 'refused', reason: 'clock' });
});

test('a wrong password, an unknown user and a plain-text password are refused, and burn no nonce', () => {
  const tokens = createTokenVerifier({ accounts: () => [account], now: () => 0 });
  assert.equal(tokens.verify(token({ password: 'no' })), { kind: 'refused', reason: 'password' });
  assert.equal(tokens.verify(token({ user: 'nobody', password: '' })), { kind: 'refused', reason: 'password' });
  assert.equal(tokens.verify(token({ type: 'PasswordText' })), { kind: 'refused', reason: 'malformed' });
  assert.equal(tokens.verify(parseXml('<Header/>')), { kind: 'none' });
  assert.is(tokens.verify(token()).kind, 'ok');
});

test.run();
