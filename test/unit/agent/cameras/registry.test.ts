import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CameraView } from '../../../../agent/cameras/ports.js';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { DriverError } from '../../../../drivers/port.js';
import { found, login, settle, withSite } from './camera-fakes.js';

async function refusal(work: Promise<unknown> | (() => unknown)): Promise<AgentError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return error as AgentError;
  }
  throw new RangeError('nothing was refused');
}

test('a discovered camera becomes cam-1 and online with all that is known of it', () =>
  withSite(async (site, start) => {
    site.camera(1);
    site.visible = [found(1)];
    const registry = await start();
    const [view] = registry.list();
    assert.is(view?.id, 'cam-1');
    assert.is(view?.name, 'Camera 1');
    assert.is(view?.model, 'Dome');
    assert.is(view?.state, 'online', JSON.stringify(view));
    assert.is(view?.host, '192.0.2.1');
    assert.is(view?.ptz, 'onvif');
    assert.equal(
      view?.streams.map(({ kind, width }) => [kind, width]),
      [
        ['main', 1280],
        ['sub', 640],
      ],
    );
    assert.is(registry.list(), registry.list(), 'the list is the same until something changes');
    const stream = await registry.resolveStream('cam-1', 'sub');
    assert.equal(
      [stream.uri, stream.allowedHost, stream.login?.user, stream.profileToken],
      ['rtsp://192.0.2.1:554/p-sub', '192.0.2.1', 'admin', 'p-sub'],
    );
  }));

test('ids stay over restarts, and a removed camera does not come back', () =>
  withSite(async (site, start) => {
    for (const number of [1, 2, 3]) site.camera(number);
    site.visible = [found(1), found(2)];
    const first = await start();
    await first.remove('cam-1');
    await first.rename('cam-2', 'Back door');
    await first.stop();
    site.visible = [found(1), found(2), found(3)];
    const second = await start();
    assert.equal(
      second.list().map(({ id, name }) => [id, name]),
      [
        ['cam-2', 'Back door'],
        ['cam-3', 'Camera 3'],
      ],
    );
    await second.add('onvif://192.0.2.1', undefined);
    assert.is(second.list().at(-1)?.id, 'cam-4', 'a number is never given twice');
  }));

test('an idle camera costs one question per 30 s, and everything again each 5 min', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    site.visible = [found(1)];
    await start();
    const before = camera.calls.length;
    for (let round = 0; round < 9; round += 1) await site.pass(30_000);
    assert.is(camera.calls.length - before, 9);
    for (let round = 0; round < 2; round += 1) await site.pass(30_000);
    assert.is(camera.count('identify'), 2);
  }));

test('a search runs at the start, each 5 min without a camera, each 15 min with one', () =>
  withSite(async (site, start) => {
    const registry = await start();
    assert.is(site.searches, 1);
    await site.pass(300_000);
    assert.is(site.searches, 2);
    site.camera(1);
    site.visible = [found(1)];
    assert.equal(await registry.discover(), { found: ['cam-1'], known: [], removed: 0 });
    await site.pass(300_000);
    assert.is(site.searches, 3);
    await site.pass(600_000);
    assert.is(site.searches, 4);
  }));

test('a hanging camera delays no other, and stop does not wait for it', () =>
  withSite(async (site, start) => {
    site.camera(1).isHanging = true;
    site.camera(2);
    site.visible = [found(1), found(2)];
    const registry = await start();
    assert.equal(
      registry.list().map(({ state }) => state),
      ['unknown', 'online'],
    );
  }));

const FAILURES = [
  ['camera.unreachable', 'fault', 'cameras.gone'],
  ['camera.timeout', 'fault', 'cameras.slow'],
  ['camera.not_onvif', 'fault', 'cameras.not_onvif'],
  ['camera.bad_answer', 'fault', 'cameras.bad_answer'],
  ['camera.locked_out', 'unauthorized', 'cameras.locked_out'],
] as const;

