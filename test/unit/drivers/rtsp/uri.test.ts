import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError } from '../../../../drivers/port.js';
import { basePath, controlPaths, formatRtspUri, parseRtspUri, requireRtspUri } from '../../../../drivers/rtsp/uri.js';

test('an address is taken apart and put together as it was written', () => {
  const cases: readonly [string, string][] = [
    ['rtsp://192.0.2.7/', 'rtsp://192.0.2.7/'],
    ['rtsp://192.0.2.7:554/main', 'rtsp://192.0.2.7/main'],
    ['RTSP://Camera.Local:8554', 'rtsp://camera.local:8554/'],
    ['rtsps://[2001:db8::1]:322/x?a=1&b=2', 'rtsps://[2001:db8::1]/x?a=1&b=2'],
    ['rtsp://h/user=a&password=&channel=1&stream=0.sdp?real_stream', 'rtsp://h/user=a&password=&channel=1&stream=0.sdp?real_stream'],
    ['rtsp://h/a/../b%20c/ü d#part', 'rtsp://h/a/../b%20c/%c3%bc%20d'],
    ['rtsp://h?x=1', 'rtsp://h/?x=1'],
  ];
  for (const [text, expected] of cases) {
    const uri = parseRtspUri(text);
    assert.ok(uri, text);
    assert.is(formatRtspUri(uri), expected);
  }
});

test('other schemes, logins, other hosts, bad ports and control characters are refused with stream.bad_uri', () => {
  const bad = [
    'http://192.0.2.7/x',
    'file:///etc/passwd',
    'rtsp:///x',
    'rtsp://user:pass@192.0.2.7/x',
    'rtsp://192.0.2.7@evil.example/x',
    'rtsp://192.0.2.7:0/x',
    'rtsp://192.0.2.7:65536/x',
    'rtsp://192.0.2.7:5a4/x',
    'rtsp://192.0.2.7/x\r\nTEARDOWN x',
    'rtsp://192.0.2.7\u0000/x',
    'rtsp://192.0.2.8/x',
    'rtsp://0xC0000207/x',
    'rtsp://192.0.2.7.evil.example/x',
    'rtsp://192.0.2.7\\@evil.example/x',
    'rtsp://[192.0.2.7/x',
    '-version',
    '',
    `rtsp://192.0.2.7/${'x'.repeat(3000)}`,
  ];
  for (const text of bad) {
    try {
      requireRtspUri(text, '192.0.2.7');
      assert.unreachable(text);
    } catch (error) {
      assert.instance(error, DriverError, text);
      assert.is((error as DriverError).code, 'stream.bad_uri', text);
    }
  }
  assert.is(requireRtspUri('rtsp://[2001:DB8::1]/x', '[2001:db8::1]').host, '2001:db8::1');
});

test('an address of one link only: the link is ours to know, is used to connect and never sent', () => {
  const reached: readonly [string, string, string][] = [
    ['rtsp://[fe80::1]:8554/x', 'fe80::1%eth0', 'fe80::1%eth0'],
    ['rtsp://[fe80::1%25eth0]/x', '[fe80::1%eth0]', 'fe80::1%eth0'],
    ['rtsp://[FE80:0:0::1%eth0]/x', 'fe80::1', 'fe80::1'],
    ['rtsp://[2001:db8:0:0::1]/x', '2001:DB8::1', '2001:db8::1'],
  ];
  for (const [text, allowed, host] of reached) {
    const uri = requireRtspUri(text, allowed);
    assert.is(uri.host, host, text);
    assert.not.match(formatRtspUri(uri), '%');
  }
  for (const [text, allowed] of [
    ['rtsp://[fe80::1%eth1]/x', 'fe80::1%eth0'],
    ['rtsp://[fe80::2]/x', 'fe80::1%eth0'],
    ['rtsp://[fe80::1%eth0%eth1]/x', 'fe80::1%eth0'],
    ['rtsp://[fe80::1%]/x', 'fe80::1'],
  ] as const)
    assert.throws(
      () => requireRtspUri(text, allowed),
      (error: unknown) => error instanceof DriverError && error.code === 'stream.bad_uri',
      text,
    );
});

test('whatever the text, an accepted address is one printable line on the allowed host', () => {
  const piece = fc.constantFrom(
    'rtsp',
    'rtsps',
    '://',
    '@',
    ':',
    '/',
    '\\',
    '192.0.2.7',
    'evil',
    '#',
    '?',
    '%00',
    '[',
    ']',
    ' ',
    '\n',
    '\t',
    '554',
    'ü',
    '\ud800',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 12 }).map((a) => a.join('')),
      ),
      (text) => {
        const uri = parseRtspUri(text);
        if (uri !== undefined) assert.match(formatRtspUri(uri), /^rtsps?:\/\/[^@\s/]+\/[!-~]*$/);
        for (const path of controlPaths(text, basePath(text, '/x'), '/x')) assert.match(path, /^\/[!-~]*$/);
      },
    ),
    { numRuns: 3000 },
  );
});

test('the base of a description', () => {
  const cases: readonly [string | undefined, string][] = [
    [undefined, '/asked'],
    ['', '/asked'],
    ['rtsp://10.0.0.1:554/inner/', '/inner/'],
    ['rtsp://10.0.0.1', '/'],
    ['192.168.1.10:554/stream0/', '/stream0/'],
    ['/relative/', '/relative/'],
    ['nonsense', '/asked'],
    ['rtsp://h/1?mode=Live&fps=100/', '/1?mode=Live&fps=100/'],
  ];
  for (const [header, expected] of cases) assert.is(basePath(header, '/asked'), expected, header ?? 'none');
});

test('control addresses, the likeliest reading first', () => {
  const first = (control: string | undefined, base: string): string | undefined => controlPaths(control, base, '/asked')[0];
  assert.is(first('trackID=1', '/av0'), '/av0/trackID=1');
  assert.is(first('trackID=1', '/av0/'), '/av0/trackID=1');
  assert.is(first('track1', '/1?mode=Live&follow=0/'), '/1?mode=Live&follow=0/track1');
  assert.is(first('?ctype=video', '/live'), '/live?ctype=video');
  assert.is(first('/other/track1', '/live'), '/other/track1');
  assert.is(first('rtsp://192.168.0.218/?rtsp_tunnel&stream=video', '/live'), '/?rtsp_tunnel&stream=video');
  assert.is(first('rtsp://10.0.0.1:554', '/live'), '/');
  assert.is(first('*', '/live/'), '/live/');
  assert.is(first(undefined, '/live/'), '/live/');
  assert.is(first('a b', '/live'), '/live/a%20b');
  assert.equal(controlPaths('track1', '/a/b?c', '/asked'), ['/a/b?c/track1', '/a/track1', '/asked/track1']);
  assert.equal(controlPaths('x\r\ny', '/a', '/asked'), []);
});

test.run();
