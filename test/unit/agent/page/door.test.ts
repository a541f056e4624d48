import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newId } from '../../../../agent/contract/text.js';
import { topics } from '../../../../agent/contract/topics.js';
import { systemClock } from '../../../../agent/kernel/clock.js';
import { LanDoor } from '../../../../agent/page/server.js';
import { DOOR_SCOPE, openTestDoor, type TestDoor } from '../../../support/lan-door.js';
import { askDoor, type DoorReply } from '../../../support/lan-fetch.js';
import { startTcpProxy } from '../../../support/tcp-proxy.js';
import { until } from '../../../support/until.js';

const TEXT = { 'content-type': 'text/plain' };
let at: TestDoor;

const test = suite('local door');
test.before.each(async () => {
  at = await openTestDoor();
});
test.after.each(() => at.close());

const command = (): string => `/${topics.command(DOOR_SCOPE, newId())}`;
const send = (path: string, headers: Record<string, string> = {}, body: string | Uint8Array = 'sealed'): Promise<DoorReply> =>
  at.ask({ path, method: 'POST', headers: { ...TEXT, ...headers }, body });
const codeOf = ({ status, body }: DoorReply): string => `${status} ${/\((lan\.[a-z_]+)\)/.exec(body)?.[1] ?? ''}`;

test('a letter is taken and comes out as it was sent, with a hash in place of the address', async () => {
  const path = command();
  assert.is((await send(path)).status, 204);
  assert.is((await send(path, { 'content-type': 'application/octet-stream' }, Buffer.alloc(65_536, 'x'))).status, 204);
  assert.equal(
    at.letters.map(({ topic, text }) => [topic, text.length]),
    [
      [path.slice(1), 6],
      [path.slice(1), 65_536],
    ],
  );
  assert.is(new Set(at.letters.map(({ remote }) => remote)).size, 1, 'the same sender is known again');
  assert.match(at.letters[0]?.remote ?? '', /^[A-Za-z0-9_-]{11}$/);
});

test('only letters to this recorder, on a topic that means something', async () => {
  const id = newId();
  for (const path of [
    `/${topics.command({ ...DOOR_SCOPE, serial: 'SNBBBBBBBB' }, id)}`,
    `/${topics.command({ ...DOOR_SCOPE, tenant: 'other' }, id)}`,
    `/${topics.status(DOOR_SCOPE)}`,
    `/sl/1/local/SNAAAAAAAA/down/cmd/../pair/${id}`,
    `/sl/1/local/SNAAAAAAAA/down/cmd/%2e%2e/${id}`,
    '/sl/1/local/SNAAAAAAAA/down/#',
    '/sl/1/local/+/down/withdraw',
    `/${topics.command(DOOR_SCOPE, id)}?x=1`,
    `/${topics.command(DOOR_SCOPE, id)}/more`,
    `//${topics.command(DOOR_SCOPE, id)}`,
    `https://127.0.0.1:${at.port}/${topics.command(DOOR_SCOPE, id)}`,
    '/',
    '/events',
    '/door',
  ])
    assert.is(codeOf(await send(path)), '404 lan.not_found', path);
  assert.equal(at.letters, []);
});

test('a name that somebody else made to point here is turned away', async () => {
  for (const host of [
    'evil.example',
    `evil.example:${at.port}`,
    '127.0.0.2',
    `snaaaaaaaa.local.evil.example`,
    '127.0.0.1.evil.example',
    'a@127.0.0.1',
    '[::1]',
  ])
    for (const path of ['/', '/door', '/events', command()]) {
      const isLetter = path.startsWith('/sl');
      const reply = isLetter ? await send(path, { host, origin: `https://${host}` }) : await at.ask({ path, headers: { host } });
      assert.is(codeOf(reply), '421 lan.bad_host', `${host} ${path}`);
    }
  for (const host of ['localhost', `localhost:${at.port}`, 'SNAAAAAAAA.local', 'snaaaaaaaa.local.:8443', `127.0.0.1:${at.port}`])
    assert.is((await at.ask({ path: '/door', headers: { host } })).status, 200, host);
  assert.equal(at.letters, []);
});

test('another page cannot send letters, open streams or learn that there is a recorder', async () => {
  for (const origin of [
    'https://evil.example',
    'null',
    '',
    `http://127.0.0.1:${at.port}`,
    'https://127.0.0.1',
    `https://127.0.0.1:${at.port + 1}`,
  ])
    assert.is(codeOf(await send(command(), { origin })), '403 lan.other_page', origin);
  for (const site of ['cross-site', 'same-site', 'anything']) {
    assert.is(codeOf(await send(command(), { 'sec-fetch-site': site })), '403 lan.other_page', site);
    for (const path of ['/door', '/events'])
      assert.is(codeOf(await at.ask({ path, headers: { 'sec-fetch-site': site } })), '403 lan.other_page', `${path} ${site}`);
  }
  const bare = await askDoor({ port: at.port, ca: at.ca, path: command(), method: 'POST', headers: { ...TEXT, origin: '' }, body: 'x' });
  assert.is(codeOf(bare), '403 lan.other_page');
  const preflight = await at.ask({ path: command(), method: 'OPTIONS', headers: { origin: 'https://evil.example' } });
  assert.is(codeOf(preflight), '405 lan.method');
  for (const name of Object.keys(preflight.headers)) assert.not.match(name, 'access-control');
  assert.equal(at.letters, []);
});

