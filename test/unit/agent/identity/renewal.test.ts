import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CertificateFacts,
  DOUBT_AFTER,
  judgeCertificate,
  renewalAt,
  retryPlan,
  slotToTry,
  waitForRenewalMs,
} from '../../../../agent/identity/renewal.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 5, 1);
const SERIAL = 'SN4F2K7Q9D';
const life = { notBefore: NOW, notAfter: NOW + 90 * DAY };
const good: CertificateFacts = { ...life, isForKey: true, commonName: SERIAL, isAuthority: false, isForClients: true };

test('a certificate is taken only for this key and serial, for clients, in time and not for years', () => {
  assert.is(judgeCertificate(good, SERIAL, NOW), undefined);
  assert.is(judgeCertificate(good, SERIAL, 0), undefined, 'a clock that stands in 1970 is no reason');
  assert.is(judgeCertificate({ ...good, isForKey: false }, SERIAL, NOW), 'other-key');
  assert.is(judgeCertificate({ ...good, commonName: 'SN4F2K7Q9E' }, SERIAL, NOW), 'other-name');
  assert.is(judgeCertificate({ ...good, commonName: undefined }, SERIAL, NOW), 'other-name');
  assert.is(judgeCertificate({ ...good, isAuthority: true }, SERIAL, NOW), 'authority');
  assert.is(judgeCertificate({ ...good, isForClients: false }, SERIAL, NOW), 'not-for-clients');
  assert.is(judgeCertificate(good, SERIAL, NOW + 90 * DAY), 'expired');
  assert.is(judgeCertificate({ ...good, notAfter: Number.NaN }, SERIAL, NOW), 'expired');
  assert.is(judgeCertificate({ ...good, notAfter: NOW + 400 * DAY }, SERIAL, NOW), undefined);
  assert.is(judgeCertificate({ ...good, notAfter: NOW + 400 * DAY + 1 }, SERIAL, NOW), 'too-long');
});

test('renewal is due at 60 of 90 days, a fleet spread over a day', () => {
  assert.is(renewalAt(life, 0), NOW + 60 * DAY);
  assert.is(renewalAt(life, 1), NOW + 61 * DAY);
  assert.ok(renewalAt({ notBefore: NOW, notAfter: NOW + HOUR }, 1) < NOW + HOUR, 'a short life too');
  const wait = (now: number, isWanted = false): number => waitForRenewalMs({ now, spread: 0.5, newest: life, isWanted });
  assert.is(wait(NOW), HOUR, 'looked at every hour: the clock may be set');
  assert.is(wait(NOW + 60 * DAY + 12 * HOUR - 1), 1);
  assert.is(wait(NOW + 60 * DAY + 12 * HOUR), 0);
  assert.is(wait(NOW + 500 * DAY), 0);
  assert.is(wait(NOW, true), 0);
  assert.is(waitForRenewalMs({ now: NOW, spread: 0.5, newest: undefined, isWanted: false }), 0);
});

test('retries are quick while there is no good certificate, and slow while there is', () => {
  assert.is(retryPlan(undefined, NOW).capMs, 900_000);
  assert.is(retryPlan(life, NOW + 91 * DAY).capMs, 900_000);
  assert.is(retryPlan(life, NOW).firstMs, HOUR);
  // Thirty days are left for it: even the longest waits make more than a hundred attempts.
  assert.ok((30 * DAY) / retryPlan(life, NOW).capMs > 100);
});

test('what was refused is followed by the next: new, old, none, and round', () => {
  const row = (slots: readonly ('next' | 'current')[]): unknown[] => [0, 1, 2, 3, 4].map((refusals) => slotToTry(slots, refusals));
  assert.equal(row(['next', 'current']), ['next', 'current', undefined, 'next', 'current']);
  assert.equal(row(['current']), ['current', undefined, 'current', undefined, 'current']);
  assert.equal(row([]), [undefined, undefined, undefined, undefined, undefined]);
  assert.ok(DOUBT_AFTER >= 6, 'every pair has been tried at least twice');
});

test.run();
