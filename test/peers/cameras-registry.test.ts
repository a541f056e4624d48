// runner: own network
/** The cameras feature with its real driver and discovery against test cameras on loopback: each trouble of a site, and its end. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CameraView, ChannelDocument, ChannelStore } from '../../agent/cameras/ports.js';
import { CameraRegistry } from '../../agent/cameras/registry.js';
import { createLog } from '../../agent/kernel/log.js';
import { createOnvifConnector } from '../../drivers/onvif/connector.js';
import { createDiscovery } from '../../drivers/onvif/discovery.js';
import type { Login } from '../../drivers/port.js';
import { fastClock } from './fast-clock.js';
import { type CameraOptions, type OnvifCamera, startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { login, QUIET } from './onvif-rig.js';

function memoryStore(): ChannelStore {
  let document: ChannelDocument | undefined;
  const logins = new Map<string, Login>();
  return {
    load: async () => document,
    save: async (next) => {
      document = next;
    },
    loadLogin: async (id) => logins.get(id),
    saveLogin: async (id, who) => {
      if (who === undefined) logins.delete(id);
      else logins.set(id, who);
    },
  };
}

const startCamera = (options: CameraOptions = {}): Promise<OnvifCamera> =>
  startOnvifCamera({ user: 'admin', password: 'right', discovery: false, ...options });

/** Times a tenth of the usual ones, so that a deadline of 10 s is one. */
function makeRegistry(isSearching: boolean): CameraRegistry {
  const clock = fastClock(10);
  const parts = { clock, log: QUIET };
  return new CameraRegistry({
    connector: createOnvifConnector(parts),
    discovery: isSearching ? createDiscovery({ ...parts, networks: () => [{ address: '127.0.0.1', netmask: '255.0.0.0' }] }) : undefined,
    store: memoryStore(),
    serialPtz: () => undefined,
    groupLogins: [login()],
    clock,
    log: createLog({ level: 'error', clock, format: 'text', write: (line) => process.stderr.write(`${line}\n`) }),
    timing: { probeMs: 2_000, retryMs: 1_000, listenMs: 5_000 },
  });
}

/** Resolves with the camera's view as soon as it is as wanted. */
function until(registry: CameraRegistry, id: string, isWanted: (view: CameraView) => boolean): Promise<CameraView> {
  const now = registry.find(id);
  if (now !== undefined && isWanted(now)) return Promise.resolve(now);
  return new Promise((resolve) => {
    const end = registry.onChange((view) => {
      if (view.id !== id || !isWanted(view)) return;
      end();
      resolve(view);
    });
  });
}

const is = (state: string, reason?: string) => (view: CameraView) => view.state === state && view.reason?.code === reason;

async function withRegistry(work: (registry: CameraRegistry) => Promise<void>, isSearching = false): Promise<void> {
  const registry = makeRegistry(isSearching);
  await registry.start();
  try {
    await work(registry);
  } finally {
    await registry.stop();
  }
}

test('a camera in the network appears by itself', async () => {
  const camera = await startCamera({ discovery: true, name: 'Found one', serial: 'FOUND-1' });
  await withRegistry(async (registry) => {
    const view = await new Promise<CameraView>((resolve) => {
      registry.onChange((each) => {
        if (each.serial === 'FOUND-1' && each.state === 'online') resolve(each);
      });
    });
    assert.is(view.name, 'Found one');
    const stream = await registry.resolveStream(view.id, 'main');
    assert.is(stream.uri, camera.rtspUri('main'));
  }, true);
  await camera.stop();
});

test('wrong password, gone, too slow, another scheme: each named, each healed, another camera untouched', async () => {
  const camera = await startCamera();
  const other = await startCamera({ name: 'Other' });
  await withRegistry(async (registry) => {
    const { id, state } = await registry.add(camera.deviceUri, undefined);
    const beside = await registry.add(other.deviceUri, undefined);
    assert.equal([state, beside.state], ['online', 'online']);
    const troubles: boolean[] = [];
    registry.onChange((view) => void (view.id === beside.id && troubles.push(view.state === 'online')));

    camera.set({ password: 'changed' });
    assert.is((await registry.check(id)).reason?.code, 'cameras.wrong_password');
    assert.is((await registry.setLogin(id, login('admin', 'changed'))).state, 'online');

    camera.set({ goneOffline: true });
    await until(registry, id, is('fault', 'cameras.gone'));
    camera.set({ goneOffline: false });
    await until(registry, id, is('online'));

    camera.set({ slowMs: 3_000 });
    await until(registry, id, is('fault', 'cameras.slow'));
    camera.set({ slowMs: 0 });
    await until(registry, id, is('online'));

    camera.set({ streamScheme: 'http' });
    assert.is((await registry.check(id)).reason?.code, 'cameras.bad_stream_address');
    camera.set({ streamScheme: 'rtsp' });
    await until(registry, id, is('online'));
    assert.not.ok(troubles.includes(false), 'the other camera never noticed');
  });
  await camera.stop();
  await other.stop();
});

test('a vanished viewer stops the motion within a second', async () => {
  const camera = await startCamera();
  await withRegistry(async (registry) => {
    const { id } = await registry.add(camera.deviceUri, undefined);
    await registry.ptz(id).move({ pan: 1, tilt: 0, zoom: 0 }, { signal: new AbortController().signal });
    const stopped = (): boolean => (camera.counters().operations.Stop ?? 0) > 0;
    const startedAt = performance.now();
    while (!stopped() && performance.now() - startedAt < 1_000) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(stopped());
  });
  await camera.stop();
});

test('a sub-stream is changed over the whole way', async () => {
  const camera = await startCamera();
  await withRegistry(async (registry) => {
    const { id } = await registry.add(camera.deviceUri, undefined);
    const { after } = await registry.setEncoder(id, 'sub', { frameRate: 10 });
    assert.is(after.frameRate, 10);
    assert.is(registry.find(id)?.streams.find(({ kind }) => kind === 'sub')?.frameRate, 10);
    await registry.synchronize(id, 'main');
    assert.is(camera.counters().syncRequests, 1);
  });
  await camera.stop();
});

test('idle for a while: no stream is opened', async () => {
  const camera = await startCamera();
  await withRegistry(async (registry) => {
    await registry.add(camera.deviceUri, undefined);
    const asked = (): number => camera.counters().operations.GetSystemDateAndTime ?? 0;
    const before = asked();
    const deadlineAt = performance.now() + 5_000;
    while (asked() < before + 5 && performance.now() < deadlineAt) await new Promise((resolve) => setImmediate(resolve));
    assert.is(asked(), before + 5);
    assert.is(camera.counters().connections, 0);
  });
  await camera.stop();
});

test.run();
