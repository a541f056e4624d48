/** An independent client drives every service of the test camera: what it reads out of the answers is not what we wrote into them. */
import { createRequire } from 'node:module';
import { networkInterfaces } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../support/until.js';
import { openCameras } from './onvif-camera/many-cameras.js';
import { type OnvifCamera, startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { answerChallenge, callSoap, makeEnvelope } from './onvif-camera-client.js';

interface NpmCam {
  readonly profiles: readonly { readonly name: string }[];
}
interface NpmOnvif {
  readonly Cam: new (options: object, done: (error?: Error) => void) => NpmCam & Record<string, (...args: unknown[]) => void>;
}
const npmOnvif = createRequire(import.meta.url)('onvif') as NpmOnvif;

type Ask = (method: string, ...args: unknown[]) => Promise<unknown>;

/** A connected client of npm's onvif; results come as JSON-able trees. */
async function connect(camera: OnvifCamera): Promise<Ask> {
  const login = { hostname: '127.0.0.1', port: camera.httpPort, username: 'admin', password: 'camera', timeout: 5000 };
  const cam = await new Promise<InstanceType<NpmOnvif['Cam']>>((resolve, reject) => {
    const made = new npmOnvif.Cam(login, (error) => (error ? reject(error) : resolve(made)));
  });
  return (method, ...args) =>
    new Promise((resolve, reject) => {
      const call = cam[method];
      if (call === undefined) reject(new RangeError(`the client has no ${method}`));
      else call.call(cam, ...args, (error: Error | null, result: unknown) => (error ? reject(error) : resolve(result)));
    });
}

const json = (value: unknown): string => JSON.stringify(value);

async function withClient(work: (ask: Ask, camera: OnvifCamera) => Promise<void>): Promise<void> {
  const camera = await startOnvifCamera({ discovery: false, longestPullMs: 2_000 });
  try {
    await work(await connect(camera), camera);
  } finally {
    await camera.stop();
  }
}

test('npm onvif: device, users and time', () =>
  withClient(async (ask, camera) => {
    assert.match(json(await ask('getServices')), /imaging_service.*event_service.*search_service/);
    await ask('createUsers', [{ username: 'guard', password: 'night', userLevel: 'Operator' }]);
    assert.equal(camera.users().at(-1), { user: 'guard', level: 'Operator' });
    await ask('setUsers', [{ username: 'guard', password: 'other', userLevel: 'User' }]);
    assert.equal(camera.users().at(-1), { user: 'guard', level: 'User' });
    await ask('deleteUsers', ['guard']);
    assert.is(camera.users().length, 1);
    await ask('setNTP', { fromDHCP: false, type: 'DNS', dnsName: 'pool.example.org' });
    assert.equal(camera.clock().servers, ['pool.example.org']);
    assert.match(json(await ask('getNTP')), /pool\.example\.org/);
    await ask('setSystemDateAndTime', { dateTimeType: 'NTP', daylightSavings: false });
    assert.is(camera.clock().isNtp, true);
    // Within the window of tokens: this client does not ask for the time again.
    const soon = new Date(Date.now() + 60_000);
    await ask('setSystemDateAndTime', { dateTimeType: 'Manual', daylightSavings: false, dateTime: soon });
    assert.ok(Math.abs(camera.clock().atMs - soon.getTime()) < 3_000);
    assert.match(json(await ask('getNetworkProtocols')), /RTSP/);
  }));

test('npm onvif: both media services, overlays, imaging', () =>
  withClient(async (ask, camera) => {
    const configurations = json(await ask('getVideoEncoderConfigurations'));
    assert.match(configurations, /encoder_main.*encoder_sub/);
    assert.match(json(await ask('getSnapshotUri', {})), /snapshot\.jpg/);
    assert.match(json(await ask('getStreamUri', { protocol: 'RTSP', profileToken: 'profile_sub' })), /\/sub/);
    const made = json(
      await ask('createOSD', { position: 'UpperRight', plaintext: 'Yard', videoSourceConfigurationToken: 'source_config_0' }),
    );
    assert.match(made, /osd_1/);
    assert.match(json(await ask('getOSDs')), /Yard/);
    await ask('deleteOSD', 'osd_1');
    await ask('setImagingSettings', { token: 'source_0', brightness: 70, contrast: 30 });
    assert.equal([camera.imaging().brightness, camera.imaging().contrast], [70, 30]);
    assert.match(json(await ask('getImagingSettings', { token: 'source_0' })), /"brightness":70/);
    assert.match(json(await ask('getVideoSourceOptions', 'source_0')), /irCutFilterModes/i);
    await ask('imagingMove', { token: 'source_0', continuous: { speed: 0.5 } });
    assert.is(camera.imaging().autoFocus, 'MANUAL');
    assert.match(json(await ask('imagingGetStatus', { token: 'source_0' })), /MOVING/);
    await ask('imagingStop', { token: 'source_0' });
  }));

test('npm onvif: PTZ in all its ways', () =>
  withClient(async (ask, camera) => {
    assert.match(json(await ask('getNodes')), /ptz_node_0/);
    await ask('absoluteMove', { x: 0.5, y: -0.5, zoom: 0.2, profileToken: 'profile_main' });
    await ask('relativeMove', { x: -0.1, y: 0, zoom: 0, profileToken: 'profile_main' });
    await ask('continuousMove', { x: 1, y: 0, zoom: 0 });
    assert.is(camera.isMoving().panTilt, true);
    await ask('stop', { panTilt: true, zoom: true });
    assert.match(json(await ask('setPreset', { presetName: 'Gate' })), /1/);
    assert.match(json(await ask('getPresets', {})), /Gate/);
    await ask('gotoPreset', { preset: '1' });
    await ask('removePreset', { presetToken: '1' });
    await ask('setHomePosition', {});
    await ask('gotoHomePosition', {});
    await ask('ptzSendAuxiliaryCommand', { data: 'tt:Wiper|On' });
    assert.equal(camera.counters().auxiliary, ['tt:Wiper|On']);
  }));

test('npm onvif: events and recordings', () =>
  withClient(async (ask, camera) => {
    assert.match(json(await ask('getEventProperties')), /cellMotionDetector/i);
    await ask('createPullPointSubscription');
    assert.match(json(await ask('pullMessages', { messageLimit: 50 })), /Initialized.*DigitalInput/s);
    const pulling = ask('pullMessages', { messageLimit: 50 });
    camera.raise({ kind: 'motion', isOn: true });
    assert.match(json(await pulling), /CellMotionDetector.*IsMotion/s);
    await ask('renew', {});
    await ask('unsubscribe');
    assert.is(camera.counters().subscriptions, 0);
    assert.match(json(await ask('getRecordings')), /recording_0/);
    assert.match(json(await ask('getRecordingSummary')), /"numberRecordings":1/);
    assert.match(json(await ask('getReplayUri', { recordingToken: 'recording_0' })), /\/replay\/recording_0/);
  }));

/** The client above sends SystemReboot to another service, which an orderly camera refuses. */
test('SystemReboot keeps it away for a while, after an answer; new firmware does the same', async () => {
  const camera = await startOnvifCamera({ discovery: false, rebootMs: 400 });
  const isThere = (): Promise<boolean> =>
    callSoap(camera.deviceUri, 'device', '<GetHostname/>').then(
      () => true,
      () => false,
    );
  try {
    assert.match((await callSoap(camera.deviceUri, 'device', '<SystemReboot/>')).text, /Rebooting/);
    await until('it left', async () => camera.counters().reboots === 1 && !(await isThere()));
    await until('it is back', isThere);
    const upload = new URL('/onvif/firmware', camera.deviceUri);
    const challenge = (await fetch(upload, { method: 'POST', body: 'x' })).headers.get('www-authenticate') ?? '';
    const authorization = answerChallenge(challenge, 'POST', '/onvif/firmware');
    assert.is((await fetch(upload, { method: 'POST', body: 'firmware', headers: { authorization } })).status, 200);
    assert.is(camera.counters().firmwareBytes, 8);
    await until('it restarts', () => camera.counters().reboots === 2);
  } finally {
    await camera.stop();
  }
});

test('many cameras: each its own, those that hang accept and never answer', async () => {
  const many = await openCameras(6, { discovery: false, hanging: 2 });
  try {
    assert.is(new Set(many.all.map(({ deviceUri }) => deviceUri)).size, 6);
    assert.equal([many.well.length, many.hanging.length], [4, 2]);
    const ask = (camera: OnvifCamera, limitMs: number): Promise<number> =>
      fetch(camera.deviceUri, {
        method: 'POST',
        body: makeEnvelope('device', '<GetHostname/>'),
        headers: { 'Content-Type': 'application/soap+xml' },
        signal: AbortSignal.timeout(limitMs),
      }).then(({ status }) => status);
    for (const camera of many.well) assert.is(await ask(camera, 5_000), 200);
    for (const camera of many.hanging) {
      const failure: unknown = await ask(camera, 100).catch((error: unknown) => error);
      assert.is((failure as Error).name, 'TimeoutError');
    }
  } finally {
    await many.stop();
  }
});

test('over IPv6 it tells addresses in brackets', async () => {
  if (!Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))) {
    process.stdout.write('\nnot checked over IPv6: there is no ::1 here\n');
    return;
  }
  const camera = await startOnvifCamera({ host: '::1', discovery: false });
  try {
    assert.match((await callSoap(camera.deviceUri, 'device', '<GetCapabilities/>')).text, /<tt:XAddr>http:\/\/\[::1\]:\d+\/onvif/);
    assert.match(camera.rtspUri('main'), /^rtsp:\/\/\[::1\]:/);
  } finally {
    await camera.stop();
  }
});

test.run();
