/** Both media services, several video sources, pictures, texts in the picture, and addresses behind NAT. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CameraDriver } from '../../drivers/port.js';
import { connector, login, patient, rejection, withDriver } from './onvif-rig.js';
import { answer, encoder, fault, plainCamera, profile } from './soap-answers.js';
import { isMedia2, profiles2, richCamera } from './soap-answers-rich.js';
import { type Responder, type SoapFake, startSoapFake } from './soap-fake.js';

async function withFake<T>(responder: Responder, work: (driver: CameraDriver, fake: SoapFake) => Promise<T>): Promise<T> {
  const fake = await startSoapFake(responder);
  try {
    return await withDriver(fake.deviceUri, login(), (driver) => work(driver, fake));
  } finally {
    await fake.stop();
  }
}

const page = { status: 500, body: '<html>CGI: signal 11</html>' };
const asked = (fake: SoapFake, operation: string): readonly string[] =>
  fake.requests.filter((request) => request.operation === operation).map(({ xml }) => xml);

test('H.265 that only Media2 tells of is seen, each Type asked for by itself', () =>
  withFake(richCamera(), async (driver, fake) => {
    const sources = await driver.sources?.(patient());
    assert.equal(
      sources?.[0]?.profiles.map(({ profileToken, video }) => [profileToken, video.codec, video.width, video.frameRate, video.gopLength]),
      [
        ['main', 'H265', 3840, 12.5, 50],
        ['sub', 'H264', 640, 12.5, 50],
      ],
    );
    assert.equal(
      (await driver.streams(patient())).map(({ profileToken }) => profileToken),
      ['sub'],
      'what every viewer can show goes first',
    );
    const types = asked(fake, 'GetProfiles').map((xml) => [...xml.matchAll(/<tr2:Type>(\w+)</g)].map(([, type]) => type));
    assert.equal(types, [['VideoEncoder'], ['VideoSource'], ['PTZ']]);
    assert.is(await driver.streamUri('main', patient()), 'rtsp://127.0.0.1/two?x=1');
  }));

test('a Media2 that dies, is empty or absent: Media1 is asked, and from then on first', async () => {
  for (const dead of [page, fault(['ActionNotSupported'], 'no'), profiles2('VideoEncoder', [])]) {
    await withFake(
      richCamera((request) => (isMedia2(request) ? dead : undefined)),
      async (driver, fake) => {
        assert.equal(
          (await driver.streams(patient())).map(({ profileToken, video }) => [profileToken, video.codec]),
          [
            ['main', 'H264'],
            ['sub', 'H264'],
          ],
        );
        const before = fake.requests.length;
        assert.is(await driver.streamUri('main', patient()), 'rtsp://127.0.0.1:8554/live/main?a=1&b=2');
        assert.is(fake.requests.length, before + 1);
      },
    );
  }
});

test('a camera with Media2 alone, and one whose Media1 is broken', () =>
  withFake(
    richCamera((request) => (!isMedia2(request) && /<trt:/.test(request.xml) ? page : undefined)),
    async (driver) => {
      assert.is((await driver.streams(patient()))[0]?.video.codec, 'H264');
      await driver.synchronize('main', patient());
    },
  ));

test('a refusal is the answer of both: the first reason is told', () =>
  withFake(
    richCamera(({ operation }) => (operation === 'GetStreamUri' ? fault(['InvalidArgVal', 'NoProfile'], 'no such profile') : undefined)),
    async (driver) => {
      const error = await rejection(driver.streamUri('nowhere', patient()), 'camera.refused');
      assert.equal((error.detail.fault as { subcodes: string[] }).subcodes, ['InvalidArgVal', 'NoProfile']);
    },
  ));

test('an encoder is set over Media2 with everything it came with; multicast to nowhere is left out when refused', async () => {
  const refusing: Responder = richCamera((request) =>
    request.operation === 'SetVideoEncoderConfiguration' && request.xml.includes('0.0.0.0')
      ? fault(['InvalidArgVal', 'ConfigModify'], 'bad multicast')
      : undefined,
  );
  await withFake(refusing, async (driver, fake) => {
    const stream = (await driver.sources?.(patient()))?.[0]?.profiles[0];
    assert.ok(stream);
    const offers = await driver.encoderOptions({ kind: 'main', ...stream }, patient());
    assert.equal(offers, {
      resolutions: [{ width: 3840, height: 1920 }],
      frameRate: { min: 5, max: 25 },
      bitrateKbps: { min: 64, max: 8192 },
      gopLength: { min: 1, max: 200 },
    });
    await driver.setEncoder({ kind: 'main', ...stream }, { ...stream.video, frameRate: 5, gopLength: 20 }, patient());
    const [full, without] = asked(fake, 'SetVideoEncoderConfiguration');
    assert.match(full ?? '', 'token="enc-main" GovLength="20" Profile="Main"><tt:Name>enc-main name</tt:Name>');
    assert.match(full ?? '', '<tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>5</tt:FrameRateLimit>');
    assert.match(full ?? '', '<tt:IPv4Address>0.0.0.0</tt:IPv4Address>');
    assert.not.match(without ?? '', 'Multicast');
  });
});

test('a recorder with four inputs, its profiles mixed: a connection per input', async () => {
  const mixed = [3, 1, 2, 1, 3, 4, 2]
    .map((source, at) =>
      profile(`p${at}`, encoder('tt:VideoEncoderConfiguration', `e${at}`, at < 3 ? 1920 : 640, 360), true, `src-${source}`),
    )
    .join('');
  const fake = await startSoapFake(
    plainCamera(({ operation }) => (operation === 'GetProfiles' ? answer('trt:GetProfiles', mixed) : undefined)),
  );
  const shared = connector();
  const tokens = async (sourceToken: string | undefined): Promise<readonly string[]> => {
    const driver = shared.connect({ deviceUri: fake.deviceUri, login: login(), sourceToken });
    const found = (await driver.streams(patient())).map(({ kind, profileToken }) => `${kind} ${profileToken}`);
    driver.close();
    return found;
  };
  const all = shared.connect({ deviceUri: fake.deviceUri, login: login() });
  assert.equal(
    (await all.sources?.(patient()))?.map(({ token, profiles }) => [token, profiles.length]),
    [
      ['src-3', 2],
      ['src-1', 2],
      ['src-2', 2],
      ['src-4', 1],
    ],
  );
  all.close();
  assert.equal(await tokens('src-2'), ['main p2', 'sub p6']);
  assert.equal(await tokens('src-4'), ['main p5']);
  assert.equal(await tokens(undefined), ['main p0', 'sub p4']);
  assert.equal(await tokens('gone'), ['main p0', 'sub p4']);
  await fake.stop();
});

test('a stream address with the HTTP port in it gets the port that RTSP has', () =>
  withFake(
    richCamera((request) =>
      request.operation === 'GetStreamUri'
        ? answer('tr2:GetStreamUri', `<tr2:Uri>rtsp://10.9.9.9:${request.headers.host?.split(':')[1]}/live</tr2:Uri>`)
        : undefined,
    ),
    async (driver, fake) => {
      assert.is(await driver.streamUri('main', patient()), 'rtsp://127.0.0.1:10554/live');
      fake.respond(
        richCamera(({ operation }) => {
          if (operation === 'GetNetworkProtocols') return fault(['NotAuthorized'], 'admins only');
          return operation === 'GetStreamUri' ? answer('tr2:GetStreamUri', '<tr2:Uri>rtsp://10.9.9.9:80/live</tr2:Uri>') : undefined;
        }),
      );
      assert.is(await driver.streamUri('main', patient()), 'rtsp://127.0.0.1:554/live');
    },
  ));

const JPEG = '\xff\xd8\xff\xe0 picture';
const isPicture = ({ path }: { path: string }): boolean => path.startsWith('/snap');

test('a picture is fetched at the reached address, its lone question mark kept, with HTTP Digest', () =>
  withFake(
    richCamera((request) => {
      if (!isPicture(request)) return undefined;
      if (request.headers.authorization?.startsWith('Digest ') !== true) {
        return { status: 401, headers: { 'WWW-Authenticate': 'Digest realm="snap", qop="auth", nonce="n1"' }, body: '' };
      }
      return { headers: { 'Content-Type': 'image/jpeg; x=1' }, body: JPEG };
    }),
    async (driver, fake) => {
      const picture = await driver.snapshot?.('main', patient());
      assert.is(picture?.mediaType, 'image/jpeg');
      assert.ok((picture?.bytes.byteLength ?? 0) > 8);
      await driver.snapshot?.('main', patient());
      const paths = fake.requests.filter(isPicture).map(({ path }) => path);
      assert.equal(paths, ['/snap.jpg?', '/snap.jpg?', '/snap.jpg?'], 'the challenge is answered at once the second time');
    },
  ));

test('no picture: what is in its place is named', async () => {
  const uri = (text: string): Responder =>
    richCamera(({ operation }) =>
      operation === 'GetSnapshotUri' ? answer('tr2:GetSnapshotUri', `<tr2:Uri>${text}</tr2:Uri>`) : undefined,
    );
  const at = (special: Parameters<typeof richCamera>[0]): Responder =>
    richCamera((request) => (isPicture(request) ? special?.(request) : undefined));
  const cases: readonly (readonly [Responder, Parameters<typeof rejection>[1]])[] = [
    [uri('rtsp://10.9.9.9/live'), 'camera.unsupported'],
    [uri(''), 'camera.bad_answer'],
    [at(() => ({ status: 404, body: '' })), 'camera.unsupported'],
    [at(() => ({ status: 302, headers: { Location: 'http://203.0.113.9/' }, body: '' })), 'camera.bad_answer'],
    [at(() => ({ headers: { 'Content-Type': 'text/html' }, body: '<html>' })), 'camera.bad_answer'],
    [at(() => ({ headers: { 'Content-Type': 'image/jpeg' }, body: 'x'.repeat(9_000_000) })), 'camera.bad_answer'],
    [at(() => ({ status: 401, headers: { 'WWW-Authenticate': 'Basic realm="cam"' }, body: '' })), 'camera.unauthorized'],
    [at(() => ({ status: 403, body: '' })), 'camera.unauthorized'],
  ];
  for (const [responder, code] of cases) {
    await withFake(responder, async (driver, fake) => {
      await rejection(Promise.resolve(driver.snapshot?.('main', patient())), code);
      assert.not.ok(fake.requests.some(({ headers }) => headers.authorization?.startsWith('Basic')));
    });
  }
});

test('texts in the picture are listed, made, changed and removed; a clock is no text', () =>
  withFake(richCamera(), async (driver, fake) => {
    const overlays = (await driver.capabilities?.(patient()))?.overlays;
    assert.ok(overlays);
    assert.equal(await overlays.list(patient()), [
      { token: 'osd-1', kind: 'text', text: 'Yard & gate' },
      { token: 'osd-2', kind: 'text', text: '' },
    ]);
    assert.is(await overlays.create('Door <2>', 'lower-left', patient()), 'osd-9');
    assert.match(asked(fake, 'CreateOSD')[0] ?? '', '<tt:Type>LowerLeft</tt:Type></tt:Position><tt:TextString><tt:Type>Plain</tt:Type>');
    await overlays.setText('osd-1', 'Gate', patient());
    assert.match(asked(fake, 'SetOSD')[0] ?? '', '<tt:Pos x="-0.9" y="0.9"/>');
    await rejection(overlays.setText('osd-2', 'Gate', patient()), 'camera.unsupported');
    await rejection(overlays.setText('osd-3', 'Gate', patient()), 'camera.refused');
    await rejection(overlays.create('', 'lower-left', patient()), 'camera.refused');
    await overlays.remove('osd-1', patient());
  }));

test.run();
