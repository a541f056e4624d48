/**
 * Who the recorder sends video to is decided by the DTLS handshake alone: the certificate named in the offer, and the key that
 * belongs to it. Everything else an attacker in the middle can have.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError } from '../../drivers/port.js';
import { fingerprintOf, type KeyPair, makeKeyPair, meet, newFactory, sendPicture, until } from './dtls-rig.js';

const factory = newFactory();
const viewerKeys = makeKeyPair();
const otherKeys = makeKeyPair();
/** Shows the viewer's certificate, but holds another key. */
const wrongKey: KeyPair = { certPem: viewerKeys.certPem, keyPem: otherKeys.keyPem };
const ROLES = ['client', 'server'] as const;
const WATCH_MS = 2_000;

for (const role of ROLES)
  test(`positive control: the viewer as DTLS ${role} with the right key receives the pictures`, async () => {
    const meeting = await meet(factory, { keys: viewerKeys, role });
    assert.ok(await until(() => meeting.isConnected, 10_000), 'connected');
    assert.ok(
      await until(
        () => meeting.received >= 20,
        5_000,
        () => sendPicture(meeting.peer),
      ),
      `received ${meeting.received}`,
    );
    assert.ok(meeting.media >= 20 && meeting.handshakes > 0);
    await meeting.end();
  });

for (const role of ROLES)
  test(`wrong key: a peer as DTLS ${role} that shows the viewer's certificate without its key gets nothing`, async () => {
    const meeting = await meet(factory, { keys: wrongKey, role });
    let taken = 0;
    const isThrough = await until(
      () => meeting.isConnected || meeting.received > 0,
      WATCH_MS,
      () => {
        taken += sendPicture(meeting.peer);
      },
    );
    assert.not.ok(isThrough, 'it must not connect');
    assert.ok(meeting.handshakes > 0, 'the handshake was tried');
    assert.equal([taken, meeting.media, meeting.received], [0, 0, 0]);
    await meeting.end();
  });

for (const role of ROLES)
  test(`wrong certificate: a peer as DTLS ${role} with a good key, but not of the certificate in the offer, gets nothing`, async () => {
    const expected = fingerprintOf(viewerKeys.certPem);
    const tamper = (offer: string): string => offer.replace(/a=fingerprint:sha-256 \S+/g, `a=fingerprint:sha-256 ${expected}`);
    const meeting = await meet(factory, { keys: otherKeys, role, tamper });
    let taken = 0;
    const isThrough = await until(
      () => meeting.isConnected || meeting.received > 0,
      WATCH_MS,
      () => {
        taken += sendPicture(meeting.peer);
      },
    );
    assert.not.ok(isThrough, 'it must not connect');
    assert.ok(meeting.handshakes > 0, 'the handshake was tried');
    assert.equal([taken, meeting.media, meeting.received], [0, 0, 0]);
    await meeting.end();
  });

test('video in the middle: two fingerprints, sha-1, none, or a broken one in the offer are refused before anything is opened', async () => {
  const print = fingerprintOf(viewerKeys.certPem);
  const other = fingerprintOf(otherKeys.certPem);
  const attacks: readonly [string, (offer: string) => string][] = [
    ['a second one in the section', (offer) => offer.replace('a=setup:', `a=fingerprint:sha-256 ${other}\r\na=setup:`)],
    ['a second one in the session', (offer) => offer.replace('t=0 0', `t=0 0\r\na=fingerprint:sha-256 ${other}`)],
    ['sha-1 beside it', (offer) => offer.replace('a=setup:', `a=fingerprint:sha-1 ${print.slice(0, 59)}\r\na=setup:`)],
    ['sha-1 only', (offer) => offer.replace(/a=fingerprint:\S+ \S+/, `a=fingerprint:sha-1 ${print.slice(0, 59)}`)],
    ['none', (offer) => offer.replace(/a=fingerprint:\S+ \S+\r\n/, '')],
    ['a short one', (offer) => offer.replace(/a=fingerprint:\S+ \S+/, `a=fingerprint:sha-256 ${print.slice(0, 59)}`)],
    ['a made-up role', (offer) => offer.replace(/a=setup:\w+/, 'a=setup:holdconn')],
  ];
  for (const [what, tamper] of attacks) {
    try {
      await meet(factory, { keys: viewerKeys, role: 'client', tamper });
      assert.unreachable(what);
    } catch (error) {
      assert.instance(error, DriverError, `${what}: ${error}`);
      assert.is((error as DriverError).code, 'viewer.bad_offer', what);
    }
  }
});

test('nothing is sent after close, not even a resend, and the viewer is told', async () => {
  const meeting = await meet(factory, { keys: viewerKeys, role: 'server' });
  assert.ok(
    await until(
      () => meeting.received >= 20,
      10_000,
      () => sendPicture(meeting.peer),
    ),
  );
  meeting.peer.close();
  // What is already in the socket arrives in the same tick; from the next on nothing may come.
  await until(() => true, 50);
  const before = meeting.media;
  const transceiver = meeting.viewer.getTransceivers()[0];
  for (let round = 0; round < 10; round += 1) await transceiver?.receiver.sendRtcpPLI(meeting.peer.ssrc);
  await until(
    () => false,
    500,
    () => assert.is(sendPicture(meeting.peer), 0),
  );
  assert.is(meeting.media, before);
  await meeting.end();
});

test.run();
