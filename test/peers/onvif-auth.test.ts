/** How the driver proves who it is: token, HTTP Digest, Basic over TLS only, pinned certificates, and when it stops trying. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createOnvifConnector } from '../../drivers/onvif/connector.js';
import { fastClock } from './fast-clock.js';
import { makeCertificate } from './onvif-camera/certificate.js';
import { connector, login, ownLogin, patient, QUIET, rejection, withDriver } from './onvif-rig.js';
import { dateAndTime, fault, notAuthorized, plainCamera } from './soap-answers.js';
import { richCamera } from './soap-answers-rich.js';
import { type FakeAnswer, type Responder, startSoapFake } from './soap-fake.js';

const open = (operation: string): boolean => operation === 'GetSystemDateAndTime';
const challenge = (header: string): FakeAnswer => ({ status: 401, headers: { 'WWW-Authenticate': header }, body: '' });
const DIGEST = 'Digest realm="cam", qop="auth,auth-int", nonce="abc", algorithm=MD5';

/** Refuses tokens; wants HTTP Digest (user and uri are looked at, the arithmetic is digest.test.ts's business). */
const digestOnly: Responder = plainCamera(({ operation, xml, headers }) => {
  if (open(operation)) return undefined;
  if (xml.includes('UsernameToken')) return challenge(DIGEST);
  return headers.authorization?.includes('username="admin"') ? undefined : challenge(DIGEST);
});

test('a camera that wants HTTP Digest gets it, and is not shown a token again', async () => {
  const fake = await startSoapFake(digestOnly);
  await withDriver(fake.deviceUri, login(), async (driver) => {
    await driver.identify(patient());
    const before = fake.requests.length;
    await driver.identify(patient());
    assert.is(fake.requests.length, before + 1, 'the way of authentication is remembered');
    assert.not.ok(fake.requests.at(-1)?.xml.includes('UsernameToken'));
    assert.match(fake.requests.at(-1)?.headers.authorization ?? '', 'nc=');
  });
  await fake.stop();
});

test('a stale nonce is not a wrong password', async () => {
  let count = 0;
  const fake = await startSoapFake(
    plainCamera(({ operation, headers }) => {
      if (open(operation)) return undefined;
      if (headers.authorization === undefined) return challenge(DIGEST);
      count += 1;
      return count === 3 ? challenge(`${DIGEST.replace('abc', 'def')}, stale=true`) : undefined;
    }),
  );
  await withDriver(fake.deviceUri, login(), async (driver) => {
    for (let round = 0; round < 4; round += 1) await driver.identify(patient());
  });
  await fake.stop();
});

test('a camera that offers Digest once and then wants the token gets the token', async () => {
  let hasOffered = false;
  const fake = await startSoapFake(
    plainCamera(({ operation, xml }) => {
      if (open(operation)) return undefined;
      if (!hasOffered) {
        hasOffered = true;
        return challenge(DIGEST);
      }
      return xml.includes('UsernameToken') ? undefined : notAuthorized();
    }),
  );
  await withDriver(fake.deviceUri, login(), (driver) => driver.identify(patient()));
  await fake.stop();
});

test('Basic is never answered over plain HTTP', async () => {
  const fake = await startSoapFake(plainCamera(({ operation }) => (open(operation) ? undefined : challenge('Basic realm="cam"'))));
  await withDriver(fake.deviceUri, login(), (driver) => rejection(driver.identify(patient()), 'camera.unauthorized'));
  assert.not.ok(fake.requests.some(({ headers }) => headers.authorization?.startsWith('Basic')));
  await fake.stop();
});