for (const [code, state, reason] of FAILURES) {
  test(`${code} shows as ${state} with ${reason}, is asked again soon, and heals`, () =>
    withSite(async (site, start) => {
      const camera = site.camera(1);
      camera.fails = code;
      site.visible = [found(1)];
      const registry = await start();
      const view = registry.find('cam-1');
      assert.equal([view?.state, view?.reason?.code], [state, reason]);
      assert.ok(view?.reason?.say && view.reason.fix);
      assert.is((await refusal(registry.resolveStream('cam-1', 'main'))).code, reason);
      camera.fails = undefined;
      await site.pass(5_000);
      assert.is(registry.find('cam-1')?.state, 'online');
    }));
}

test('another scheme in the stream address is a fault of that camera only', () =>
  withSite(async (site, start) => {
    site.camera(1).uriFails = new DriverError('stream.bad_uri', 'no', { detail: { scheme: 'http' } });
    site.camera(2);
    site.visible = [found(1), found(2)];
    const registry = await start();
    assert.is(registry.find('cam-1')?.reason?.code, 'cameras.bad_stream_address');
    assert.match(registry.find('cam-1')?.reason?.say ?? '', '"http"');
    assert.is(registry.find('cam-2')?.state, 'online');
  }));

test('group logins are tried in turn, each once, and then the camera is left alone', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.user = 'someone-else';
    site.visible = [found(1)];
    const registry = await start({ groupLogins: ['a', 'b', 'c', 'd'].map((user) => login(user)) });
    assert.equal(camera.users, ['a', 'b', 'c'], 'a fourth wrong login could lock the account');
    const view = registry.find('cam-1');
    assert.is(view?.state, 'unauthorized');
    assert.is(view?.reason?.code, 'cameras.wrong_password');
    for (let round = 0; round < 20; round += 1) await site.pass(30_000);
    assert.is(camera.users.length, 3);
    assert.ok(site.clock.now() - (registry.find('cam-1')?.lastSeenAt ?? 0) <= 30_000, 'it still counts as seen');
    assert.is((await registry.setLogin('cam-1', login('someone-else'))).state, 'online');
    assert.is(site.store.logins.get('cam-1')?.user, 'someone-else');
  }));

test('the right one of several group logins is found and kept', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.user = 'b';
    site.visible = [found(1)];
    const registry = await start({ groupLogins: [login('a'), login('b')] });
    assert.is(registry.find('cam-1')?.state, 'online');
    assert.is((await registry.resolveStream('cam-1', 'main')).login?.user, 'b');
    camera.users.length = 0;
    for (let round = 0; round < 12; round += 1) await site.pass(30_000);
    assert.equal([...new Set(camera.users)], ['b']);
  }));

test('a password changed at the camera is noticed when it matters, without trying it over and over', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    site.visible = [found(1)];
    const registry = await start();
    camera.user = 'changed';
    assert.is((await refusal(registry.synchronize('cam-1', 'main'))).code, 'cameras.wrong_password');
    const tries = camera.users.length;
    for (let round = 0; round < 20; round += 1) await site.pass(30_000);
    assert.is(camera.users.length, tries);
    assert.is(registry.find('cam-1')?.state, 'unauthorized');
    camera.user = 'admin';
    camera.fails = 'camera.unreachable';
    await site.pass(30_000);
    camera.fails = undefined;
    for (let round = 0; round < 4; round += 1) await site.pass(10_000);
    assert.is(registry.find('cam-1')?.state, 'online', 'after the camera was away, the login that once worked is tried again');
  }));

test('a camera that comes and goes with another password is tried once more, not at every return', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    site.visible = [found(1)];
    const registry = await start();
    camera.user = 'changed';
    const before = camera.users.length;
    for (let round = 0; round < 10; round += 1) {
      camera.fails = 'camera.unreachable';
      await site.pass(35_000);
      camera.fails = undefined;
      await site.pass(35_000);
    }
    assert.is(registry.find('cam-1')?.state, 'unauthorized');
    assert.ok(camera.users.length - before <= 2, `${camera.users.length - before} wrong logins`);
  }));

