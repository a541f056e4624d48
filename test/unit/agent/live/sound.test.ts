/** Sound: off unless wanted and permitted, beside the picture and never without it, gone with the permission. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cameraPacket, IDR, LiveRig, PPS, SLICE, SPS, settle } from './live-rig.js';

const SAMPLES = Array.from({ length: 160 }, (_, index) => index & 0xff);

async function opened(rig: LiveRig, sound: boolean, viewerId = 'dana') {
  const answer = await rig.service.open({ ticket: { channelId: 'cam-1', viewerId, proof: undefined }, offerSdp: 'offer', sound });
  await settle();
  return answer;
}

function play(rig: LiveRig, peer = 0): void {
  rig.peers[peer]?.request.onConnected();
  rig.push(cameraPacket(1, 1, SPS), cameraPacket(2, 1, PPS), cameraPacket(3, 1, IDR, true));
}

const speak = (rig: LiveRig, number: number): void => {
  const packet = cameraPacket(number, number * 160, SAMPLES);
  for (const { request } of rig.sounds) request.onRtp(packet, 0, packet.length);
};

test('nobody hears who did not ask for it, or may not: no place for it in the answer, and the camera is not asked', async () => {
  for (const [isWanted, mayHear] of [
    [false, true],
    [true, false],
  ] as const) {
    const rig = new LiveRig();
    rig.mayHear = mayHear;
    const answer = await opened(rig, isWanted);
    play(rig);
    await settle();
    assert.is(answer.hasSound, false);
    assert.is(rig.peers[0]?.request.mayHear, false);
    assert.is(rig.sounds.length, 0);
    await rig.service.stop();
  }
});

test('it begins with the first picture; samples and times are the camera’s, names and numbers ours; it is counted', async () => {
  const rig = new LiveRig();
  rig.mayHear = true;
  assert.is((await opened(rig, true)).hasSound, true);
  assert.is(rig.sounds.length, 0, 'nothing is pulled before the picture plays');
  play(rig);
  await settle();
  assert.is(rig.sounds.length, 1);
  const before = rig.service.sessions()[0]?.bytes ?? 0;
  for (const number of [50, 51, 53]) speak(rig, number);
  const [first, second, third] = rig.heard as [Buffer, Buffer, Buffer];
  assert.equal([...first.subarray(12)], SAMPLES);
  assert.equal([(first[1] ?? 0) & 0x7f, first.readUInt32BE(8)], [18, 0x5678]);
  const steps = [second, third].map((packet) => (packet.readUInt16BE(2) - first.readUInt16BE(2)) & 0xffff);
  assert.equal(steps, [1, 3], 'a lost packet stays lost');
  assert.is((third.readUInt32BE(4) - first.readUInt32BE(4)) >>> 0, 480);
  assert.is((rig.service.sessions()[0]?.bytes ?? 0) - before, 3 * 172);
  await rig.service.stop();
  assert.ok(rig.sounds.every((sound) => sound.isClosed));
  speak(rig, 54);
  assert.is(rig.heard.length, 3);
});

test('a permission to hear that ends takes the sound alone: in the tick, for good, and the camera is let go of', async () => {
  const rig = new LiveRig();
  rig.mayHear = true;
  await opened(rig, true);
  play(rig);
  await settle();
  speak(rig, 1);
  rig.mayHear = false;
  speak(rig, 2);
  rig.mayHear = true;
  speak(rig, 3);
  await settle();
  assert.is(rig.heard.length, 1);
  assert.ok(rig.sounds[0]?.isClosed);
  rig.push(cameraPacket(4, 2, SLICE, true));
  assert.is(rig.service.sessions().length, 1, 'the picture goes on');
  await rig.service.stop();
});

test('a withdrawn permission to watch ends both in the tick', async () => {
  const rig = new LiveRig();
  rig.mayHear = true;
  await opened(rig, true);
  play(rig);
  await settle();
  rig.service.endMatching(() => true, 'withdrawn');
  speak(rig, 1);
  assert.is(rig.heard.length, 0);
  await settle();
  assert.ok(rig.sounds[0]?.isClosed);
});

test('two who hear one camera pull its sound once; a camera without sound costs nobody the picture', async () => {
  const rig = new LiveRig();
  rig.mayHear = true;
  await opened(rig, true, 'dana');
  await opened(rig, true, 'eli');
  play(rig, 0);
  rig.peers[1]?.request.onConnected();
  rig.push(cameraPacket(4, 2, IDR, true));
  await settle();
  assert.is(rig.sounds.length, 1);
  speak(rig, 1);
  assert.is(rig.heard.length, 2);
  rig.sounds[0]?.request.onEnd(new RangeError('gone') as never);
  await settle();
  assert.is(rig.service.sessions().length, 2);
  await rig.service.stop();
});

test.run();
