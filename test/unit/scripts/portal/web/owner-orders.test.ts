/** What an owner orders while nobody answers, and what an offer leaves behind. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { thumbprint, unverifiedPayload } from '../../../../../agent/contract/jws.js';
import type { Withdraw } from '../../../../../agent/contract/statements.js';
import { AgentError } from '../../../../../agent/kernel/errors.js';
import type { OwnedRecorder } from '../../../../../scripts/portal/client/keyring.js';
import { newSigningKey } from '../../../../../scripts/portal/client/keys.js';
import type { AppState } from '../../../../../scripts/portal/web/state/app-state.js';
import { deliverWaiting } from '../../../../../scripts/portal/web/state/deliver-waiting.js';
import { settleWaiting, withdraw } from '../../../../../scripts/portal/web/state/owner-acts.js';
import { isOpenOffer, joinAdded, joinOnSite, makeOffer, takeOfferBack } from '../../../../../scripts/portal/web/state/ownership-acts.js';
import type { RecorderSession } from '../../../../../scripts/portal/web/state/recorder-session.js';
import { signal } from '../../../../../scripts/portal/web/state/signal.js';
import { until } from '../../../../support/until.js';

const SERIAL = 'SN4F2K7Q9D';
const NOW = 1_800_000_000_000;
const WEEK_MS = 7 * 86_400_000;
const device = await newSigningKey();
const deviceKey = await thumbprint(device.publicKey);
const owner = await newSigningKey();

const fails = (code: string): Promise<never> => Promise.reject(new AgentError({ code, say: 'No.', fix: 'Try again.' }));
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );

interface World {
  readonly app: AppState;
  readonly session: RecorderSession;
  /** What the recorder was told to take back, in order. */
  readonly orders: Withdraw[];
  /** What was left at the relay: topic and, unless it was emptied, the order. */
  readonly left: { topic: string; order: Withdraw | null }[];
  readonly opened: (string | null)[];
  kept(): OwnedRecorder | undefined;
  heard: { epoch: number; grants: { id: string; state: string }[] };
  isThere: boolean;
  isRelayFull: boolean;
  show(): void;
}

type Listener = (status: { state: string }) => void;

