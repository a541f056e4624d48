/** The configuration feature over the real registry and ONVIF driver against a test camera on loopback. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChannelDocument } from '../../agent/cameras/ports.js';
import { CameraRegistry } from '../../agent/cameras/registry.js';
import { ConfigService } from '../../agent/config/service.js';
import { createLog } from '../../agent/kernel/log.js';
import { createOnvifConnector } from '../../drivers/onvif/connector.js';
import type { CameraConnector, Login, VideoEncoderSettings } from '../../drivers/port.js';
import { failure, MemoryConfigStore } from '../unit/agent/config/model-cameras.js';
import { fastClock } from './fast-clock.js';
import { type OnvifCamera, startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { login, QUIET } from './onvif-rig.js';

interface Rig {
  readonly camera: OnvifCamera;
  readonly registry: CameraRegistry;
  readonly config: ConfigService;
  readonly store: MemoryConfigStore;
  readonly logins: Map<string, Login>;
  readonly lines: string[];
}

interface RigOptions {
  /** What the camera is really told instead of what is wanted: a camera that takes other values than it was given. */
  readonly bend?: (wanted: VideoEncoderSettings) => VideoEncoderSettings;
}

function bent(connector: CameraConnector, bend: (wanted: VideoEncoderSettings) => VideoEncoderSettings): CameraConnector {
  return {
    connect: (target) => {
      const driver = connector.connect(target);
      const { setEncoder } = driver;
      driver.setEncoder = (stream, wanted, options) => setEncoder.call(driver, stream, bend(wanted), options);
      return driver;
    },
  };
}

/** A camera `cam-1` found online with the group login, and the configuration over it. Times are a tenth of the usual ones. */
async function withRig(work: (rig: Rig) => Promise<void>, { bend = (wanted) => wanted }: RigOptions = {}): Promise<void> {
  const clock = fastClock(10);
  const lines: string[] = [];
  const log = createLog({ level: 'debug', clock, format: 'json', write: (line) => lines.push(line) });
  const camera = await startOnvifCamera({ user: 'admin', password: 'right', discovery: false });
  const logins = new Map<string, Login>();
  let channels: ChannelDocument | undefined;
  const registry = new CameraRegistry({
    connector: bent(createOnvifConnector({ clock, log: QUIET }), bend),
    discovery: undefined,
    store: {
      load: async () => channels,
      save: async (next) => {
        channels = next;
      },
      loadLogin: async (id) => logins.get(id),
      saveLogin: async (id, who) => {
        if (who === undefined) logins.delete(id);
        else logins.set(id, who);
      },
    },
    serialPtz: () => undefined,
    groupLogins: [login()],
    clock,
    log,
  });
  const store = new MemoryConfigStore();
  const config = new ConfigService({ cameras: registry, store, recorderName: 'Recorder', clock, log });
  await registry.start();
  await config.start();
  try {
    assert.is((await registry.add(camera.deviceUri, undefined)).state, 'online');
    await work({ camera, registry, config, store, logins, lines });
  } finally {
    await config.stop();
    await registry.stop();
    await camera.stop();
  }
}

test('renamed, sub-stream set, read back from the camera, reported; a second time there is nothing to do', async () => {
  await withRig(async ({ camera, registry, config, store }) => {
    const offer = await registry.encoderOptions('cam-1', 'sub');
    const before = config.current();
    const { sub } = before.cameras['cam-1'] ?? {};
    const size = offer.resolutions.find(({ width }) => width !== sub?.width) ?? offer.resolutions[0];
    assert.ok(size !== undefined);
    const wish = { ...size, frameRate: offer.frameRate.min };
    const patch = { cameras: { 'cam-1': { name: 'Front door', sub: wish } } };
    const plan = await config.plan(before.version, patch);
    assert.equal(plan.refused, []);
    const applied = await config.apply(plan.base, patch);
    assert.equal(
      applied.steps.map(({ path }) => path),
      plan.steps.map(({ path }) => path),
    );
    assert.ok(applied.steps.every(({ path, isReadBack }) => isReadBack === !path.endsWith('.name')));
    const { width, height, rate } = camera.settings('sub');
    assert.equal({ width, height, frameRate: rate }, wish, 'the camera itself says so');
    assert.equal(config.current().cameras['cam-1'], { ...before.cameras['cam-1'], name: 'Front door', sub: wish });
    assert.is(registry.find('cam-1')?.name, 'Front door');
    assert.equal(store.document?.cameras['cam-1']?.sub, wish);
    assert.equal((await config.apply(applied.version, patch)).steps, []);
  });
});

