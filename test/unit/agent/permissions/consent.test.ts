import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Consent, Operator } from '../../../../agent/contract/statements.js';
import { isSameOperator } from '../../../../agent/permissions/consent.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import {
  codeOf,
  give,
  HOUR,
  handOver,
  MINUTE,
  makeRig,
  newGrant,
  OPERATOR,
  ownerOf,
  ownerTicket,
  type PermissionRig,
  signConsent,
  signGrant,
  ticketFor,
  verdict,
} from './permission-rig.js';

let rig: PermissionRig;

const it = suite('consent, and who holds the recorder');

it.before.each(async () => {
  rig = await makeRig();
});

const NEW_TEXT = 'U'.repeat(43);
const ELSEWHERE: Operator = { name: 'Example Relay', region: 'US', host: 'us.relay.example.org' };
const renew = async (change: Partial<Consent> = {}, by = rig.owner): Promise<string> =>
  codeOf(rig.permissions.renewConsent(await signConsent(rig, change, by), by.signer.kid));

it('the owner agrees anew to a changed text; until then the old consent is shown as stale', async () => {
  assert.equal(rig.permissions.list(null).consent, { at: rig.clock.now(), textVersion: '2026-11', isStale: false, operator: OPERATOR });
  rig.setup = { ...rig.setup, consentText: NEW_TEXT };
  await rig.restart();
  assert.ok(rig.permissions.list(null).consent.isStale);
  await rig.clock.advance(HOUR);
  assert.is(await renew({ text: NEW_TEXT, ver: '2027-01', by: { name: 'Ada O.', email: 'ada@example.org' } }), 'resolved');
  const check = (): void => {
    const { consent, owner } = rig.permissions.list(null);
    assert.equal([consent.isStale, consent.at, consent.textVersion, owner.name], [false, rig.clock.now(), '2027-01', 'Ada O.']);
  };
  check();
  assert.equal(rig.permissions.owner?.since, rig.clock.now() - HOUR, 'an owner since the same day');
  await rig.restart();
  check();
});

it('another operator, or another region of the same one, is not agreed to until the owner says so', async () => {
  assert.ok(rig.permissions.isOperatorAgreed());
  for (const operator of [
    ELSEWHERE,
    { ...OPERATOR, name: 'Other Relay' },
    { ...OPERATOR, region: 'US' },
    { ...OPERATOR, host: 'x.example.org' },
  ]) {
    rig.setup = { ...rig.setup, operator };
    await rig.restart();
    assert.not.ok(rig.permissions.isOperatorAgreed(), JSON.stringify(operator));
    assert.equal(rig.permissions.list(null).operator, operator);
  }
  rig.setup = { ...rig.setup, operator: ELSEWHERE };
  await rig.restart();
  let isHeard = false;
  rig.permissions.onChange(() => {
    isHeard = rig.permissions.isOperatorAgreed();
  });
  assert.is(await renew({ operator: OPERATOR }), 'permissions.consent_other_operator');
  assert.is(await renew({ operator: ELSEWHERE }), 'resolved');
  assert.ok(isHeard && rig.permissions.isOperatorAgreed(), 'whoever waits for it is told');
  rig.setup = { ...rig.setup, operator: null };
  await rig.restart();
  assert.ok(rig.permissions.isOperatorAgreed(), 'with nobody there is nothing to agree to');
});

it('who agreed to no cloud is not connected with one', async () => {
  const alone = await makeRig(false);
  await alone.permissions.install(ownerOf(alone.owner, 0, { operator: null }));
  assert.not.ok(alone.permissions.isOperatorAgreed());
});

it('a consent counts when one of the devices signed it to what is in force here', async () => {
  const other = await newSigningKey();
  const cases: readonly [Partial<Consent>, string][] = [
    [{ dev: 'SN4F2K7Q9E' }, 'permissions.other_recorder'],
    [{ text: NEW_TEXT }, 'permissions.consent_other_text'],
    [{ operator: null }, 'permissions.consent_other_operator'],
    [{ role: 'installer' }, 'permissions.consent_role'],
  ];
  for (const [change, code] of cases) assert.is(await renew(change), code);
  assert.is(await renew({}, other), 'permissions.not_owner');
  const byOther = await signConsent(rig, {}, other);
  assert.is(await codeOf(rig.permissions.renewConsent(byOther, rig.owner.signer.kid)), 'signature.key');
  const grant = await signGrant(rig, newGrant(rig));
  assert.is(await codeOf(rig.permissions.renewConsent(grant, rig.owner.signer.kid)), 'signature.type');
  await rig.permissions.addDevice({ key: other.publicKey, name: 'Tablet' });
  assert.is(await renew({}, other), 'resolved');
  await rig.permissions.reset();
  assert.is(await renew(), 'permissions.no_owner');
});

