import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LEASE_SCOPES, SCOPES, type Scope, SECOND_FACTOR_SCOPES } from '../../../../agent/contract/shapes.js';
import { BADGE_MAX_MS, type Badge, type Grant } from '../../../../agent/contract/statements.js';
import { ANY_HOUR, CLOSED } from '../../../../agent/permissions/hours.js';
import {
  type GrantFacts,
  isPicture,
  judgeBadge,
  judgeEmployee,
  judgeNewGrant,
  judgeOwner,
  type NewGrantFacts,
  type OwnerFacts,
  type WishFacts,
} from '../../../../agent/permissions/policy.js';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const KEY = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'B'.repeat(43) } as const;
const id = (letter: string): string => letter.repeat(22);

const grant: Grant = {
  v: 1,
  id: id('G'),
  dev: 'SN4F2K7Q9D',
  device: 'D'.repeat(43),
  epoch: 3,
  org: { name: 'Example Security', key: KEY },
  scopes: ['live-view', 'health'],
  cams: ['cam-1', 'cam-2'],
  hours: null,
  iat: NOW - MINUTE,
  exp: NOW + 10 * MINUTE,
};
const badge: Badge = {
  v: 1,
  org: 'O'.repeat(43),
  grant: grant.id,
  key: KEY,
  name: 'Dana K',
  email: 'dana@example.org',
  amr: ['pwd', 'mfa'],
  authTime: NOW - MINUTE,
  iat: NOW - MINUTE,
  exp: NOW + 30 * MINUTE,
};
const held: GrantFacts = { grant, ended: null, isOutlived: false, opening: ANY_HOUR };
const badgeFacts = { nowAt: NOW, isTimeKnown: true, isCancelled: false };
const wish: WishFacts = { ...badgeFacts, epoch: 3, scope: 'live-view', channel: 'cam-1', held, badge };
const HOURS = { zone: 'Europe/Berlin', days: [1, 2], from: '08:00', to: '17:00' };

const withGrant = (change: Partial<Grant>): Partial<WishFacts> => ({ held: { ...held, grant: { ...grant, ...change } } });
const withBadge = (change: Partial<Badge>): Partial<WishFacts> => ({ badge: { ...badge, ...change } });

/** The code without its area, or `yes`. */
function employee(change: Partial<WishFacts> = {}): string {
  const verdict = judgeEmployee({ ...wish, ...change });
  return verdict.ok ? 'yes' : verdict.code.replace('permissions.', '');
}

