import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LEASE_SCOPES, SCOPES, type Scope, SECOND_FACTOR_SCOPES } from '../../../../agent/contract/shapes.js';
import { BADGE_MAX_MS, type Badge, type Grant, type Withdraw } from '../../../../agent/contract/statements.js';
import {
  type GrantFacts,
  grantsEndedBy,
  judgeBadge,
  judgeEmployee,
  judgeNewGrant,
  type NewGrantFacts,
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
const held: GrantFacts = { grant, isEnded: false, isOutlived: false };
const wish: WishFacts = { nowAt: NOW, epoch: 3, scope: 'live-view', channel: 'cam-1', held, badge };

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
  ['withdrawn or ended', { held: { ...held, isEnded: true } }, 'withdrawn'],
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
  const all = judgeEmployee({ ...wish, ...withGrant({ cams: null }) });
  assert.equal(all, { ok: true, untilAt: grant.exp, channels: undefined });
});

test('what a person can mend is said before what only she can mend after that: the grant before the badge', () => {
  const everything = {
    ...withBadge({ amr: [], exp: NOW - 1 }),
    held: { ...held, isEnded: true },
    channel: 'cam-9',
    scope: 'wifi' as const,
  };
  assert.is(employee(everything), 'withdrawn');
  assert.is(employee({ ...everything, held }), 'no_scope');
  assert.is(employee({ ...everything, held, scope: 'live-view' }), 'other_camera');
  assert.is(employee({ ...everything, held, scope: 'live-view', channel: 'cam-1' }), 'badge_expired');
});

test('every denial has a sentence and a next step', () => {
  for (const [name, change] of WISHES) {
    const verdict = judgeEmployee({ ...wish, ...change });
    if (!verdict.ok) assert.ok(verdict.say.length > 15 && verdict.fix.length > 10, name);
  }
});

test('second factor: exactly the scopes that the contract names', () => {
  for (const scope of SCOPES) {
    const isRefused = judgeBadge({ ...badge, amr: ['pwd'] }, scope, NOW) !== undefined;
    assert.is(isRefused, SECOND_FACTOR_SCOPES.has(scope), scope);
    assert.is(judgeBadge(badge, scope, NOW), undefined, scope);
  }
  assert.is(judgeBadge({ ...badge, amr: [] }, null, NOW), undefined, 'applying needs none');
});

const fresh: NewGrantFacts = {
  nowAt: NOW,
  serial: grant.dev,
  deviceKid: grant.device,
  epoch: 3,
  isKnown: false,
  isWithdrawnAhead: false,
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

test('a withdrawal ends the named grants, or all; never those of another recorder or epoch', () => {
  const other = { ...grant, id: id('H') };
  const order: Withdraw = { v: 1, id: id('W'), dev: grant.dev, epoch: 3, ids: [grant.id, id('X')], all: false, iat: NOW };
  const ended = (change: Partial<Withdraw>): readonly string[] | undefined =>
    grantsEndedBy({ ...order, ...change }, grant.dev, 3, [grant, other]);
  assert.equal(ended({}), [grant.id]);
  assert.equal(ended({ all: true, ids: [] }), [grant.id, other.id]);
  assert.equal(ended({ ids: [] }), []);
  assert.is(ended({ dev: 'SN4F2K7Q9E' }), undefined);
  assert.is(ended({ epoch: 2 }), undefined);
  assert.is(ended({ epoch: 4 }), undefined);
});

test.run();
