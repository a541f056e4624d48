// runner: limit 120s
/** Somebody has a key and a permission, and wants more than it gives: a running recorder, asked over the relay. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signStatement } from '../../agent/contract/jws.js';
import { type ArgsOf, OPERATIONS, type OperationName } from '../../agent/contract/operations.js';
import { SCOPES, SECOND_FACTOR_SCOPES } from '../../agent/contract/shapes.js';
import type { Badge, Delegation, Grant } from '../../agent/contract/statements.js';
import { newId } from '../../agent/contract/text.js';
import { newSigningKey } from '../../scripts/portal/client/keys.js';
import { watchInNode } from '../support/node-viewer.js';
import { openSite, type Site } from '../support/site.js';
import { give, makeRig, ticketFor } from '../unit/agent/permissions/permission-rig.js';
import { App, asOrganisation, type Company, codeOf, newCompany, openUnowned, Person, type Unowned } from './attack-rig.js';

interface World {
  site: Site;
  company: Company;
  other: Unowned;
}

const test = suite<World>('permissions');

test.before(async (world) => {
  world.site = await openSite({ cameras: [{}, {}], agent: { args: [] } });
  world.other = await openUnowned(() => ({ args: [] }));
  world.company = await newCompany();
  await world.site.online();
});

test.after(async ({ site, other }) => {
  await App.leaveAll();
  await other?.close();
  await site?.close();
});

/** What the operations that can be granted take, valid in form. One that is new is missed by the first test. */
function goodArgs() {
  const hash = 'H'.repeat(43);
  const patch = { base: hash, patch: { recorderName: 'Mine' } };
  const fp = `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`;
  return {
    'site.get': {},
    'health.get': { sinceMs: 0 },
    'config.get': {},
    'config.options': { cam: 'cam-1', stream: 'main' },
    'config.plan': patch,
    'config.apply': patch,
    'cameras.discover': {},
    'cameras.add': { cameras: [{ address: '127.0.0.1:9' }] },
    'cameras.remove': { cam: 'cam-1' },
    'cameras.test': { cam: 'cam-1' },
    'cameras.snapshot': { cam: 'cam-1' },
    'live.open': { cam: 'cam-1', stream: 'main', maxS: 60, sdp: 'v=0\r\n'.repeat(40), fp },
    'live.close': { session: newId() },
    'playback.timeline': { cams: null, from: 0, to: 1 },
    'playback.open': { cam: 'cam-1', at: 0, isPlaying: true, speed: 1, maxS: 60, sdp: 'v=0\r\n'.repeat(40), fp },
    'playback.control': { session: newId(), act: 'pause' },
    'playback.close': { session: newId() },
    'playback.export': { cam: 'cam-1', from: 0, to: 1, sdp: 'v=0\r\n'.repeat(40), fp },
    'live.stream': { session: newId(), stream: 'sub' },
    'ptz.move': { cam: 'cam-1', pan: 1, tilt: 0, zoom: 0 },
    'ptz.stop': { cam: 'cam-1' },
    'ptz.presets': { cam: 'cam-1' },
    'ptz.goto': { cam: 'cam-1', token: '1' },
    'ptz.home': { cam: 'cam-1' },
    'ptz.set-preset': { cam: 'cam-1', name: 'Mine', token: null },
    'ptz.remove-preset': { cam: 'cam-1', token: '1' },
  } as const satisfies { readonly [Name in OperationName]?: ArgsOf<Name> };
}

/** Asks once as this person; the code of the answer. */
async function ask<Name extends OperationName>(
  site: Pick<Site, 'broker' | 'agent'>,
  person: Person,
  op: Name,
  args: ArgsOf<Name>,
): Promise<string> {
  const app = await App.of(site, person);
  try {
    return await codeOf(app.call(op, args));
  } finally {
    await app.leave();
  }
}

