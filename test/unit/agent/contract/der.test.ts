import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  fromPem,
  issueClientCertificate,
  makeAuthorityCertificate,
  makeCsr,
  makeServerCertificate,
  readCsr,
  type SignBytes,
  toPem,
} from '../../../../agent/contract/der.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { makeTestKey, type TestKey } from '../../../support/p256.js';

const SERIAL = 'SN4F2K7Q9D';
const DAY_MS = 86_400_000;
const NOW = Date.now();

let folder: string;
let authorityKey: TestKey;
let authority: Uint8Array<ArrayBuffer>;
let key: TestKey;

const it = suite('certificates and requests');

const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const certificateFile = (name: string, der: Uint8Array): string => file(name, toPem('CERTIFICATE', der));

async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'taken';
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code;
  }
}

const csrOf = (commonName: string, by = key, sign: SignBytes = by.sign): Promise<Uint8Array<ArrayBuffer>> =>
  makeCsr({ commonName, publicKey: by.publicKey, sign });

async function issue(csr: Uint8Array<ArrayBuffer>, at = NOW, from = authority, sign: SignBytes = authorityKey.sign) {
  return issueClientCertificate({ csr: await readCsr(csr), authority: from, sign, at });
}

it.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sightline-der-'));
  authorityKey = makeTestKey();
  key = makeTestKey();
  authority = await makeAuthorityCertificate({
    commonName: 'Test authority',
    publicKey: authorityKey.publicKey,
    sign: authorityKey.sign,
    at: NOW - DAY_MS,
  });
});

it.after(() => rmSync(folder, { recursive: true, force: true }));

it('openssl verifies a request, signed as r and s or as DER, and finds the serial and nothing else in it', async () => {
  for (const sign of [key.sign, key.signDer]) {
    const der = await csrOf(SERIAL, key, sign);
    const path = file('request.pem', toPem('CERTIFICATE REQUEST', der));
    const { status, stderr } = spawnSync('openssl', ['req', '-in', path, '-verify', '-noout'], { encoding: 'utf8' });
    assert.is(status, 0, stderr);
    assert.match(stderr, /verify OK/i);
    assert.is(openssl('req', '-in', path, '-noout', '-subject').trim().replace(/\s/g, ''), `subject=CN=${SERIAL}`);
    assert.equal(await readCsr(der), { commonName: SERIAL, publicKey: key.publicKey });
  }
});

it('a request that openssl made is read; what it asks for beyond name and key does not count', async () => {
  const keyPath = file('key.pem', key.pem);
  const path = join(folder, 'wish.pem');
  const wish = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'subjectAltName=DNS:example.org'];
  openssl('req', '-new', '-key', keyPath, '-sha256', '-subj', `/CN=${SERIAL}`, ...wish, '-out', path);
  const csr = fromPem('CERTIFICATE REQUEST', readFileSync(path, 'utf8'));
  assert.equal(await readCsr(csr), { commonName: SERIAL, publicKey: key.publicKey });
  const issued = new X509Certificate(await issue(csr));
  assert.is(issued.ca, false);
  assert.is(issued.subjectAltName, undefined);
});

