import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CameraSource } from '../../../../drivers/port.js';
import { found, login, stream, withSite } from './camera-fakes.js';

const lens = (token: string, name: string, width = 1280): CameraSource => {
  const main = { ...stream('main', width, 720), profileToken: `p-${token}` };
  return { token, name, streams: [main], profiles: [main] };
};

const LENSES = [lens('v0', 'Gate'), lens('v1', 'Yard'), lens('v2', 'Hall'), { ...lens('v3', 'Empty input'), streams: [] }];

test('a device with several video sources is as many channels, asked for signs of life once', () =>
  withSite(async (site, start) => {
    const device = site.camera(1);
    device.sources = LENSES;
    site.visible = [found(1)];
    const registry = await start();
    await site.pass(1_000);
    assert.equal(
      registry.list().map(({ id, name, state }) => [id, name, state]),
      [
        ['cam-1', 'Camera 1', 'online'],
        ['cam-2', 'Yard', 'online'],
        ['cam-3', 'Hall', 'online'],
      ],
    );
    assert.is((await registry.resolveStream('cam-3', 'main')).uri, 'rtsp://192.0.2.1:554/p-v2');
    const before = device.count('clock');
    for (let round = 0; round < 4; round += 1) await site.pass(30_000);
    assert.is(device.count('clock') - before, 4, 'one channel asks for all');
  }));

test('a changed password is tried by one channel only, and one new login mends them all', () =>
  withSite(async (site, start) => {
    const device = site.camera(1);
    device.sources = LENSES;
    site.visible = [found(1)];
    const registry = await start();
    await site.pass(1_000);
    device.user = 'changed';
    device.users.length = 0;
    for (let round = 0; round < 24; round += 1) await site.pass(30_000);
    assert.equal(
      registry.list().map(({ state, reason }) => [state, reason?.code]),
      Array.from({ length: 3 }, () => ['unauthorized', 'cameras.wrong_password']),
    );
    assert.ok(device.users.length <= 3, `${device.users.length} wrong tries lock an account`);
    await registry.setLogin('cam-2', login('changed'));
    await site.pass(1_000);
    assert.equal(
      registry.list().map(({ state, hasLogin }) => [state, hasLogin]),
      Array.from({ length: 3 }, () => ['online', true]),
    );
    assert.equal([...site.store.logins.keys()], ['cam-1'], 'the login is the device’s');
  }));

test('one of them can be removed for good; when the first goes, the next one leads and has the login', () =>
  withSite(async (site, start) => {
    const device = site.camera(1);
    device.sources = LENSES;
    device.user = 'own';
    const first = await start();
    await first.add('192.0.2.1', login('own'));
    await site.pass(1_000);
    await first.remove('cam-2');
    await first.check('cam-1');
    await first.remove('cam-1');
    await site.pass(1_000);
    assert.equal(
      first.list().map(({ id, state, hasLogin }) => [id, state, hasLogin]),
      [['cam-3', 'online', true]],
    );
    await first.stop();
    site.visible = [found(1)];
    const second = await start();
    await site.pass(1_000);
    assert.equal(
      second.list().map(({ id, state }) => [id, state]),
      [['cam-3', 'online']],
      'removed ones do not come back with a search or a restart',
    );
  }));

test('a device that goes away takes all its channels with it, and brings them back', () =>
  withSite(async (site, start) => {
    const device = site.camera(1);
    device.sources = LENSES;
    site.visible = [found(1)];
    const registry = await start();
    await site.pass(1_000);
    device.fails = 'camera.unreachable';
    await site.pass(33_000);
    assert.equal(
      registry.list().map(({ reason }) => reason?.code),
      ['cameras.gone', 'cameras.gone', 'cameras.gone'],
    );
    device.fails = undefined;
    await site.pass(33_000);
    assert.equal(
      registry.list().map(({ state }) => state),
      ['online', 'online', 'online'],
    );
  }));

test.run();
