/**
 * Whatever happens in whatever order, to depth 8: nothing is sent without a live grant. The whole of live view is walked (service, session, gate,
 * shared pull), each order from its beginning. Orders that lead to the same state are walked on from one of them only; that the states are told
 * apart well enough is checked by walking random orders of full length, and every order of the first steps, without that.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError } from '../../../../drivers/port.js';
import { cameraPacket, IDR, LiveRig, PPS, SLICE, SPS, settle } from './live-rig.js';

const ACTS = [
  'grant',
  'open',
  'dtlsUp',
  'rtspUp',
  'withdraw',
  // The new truth alone, although nobody ends the session.
  'forbid',
  'expire',
  'reconnect',
  'cameraLost',
  'crash',
] as const;
type Act = (typeof ACTS)[number];
const DEPTH = 8;
/** Shorter than a camera may be silent, so that it is the time that ends the session. */
const SESSION_MS = 10_000;
const LIMITS = { openPeriodMs: 0, defaultDurationMs: SESSION_MS };
const NO = { ok: false, code: 'permission.withdrawn', say: 'Withdrawn.', fix: 'Ask.' } as const;

/** One run of the agent and what outlives it. */
class World {
  rig = new LiveRig({ limits: LIMITS });
  isGranted = false;
  sent = 0;
  /** Of this run: which peers have connected, when each was opened, and the streams the camera has not answered yet. */
  #connected = new Set<number>();
  #openedAt: number[] = [];
  #waiting: (() => void)[] = [];
  #sequence = 0;
  readonly #order: string;

  constructor(order: readonly Act[]) {
    this.#order = order.join(' ');
    this.#begin();
  }

  #begin(): void {
    const { rig } = this;
    rig.verdict = this.isGranted ? { ok: true } : NO;
    rig.beforeStream = () => new Promise((resolve) => this.#waiting.push(resolve));
    rig.onSend = (peer) => {
      this.sent += 1;
      const isOver = rig.clock.monotonicMs() - (this.#openedAt[peer] ?? Number.NEGATIVE_INFINITY) >= SESSION_MS;
      const isWrong = this.rig !== rig || !this.isGranted || isOver || !this.#connected.has(peer) || rig.peers[peer]?.isClosed === true;
      if (isWrong) assert.unreachable(`a packet left after: ${this.#order}`);
    };
  }

  async act(act: Act): Promise<void> {
    await this.#acts[act]();
    await settle(12);
    this.#picture();
    await settle(4);
  }

  readonly #acts: Readonly<Record<Act, () => unknown>> = {
    grant: () => this.#permit(true),
    open: () => this.#open(),
    dtlsUp: () =>
      this.#newest((index) => {
        this.#connected.add(index);
        this.rig.peers[index]?.request.onConnected();
      }),
    rtspUp: () => {
      for (const answer of this.#waiting.splice(0)) answer();
    },
    withdraw: () => {
      this.#permit(false);
      this.rig.service.endMatching(() => true, 'withdrawn');
    },
    forbid: () => this.#permit(false),
    expire: () => this.rig.clock.advance(SESSION_MS),
    reconnect: () => {
      this.#newest((index) => this.rig.peers[index]?.request.onClosed('failed'));
      return this.#open();
    },
    cameraLost: () => this.rig.pulls.at(-1)?.request.onEnd(new DriverError('stream.ended', 'gone')),
    // Power fails: sessions are gone, what the owner decided is not. The transports of the run before are dead with it.
    crash: () => {
      this.rig = new LiveRig({ limits: LIMITS });
      this.#connected = new Set();
      this.#openedAt = [];
      this.#waiting = [];
      this.#begin();
    },
  };

  #permit(isGranted: boolean): void {
    this.isGranted = isGranted;
    this.rig.verdict = isGranted ? { ok: true } : NO;
  }

  async #open(): Promise<void> {
    this.#openedAt[this.rig.peers.length] = this.rig.clock.monotonicMs();
    await this.rig.open().catch(() => undefined);
  }

  /** Only a connection that is not closed can come up or break. */
  #newest(act: (index: number) => void): void {
    const index = this.rig.peers.length - 1;
    if (this.rig.peers[index]?.isClosed === false) act(index);
  }

  /** A whole intra picture and another one on every stream that plays, the closed ones included: a camera may be slow to stop. */
  #picture(): void {
    this.#sequence += 1;
    const at = this.#sequence * 5;
    const payloads = [SPS, PPS, IDR, SLICE];
    for (let index = 0; index < this.rig.pulls.length; index += 1)
      this.rig.pushInto(
        index,
        ...payloads.map((payload, step) => cameraPacket(at + step, (at + (step === 3 ? 1 : 0)) * 3600, payload, step > 1)),
      );
  }

  /** Everything the next act can depend on. */
  get state(): string {
    const { service, peers, pulls, clock } = this.rig;
    const [session, ...more] = service.sessions();
    const newest = peers.length - 1;
    return JSON.stringify([
      this.isGranted,
      session === undefined ? 'none' : [session.packets > 0, Math.sign(session.untilAt - clock.now())],
      more.length,
      newest >= 0 && peers[newest]?.isClosed === false && [this.#connected.has(newest), (peers[newest]?.sent.length ?? 0) > 0],
      pulls.filter((pull) => !pull.isClosed).length,
      Math.min(2, this.#waiting.length),
    ]);
  }
}

async function walked(order: readonly Act[]): Promise<World> {
  const world = new World(order);
  for (const act of order) await world.act(act);
  return world;
}

test('every state that any order of ten events reaches within eight steps: not one packet without a live grant', async () => {
  const seen = new Map<string, readonly Act[]>();
  let frontier: (readonly Act[])[] = [[]];
  let sent = 0;
  for (let depth = 1; depth <= DEPTH; depth += 1) {
    const next: (readonly Act[])[] = [];
    for (const order of frontier)
      for (const act of ACTS) {
        const longer = [...order, act];
        const world = await walked(longer);
        sent += world.sent;
        if (seen.has(world.state)) continue;
        seen.set(world.state, longer);
        next.push(longer);
      }
    frontier = next;
  }
  assert.is(frontier.length, 0, `no new state in the last step (${seen.size} states)`);
  assert.ok(seen.size >= 10, `${seen.size} states`);
  assert.ok(sent > 20, 'packets flow in the allowed orders');
});

test('every order of the first three steps, and two thousand random ones of eight', async () => {
  let sent = 0;
  for (const a of ACTS) for (const b of ACTS) for (const c of ACTS) sent += (await walked([a, b, c])).sent;
  let random = 11;
  const next = (below: number): number => {
    random = (random * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return (random >> 8) % below;
  };
  for (let round = 0; round < 2_000; round += 1) {
    const order = Array.from({ length: DEPTH }, () => ACTS[next(ACTS.length)] ?? 'open');
    // A few begin as life does, so that what follows happens to pictures that flow.
    if (round % 2 === 0)
      order.splice(0, 4, 'grant', 'open', ...(round % 4 === 0 ? (['dtlsUp', 'rtspUp'] as const) : (['rtspUp', 'dtlsUp'] as const)));
    sent += (await walked(order)).sent;
  }
  assert.ok(sent > 1_000, `${sent} packets flow in the allowed orders`);
});

test.run();