const WISHES: readonly [name: string, change: Partial<WishFacts>, verdict: string][] = [
  ['everything in order', {}, 'yes'],
  ['a grant that was never given', { held: undefined }, 'not_granted'],
  ['withdrawn', { held: { ...held, ended: 'withdrawn' } }, 'withdrawn'],
  ['ended by itself, and written down', { held: { ...held, ended: 'expired' } }, 'expired'],
  ['of an epoch that is over', { epoch: 4 }, 'withdrawn'],
  ['of an epoch that never was', withGrant({ epoch: 4 }), 'withdrawn'],
  ['expired on the millisecond', { nowAt: grant.exp }, 'expired'],
  ['one millisecond before', { nowAt: grant.exp - 1 }, 'yes'],
  ['outlived by the clock that cannot be turned back', { held: { ...held, isOutlived: true }, nowAt: NOW - 10 * DAY }, 'expired'],
  ['another scope', { scope: 'playback' }, 'no_scope'],
  ['health gives no firmware', { ...withGrant({ scopes: ['health'] }), scope: 'firmware' }, 'no_scope'],
  ['another camera', { channel: 'cam-3' }, 'other_camera'],
  ['a camera whose name only begins alike', { channel: 'cam-11' }, 'other_camera'],
  ['no camera concerned', { channel: null }, 'yes'],
  ['every camera granted', { ...withGrant({ cams: null }), channel: 'cam-99' }, 'yes'],
  ['badge for more than 12 hours', withBadge({ iat: NOW, exp: NOW + BADGE_MAX_MS + 1 }), 'badge_too_long'],
  ['badge for 12 hours', withBadge({ iat: NOW, exp: NOW + BADGE_MAX_MS }), 'yes'],
  ['badge run out on the millisecond', withBadge({ exp: NOW }), 'badge_expired'],
  ['badge six minutes ahead', withBadge({ iat: NOW + 6 * MINUTE }), 'badge_ahead'],
  ['badge five minutes ahead: clocks differ', withBadge({ iat: NOW + 5 * MINUTE }), 'yes'],
  ['no second factor', withBadge({ amr: ['pwd'] }), 'second_factor'],
  ['no factor at all', withBadge({ amr: [] }), 'second_factor'],
  ['second factor of twelve hours ago', withBadge({ authTime: NOW - BADGE_MAX_MS }), 'second_factor'],
  ['second factor of just under twelve hours ago', withBadge({ authTime: NOW - BADGE_MAX_MS + 1 }), 'yes'],
  ['outside its hours', { held: { ...held, opening: CLOSED } }, 'outside_hours'],
  ['inside its hours', { held: { ...held, opening: { isOpen: true, untilAt: NOW + 1 } } }, 'yes'],
  ['pictures while nobody knows the time', { isTimeKnown: false }, 'time_unknown'],
  ['health while nobody knows the time', { isTimeKnown: false, scope: 'health' }, 'yes'],
  [
    'a badge ahead of a recorder that lost the time',
    { ...withBadge({ iat: NOW + DAY }), isTimeKnown: false, scope: 'health' },
    'time_unknown',
  ],
  ['badge called back', { isCancelled: true }, 'badge_cancelled'],
  ['badge called back, for health too', { isCancelled: true, scope: 'health' }, 'badge_cancelled'],
  ['signed in six minutes ahead', withBadge({ authTime: NOW + 6 * MINUTE }), 'badge_ahead'],
  ['health needs no second factor', { ...withBadge({ amr: ['pwd'], authTime: 0 }), scope: 'health' }, 'yes'],
];

for (const [name, change, verdict] of WISHES)
  test(`an employee’s wish: ${name}: ${verdict}`, () => {
    assert.is(employee(change), verdict);
  });

test('a yes says until when and for which cameras', () => {
  assert.equal(judgeEmployee(wish), { ok: true, untilAt: grant.exp, channels: ['cam-1', 'cam-2'] });
  const soon = judgeEmployee({ ...wish, ...withBadge({ exp: NOW + MINUTE }) });
  assert.equal(soon, { ok: true, untilAt: NOW + MINUTE, channels: ['cam-1', 'cam-2'] }, 'the badge ends first');
  const open = judgeEmployee({ ...wish, held: { ...held, opening: { isOpen: true, untilAt: NOW + 2 * MINUTE } } });
  assert.equal(open, { ok: true, untilAt: NOW + 2 * MINUTE, channels: ['cam-1', 'cam-2'] }, 'the hours end first');
  const factor = judgeEmployee({ ...wish, ...withBadge({ authTime: NOW - BADGE_MAX_MS + MINUTE }) });
  assert.equal(factor, { ok: true, untilAt: NOW + MINUTE, channels: ['cam-1', 'cam-2'] }, 'the second factor grows too old first');
  const all = judgeEmployee({ ...wish, ...withGrant({ cams: null }) });
  assert.equal(all, { ok: true, untilAt: grant.exp, channels: undefined });
});

test('what a person can mend is said before what only she can mend after that: the grant before the badge', () => {
  const everything = {
    ...withBadge({ amr: [], exp: NOW - 1 }),
    held: { ...held, ended: 'withdrawn' as const },
    channel: 'cam-9',
    scope: 'wifi' as const,
    isTimeKnown: false,
    isCancelled: true,
  };
  const closed: GrantFacts = { ...held, opening: CLOSED };
  const steps: readonly [Partial<WishFacts>, string][] = [
    [{}, 'withdrawn'],
    [{ held: closed }, 'no_scope'],
    [{ scope: 'live-view' }, 'other_camera'],
    [{ channel: 'cam-1' }, 'time_unknown'],
    [{ isTimeKnown: true }, 'outside_hours'],
    [{ held }, 'badge_cancelled'],
    [{ isCancelled: false }, 'badge_expired'],
    [withBadge({ amr: [] }), 'second_factor'],
    [{ badge }, 'yes'],
  ];
  let at: Partial<WishFacts> = everything;
  for (const [mended, verdict] of steps) {
    at = { ...at, ...mended };
    assert.is(employee(at), verdict);
  }
});

