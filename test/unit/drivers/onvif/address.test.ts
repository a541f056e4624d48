import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseReached, rebuildStreamUri, servicePath } from '../../../../drivers/onvif/address.js';
import type { DriverError } from '../../../../drivers/port.js';

const reached = parseReached('http://192.0.2.7:8080/onvif/device_service');

test('a device address is taken apart, the default path and ports included', () => {
  assert.equal(reached, {
    scheme: 'http:',
    host: '192.0.2.7',
    socketHost: '192.0.2.7',
    port: 8080,
    key: '192.0.2.7:8080',
    path: '/onvif/device_service',
  });
  assert.is(parseReached('https://camera.lan').port, 443);
  assert.is(parseReached('http://camera.lan').path, '/onvif/device_service');
  assert.is(parseReached('http://[2001:db8::7]/x?y=1').socketHost, '2001:db8::7');
  assert.is(parseReached('http://[2001:db8::7]/x?y=1').path, '/x?y=1');
  for (const text of ['', 'nonsense', 'ftp://192.0.2.7/', 'file:///etc/passwd'])
    assert.throws(
      () => parseReached(text),
      (error: DriverError) => error.code === 'camera.unreachable',
    );
});

test('of a service address only path and query are taken', () => {
  assert.is(servicePath('http://10.0.0.1:81/onvif/event?sub=7'), '/onvif/event?sub=7');
  assert.is(servicePath('rtsp://10.0.0.1/x'), undefined);
  assert.is(servicePath(''), undefined);
});

test('a stream address keeps port, path and query, loses login and host', () => {
  assert.is(rebuildStreamUri('rtsp://user:pw@10.0.0.1:554/a/b?c=d&e=f', reached), 'rtsp://192.0.2.7:554/a/b?c=d&e=f');
  assert.is(rebuildStreamUri('RTSP://10.0.0.1/live', reached), 'rtsp://192.0.2.7/live');
  assert.is(rebuildStreamUri('rtsps://[fe80::1]:322/live', reached), 'rtsps://192.0.2.7:322/live');
});

test('any other scheme is refused by name, nonsense too', () => {
  const hostile = [
    'file:///etc/passwd',
    'http://169.254.169.254/',
    'concat:a|b',
    'subfile,,start,0,:x',
    'javascript:1',
    '',
    '-version',
    'rtsp',
    `rtsp://h/${'x'.repeat(3000)}`,
  ];
  for (const uri of hostile)
    assert.throws(
      () => rebuildStreamUri(uri, reached),
      (error: DriverError) => error.code === 'stream.bad_uri',
    );
});

test('blanks, quotes and line breaks cannot get out of the path', () => {
  const made = rebuildStreamUri('rtsp://10.0.0.1/a b"\r\nX: y', reached);
  assert.not.match(made, /[\s"]/);
});

test.run();