it('the same operator means name, region and host', () => {
  assert.ok(isSameOperator(OPERATOR, { ...OPERATOR }));
  assert.ok(isSameOperator(null, null));
  assert.not.ok(isSameOperator(OPERATOR, null));
  assert.not.ok(isSameOperator(null, OPERATOR));
});

it('a recorder held by an installer: settings and health can be given, pictures and the like only by the owner', async () => {
  const held = await makeRig(true, 'installer');
  assert.is(held.permissions.list(null).role, 'installer');
  assert.is(await codeOf(give(held)), 'permissions.installer_held');
  assert.is(await codeOf(give(held, { scopes: ['health', 'wifi'] })), 'permissions.installer_held');
  const grant = await give(held, { scopes: ['health', 'remote-configuration', 'site-information'] });
  assert.is(verdict(held, ticketFor(held, grant.id, 'health')), 'yes');
  assert.is(verdict(held, ownerTicket(held.owner, 'live-view', 'relay')), 'installer_held');
  assert.is(verdict(held, ownerTicket(held.owner, 'live-view', 'lan')), 'yes');
  const next = await newSigningKey();
  const own = signConsent(held, { role: 'owner' });
  assert.is(await codeOf(held.permissions.renewConsent(await own, held.owner.signer.kid)), 'permissions.consent_role');
  await handOver(held, next);
  assert.is(verdict(held, ownerTicket(next, 'live-view', 'relay')), 'yes');
  assert.is(verdict(held, ticketFor(held, grant.id, 'health')), 'withdrawn');
  assert.ok(await give(held, { scopes: ['live-view'] }, next));
});

/** Time goes by as in the agent: looked at every two seconds. */
async function pass(held: PermissionRig, durationMs: number): Promise<void> {
  for (let gone = 0; gone < durationMs; gone += 2_000) {
    await held.clock.advance(2_000);
    await held.permissions.expire();
  }
}

it('an installer aims cameras for 60 minutes in all; then his pictures end', async () => {
  const held = await makeRig(true, 'installer');
  const ticket = ownerTicket(held.owner, 'live-view', 'lan');
  const left = (): number => {
    const judged = held.permissions.judge(ticket);
    return judged.ok ? (judged.untilAt ?? 0) - held.clock.now() : 0;
  };
  assert.is(left(), HOUR);
  await pass(held, 10 * MINUTE);
  assert.is(left(), HOUR, 'nobody looked');
  held.sessions.set('one', ticket).set('two', ticket);
  await pass(held, 5 * MINUTE);
  assert.is(left(), 55 * MINUTE, 'two pictures at once count once');
  held.sessions.clear();
  await pass(held, 90 * MINUTE);
  assert.is(left(), 55 * MINUTE);
  await held.restart();
  assert.is(left(), 54 * MINUTE, 'charged by the minute and in advance: a restart gains nothing');
  held.sessions.set('three', ticket);
  await pass(held, 54 * MINUTE - 2_000);
  assert.is(left(), 2_000);
  assert.is(held.sessions.size, 1);
  await pass(held, 2_000);
  assert.equal([held.sessions.size, verdict(held, ticket)], [0, 'aiming_over']);
  assert.is(verdict(held, ownerTicket(held.owner, 'remote-configuration', 'relay')), 'yes');
  await held.restart();
  assert.is(verdict(held, ticket), 'aiming_over');
  await pass(held, 2 * MINUTE);
  assert.is((await held.store.load())?.owner?.aimedMs, 61 * MINUTE, 'no minute is charged without pictures');
});

it('a hundred restarts in the middle of aiming give no minute more', async () => {
  const held = await makeRig(true, 'installer');
  const ticket = ownerTicket(held.owner, 'live-view', 'lan');
  let aimedMs = 0;
  for (let start = 0; start < 100 && verdict(held, ticket) === 'yes'; start += 1) {
    held.sessions.set('one', ticket);
    await pass(held, 14_000);
    aimedMs += 14_000;
    held.sessions.clear();
    await held.restart();
  }
  assert.is(verdict(held, ticket), 'aiming_over');
  assert.ok(aimedMs <= HOUR);
});

it('an owner’s own pictures are not counted', async () => {
  rig.sessions.set('one', ownerTicket(rig.owner, 'live-view', 'relay'));
  await pass(rig, 2 * MINUTE);
  assert.equal([rig.sessions.size, (await rig.store.load())?.owner?.aimedMs], [1, 0]);
});

it.run();
