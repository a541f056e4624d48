// runner: alone
/** Broken, slow and malicious answers: each becomes a typed error within the deadline, and nothing else happens. */
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DriverErrorCode } from '../../drivers/port.js';
import { fastClock } from './fast-clock.js';
import { connector, login, patient, rejection, withDriver } from './onvif-rig.js';
import { answer, dateAndTime, encoder, envelope, never, plainCamera, profile } from './soap-answers.js';
import { type FakeAnswer, type FakeRequest, type Responder, type SoapFakeOptions, startSoapFake } from './soap-fake.js';

const identityAnswer = (special: (request: FakeRequest) => ReturnType<Responder>): Responder =>
  plainCamera((request) => (request.operation === 'GetDeviceInformation' ? special(request) : undefined));

async function identifyWith(responder: Responder, code: DriverErrorCode, factor = 1, options: SoapFakeOptions = {}) {
  const fake = await startSoapFake(responder, options);
  try {
    return await withDriver(fake.deviceUri, login(), (driver) => rejection(driver.identify(patient()), code), fastClock(factor));
  } finally {
    await fake.stop();
  }
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Longest time that the event loop stood still, from now to `endMs()`; a gap in which this process did not run counts for as long as it ran. */
function watchStall(): { endMs(): number } {
  let worstMs = 0;
  let last = performance.now();
  let lastCpu = cpuMs();
  const look = (): void => {
    worstMs = Math.max(worstMs, Math.min(performance.now() - last - 5, cpuMs() - lastCpu));
    last = performance.now();
    lastCpu = cpuMs();
  };
  const timer = setInterval(look, 5);
  return {
    endMs() {
      look();
      clearInterval(timer);
      return worstMs;
    },
  };
}

const raw = (request: FakeRequest, text: string, isEnd: boolean): Promise<undefined> => {
  request.socket.write(text);
  if (isEnd) request.socket.end();
  return never();
};

const ok = 'HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n';

/** What was sent, the error it becomes, and where it matters, which of our walls stopped it. */
const BROKEN: readonly (readonly [string, DriverErrorCode, (request: FakeRequest) => ReturnType<Responder>, RegExp?])[] = [
  ['an empty answer', 'camera.bad_answer', () => ({ body: '' })],
  ['HTML instead of XML', 'camera.not_onvif', () => ({ body: '<html><body>Login</body></html>' })],
  ['HTML with a doctype', 'camera.not_onvif', () => ({ body: '<!DOCTYPE html><html></html>' })],
  ['plain text', 'camera.not_onvif', () => ({ body: 'hello' })],
  ['JSON', 'camera.not_onvif', () => ({ body: '{}' })],
  ['XML that is not SOAP', 'camera.not_onvif', () => ({ body: '<a><b/></a>' })],
  ['an empty SOAP body', 'camera.bad_answer', () => ({ body: envelope('') })],
  ['the answer to another question', 'camera.bad_answer', () => answer('tds:GetHostname', '')],
  ['unfinished XML', 'camera.bad_answer', () => ({ body: envelope('<a/>').slice(0, -30) })],
  ['a server error page', 'camera.bad_answer', () => ({ status: 500, body: '<html>CGI crashed</html>' })],
  ['a redirect elsewhere', 'camera.not_onvif', () => ({ status: 302, headers: { Location: 'http://127.0.0.1:1/' }, body: '' })],
  ['a missing page', 'camera.not_onvif', () => ({ status: 404, body: 'not here' })],
  [
    'an entity bomb',
    'camera.bad_answer',
    () => ({ body: `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>${envelope('<a>&c;</a>').slice(38)}` }),
    /document type/,
  ],
  ['80 000 nested elements', 'camera.bad_answer', () => ({ body: '<a>'.repeat(80_000) }), /nested/],
  ['a body of 4 MB', 'camera.bad_answer', () => ({ body: envelope(`<a>${'x'.repeat(4_000_000)}</a>`) }), /too large/],
  [
    '19 000 elements, just within the limits',
    'camera.bad_answer',
    () => ({ body: envelope('<a>1</a>'.repeat(19_000)) }),
    /no GetDeviceInformationResponse/,
  ],
  ['40 000 entities', 'camera.bad_answer', () => ({ body: envelope(`<a>${'&amp;'.repeat(40_000)}</a>`) })],
  [
    '20 000 attributes',
    'camera.bad_answer',
    () => ({ body: envelope(`<a ${Array.from({ length: 20_000 }, (_, at) => `a${at}=""`).join(' ')}/>`) }),
    /attributes/,
  ],
  ['an answer that breaks off', 'camera.bad_answer', (request) => raw(request, `${ok}Content-Length: 5000\r\n\r\n<a>`, true)],
  ['bytes that are not HTTP', 'camera.not_onvif', (request) => raw(request, '\x00\x01\x02 nonsense\r\n\r\n', true)],
  ['a connection closed without a word', 'camera.unreachable', (request) => raw(request, '', true)],
  ['endless headers', 'camera.not_onvif', (request) => raw(request, `${ok}X: ${'x'.repeat(40_000)}`, false)],
];

for (const [title, code, special, wall] of BROKEN) {
  test(`${title}: ${code}`, async () => {
    let leastMs = Number.POSITIVE_INFINITY;
    // What really stops the loop stops it every time; a busy machine does not.
    for (let round = 0; round < 3 && leastMs >= 100; round += 1) {
      const watch = watchStall();
      const error = await identifyWith(identityAnswer(special), code);
      leastMs = Math.min(leastMs, watch.endMs());
      if (wall !== undefined) assert.match(error.message, wall);
    }
    if (process.env.SIGHTLINE_SHOW_STALL !== undefined) process.stdout.write(`${title}: ${Math.round(leastMs)} ms\n`);
    assert.ok(leastMs < 100, `the event loop stood still for ${leastMs} ms`);
  });
}

test('silence ends at the deadline as camera.timeout', async () => {
  const startedAt = performance.now();
  await identifyWith(identityAnswer(never), 'camera.timeout', 50);
  assert.ok(performance.now() - startedAt < 2_000);
});

test('one byte now and then does not stretch the deadline', async () => {
  let drip: NodeJS.Timeout | undefined;
  await identifyWith(
    identityAnswer((request) => {
      request.socket.write(`${ok}Content-Length: 100000\r\n\r\n<`);
      drip = setInterval(() => request.socket.write('a'), 20);
      return never();
    }),
    'camera.timeout',
    50,
  );
  clearInterval(drip);
});

test('64 MB are not taken in: little memory, no stall', async () => {
  const piece = Buffer.alloc(64 * 1024, 'x');
  const pour = async ({ socket }: FakeRequest): Promise<never> => {
    socket.write(`${ok}Content-Length: 67108864\r\n\r\n<a>`);
    for (let sent = 0; sent < 64 * 1024 * 1024 && !socket.destroyed; sent += piece.byteLength) {
      if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    }
    return never();
  };
  let leastMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3 && leastMs >= 100; round += 1) {
    const before = process.memoryUsage().rss;
    const watch = watchStall();
    await identifyWith(identityAnswer(pour), 'camera.bad_answer');
    leastMs = Math.min(leastMs, watch.endMs());
    const grownBytes = process.memoryUsage().rss - before;
    assert.ok(grownBytes <= 32 * 1024 * 1024, `${grownBytes} bytes more`);
  }
  assert.ok(leastMs < 100, `stalled ${leastMs} ms`);
});