test('Scope climbing: a permission for health gives health, and not one of the other operations', async ({ site, company }) => {
  const grant = await site.owner.grant(asOrganisation(company), ['health']);
  const args: { readonly [name: string]: unknown } = goodArgs();
  const seen: Record<string, string> = {};
  const expected: Record<string, string> = {};
  for (const op of Object.keys(OPERATIONS) as OperationName[]) {
    const { who } = OPERATIONS[op];
    if (who !== 'granted' && who !== 'owner') continue;
    // A person of her own for each: five refusals of one would make the rest wait.
    seen[op] = await ask(site, await Person.of(company, grant), op, (args[op] ?? {}) as never);
    expected[op] = who === 'owner' ? 'permissions.not_owner' : op === 'health.get' ? 'answered' : 'permissions.no_scope';
  }
  assert.equal(seen, expected);
});

test('Scope climbing: another camera than the granted one is neither shown, moved, set nor listed', async ({ site, company }) => {
  const scopes = ['live-view', 'ptz', 'remote-configuration', 'site-information', 'health'] as const;
  const grant = await site.owner.grant(asOrganisation(company), scopes, 600_000, ['cam-1']);
  const one = await Person.of(company, grant);
  const app = await App.of(site, one);
  assert.equal(
    (await app.call('site.get', {})).cameras.map(({ id }) => id),
    ['cam-1'],
  );
  assert.equal(
    (await app.call('health.get', { sinceMs: 0 })).cameras.map(({ id }) => id),
    ['cam-1'],
  );
  const { version: base, cameras } = await app.call('config.get', {});
  assert.equal(Object.keys(cameras), ['cam-1']);
  const moved = { pan: 1, tilt: 0, zoom: 0 };
  const far = { cameras: { 'cam-2': { name: 'Mine' } } };
  const tries = [
    () => app.call('ptz.move', { ...moved, cam: 'cam-2' }),
    () => watchInNode(app, 'cam-2'),
    () => app.call('config.apply', { base, patch: far }),
    () => app.call('config.apply', { base, patch: { recorderName: 'Mine' } }),
  ];
  for (const attempt of tries) assert.is(await codeOf(attempt()), 'permissions.other_camera', attempt.toString());
  assert.is(await codeOf(app.call('ptz.move', { ...moved, cam: 'cam-1' })), 'answered', 'positive control');
  assert.equal(site.cameras[1]?.counters().operations.ContinuousMove ?? 0, 0);
  assert.is(site.cameras[1]?.counters().connections, 0);
  await app.leave();
});

test('Scope climbing: badges and grants that do not belong together are worth nothing', async ({ site, company, other }) => {
  const { owner, agent } = site;
  const [own, far] = [await owner.grant(asOrganisation(company), ['health']), await owner.grant(asOrganisation(company), ['ptz'])];
  const stranger = await newCompany('Other Alarms');
  const move = goodArgs()['ptz.move'];
  const tries: readonly [what: string, person: Person, code: string][] = [
    ['a badge for another grant', await Person.of(company, far, { grant: own }), 'permissions.other_badge'],
    ['a badge that another company signed', await Person.of(stranger, far, { org: company.key.signer.kid }), 'signature.key'],
    ['a colleague’s badge', await Person.of(company, far, { key: (await newSigningKey()).publicKey }), 'permissions.other_badge'],
    ['a badge of nobody', await Person.of(stranger, null), 'permissions.not_granted'],
    ['a grant that was never given', await Person.of(company, newId()), 'permissions.not_granted'],
  ];
  for (const [what, person, code] of tries) assert.is(await ask(site, person, 'ptz.move', move), code, what);
  assert.is(await ask(site, await Person.of(company, far), 'ptz.move', move), 'answered', 'positive control');
  // The same permission at another recorder.
  assert.is(await ask(other, await Person.of(company, far), 'ptz.move', move), 'permissions.not_granted');
  const grant = await selfMade(agent.serial, company);
  assert.is(await ask(site, await Person.of(company, own), 'permissions.grant', { grant, application: null }), 'permissions.not_owner');
  assert.is(
    await codeOf(owner.client.call('permissions.grant', { grant, application: null })),
    'signature.key',
    'not by the owner’s hand either',
  );
});