it('an issued client certificate: openssl and node accept it for clients, for this key, and for nothing else', async () => {
  const der = await issue(await csrOf(SERIAL));
  const leaf = certificateFile('leaf.pem', der);
  const root = certificateFile('root.pem', authority);
  assert.match(openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', root, leaf), /OK/);
  const asServer = spawnSync('openssl', ['verify', '-purpose', 'sslserver', '-CAfile', root, leaf], { encoding: 'utf8' });
  assert.is.not(asServer.status, 0, 'not for servers');
  // Node looks at the key usage too; here it is said in so many words.
  assert.match(openssl('x509', '-in', leaf, '-noout', '-ext', 'basicConstraints,keyUsage'), /CA:FALSE[\s\S]+Digital Signature\s*$/);
  const certificate = new X509Certificate(der);
  assert.is(certificate.subject, `CN=${SERIAL}`);
  assert.is(certificate.issuer, 'CN=Test authority');
  assert.is(certificate.ca, false);
  assert.ok(certificate.checkPrivateKey(key.privateKey));
  assert.ok(certificate.verify(new X509Certificate(authority).publicKey));
  assert.ok(certificate.checkIssued(new X509Certificate(authority)));
  assert.equal(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.is(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom), 90 * DAY_MS);
  assert.ok(Date.parse(certificate.validFrom) <= NOW && Date.parse(certificate.validFrom) > NOW - 10 * 60_000);
  const serials = new Set(
    await Promise.all(Array.from({ length: 20 }, async () => new X509Certificate(await issue(await csrOf(SERIAL))).serialNumber)),
  );
  assert.is(serials.size, 20);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
});

it('an authority that openssl made, with more in its name, is named as it names itself', async () => {
  const path = join(folder, 'vendor.pem');
  const keyPath = join(folder, 'vendor-key.pem');
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', keyPath);
  openssl('req', '-x509', '-new', '-key', keyPath, '-subj', '/C=DE/O=Example GmbH/OU=Video/CN=Recorders 2026', '-days', '3', '-out', path);
  const { createPrivateKey, sign } = await import('node:crypto');
  const vendorKey = createPrivateKey(readFileSync(keyPath));
  const vendor = fromPem('CERTIFICATE', readFileSync(path, 'utf8'));
  const leaf = certificateFile(
    'vendor-leaf.pem',
    await issue(await csrOf(SERIAL), NOW, vendor, async (bytes) => sign('sha256', bytes, vendorKey)),
  );
  assert.match(openssl('verify', '-purpose', 'sslclient', '-CAfile', path, leaf), /OK/);
});

it('a certificate for a server that signs itself: names, addresses, ten years, not an authority', async () => {
  const ips = ['192.168.1.20', '::1', 'fe80::a:b:c', '2001:db8::'];
  const names = ['recorder.local', 'localhost'];
  const der = await makeServerCertificate({ commonName: SERIAL, publicKey: key.publicKey, sign: key.sign, ips, names, at: NOW - 1_000 });
  const path = certificateFile('server.pem', der);
  assert.match(openssl('verify', '-purpose', 'sslserver', '-CAfile', path, path), /OK/);
  const certificate = new X509Certificate(der);
  assert.is(certificate.ca, false);
  for (const ip of ips) assert.ok(certificate.checkIP(ip), ip);
  for (const name of names) assert.is(certificate.checkHost(name), name);
  assert.is(certificate.checkHost('example.org'), undefined);
  assert.is(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom), 3650 * DAY_MS);
  assert.ok(certificate.verify(certificate.publicKey));
});

