// runner: limit 120s
/** Somebody turns the recorder's clock: back, ahead, or to its first day because the battery is empty. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signStatement } from '../../agent/contract/jws.js';
import type { Scope } from '../../agent/contract/shapes.js';
import type { Grant } from '../../agent/contract/statements.js';
import { newId } from '../../agent/contract/text.js';
import { ownerIdentity } from '../../scripts/portal/client/identity.js';
import { Eyes } from '../support/eyes.js';
import { watchInNode } from '../support/node-viewer.js';
import { makeLetter, post } from '../support/raw-letters.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';
import { App, asOrganisation, type Company, codeOf, newCompany, Person } from './attack-rig.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
/** What is said of a permission that has ended; one whose end was written down counts as withdrawn. */
const OVER = /^permissions\.(expired|withdrawn)$/;
/** Where the kernel keeps no mark of network time, the recorder has only its own clock and the owner's word. */
const HAS_NETWORK_TIME = existsSync('/run/systemd/timesync/synchronized');

interface World {
  folder: string;
  eyes: Eyes;
  site: Site;
  company: Company;
  /** The owner, opened anew after each start: an app that was open keeps to the newest time it has seen. */
  owner: App;
  /** A permission that ran out while the recorder was on. */
  over: string;
  good: string;
}

const test = suite<World>('clock');

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-clock-'));
  world.eyes = new Eyes(world.folder);
  world.site = await openSite({ agent: world.eyes.start });
  world.company = await newCompany();
  world.owner = await App.of(world.site, ownerIdentity(world.site.owner.key.signer));
  await world.site.online();
});

