/** The ONVIF driver against the complete test camera on loopback. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CameraOptions, type OnvifCamera, startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { login, patient, rejection, withDriver } from './onvif-rig.js';

async function withCamera<T>(options: CameraOptions, work: (camera: OnvifCamera) => Promise<T>): Promise<T> {
  const camera = await startOnvifCamera({ user: 'admin', password: 'right', discovery: false, ...options });
  try {
    return await work(camera);
  } finally {
    await camera.stop();
  }
}

test('reads identity, streams, their addresses and PTZ', () =>
  withCamera({ name: 'Yard', model: 'Dome', serial: 'S-1' }, (camera) =>
    withDriver(camera.deviceUri, login(), async (driver) => {
      const identity = await driver.identify(patient());
      assert.is(identity.model, 'Dome');
      assert.is(identity.serial, 'S-1');
      const streams = await driver.streams(patient());
      assert.equal(
        streams.map(({ kind, video }) => [kind, video.codec, video.width, video.height]),
        [
          ['main', 'H264', 1280, 720],
          ['sub', 'H264', 640, 360],
        ],
      );
      assert.is(await driver.streamUri(streams[0]?.profileToken ?? '', patient()), camera.rtspUri('main'));
      assert.is(await driver.streamUri(streams[1]?.profileToken ?? '', patient()), camera.rtspUri('sub'));
      assert.ok(await driver.ptz(patient()));
      assert.is(camera.counters().soapFaults, 0, 'nothing was asked that the camera refuses');
    }),
  ));

test('a camera half a year ahead is spoken to in its own time', () =>
  withCamera({ clockSkewMs: 180 * 86_400_000 }, (camera) =>
    withDriver(camera.deviceUri, login(), async (driver) => {
      const offsetMs = await driver.clockOffsetMs(patient());
      assert.ok(Math.abs(offsetMs - 180 * 86_400_000) < 3_000, String(offsetMs));
      await driver.identify(patient());
      assert.is(camera.counters().soapFaults, 0);
    }),
  ));

test('a camera whose clock jumps between two calls is asked for its time again', () =>
  withCamera({}, (camera) =>
    withDriver(camera.deviceUri, login(), async (driver) => {
      await driver.identify(patient());
      camera.set({ clockSkewMs: -3_600_000 });
      await driver.identify(patient());
    }),
  ));

test('sets the sub-stream and reads back what the camera then says', () =>
  withCamera({}, (camera) =>
    withDriver(camera.deviceUri, login(), async (driver) => {
      const sub = (await driver.streams(patient())).find(({ kind }) => kind === 'sub');
      assert.ok(sub);
      const options = await driver.encoderOptions(sub, patient());
      assert.ok(options.resolutions.length > 0);
      const smallest = [...options.resolutions].sort((one, other) => one.width - other.width)[0];
      assert.ok(smallest);
      const after = await driver.setEncoder(sub, { ...sub.video, ...smallest, frameRate: 10 }, patient());
      assert.equal([after.width, after.height, after.frameRate], [smallest.width, smallest.height, 10]);
      assert.is(camera.settings('sub').rate, 10);
      await rejection(driver.setEncoder(sub, { ...sub.video, width: 1234, height: 567 }, patient()), 'camera.refused');
    }),
  ));

test('asks for an intra picture', () =>
  withCamera({}, (camera) =>
    withDriver(camera.deviceUri, login(), async (driver) => {
      const [main] = await driver.streams(patient());
      await driver.synchronize(main?.profileToken ?? '', patient());
      assert.is(camera.counters().syncRequests, 1);
    }),
  ));

test('moves and stops', () =>
  withCamera({}, (camera) =>
    withDriver(camera.deviceUri, login(), async (driver) => {
      const ptz = await driver.ptz(patient());
      assert.ok(ptz);
      await ptz.move({ pan: 1, tilt: 0, zoom: 0 }, patient());
      await ptz.stop(patient());
      const { operations } = camera.counters();
      assert.is(operations.ContinuousMove, 1);
      assert.is(operations.Stop, 1);
    }),
  ));

test('a camera without PTZ has none', () =>
  withCamera({ ptz: false }, (camera) =>
    withDriver(camera.deviceUri, login(), async (driver) => {
      assert.is(await driver.ptz(patient()), undefined);
    }),
  ));

test('a wrong password is named, and after three refusals the camera hears nothing more', () =>
  withCamera({}, (camera) =>
    withDriver(camera.deviceUri, login('admin', 'wrong'), async (driver) => {
      const left = [];
      for (let round = 0; round < 3; round += 1)
        left.push((await rejection(driver.identify(patient()), 'camera.unauthorized')).detail.triesLeft);
      assert.equal(left, [2, 1, 0]);
      const before = camera.counters().soapFaults;
      await rejection(driver.identify(patient()), 'camera.locked_out');
      assert.is(camera.counters().soapFaults, before);
    }),
  ));

test('a password with every awkward character works', () =>
  withCamera({ user: 'a&b<c>"é', password: '<p>&"\'ü €' }, (camera) =>
    withDriver(camera.deviceUri, login('a&b<c>"é', '<p>&"\'ü €'), async (driver) => {
      assert.ok((await driver.identify(patient())).model);
    }),
  ));

test('a stream address of another scheme is refused, one behind NAT is rebuilt', () =>
  withCamera({ streamScheme: 'http' }, (camera) =>
    withDriver(camera.deviceUri, login(), async (driver) => {
      const [main] = await driver.streams(patient());
      const error = await rejection(driver.streamUri(main?.profileToken ?? '', patient()), 'stream.bad_uri');
      assert.is(error.detail.scheme, 'http');
      camera.set({ streamScheme: 'rtsp', streamHost: '203.0.113.9' });
      assert.is(await driver.streamUri(main?.profileToken ?? '', patient()), camera.rtspUri('main').replace('203.0.113.9', '127.0.0.1'));
    }),
  ));

test('a camera that went away is unreachable, and usable again when it is back', () =>
  withCamera({}, (camera) =>
    withDriver(camera.deviceUri, login(), async (driver) => {
      await driver.identify(patient());
      camera.set({ goneOffline: true });
      await rejection(driver.identify(patient()), 'camera.unreachable');
      camera.set({ goneOffline: false });
      await driver.identify(patient());
    }),
  ));

test.run();
