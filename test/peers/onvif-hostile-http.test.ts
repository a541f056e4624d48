// runner: alone
/** HTTP and XML as no camera should speak them: lengths that lie, floods, endless trickles, redirects. Time, memory and the event loop are watched. */
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CameraDriver, DriverErrorCode } from '../../drivers/port.js';
import { until } from '../support/until.js';
import { fastClock } from './fast-clock.js';
import { login, patient, rejection, withDriver } from './onvif-rig.js';
import { answer, envelope, never, plainCamera } from './soap-answers.js';
import { richCamera } from './soap-answers-rich.js';
import { type FakeRequest, type Responder, startSoapFake } from './soap-fake.js';

const MAX_GROWTH_BYTES = 32 * 1024 * 1024;
const MAX_STALL_MS = 100;
const MB = 1024 * 1024;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/**
 * Longest time that the event loop stood still because it computed, and how much memory was added, until it is asked. A gap in which this process
 * did not run is the machine's doing and counts for as long as it ran.
 */
function watch(): { end(): { readonly stallMs: number; readonly grownBytes: number } } {
  const before = process.memoryUsage.rss();
  let stallMs = 0;
  let most = before;
  let last = performance.now();
  let lastCpu = cpuMs();
  const look = (): void => {
    stallMs = Math.max(stallMs, Math.min(performance.now() - last - 5, cpuMs() - lastCpu));
    most = Math.max(most, process.memoryUsage.rss());
    last = performance.now();
    lastCpu = cpuMs();
  };
  const timer = setInterval(look, 5);
  return {
    end() {
      look();
      clearInterval(timer);
      return { stallMs, grownBytes: most - before };
    },
  };
}

/** What really stops the loop or takes the memory does so every time; a busy machine does not. */
async function frugally(work: () => Promise<unknown>): Promise<void> {
  let seen = { stallMs: 0, grownBytes: 0 };
  for (let round = 0; round < 3; round += 1) {
    const watched = watch();
    try {
      await work();
    } finally {
      seen = watched.end();
    }
    if (seen.stallMs < MAX_STALL_MS && seen.grownBytes <= MAX_GROWTH_BYTES) return;
  }
  assert.unreachable(`the event loop stood still for ${seen.stallMs} ms, ${seen.grownBytes} bytes were added`);
}

type Special = (request: FakeRequest) => ReturnType<Responder>;

async function withFake(
  responder: Responder,
  work: (driver: CameraDriver, requests: readonly FakeRequest[]) => Promise<unknown>,
  factor = 1,
) {
  const fake = await startSoapFake(responder);
  try {
    await withDriver(fake.deviceUri, login(), (driver) => work(driver, fake.requests), fastClock(factor));
  } finally {
    await fake.stop();
  }
}

const atIdentity = (special: Special): Responder =>
  plainCamera((request) => (request.operation === 'GetDeviceInformation' ? special(request) : undefined));

const raw = (request: FakeRequest, text: string | Buffer, isEnd = false): Promise<undefined> => {
  request.socket.write(text);
  if (isEnd) request.socket.end();
  return never();
};

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n';
const whole = answer('tds:GetDeviceInformation', '<tds:Model>Real</tds:Model>').body;
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const soap = (inner: string): string => envelope(`<tds:GetDeviceInformationResponse>${inner}</tds:GetDeviceInformationResponse>`);
const K250 = 250_000;

