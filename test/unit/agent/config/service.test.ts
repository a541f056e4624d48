import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigDocument } from '../../../../agent/config/document.js';
import { Applied, type Configuration, type ConfigurationPatch } from '../../../../agent/contract/configuration.js';
import { deferred, failure, modelCamera, modelSite, trouble } from './model-cameras.js';

const sub = (frameRate: number): ConfigurationPatch => ({ cameras: { 'cam-1': { sub: { frameRate } } } });

test('a change is planned, applied, read back, reported and remembered', async () => {
  const { config, cameras, store } = await modelSite(modelCamera('cam-1'), modelCamera('cam-2'));
  const before = config.current();
  const patch: ConfigurationPatch = {
    recorderName: 'Shop',
    cameras: { 'cam-1': { name: 'Front door', sub: { width: 320, height: 180, frameRate: 5 } } },
  };
  const plan = await config.plan(before.version, patch);
  assert.equal(cameras.acts, [], 'planning touches nothing');
  assert.is(config.current().version, before.version);

  const applied = await config.apply(plan.base, patch);
  assert.equal(Applied.parse(applied), applied, 'fits the contract');
  assert.equal(
    applied.steps.map(({ isReadBack, ...step }) => step),
    plan.steps,
  );
  assert.equal(
    applied.steps.map(({ isReadBack }) => isReadBack),
    [false, false, true, true, true],
    'names are not kept in the camera',
  );
  const after = config.current();
  assert.is(after.version, applied.version);
  assert.is(after.recorderName, 'Shop');
  assert.equal(after.cameras['cam-1'], {
    name: 'Front door',
    main: before.cameras['cam-1']?.main ?? null,
    sub: { width: 320, height: 180, frameRate: 5 },
    hasLogin: false,
  });
  assert.equal(after.cameras['cam-2'], before.cameras['cam-2']);
  assert.equal(store.document, {
    v: 1,
    recorderName: 'Shop',
    cameras: { 'cam-1': { name: 'Front door', main: null, sub: { width: 320, height: 180, frameRate: 5 } } },
  });
  assert.ok(ConfigDocument.safeParse(store.document).success);
  assert.equal(cameras.acts, ['rename cam-1 Front door', 'set cam-1 sub {"width":320,"height":180,"frameRate":5}'], 'one call per encoder');
});

test('the recorder keeps its name over a restart; wishes of cameras that are gone are dropped', async () => {
  const { config, cameras, store } = await modelSite(modelCamera('cam-1'), modelCamera('cam-2'));
  await config.apply(config.current().version, { recorderName: 'Shop', cameras: { 'cam-2': { name: 'Yard' } } });
  cameras.cameras.pop();
  await config.apply(config.current().version, { cameras: { 'cam-1': { name: 'Door' } } });
  assert.equal(Object.keys(store.document?.cameras ?? {}), ['cam-1']);
  const again = await modelSite();
  again.store.document = store.document;
  await again.config.start();
  assert.is(again.config.current().recorderName, 'Shop');
});

test('a stale base is refused with the current configuration, when planning and when applying', async () => {
  const { config, cameras } = await modelSite(modelCamera('cam-1'));
  const { version } = config.current();
  cameras.get('cam-1').givenName = 'Changed on site';
  for (const work of [config.plan(version, sub(5)), config.apply(version, sub(5))]) {
    const error = await failure(work);
    assert.is(error.code, 'config.stale_base');
    assert.equal(error.detail.current, config.current());
  }
  assert.equal(cameras.calls, []);
});

test('a camera that changes while it is asked for its offers makes the base stale', async () => {
  const { config, cameras } = await modelSite(modelCamera('cam-1'));
  cameras.before = (call) => {
    if (call.startsWith('offers')) cameras.get('cam-1').givenName = 'Changed on site';
  };
  assert.is((await failure(config.apply(config.current().version, sub(5)))).code, 'config.stale_base');
  assert.equal(cameras.acts, []);
});

test('anything refused: nothing is touched at all', async () => {
  const { config, cameras, store } = await modelSite(modelCamera('cam-1'));
  const before = config.current();
  const patch: ConfigurationPatch = {
    recorderName: 'Shop',
    cameras: { 'cam-1': { name: 'Front door', sub: { width: 800, height: 600, frameRate: 99 } } },
  };
  const plan = await config.plan(before.version, patch);
  const error = await failure(config.apply(before.version, patch));
  assert.is(error.code, 'config.refused');
  assert.equal(error.detail.refused, plan.refused);
  assert.is(error.say, 'Model cam-1 does not offer 800 × 600 on its sub-stream. 1 more would not work. Nothing was changed.');
  assert.is(error.fix, 'Choose a resolution that it offers. Possible: 640 × 360, 320 × 180, 640 × 480.');
  assert.equal(cameras.acts, []);
  assert.is(store.document, undefined);
  assert.equal(config.current(), before);
});

test('offers that cannot be had are refusals with the camera’s own reason', async () => {
  const { config, cameras } = await modelSite(modelCamera('cam-1'));
  cameras.before = () => {
    throw trouble('cameras.slow', true);
  };
  const { refused } = await config.plan(config.current().version, sub(5));
  assert.is(refused[0]?.code, 'config.camera_offline');
  assert.match(refused[0]?.say ?? '', 'does not answer within 10 s');
});

