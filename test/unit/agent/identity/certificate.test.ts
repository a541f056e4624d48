import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromPem, issueClientCertificate, makeServerCertificate, readCsr, toPem } from '../../../../agent/contract/der.js';
import type { EnrolmentRequest } from '../../../../agent/contract/enrolment.js';
import { CertificateService } from '../../../../agent/identity/certificate.js';
import type { Timer } from '../../../../agent/kernel/clock.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { type Authority, openAuthority } from '../../../../scripts/portal/authority.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { makeTestKey } from '../../../support/p256.js';
import { TestLog } from '../../../support/test-log.js';
import { until } from '../../../support/until.js';

const SERIAL = 'SN4F2K7Q9D';
const DAY = 86_400_000;

/** Keeps what it was asked to wait. */
class NotingClock extends ManualClock {
  readonly waits: number[] = [];

  override after(delayMs: number, act: () => void): Timer {
    this.waits.push(delayMs);
    return super.after(delayMs, act);
  }
}

let folder: string;
let authority: Authority;
let clock: NotingClock;
let log: TestLog;
let service: CertificateService;
/** What the issuer was asked, and how it answers. */
let asked: EnrolmentRequest[];
let answer: (request: EnrolmentRequest) => Promise<string>;

const it = suite('client certificate');

const signer = async (bytes: Uint8Array): Promise<Uint8Array> =>
  sign('sha256', bytes, { key: createPrivateKey(authority.key), dsaEncoding: 'ieee-p1363' });

async function issueFor(
  { csr }: EnrolmentRequest,
  more: { readonly serial?: string; readonly days?: number; readonly at?: number } = {},
): Promise<string> {
  const wish = await readCsr(fromPem('CERTIFICATE REQUEST', csr));
  const issued = await issueClientCertificate({
    csr: { ...wish, commonName: more.serial ?? wish.commonName },
    authority: fromPem('CERTIFICATE', authority.certificate),
    sign: signer,
    at: more.at ?? clock.now(),
    ...(more.days === undefined ? {} : { days: more.days }),
  });
  return toPem('CERTIFICATE', issued) + authority.certificate;
}

function makeService(random = 0): CertificateService {
  return new CertificateService({
    folder: join(folder, 'keys'),
    serial: SERIAL,
    issuer: {
      enrol: async (request) => {
        asked.push(request);
        return answer(request);
      },
    },
    prove: async (csrHash) => `proof-of-${csrHash}`,
    clock,
    log,
    random: () => random,
  });
}

const changed = (one = service): Promise<void> =>
  new Promise((resolve) => {
    const stop = one.onChange(() => {
      stop();
      resolve();
    });
  });

async function startWithCertificate(): Promise<void> {
  const change = changed();
  await service.start();
  await change;
}

const warned = (times: number): Promise<boolean> =>
  until(`${times} failures`, () => log.lines.filter(({ message }) => message.startsWith('no client certificate')).length >= times);
const files = async (): Promise<string[]> => (await readdir(join(folder, 'keys'))).filter((name) => name.startsWith('client')).sort();
const leafOf = (pair: { certificate: string } | undefined): X509Certificate => new X509Certificate(pair?.certificate ?? '');

it.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-certificate-'));
  authority = await openAuthority(join(folder, 'authority'));
  clock = new NotingClock(Date.now());
  log = new TestLog();
  asked = [];
  answer = (request) => issueFor(request);
  service = makeService();
});