/** The recorder as these orders need it: it answers, or it does not. */
function makeLink(world: () => World, listeners: Set<Listener>) {
  return {
    status: { state: 'online', key: device.publicKey },
    start: () => Promise.resolve(),
    onStatus: (listener: Listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    call: (op: string, args: { statement?: string }): Promise<unknown> => {
      const { isThere, heard, orders } = world();
      if (!isThere) return fails('client.timeout');
      if (op === 'permissions.list') return Promise.resolve({ ...heard, now: NOW, site: 'Shop', operator: null });
      orders.push(unverifiedPayload(args.statement ?? '') as Withdraw);
      return Promise.resolve({ closed: [], lastMediaMs: 0 });
    },
    close: () => undefined,
  };
}

/** What of the app keeps records and sends. */
function makeApp(world: () => World, link: unknown) {
  const app = {
    services: {
      tenant: 'local',
      keyring: { spareKey: () => newSigningKey(), useSpareKey: () => Promise.resolve() },
      transport: {
        publish: (topic: string, payload: string) => {
          if (world().isRelayFull) return fails('client.offline');
          world().left.push({ topic, order: payload === '' ? null : (unverifiedPayload(payload) as Withdraw) });
          return Promise.resolve();
        },
      },
      openRecorder: (_serial: string, _identity: unknown, pinned: string | null) => {
        world().opened.push(pinned);
        return link;
      },
    },
    isOnline: signal(true),
    owned: signal<readonly OwnedRecorder[]>([]),
    // As the browser's store: what is read back is another object.
    saveOwned: (saved: OwnedRecorder) => {
      app.owned.value = [...app.owned.value.filter((one) => one.serial !== saved.serial), { ...saved }];
      return Promise.resolve();
    },
    removeOwned: (serial: string) => {
      app.owned.value = app.owned.value.filter((one) => one.serial !== serial);
      return Promise.resolve();
    },
  };
  return app;
}

function makeWorld(record?: Partial<OwnedRecorder>): World {
  const listeners = new Set<Listener>();
  const link = makeLink(() => world, listeners);
  const app = makeApp(() => world, link);
  const { signer, publicKey } = owner;
  if (record !== undefined)
    app.owned.value = [{ serial: SERIAL, deviceKey, site: 'Shop', person: null, signer, publicKey, waiting: null, ...record }];
  const world: World = {
    app: app as unknown as AppState,
    session: { serial: SERIAL, link } as unknown as RecorderSession,
    orders: [],
    left: [],
    opened: [],
    kept: () => app.owned.value.find((one) => one.serial === SERIAL),
    heard: { epoch: 3, grants: [{ id: 'g1', state: 'in-force' }] },
    isThere: true,
    isRelayFull: false,
    show: () => {
      for (const listener of listeners) listener({ state: 'online' });
    },
  };
  return world;
}

test('an order that neither the recorder nor the relay took is remembered, and given to the recorder as soon as it shows itself', async () => {
  const world = makeWorld({});
  Object.assign(world, { isThere: false, isRelayFull: true });
  const outcome = await withdraw(world.app, world.session, { epoch: 3, now: NOW }, ['g1']);
  assert.equal(outcome, { kind: 'waiting', isAtRelay: false });
  assert.equal(world.kept()?.waiting, { ids: ['g1'], all: false, isAtRelay: false, epoch: 3, now: NOW });
  const stop = deliverWaiting(world.app);
  world.isThere = true;
  world.show();
  await until('the order is settled', () => world.kept()?.waiting === null);
  assert.equal(
    world.orders.map(({ ids, all }) => [ids, all]),
    [[['g1'], false]],
  );
  assert.equal(world.opened, [deviceKey], 'only the recorder that this browser knows gets it');
  stop();
});

test('what the relay did not take is offered to it once more when this app is connected again, and no oftener', async () => {
  const world = makeWorld({});
  Object.assign(world, { isThere: false, isRelayFull: true });
  await withdraw(world.app, world.session, { epoch: 3, now: NOW }, 'all');
  world.app.isOnline.value = false;
  const stop = deliverWaiting(world.app);
  assert.equal(world.left, []);
  world.isRelayFull = false;
  world.app.isOnline.value = true;
  await until('it lies at the relay', () => world.kept()?.waiting?.isAtRelay === true);
  assert.equal([world.left.length, world.left[0]?.order?.all, world.left[0]?.order?.epoch], [1, true, 3]);
  world.app.isOnline.value = false;
  world.app.isOnline.value = true;
  assert.is(world.left.length, 1);
  stop();
});

test('orders add up while they wait, and an emptied box ends them', async () => {
  const world = makeWorld({});
  world.isThere = false;
  await withdraw(world.app, world.session, { epoch: 3, now: NOW }, ['g1']);
  await withdraw(world.app, world.session, { epoch: 3, now: NOW }, ['g2']);
  assert.equal(world.left.at(-1)?.order?.ids, ['g1', 'g2']);
  world.isThere = true;
  await settleWaiting(world.app, world.session, { ...world.heard, now: NOW } as never);
  assert.is(world.kept()?.waiting, null);
  assert.is(world.left.at(-1)?.order, null);
  assert.is(new Set(world.left.map(({ topic }) => topic)).size, 1);
});

test('taking everything back touches nothing that was allowed after it', async () => {
  const waiting = { ids: [], all: true, isAtRelay: true, epoch: 3, now: NOW };
  const late = makeWorld({ waiting, letterBox: 'b'.repeat(22) });
  late.heard = { epoch: 4, grants: [{ id: 'new', state: 'in-force' }] };
  await settleWaiting(late.app, late.session, { ...late.heard, now: NOW } as never);
  assert.equal([late.orders, late.kept()?.waiting], [[], null]);
  const open = makeWorld({ waiting });
  open.heard = { epoch: 3, grants: [] };
  await settleWaiting(open.app, open.session, { ...open.heard, now: NOW } as never);
  assert.is(open.orders[0]?.all, true, 'an offer may be open although nothing is allowed');
});

test('an offer is kept until it is taken back, has run out or is of before', async () => {
  const world = makeWorld({});
  await makeOffer(world.app, world.session, owner.publicKey, false, 'https://portal.example.org/');
  const offer = world.kept()?.offer;
  assert.match(offer?.link ?? '', `https://portal.example.org/#/take/${SERIAL}/${deviceKey}/`);
  assert.equal([offer?.exp, offer?.epoch], [NOW + WEEK_MS, 3]);
  if (offer === undefined) throw new RangeError('no offer');
  assert.equal(
    [
      { epoch: 3, now: NOW },
      { epoch: 4, now: NOW },
      { epoch: 3, now: NOW + WEEK_MS },
    ].map((heard) => isOpenOffer(offer, heard)),
    [true, false, false],
  );
  assert.is((await takeOfferBack(world.app, world.session)).kind, 'done');
  assert.equal([world.kept()?.offer, world.orders[0]?.all], [undefined, true]);
});

test('an offer can be taken back while the recorder is away: the order waits and names the epoch of the offer', async () => {
  const world = makeWorld({ offer: { link: 'x', exp: NOW + WEEK_MS, epoch: 3 } });
  world.isThere = false;
  assert.equal(await takeOfferBack(world.app, world.session), { kind: 'waiting', isAtRelay: true });
  assert.equal([world.left[0]?.order?.epoch, world.left[0]?.order?.all, world.left[0]?.order?.iat], [3, true, NOW]);
  assert.ok(world.kept()?.offer !== undefined, 'until the recorder says so it can still be accepted');
});

test('a serial number alone opens a recorder only on the recorder’s own page', async () => {
  const portal = makeWorld();
  assert.is(await codeOf(joinOnSite(portal.app)), 'portal.link_needed');
  assert.equal(portal.opened, [], 'nobody was asked');
  const local = makeWorld();
  Object.assign(local.app.services, { onSite: { serial: SERIAL } });
  await joinOnSite(local.app);
  assert.is(local.kept()?.deviceKey, deviceKey);
});

test('an added device trusts the recorder that the owner’s device named and no other', async () => {
  const world = makeWorld();
  await joinAdded(world.app, { serial: SERIAL, deviceKey: 'e'.repeat(43) });
  assert.equal(world.opened, ['e'.repeat(43)]);
  const known = makeWorld({});
  const other = { serial: SERIAL, deviceKey: 'e'.repeat(43) };
  assert.is(await codeOf(Promise.resolve().then(() => joinAdded(known.app, other))), 'portal.other_recorder');
});

test.run();
