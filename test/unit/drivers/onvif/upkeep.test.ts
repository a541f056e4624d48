/** Time, time servers, restart and firmware of a camera. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LinkRequest } from '../../../../drivers/onvif/link.js';
import { durationMs, instantMs } from '../../../../drivers/onvif/patience.js';
import { openUpkeep } from '../../../../drivers/onvif/upkeep.js';
import { assertPosixZone, hasSummerTime } from '../../../../drivers/onvif/upkeep-time.js';
import { type CameraFirmware, DriverError, type DriverErrorCode } from '../../../../drivers/port.js';
import { dateAndTime } from '../../../peers/soap-answers.js';
import { settle } from '../../../support/manual-clock.js';
import { type Asked, type FakeLink, type FakeLinkOptions, fakeLink, patient, says, unsupported } from './link-rig.js';

async function codeOf(work: Promise<unknown>): Promise<DriverErrorCode | undefined> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof DriverError ? error.code : undefined;
}

interface ClockCamera {
  atMs: number;
  zone: string;
  type: string;
  keeps: boolean;
}

/** A camera with a clock; `keeps` false agrees to everything and changes nothing. */
function clockCamera(over: Partial<ClockCamera> = {}): { readonly fake: FakeLink; readonly camera: ClockCamera } {
  const camera: ClockCamera = { atMs: Date.UTC(2001, 1, 3, 4, 5, 6), zone: 'UTC0', type: 'Manual', keeps: true, ...over };
  const number = (body: string, name: string): number => Number(new RegExp(`<tt:${name}>(\\d+)<`).exec(body)?.[1]);
  const fake = fakeLink(({ name, body }: Asked): string => {
    if (name === 'GetSystemDateAndTime') {
      const zone = `<tt:TimeZone><tt:TZ>${camera.zone}</tt:TZ></tt:TimeZone><tt:UTCDateTime>`;
      return dateAndTime(camera.atMs).body.replace('>NTP<', `>${camera.type}<`).replace('<tt:UTCDateTime>', zone);
    }
    if (name === 'GetNTP') {
      return says(
        name,
        '<NTPInformation><FromDHCP>false</FromDHCP><NTPManual><Type>DNS</Type><DNSname>ntp.example.org</DNSname></NTPManual></NTPInformation>',
      );
    }
    if (name === 'SetSystemDateAndTime' && camera.keeps) {
      camera.type = /<tds:DateTimeType>(\w+)</.exec(body)?.[1] ?? '';
      camera.zone = /<tt:TZ>([^<]+)</.exec(body)?.[1] ?? camera.zone;
      const [year, month, day, hour, minute, second] = ['Year', 'Month', 'Day', 'Hour', 'Minute', 'Second'].map((part) =>
        number(body, part),
      );
      if (camera.type === 'Manual') camera.atMs = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
    }
    if (name === 'SystemReboot') return says(name, '<tds:Message>Back in a minute</tds:Message>');
    return says(name);
  });
  return { fake, camera };
}

const BERLIN = 'CET-1CEST,M3.5.0,M10.5.0/3';

test('the clock is read with its zone and servers; a camera without NTP has none', async () => {
  const { fake } = clockCamera();
  const atMs = Date.UTC(2001, 1, 3, 4, 5, 6);
  assert.equal(await openUpkeep(fake.link).time(patient()), { atMs, zone: 'UTC0', isNtp: false, servers: ['ntp.example.org'] });
  const plain = fakeLink(({ name }) => (name === 'GetNTP' ? unsupported() : dateAndTime(atMs).body));
  assert.equal(await openUpkeep(plain.link).time(patient()), { atMs, zone: '', isNtp: true, servers: [] });
});

