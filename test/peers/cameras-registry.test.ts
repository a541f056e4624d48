// runner: own network
/** The cameras feature with its real driver and discovery against test cameras on loopback: each trouble of a site, and its end. */
import { execFileSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CameraNote, CameraView, ChannelDocument, ChannelStore } from '../../agent/cameras/ports.js';
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

interface More {
  readonly isSearching?: boolean;
  readonly probeMs?: number;
  readonly note?: (note: CameraNote) => void;
}

/** Searches at its start only, and asks for signs of life so rarely that only greetings can tell it what happens. */
const GREETINGS_ONLY: More = { isSearching: true, probeMs: 60_000 };

/** Times a tenth of the usual ones, so that a deadline of 10 s is one. */
function makeRegistry({ isSearching = false, probeMs = 2_000, note }: More): CameraRegistry {
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
    note,
    timing: { probeMs, retryMs: 1_000, listenMs: 5_000, missedMs: 600_000 },
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

/** The camera with this serial number as soon as it is online. */
function appeared(registry: CameraRegistry, serial: string): Promise<CameraView> {
  return new Promise((resolve) => {
    registry.onChange((each) => {
      if (each.serial === serial && each.state === 'online') resolve(each);
    });
  });
}

const is = (state: string, reason?: string) => (view: CameraView) => view.state === state && view.reason?.code === reason;

async function withRegistry(work: (registry: CameraRegistry) => Promise<void>, more: More = {}): Promise<void> {
  const registry = makeRegistry(more);
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
    const view = await appeared(registry, 'FOUND-1');
    assert.is(view.name, 'Found one');
    const stream = await registry.resolveStream(view.id, 'main');
    assert.is(stream.uri, camera.rtspUri('main'));
  }, GREETINGS_ONLY);
  await camera.stop();
});

/** Two addresses of this test's own network; the same one twice, told apart by ports, where no address can be added. */
function twoAddresses(): readonly [string, string] {
  const wanted = ['127.0.0.21', '127.0.0.22'] as const;
  try {
    for (const address of wanted) execFileSync('ip', ['addr', 'add', `${address}/8`, 'dev', 'lo'], { stdio: 'ignore' });
    return wanted;
  } catch {
    return ['127.0.0.1', '127.0.0.1'];
  }
}

test('a camera greets from another address and is followed there; it says goodbye and is missed at once', async () => {
  const one = { discovery: true, name: 'Wanderer', serial: 'LEASE-1', uuid: 'b7e1c1f0-0000-4000-8000-000000000001' };
  const [before, after] = twoAddresses();
  const camera = await startCamera({ ...one, host: before, port: 8021 });
  await withRegistry(async (registry) => {
    const { id } = await appeared(registry, 'LEASE-1');
    const missed = until(registry, id, is('fault', 'cameras.gone'));
    const stoppedMs = performance.now();
    await camera.stop();
    await missed;
    assert.ok(performance.now() - stoppedMs < 3_000, 'its goodbye was heard: the next sign of life was due after 6 s');
    const again = await startCamera({ ...one, host: after, port: 8022 });
    await until(registry, id, (view) => view.host === after && view.state === 'online');
    assert.is(registry.list().length, 1, 'no second channel');
    await again.stop();
  }, GREETINGS_ONLY);
});

test('a camera that answers no search is found at its host, and in its network', async () => {
  const camera = await startCamera({ serial: 'SHY-1', port: 8080 });
  await withRegistry(async (registry) => {
    const { found } = await registry.discover({ host: '127.0.0.1' });
    assert.is(found.length, 1);
    await until(registry, found[0] ?? '', is('online'));
    assert.equal(await registry.discover({ scan: '127.0.0.0/30' }), { found: [], known: found, removed: 0 });
    const far = await registry.discover({ scan: '198.51.100.0/24' }).catch(({ say }: { say: string }) => say);
    assert.match(String(far), '198.51.100.0/24 cannot be looked through: this machine has no address in that network.');
  }, GREETINGS_ONLY);
  await camera.stop();
});

test('an alarm of a camera is seen and written down; after its reboot it is heard again', async () => {
  const camera = await startCamera({ serial: 'ALARM-1', rebootMs: 200, quirks: { rebootForgets: true } });
  const notes: CameraNote[] = [];
  await withRegistry(
    async (registry) => {
      const { id } = await registry.add(camera.deviceUri, undefined);
      const subscribed = async (): Promise<void> => {
        while (camera.counters().subscriptions === 0) await new Promise((resolve) => setImmediate(resolve));
      };
      await subscribed();
      for (const kind of ['video-loss', 'tamper', 'hardware-failure'] as const) {
        camera.raise({ kind, isOn: true });
        await until(registry, id, ({ alarms }) => alarms.includes(kind));
      }
      camera.raise({ kind: 'motion', isOn: true });
      camera.setInput('input_0', true);
      await camera.reboot();
      await until(registry, id, is('online'));
      await subscribed();
      camera.raise({ kind: 'tamper', isOn: false });
      camera.raise({ kind: 'video-loss', isOn: false });
      await until(registry, id, ({ alarms }) => alarms.join() === 'hardware-failure');
      const told = notes.flatMap((note) => (note.kind === 'alarm' ? [`${note.alarm} ${note.isOn}`] : []));
      assert.equal(told.slice(0, 3), ['video-loss true', 'tamper true', 'hardware-failure true']);
      assert.equal([...told.slice(3)].sort(), ['tamper false', 'video-loss false']);
    },
    { note: (note) => void notes.push(note) },
  );
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
