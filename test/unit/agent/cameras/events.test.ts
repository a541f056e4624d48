import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CameraEvent } from '../../../../drivers/port.js';
import { DriverError } from '../../../../drivers/port.js';
import { found, news, settle, stream, withSite } from './camera-fakes.js';

test('events are listened to while a camera is usable; complaints stand in its view, motion does not', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.hasEvents = true;
    site.visible = [found(1)];
    const registry = await start();
    assert.is(camera.listeners.length, 1);
    const heard: [string, CameraEvent['kind']][] = [];
    registry.onEvent((id, event) => heard.push([id, event.kind]));
    let changes = 0;
    registry.onChange(() => {
      changes += 1;
    });
    camera.listeners[0]?.onEvent(news('motion', true));
    assert.is(changes, 0, 'who moves in front of a camera wakes nobody and leaves the recorder to nobody');
    camera.listeners[0]?.onEvent(news('tamper', true));
    camera.listeners[0]?.onEvent(news('video-loss', true));
    assert.equal(registry.find('cam-1')?.alarms, ['tamper', 'video-loss']);
    camera.listeners[0]?.onEvent(news('tamper', false));
    assert.equal(registry.find('cam-1')?.alarms, ['video-loss']);
    assert.equal(heard, [
      ['cam-1', 'motion'],
      ['cam-1', 'tamper'],
      ['cam-1', 'video-loss'],
      ['cam-1', 'tamper'],
    ]);
    assert.is(changes, 3);
    for (let round = 0; round < 25; round += 1) await site.pass(30_000);
    assert.is(camera.count('events'), 1, 'an inspection does not subscribe anew');
  }));

test('what ended is listened to again, ever more rarely, and what was said before is forgotten', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.hasEvents = true;
    site.visible = [found(1)];
    const registry = await start();
    camera.listeners[0]?.onEvent(news('tamper', true));
    camera.listeners.pop()?.onEnd(new DriverError('camera.unreachable', 'the subscription is gone'));
    assert.equal(registry.find('cam-1')?.alarms, [], 'nobody takes it back any more');
    await site.pass(30_000);
    assert.is(camera.count('events'), 2);
    for (let round = 0; round < 3; round += 1) {
      camera.listeners.pop()?.onEnd(new DriverError('camera.unreachable', 'again'));
      await site.pass(30_000);
    }
    assert.is(registry.find('cam-1')?.state, 'online', 'a camera without events is a camera');
    assert.is(camera.count('events'), 5);
  }));

test('an event of one lens is told of its channel', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.hasEvents = true;
    camera.sources = ['v0', 'v1'].map((token) => ({ token, name: token, streams: [stream('main', 1280, 720)], profiles: [] }));
    site.visible = [found(1)];
    const registry = await start();
    await site.pass(1_000);
    assert.is(camera.listeners.length, 1, 'one subscription per device: many cameras have room for few');
    camera.listeners[0]?.onEvent(news('video-loss', true, 'v1'));
    assert.equal(
      registry.list().map(({ id, alarms }) => [id, alarms]),
      [
        ['cam-1', []],
        ['cam-2', ['video-loss']],
      ],
    );
  }));

test('a stream that failed has its camera inspected at once, and says what is wrong with it', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    const other = site.camera(2);
    site.visible = [found(1), found(2)];
    const registry = await start();
    const { uri } = await registry.resolveStream('cam-1', 'main');
    const [before, beside] = [camera.count('identify'), other.calls.length];
    camera.user = 'changed';
    registry.streamFailed(uri);
    await settle();
    assert.is(camera.count('identify'), before + 1);
    assert.is(registry.find('cam-1')?.reason?.code, 'cameras.wrong_password');
    assert.is(other.calls.length, beside, 'the other one is left alone');
    registry.streamFailed('rtsp://192.0.2.9/unknown');
  }));

test.run();
