import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { answerChallenge, callSoap, makeEnvelope, makeToken, postSoap } from './onvif-camera-client.js';

const camera = await startOnvifCamera({
  discovery: false,
  accounts: [{ user: 'viewer', password: 'look', level: 'User' }],
});
const uri = camera.deviceUri;

interface NpmCam {
  readonly profiles: readonly { readonly name: string; readonly $: { readonly token: string } }[];
}
interface NpmOnvif {
  readonly Cam: new (options: object, done: (this: NpmCam, error?: Error) => void) => NpmCam & Record<string, (...args: unknown[]) => void>;
}
const npmOnvif = createRequire(import.meta.url)('onvif') as NpmOnvif;

test('an independent client connects, with tokens and with HTTP Digest, and drives all three services', async () => {
  for (const useWSSecurity of [true, false]) {
    const login = { hostname: '127.0.0.1', port: camera.httpPort, username: 'admin', password: 'camera', useWSSecurity, timeout: 5000 };
    const cam = await new Promise<InstanceType<NpmOnvif['Cam']>>((resolve, reject) => {
      const made = new npmOnvif.Cam(login, (error) => (error ? reject(error) : resolve(made)));
    });
    const ask = (method: string, ...args: unknown[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        cam[method]?.(...args, (error: Error | null, result: unknown) => (error ? reject(error) : resolve(result)));
      });
    assert.equal(
      cam.profiles.map((profile) => [profile.name, profile.$.token]),
      [
        ['main', 'profile_main'],
        ['sub', 'profile_sub'],
      ],
    );
    assert.match(JSON.stringify(await ask('getDeviceInformation')), /Test Camera 720/);
    const stream = (await ask('getStreamUri', { protocol: 'RTSP', profileToken: 'profile_sub' })) as { uri: string };
    assert.is(stream.uri, camera.rtspUri('sub'));
    await ask('continuousMove', { x: 1, y: 0, zoom: 0 });
    assert.match(JSON.stringify(await ask('getStatus', {})), /"panTilt":"MOVING"/);
    await ask('stop', { panTilt: true, zoom: true });
    assert.match(JSON.stringify(await ask('getStatus', {})), /"panTilt":"IDLE"/);
    await ask('gotoHomePosition', {});
  }
});

test('time and services are told to anyone, everything else asks for a login', async () => {
  for (const open of [
    '<GetSystemDateAndTime/>',
    '<GetServices><IncludeCapability>false</IncludeCapability></GetServices>',
    '<GetCapabilities/>',
  ]) {
    assert.is((await postSoap(uri, 'device', makeEnvelope('device', open))).status, 200, open);
  }
  const refused = await postSoap(uri, 'device', makeEnvelope('device', '<GetDeviceInformation/>'));
  assert.is(refused.status, 401);
  assert.match(refused.challenges, /SHA-256.*MD5/s);
  const path = '/onvif/device_service';
  const answer = (password: string) => ({ Authorization: answerChallenge(refused.challenges, 'POST', path, password) });
  const wrong = await postSoap(uri, 'device', makeEnvelope('device', '<GetDeviceInformation/>'), answer('wrong'));
  assert.is(wrong.status, 401);
  const right = answer('camera');
  assert.is((await postSoap(uri, 'device', makeEnvelope('device', '<GetDeviceInformation/>'), right)).status, 200);
  const replayed = await postSoap(uri, 'device', makeEnvelope('device', '<GetDeviceInformation/>'), right);
  assert.is(replayed.status, 401);
  assert.match(replayed.challenges, /stale=true/);
});

test('a wrong password, an old token and a replayed one are not authorized', async () => {
  const ask = (token: string) => postSoap(uri, 'media', makeEnvelope('media', '<GetProfiles/>', token));
  const nonce = randomBytes(16);
  const good = makeToken('admin', 'camera', Date.now(), nonce);
  assert.is((await ask(good)).status, 200);
  for (const bad of [
    good,
    makeToken('admin', 'wrong'),
    makeToken('nobody', 'camera'),
    makeToken('admin', 'camera', Date.now() - 301_000),
  ]) {
    const { status, text } = await ask(bad);
    assert.is(status, 400);
    assert.match(text, /<env:Value>env:Sender<\/env:Value><env:Subcode><env:Value>ter:NotAuthorized/);
  }
});

test('a user may look but not move or change', async () => {
  const asViewer = (body: string) => callSoap(uri, 'media', body, 'look', 'viewer');
  assert.is((await asViewer('<GetProfiles/>')).status, 200);
  const moved = await asViewer('<SetSynchronizationPoint><ProfileToken>profile_main</ProfileToken></SetSynchronizationPoint>');
  assert.match(moved.text, /ter:NotAuthorized/);
});

test('what is not offered, unknown or broken is refused with its subcode', async () => {
  const fault = async (service: 'device' | 'media' | 'ptz', body: string): Promise<string> => {
    const { status, text } = await callSoap(uri, service, body);
    assert.ok(status === 400 || status === 500, `${body} -> ${status}`);
    return [...text.matchAll(/ter:(\w+)/g)]
      .map((match) => match[1])
      .filter((word) => word !== undefined)
      .join(' ');
  };
  assert.match(await fault('media', '<GetMetadataConfigurations/>'), /ActionNotSupported/);
  assert.match(await fault('device', '<GetProfiles/>'), /ActionNotSupported/);
  assert.match(await fault('media', '<GetProfile><ProfileToken>nope</ProfileToken></GetProfile>'), /InvalidArgVal NoProfile/);
  assert.match(await fault('media', '<GetProfiles><Odd/></GetProfiles>'), /InvalidArgs/);
  const pan = (x: string) =>
    `<ContinuousMove><ProfileToken>profile_main</ProfileToken><Velocity><tt:PanTilt x="${x}" y="0"/></Velocity></ContinuousMove>`;
  assert.match(await fault('ptz', pan('1.5')), /InvalidArgVal/);
  assert.match(await fault('ptz', pan('fast')), /InvalidArgVal/);
  assert.is((await postSoap(uri, 'device', '<broken')).status, 400);
  assert.is((await postSoap(uri, 'device', `<!DOCTYPE x>${makeEnvelope('device', '<GetSystemDateAndTime/>')}`)).status, 400);
  assert.is(
    (await postSoap(uri, 'device', makeEnvelope('device', '<GetSystemDateAndTime/>'), { 'Content-Type': 'text/plain' })).status,
    415,
  );
  assert.is((await postSoap(uri, 'device', 'x'.repeat(70_000))).status, 413);
});