it('a certificate for a server from an authority', async () => {
  const parts = { commonName: 'broker', publicKey: key.publicKey, sign: authorityKey.sign, ips: ['127.0.0.1'], names: [], at: NOW };
  const der = await makeServerCertificate({ ...parts, authority, days: 30 });
  const leaf = certificateFile('broker.pem', der);
  assert.match(openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', certificateFile('root.pem', authority), leaf), /OK/);
});

it('times before 2000 and after 2050 are written as their kind demands', async () => {
  const at = (instant: number) =>
    makeServerCertificate({ commonName: 'x', publicKey: key.publicKey, sign: key.sign, ips: [], names: [], at: instant });
  for (const instant of [0, 86_399_000, Date.UTC(1999, 11, 31, 23, 59, 59), Date.UTC(2049, 11, 31), Date.UTC(2050, 0, 1)]) {
    const certificate = new X509Certificate(await at(instant));
    assert.is(Date.parse(certificate.validFrom), instant);
    assert.is(Date.parse(certificate.validTo), instant + 3650 * DAY_MS);
  }
  assert.is(Date.parse(new X509Certificate(await issue(await csrOf(SERIAL), 0)).validFrom), 0, 'not before 1970');
});

it('a request with another key, signature, curve or shape is refused', async () => {
  const other = makeTestKey();
  assert.is(await codeOf(csrOf(SERIAL, key, other.sign).then(readCsr)), 'certificate.signature');
  const good = await csrOf(SERIAL);
  // Every single bit: nothing that was changed is taken, and nothing breaks in another way.
  for (let at = 0; at < good.length; at += 1) {
    const bad = good.slice();
    bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
    assert.match(await codeOf(readCsr(bad)), /^certificate\.(?:malformed|signature)$/, `byte ${at}`);
  }
  for (let length = 0; length < good.length; length += 7) assert.is(await codeOf(readCsr(good.slice(0, length))), 'certificate.malformed');
  assert.is(await codeOf(readCsr(Uint8Array.from([...good, 0]))), 'certificate.malformed', 'nothing may follow');
  assert.is(await codeOf(readCsr(new Uint8Array(5_000))), 'certificate.malformed');
});

it('requests of openssl with another curve, hash or subject are refused', async () => {
  const p384 = join(folder, 'p384.pem');
  openssl('ecparam', '-name', 'secp384r1', '-genkey', '-noout', '-out', p384);
  const keyPath = file('key.pem', key.pem);
  const cases: string[][] = [
    ['-key', p384, '-sha256', '-subj', `/CN=${SERIAL}`],
    ['-key', keyPath, '-sha384', '-subj', `/CN=${SERIAL}`],
    ['-key', keyPath, '-sha256', '-subj', `/O=x/CN=${SERIAL}`],
    ['-key', keyPath, '-sha256', '-subj', `/CN=${SERIAL}/CN=OTHER0001`],
    ['-key', keyPath, '-sha256', '-multivalue-rdn', '-subj', `/CN=${SERIAL}+O=x`],
    ['-key', keyPath, '-sha256', '-subj', '/O=only'],
  ];
  for (const args of cases) {
    const path = join(folder, 'other.pem');
    openssl('req', '-new', ...args, '-out', path);
    assert.is(await codeOf(readCsr(fromPem('CERTIFICATE REQUEST', readFileSync(path, 'utf8')))), 'certificate.malformed', args.join(' '));
  }
});

it('names, addresses and signatures that cannot stand in a certificate are refused before anything is signed', async () => {
  for (const name of ['', 'x'.repeat(65), 'a\nb', 'a\0b']) {
    assert.is(await codeOf(Promise.resolve().then(() => csrOf(name))), 'certificate.malformed', JSON.stringify(name));
  }
  const server = (ips: string[], names: string[]): Promise<unknown> =>
    makeServerCertificate({ commonName: 'x', publicKey: key.publicKey, sign: key.sign, ips, names, at: NOW });
  for (const ip of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', ':::', 'g::1', '1::2::3', '12345::']) {
    assert.is(await codeOf(server([ip], [])), 'certificate.malformed', ip);
  }
  for (const name of ['', 'a b', '-a', 'a..b', 'a/b', '*.example.org', 'x'.repeat(254)]) {
    assert.is(await codeOf(server([], [name])), 'certificate.malformed', name);
  }
  for (const signature of [new Uint8Array(0), new Uint8Array(63), Uint8Array.of(0x30, 0), new Uint8Array(65)]) {
    assert.is(await codeOf(csrOf(SERIAL, key, async () => signature)), 'certificate.malformed', `${signature.length} bytes`);
  }
});

it('PEM: what was written is read, other labels and other texts are refused', async () => {
  const der = await csrOf(SERIAL);
  const pem = toPem('CERTIFICATE REQUEST', der);
  assert.equal(fromPem('CERTIFICATE REQUEST', `first some words\n${pem}`), der);
  assert.ok(pem.split('\n').every((line) => line.length <= 64));
  for (const text of ['', 'x', pem.replace(/REQUEST/g, 'R'), pem.replace(/M/, '*'), pem.slice(0, 80)]) {
    assert.is(await codeOf(Promise.resolve().then(() => fromPem('CERTIFICATE REQUEST', text))), 'certificate.malformed', text.slice(0, 40));
  }
});

it.run();