test('applies wait for each other; the second one’s base is stale then', async () => {
  const { config, cameras } = await modelSite(modelCamera('cam-1'));
  const { version } = config.current();
  const both = await Promise.allSettled([config.apply(version, sub(5)), config.apply(version, sub(6))]);
  assert.equal(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  assert.is(cameras.get('cam-1').streams.sub?.frameRate, 5);
  assert.equal(cameras.acts, ['set cam-1 sub {"frameRate":5}']);
});

test('the same patch twice: the second time there is nothing to do, and nothing is asked', async () => {
  const { config, cameras } = await modelSite(modelCamera('cam-1'));
  const { version } = await config.apply(config.current().version, sub(5));
  const asked = cameras.calls.length;
  assert.equal(await config.apply(version, sub(5)), { version, steps: [] });
  assert.is(cameras.calls.length, asked);
});

test('a login is set, tried, and never seen again', async () => {
  const { config, cameras, store, lines } = await modelSite(modelCamera('cam-1', { state: 'unauthorized', accepts: ['sesame'] }));
  const patch: ConfigurationPatch = { cameras: { 'cam-1': { login: { user: 'operator', password: 'sesame' } } } };
  const applied = await config.apply(config.current().version, patch);
  assert.equal(applied.steps, [{ path: 'cameras.cam-1.login', from: null, to: 'changed', risk: 'harmless', isReadBack: true }]);
  assert.is(config.current().cameras['cam-1']?.hasLogin, true);
  assert.is(cameras.get('cam-1').login?.password.reveal(), 'sesame');
  const everything = JSON.stringify([applied, config.current(), store.document, lines, cameras.calls]);
  assert.not.match(everything, 'sesame');
  const again = await config.plan(applied.version, patch);
  assert.is(again.steps.length, 1, 'planning does not tell whether a password is the one in use');
});

test('one camera is asked one thing at a time, several cameras at once', async () => {
  const { config, cameras } = await modelSite(modelCamera('cam-1'), modelCamera('cam-2'));
  const { encoderOptions } = cameras;
  const open: string[] = [];
  const most = new Map<string, number>();
  let together = 0;
  cameras.encoderOptions = async (id, kind, signal) => {
    open.push(id);
    together = Math.max(together, new Set(open).size);
    most.set(id, Math.max(most.get(id) ?? 0, open.filter((each) => each === id).length));
    await Promise.resolve();
    const options = await encoderOptions.call(cameras, id, kind, signal);
    open.splice(open.indexOf(id), 1);
    return options;
  };
  const wish = { main: { frameRate: 10 }, sub: { frameRate: 10 } };
  await config.plan(config.current().version, { cameras: { 'cam-1': wish, 'cam-2': wish } });
  assert.equal([...most.values()], [1, 1]);
  assert.is(together, 2);
});

test('listeners hear of a new version once: from the cameras, and at the end of an apply', async () => {
  const { config, cameras } = await modelSite(modelCamera('cam-1'));
  const heard: Configuration[] = [];
  const end = config.onChange((current) => heard.push(current));
  cameras.changed();
  assert.is(heard.length, 0, 'nothing is different');
  cameras.get('cam-1').givenName = 'Changed on site';
  cameras.changed();
  assert.is(heard.length, 1);
  await config.apply(config.current().version, { recorderName: 'Shop', cameras: { 'cam-1': { name: 'Door', sub: { frameRate: 5 } } } });
  assert.is(heard.length, 2);
  assert.equal(heard[1], config.current());
  end();
  cameras.get('cam-1').givenName = 'Again';
  cameras.changed();
  assert.is(heard.length, 2);
});

test('stop: a change under way goes back, later ones are given up, nobody listens any more', async () => {
  const { config, cameras } = await modelSite(modelCamera('cam-1'));
  const { version } = config.current();
  const reached = deferred();
  cameras.before = (call) => call.startsWith('rename') && reached.resolve();
  const under = failure(config.apply(version, { cameras: { 'cam-1': { name: 'Door', main: { frameRate: 5 }, sub: { frameRate: 5 } } } }));
  const behind = failure(config.apply(version, sub(6)));
  await reached.promise;
  await config.stop();
  assert.is((await under).code, 'config.cancelled');
  assert.is((await under).detail.isRestored, true);
  assert.is((await behind).code, 'config.cancelled');
  assert.is(config.current().version, version);
  assert.is(cameras.listeners, 0);
});

test('a caller who gives up before anything happened changes nothing', async () => {
  const { config, cameras } = await modelSite(modelCamera('cam-1'));
  const gone = AbortSignal.abort();
  for (const work of [config.plan(config.current().version, sub(5), gone), config.apply(config.current().version, sub(5), gone)]) {
    assert.is((await failure(work)).code, 'config.cancelled');
  }
  const asking = new AbortController();
  cameras.before = () => asking.abort();
  assert.is((await failure(config.apply(config.current().version, sub(5), asking.signal))).code, 'config.cancelled');
  assert.equal(cameras.acts, []);
});

test.run();