/** A grant that the company signs for itself. */
function selfMade(serial: string, company: Company): Promise<string> {
  const now = Date.now();
  const times = { iat: now, exp: now + 600_000 };
  const grant: Grant = {
    ...{ v: 1, id: newId(), dev: serial, device: 'D'.repeat(43), epoch: 1, org: asOrganisation(company) },
    ...{ scopes: ['live-view'], cams: null, hours: null },
    ...times,
  };
  return signStatement('grant+jws', grant, company.key.signer);
}

test('Scope climbing: nobody invites himself among the owner’s devices', async ({ site }) => {
  const self = await newSigningKey();
  const now = Date.now();
  const wish: Delegation = { v: 1, id: newId(), dev: site.agent.serial, epoch: 1, iat: now, exp: now + 60_000 };
  const delegation = await signStatement('delegate+jws', wish, self.signer);
  const app = await App.of(site, {
    signer: self.signer,
    credentials: async () => ({ grant: null, badge: null }),
  });
  const code = await codeOf(app.call('owner.join', { key: self.publicKey, delegation, deviceName: 'Mine' }));
  assert.match(code, /^permissions\.(not_invited|delegation_not_owner)$/);
  assert.is((await site.owner.permissions()).devices.length, 1);
  await app.leave();
});

const HOUR_MS = 3_600_000;

test('2FA missing: without a second factor, or with one of more than 12 hours ago, no picture and no movement; health is told', async ({
  site,
  company,
}) => {
  const grant = await site.owner.grant(asOrganisation(company), ['live-view', 'ptz', 'health']);
  const iat = Date.now() - 60_000;
  const bad: readonly [what: string, badge: Partial<Badge>][] = [
    ['a password only', { amr: ['pwd'] }],
    ['nothing said', { amr: [] }],
    ['a word like it', { amr: ['otp', 'mfaa'] }],
    ['12 hours ago', { authTime: iat - 12 * HOUR_MS - 1_000 }],
  ];
  for (const [what, badge] of bad) {
    const app = await App.of(site, await Person.of(company, grant, badge));
    assert.is(await codeOf(watchInNode(app, 'cam-1')), 'permissions.second_factor', what);
    assert.is(await codeOf(app.call('ptz.move', goodArgs()['ptz.move'])), 'permissions.second_factor', what);
    assert.is(await codeOf(app.call('health.get', { sinceMs: 0 })), 'answered', what);
    await app.leave();
  }
  assert.is(site.cameras[0]?.counters().connections, 0);
  assert.is(await ask(site, await Person.of(company, grant), 'ptz.move', goodArgs()['ptz.move']), 'answered', 'positive control');
});

test('2FA missing: firmware, Wi-Fi and the rest that wants one, by the authorizer itself', async () => {
  const rig = await makeRig();
  const grant = await give(rig, { scopes: [...SCOPES] });
  for (const scope of SCOPES) {
    const ticket = ticketFor(rig, grant.id, scope);
    if (ticket.kind !== 'employee') throw new TypeError('an employee’s ticket was wanted');
    const judge = (badge: Partial<Badge>): boolean => rig.permissions.judge({ ...ticket, badge: { ...ticket.badge, ...badge } }).ok;
    assert.is(judge({}), true, `${scope}, with it`);
    for (const badge of [{ amr: ['pwd'] }, { authTime: ticket.badge.iat - 12 * HOUR_MS - 1 }])
      assert.is(judge(badge), !SECOND_FACTOR_SCOPES.has(scope), scope);
  }
  assert.equal([...SECOND_FACTOR_SCOPES].sort(), ['firmware', 'listen', 'live-view', 'playback', 'ptz', 'talk', 'wifi']);
});

test.run();