test.after(async ({ site, folder }) => {
  await App.leaveAll();
  await site?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A permission that is over soon, and not before it could be used on a busy machine. */
const SHORT_MS = 8_000;

/** The owner gives a permission for so long by the recorder's own time. */
async function give({ site, owner, company }: World, scopes: readonly Scope[], lastsMs: number): Promise<string> {
  const { epoch, now } = await owner.call('permissions.list', {});
  const about = {
    v: 1,
    id: newId(),
    dev: site.agent.serial,
    device: site.owner.paired.deviceKey,
    epoch,
    org: asOrganisation(company),
  } as const;
  const grant: Grant = { ...about, scopes: [...scopes], cams: null, hours: null, iat: now, exp: now + lastsMs };
  const statement = await signStatement('grant+jws', grant, site.owner.key.signer);
  return (await owner.call('permissions.grant', { grant: statement, application: null })).id;
}

/** Asks as somebody of the company, whose badge was made out at `at` for ten hours. */
async function asked({ site, company }: World, grant: string, what: 'health' | 'picture', at = Date.now() - MINUTE_MS): Promise<string> {
  const app = await App.of(site, await Person.of(company, grant, { iat: at, authTime: at, exp: at + 10 * HOUR_MS }));
  const act = what === 'health' ? app.call('health.get', { sinceMs: 0 }) : watchInNode(app).then((viewer) => viewer.close());
  const code = await codeOf(act);
  await app.leave();
  return code;
}

/** The recorder has noted that this permission ended; it looks every two seconds. */
async function writtenOff({ owner }: World, grant: string): Promise<void> {
  await until('its end is written down', async () => {
    const { grants } = await owner.call('permissions.list', {});
    return grants.find(({ id }) => id === grant)?.endedAt !== null;
  });
}

/** Starts the recorder anew with its clock off by this much. */
async function restartAt(world: World, shiftMs: number): Promise<void> {
  await world.site.agent.kill();
  world.eyes.shiftClocks(shiftMs);
  await world.site.restart();
  await world.site.online();
  await world.owner.leave();
  world.owner = await App.of(world.site, ownerIdentity(world.site.owner.key.signer));
  await until('the new start is known', () => world.owner.status?.state === 'online');
}

test('Clock attack: turned back in the run, a permission ends when its time is over all the same', async (world) => {
  const { eyes } = world;
  world.good = await give(world, ['health', 'live-view'], DAY_MS);
  world.over = await give(world, ['health', 'live-view'], SHORT_MS);
  const givenMs = performance.now();
  assert.is(await asked(world, world.over, 'health'), 'answered');
  eyes.shiftClocks(-3 * MINUTE_MS);
  await until('its time is over', () => performance.now() - givenMs > SHORT_MS + 100);
  assert.match(await asked(world, world.over, 'health'), OVER);
  assert.is(await asked(world, world.good, 'health'), 'answered', 'positive control');
  await writtenOff(world, world.over);
  eyes.shiftClocks(0);
});

test('Clock attack: started in 1970 without a battery, old letters stay old, what was over stays so, and nobody watches until the time is known', async (world) => {
  const { site } = world;
  const { key } = site.owner;
  const away = await give(world, ['live-view'], SHORT_MS);
  const overMs = performance.now() + SHORT_MS + 100;
  const captured = await makeLetter({ transport: site.transport, client: world.owner, signer: key.signer });
  await restartAt(world, -Date.now());
  const { now } = await world.owner.call('permissions.list', {});
  assert.ok(now > Date.UTC(2026, 9, 1), `${new Date(now).toISOString()} is not 1970`);
  const letters = { transport: site.transport, client: world.owner, signer: key.signer };
  const before = (await site.status()).refusedMessages['command.stale_boot'] ?? 0;
  await post(letters, captured);
  await until('the old letter is refused', async () => ((await site.status()).refusedMessages['command.stale_boot'] ?? 0) > before);
  // Badges of now, and badges that fit the wrong time: the company may be in it.
  for (const at of [Date.now(), now - MINUTE_MS]) {
    assert.match(await asked(world, world.over, 'health', at), /^permissions\.(expired|withdrawn|time_unknown)$/);
    // Where the start took long, the short one was over before the power went.
    assert.match(await asked(world, away, 'picture', at), /^permissions\.(time_unknown|badge_ahead|expired)$/);
    if (!HAS_NETWORK_TIME) assert.match(await asked(world, world.good, 'picture', at), /^permissions\.(time_unknown|badge_ahead)$/);
  }
  await world.owner.call('owner.tell-time', { at: Date.now() });
  await until('the short one is over', () => performance.now() > overMs);
  assert.match(await asked(world, away, 'picture'), OVER, 'what ran out while the power was off');
  assert.match(await asked(world, world.over, 'picture'), OVER);
  assert.is(await asked(world, world.good, 'health'), 'answered', 'positive control');
  const { epoch } = await world.owner.call('permissions.list', {});
  await world.owner.call('permissions.withdraw', { statement: await site.owner.withdrawal([world.good], epoch) });
  assert.is(await asked(world, world.good, 'health'), 'permissions.withdrawn');
});

test('Clock attack: ten years ahead everything ends rather than lasts; set right again, nothing of it revives and new permissions work', async (world) => {
  await restartAt(world, 0);
  const grant = await give(world, ['health'], HOUR_MS);
  assert.is(await asked(world, grant, 'health'), 'answered');
  await restartAt(world, 10 * YEAR_MS);
  for (const at of [Date.now() - MINUTE_MS, Date.now() + 10 * YEAR_MS]) {
    assert.match(await asked(world, grant, 'health', at), OVER);
    assert.match(await asked(world, world.over, 'health', at), OVER);
  }
  await writtenOff(world, grant);
  await restartAt(world, 0);
  assert.match(await asked(world, grant, 'health'), OVER);
  assert.is(await asked(world, world.good, 'health'), 'permissions.withdrawn');
  const fresh = await give(world, ['health'], HOUR_MS);
  assert.is(await asked(world, fresh, 'health'), 'answered');
});

test('Clock attack: a time that was believed for an hour is kept, however far the clock is turned back then', async (world) => {
  const { eyes, owner } = world;
  eyes.shiftClocks(61 * MINUTE_MS, 61 * MINUTE_MS);
  const before = await owner.call('permissions.list', {});
  eyes.shiftClocks(61 * MINUTE_MS - 30 * DAY_MS, 61 * MINUTE_MS);
  const after = await owner.call('permissions.list', {});
  // Five minutes are left for clocks that are set right by little.
  assert.ok(after.now > before.now - 6 * MINUTE_MS, `${after.now - before.now} ms`);
});

test.run();