test('what the camera does not offer is refused with what it offers, and the camera is not touched', async () => {
  await withRig(async ({ camera, config }) => {
    const { version } = config.current();
    const error = await failure(
      config.apply(version, { cameras: { 'cam-1': { name: 'X', sub: { width: 800, height: 600, frameRate: 90 } } } }),
    );
    assert.is(error.code, 'config.refused');
    const refused = error.detail.refused as { path: string; offers: string[] }[];
    assert.equal(
      refused.map(({ path }) => path),
      ['cameras.cam-1.sub.width', 'cameras.cam-1.sub.frameRate'],
    );
    assert.ok(refused[0]?.offers.includes('640 × 360'));
    assert.match(refused[1]?.offers[0] ?? '', /^\d+ to 25$/);
    assert.is(camera.counters().operations.SetVideoEncoderConfiguration ?? 0, 0);
    assert.is(config.current().version, version);
  });
});

test('a camera that takes another value than it was told is found out, and set back', async () => {
  const told: number[] = [];
  // Only the first time: it must be able to go back.
  const bend = (wanted: VideoEncoderSettings): VideoEncoderSettings => {
    told.push(wanted.frameRate);
    return told.length === 1 ? { ...wanted, frameRate: wanted.frameRate + 1 } : wanted;
  };
  await withRig(
    async ({ camera, config, store }) => {
      const before = config.current();
      const was = camera.settings('sub');
      const asked = was.rate - 2;
      const error = await failure(config.apply(before.version, { cameras: { 'cam-1': { name: 'X', sub: { frameRate: asked } } } }));
      assert.is(error.code, 'config.not_taken');
      assert.equal([error.detail.step, error.detail.asked, error.detail.read], ['cameras.cam-1.sub.frameRate', asked, asked + 1]);
      assert.is(error.detail.isRestored, true);
      assert.equal(told, [asked, was.rate]);
      assert.equal(camera.settings('sub'), was, 'the camera itself says so');
      assert.equal(config.current(), before);
      assert.is(store.document, undefined);
    },
    { bend },
  );
});

test('a wrong login: the one before is in use again, and the camera’s account is not locked', async () => {
  await withRig(async ({ registry, config, logins, lines }) => {
    const before = config.current();
    const patch = { cameras: { 'cam-1': { login: { user: 'admin', password: 'n0t-to-be-seen' } } } };
    const error = await failure(config.apply(before.version, patch));
    assert.is(error.code, 'config.login_not_taken');
    assert.is(error.detail.isRestored, true);
    assert.is(registry.find('cam-1')?.state, 'online');
    assert.is(logins.has('cam-1'), false);
    assert.equal(config.current(), before);

    const right = { cameras: { 'cam-1': { login: { user: 'admin', password: 'right' } } } };
    const { steps } = await config.apply(before.version, right);
    assert.equal(
      steps.map(({ isReadBack }) => isReadBack),
      [true],
    );
    assert.is(config.current().cameras['cam-1']?.hasLogin, true);
    assert.not.match(JSON.stringify([error, error.stack, lines, steps]), 'n0t-to-be-seen');
  });
});

test('a camera that is gone: refused by name when known, gone back from when it happens in the middle', async () => {
  await withRig(async ({ camera, registry, config }) => {
    const { version } = config.current();
    const ownName = registry.find('cam-1')?.name;
    const patch = { cameras: { 'cam-1': { name: 'Front door', sub: { frameRate: 7 } } } };
    const end = registry.onChange(({ name }) => {
      if (name === 'Front door') camera.set({ goneOffline: true });
    });
    const middle = await failure(config.apply(version, patch));
    end();
    assert.is(middle.code, 'config.not_applied');
    assert.equal(middle.detail.notRestored, ['cameras.cam-1.sub.frameRate']);
    assert.equal(middle.detail.restored, ['cameras.cam-1.name']);
    assert.is(registry.find('cam-1')?.name, ownName);

    const { refused } = await config.plan(config.current().version, patch);
    assert.is(refused[0]?.code, 'config.camera_offline');
    assert.match(refused[0]?.say ?? '', 'Nothing answers at');
    camera.set({ goneOffline: false });
    await registry.check('cam-1');
    assert.equal((await config.plan(config.current().version, patch)).refused, []);
  });
});

test.run();