/** What was sent, and what it becomes. Undefined: it is harmless and read. */
const CASES: readonly (readonly [string, DriverErrorCode | undefined, Special])[] = [
  ['a negative length', 'camera.not_onvif', (request) => raw(request, `${OK}Content-Length: -1\r\n\r\n${whole}`, true)],
  [
    'a length of twenty digits',
    'camera.not_onvif',
    (request) => raw(request, `${OK}Content-Length: 99999999999999999999\r\n\r\n${whole}`, true),
  ],
  ['two lengths', 'camera.not_onvif', (request) => raw(request, `${OK}Content-Length: 5\r\nContent-Length: 50\r\n\r\n${whole}`, true)],
  [
    'a length and chunks',
    'camera.not_onvif',
    (request) => raw(request, `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(whole)}0\r\n\r\n`, true),
  ],
  ['a length shorter than the body', 'camera.not_onvif', (request) => raw(request, `${OK}Content-Length: 40\r\n\r\n${whole}`)],
  ['a length longer than the body', 'camera.bad_answer', (request) => raw(request, `${OK}Content-Length: 90000\r\n\r\n${whole}`, true)],
  ['a length of nothing', 'camera.not_onvif', (request) => raw(request, `${OK}Content-Length: 0\r\n\r\n${whole}`)],
  ['no length, the end is the end', undefined, (request) => raw(request, `${OK}Connection: close\r\n\r\n${whole}`, true)],
  ['chunks without an end', 'camera.bad_answer', (request) => raw(request, `${OK}Transfer-Encoding: chunked\r\n\r\n${chunk(whole)}`, true)],
  [
    'a chunk of a size that is none',
    'camera.not_onvif',
    (request) => raw(request, `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\n${whole}`, true),
  ],
  [
    'a compressed body that nobody asked for',
    'camera.not_onvif',
    () => ({ headers: { 'Content-Encoding': 'gzip' }, body: gzipSync(whole).toString('latin1') }),
  ],
  [
    'UTF-16',
    'camera.bad_answer',
    (request) => raw(request, Buffer.concat([Buffer.from(`${OK}Connection: close\r\n\r\n`), Buffer.from(whole, 'utf16le')]), true),
  ],
  ['characters that XML cannot carry', 'camera.bad_answer', () => ({ body: soap('<tds:Model>&#0;</tds:Model>') })],
  ['an element name of 250 000 characters', 'camera.bad_answer', () => ({ body: soap(`<${'n'.repeat(K250)}/>`).slice(0, -20) })],
  ['an attribute of 250 000 characters', undefined, () => ({ body: soap(`<a b="${'x'.repeat(K250)}"/>`) })],
  ['a comment of 250 000 characters', undefined, () => ({ body: soap(`<!--${'x'.repeat(K250)}-->`) })],
  ['a comment without an end', 'camera.bad_answer', () => ({ body: soap(`<!--${'<a>'.repeat(80_000)}`).replace(/-->/g, '') })],
  ['CDATA within CDATA', 'camera.bad_answer', () => ({ body: soap('<![CDATA['.repeat(20_000)) })],
  ['a thousand instructions', undefined, () => ({ body: soap('<?a b?>'.repeat(1_000)) })],
  ['sixty levels of sixty attributes', undefined, () => ({ body: soap(nested(55, attributes(60))) })],
  ['sixty-five levels', 'camera.bad_answer', () => ({ body: soap(nested(65, '')) })],
  ['ten thousand rows where one is expected', undefined, () => ({ body: soap('<tds:Model>x</tds:Model>'.repeat(10_000)) })],
  ['names of JavaScript’s own', undefined, () => ({ body: soap('<__proto__><constructor/></__proto__><toString>1</toString>') })],
  ['a redirect for ever', 'camera.not_onvif', () => ({ status: 307, headers: { Location: '/onvif/device_service' }, body: '' })],
  [
    'many small interim answers',
    undefined,
    (request) => raw(request, `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2_000)}${OK}Connection: close\r\n\r\n${whole}`, true),
  ],
];

function attributes(count: number): string {
  return Array.from({ length: count }, (_, at) => ` a${at}="v"`).join('');
}

function nested(levels: number, inside: string): string {
  return `<a${inside}>`.repeat(levels) + '</a>'.repeat(levels);
}

test('a good answer first: what follows is measured on a process that is warm', () =>
  withFake(plainCamera(), async (driver) => {
    for (let round = 0; round < 20; round += 1) await driver.identify(patient());
  }));

for (const [title, code, special] of CASES) {
  test(`${title}: ${code ?? 'read'}`, () =>
    frugally(async () => {
      await withFake(atIdentity(special), async (driver) => {
        // Any other code than camera.timeout is one long before the deadline.
        if (code === undefined) await driver.identify(patient());
        else await rejection(driver.identify(patient()), code);
      });
      assert.is(({} as Record<string, unknown>).constructor, Object);
    }));
}

/** Writes for as long as the other side reads, to `bytes` at most. */
async function pour({ socket }: FakeRequest, head: string, piece: Buffer, bytes: number): Promise<never> {
  socket.write(head);
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += piece.byteLength) {
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
  }
  return never();
}

const PIECE = Buffer.alloc(64 * 1024, 'x');

test('64 MB in chunks, of unknown length, and as a picture: a fault, little memory, no stall', async () => {
  const inChunks = Buffer.concat([Buffer.from('10000\r\n'), PIECE, Buffer.from('\r\n')]);
  const floods: readonly Special[] = [
    (request) => pour(request, `${OK}Transfer-Encoding: chunked\r\n\r\n`, inChunks, 64 * MB),
    (request) => pour(request, `${OK}Connection: close\r\n\r\n<a>`, PIECE, 64 * MB),
    (request) => pour(request, 'HTTP/1.1 500 No\r\n\r\n', PIECE, 64 * MB),
  ];
  for (const flood of floods) {
    await frugally(() => withFake(atIdentity(flood), (driver) => rejection(driver.identify(patient()), 'camera.bad_answer')));
  }
  const picture = richCamera((request) => {
    if (!request.path.startsWith('/snap')) return undefined;
    return pour(request, `HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: ${64 * MB}\r\n\r\n`, PIECE, 64 * MB);
  });
  await frugally(() =>
    withFake(picture, (driver) => rejection(Promise.resolve(driver.snapshot?.('main', patient())), 'camera.bad_answer')),
  );
});