test('over TLS Basic works, a self-signed certificate is accepted and then expected', async () => {
  const basic: Responder = plainCamera(({ operation, headers }) =>
    open(operation) || headers.authorization?.startsWith('Basic ') ? undefined : challenge('Basic realm="cam"'),
  );
  const fake = await startSoapFake(basic, { tls: await makeCertificate() });
  const port = Number(new URL(fake.deviceUri).port);
  const warnings: string[] = [];
  const shared = createOnvifConnector({ clock: fastClock(1), log: { ...QUIET, warn: (message) => void warnings.push(message) } });
  const anyone = shared.connect({ deviceUri: fake.deviceUri, login: login() });
  const withheld = await rejection(anyone.identify(patient()), 'camera.unauthorized');
  assert.is(withheld.detail.isPasswordWithheld, true);
  assert.not.ok(
    fake.requests.some(({ headers }) => headers.authorization !== undefined),
    'a login that nobody set for this address is not told',
  );
  anyone.close();
  const first = shared.connect({ deviceUri: fake.deviceUri, login: ownLogin() });
  await first.identify(patient());
  assert.equal(warnings, []);
  first.close();
  await fake.stop();
  const impostor = await startSoapFake(basic, { tls: await makeCertificate(), port });
  const second = shared.connect({ deviceUri: impostor.deviceUri, login: login('admin', 'new') });
  const error = await rejection(second.identify(patient()), 'camera.unauthorized');
  assert.is(error.detail.isPinChanged, true);
  assert.is(impostor.requests.length, 0, 'nothing was sent to the stranger');
  await rejection(second.identify(patient()), 'camera.unauthorized');
  assert.equal(warnings, ['a camera shows another certificate than before'], 'told once, not at every probe');
  second.close();
  await impostor.stop();
});

test('a TLS handshake that never ends: camera.timeout at the deadline', async () => {
  const { createServer } = await import('node:net');
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const deviceUri = `https://127.0.0.1:${port}/onvif/device_service`;
  await withDriver(
    deviceUri,
    login(),
    async (driver) => {
      const error = await driver.identify(patient()).catch((thrown: unknown) => thrown);
      assert.ok(['camera.timeout', 'camera.unreachable'].includes((error as { code: string }).code));
    },
    fastClock(50),
  );
  await new Promise((resolve) => server.close(resolve));
});

test('three refusals close the door for five minutes, another login opens it at once', async () => {
  const fake = await startSoapFake(
    plainCamera(({ operation, xml }) => (open(operation) || xml.includes('>good<') ? undefined : notAuthorized())),
  );
  const clock = fastClock(1);
  let skippedMs = 0;
  const shared = connector({ ...clock, monotonicMs: () => clock.monotonicMs() + skippedMs });
  const driver = shared.connect({ deviceUri: fake.deviceUri, login: login('bad') });
  for (let round = 0; round < 3; round += 1) await rejection(driver.identify(patient()), 'camera.unauthorized');
  const authorized = (): number => fake.requests.filter(({ xml }) => xml.includes('UsernameToken')).length;
  const before = authorized();
  await rejection(driver.identify(patient()), 'camera.locked_out');
  driver.close();
  const again = shared.connect({ deviceUri: fake.deviceUri, login: login('bad') });
  await rejection(again.identify(patient()), 'camera.locked_out');
  assert.is(authorized(), before, 'a new connection does not start counting anew');
  skippedMs = 5 * 60_000 + 1;
  await rejection(again.identify(patient()), 'camera.unauthorized');
  await rejection(again.identify(patient()), 'camera.locked_out');
  assert.is(authorized(), before + 1, 'one try after the pause');
  again.close();
  const good = shared.connect({ deviceUri: fake.deviceUri, login: login('good') });
  await good.identify(patient());
  good.close();
  await fake.stop();
});

test('a camera that wants a login even for its time is asked with one, by the clock of its HTTP date', async () => {
  const aheadMs = 7 * 86_400_000;
  const now = (): number => Date.now() + aheadMs;
  const fake = await startSoapFake(
    plainCamera(({ operation, xml }) => {
      const created = Date.parse(/<Created[^>]*>([^<]+)</.exec(xml)?.[1] ?? '');
      if (!(Math.abs(created - now()) < 5_000)) return { ...notAuthorized(), headers: { Date: new Date(now()).toUTCString() } };
      return open(operation) ? dateAndTime(now()) : undefined;
    }),
  );
  await withDriver(fake.deviceUri, login(), (driver) => driver.identify(patient()));
  await fake.stop();
});

