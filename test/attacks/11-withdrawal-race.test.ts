// runner: limit 120s
/** A withdrawal comes in while somebody's picture is being checked, prepared or shown. What authorizer and log do then is in withdrawal-race.test.ts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Permissions } from '../../agent/permissions/service.js';
import type { Ticket } from '../../agent/permissions/ticket.js';
import { Eyes } from '../support/eyes.js';
import { type NodeViewer, watchInNode } from '../support/node-viewer.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';
import { cameraPacket, IDR, LiveRig, SLICE } from '../unit/agent/live/live-rig.js';
import { give, makeRig, type PermissionRig, SERIAL, signWithdrawal, ticketFor } from '../unit/agent/permissions/permission-rig.js';
import { App, asOrganisation, codeOf, newCompany, Person } from './attack-rig.js';

/** Repeatable random numbers below `below` (xorshift), so that a failure can be run again. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Live view over a real authorizer, with camera and viewer faked at the level of packets. */
class RacedLive {
  readonly rig: PermissionRig;
  readonly live: LiveRig;
  #sequence = 0;

  private constructor(rig: PermissionRig) {
    this.rig = rig;
    this.live = new LiveRig({
      mayWatch: (ticket) => rig.permissions.judge(ticket.proof as Ticket),
      limits: { openPeriodMs: 0, maxSessions: 8 },
    });
  }

  static async make(): Promise<RacedLive> {
    const rig = await makeRig();
    const raced = new RacedLive(rig);
    // The rig's recorder, once more, with sessions that are real ones.
    rig.permissions = new Permissions({
      ...{ serial: SERIAL, deviceKey: rig.device.publicKey, deviceKid: rig.device.signer.kid },
      ...{ store: rig.store, clock: rig.clock, ...rig.setup, isTimeKnown: () => true },
      endSessions: (isOver) => {
        const ended = raced.live.service.endMatching((session) => isOver(session.ticket.proof as Ticket), 'withdrawn');
        return ended.map(({ sessionId, channelId, lastMediaMs }) => ({ session: sessionId, cam: channelId, lastMediaMs }));
      },
    });
    await rig.permissions.start();
    return raced;
  }

  /** Packets that viewers got so far, those after their close included. */
  get sent(): number {
    return this.live.peers.reduce((sum, peer) => sum + peer.sent.length + peer.sentAfterClose, 0);
  }

  /** One picture from every camera that is still being pulled. */
  picture(): void {
    this.#sequence += 2;
    const at = this.#sequence;
    for (const pull of this.live.pulls)
      for (const packet of [cameraPacket(at, at * 3_600, IDR, true), cameraPacket(at + 1, at * 3_600, SLICE, true)])
        pull.request.onRtp(packet, 0, packet.length);
  }

  connect(): void {
    for (const { request, isClosed } of this.live.peers) if (!isClosed) request.onConnected();
  }

  forget(): void {
    this.live.peers.length = 0;
    this.live.pulls.length = 0;
  }
}

/** Lets some turns go by, with pictures and connections coming in between. */
async function hop(raced: RacedLive, random: (below: number) => number): Promise<void> {
  for (let turns = random(10); turns > 0; turns -= 1) {
    await (random(3) === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined);
    if (random(2) === 0) raced.connect();
    if (random(2) === 0) raced.picture();
  }
}

const media = suite('media gate');

