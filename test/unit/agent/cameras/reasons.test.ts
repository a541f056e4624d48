import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cameraError, explain } from '../../../../agent/cameras/reasons.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { DriverError, type DriverErrorCode } from '../../../../drivers/port.js';
import { login } from './camera-fakes.js';

const context = { host: '192.0.2.7', login: login('admin', 'topsecret') };
const CODES: readonly DriverErrorCode[] = [
  'camera.unreachable',
  'camera.timeout',
  'camera.unauthorized',
  'camera.locked_out',
  'camera.not_onvif',
  'camera.bad_answer',
  'camera.unsupported',
  'camera.refused',
  'stream.bad_uri',
  'serial.unavailable',
  'serial.timeout',
  'driver.aborted',
];

test('every error of a camera has its own code and two sentences', () => {
  const reasons = CODES.map((code) => explain(new DriverError(code, 'internal words'), context));
  assert.is(new Set(reasons.map(({ code }) => code)).size, CODES.length);
  for (const { code, say, fix } of reasons) {
    assert.match(code, /^cameras\.[a-z_]+$/);
    assert.match(say, /^[A-Z].*\.$/);
    assert.match(fix, /^[A-Z].*\.$/);
    assert.not.match(say + fix, 'topsecret');
  }
});

test('a refused password says how many tries are left, a missing one that there is none', () => {
  const refused = new DriverError('camera.unauthorized', 'no', { detail: { triesLeft: 2 } });
  assert.match(explain(refused, context).say, 'refuses the password of user admin (ONVIF NotAuthorized)');
  assert.match(explain(refused, context).say, '2 left');
  assert.is(explain(refused, { ...context, login: undefined }).code, 'cameras.no_login');
  const pin = new DriverError('camera.unauthorized', 'no', { detail: { isPinChanged: true } });
  assert.is(explain(pin, context).code, 'cameras.certificate_changed');
});

test('an error keeps whether it may be tried again and its cause; a defect of ours is called one', () => {
  const cause = new DriverError('camera.timeout', 'x');
  const error = cameraError(cause, context);
  assert.instance(error, AgentError);
  assert.is(error.retryable, true);
  assert.is(error.cause, cause);
  assert.is(cameraError(error, context), error);
  assert.is(cameraError(new TypeError('x'), context).code, 'cameras.failed');
});

test.run();
