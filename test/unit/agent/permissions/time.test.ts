import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Hours } from '../../../../agent/contract/statements.js';
import { GrantClock } from '../../../../agent/permissions/grant-clock.js';
import { codeOf, DAY, give, HOUR, MINUTE, makeRig, ownerTicket, type PermissionRig, ticketFor, verdict } from './permission-rig.js';

let rig: PermissionRig;

const it = suite('permissions and time');

it.before.each(async () => {
  rig = await makeRig();
});

const WORKDAYS: Hours = { zone: 'Europe/Berlin', days: [1, 2, 3, 4, 5], from: '08:00', to: '17:00' };

/** Lets time go by until this instant (UTC), looked at every ten minutes. */
async function until(text: string): Promise<void> {
  const at = Date.parse(`${text}Z`);
  while (rig.clock.now() < at) {
    await rig.clock.advance(Math.min(10 * MINUTE, at - rig.clock.now()));
    await rig.permissions.expire();
  }
}

it('a permission with hours: counts within them, says which they are, and ends what runs when they end', async () => {
  // The clock of the tests stands on Thursday, 1 January 2026, 00:00 UTC.
  const grant = await give(rig, { hours: WORKDAYS, exp: rig.clock.now() + 6 * DAY });
  assert.equal(rig.permissions.list(null).grants[0]?.hours, WORKDAYS);
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'outside_hours');
  await until('2026-01-01T06:59');
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'outside_hours');
  await until('2026-01-01T07:00');
  const judged = rig.permissions.judge(ticketFor(rig, grant.id));
  assert.equal(judged.ok && judged.untilAt, Date.parse('2026-01-01T16:00Z'), '17:00 on the site’s wall');
  rig.sessions.set('one', ticketFor(rig, grant.id));
  await until('2026-01-01T15:59');
  assert.is(rig.sessions.size, 1);
  await until('2026-01-01T16:00');
  assert.equal([rig.sessions.size, verdict(rig, ticketFor(rig, grant.id))], [0, 'outside_hours']);
  assert.is(rig.permissions.list(null).grants[0]?.state, 'in-force');
  await until('2026-01-03T12:00');
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'outside_hours', 'on Saturday');
  await rig.restart();
  await until('2026-01-05T07:00');
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'yes', 'on Monday, after a restart');
});

it('hours in a zone that nobody knows are refused', async () => {
  assert.is(await codeOf(give(rig, { hours: { ...WORKDAYS, zone: 'Europe/Atlantis' } })), 'permissions.bad_hours');
});

it('an owner has no hours, and needs no time', () => {
  rig.isTimeKnown = false;
  assert.is(verdict(rig, ownerTicket(rig.owner, 'live-view')), 'yes');
});

it('while nobody knows the time, pictures and movement stay shut for employees; health does not', async () => {
  const grant = await give(rig, { scopes: ['live-view', 'playback', 'ptz', 'talk', 'health', 'firmware'] });
  rig.isTimeKnown = false;
  for (const scope of ['live-view', 'playback', 'ptz', 'talk'] as const) {
    assert.is(verdict(rig, ticketFor(rig, grant.id, scope)), 'time_unknown', scope);
  }
  assert.is(verdict(rig, ticketFor(rig, grant.id, 'health')), 'yes');
  assert.is(verdict(rig, ticketFor(rig, grant.id, 'firmware')), 'yes');
  rig.isTimeKnown = true;
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'yes');
});

it('a recorder that lost the time does not blame the badge', async () => {
  const grant = await give(rig, { scopes: ['health'], exp: rig.clock.now() + 60 * DAY });
  const ticket = ticketFor(rig, grant.id, 'health');
  rig.clock.stepWall(-30 * DAY);
  rig.isTimeKnown = false;
  assert.is(verdict(rig, ticket), 'time_unknown');
  rig.isTimeKnown = true;
  assert.is(verdict(rig, ticket), 'badge_ahead');
});

it('a grant whose time was never begun has none', () => {
  assert.ok(new GrantClock(rig.clock).isOutlived('G'.repeat(22)));
});

it('what runs under a badge that ends, ends with it', async () => {
  const grant = await give(rig, { exp: rig.clock.now() + DAY });
  rig.sessions.set('one', ticketFor(rig, grant.id));
  await rig.clock.advance(11 * HOUR - 1);
  await rig.permissions.expire();
  assert.is(rig.sessions.size, 1);
  await rig.clock.advance(1);
  await rig.permissions.expire();
  assert.is(rig.sessions.size, 0);
});

it('expiry is told once, ends sessions, and is kept', async () => {
  const short = await give(rig, { exp: rig.clock.now() + MINUTE });
  const long = await give(rig);
  rig.sessions.set('one', short.id).set('two', long.id);
  assert.equal(await rig.permissions.expire(), []);
  await rig.clock.advance(MINUTE);
  assert.equal(
    (await rig.permissions.expire()).map(({ id }) => id),
    [short.id],
  );
  assert.equal([...rig.sessions.keys()], ['two']);
  assert.equal(await rig.permissions.expire(), []);
  await rig.restart();
  assert.is(rig.permissions.list(null).grants.find(({ id }) => id === short.id)?.state, 'expired');
});

it('a clock that is turned back lengthens nothing', async () => {
  const grant = await give(rig);
  const ticket = ticketFor(rig, grant.id);
  await rig.clock.advance(9 * MINUTE);
  rig.clock.stepWall(-9 * MINUTE);
  assert.is(verdict(rig, ticket), 'yes');
  await rig.clock.advance(MINUTE);
  assert.is(verdict(rig, ticket), 'expired', 'ten minutes have gone by, whatever the clock says');
  assert.equal(
    (await rig.permissions.expire()).map(({ id }) => id),
    [grant.id],
  );
  rig.clock.stepWall(-60 * MINUTE);
  assert.is(verdict(rig, ticket), 'expired', 'ended is ended');
  await rig.restart();
  assert.is.not(verdict(rig, ticketFor(rig, grant.id)), 'yes');
});

it('a clock that is turned forward ends what is over, and turned back again revives nothing that was told', async () => {
  const grant = await give(rig);
  rig.clock.stepWall(60 * MINUTE);
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'expired');
  await rig.permissions.expire();
  rig.clock.stepWall(-60 * MINUTE);
  assert.is.not(verdict(rig, ticketFor(rig, grant.id)), 'yes');
});

it('a start with a clock of 1970 does not turn ten minutes into years', async () => {
  const grant = await give(rig);
  rig.clock.stepWall(-rig.clock.now());
  await rig.restart();
  const state = (): string | undefined => rig.permissions.list(null).grants.find(({ id }) => id === grant.id)?.state;
  assert.is(state(), 'in-force');
  await rig.clock.advance(10 * MINUTE);
  assert.is(state(), 'expired');
  assert.is((await rig.permissions.expire()).length, 1);
});

it.run();