test('too large, of another type, or packed: not read', async () => {
  assert.is(codeOf(await send(command(), {}, Buffer.alloc(65_537))), '413 lan.too_large');
  assert.is(codeOf(await send(command(), { 'transfer-encoding': 'chunked' }, Buffer.alloc(65_537))), '413 lan.too_large');
  for (const type of ['application/json', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', ''])
    assert.is(codeOf(await send(command(), { 'content-type': type })), '415 lan.bad_type', type);
  assert.is(codeOf(await send(command(), { 'content-encoding': 'gzip' }, gzipSync('x'))), '415 lan.bad_type');
  for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE'])
    assert.is(codeOf(await at.ask({ path: '/', method })), '405 lan.method', method);
  assert.is((await at.ask({ path: '/', headers: { 'x-long': 'x'.repeat(9_000) } })).status, 431);
  assert.equal(at.letters, []);
});

test('every answer has the security headers and names no software; who this is, and nothing else', async () => {
  for (const path of ['/', '/door', '/nothing']) {
    const { headers } = await at.ask({ path });
    assert.match(String(headers['content-security-policy']), "default-src 'none'");
    assert.match(String(headers['content-security-policy']), "frame-ancestors 'none'");
    assert.not.match(String(headers['content-security-policy']), /unsafe|https?:/);
    for (const [name, value] of [
      ['x-content-type-options', 'nosniff'],
      ['referrer-policy', 'no-referrer'],
      ['cross-origin-opener-policy', 'same-origin'],
      ['cross-origin-resource-policy', 'same-origin'],
    ] as const)
      assert.is(headers[name], value, `${path} ${name}`);
    for (const name of ['server', 'x-powered-by', 'set-cookie', 'access-control-allow-origin', 'strict-transport-security'])
      assert.is(headers[name], undefined, name);
  }
  assert.equal(JSON.parse((await at.ask({ path: '/door' })).body), { serial: 'SNAAAAAAAA', tenant: 'local' });
});

test('without the page the door still takes letters, and says in one sentence that the page is missing', async () => {
  const { status, body } = await at.ask({ path: '/' });
  assert.equal([status, body.split('. ')[0]], [404, 'The page is not installed on this recorder']);
  assert.is((await send(command())).status, 204);
});

test('the page is served from what was read at the start: no path reaches the disk', async () => {
  const page = join(at.folder, 'page');
  await mkdir(join(page, 'assets'), { recursive: true });
  for (const [name, text] of [
    ['index.html.gz', '<!doctype html>'],
    ['assets/main-1A.js.gz', 'run()'],
    ['assets/.hidden.js.gz', 'no'],
    ['notes.txt.gz', 'no'],
  ] as const)
    await writeFile(join(page, name), gzipSync(text));
  await writeFile(join(at.folder, 'secret.pem'), 'secret');
  await symlink(join(at.folder, 'secret.pem'), join(page, 'assets', 'link.js.gz'));
  const door = await openTestDoor({ pageFolder: page });
  try {
    const zipped = await door.ask({ path: '/', headers: { 'accept-encoding': 'br, gzip' } });
    assert.equal([zipped.status, zipped.headers['content-encoding'], zipped.headers['cache-control']], [200, 'gzip', 'no-cache']);
    assert.is((await door.ask({ path: '/?from=portal', headers: { 'accept-encoding': 'gzip;q=0' } })).body, '<!doctype html>');
    const again = await door.ask({ path: '/', headers: { 'accept-encoding': 'gzip', 'if-none-match': String(zipped.headers.etag) } });
    assert.equal([again.status, again.body], [304, '']);
    const script = await door.ask({ path: '/assets/main-1A.js' });
    assert.equal([script.body, script.headers['content-type']], ['run()', 'text/javascript; charset=utf-8']);
    assert.match(String(script.headers['cache-control']), 'immutable');
    assert.is((await door.ask({ path: '/assets/main-1A.js', method: 'HEAD' })).body, '');
    for (const path of [
      '/../secret.pem',
      '/assets/../../secret.pem',
      '/%2e%2e/secret.pem',
      '/assets/..%2f..%2fsecret.pem',
      '/assets/link.js',
      '/assets/.hidden.js',
      '/notes.txt',
      '//etc/passwd',
      '/index.html.gz',
      '/assets/',
      '/door.pem',
      '/assets/main-1A.js\\..',
    ])
      assert.is(codeOf(await door.ask({ path })), '404 lan.not_found', path);
  } finally {
    await door.close();
  }
});

test('a taken port does not stop the recorder: it is said, and tried again', async () => {
  const other = await openTestDoor({ port: at.port });
  assert.is(other.door.address, undefined);
  const line = other.log.lines.find(({ level }) => level === 'error');
  assert.is((line?.facts.error as { code: string } | undefined)?.code, 'lan.port_taken');
  await other.close();
});

test('certificates that fail leave the recorder running', async () => {
  const broken = new LanDoor({
    scope: DOOR_SCOPE,
    port: 0,
    bindAddress: '127.0.0.1',
    certificate: () => Promise.reject(new RangeError('no disk')),
    receive: async () => undefined,
    kept: async () => undefined,
    pageFolder: at.folder,
    remoteKey: Buffer.alloc(32),
    clock: systemClock,
    log: at.log,
  });
  await broken.start();
  assert.is(broken.address, undefined);
  await broken.stop();
});

test('what it writes is counted as it goes over the wire, handshakes and connections that are over included', async () => {
  const wire = await startTcpProxy(at.port);
  for (let n = 0; n < 3; n += 1) await at.ask({ path: '/nothing', port: wire.port });
  await until('all of it has arrived', () => wire.answered() > 3_000 && at.door.sentBytes === wire.answered()).catch(() =>
    assert.is(at.door.sentBytes, wire.answered()),
  );
  await wire.stop();
});

test.run();