function subConfiguration(width: number, height: number, rate: number): string {
  const parts = [
    '<tt:Name>Encoder sub</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>',
    `<tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>`,
    `<tt:RateControl><tt:FrameRateLimit>${rate}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>512</tt:BitrateLimit></tt:RateControl>`,
    '<tt:H264><tt:GovLength>100</tt:GovLength><tt:H264Profile>High</tt:H264Profile></tt:H264>',
    '<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address><tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>',
    '<tt:SessionTimeout>PT60S</tt:SessionTimeout>',
  ];
  const configuration = `<Configuration token="encoder_sub">${parts.join('')}</Configuration>`;
  return `<SetVideoEncoderConfiguration>${configuration}<ForcePersistence>true</ForcePersistence></SetVideoEncoderConfiguration>`;
}

test('the sub-stream is set to what is offered and reads back so; anything else leaves it as it was', async () => {
  assert.is((await callSoap(uri, 'media', subConfiguration(320, 180, 10))).status, 200);
  const read = await callSoap(
    uri,
    'media',
    '<GetVideoEncoderConfiguration><ConfigurationToken>encoder_sub</ConfigurationToken></GetVideoEncoderConfiguration>',
  );
  assert.match(read.text, /<tt:Width>320<.*<tt:FrameRateLimit>10</s);
  for (const bad of [
    subConfiguration(1280, 720, 10),
    subConfiguration(320, 180, 26),
    subConfiguration(320, 180, 4),
    subConfiguration(320, 180, 10).replace('H264<', 'H265<'),
  ]) {
    assert.match((await callSoap(uri, 'media', bad)).text, /ter:ConfigModify/);
  }
  const missing = subConfiguration(320, 180, 15).replace(/<tt:Multicast>.*<\/tt:Multicast>/, '');
  assert.match((await callSoap(uri, 'media', missing)).text, /ter:ConfigModify/);
  assert.is(camera.settings('sub').rate, 10);
  assert.is((await callSoap(uri, 'media', subConfiguration(640, 360, 25))).status, 200);
});

test('the switches take effect at once', async () => {
  const streamUri =
    '<GetStreamUri><StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport></StreamSetup><ProfileToken>profile_main</ProfileToken></GetStreamUri>';
  camera.set({ streamScheme: 'http', streamHost: '203.0.113.9' });
  assert.match((await callSoap(uri, 'media', streamUri)).text, new RegExp(`<tt:Uri>http://203.0.113.9:${camera.rtspPort}/main<`));
  assert.match((await callSoap(uri, 'device', '<GetCapabilities/>')).text, /<tt:XAddr>http:\/\/203\.0\.113\.9:/);
  camera.set({ streamScheme: 'rtsp', streamHost: '', password: 'changed' });
  assert.is((await callSoap(uri, 'media', '<GetProfiles/>')).status, 400);
  assert.is((await callSoap(uri, 'media', '<GetProfiles/>', 'changed')).status, 200);
  camera.set({ clockSkewMs: 3_600_000 });
  assert.is((await callSoap(uri, 'media', '<GetProfiles/>', 'changed')).status, 400);
  const ahead = makeEnvelope('media', '<GetProfiles/>', makeToken('admin', 'changed', Date.now() + 3_600_000));
  assert.is((await postSoap(uri, 'media', ahead)).status, 200);
  camera.set({ clockSkewMs: 0, password: 'camera', slowMs: 200 });
  const startedAt = Date.now();
  await callSoap(uri, 'device', '<GetSystemDateAndTime/>');
  assert.ok(Date.now() - startedAt >= 195);
  camera.set({ slowMs: 0, goneOffline: true });
  await callSoap(uri, 'device', '<GetSystemDateAndTime/>').then(
    () => assert.unreachable('it answered although it is gone'),
    () => {},
  );
  camera.set({ goneOffline: false });
  assert.is((await callSoap(uri, 'device', '<GetSystemDateAndTime/>')).status, 200);
});

test('the snapshot is a JPEG behind Digest, the counters are for this machine', async () => {
  const snapshot = uri.replace('device_service', 'snapshot.jpg');
  const refused = await fetch(snapshot);
  assert.is(refused.status, 401);
  const authorization = answerChallenge(refused.headers.get('www-authenticate') ?? '', 'GET', '/onvif/snapshot.jpg');
  const picture = new Uint8Array(await (await fetch(snapshot, { headers: { authorization } })).arrayBuffer());
  assert.equal([...picture.subarray(0, 3)], [0xff, 0xd8, 0xff]);
  const counters = await fetch(new URL('/counters', uri)).then((answer) => answer.json() as Promise<Record<string, number>>);
  assert.is(counters.mediaBytes, 0);
  assert.ok((counters.soapRequests ?? 0) > 10);
});

test('it stops', () => camera.stop());

test.run();