test('who holds a button at a camera that refuses the login tries no password at every press', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    site.visible = [found(1)];
    const registry = await start();
    const press = () => registry.ptz('cam-1').move({ pan: 1, tilt: 0, zoom: 0 }, { signal: new AbortController().signal });
    camera.user = 'changed';
    const before = camera.users.length;
    assert.is((await refusal(press())).code, 'cameras.wrong_password');
    for (let round = 0; round < 20; round += 1) assert.is((await refusal(async () => press())).code, 'cameras.wrong_password');
    assert.ok(camera.users.length - before <= 2, `${camera.users.length - before} wrong logins`);
    for (const ms of [900, 200, 200]) await site.pass(ms);
    assert.ok(camera.users.length - before <= 2, 'the stop that was armed tries none either');
  }));

test('what one user may not do is no wrong password', () =>
  withSite(async (site, start) => {
    site.camera(1).setFails = new DriverError('camera.unauthorized', 'operators only');
    site.visible = [found(1)];
    const registry = await start();
    const error = await refusal(registry.setEncoder('cam-1', 'sub', { frameRate: 10 }));
    assert.is(error.code, 'cameras.not_permitted');
    assert.match(error.say, 'admin');
    assert.is(registry.find('cam-1')?.state, 'online');
  }));

test('encoder settings are checked against the offer, set, read back and shown', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    site.visible = [found(1)];
    const registry = await start();
    const { before, after } = await registry.setEncoder('cam-1', 'sub', { width: 320, height: 180, frameRate: 5 });
    assert.equal([before.width, after.width, after.height, after.frameRate, after.bitrateKbps], [640, 320, 180, 5, 2048]);
    assert.is(registry.find('cam-1')?.streams[1]?.width, 320);
    const error = await refusal(registry.setEncoder('cam-1', 'sub', { width: 1000 }));
    assert.is(error.code, 'cameras.not_offered');
    assert.match(error.fix, '640x360, 320x180');
    assert.is(camera.count('setEncoder'), 1);
  }));

test('a camera that moved is followed only while it is gone from its old address', () =>
  withSite(async (site, start) => {
    const old = site.camera(1);
    site.camera(9);
    site.visible = [found(1)];
    const registry = await start();
    site.visible = [{ ...found(1), deviceUri: 'http://192.0.2.9/onvif/device_service' }];
    await registry.discover();
    assert.is(registry.find('cam-1')?.host, '192.0.2.1', 'an answering camera cannot be taken over by a datagram');
    old.fails = 'camera.unreachable';
    await site.pass(30_000);
    await registry.discover();
    await site.pass(100);
    assert.equal([registry.list().length, registry.find('cam-1')?.host, registry.find('cam-1')?.state], [1, '192.0.2.9', 'online']);
  }));

test('what a check finds at the old address does not count at the new one', () =>
  withSite(async (site, start) => {
    const old = site.camera(1);
    old.fails = 'camera.unreachable';
    site.camera(9);
    site.visible = [found(1)];
    const registry = await start();
    old.fails = undefined;
    old.isHanging = true;
    await site.pass(5_000);
    const heard: string[] = [];
    registry.onChange((view) => heard.push(view.state));
    site.visible = [{ ...found(1), deviceUri: 'http://192.0.2.9/onvif/device_service' }];
    await registry.discover();
    await site.pass(0);
    await site.pass(0);
    assert.is(registry.find('cam-1')?.state, 'online');
    assert.not.ok(heard.slice(1).includes('fault'), heard.join());
  }));

