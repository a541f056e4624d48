import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MediaGate } from '../../../../agent/live/gate.js';
import { type GateEvent, type GateState, nextGateState } from '../../../../agent/live/transitions.js';
import { cameraPacket, IDR, SLICE } from './live-rig.js';

const ENDS: readonly GateEvent[] = ['withdrawn', 'expired', 'viewerGone', 'cameraGone', 'closed'];
const EVENTS: readonly GateEvent[] = ['granted', 'dtlsUp', 'idr', 'lost', ...ENDS];
const DEPTH = 8;

test('every order of events to depth 8: sending needs a grant, a viewer and an intra picture, and no end is survived', () => {
  /** Orders of that many events and how many of their steps stand at `sending`, from a state with these facts; asked once for each. */
  const known = new Map<string, { orders: number; sendings: number }>();
  const walk = (state: GateState, depth: number, facts: number): { orders: number; sendings: number } => {
    // facts: 1 granted, 2 viewer up, 4 intra picture seen after the grant, 8 ended
    if (state === 'sending' && facts !== 7) assert.unreachable(`sending with facts ${facts}`);
    // Messages and pieces of files leave in both of these.
    if ((state === 'waiting' || state === 'sending') && (facts & 3) !== 3) assert.unreachable(`data may leave with facts ${facts}`);
    if ((facts & 8) !== 0 && state !== 'ended') assert.unreachable(`${state} after an end`);
    if (depth === DEPTH) return { orders: 1, sendings: state === 'sending' ? 1 : 0 };
    const key = `${state} ${depth} ${facts}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const sum = { orders: 0, sendings: state === 'sending' ? 1 : 0 };
    for (const event of EVENTS) {
      let next = facts;
      if (event === 'granted') next |= 1;
      // A viewer or picture before the grant counts for nothing.
      else if (event === 'dtlsUp') next |= (facts & 1) << 1;
      else if (event === 'idr') next |= (facts & 1) << 2;
      else if (event === 'lost') next &= ~4;
      else next |= 8;
      const { orders, sendings } = walk(nextGateState(state, event), depth + 1, next);
      sum.orders += orders;
      sum.sendings += sendings;
    }
    known.set(key, sum);
    return sum;
  };
  const { orders, sendings } = walk('shut', 0, 0);
  assert.is(orders, EVENTS.length ** DEPTH);
  assert.ok(sendings > 1000, 'the walk reaches sending at all');
});

type Act = 'arm' | 'connect' | 'data' | 'idr' | 'slice' | 'restart' | 'withdraw' | 'over';
const ACTS: readonly Act[] = ['arm', 'connect', 'idr', 'slice', 'restart', 'withdraw', 'over'];

/** Does these acts to a gate and gives how many packets left; none may leave that must not. */
function sentIn(order: readonly Act[]): number {
  let sent = 0;
  let isAllowed = true;
  let now = 0;
  let isArmed = false;
  let mustBeSilent = false;
  /** The stream began again and no intra picture of it came yet. */
  let isStale = false;
  let sequence = 0;
  const gate = new MediaGate({
    clock: { monotonicMs: () => now },
    mayWatch: () => isAllowed,
    deadlineAt: 100,
    onRefused: () => undefined,
    onFirstPicture: () => undefined,
    firstSequence: 1,
    firstTimestamp: 1,
  });
  const send = (): boolean => {
    sent += 1;
    if (isStale) assert.unreachable(`a packet of the new stream left before its intra picture after ${order.join(' ')}`);
    if (!isArmed || mustBeSilent || !isAllowed || now >= 100) assert.unreachable(`a packet left after ${order.join(' ')}`);
    return true;
  };
  // Not asked about: data waits for no intra picture.
  const sendData = (): boolean => {
    if (!isArmed || mustBeSilent || !isAllowed || now >= 100) assert.unreachable(`data left after ${order.join(' ')}`);
    sent += 1;
    return true;
  };
  for (const act of order) {
    if (act === 'arm') isArmed = gate.arm() || isArmed;
    else if (act === 'connect') gate.connect({ ssrc: 1, payloadType: 96, send, sendData });
    else if (act === 'data') gate.sendData('x');
    else if (act === 'withdraw') isAllowed = false;
    else if (act === 'over') now = 200;
    else if (act === 'restart') {
      gate.restart();
      isStale = true;
    } else {
      if (act === 'idr') isStale = false;
      sequence += 1;
      const packet = cameraPacket(sequence, sequence * 3600, act === 'idr' ? IDR : SLICE, true);
      gate.push(packet, 0, packet.length);
    }
    if (gate.state === 'ended') mustBeSilent = true;
  }
  return sent;
}

test('data beside pictures, every order of acts to depth 6: none without a live grant and a viewer, none after an end', () => {
  let sent = 0;
  const walk = (order: Act[]): void => {
    if (order.length === 6) {
      sent += sentIn(order);
      return;
    }
    for (const act of ['data', ...ACTS] as const) walk([...order, act]);
  };
  walk([]);
  assert.ok(sent > 10_000, 'data flows in the allowed orders');
});

test('the gate itself, every order of acts to depth 8: not one packet without a live grant, none after an end', () => {
  let sentInAll = 0;
  let gates = 0;
  const walk = (order: Act[]): void => {
    if (order.length === DEPTH) {
      gates += 1;
      sentInAll += sentIn(order);
      return;
    }
    for (const act of ACTS) {
      // The authorizer's no and the end of time are final, and connecting or beginning again twice is as once: one of each is enough.
      // The grant may come again after an end.
      const isOver = order.includes('withdraw') || order.includes('over');
      const most = act === 'idr' || act === 'slice' ? DEPTH : act === 'arm' && isOver ? 2 : 1;
      if (order.filter((one) => one === act).length >= most) continue;
      order.push(act);
      walk(order);
      order.pop();
    }
  };
  walk([]);
  assert.ok(gates > 300_000, String(gates));
  assert.ok(sentInAll > 10_000, 'packets flow in the allowed orders');
});

test.run();