/** A byte now and then, for as long as the connection lives. */
function drip({ socket }: FakeRequest, head: string, byte: string): Promise<never> {
  socket.write(head);
  const timer = setInterval(() => socket.write(byte), 10);
  socket.once('close', () => clearInterval(timer));
  return never();
}

test('headers, chunks, interim answers and pictures that trickle end at the deadline, not later', async () => {
  const trickles: readonly Special[] = [
    (request) => drip(request, 'HTTP/1.1 200 OK\r\nX: ', 'x'),
    (request) => drip(request, `${OK}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n<\r\n'),
    (request) => drip(request, '', 'HTTP/1.1 102 Processing\r\n\r\n'),
  ];
  for (const trickle of trickles) {
    const startedMs = performance.now();
    await withFake(atIdentity(trickle), (driver) => rejection(driver.identify(patient()), 'camera.timeout'), 25);
    assert.ok(performance.now() - startedMs < 5_000, 'ten seconds of its clock are 400 ms');
  }
  const picture = richCamera((request) =>
    request.path.startsWith('/snap') ? drip(request, 'HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n', '\xff') : undefined,
  );
  await withFake(picture, (driver) => rejection(Promise.resolve(driver.snapshot?.('main', patient())), 'camera.timeout'), 25);
});

test('nothing is ever sent where a redirect points, from SOAP or from a picture', async () => {
  const elsewhere = await startSoapFake(plainCamera());
  const away = { status: 302, headers: { Location: elsewhere.deviceUri }, body: '' };
  await withFake(
    atIdentity(() => away),
    (driver) => rejection(driver.identify(patient()), 'camera.not_onvif'),
  );
  await withFake(
    richCamera(({ path }) => (path.startsWith('/snap') ? away : undefined)),
    (driver) => rejection(Promise.resolve(driver.snapshot?.('main', patient())), 'camera.bad_answer'),
  );
  assert.is(elsewhere.connections(), 0);
  await elsewhere.stop();
});

test('a challenge for ever, each time called stale, is asked again a few times only', async () => {
  let round = 0;
  const challenge: Special = () => {
    round += 1;
    const header = `Digest realm="cam", qop="auth", nonce="n${round}", stale=true`;
    return { status: 401, headers: { 'WWW-Authenticate': header }, body: '' };
  };
  await withFake(atIdentity(challenge), (driver) => rejection(driver.identify(patient()), 'camera.unauthorized'));
  assert.ok(round <= 6, `${round} tries`);
  round = 0;
  await withFake(
    richCamera((request) => (request.path.startsWith('/snap') ? challenge(request) : undefined)),
    (driver) => rejection(Promise.resolve(driver.snapshot?.('main', patient())), 'camera.unauthorized'),
  );
  assert.ok(round <= 4, `${round} tries`);
});

const service = (space: string, path: string): string =>
  `<tds:Service><tds:Namespace>http://www.onvif.org/ver10/${space}/wsdl</tds:Namespace><tds:XAddr>http://10.9.9.9/onvif/${path}</tds:XAddr></tds:Service>`;

test('a camera that answers every pull with five hundred events stops nothing else', async () => {
  const row = (at: number): string =>
    `<wsnt:NotificationMessage><wsnt:Topic>tns1:RuleEngine/CellMotionDetector/Motion</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-01-01T00:00:00Z"><tt:Source><tt:SimpleItem Name="S" Value="${at}"/></tt:Source><tt:Data><tt:SimpleItem Name="IsMotion" Value="${at % 2 === 0}"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`;
  const rows = Array.from({ length: 500 }, (_, at) => row(at)).join('');
  const flood = plainCamera(({ operation }) => {
    if (operation === 'GetServices') return answer('tds:GetServices', service('media', 'media') + service('events', 'events'));
    if (operation === 'PullMessages') return answer('tev:PullMessages', rows);
    if (operation === 'CreatePullPointSubscription') {
      const reference =
        '<tev:SubscriptionReference><wsa:Address>http://10.9.9.9/onvif/events?id=7</wsa:Address></tev:SubscriptionReference>';
      return answer('tev:CreatePullPointSubscription', reference);
    }
    return undefined;
  });
  assert.ok(rows.length > 128 * 1024 && rows.length < 250 * 1024, String(rows.length));
  await withFake(flood, async (driver, requests) => {
    const { events } = (await driver.capabilities?.(patient())) ?? {};
    assert.ok(events);
    const heard: number[] = [];
    const pulls = (): number => requests.filter(({ operation }) => operation === 'PullMessages').length;
    await frugally(async () => {
      const open = await events.open({ onEvent: () => void heard.push(1), onEnd: () => undefined }, patient());
      const before = pulls();
      await until('it was pulled three times', () => pulls() >= before + 3, 10_000);
      await driver.identify(patient());
      await open.close();
    });
    // A property is told of when it changes, and no camera has more than some hundreds of them.
    assert.ok(heard.length > 0 && heard.length <= 3 * 512, `${heard.length} events`);
  });
});

test.run();