test('a camera added by address is asked at once and not found a second time', () =>
  withSite(async (site, start) => {
    site.camera(5);
    const registry = await start({ groupLogins: [] });
    const view = await registry.add('onvif://admin:p%40w@192.0.2.5', undefined);
    assert.equal([view.id, view.state, view.hasLogin], ['cam-1', 'online', true]);
    assert.is(site.store.logins.get('cam-1')?.password.reveal(), 'p@w');
    site.visible = [found(5)];
    assert.equal((await registry.discover()).found, []);
    assert.is(registry.find('cam-1')?.name, 'Camera 5', 'its own name is taken up');
    await site.pass(0);
    assert.is(site.store.document?.channels[0]?.endpoint, 'urn:uuid:5');
    assert.not.match(JSON.stringify(site.store.document), 'p@w');
    assert.not.match(site.lines.join('\n'), 'p@w');
  }));

test('what is not there is named: camera, stream, PTZ, address, name', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.hasPtz = false;
    camera.streams = camera.streams.slice(0, 1);
    site.visible = [found(1)];
    const registry = await start();
    assert.is((await refusal(registry.resolveStream('cam-7', 'main'))).code, 'cameras.no_such_camera');
    assert.is((await refusal(registry.resolveStream('cam-1', 'sub'))).code, 'cameras.no_such_stream');
    assert.is((await refusal(() => registry.ptz('cam-1'))).code, 'cameras.no_ptz');
    assert.is((await refusal(registry.add('ftp://x', undefined))).code, 'cameras.bad_address');
    assert.is((await refusal(registry.rename('cam-1', 'a\nb'))).code, 'cameras.bad_name');
  }));

test('PTZ on a serial bus belongs to the channel and wins', () =>
  withSite(async (site, start) => {
    site.camera(1);
    site.visible = [found(1)];
    const moves: number[] = [];
    const serial = {
      move: ({ pan }: { pan: number }) => Promise.resolve(void moves.push(pan)),
      stop: () => Promise.resolve(void moves.push(0)),
    };
    const registry = await start({ serialPtz: (id) => (id === 'cam-1' ? serial : undefined) });
    assert.is(registry.find('cam-1')?.ptz, 'serial');
    const { signal } = new AbortController();
    await registry.ptz('cam-1').move({ pan: 5, tilt: 0, zoom: 0 }, { signal });
    assert.equal(moves, [1], 'clamped');
    await site.pass(1_000);
    assert.equal(moves, [1, 0], 'stopped by itself');
  }));

test('a moving camera is stopped when the agent stops', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    site.visible = [found(1)];
    const registry = await start();
    await registry.ptz('cam-1').move({ pan: 0.5, tilt: 0, zoom: 0 }, { signal: new AbortController().signal });
    await registry.stop();
    assert.is(camera.count('stop'), 1);
  }));

test('listeners hear of real changes, not of every sign of life', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    site.visible = [found(1)];
    const registry = await start();
    const heard: string[] = [];
    const end = registry.onChange((view: CameraView, kind) => heard.push(`${kind} ${view.state}`));
    for (let round = 0; round < 3; round += 1) await site.pass(30_000);
    assert.equal(heard, []);
    camera.fails = 'camera.unreachable';
    await site.pass(30_000);
    await registry.remove('cam-1');
    assert.equal(heard, ['changed fault', 'removed fault']);
    end();
    site.visible = [found(2)];
    await registry.discover();
    assert.is(heard.length, 2);
  }));

test('a login set while a check is under way counts, what that check finds does not', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.user = 'new';
    site.visible = [found(1)];
    const registry = await start({ groupLogins: [] });
    assert.is(registry.find('cam-1')?.reason?.code, 'cameras.no_login');
    site.clock.advance(30_000);
    const view = await registry.setLogin('cam-1', login('new'));
    assert.is(view.state, 'online');
    await settle();
    assert.is(registry.find('cam-1')?.state, 'online');
  }));

test('an operation given up by its caller changes nothing at the camera', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    site.visible = [found(1)];
    const registry = await start();
    camera.isHanging = true;
    const controller = new AbortController();
    const asked = refusal(registry.synchronize('cam-1', 'main', controller.signal));
    await settle();
    controller.abort();
    assert.is((await asked).code, 'cameras.cancelled');
    assert.is(registry.find('cam-1')?.state, 'online');
  }));

test.run();
