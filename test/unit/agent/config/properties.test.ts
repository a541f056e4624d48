/** Whatever is asked for: the result is exactly the patched configuration, or exactly the one before. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Configuration, type ConfigurationPatch } from '../../../../agent/contract/configuration.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { type ModelCamera, modelCamera, modelSite, OFFERS, trouble } from './model-cameras.js';

const RUNS = { numRuns: 300 };
const PASSWORD = 'n0t-to-be-seen';

const name = fc.constantFrom('Front door', 'Yard', ' Yard ', 'Model cam-1', 'Ä 📷', 'x'.repeat(80));
const badName = fc.constantFrom('   ', 'x'.repeat(81), 'a\u0000b');
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

function wish(kind: 'main' | 'sub', isBad: boolean) {
  const { resolutions, frameRate } = OFFERS[kind];
  const offered = fc.record({ size: maybe(fc.constantFrom(...resolutions)), rate: maybe(fc.integer(frameRate)) });
  const good = offered.map(({ size, rate }) => ({ ...size, ...(rate === undefined ? {} : { frameRate: rate }) }));
  const bad = fc.record({
    width: fc.constantFrom(64, 333, 640),
    height: fc.constantFrom(64, 360),
    frameRate: fc.constantFrom(0.5, 7.5, 10, 99),
  });
  return isBad ? fc.oneof(good, bad) : good;
}

function patches(isBad: boolean): fc.Arbitrary<ConfigurationPatch> {
  const names = isBad ? fc.oneof(name, badName) : name;
  const login = fc.constant({ user: 'admin', password: PASSWORD });
  const camera = fc
    .record({ name: maybe(names), main: maybe(wish('main', isBad)), sub: maybe(wish('sub', isBad)), login: maybe(login) })
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
  const ids = isBad ? fc.constantFrom('cam-1', 'cam-2', 'cam-3', 'cam-9') : fc.constantFrom('cam-1', 'cam-2', 'cam-3');
  const cameras = fc.dictionary(ids, camera, { noNullPrototype: true });
  return fc.record({ recorderName: maybe(names), cameras: maybe(cameras) }).map(
    ({ recorderName, cameras: some }) =>
      ({
        ...(recorderName === undefined ? {} : { recorderName }),
        ...(some === undefined ? {} : { cameras: some }),
      }) as ConfigurationPatch,
  );
}

/** RFC 7396 by hand, as far as this document goes. */
function patched(current: Configuration, patch: ConfigurationPatch): Omit<Configuration, 'version'> {
  const cameras = Object.entries(current.cameras).map(([cam, now]) => {
    const to = patch.cameras?.[cam];
    const stream = (kind: 'main' | 'sub') => (now[kind] === null ? null : { ...now[kind], ...to?.[kind] });
    const next = {
      name: to?.name?.trim() ?? now.name,
      main: stream('main'),
      sub: stream('sub'),
      hasLogin: now.hasLogin || to?.login !== undefined,
    };
    return [cam, next];
  });
  return { recorderName: patch.recorderName?.trim() ?? current.recorderName, cameras: Object.fromEntries(cameras) };
}

const site = (more: Partial<ModelCamera> = {}) => modelSite(modelCamera('cam-1'), modelCamera('cam-2', more), modelCamera('cam-3'));
const withoutVersion = ({ version, ...rest }: Configuration): Omit<Configuration, 'version'> => rest;

test('a patch that is offered gives exactly the patched configuration, and nothing to do the second time', async () => {
  const property = fc.asyncProperty(patches(false), async (patch) => {
    const { config } = await site();
    const before = config.current();
    const { version, steps } = await config.apply(before.version, patch);
    const after = config.current();
    assert.equal(withoutVersion(after), patched(before, patch));
    assert.is(after.version, version);
    assert.equal(Configuration.parse(after), after);
    const again = await config.plan(version, patch);
    assert.ok(again.steps.every(({ path }) => path.endsWith('.login')));
    assert.ok(steps.length > 0 || after.version === before.version);
  });
  await fc.assert(property, RUNS);
});

test('anything refused, by the plan: nothing is done at all', async () => {
  let refusals = 0;
  const property = fc.asyncProperty(patches(true), fc.constantFrom('online', 'fault', 'unauthorized'), async (patch, state) => {
    const { config, cameras, store } = await site({ state: state as ModelCamera['state'] });
    const before = config.current();
    const plan = await config.plan(before.version, patch);
    if (plan.refused.length === 0) return;
    refusals += 1;
    const error: unknown = await config.apply(before.version, patch).catch((thrown: unknown) => thrown);
    assert.instance(error, AgentError);
    assert.is((error as AgentError).code, 'config.refused');
    assert.equal(cameras.acts, []);
    assert.is(store.document, undefined);
    assert.equal(config.current(), before);
  });
  await fc.assert(property, RUNS);
  assert.ok(refusals > 50, `only ${refusals} of ${RUNS.numRuns} patches were refused`);
});

test('a failure anywhere: exactly the new configuration or exactly the old one, and no password anywhere', async () => {
  const kinds = fc.constantFrom('slow', 'clamps', 'full', 'refuses');
  const property = fc.asyncProperty(patches(false), fc.nat(8), kinds, async (patch, at, kind) => {
    const { config, cameras, store, lines } = await site({ accepts: kind === 'refuses' ? ['group'] : undefined });
    const before = config.current();
    let acts = 0;
    cameras.before = (call) => {
      if (!/^(?:set|rename)/.test(call) || kind !== 'slow') return;
      acts += 1;
      if (acts === at) throw trouble('cameras.slow', true);
    };
    const first = cameras.get('cam-1').streams.sub;
    if (kind === 'clamps') cameras.get('cam-1').take = (wanted, stream) => (stream === 'sub' && first !== undefined ? first : wanted);
    if (kind === 'full') store.fails = trouble('store.full');
    const outcome: unknown = await config.apply(before.version, patch).catch((thrown: unknown) => thrown);
    const after = config.current();
    if (outcome instanceof AgentError) {
      assert.is(outcome.detail.isRestored, true, outcome.message);
      assert.equal(after, before);
    } else assert.equal(withoutVersion(after), patched(before, patch));
    const said = outcome instanceof AgentError ? [outcome.message, outcome.fix, outcome.stack] : [];
    assert.not.match(JSON.stringify([outcome, said, after, store.document, lines, cameras.calls]), PASSWORD);
  });
  await fc.assert(property, RUNS);
});

test.run();
