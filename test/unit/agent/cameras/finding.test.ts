/** Finding cameras again: greetings, other addresses, one host, one network, and who may be believed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Looks } from '../../../../agent/cameras/looks.js';
import type { CameraNote } from '../../../../agent/cameras/ports.js';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { DriverError } from '../../../../drivers/port.js';
import { HandClock } from '../kernel/hand-clock.js';
import { FakeCamera, found, login, settle, withSite } from './camera-fakes.js';

const at = (number: number, host: string) => ({ ...found(number), deviceUri: `http://${host}/onvif/device_service` });
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: AgentError) => error.code,
  );

test('a known camera that greets is looked at at once; one that says goodbye is asked, and believed only when it is silent', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    const other = site.camera(2);
    site.visible = [found(1), found(2)];
    const registry = await start();
    const [before, beside] = [camera.count('clock'), other.calls.length];
    site.greetings[0]?.onBye('uuid:1');
    await site.pass(1_000);
    assert.is(camera.count('clock'), before + 1);
    assert.is(registry.find('cam-1')?.state, 'online', 'anybody can say goodbye in its name');
    camera.fails = 'camera.unreachable';
    await site.pass(4_000);
    site.greetings[0]?.onBye('URN:UUID:1');
    await site.pass(1_000);
    assert.is(registry.find('cam-1')?.reason?.code, 'cameras.gone');
    for (let round = 0; round < 3; round += 1) await site.pass(5_000);
    camera.fails = undefined;
    site.greetings[0]?.onHello(found(1));
    await site.pass(20);
    assert.is(registry.find('cam-1')?.state, 'online');
    assert.is(other.calls.length, beside, 'nobody else is asked');
  }));

test('a storm of greetings is one look in five seconds, and writes nothing', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    site.visible = [found(1)];
    await start();
    const [asked, saves] = [camera.calls.length, site.store.saves];
    for (let round = 0; round < 200; round += 1) {
      site.greetings[0]?.onHello({ ...found(1), name: `Name ${round}` });
      site.greetings[0]?.onBye('urn:uuid:1');
      await site.pass(50);
    }
    assert.ok(camera.calls.length - asked <= 3, `${camera.calls.length - asked} questions in 10 s`);
    site.greetings[0]?.onHello({ ...at(1, '192.0.2.9'), name: 'Another name' });
    await site.pass(100);
    await site.pass(100);
    assert.is(site.store.saves, saves, 'not from another address either');
  }));

test('an unknown camera that greets is left for the next search, unless a person searches just now', () =>
  withSite(async (site, start) => {
    site.camera(7);
    const registry = await start();
    site.greetings[0]?.onHello(found(7));
    await site.pass(100);
    assert.equal(registry.list(), []);
    await registry.discover();
    await site.pass(60_000);
    site.greetings[0]?.onHello(found(7));
    await site.pass(0);
    await site.pass(0);
    assert.is(registry.list()[0]?.state, 'online');
  }));

test('a camera with another lease is found by its greeting, while a greeting in its name moves nothing', () =>
  withSite(async (site, start) => {
    const old = site.camera(1);
    site.camera(9);
    site.visible = [found(1)];
    site.hosts.set('192.0.2.1', found(1));
    const notes: CameraNote[] = [];
    const registry = await start({ note: (note) => void notes.push(note) });
    site.greetings[0]?.onHello(at(1, '192.0.2.9'));
    await site.pass(100);
    assert.is(registry.find('cam-1')?.host, '192.0.2.1');
    old.fails = 'camera.unreachable';
    site.hosts.delete('192.0.2.1');
    site.greetings[0]?.onHello(at(1, '192.0.2.9'));
    await site.pass(30_000);
    await site.pass(100);
    assert.equal([registry.find('cam-1')?.host, registry.find('cam-1')?.state], ['192.0.2.9', 'online']);
    assert.equal(notes, [
      { kind: 'appeared', channel: 'cam-1' },
      { kind: 'moved', channel: 'cam-1', fromHost: '192.0.2.1', toHost: '192.0.2.9' },
    ]);
  }));

test('two cameras that swapped their addresses: neither is shown as the other, and a search sorts them out', () =>
  withSite(async (site, start) => {
    const [one, two] = [site.camera(1), site.camera(2)];
    one.serial = 'ONE';
    two.serial = 'TWO';
    site.visible = [found(1), found(2)];
    const registry = await start();
    one.serial = 'TWO';
    two.serial = 'ONE';
    await registry.check('cam-1');
    assert.is(registry.find('cam-1')?.reason?.code, 'cameras.another_device');
    assert.is(await codeOf(registry.resolveStream('cam-1', 'main')), 'cameras.another_device');
    site.visible = [at(1, '192.0.2.2'), at(2, '192.0.2.1')];
    await registry.discover();
    for (let round = 0; round < 3; round += 1) await site.pass(1_000);
    assert.equal(
      registry.list().map(({ id, host, state, serial }) => [id, host, state, serial]),
      [
        ['cam-1', '192.0.2.2', 'online', 'ONE'],
        ['cam-2', '192.0.2.1', 'online', 'TWO'],
      ],
    );
  }));

test('cameras that tell no serial number are told apart by how they name themselves', () =>
  withSite(async (site, start) => {
    site.camera(1).serial = '';
    site.camera(9).serial = '';
    site.visible = [found(1)];
    const registry = await start();
    site.hosts.set('192.0.2.1', at(5, '192.0.2.1'));
    site.visible = [at(1, '192.0.2.9')];
    await registry.discover();
    await site.pass(100);
    assert.is(registry.find('cam-1')?.host, '192.0.2.9');
  }));

test('a neighbour behind the same address does not let a camera be moved away', () =>
  withSite(async (site, start) => {
    site.camera(1);
    site.camera(9);
    site.visible = [found(1)];
    site.hosts.set('192.0.2.1', { ...found(5), deviceUri: 'http://192.0.2.1:8001/onvif/device_service' });
    const registry = await start();
    site.greetings[0]?.onHello(at(1, '192.0.2.9'));
    await site.pass(100);
    await site.pass(100);
    assert.is(registry.find('cam-1')?.host, '192.0.2.1');
  }));

test('a camera that was replaced is taken over by whoever adds its address again, with channel and name', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    site.visible = [found(1)];
    const registry = await start();
    await registry.rename('cam-1', 'Gate');
    camera.serial = 'NEW';
    assert.is((await registry.check('cam-1')).reason?.code, 'cameras.another_device');
    const view = await registry.add('192.0.2.1', undefined);
    assert.equal([view.id, view.name, view.state, view.serial], ['cam-1', 'Gate', 'online', 'NEW']);
    site.visible = [{ ...found(8), deviceUri: found(1).deviceUri }];
    await registry.discover();
    assert.is(site.store.document?.channels[0]?.endpoint, 'urn:uuid:8', 'and its lasting endpoint with it');
    assert.is(registry.list().length, 1);
  }));

test('a camera that goes missing is searched for soon, not again and again', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    site.visible = [found(1)];
    await start();
    await site.pass(200_000);
    const before = site.searches;
    for (let round = 0; round < 8; round += 1) {
      camera.fails = round % 2 === 0 ? 'camera.unreachable' : undefined;
      await site.pass(15_000);
      await site.pass(15_000);
    }
    assert.ok(site.searches - before >= 1 && site.searches - before <= 3, `${site.searches - before} searches in 4 min`);
  }));

test('one host, one network: who is there becomes a channel, who is known is told, who was removed stays away', () =>
  withSite(async (site, start) => {
    for (const number of [1, 2, 3]) site.camera(number);
    const registry = await start();
    assert.is(await codeOf(registry.discover({ host: '192.0.2.1' })), 'cameras.nobody_there');
    site.hosts.set('192.0.2.1', found(1));
    assert.equal(await registry.discover({ host: '192.0.2.1' }), { found: ['cam-1'], known: [], removed: 0 });
    assert.equal(await registry.discover({ host: '192.0.2.1' }), { found: [], known: ['cam-1'], removed: 0 });
    const byAddress = [1, 2, 3].map((number) => ({ ...found(number), endpoint: found(number).deviceUri, name: '' }));
    site.visible = byAddress;
    assert.equal(await registry.discover({ scan: '192.0.2.0/24' }), { found: ['cam-2', 'cam-3'], known: ['cam-1'], removed: 0 });
    await registry.remove('cam-2');
    site.visible = [{ ...found(1), endpoint: 'http://192.0.2.1:8080/x', deviceUri: 'http://192.0.2.1:8080/x' }, ...byAddress.slice(1)];
    const again = await registry.discover({ scan: '192.0.2.0/24' });
    assert.equal(again, { found: [], known: ['cam-1', 'cam-3'], removed: 1 }, 'a second port of a known device is no second camera');
    assert.equal(site.scanned, ['192.0.2.0/24', '192.0.2.0/24']);
  }));

test('a search that cannot be: switched off, a network that is none of ours, two networks at once', () =>
  withSite(async (site, start) => {
    const off = await start({ discovery: undefined });
    for (const wish of [{}, { host: '192.0.2.1' }, { scan: '192.0.2.0/24' }]) {
      assert.is(await codeOf(off.discover(wish)), 'cameras.discovery_off');
    }
    let finish: () => void = () => undefined;
    const scan = (network: string): Promise<[]> => {
      if (network.startsWith('198')) throw new DriverError('camera.refused', 'this machine has no address in that network');
      return new Promise((resolve) => {
        finish = () => resolve([]);
      });
    };
    const registry = await start({ discovery: { discover: async () => [], scan: async (network) => scan(network) } });
    assert.is(await codeOf(registry.discover({ scan: '198.51.100.0/24' })), 'cameras.bad_network');
    const [first, same] = [registry.discover({ scan: '192.0.2.0/24' }), registry.discover({ scan: '192.0.2.0/24' })];
    assert.is(await codeOf(registry.discover({ scan: '203.0.113.0/24' })), 'cameras.search_running');
    finish();
    assert.equal(await first, await same);
    site.visible = [];
  }));

test('a machine whose greeting port is taken says so once and searches all the same', () =>
  withSite(async (site, start) => {
    site.camera(1);
    const listen = (): Promise<never> => Promise.reject(new DriverError('camera.unreachable', 'the port of WS-Discovery cannot be had'));
    const discover = async () => {
      site.searches += 1;
      return [found(1)];
    };
    const registry = await start({ discovery: { discover, listen } });
    await site.pass(900_000);
    await site.pass(900_000);
    assert.is(registry.list().length, 1);
    assert.is(site.searches, 3);
    assert.is(site.lines.filter((line) => line.includes('greet')).length, 1);
  }));

test('looks: the last one asked for is the one that is done, each camera keeps its own pace, a crowd is spread', async () => {
  const clock = new HandClock();
  const looks = new Looks({ clock, gapMs: 5_000 });
  const done: string[] = [];
  for (const word of ['first', 'second', 'third']) looks.ask('a', 100, () => done.push(word));
  for (let number = 0; number < 300; number += 1) looks.ask(`other ${number}`, 0, () => done.push('other'));
  clock.advance(3_000);
  await settle();
  assert.is(done.filter((word) => word !== 'other').join(), 'third');
  assert.is(done.length, 301, 'nobody waits longer than the spread');
  looks.ask('a', 0, () => done.push('early'));
  clock.advance(2_000);
  assert.not.ok(done.includes('early'));
  clock.advance(200);
  assert.ok(done.includes('early'));
  looks.ask('a', 0, () => done.push('never'));
  looks.stop();
  assert.is(clock.pending, 0);
});

test('the login of a camera is not tried again because somebody greets in its name', () =>
  withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.user = 'other';
    site.visible = [found(1)];
    const registry = await start({ groupLogins: [login('wrong')] });
    assert.is(registry.find('cam-1')?.state, 'unauthorized');
    const tried = camera.users.length;
    site.hosts.set('192.0.2.1', found(1));
    for (let round = 0; round < 20; round += 1) {
      site.greetings[0]?.onHello(at(1, `192.0.2.${100 + round}`));
      site.greetings[0]?.onBye('urn:uuid:1');
      await site.pass(30_000);
    }
    assert.is(camera.users.length, tried);
    assert.ok(camera instanceof FakeCamera);
  }));

test.run();