test('without a login nothing is invented: camera.unauthorized, and the clock still tells that it lives', async () => {
  const fake = await startSoapFake(plainCamera(({ operation }) => (open(operation) ? undefined : notAuthorized())));
  await withDriver(fake.deviceUri, undefined, async (driver) => {
    assert.ok(Math.abs(await driver.clockOffsetMs(patient())) < 3_000);
    await rejection(driver.identify(patient()), 'camera.unauthorized');
  });
  assert.not.ok(fake.requests.some(({ xml, headers }) => xml.includes('UsernameToken') || headers.authorization !== undefined));
  await fake.stop();
});

test('a camera that insists on the action in the Content-Type, and one that forbids it', async () => {
  const refusals: readonly FakeAnswer[] = [
    fault(['ActionNotSupported'], 'The [action] cannot be processed at the receiver.', 500),
    { status: 400, body: '' },
    { status: 200, body: '' },
  ];
  for (const refusal of refusals) {
    for (const isWanted of [true, false]) {
      const fake = await startSoapFake(
        plainCamera(({ headers }) => (headers['content-type']?.includes('action=') === isWanted ? undefined : refusal)),
      );
      await withDriver(fake.deviceUri, login(), async (driver) => {
        await driver.identify(patient());
        const before = fake.requests.length;
        await driver.identify(patient());
        assert.is(fake.requests.length, before + 1, 'remembered');
      });
      await fake.stop();
    }
  }
});

test('local time told as UTC while tokens are judged by UTC: one more try by another clock, then remembered', async () => {
  for (const hasDate of [true, false]) {
    const fake = await startSoapFake(
      plainCamera(({ operation, xml }) => {
        const headers = hasDate ? {} : { Date: 'never' };
        if (open(operation)) return { ...dateAndTime(Date.now() + 2 * 3_600_000), headers };
        const created = Date.parse(/<Created[^>]*>([^<]+)</.exec(xml)?.[1] ?? '');
        return Math.abs(created - Date.now()) < 5_000 ? undefined : { ...notAuthorized(), headers };
      }),
    );
    await withDriver(fake.deviceUri, login(), async (driver) => {
      await driver.identify(patient());
      const before = fake.requests.length;
      await driver.identify(patient());
      assert.is(fake.requests.length, before + 1);
      assert.ok(Math.abs((await driver.clockOffsetMs(patient())) - 2 * 3_600_000) < 3_000, 'what it says is still told');
    });
    await fake.stop();
  }
});

test('what must not be done twice goes out on a connection of its own', async () => {
  const fake = await startSoapFake(richCamera());
  await withDriver(fake.deviceUri, login(), async (driver) => {
    const ptz = await driver.ptz(patient());
    const before = fake.connections();
    await ptz?.status?.(patient());
    assert.is(fake.connections(), before);
    await ptz?.relative?.({ pan: 0.1, tilt: 0, zoom: 0 }, patient());
    assert.is(fake.connections(), before + 1);
  });
  await fake.stop();
});

test('no nonce is ever used twice', async () => {
  const fake = await startSoapFake(plainCamera());
  await withDriver(fake.deviceUri, login(), async (driver) => {
    for (let round = 0; round < 50; round += 1) await driver.identify(patient());
  });
  const nonces = fake.requests.flatMap(({ xml }) => /<Nonce[^>]*>([^<]+)</.exec(xml)?.[1] ?? []);
  assert.ok(nonces.length >= 50);
  assert.is(new Set(nonces).size, nonces.length);
  await fake.stop();
});

test.run();