test('a large answer is read beside the event loop; the next small one does not wait for it', async () => {
  const many = Array.from({ length: 60 }, (_, at) =>
    profile(`p${at}`, encoder('tt:VideoEncoderConfiguration', `e${at}`, 640, 360), true, `source-${at}`),
  ).join('');
  const fake = await startSoapFake(
    plainCamera(({ operation }) => (operation === 'GetProfiles' ? answer('trt:GetProfiles', many) : undefined)),
  );
  await withDriver(fake.deviceUri, login(), async (driver) => {
    await driver.identify(patient());
    const sources = driver.sources?.(patient());
    await driver.identify(patient());
    assert.is((await sources)?.length, 60);
    assert.ok(many.length > 64 * 1024);
  });
  await fake.stop();
});

test('more bytes than announced are no part of the answer, nor of the next one', async () => {
  const identity = answer('tds:GetDeviceInformation', '<tds:Model>Real</tds:Model>').body;
  const forged = `${ok}Content-Length: ${identity.length}\r\n\r\n${identity.replace('Real', 'Fake')}`;
  const fake = await startSoapFake(
    identityAnswer((request) => raw(request, `${ok}Content-Length: ${identity.length}\r\n\r\n${identity}${forged}`, false)),
  );
  await withDriver(fake.deviceUri, login(), async (driver) => {
    for (let round = 0; round < 3; round += 1) assert.is((await driver.identify(patient())).model, 'Real');
  });
  await fake.stop();
});