media(
  'Withdrawal race: 1 000 times while a picture is opened, prepared or shown: no session is left and no packet leaves after it',
  async () => {
    const raced = await RacedLive.make();
    const { rig, live } = raced;
    const seen = { opened: 0, refused: 0, shown: 0 };
    for (let run = 1; run <= 1_000; run += 1) {
      const random = makeRandom(run);
      live.beforeStream = () => hop(raced, random);
      live.beforeAnswer = () => hop(raced, random);
      const grant = await give(rig);
      const order = await signWithdrawal(rig, run % 5 === 0 ? { all: true } : { ids: [grant.id] });
      const open = (): Promise<string> => {
        const ticket = { channelId: 'cam-1', viewerId: `viewer-${run}`, proof: ticketFor(rig, grant.id) };
        return hop(raced, random).then(() =>
          live.service.open({ ticket, offerSdp: 'offer' }).then(
            () => 'opened',
            (error: { code?: string }) => error.code ?? String(error),
          ),
        );
      };
      const opened = open();
      await hop(raced, random);
      const sentBefore = raced.sent;
      await rig.permissions.withdraw(order);
      assert.is(live.service.sessions().length, 0, `run ${run}: nobody watches when the withdrawal is answered`);
      const sent = raced.sent;
      const outcome = await opened;
      for (let more = 0; more < 5; more += 1) {
        raced.connect();
        raced.picture();
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.is(raced.sent, sent, `run ${run}: nothing leaves after it`);
      assert.is(live.service.sessions().length, 0, `run ${run}`);
      assert.ok(live.peers.every(({ isClosed }) => isClosed) && live.pulls.every(({ isClosed }) => isClosed), `run ${run}: all is closed`);
      if (outcome === 'opened') seen.opened += 1;
      else seen.refused += 1;
      if (sentBefore > 0) seen.shown += 1;
      raced.forget();
    }
    // All of it really happened: refused in the middle, opened and ended, ended with a picture on the screen.
    assert.ok(seen.opened > 50 && seen.refused > 50 && seen.shown > 20, JSON.stringify(seen));
  },
);

media.run();

const RUNS = 20;
interface World {
  folder: string;
  eyes: Eyes;
  site: Site;
  viewers: NodeViewer[];
}

const recorder = suite<World>('recorder');

recorder.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-race-'));
  world.eyes = new Eyes(world.folder);
  world.viewers = [];
  world.site = await openSite({ agent: world.eyes.start });
  await world.site.online();
});

recorder.after(async ({ site, viewers, folder }) => {
  for (const viewer of viewers) viewer.close();
  await App.leaveAll();
  await site?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Race {
  readonly viewer: NodeViewer | undefined;
  readonly code: string;
  /** performance.now() when the owner held the receipt. */
  readonly withdrawnMs: number;
}

/** One person opens a picture; the owner, who has the withdrawal ready, lets it go `delayMs` later. */
async function race(world: World, app: App, statement: string, delayMs: number): Promise<Race> {
  let viewer: NodeViewer | undefined;
  const opening = codeOf(
    watchInNode(app).then((made) => {
      viewer = made;
      world.viewers.push(made);
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  await world.site.owner.client.call('permissions.withdraw', { statement });
  const withdrawnMs = performance.now();
  const code = await opening;
  return { viewer, code, withdrawnMs };
}

recorder(
  `Withdrawal race: ${RUNS} times against the running recorder: nobody watches after the receipt, and nothing comes a second later`,
  async (world) => {
    const { site, eyes } = world;
    const company = await newCompany();
    const races: Race[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      // One picture may be opened every two seconds, and ten commands a second asked: the recorder is made to think that time went by.
      eyes.shiftClocks(0, run * 2_500);
      const grant = await site.owner.grant(asOrganisation(company), ['live-view']);
      const app = await App.of(site, await Person.of(company, grant));
      const statement = await site.owner.withdrawal([grant], (await site.owner.permissions()).epoch);
      const ended = await race(world, app, statement, run * 3);
      assert.is((await site.status()).watching, 0, `run ${run}: ${ended.code}`);
      races.push(ended);
      await app.leave();
    }
    const codes = races.map(({ code }) => code);
    assert.ok(
      codes.includes('permissions.withdrawn') || codes.includes('live.withdrawn'),
      `withdrawn while it was checked: ${codes.join()}`,
    );
    await until('a second has gone by', () => performance.now() - (races.at(-1)?.withdrawnMs ?? 0) > 1_100);
    for (const { viewer, withdrawnMs } of races)
      if (viewer?.lastPacketMs !== undefined)
        assert.ok(viewer.lastPacketMs - withdrawnMs < 1_000, `${viewer.lastPacketMs - withdrawnMs} ms`);
    await until('the camera is left alone', () => site.cameras[0]?.counters().openConnections === 0);
  },
);

recorder(
  'Withdrawal race: positive control, the same person with a permission that stays does see the picture',
  async ({ site, eyes, viewers }) => {
    eyes.shiftClocks(0, (RUNS + 1) * 2_500);
    const company = await newCompany();
    const person = await Person.of(company, await site.owner.grant(asOrganisation(company), ['live-view']));
    const app = await App.of(site, person);
    const viewer = await watchInNode(app);
    viewers.push(viewer);
    await viewer.firstPacket();
    assert.is((await site.status()).watching, 1);
    await site.owner.withdraw('all');
    assert.is((await site.status()).watching, 0);
  },
);

recorder.run();
