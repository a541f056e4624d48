/** Whom the password itself may be told: the device at the very address that a person set it for, and nobody who only answers in the network. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { explain } from '../../../../agent/cameras/reasons.js';
import { nextStatus, UNKNOWN } from '../../../../agent/cameras/state.js';
import { type CameraSource, DriverError } from '../../../../drivers/port.js';
import { found, login, stream, withSite } from './camera-fakes.js';

const at = (number: number, host: string) => ({ ...found(number), deviceUri: `http://${host}/onvif/device_service` });
const lens = (token: string): CameraSource => ({
  token,
  name: token,
  streams: [{ ...stream('main', 1280, 720), profileToken: token }],
  profiles: [],
});

test('a device that only answered a search is tried with the group’s login, and never told the password', () =>
  withSite(async (site, start) => {
    const stranger = site.camera(1);
    site.visible = [found(1)];
    const registry = await start();
    assert.is(registry.find('cam-1')?.state, 'online');
    assert.ok(stranger.mayTell.length > 0 && !stranger.mayTell.includes(true));
    assert.is(registry.loginInUse('cam-1')?.mayBasic, false, 'nor for its pictures');
  }));

test('a camera that takes nothing but the password is said to need its login once more, for itself', () => {
  const error = new DriverError('camera.unauthorized', 'as told', { detail: { isPasswordWithheld: true } });
  const reason = explain(error, { host: '192.0.2.1', login: login('admin') });
  assert.is(reason.code, 'cameras.password_withheld');
  assert.match(reason.fix, /enter its user and password once more, for this camera/);
  assert.is(nextStatus(UNKNOWN, { kind: 'failed', reason }, 0).state, 'unauthorized');
});

test('a login that a person set for this address may be told there, after a new start too', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    const registry = await start({ groupLogins: [] });
    await registry.add('192.0.2.1', login('admin'));
    assert.equal([...new Set(camera.mayTell)], [true]);
    assert.is(registry.loginInUse('cam-1')?.mayBasic, true);
    await registry.stop();
    const again = await start({ groupLogins: [] });
    assert.is(again.loginInUse('cam-1')?.mayBasic, true);
    assert.equal([...new Set(camera.mayTell)], [true]);
  }));

test('who takes the place of a silent camera at another address is not told, not after a new start, until a person sets the login there', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    const stranger = site.camera(9);
    site.visible = [found(1)];
    const registry = await start({ groupLogins: [] });
    await registry.setLogin('cam-1', login('admin'));
    camera.fails = 'camera.unreachable';
    await registry.check('cam-1');
    site.visible = [at(1, '192.0.2.9')];
    await registry.discover();
    await site.pass(1_000);
    assert.is(registry.find('cam-1')?.host, '192.0.2.9');
    assert.ok(stranger.mayTell.length > 0 && !stranger.mayTell.includes(true));
    await registry.stop();
    const again = await start({ groupLogins: [] });
    assert.is(again.loginInUse('cam-1')?.mayBasic, false);
    // What was in use is set again when a configuration is taken back: that does not make it right.
    const inUse = again.loginInUse('cam-1');
    await again.setLogin('cam-1', inUse);
    assert.not.ok(stranger.mayTell.includes(true));
    await again.setLogin('cam-1', login('admin'));
    assert.is(again.loginInUse('cam-1')?.mayBasic, true);
  }));

test('of a device with several sources all are told or none, and the heir of the login gets it as it was', () =>
  withSite(async (site, start) => {
    const device = site.camera(1);
    const stranger = site.camera(9);
    for (const each of [device, stranger]) each.sources = [lens('v0'), lens('v1')];
    site.visible = [found(1)];
    const registry = await start({ groupLogins: [] });
    await registry.setLogin('cam-1', login('admin'));
    await site.pass(1_000);
    assert.is(registry.loginInUse('cam-2')?.mayBasic, true);
    device.fails = 'camera.unreachable';
    await registry.check('cam-1');
    site.visible = [at(1, '192.0.2.9')];
    await registry.discover();
    for (let round = 0; round < 3; round += 1) await site.pass(1_000);
    assert.is(registry.find('cam-1')?.host, '192.0.2.9');
    await registry.remove('cam-1');
    await site.pass(1_000);
    assert.is(registry.loginInUse('cam-2')?.user, 'admin');
    assert.not.ok(stranger.mayTell.includes(true));
  }));

test.run();
