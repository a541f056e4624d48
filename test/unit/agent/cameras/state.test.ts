import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CameraEvent, type CameraStatus, nextProbeMs, nextStatus, UNKNOWN } from '../../../../agent/cameras/state.js';
import { cameraTiming } from '../../../../agent/cameras/timing.js';

const failed = (code: string): CameraEvent => ({ kind: 'failed', reason: { code: `cameras.${code}`, say: code, fix: code } });
const after = (...events: readonly CameraEvent[]): CameraStatus =>
  events.reduce((status, event, at) => nextStatus(status, event, at + 1), UNKNOWN);
const ANSWERED: CameraEvent = { kind: 'answered' };
const INSPECTED: CameraEvent = { kind: 'inspected' };

test('every way through the states', () => {
  const table: readonly (readonly [string, string | undefined, readonly CameraEvent[]])[] = [
    ['unknown', undefined, []],
    ['reachable', undefined, [ANSWERED]],
    ['online', undefined, [ANSWERED, INSPECTED]],
    ['online', undefined, [INSPECTED, ANSWERED]],
    ['fault', 'gone', [INSPECTED, failed('gone')]],
    ['reachable', undefined, [INSPECTED, failed('gone'), ANSWERED]],
    ['fault', 'slow', [failed('slow')]],
    ['unauthorized', 'wrong_password', [ANSWERED, failed('wrong_password')]],
    ['unauthorized', 'wrong_password', [failed('wrong_password'), ANSWERED]],
    ['unauthorized', 'no_login', [failed('no_login')]],
    ['unauthorized', 'locked_out', [failed('locked_out'), ANSWERED]],
    ['unauthorized', 'certificate_changed', [failed('certificate_changed')]],
    ['fault', 'bad_stream_address', [failed('bad_stream_address'), ANSWERED]],
    ['online', undefined, [failed('not_onvif'), INSPECTED]],
    ['online', undefined, [INSPECTED, failed('refused')]],
    ['online', undefined, [INSPECTED, failed('unsupported')]],
    ['online', undefined, [INSPECTED, failed('cancelled')]],
    ['unknown', undefined, [failed('wrong_password'), { kind: 'changed' }]],
  ];
  for (const [state, code, events] of table) {
    const status = after(...events);
    assert.is(status.state, state, JSON.stringify(events));
    assert.is(status.reason?.code, code === undefined ? undefined : `cameras.${code}`, JSON.stringify(events));
  }
});

test('last seen moves with answers only, a refused password being one', () => {
  assert.is(after(ANSWERED, failed('gone')).lastSeenAt, 1);
  assert.is(after(ANSWERED, failed('wrong_password')).lastSeenAt, 2);
  assert.is(after(failed('slow')).lastSeenAt, undefined);
});

test('a fresh failure is looked at again soon, an old one at the usual pace, all spread by a tenth', () => {
  const timing = cameraTiming(undefined);
  const gone = failed('gone');
  assert.is(nextProbeMs(after(INSPECTED), timing, 0.5), 30_000);
  assert.is(nextProbeMs(after(INSPECTED), timing, 0), 27_000);
  assert.is(nextProbeMs(after(gone), timing, 0.5), 5_000);
  assert.is(nextProbeMs(after(gone, gone, gone), timing, 0.5), 5_000);
  assert.is(nextProbeMs(after(gone, gone, gone, gone), timing, 0.5), 30_000);
});

test.run();