test('nobody at the address: camera.unreachable', async () => {
  const fake = await startSoapFake(plainCamera());
  await fake.stop();
  await withDriver(fake.deviceUri, login(), (driver) => rejection(driver.identify(patient()), 'camera.unreachable'));
});

test('the caller may give up at any time', async () => {
  const fake = await startSoapFake(identityAnswer(never));
  const controller = new AbortController();
  await withDriver(fake.deviceUri, login(), async (driver) => {
    const asked = driver.identify({ signal: controller.signal });
    setImmediate(() => controller.abort());
    await rejection(asked, 'driver.aborted');
  });
  await fake.stop();
});

test('a kept connection that the camera closed is replaced once, with a fresh nonce', async () => {
  let isCut = false;
  const fake = await startSoapFake(
    plainCamera((request) => {
      if (request.operation !== 'GetProfiles' || isCut) return undefined;
      isCut = true;
      request.socket.destroy();
      return never();
    }),
  );
  await withDriver(fake.deviceUri, login(), async (driver) => {
    assert.is((await driver.streams(patient())).length, 2);
  });
  const nonces = fake.requests
    .filter(({ operation }) => operation === 'GetProfiles')
    .map(({ xml }) => /<Nonce[^>]*>([^<]+)</.exec(xml)?.[1]);
  assert.is(nonces.length, 2);
  assert.is.not(nonces[0], nonces[1]);
  await fake.stop();
});

test('addresses behind NAT are asked at the reached host, with their query', async () => {
  const fake = await startSoapFake(plainCamera());
  await withDriver(fake.deviceUri, login(), async (driver) => {
    await driver.streams(patient());
    assert.is(await driver.streamUri('main', patient()), 'rtsp://127.0.0.1:8554/live/main?a=1&b=2');
  });
  assert.is(fake.requests.find(({ operation }) => operation === 'GetProfiles')?.path, '/onvif/media?channel=1&x=2');
  await fake.stop();
});

test('a camera without GetServices is asked for its capabilities', async () => {
  const old = plainCamera(({ operation }) => (operation === 'GetServices' ? { status: 500, body: '<html>no</html>' } : undefined));
  const fake = await startSoapFake(old);
  await withDriver(fake.deviceUri, login(), async (driver) => {
    assert.is((await driver.streams(patient())).length, 2);
    assert.is(await driver.ptz(patient()), undefined);
  });
  assert.is(fake.requests.find(({ operation }) => operation === 'GetProfiles')?.path, '/old/media');
  await fake.stop();
});

async function streamsOf(profiles: string) {
  const fake = await startSoapFake(
    plainCamera(({ operation }) => (operation === 'GetProfiles' ? answer('trt:GetProfiles', profiles) : undefined)),
  );
  const found = await withDriver(fake.deviceUri, login(), (driver) => driver.streams(patient()));
  await fake.stop();
  return found;
}

