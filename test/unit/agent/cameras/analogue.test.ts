import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import type { PtzDriver } from '../../../../drivers/port.js';
import { found, withSite } from './camera-fakes.js';

const { signal } = new AbortController();

const gear = (heard: string[]): PtzDriver => ({
  move: async ({ pan }) => void heard.push(`move ${pan}`),
  stop: async () => void heard.push('stop'),
  goto: async (token) => void heard.push(`goto ${token}`),
});

test('a camera by wire is a channel: it lives while its bus is open, has no stream, and is moved over the bus', () =>
  withSite(async (site, start) => {
    const heard: string[] = [];
    const bus = { isOpen: true, reason: '' };
    const on = (id: string): boolean => id === 'cam-7';
    site.camera(1);
    site.visible = [found(1)];
    const registry = await start({
      analogue: [{ channel: 'cam-7', name: 'Old dome' }],
      serialPtz: (id) => (on(id) ? gear(heard) : undefined),
      serialState: (id) => (on(id) ? bus : undefined),
    });
    assert.equal(
      registry.list().map(({ id, name, state, ptz, streams }) => [id, name, state, ptz, streams.length]),
      [
        ['cam-7', 'Old dome', 'online', 'serial', 0],
        ['cam-8', 'Camera 1', 'online', 'onvif', 2],
      ],
      'cameras of the network are numbered beside it',
    );
    const ptz = registry.ptz('cam-7');
    await ptz.move({ pan: 1, tilt: 0, zoom: 0 }, { signal });
    await ptz.goto?.('3', { signal });
    await site.pass(2_000);
    assert.equal(heard, ['move 1', 'goto 3'], 'the stop that was armed does not cut the drive short');
    const refused = await ptz.presets?.({ signal }).catch((error: AgentError) => error.code);
    assert.is(refused, 'cameras.unsupported');
    assert.is(await registry.resolveStream('cam-7', 'main').catch((error: AgentError) => error.code), 'cameras.no_such_stream');
    assert.is(await registry.remove('cam-7').catch((error: AgentError) => error.code), 'cameras.named_in_site_file');
    bus.isOpen = false;
    await registry.check('cam-7');
    assert.is(registry.find('cam-7')?.reason?.code, 'cameras.serial_unavailable');
    bus.isOpen = true;
    await registry.check('cam-7');
    assert.is(registry.find('cam-7')?.state, 'online');
    const steps = await registry.test('cam-7');
    assert.equal(
      steps.map(({ step, result }) => `${step} ${result}`),
      [
        'reachability ok',
        ...['clock', 'authentication', 'profiles', 'stream', 'keyframe', 'events'].map((step) => `${step} absent`),
        'ptz ok',
      ],
    );
  }));

test('one that the site file does not name any more is gone with the next start', () =>
  withSite(async (_site, start) => {
    const first = await start({ analogue: [{ channel: 'cam-2', name: 'Old dome' }] });
    await first.rename('cam-2', 'Yard');
    await first.stop();
    const second = await start({ analogue: [{ channel: 'cam-2', name: 'Old dome' }] });
    assert.is(second.find('cam-2')?.name, 'Yard');
    await second.stop();
    assert.equal((await start()).list(), []);
  }));

test('an IP camera whose movement hangs on a bus is one channel', () =>
  withSite(async (site, start) => {
    const heard: string[] = [];
    const camera = site.camera(1);
    site.visible = [found(1)];
    const registry = await start({ serialPtz: (id) => (id === 'cam-1' ? gear(heard) : undefined) });
    assert.is(registry.find('cam-1')?.ptz, 'serial');
    await registry.ptz('cam-1').move({ pan: -1, tilt: 0, zoom: 0 }, { signal });
    await registry.ptz('cam-1').stop({ signal });
    assert.equal(heard, ['move -1', 'stop']);
    assert.is(camera.count('move'), 0);
  }));

test.run();