test('time, zone and servers are set and read back', async () => {
  const { fake, camera } = clockCamera();
  const atMs = Date.UTC(2026, 6, 1, 12, 30, 15);
  await openUpkeep(fake.link).setTime({ atMs, zone: BERLIN, ntp: undefined }, patient());
  assert.equal({ ...camera }, { atMs, zone: BERLIN, type: 'Manual', keeps: true });
  assert.match(fake.last('SetSystemDateAndTime').body, /<tds:DaylightSavings>true</);
  await openUpkeep(fake.link).setTime({ atMs: undefined, zone: undefined, ntp: ['192.0.2.1', 'fd00::1', 'pool.example.org'] }, patient());
  const types = [...fake.last('SetNTP').body.matchAll(/<tt:Type>(\w+)</g)].map((match) => match[1]);
  assert.equal(types, ['IPv4', 'IPv6', 'DNS']);
  assert.is(camera.type, 'NTP');
  assert.not.match(fake.last('SetSystemDateAndTime').body, /UTCDateTime/);
  await openUpkeep(fake.link).setTime({ atMs: undefined, zone: undefined, ntp: [] }, patient());
  assert.is(camera.type, 'Manual', 'without servers its own clock goes on');
  assert.is(camera.atMs, atMs);
});

test('a camera that agrees and keeps its own time or zone is not believed', async () => {
  const { fake } = clockCamera({ keeps: false });
  assert.is(
    await codeOf(openUpkeep(fake.link).setTime({ atMs: Date.UTC(2026, 0, 1), zone: undefined, ntp: undefined }, patient())),
    'camera.refused',
  );
  assert.is(await codeOf(openUpkeep(fake.link).setTime({ atMs: undefined, zone: BERLIN, ntp: undefined }, patient())), 'camera.refused');
});

test('what is no zone or no server is refused before anything is sent', async () => {
  const { fake } = clockCamera();
  const upkeep = openUpkeep(fake.link);
  assert.is(await codeOf(upkeep.setTime({ atMs: undefined, zone: 'Europe/Berlin', ntp: undefined }, patient())), 'camera.refused');
  assert.is(await codeOf(upkeep.setTime({ atMs: undefined, zone: undefined, ntp: ['not a host<'] }, patient())), 'camera.refused');
  assert.is(fake.count('SetSystemDateAndTime') + fake.count('SetNTP'), 0);
  for (const zone of ['UTC0', BERLIN, '<+0330>-3:30', 'EST5EDT', 'NZST-12NZDT,M9.5.0,M4.1.0/3', 'GMT+00:00', 'XYZ+3ABC,J60/2,300'])
    assertPosixZone(zone);
  for (const zone of ['', 'CET', 'CET-1 CEST', `${BERLIN}<`, 'CET-1CEST,M3.5.0']) assert.throws(() => assertPosixZone(zone), /POSIX/, zone);
  assert.equal([hasSummerTime('UTC0'), hasSummerTime(BERLIN)], [false, true]);
});

test('a restart is asked for once and answered with the camera’s words', async () => {
  const { fake } = clockCamera();
  assert.is(await openUpkeep(fake.link).reboot(patient()), 'Back in a minute');
  assert.is(fake.last('SystemReboot').extras.isRepeatable, false);
});

test('durations and instants', () => {
  assert.equal(['PT5S', 'PT1M30.5S', 'P1DT1H', '5s', 'PT'].map(durationMs), [5_000, 90_500, 90_000_000, undefined, 0]);
  assert.equal([instantMs('2026-01-01T00:00:00'), instantMs('x'), instantMs('')], [Date.UTC(2026, 0, 1), undefined, undefined]);
});

function image(sizes: readonly number[], announced = sizes.reduce((sum, size) => sum + size, 0)): CameraFirmware {
  return {
    sizeBytes: announced,
    async *read() {
      for (const size of sizes) yield new Uint8Array(size);
    },
  };
}

