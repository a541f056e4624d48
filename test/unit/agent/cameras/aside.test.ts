import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { DriverError, type DriverErrorCode } from '../../../../drivers/port.js';
import { found, settle, withSite } from './camera-fakes.js';

/** The code it rejects with. */
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof AgentError ? error.code : 'other'),
  );

test('a still that hangs, a slow card and a user without rights to either cost a camera nothing; it is looked at, and not at every try', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    Object.assign(camera, { hasEvents: true, hasRecordings: true, snapshotFails: 'camera.timeout' });
    site.visible = [found(1)];
    const registry = await start();
    const states: string[] = [];
    registry.onChange(({ state }) => states.push(state));
    const searches = site.searches;
    const card = (code: DriverErrorCode): Promise<never> =>
      registry.withRecordings('cam-1', undefined, () => Promise.reject(new DriverError(code, 'x')));
    const inspected = (): number => camera.count('identify');
    const codes: string[] = [];
    const before = inspected();
    for (const code of ['camera.timeout', 'camera.unreachable', 'camera.not_onvif'] as const) {
      camera.snapshotFails = code;
      codes.push(await codeOf(registry.picture('cam-1')), await codeOf(card(code)));
      await settle();
    }
    assert.equal(
      codes,
      ['slow', 'slow', 'gone', 'gone', 'not_onvif', 'not_onvif'].map((reason) => `cameras.${reason}`),
    );
    assert.is(inspected() - before, 1, 'it is looked at once');
    await site.pass(10_000);
    camera.snapshotFails = 'camera.unauthorized';
    codes.length = 0;
    for (let turn = 0; turn < 3; turn += 1) codes.push(await codeOf(registry.picture('cam-1')), await codeOf(card('camera.unauthorized')));
    assert.equal(codes, new Array(6).fill('cameras.not_permitted'));
    assert.is(inspected() - before, 2);
    await site.pass(10_000);
    assert.is(await codeOf(card('camera.refused')), 'cameras.refused');
    assert.is(inspected() - before, 2, 'what says nothing of the camera has nothing looked at');
    assert.equal([registry.find('cam-1')?.state, states, site.searches], ['online', [], searches]);
    assert.equal([camera.count('events'), camera.listeners.length], [1, 1], 'its events are heard on');
    camera.fails = 'camera.unreachable';
    camera.snapshotFails = 'camera.timeout';
    assert.is(await codeOf(registry.picture('cam-1')), 'cameras.gone');
    await settle();
    assert.is(registry.find('cam-1')?.reason?.code, 'cameras.gone', 'one that is gone is found out at once');
  }));

test.run();
