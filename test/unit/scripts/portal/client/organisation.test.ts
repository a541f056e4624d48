import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { thumbprint, verifyStatement } from '../../../../../agent/contract/jws.js';
import type { AnswerOf } from '../../../../../agent/contract/operations.js';
import { Badge } from '../../../../../agent/contract/statements.js';
import { AgentError } from '../../../../../agent/kernel/errors.js';
import { findGrant } from '../../../../../scripts/portal/client/find-grant.js';
import { EmployeeIdentity, isPin, newOrganisation, organisationOf, signIn } from '../../../../../scripts/portal/client/organisation.js';
import { sdpFingerprint } from '../../../../../scripts/portal/client/sdp-fingerprint.js';

const PERSON = { name: 'Dana Example', email: 'dana@example.org' };
const PIN = '493817';
const record = await newOrganisation({ company: 'Example Alarms', person: PERSON, pin: PIN });

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );
}

function permissions(now: number, parts: Partial<AnswerOf<'permissions.mine'>['grants'][number]>[]): AnswerOf<'permissions.mine'> {
  const grants = parts.map((part, at) => ({
    id: String(at).repeat(22),
    org: organisationOf(record),
    scopes: ['live-view' as const],
    cams: null,
    hours: null,
    iat: now,
    exp: now + 600_000,
    state: 'in-force' as const,
    endedAt: null,
    statement: 's'.repeat(30),
    ...part,
  }));
  return { epoch: 1, now, site: 'Corner shop', pending: [], declined: [], grants };
}

test('only the right PIN gives the keys back, and they cannot be read', async () => {
  assert.is(await codeOf(signIn(record, '493818', 0)), 'portal.wrong_pin');
  const keys = await signIn(record, PIN, 0);
  assert.is(keys.employee.privateKey.extractable, false);
  assert.is(keys.organisation.privateKey.extractable, false);
  assert.is(record.browserSecret.extractable, false);
});

test('a weak PIN makes no organisation', async () => {
  assert.equal(['12345', '111111', 'abcdef', '493817'].map(isPin), [false, false, false, true]);
  assert.is(await codeOf(newOrganisation({ company: 'X', person: PERSON, pin: '1111111' })), 'portal.weak_pin');
});

test('a badge names the grant, the person and the second factor, by the recorder’s clock', async () => {
  const identity = new EmployeeIdentity(record, await signIn(record, PIN, Date.now()));
  const recorderNow = Date.now() + 5 * 3_600_000;
  identity.learn(permissions(recorderNow, [{ cams: ['cam-1'] }]));
  const { grant, badge } = await identity.credentials('live.open', 'cam-1');
  assert.is(grant, '0'.repeat(22));
  const content = await verifyStatement(badge ?? '', 'badge+jws', record.organisationKey.publicKey, Badge);
  assert.is(content.org, await thumbprint(record.organisationKey.publicKey));
  assert.equal({ name: content.name, email: content.email, amr: content.amr }, { ...PERSON, amr: ['pwd', 'mfa'] });
  assert.ok(content.authTime <= content.iat && content.iat <= recorderNow && content.exp > recorderNow);
  assert.is((await identity.credentials('live.open', 'cam-1')).badge, badge, 'kept while it is good');
});

test('what is not granted is not even asked for; applying needs no grant', async () => {
  const identity = new EmployeeIdentity(record, await signIn(record, PIN, Date.now()));
  identity.learn(permissions(Date.now(), [{ cams: ['cam-1'] }, { scopes: ['health'], state: 'withdrawn' }]));
  assert.is(await codeOf(identity.credentials('live.open', 'cam-2')), 'permissions.not_granted');
  assert.is(await codeOf(identity.credentials('health.get', null)), 'permissions.not_granted');
  assert.is((await identity.credentials('permissions.apply', null)).grant, null);
});

test('signing in that was too long ago makes no badge', async () => {
  const identity = new EmployeeIdentity(record, await signIn(record, PIN, Date.now() - 12 * 3_600_000));
  assert.is(await codeOf(identity.credentials('permissions.mine', null)), 'portal.signed_out');
});

test('of several grants the one that lasts longest is used, and none that is over', () => {
  const { grants } = permissions(1000, [{ exp: 2000 }, { exp: 5000 }, { exp: 9000, state: 'expired' }, { exp: 900 }]);
  assert.is(findGrant(grants, 'live-view', 'cam-9', 1000)?.id, '1'.repeat(22));
  assert.is(findGrant(grants, 'live-view', null, 5000), undefined);
  assert.is(findGrant(grants, 'ptz', null, 1000), undefined);
});

test('an SDP has exactly one SHA-256 fingerprint, or none that counts', () => {
  const print = (byte: string): string => Array(32).fill(byte).join(':');
  const line = (hash: string, value: string): string => `v=0\r\na=fingerprint:${hash} ${value}\r\n`;
  assert.is(sdpFingerprint(line('sha-256', print('ab'))), `sha-256 ${print('AB')}`);
  assert.is(sdpFingerprint(line('sha-256', print('AB')) + line('sha-256', print('AB'))), `sha-256 ${print('AB')}`);
  assert.is(sdpFingerprint(line('sha-256', print('AB')) + line('sha-256', print('CD'))), undefined);
  assert.is(sdpFingerprint(line('sha-1', print('AB'))), undefined);
  assert.is(sdpFingerprint(line('sha-256', 'AB:CD')), undefined);
  assert.is(sdpFingerprint('v=0\r\n'), undefined);
});

test.run();
