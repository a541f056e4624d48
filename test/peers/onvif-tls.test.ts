/** The driver over TLS against the test camera's own doors: pinned certificate, passwords never in clear, streams over TLS too. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createOnvifConnector } from '../../drivers/onvif/connector.js';
import type { CameraDriver } from '../../drivers/port.js';
import { until } from '../support/until.js';
import { fastClock } from './fast-clock.js';
import type { CameraOptions } from './onvif-camera/camera-options.js';
import { type OnvifCamera, startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { login, ownLogin, patient, QUIET, rejection, withDriver } from './onvif-rig.js';
import { failure, openFrom } from './rtsp-rig.js';

async function withSecure(options: CameraOptions, work: (camera: OnvifCamera) => Promise<void>): Promise<void> {
  const camera = await startOnvifCamera({ user: 'admin', password: 'right', discovery: false, tls: true, ...options });
  try {
    await work(camera);
  } finally {
    await camera.stop();
  }
}

const mainToken = async (driver: CameraDriver): Promise<string> => (await driver.streams(patient()))[0]?.profileToken ?? '';

async function picture(driver: CameraDriver): Promise<string | undefined> {
  return (await driver.snapshot?.(await mainToken(driver), patient()))?.mediaType;
}

test('everything works over TLS, and every address it gives is asked over TLS', () =>
  withSecure({}, (camera) =>
    withDriver(camera.secureUri, login(), async (driver) => {
      await driver.identify(patient());
      assert.is(await picture(driver), 'image/jpeg');
      const { events, imaging, recordings } = (await driver.capabilities?.(patient())) ?? {};
      assert.is((await imaging?.read(patient()))?.brightness, 0.5);
      const heard: string[] = [];
      const handlers = {
        onEvent: ({ kind, isOn }: { kind: string; isOn: boolean }) => void (isOn && heard.push(kind)),
        onEnd: () => undefined,
      };
      const open = await events?.open(handlers, patient());
      camera.raise({ kind: 'motion', isOn: true });
      await until('motion is heard', () => heard.includes('motion'));
      await open?.close();
      assert.is(camera.counters().subscriptions, 0);
      assert.match((await recordings?.replayUri('recording_0', patient())) ?? '', /^rtsps:\/\/127\.0\.0\.1:\d+\/replay/);
      // Behind the front stands the very RTSP server that also answers in clear.
      const uri = await driver.streamUri(await mainToken(driver), patient());
      assert.match(uri, /^rtsps:\/\/127\.0\.0\.1:\d+\/main$/);
      assert.not.match(uri, `:${camera.rtspPort}/`);
      const right = { user: 'admin', password: { reveal: () => 'right' } };
      const rig = openFrom(0, { uri, login: right });
      const pull = await rig.opened;
      await rig.received(5);
      await pull.close();
      assert.is((await failure(openFrom(0, { uri }).opened)).code, 'camera.unauthorized');
      assert.is((await failure(openFrom(0, { uri: uri.replace('rtsps', 'rtsp'), login: right }).opened)).code, 'camera.unreachable');
    }),
  ));

test('the certificate seen first is the one expected: another one is told of once and hears nothing', () =>
  withSecure({}, async (camera) => {
    const told: string[] = [];
    const keep = (level: string) => (message: string, facts?: object) =>
      void told.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`);
    const shared = createOnvifConnector({ clock: fastClock(1), log: { ...QUIET, info: keep('info'), warn: keep('warn') } });
    const connect = (): CameraDriver => shared.connect({ deviceUri: camera.secureUri, login: login() });
    const driver = connect();
    await driver.identify(patient());
    await driver.identify(patient());
    assert.is(told.length, 1);
    assert.match(told[0] ?? '', /^info the certificate of a camera is remembered .*"fingerprint":"[0-9A-F:]{95}"/);
    await camera.renewCertificate();
    const before = camera.counters().soapRequests;
    const error = await rejection(driver.identify(patient()), 'camera.unauthorized');
    assert.is(error.detail.isPinChanged, true);
    await rejection(driver.snapshot?.('profile_main', patient()) ?? Promise.resolve(), 'camera.unauthorized');
    const another = connect();
    await rejection(another.identify(patient()), 'camera.unauthorized');
    assert.is(camera.counters().soapRequests, before, 'nothing was sent to the stranger');
    assert.is(told.length, 2, 'told once, not at every probe');
    assert.match(told[1] ?? '', /^warn a camera shows another certificate than before .*"expected":"[0-9A-F:]{95}"/);
    // The other door is another address with nothing remembered, and refusals by the pin are none of the password.
    await withDriver(camera.deviceUri, login(), (plain) => plain.identify(patient()));
    assert.is(camera.counters().failedLogins, 0);
    driver.close();
    another.close();
  }));

test('Basic is answered over TLS and never in clear, for SOAP as for pictures', async () => {
  await withSecure({ basicOnly: true }, async (camera) => {
    await withDriver(camera.secureUri, ownLogin(), async (driver) => {
      await driver.identify(patient());
      assert.is(await picture(driver), 'image/jpeg');
    });
    await withDriver(camera.secureUri, ownLogin('admin', 'wrong'), (driver) =>
      rejection(driver.identify(patient()), 'camera.unauthorized'),
    );
    await withDriver(camera.deviceUri, login(), (driver) => rejection(driver.identify(patient()), 'camera.unauthorized'));
    assert.is(camera.counters().clearPasswords, 0);
  });
  await withSecure({ quirks: { snapshotLogin: 'basic' } }, async (camera) => {
    await withDriver(camera.secureUri, ownLogin(), async (driver) => assert.is(await picture(driver), 'image/jpeg'));
    await withDriver(camera.deviceUri, login(), async (driver) => {
      const token = await mainToken(driver);
      await rejection(driver.snapshot?.(token, patient()) ?? Promise.resolve(), 'camera.unauthorized');
    });
    assert.is(camera.counters().clearPasswords, 0);
  });
});

test('a door that does not speak TLS, and one that speaks nothing else', () =>
  withSecure({}, async (camera) => {
    const swapped = [camera.deviceUri.replace('http:', 'https:'), camera.secureUri.replace('https:', 'http:')];
    for (const uri of swapped) {
      await withDriver(uri, login(), async (driver) => {
        const error: unknown = await driver.identify(patient()).catch((thrown: unknown) => thrown);
        assert.ok(['camera.unreachable', 'camera.not_onvif'].includes((error as { code: string }).code), String(error));
      });
    }
  }));

test.run();
