/** The offer that a page keeps ready, so that nobody waits for the browser's own addresses. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LiveOffers } from '../../../../../scripts/portal/client/live-offer.js';

const FINGERPRINT = `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`;

/** As much of a browser's connection as an offer needs; gathering ends when the test says so. */
class FakePeer extends EventTarget {
  static made: FakePeer[] = [];
  signalingState = 'stable';
  iceGatheringState = 'new';
  localDescription: { sdp: string } | null = null;
  readonly config: RTCConfiguration;
  readonly receiver = { jitterBufferTarget: null, track: {} };

  constructor(config: RTCConfiguration) {
    super();
    this.config = config;
    FakePeer.made.push(this);
  }

  addTransceiver(): { receiver: FakePeer['receiver']; setCodecPreferences(): void } {
    return { receiver: this.receiver, setCodecPreferences: () => undefined };
  }

  async createOffer(): Promise<{ sdp: string }> {
    return { sdp: `v=0\r\na=fingerprint:${FINGERPRINT}\r\n` };
  }

  async setLocalDescription(offer: { sdp: string }): Promise<void> {
    this.localDescription = offer;
    this.iceGatheringState = 'gathering';
  }

  gathered(): void {
    this.localDescription = { sdp: `${this.localDescription?.sdp ?? ''}a=candidate:1\r\n` };
    this.iceGatheringState = 'complete';
    this.dispatchEvent(new Event('icegatheringstatechange'));
  }

  close(): void {
    this.signalingState = 'closed';
  }
}

const { now } = performance;
let passedMs = 0;

test.before.each(() => {
  FakePeer.made = [];
  passedMs = 0;
  performance.now = () => now.call(performance) + passedMs;
  Object.assign(globalThis, { RTCPeerConnection: FakePeer, RTCRtpReceiver: { getCapabilities: () => null } });
});

test.after.each(() => {
  performance.now = now;
  Reflect.deleteProperty(globalThis, 'RTCPeerConnection');
  Reflect.deleteProperty(globalThis, 'RTCRtpReceiver');
});

test('made once before, with all addresses in it and no server outside; taken once, and the next is another', async () => {
  const offers = new LiveOffers();
  offers.prepare();
  offers.prepare();
  assert.is(FakePeer.made.length, 1);
  const [peer] = FakePeer.made;
  assert.equal(peer?.config.iceServers, []);
  const taken = offers.take();
  await new Promise(setImmediate);
  peer?.gathered();
  const text = await taken.text;
  assert.match(text.sdp, 'a=candidate:1');
  assert.is(text.fp, FINGERPRINT);
  assert.is(FakePeer.made.length, 1, 'what was ready is what is used');
  offers.discard();
  assert.is(peer?.signalingState, 'stable', 'whoever took it closes it');
  assert.is.not(offers.take().peer, taken.peer);
});

test('one that waited too long is closed and made anew; one that is not used is closed', () => {
  const offers = new LiveOffers();
  offers.prepare();
  passedMs = 121_000;
  offers.take();
  assert.equal(
    FakePeer.made.map((peer) => peer.signalingState),
    ['closed', 'stable'],
  );
  offers.prepare();
  offers.discard();
  assert.is(FakePeer.made[2]?.signalingState, 'closed');
});

test.run();