test('every denial has a sentence and a next step', () => {
  for (const [name, change] of WISHES) {
    const verdict = judgeEmployee({ ...wish, ...change });
    if (!verdict.ok) assert.ok(verdict.say.length > 15 && verdict.fix.length > 10, name);
  }
});

test('what is outside its hours says which they are', () => {
  const verdict = judgeEmployee({ ...wish, held: { ...held, grant: { ...grant, hours: HOURS }, opening: CLOSED } });
  assert.match(verdict.ok ? '' : verdict.say, 'Monday, Tuesday, 08:00 to 17:00 (Europe/Berlin)');
});

test('without the time: exactly the short leases are shut', () => {
  for (const scope of SCOPES) {
    const verdict = employee({ ...withGrant({ scopes: [scope] }), scope, isTimeKnown: false });
    assert.is(verdict, LEASE_SCOPES.has(scope) ? 'time_unknown' : 'yes', scope);
  }
});

test('second factor: exactly the scopes that the contract names', () => {
  for (const scope of SCOPES) {
    const isRefused = judgeBadge({ ...badge, amr: ['pwd'] }, scope, badgeFacts) !== undefined;
    assert.is(isRefused, SECOND_FACTOR_SCOPES.has(scope), scope);
    assert.is(judgeBadge(badge, scope, badgeFacts), undefined, scope);
  }
  assert.is(judgeBadge({ ...badge, amr: [] }, null, badgeFacts), undefined, 'applying needs none');
});

const fresh: NewGrantFacts = {
  nowAt: NOW,
  serial: grant.dev,
  deviceKid: grant.device,
  epoch: 3,
  isKnown: false,
  isWithdrawnAhead: false,
  isInstallerHeld: false,
  isZoneKnown: true,
};
const received = (change: Partial<Grant> = {}, facts: Partial<NewGrantFacts> = {}): string =>
  judgeNewGrant({ ...grant, ...change }, { ...fresh, ...facts })?.code.replace('permissions.', '') ?? 'yes';

const SLACK = 5 * MINUTE;
const NEW_GRANTS: readonly [name: string, change: Partial<Grant>, facts: Partial<NewGrantFacts>, verdict: string][] = [
  ['in order', {}, {}, 'yes'],
  ['for another serial number', { dev: 'SN4F2K7Q9E' }, {}, 'other_recorder'],
  ['for another recorder that uses this serial number', { device: 'E'.repeat(43) }, {}, 'other_recorder'],
  ['of an epoch that is over', { epoch: 2 }, {}, 'withdrawn'],
  ['of a later epoch', { epoch: 4 }, {}, 'withdrawn'],
  ['withdrawn before it came', {}, { isWithdrawnAhead: true }, 'withdrawn'],
  ['given already', {}, { isKnown: true }, 'known'],
  ['over already', { exp: NOW }, {}, 'expired'],
  ['pictures for seven days', { exp: NOW + 7 * DAY + SLACK }, {}, 'yes'],
  ['pictures for longer', { exp: NOW + 7 * DAY + SLACK + 1 }, {}, 'too_long'],
  ['health for ninety days', { scopes: ['health'], exp: NOW + 90 * DAY + SLACK }, {}, 'yes'],
  ['health for longer', { scopes: ['health'], exp: NOW + 90 * DAY + SLACK + 1 }, {}, 'too_long'],
  ['health with pictures beside it for ninety days', { exp: NOW + 90 * DAY }, {}, 'too_long'],
  ['hours in a zone that is known', { hours: HOURS }, {}, 'yes'],
  ['hours in a zone that nobody knows', { hours: HOURS }, { isZoneKnown: false }, 'bad_hours'],
  ['pictures, given by an installer', {}, { isInstallerHeld: true }, 'installer_held'],
  ['health, given by an installer', { scopes: ['health'] }, { isInstallerHeld: true }, 'yes'],
  ['the signing date does not matter', { iat: NOW - 300 * DAY }, {}, 'yes'],
];

