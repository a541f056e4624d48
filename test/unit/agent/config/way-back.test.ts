/** Changes that fail half-way: everything goes back, and what does not is said. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ConfigurationPatch } from '../../../../agent/contract/configuration.js';
import { Secret } from '../../../../agent/kernel/secret.js';
import { failure, type ModelSite, modelCamera, modelSite, trouble } from './model-cameras.js';

const PATCH: ConfigurationPatch = {
  recorderName: 'Shop',
  cameras: {
    'cam-1': { name: 'Front door', main: { frameRate: 10 }, sub: { width: 320, height: 180, frameRate: 5 } },
    'cam-2': { name: 'Yard', sub: { frameRate: 5 } },
  },
};

const start = (): Promise<ModelSite> => modelSite(modelCamera('cam-1'), modelCamera('cam-2'));
const apply = ({ config }: ModelSite, patch = PATCH) => failure(config.apply(config.current().version, patch));

test('a camera that says yes and keeps another value: named, and everything is as before', async () => {
  const site = await start();
  const before = site.config.current();
  site.cameras.get('cam-2').take = (wanted) => ({ ...wanted, frameRate: Math.max(wanted.frameRate, 12) });
  const error = await apply(site);
  assert.is(error.code, 'config.not_taken');
  assert.is(error.say, 'Model cam-2 was asked for 5 frames per second on its sub-stream and now says 12. Everything is as it was before.');
  const { step, asked, read, isRestored, notRestored } = error.detail;
  assert.equal([step, asked, read, isRestored, notRestored], ['cameras.cam-2.sub.frameRate', 5, 12, true, []]);
  assert.equal(site.config.current(), before);
  assert.is(site.store.document, undefined);
  assert.is(site.cameras.get('cam-1').givenName, '', 'the camera’s own name is not pinned');
});

test('a size the camera changes, and a value nobody asked to change', async () => {
  const site = await start();
  site.cameras.get('cam-1').take = (wanted) => (wanted.height === 180 ? { ...wanted, height: 184 } : wanted);
  const size = await apply(site);
  assert.equal([size.detail.step, size.detail.asked, size.detail.read], ['cameras.cam-1.sub.width', '320 × 180', '320 × 184']);

  site.cameras.get('cam-1').take = (wanted, kind) => (kind === 'sub' && wanted.width === 320 ? { ...wanted, frameRate: 8 } : wanted);
  const beside = await apply(site, { cameras: { 'cam-1': { sub: { width: 320, height: 180 } } } });
  assert.equal([beside.detail.step, beside.detail.asked, beside.detail.read], ['cameras.cam-1.sub.frameRate', 15, 8]);
  assert.is(beside.detail.isRestored, true);
  assert.is(site.cameras.get('cam-1').streams.sub?.frameRate, 15);
});

test('bit rate and GOP that the camera moved by itself go back too', async () => {
  const site = await start();
  const camera = site.cameras.get('cam-1');
  camera.take = (wanted) => (wanted.frameRate === 5 ? { ...wanted, frameRate: 6, bitrateKbps: 300, gopLength: 12 } : wanted);
  const before = camera.streams.sub;
  const error = await apply(site, { cameras: { 'cam-1': { sub: { frameRate: 5 } } } });
  assert.is(error.detail.isRestored, true);
  assert.equal(camera.streams.sub, before);
});

test('a camera that does not go back either is named, with what stayed changed', async () => {
  const site = await start();
  site.cameras.get('cam-2').take = (wanted) => ({ ...wanted, frameRate: 12 });
  const error = await apply(site);
  assert.is(error.code, 'config.not_taken');
  assert.is(error.detail.isRestored, false);
  assert.equal(error.detail.notRestored, ['cameras.cam-2.sub.frameRate']);
  assert.match(error.say, /Not set back to what it was: the sub-stream of Model cam-2\.$/);
  assert.match(error.fix, 'partly changed');
  assert.is(site.config.current().cameras['cam-2']?.sub?.frameRate, 12, 'reported as it is, not as it was wished');
  assert.is(site.config.current().cameras['cam-1']?.sub?.width, 640, 'the other camera is as before');
  assert.is(site.store.document, undefined);
});

test('a failure at every single step: the old configuration is there again, whole', async () => {
  const count = 5;
  for (let failing = 0; failing < count; failing += 1) {
    const site = await start();
    const before = site.config.current();
    let acts = 0;
    site.cameras.before = (call) => {
      if (!/^(?:set|rename)/.test(call)) return;
      acts += 1;
      if (acts - 1 === failing) throw trouble('cameras.slow', true);
    };
    const error = await apply(site);
    assert.is(error.code, 'config.not_applied');
    assert.is(error.detail.reason, 'cameras.slow');
    assert.is(error.detail.isRestored, true, `step ${failing}`);
    assert.is(error.retryable, true);
    assert.match(
      error.say,
      /^Could not set the (?:name|main stream|sub-stream) of Model cam-[12]\. Camera does not answer within 10 s\. Everything/,
    );
    assert.equal(site.config.current(), before);
    assert.is(site.store.document, undefined);
  }
});

test('a camera that took the value and then fell silent is asked again, and set back', async () => {
  const site = await start();
  const camera = site.cameras.get('cam-1');
  const { sub } = camera.streams;
  site.cameras.before = (call) => {
    if (!call.startsWith('set cam-1 sub {"frameRate":5')) return;
    if (sub !== undefined) camera.streams = { ...camera.streams, sub: { ...sub, frameRate: 5 } };
    throw trouble('cameras.slow', true);
  };
  const error = await apply(site, { cameras: { 'cam-1': { sub: { frameRate: 5 } } } });
  assert.is(error.detail.isRestored, true);
  assert.is(camera.streams.sub?.frameRate, 15);
  assert.ok(site.cameras.calls.includes('check cam-1'));
});

test('a camera that never took it is not set again: its video is not interrupted twice', async () => {
  const site = await start();
  site.cameras.before = (call) => {
    if (call.startsWith('set')) throw trouble('cameras.refused');
  };
  await apply(site, { cameras: { 'cam-1': { sub: { frameRate: 5 } } } });
  assert.is(site.cameras.acts.length, 1);
});

test('a camera that is gone afterwards: nobody says that it is as before', async () => {
  const site = await start();
  site.cameras.before = (call) => {
    if (!call.startsWith('set cam-1 sub')) return;
    Object.assign(site.cameras.get('cam-1'), { state: 'fault' });
    throw trouble('cameras.gone', true);
  };
  const error = await apply(site);
  const ofFirst = ['cameras.cam-1.sub.width', 'cameras.cam-1.sub.height', 'cameras.cam-1.sub.frameRate', 'cameras.cam-1.main.frameRate'];
  assert.equal(error.detail.notRestored, ofFirst);
  assert.is(error.retryable, false);
  assert.match(error.say, 'Not set back to what it was: the sub-stream of Model cam-1, the main stream of Model cam-1.');
});

test('given names go back to what was given', async () => {
  const site = await start();
  await site.config.apply(site.config.current().version, { cameras: { 'cam-1': { name: 'Old name' } } });
  site.cameras.before = (call) => {
    if (call.startsWith('set')) throw trouble('cameras.refused');
  };
  await apply(site);
  assert.is(site.cameras.get('cam-1').givenName, 'Old name');
  assert.is(site.cameras.get('cam-2').givenName, '');
});

test('a name given elsewhere is given again', async () => {
  const site = await start();
  site.cameras.get('cam-1').givenName = 'From the command line';
  site.cameras.before = (call) => {
    if (call.startsWith('set')) throw trouble('cameras.refused');
  };
  const error = await apply(site);
  assert.is(error.detail.isRestored, true);
  assert.is(site.cameras.get('cam-1').givenName, 'From the command line');
});

test('a memory that cannot be written: the cameras go back', async () => {
  const site = await start();
  const before = site.config.current();
  site.store.fails = trouble('store.full');
  const error = await apply(site);
  assert.equal([error.code, error.detail.reason, error.detail.isRestored], ['config.not_applied', 'store.full', true]);
  assert.match(error.say, /^Could not set the memory of the settings\./);
  assert.equal(site.config.current(), before);
});

test('a login that the camera refuses: the one before is in use again, own or none', async () => {
  const own = { user: 'installer', password: new Secret('old one') };
  for (const login of [own, undefined]) {
    const site = await modelSite(modelCamera('cam-1', { login, accepts: ['old one', 'group'] }));
    const before = site.config.current();
    const error = await apply(site, { cameras: { 'cam-1': { name: 'Door', login: { user: 'x', password: 'topsecret' } } } });
    assert.is(error.code, 'config.login_not_taken');
    assert.is(error.say, 'Model cam-1 does not work with the new login. Camera refuses the password. Everything is as it was before.');
    assert.equal([error.detail.step, error.detail.read], ['cameras.cam-1.login', 'cameras.wrong_password']);
    assert.is(site.cameras.get('cam-1').login, login);
    assert.is(site.cameras.get('cam-1').state, 'online');
    assert.equal(site.config.current(), before);
    assert.not.match(JSON.stringify([error, error.say, error.stack, site.lines]), 'topsecret');
  }
});

test('an own login that was refused before cannot be had back, and that is said', async () => {
  const login = { user: 'installer', password: new Secret('forgotten') };
  const site = await modelSite(modelCamera('cam-1', { login, state: 'unauthorized', accepts: ['right'] }));
  const error = await apply(site, { cameras: { 'cam-1': { login: { user: 'x', password: 'wrong too' } } } });
  assert.equal([error.code, error.detail.isRestored], ['config.login_not_taken', false]);
  assert.match(error.say, 'Not set back to what it was: the login of Model cam-1.');
  assert.is(site.cameras.get('cam-1').login?.user, 'x', 'the new one stays, rather than none');
});

test('a caller who gives up in the middle: the camera is back, whatever the signal says', async () => {
  const site = await start();
  const before = site.config.current();
  const giving = new AbortController();
  site.cameras.before = (call) => {
    if (call.startsWith('set cam-1 sub')) giving.abort();
  };
  const error = await failure(site.config.apply(before.version, PATCH, giving.signal));
  assert.equal([error.code, error.detail.isRestored], ['config.cancelled', true]);
  assert.equal(site.config.current(), before);
});

test('a caller who gives up between two steps: the next one is not begun', async () => {
  const site = await start();
  const before = site.config.current();
  const giving = new AbortController();
  site.cameras.before = (call) => {
    if (call === 'rename cam-1 Front door') giving.abort();
  };
  const names = { cameras: { 'cam-1': { name: 'Front door' }, 'cam-2': { name: 'Yard' } } };
  assert.is((await failure(site.config.apply(before.version, names, giving.signal))).code, 'config.cancelled');
  assert.equal(site.cameras.acts, ['rename cam-1 Front door', 'rename cam-1 ']);
  assert.equal(site.config.current(), before);
});

test('after a failure the next change works', async () => {
  const site = await start();
  site.store.fails = trouble('store.full');
  await apply(site);
  site.store.fails = undefined;
  const { steps } = await site.config.apply(site.config.current().version, PATCH);
  assert.is(steps.length, 8);
});

test.run();
