import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { diffConfiguration } from '../../../../agent/config/diff.js';
import { EMPTY_DOCUMENT } from '../../../../agent/config/document.js';
import { type Offer, offerKey, offersNeeded, type Planned, planConfiguration } from '../../../../agent/config/plan.js';
import { reportConfiguration } from '../../../../agent/config/report.js';
import { type ConfigurationPatch, Plan } from '../../../../agent/contract/configuration.js';
import { type ModelCamera, ModelCameras, modelCamera, OFFERS } from './model-cameras.js';

function plan(patch: ConfigurationPatch, cameras: ModelCamera[] = [modelCamera('cam-1'), modelCamera('cam-2')], offer?: Offer): Planned {
  const views = new ModelCameras(cameras).list();
  const current = reportConfiguration(EMPTY_DOCUMENT, 'Recorder', views);
  const changes = diffConfiguration(current, patch);
  const offers = new Map(
    offersNeeded(changes, views).map(({ cam, stream }) => [offerKey(cam, stream), offer ?? { options: OFFERS[stream] }]),
  );
  const planned = planConfiguration({ current, cameras: views, offers }, changes);
  assert.equal(Plan.parse(planned.plan), planned.plan, 'fits the contract');
  return planned;
}

const sub = (to: { width?: number; height?: number; frameRate?: number }): ConfigurationPatch => ({ cameras: { 'cam-1': { sub: to } } });
const refusals = ({ plan: { refused } }: Planned): string[] => refused.map(({ path, code }) => `${path} ${code}`);

test('only real differences become steps', () => {
  const same = { name: ' Model cam-1 ', main: { width: 1280, height: 720, frameRate: 25 }, sub: { width: 640 } };
  assert.equal(plan({ recorderName: 'Recorder', cameras: { 'cam-1': same, 'cam-2': {} } }).plan.steps, []);
  assert.equal(plan({}).plan, { ...plan({}).plan, steps: [], refused: [] });
  const { plan: one, acts } = plan(sub({ width: 640, height: 360, frameRate: 10 }));
  assert.equal(one.steps, [{ path: 'cameras.cam-1.sub.frameRate', from: 15, to: 10, risk: 'interrupts-video' }]);
  assert.equal(acts[0]?.kind === 'encoder' && acts[0].change, { frameRate: 10 });
});

test('harmless first, then what interrupts video; each leaf with before and after', () => {
  const { plan: all } = plan({
    recorderName: 'Shop',
    cameras: {
      'cam-2': { name: 'Yard' },
      'cam-1': { sub: { width: 320, height: 180 }, login: { user: 'admin', password: 'topsecret' }, name: 'Front door' },
    },
  });
  assert.equal(
    all.steps.map(({ path, from, to, risk }) => [path, from, to, risk]),
    [
      ['recorderName', 'Recorder', 'Shop', 'harmless'],
      ['cameras.cam-1.name', 'Model cam-1', 'Front door', 'harmless'],
      ['cameras.cam-2.name', 'Model cam-2', 'Yard', 'harmless'],
      ['cameras.cam-1.login', null, 'changed', 'harmless'],
      ['cameras.cam-1.sub.width', 640, 320, 'interrupts-video'],
      ['cameras.cam-1.sub.height', 360, 180, 'interrupts-video'],
    ],
  );
  assert.not.match(JSON.stringify(all), 'topsecret');
});

test('width and height go together: the one not named stays', () => {
  const { plan: grown, acts } = plan(sub({ height: 480 }));
  assert.equal(grown.steps, [{ path: 'cameras.cam-1.sub.height', from: 360, to: 480, risk: 'interrupts-video' }]);
  assert.equal(acts[0]?.kind === 'encoder' && acts[0].change, { width: 640, height: 480 });
  assert.equal(refusals(plan(sub({ width: 320 }))), ['cameras.cam-1.sub.width config.resolution_not_offered']);
});

test('what the camera does not offer is refused with what it offers', () => {
  const planned = plan(sub({ width: 800, height: 600, frameRate: 60 }));
  assert.equal(planned.acts, []);
  const [size, rate] = planned.plan.refused;
  assert.is(size?.say, 'Model cam-1 does not offer 800 × 600 on its sub-stream.');
  assert.equal(size?.offers, ['640 × 360', '320 × 180', '640 × 480']);
  assert.is(rate?.path, 'cameras.cam-1.sub.frameRate');
  assert.is(rate?.say, 'Model cam-1 does not offer 60 frames per second on its sub-stream.');
  assert.equal(rate?.offers, ['1 to 25']);
});

test('frame rates: every whole number inside the offer, nothing else', () => {
  for (const rate of [0.5, 1, 1.5, 2, 24, 24.9, 25, 25.1, 26, 120]) {
    const isOffered = Number.isInteger(rate) && rate >= 1 && rate <= 25;
    assert.is(refusals(plan(sub({ frameRate: rate }))).length, isOffered ? 0 : 1, String(rate));
  }
});