test('one profile, none, one without encoder, one without rate and size: all are read', async () => {
  const plain = encoder('tt:VideoEncoderConfiguration', 'e', 1280, 720);
  assert.equal(
    (await streamsOf(profile('only', plain))).map(({ kind }) => kind),
    ['main'],
  );
  assert.equal(await streamsOf(''), []);
  assert.equal(await streamsOf(profile('bare', '')), []);
  const sparse = plain.replace(/<tt:RateControl>.*<\/tt:RateControl>/, '').replace(/<tt:Resolution>.*<\/tt:Resolution>/, '');
  const [stream] = await streamsOf(profile('sparse', sparse));
  assert.equal(stream?.video, { codec: 'H264', width: 0, height: 0, frameRate: 0, bitrateKbps: 0, gopLength: 100 });
});

test('the encoder goes back with every element it came with', async () => {
  const fake = await startSoapFake(plainCamera());
  await withDriver(fake.deviceUri, login(), async (driver) => {
    const sub = (await driver.streams(patient())).find(({ kind }) => kind === 'sub');
    assert.ok(sub);
    await driver.setEncoder(sub, { ...sub.video, frameRate: 12 }, patient());
  });
  const sent = fake.requests.find(({ operation }) => operation === 'SetVideoEncoderConfiguration')?.xml ?? '';
  const expected = encoder('trt:Configuration', 'enc-sub', 640, 360).replace('>25<', '>12<');
  assert.ok(sent.includes(expected), sent);
  await fake.stop();
});

test('zoom is left out where the node has none, and a zoom alone is unsupported', async () => {
  const fake = await startSoapFake(plainCamera());
  await withDriver(fake.deviceUri, login(), async (driver) => {
    const ptz = await driver.ptz(patient());
    await ptz?.move({ pan: 0.5, tilt: -3, zoom: 1 }, patient());
    await rejection(ptz?.move({ pan: 0, tilt: 0, zoom: 1 }, patient()) ?? Promise.resolve(), 'camera.unsupported');
  });
  const sent = fake.requests.filter(({ operation }) => operation === 'ContinuousMove').map(({ xml }) => xml);
  assert.is(sent.length, 1);
  assert.match(sent[0] ?? '', '<tptz:Velocity><tt:PanTilt x="0.5" y="-1"/></tptz:Velocity><tptz:Timeout>PT1S</tptz:Timeout>');
  await fake.stop();
});

test('a hanging camera holds up no other', async () => {
  const hanging = await startSoapFake(never);
  const fine = await startSoapFake(plainCamera());
  const shared = connector();
  const stuck = shared.connect({ deviceUri: hanging.deviceUri, login: login() });
  const quick = shared.connect({ deviceUri: fine.deviceUri, login: login() });
  const controller = new AbortController();
  const waiting = rejection(stuck.identify({ signal: controller.signal }), 'driver.aborted');
  const startedAt = performance.now();
  await quick.identify(patient());
  assert.ok(performance.now() - startedAt < 1_000);
  controller.abort();
  await waiting;
  stuck.close();
  quick.close();
  await hanging.stop();
  await fine.stop();
});

test('a camera whose time cannot be read is still spoken to, by its HTTP date', async () => {
  const noTime: FakeAnswer = {
    headers: { Date: new Date(Date.now() + 3_600_000).toUTCString() },
    body: dateAndTime(0).body.replace(/<tt:UTCDateTime>.*<\/tt:UTCDateTime>/, ''),
  };
  const fake = await startSoapFake(plainCamera(({ operation }) => (operation === 'GetSystemDateAndTime' ? noTime : undefined)));
  await withDriver(fake.deviceUri, login(), async (driver) => {
    const offsetMs = await driver.clockOffsetMs(patient());
    assert.ok(Math.abs(offsetMs - 3_600_000) < 2_500, String(offsetMs));
  });
  await fake.stop();
});

test.run();
