import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CameraNote } from '../../../../agent/cameras/ports.js';
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

test('a camera that answers where it is listened to is not asked whether it lives, but read as a whole when that is due', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.hasEvents = true;
    site.visible = [found(1)];
    const registry = await start();
    const before = camera.calls.length;
    for (let round = 0; round < 14; round += 1) {
      await site.pass(20_000);
      camera.listeners[0]?.onAlive?.();
    }
    assert.is(camera.calls.length, before);
    assert.is(registry.find('cam-1')?.lastSeenAt, site.clock.now());
    await site.pass(20_000);
    camera.listeners[0]?.onAlive?.();
    await site.pass(15_000);
    assert.is(camera.count('identify'), 2);
    camera.fails = 'camera.unreachable';
    await site.pass(33_000);
    assert.is(registry.find('cam-1')?.reason?.code, 'cameras.gone', 'silence is noticed as soon as before');
    camera.listeners[0]?.onAlive?.();
    assert.is(registry.find('cam-1')?.state, 'fault', 'only a usable camera is believed to live by this');
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

test('a camera that was away is listened to anew as soon as it is back, and its complaints are written down when they change', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.hasEvents = true;
    site.visible = [found(1)];
    const notes: CameraNote[] = [];
    const registry = await start({ note: (note) => void notes.push(note) });
    camera.listeners[0]?.onEvent(news('video-loss', true));
    camera.listeners[0]?.onEvent(news('motion', true));
    camera.listeners[0]?.onEvent({ ...news('digital-input', false, 'door'), isInitial: true });
    camera.listeners[0]?.onEvent(news('digital-input', true, 'door'));
    camera.fails = 'camera.unreachable';
    await site.pass(30_000);
    camera.fails = undefined;
    await site.pass(5_000);
    assert.is(camera.count('events'), 2);
    assert.is(camera.listeners.length, 1, 'the subscription of before is given back');
    assert.equal(registry.find('cam-1')?.alarms, []);
    camera.listeners[0]?.onEvent({ ...news('video-loss', true), isInitial: true });
    camera.listeners[0]?.onEvent(news('video-loss', false));
    const told = notes.slice(1).map((note) => [note.kind, 'alarm' in note ? note.alarm : '', 'isOn' in note && note.isOn]);
    assert.equal(told, [
      ['alarm', 'video-loss', true],
      ['input', '', true],
      ['alarm', 'video-loss', false],
    ]);
  }));

test('a camera gone mad fills no log', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.hasEvents = true;
    site.visible = [found(1)];
    const notes: CameraNote[] = [];
    await start({ note: (note) => void notes.push(note) });
    for (let round = 0; round < 1_000; round += 1) {
      camera.listeners[0]?.onEvent(news('tamper', round % 2 === 0));
      camera.listeners[0]?.onEvent(news('digital-input', true, `input ${round}`));
    }
    assert.is(notes.length, 1 + 12);
    assert.is(site.lines.filter((line) => line.includes('more than the operation log takes')).length, 1);
    await site.pass(10 * 60_000);
    camera.listeners[0]?.onEvent(news('video-loss', true));
    assert.is(notes.length, 1 + 13);
  }));

test('a camera that refuses its events is asked once whether the login still holds, and then left alone', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.hasEvents = true;
    site.visible = [found(1)];
    const registry = await start();
    camera.user = 'changed';
    camera.eventsFail = 'camera.unauthorized';
    const [tried, opened] = [camera.users.length, camera.count('events')];
    camera.listeners.pop()?.onEnd(new DriverError('camera.unauthorized', 'no'));
    await settle();
    assert.is(registry.find('cam-1')?.reason?.code, 'cameras.wrong_password');
    for (let round = 0; round < 20; round += 1) await site.pass(30_000);
    assert.is(camera.users.length - tried, 1);
    assert.is(camera.count('events'), opened, 'nor is its event service asked with it');
  }));

test('an event of one lens is told of its channel', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.hasEvents = true;
    camera.sources = ['v0', 'v1'].map((token) => ({
      token,
      configurations: [`${token}-config`],
      name: token,
      streams: [stream('main', 1280, 720)],
      profiles: [],
    }));
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
    camera.listeners[0]?.onEvent(news('tamper', true, 'v1-config'));
    assert.equal(registry.find('cam-2')?.alarms, ['tamper', 'video-loss'], 'some events name the configuration');
    let told = 0;
    registry.onChange(() => {
      told += 1;
    });
    camera.listeners.pop()?.onEnd(new DriverError('camera.unreachable', 'the subscription is gone'));
    assert.equal(registry.find('cam-2')?.alarms, [], 'nobody takes it back any more');
    assert.is(told, 1);
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