for (const [name, change, facts, verdict] of NEW_GRANTS)
  test(`a new grant: ${name}: ${verdict}`, () => {
    assert.is(received(change, facts), verdict);
  });

test('short leases: exactly the scopes that the contract names', () => {
  for (const scope of SCOPES) {
    const verdict = received({ scopes: [scope as Scope], exp: NOW + 30 * DAY });
    assert.is(verdict, LEASE_SCOPES.has(scope) ? 'too_long' : 'yes', scope);
  }
});

test('from an installer: exactly the scopes that need no second factor', () => {
  for (const scope of SCOPES) {
    const verdict = received({ scopes: ['health', scope] }, { isInstallerHeld: true });
    assert.is(verdict, SECOND_FACTOR_SCOPES.has(scope) ? 'installer_held' : 'yes', scope);
  }
});

const device: OwnerFacts = {
  nowAt: NOW,
  isDevice: true,
  wasRemoved: false,
  isInstallerHeld: false,
  aimingLeftMs: 10 * MINUTE,
  scope: null,
  way: 'relay',
};
const OWNERS: readonly [name: string, change: Partial<OwnerFacts>, verdict: string][] = [
  ['a device of the owner', {}, 'yes'],
  ['pictures from afar', { scope: 'live-view' }, 'yes'],
  ['the owner needs no time for aiming', { scope: 'live-view', aimingLeftMs: 0 }, 'yes'],
  ['a key that is none of theirs', { isDevice: false }, 'not_owner'],
  ['a device that was removed', { isDevice: false, wasRemoved: true }, 'device_removed'],
  ['a device that was removed and added again', { wasRemoved: true }, 'yes'],
  ['an installer: settings from afar', { isInstallerHeld: true, scope: 'remote-configuration' }, 'yes'],
  ['an installer: what only an owner may', { isInstallerHeld: true }, 'yes'],
  ['an installer: moving a camera from afar', { isInstallerHeld: true, scope: 'ptz' }, 'yes'],
  ['an installer: pictures from afar', { isInstallerHeld: true, scope: 'live-view' }, 'installer_held'],
  ['an installer: recordings from afar', { isInstallerHeld: true, scope: 'playback' }, 'installer_held'],
  ['an installer: pictures on the site’s network', { isInstallerHeld: true, scope: 'live-view', way: 'lan' }, 'yes'],
  ['an installer whose hour is over', { isInstallerHeld: true, scope: 'live-view', way: 'lan', aimingLeftMs: 0 }, 'aiming_over'],
  ['an installer whose hour is over: settings', { isInstallerHeld: true, scope: 'remote-configuration', aimingLeftMs: 0 }, 'yes'],
  ['a removed installer', { isInstallerHeld: true, isDevice: false, wasRemoved: true, scope: 'live-view', way: 'lan' }, 'device_removed'],
];

for (const [name, change, expected] of OWNERS)
  test(`an owner’s wish: ${name}: ${expected}`, () => {
    const judged = judgeOwner({ ...device, ...change });
    assert.is(judged.ok ? 'yes' : judged.code.replace('permissions.', ''), expected);
    if (!judged.ok) assert.ok(judged.say.length > 15 && judged.fix.length > 10);
  });

test('an installer’s pictures end with what is left of the hour, an owner’s do not end', () => {
  const aiming = judgeOwner({ ...device, isInstallerHeld: true, scope: 'live-view', way: 'lan' });
  assert.equal(aiming, { ok: true, untilAt: NOW + 10 * MINUTE, channels: undefined });
  assert.equal(judgeOwner({ ...device, scope: 'live-view' }), { ok: true, untilAt: undefined, channels: undefined });
  assert.equal(SCOPES.filter(isPicture), ['live-view', 'listen', 'playback']);
});

test.run();