/** A camera that takes images: `take` decides how it reads the body. */
function firmwareCamera(take: (body: AsyncIterable<Uint8Array>) => Promise<number>): {
  readonly fake: FakeLink;
  readonly requests: LinkRequest[];
} {
  const requests: LinkRequest[] = [];
  const fetch: FakeLinkOptions['fetch'] = async (request) => {
    requests.push(request);
    return request.method === 'GET' ? { status: 404 } : { status: await take(request.body as AsyncIterable<Uint8Array>) };
  };
  const start =
    '<tds:UploadUri>http://10.9.9.9/upload?x=1</tds:UploadUri><tds:UploadDelay>PT2S</tds:UploadDelay><tds:ExpectedDownTime>PT3M</tds:ExpectedDownTime>';
  return { fake: fakeLink(({ name }) => says(name, start), { fetch }), requests };
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<number> {
  for await (const _piece of body);
  return 200;
}

test('an image is sent after the delay the camera asked for, with progress', async () => {
  const { fake, requests } = firmwareCamera(readAll);
  const parts: number[] = [];
  const sending = openUpkeep(fake.link).upgradeFirmware(image([10, 30, 60]), (part) => parts.push(part), patient());
  await settle();
  assert.is(requests.length, 0);
  await fake.clock.advance(2_000);
  assert.is(await sending, 180_000);
  assert.equal(parts, [0.1, 0.4, 1]);
  assert.equal(
    requests.map(({ method, uri, bodyBytes }) => [method, uri, bodyBytes]),
    [
      ['GET', 'http://10.9.9.9/upload?x=1', undefined],
      ['POST', 'http://10.9.9.9/upload?x=1', 100],
    ],
  );
  assert.is(fake.clock.armed, 0);
});

test('a camera that asks for the login when the image comes gets it once more, and only once', async () => {
  let sendings = 0;
  let refusals = 1;
  const { fake } = firmwareCamera(async (body) => {
    sendings += 1;
    if (sendings > refusals) return readAll(body);
    throw new DriverError('camera.unauthorized', 'the camera answered 401');
  });
  const sending = openUpkeep(fake.link).upgradeFirmware(image([5, 5]), () => undefined, patient());
  await fake.clock.advance(2_000);
  assert.is(await sending, 180_000);
  assert.is(sendings, 2);
  refusals = 9;
  const refused = codeOf(openUpkeep(fake.link).upgradeFirmware(image([5]), () => undefined, patient()));
  await fake.clock.advance(2_000);
  assert.is(await refused, 'camera.unauthorized');
  assert.is(sendings, 4);
});

test('one image at a time, whoever connects; the caller can give up until the first byte and not afterwards', async () => {
  let release: () => void = () => undefined;
  const { fake } = firmwareCamera(async (body) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return readAll(body);
  });
  const stop = new AbortController();
  const sending = openUpkeep(fake.link).upgradeFirmware(image([5]), () => undefined, { signal: stop.signal });
  await fake.clock.advance(2_000);
  assert.is(await codeOf(openUpkeep(fake.link).upgradeFirmware(image([5]), () => undefined, patient())), 'camera.refused');
  stop.abort();
  await settle();
  release();
  assert.is(await sending, 180_000, 'half an image would be the end of the camera');

  const early = new AbortController();
  const givenUp = openUpkeep(fake.link).upgradeFirmware(image([5]), () => undefined, { signal: early.signal });
  await settle();
  early.abort();
  assert.is(await codeOf(givenUp), 'driver.aborted');
});

test('a camera that takes no more, or refuses the image, or a source that lies about its length: each is told', async () => {
  const stuck = firmwareCamera(async (body) => {
    await body[Symbol.asyncIterator]().next();
    return new Promise<never>(() => undefined);
  });
  const sending = codeOf(openUpkeep(stuck.fake.link).upgradeFirmware(image([5, 5]), () => undefined, patient()));
  await stuck.fake.clock.advance(63_000);
  assert.is(await sending, 'camera.timeout');

  const refusing = firmwareCamera(async (body) => {
    await readAll(body);
    return 500;
  });
  const refused = codeOf(openUpkeep(refusing.fake.link).upgradeFirmware(image([5]), () => undefined, patient()));
  await refusing.fake.clock.advance(2_000);
  assert.is(await refused, 'camera.refused');

  for (const announced of [9, 11]) {
    const { fake } = firmwareCamera(readAll);
    const lying = codeOf(openUpkeep(fake.link).upgradeFirmware(image([5, 5], announced), () => undefined, patient()));
    await fake.clock.advance(2_000);
    assert.is(await lying, 'camera.refused', String(announced));
  }
});

test.run();