it.after.each(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

it('the first start asks for a certificate, with a proof of this very request, and keeps key and certificate in one file', async () => {
  assert.is(service.current(), undefined);
  await startWithCertificate();
  const [request] = asked;
  const der = fromPem('CERTIFICATE REQUEST', request?.csr ?? '');
  assert.is(request?.proof, `proof-of-${createHash('sha256').update(der).digest('base64url')}`);
  assert.is((await readCsr(der)).commonName, SERIAL);
  const pair = service.current();
  assert.ok(leafOf(pair).checkPrivateKey(createPrivateKey(pair?.key ?? '')));
  assert.match(pair?.certificate ?? '', /(?:BEGIN CERTIFICATE[\s\S]+){2}/, 'the chain is handed on');
  assert.equal(await files(), ['client-next.pem'], 'on trial until a broker took it');
  assert.is((await stat(join(folder, 'keys', 'client-next.pem'))).mode & 0o777, 0o600);
  assert.is((await stat(join(folder, 'keys'))).mode & 0o777, 0o700);
});

it('after a restart there is the same pair, and nothing is asked', async () => {
  await startWithCertificate();
  service.accepted(service.current());
  await service.stop();
  assert.equal(await files(), ['client.pem']);
  const before = service.current();
  service = makeService();
  await service.start();
  assert.equal(service.current(), before);
  assert.is(asked.length, 1);
});

it('renewal at 60 of 90 days: a new key; the old pair stays until the broker took the new one', async () => {
  await startWithCertificate();
  const first = service.current();
  service.accepted(first);
  await clock.advance(59 * DAY);
  assert.is(asked.length, 1);
  const change = changed();
  await clock.advance(1 * DAY + 3_600_000);
  await change;
  assert.is(asked.length, 2);
  const second = service.current();
  assert.is.not(second?.key, first?.key);
  assert.equal(await files(), ['client-next.pem', 'client.pem']);
  service.refused();
  assert.equal(service.current(), first, 'the new one was refused: the old one is tried');
  service.refused();
  assert.is(service.current(), undefined, 'and then none, with the proof alone');
  service.refused();
  assert.equal(service.current(), second);
  service.accepted(second);
  await until('the old one is gone', async () => (await files()).length === 1);
  assert.ok((await readFile(join(folder, 'keys', 'client.pem'), 'latin1')).includes(second?.key.trim() ?? '?'));
  service.refused();
  assert.is(service.current(), undefined);
});

it('a power cut between issue and first connection loses neither pair', async () => {
  await startWithCertificate();
  const first = service.current();
  service.accepted(first);
  const change = changed();
  await service.renewNow();
  await change;
  const second = service.current();
  await service.stop();
  service = makeService();
  await service.start();
  assert.equal(service.current(), second);
  service.refused();
  assert.equal(service.current(), first);
  assert.is(asked.length, 2);
});

it('an issuer that fails is asked again, later each time, and the start waits for nothing', async () => {
  answer = async () => {
    throw new AgentError({ code: 'cloud.enrolment_unreachable', say: 'No.', fix: 'Wait.', retryable: true });
  };
  await service.start();
  await warned(1);
  for (let attempt = 1; attempt <= 6; attempt += 1) {
    await clock.advance(clock.waits.at(-1) ?? 0);
    await warned(attempt + 1);
  }
  // With the least of chance: nothing, then half of 1, 2, 4, 8 and 15 minutes.
  assert.equal(clock.waits, [0, 30_000, 60_000, 120_000, 240_000, 450_000, 450_000]);
  answer = (request) => issueFor(request);
  const change = changed();
  await clock.advance(900_000);
  await change;
  assert.ok(service.current() !== undefined);
});

it('a certificate for another key or serial, for years, run out, for servers, or no certificate at all is not taken', async () => {
  const other = makeTestKey();
  const faults: [string, (request: EnrolmentRequest) => Promise<string>][] = [
    [
      'other-key',
      async () =>
        toPem(
          'CERTIFICATE',
          await issueClientCertificate({
            csr: { commonName: SERIAL, publicKey: other.publicKey },
            authority: fromPem('CERTIFICATE', authority.certificate),
            sign: signer,
            at: clock.now(),
          }),
        ),
    ],
    ['other-name', (request) => issueFor(request, { serial: 'SNOTHER001' })],
    ['too-long', (request) => issueFor(request, { days: 401 })],
    ['expired', (request) => issueFor(request, { at: clock.now() - 91 * DAY })],
    [
      'not-for-clients',
      async ({ csr }) => {
        const { publicKey } = await readCsr(fromPem('CERTIFICATE REQUEST', csr));
        return toPem(
          'CERTIFICATE',
          await makeServerCertificate({
            commonName: SERIAL,
            publicKey,
            sign: signer,
            ips: [],
            names: [],
            at: clock.now(),
            days: 30,
            authority: fromPem('CERTIFICATE', authority.certificate),
          }),
        );
      },
    ],
    ['unreadable', async () => 'hello'],
    ['unreadable', async () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ['unreadable', async (request) => (await issueFor(request)).repeat(3)],
  ];
  let asked = 0;
  answer = (request) => {
    const [, give] = faults[Math.min(asked, faults.length - 1)] ?? faults[0] ?? ['', answer];
    asked += 1;
    return give(request);
  };
  await service.start();
  for (const [at, [fault]] of faults.entries()) {
    await warned(at + 1);
    const { error } = log.lines.filter(({ message }) => message.startsWith('no client'))[at]?.facts ?? {};
    assert.ok(error instanceof AgentError && error.code === 'identity.certificate_refused', String(error));
    assert.is(error.detail.fault, fault);
    assert.equal(await files(), []);
    assert.is(service.current(), undefined);
    await clock.advance(900_000);
  }
});

it('a renewal that was asked for survives a restart, and a damaged file is no reason to stop', async () => {
  await startWithCertificate();
  service.accepted(service.current());
  answer = () => Promise.reject(new AgentError({ code: 'cloud.enrolment_unreachable', say: 'No.', fix: 'Wait.' }));
  await service.renewNow();
  await warned(1);
  await service.stop();
  answer = (request) => issueFor(request);
  service = makeService();
  await startWithCertificate();
  assert.equal(await files(), ['client-next.pem', 'client.pem']);
  await service.stop();
  for (const text of ['', 'hello', (await readFile(join(folder, 'keys', 'client.pem'), 'latin1')).slice(0, 600)]) {
    await writeFile(join(folder, 'keys', 'client-next.pem'), text);
    service = makeService();
    await service.start();
    assert.is(leafOf(service.current()).subject, `CN=${SERIAL}`, 'the other one still counts');
    await service.stop();
  }
});

it('when the broker takes none of them, a new one is asked for, and not for each refusal', async () => {
  await startWithCertificate();
  service.accepted(service.current());
  const change = changed();
  for (let refusals = 0; refusals < 6; refusals += 1) service.refused();
  await change;
  assert.is(asked.length, 2);
  for (let refusals = 0; refusals < 60; refusals += 1) service.refused();
  await clock.advance(5 * 60_000);
  assert.is(asked.length, 2);
});

it('stopping in the middle of an enrolment ends it', async () => {
  let isEnded = false;
  let begun: () => void = () => undefined;
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const parts = { folder: join(folder, 'keys'), serial: SERIAL, prove: async () => 'p', clock, log, random: () => 0 };
  service = new CertificateService({
    ...parts,
    issuer: {
      enrol: (_request, signal) =>
        new Promise((_resolve, reject) => {
          begun();
          signal.addEventListener('abort', () => {
            isEnded = true;
            reject(new AgentError({ code: 'cloud.enrolment_unreachable', say: 'No.', fix: 'Wait.' }));
          });
        }),
    },
  });
  await service.start();
  await hasBegun;
  await service.stop();
  assert.is(isEnded, true);
  assert.is(clock.armed, 0);
});

it.run();