test('values the camera has now may stay, offered or not', () => {
  const odd = modelCamera('cam-1', {
    streams: { sub: { codec: 'H264', width: 704, height: 576, frameRate: 50, bitrateKbps: 0, gopLength: 0 } },
  });
  assert.equal(refusals(plan(sub({ width: 704, height: 576, frameRate: 10 }), [odd])), []);
  assert.equal(refusals(plan(sub({ width: 704, height: 576, frameRate: 50 }), [odd])), []);
});

test('a stream outside what can be reported is set from "not known"', () => {
  const odd = modelCamera('cam-1', {
    streams: { sub: { codec: 'H264', width: 640, height: 360, frameRate: 0, bitrateKbps: 0, gopLength: 0 } },
  });
  const { plan: all } = plan(sub({ frameRate: 10 }), [odd]);
  assert.equal(all.steps, [{ path: 'cameras.cam-1.sub.frameRate', from: null, to: 10, risk: 'interrupts-video' }]);
});

test('names: empty, too long, not printable', () => {
  const name = (text: string): string[] => refusals(plan({ recorderName: text, cameras: { 'cam-1': { name: text } } }));
  const both = (code: string): string[] => [`recorderName config.${code}`, `cameras.cam-1.name config.${code}`];
  assert.equal(name('   '), both('name_empty'));
  assert.equal(name('x'.repeat(81)), both('name_too_long'));
  assert.equal(name('a\u0007b'), both('name_unprintable'));
  assert.equal(name('a\u2028b'), both('name_unprintable'));
  assert.equal(name(` ${'x'.repeat(80)} `), []);
});

test('a camera nobody knows is named, with those there are', () => {
  const planned = plan({ cameras: { 'cam-9': {}, 'cam-1': { name: 'Front door' } } });
  assert.equal(refusals(planned), ['cameras.cam-9 config.no_such_camera']);
  assert.equal(planned.plan.refused[0]?.offers, ['cam-1', 'cam-2']);
  assert.is(planned.plan.steps.length, 1, 'the rest is still shown');
  assert.is(plan({ cameras: { 'cam-9': {} } }, []).plan.refused[0]?.fix, 'Search for cameras first.');
});

test('a camera that is not online: its name can change, its streams cannot, its login only where that helps', () => {
  const all = { name: 'Yard', login: { user: 'a', password: 'b' }, sub: { frameRate: 5 } };
  const gone = { code: 'cameras.gone', say: 'Nothing answers at 192.0.2.1.', fix: 'Check its cable.' };
  const at = (state: ModelCamera['state'], reason?: ModelCamera['reason']): Planned =>
    plan({ cameras: { 'cam-1': all } }, [modelCamera('cam-1', { state, reason })]);
  const offline = 'config.camera_offline';
  for (const state of ['unknown', 'fault'] as const) {
    assert.equal(refusals(at(state, gone)), [`cameras.cam-1.login ${offline}`, `cameras.cam-1.sub ${offline}`]);
  }
  for (const state of ['unauthorized', 'reachable'] as const) assert.equal(refusals(at(state)), [`cameras.cam-1.sub ${offline}`]);
  assert.equal(refusals(at('online')), []);
  const [login, stream] = at('fault', gone).plan.refused;
  assert.is(stream?.say, login?.say);
  assert.is(login?.say, 'Model cam-1 cannot be set now. Nothing answers at 192.0.2.1.');
  assert.is(login?.fix, 'Check its cable.');
  assert.is(at('unknown').plan.refused[0]?.say, 'Model cam-1 cannot be set now. It has not answered yet.');
});

test('no sub-stream, no offer, an empty offer', () => {
  const without = modelCamera('cam-1', { streams: {} });
  assert.equal(refusals(plan(sub({ frameRate: 5 }), [without])), ['cameras.cam-1.sub config.no_such_stream']);
  const asked = plan(sub({ frameRate: 5 }), undefined, { trouble: { say: 'Too slow.', fix: 'Restart it.' } });
  assert.is(asked.plan.refused[0]?.say, 'Model cam-1 cannot be set now. Too slow.');
  const nothing = { options: { ...OFFERS.sub, resolutions: [] } };
  assert.match(plan(sub({ width: 320 }), undefined, nothing).plan.refused[0]?.fix ?? '', 'own page');
});

test('every refusal has its own path', () => {
  const gone = modelCamera('cam-1', { state: 'fault' });
  const patch = { name: '', login: { user: 'a', password: '' }, main: { width: 64, height: 64, frameRate: 120 }, sub: { frameRate: 99 } };
  for (const camera of [gone, modelCamera('cam-1')]) {
    const paths = plan({ recorderName: ' ', cameras: { 'cam-1': patch, 'cam-7': {} } }, [camera]).plan.refused.map(({ path }) => path);
    assert.is(new Set(paths).size, paths.length);
    assert.ok(paths.length >= 5);
  }
});

test.run();
