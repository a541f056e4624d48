import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hostOf, hostPortOf, parseCameraAddress } from '../../../../agent/cameras/address.js';
import type { AgentError } from '../../../../agent/kernel/errors.js';

const uri = (text: string): string => parseCameraAddress(text).deviceUri;

test('every usual way to write an address', () => {
  assert.is(uri('onvif://192.0.2.7'), 'http://192.0.2.7/onvif/device_service');
  assert.is(uri('192.0.2.7:8080'), 'http://192.0.2.7:8080/onvif/device_service');
  assert.is(uri(' ONVIF://camera.lan:81/my/path?x=1 '), 'http://camera.lan:81/my/path?x=1');
  assert.is(uri('https://192.0.2.7/'), 'https://192.0.2.7/onvif/device_service');
  assert.is(uri('onvif://[2001:db8::7]:80/x'), 'http://[2001:db8::7]/x');
});

test('a login inside is taken out, decoded, and never printed', () => {
  const { deviceUri, login } = parseCameraAddress('onvif://ad%40min:p%3Aw%2F@192.0.2.7/');
  assert.is(deviceUri, 'http://192.0.2.7/onvif/device_service');
  assert.is(login?.user, 'ad@min');
  assert.is(login?.password.reveal(), 'p:w/');
  assert.not.match(JSON.stringify(login), 'p:w');
});

test('anything else is refused without being repeated', () => {
  for (const text of [
    '',
    'ftp://u:secret@x',
    'rtsp://192.0.2.7',
    'onvif://',
    'onvif://u:%E0%A4@h',
    'http://a b',
    `onvif://${'x'.repeat(600)}`,
  ]) {
    assert.throws(
      () => parseCameraAddress(text),
      (error: AgentError) => error.code === 'cameras.bad_address' && !error.message.includes('secret'),
      text,
    );
  }
});

test('host and port tell devices apart', () => {
  assert.is(hostOf('http://192.0.2.7:81/x'), '192.0.2.7');
  assert.is(hostPortOf('http://192.0.2.7/x'), '192.0.2.7:80');
  assert.is(hostPortOf('https://192.0.2.7/x'), '192.0.2.7:443');
});

test.run();
