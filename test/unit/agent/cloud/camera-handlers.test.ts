import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Cameras } from '../../../../agent/cameras/ports.js';
import { cameraHandlers } from '../../../../agent/cloud/handlers/cameras.js';
import { MotionWatch } from '../../../../agent/cloud/handlers/motion-watch.js';
import { ptzHandlers } from '../../../../agent/cloud/handlers/ptz.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { PtzDriver } from '../../../../drivers/port.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { settle } from '../../../support/manual-clock.js';
import { TestLog } from '../../../support/test-log.js';
import { type Desk, openDesk } from './desk-rig.js';

const it = suite('camera handlers');
const SECRET = 's3cret-of-the-camera';

interface Rig {
  readonly desk: Desk;
  readonly heard: string[];
}

async function openRig(gear: Partial<PtzDriver> = {}): Promise<Rig> {
  const heard: string[] = [];
  const note =
    (what: string) =>
    async (...args: readonly unknown[]): Promise<void> =>
      void heard.push([what, ...args.filter((arg) => typeof arg === 'string')].join(' '));
  const ptz: PtzDriver = {
    ...{ move: note('move'), stop: note('stop'), goto: note('goto'), home: note('home'), removePreset: note('remove') },
    presets: async () => [{ token: '1', name: 'Gate' }],
    setPreset: async (name) => {
      heard.push(`set ${name}`);
      return '2';
    },
    ...gear,
  };
  const view = { id: 'cam-3', name: 'Gate', host: '192.0.2.7', state: 'online', reason: undefined };
  const cameras = {
    ptz: () => ptz,
    find: () => view,
    add: async (address: string) => {
      if (address === 'broken') throw new AgentError({ code: 'cameras.bad_address', say: 'No address.', fix: 'Write one.' });
      heard.push(`add ${address}`);
      return view;
    },
    rename: async (_id: string, name: string) => {
      heard.push(`rename ${name}`);
      return { ...view, name };
    },
    discover: async (wish: object) => {
      heard.push(`discover ${JSON.stringify(wish)}`);
      return { found: ['cam-4', 'cam-3'], known: ['cam-1', 'cam-3'], removed: 1 };
    },
    remove: note('remove'),
    test: async () => [
      { step: 'reachability', result: 'ok', code: null, say: 'Answers.', fix: '', tookMs: 1 },
      { step: 'stream', result: 'failed', code: 'cameras.gone', say: 'No.', fix: 'Do.', tookMs: 1 },
    ],
  } as unknown as Cameras;
  const desk = await openDesk((own) => {
    const { clock } = own;
    const onPermissionsChange = (listener: () => void): (() => void) => own.permissions.onChange(listener);
    const motions = new MotionWatch({ ptz: () => ptz, onPermissionsChange, clock, log: new TestLog() });
    return { ...cameraHandlers({ cameras, clock }), ...ptzHandlers({ cameras, motions, clock }) };
  });
  return { desk, heard };
}

const rowsOf = ({ rows }: Desk, action: string): string[] =>
  (rows as readonly { action?: string; phase?: string; result?: string }[])
    .filter((row) => row.action === action)
    .map((row) => `${row.phase} ${row.result ?? ''}`.trim());

it('who looks after some cameras learns of no other when he searches, and may look at no host and no network', async () => {
  const { desk, heard } = await openRig();
  const dana = await newSigningKey();
  const { id: grant } = await desk.give({ scopes: ['remote-configuration'], cams: ['cam-3'] });
  assert.equal((await desk.ask('cameras.discover', {}, dana, { grant })).body, { found: ['cam-3'], known: ['cam-3'] });
  assert.equal(desk.rows.at(-1)?.after, { found: ['cam-4', 'cam-3'], known: 2 }, 'the owner is told of all');
  for (const wish of [{ host: '192.0.2.7' }, { scan: '192.0.2.0/24' }]) {
    assert.is((await desk.ask('cameras.discover', wish, dana, { grant })).error?.code, 'permissions.other_camera');
  }
  assert.is((await desk.ask('cameras.discover', { host: 'a', scan: '192.0.2.0/24' }, desk.owner)).error?.code, 'message.invalid');
  assert.is((await desk.ask('cameras.discover', { scan: '192.0.2.0/21' }, desk.owner)).error?.code, 'message.invalid');
  assert.equal(heard, ['discover {}'], 'nothing was looked at');
  const all = { found: ['cam-4', 'cam-3'], known: ['cam-1', 'cam-3'], removed: 1 };
  assert.equal((await desk.ask('cameras.discover', { scan: '192.0.2.0/24' }, desk.owner)).body, all);
  assert.equal(desk.rows.at(-1)?.after, { network: '192.0.2.0/24', found: ['cam-4', 'cam-3'], known: 2 });
});

it('cameras are added each on its own, with intent and result in the log and no login in it', async () => {
  const { desk, heard } = await openRig();
  const login = { user: 'admin', password: SECRET };
  const cameras = [{ address: '192.0.2.7', login, name: 'Gate' }, { address: 'broken' }];
  const { body } = await desk.ask('cameras.add', { cameras }, desk.owner);
  const bad = { code: 'cameras.bad_address', say: 'No address.', fix: 'Write one.' };
  assert.equal(body, {
    cameras: [
      { address: '192.0.2.7', id: 'cam-3', state: 'online', reason: null },
      { address: 'broken', id: null, state: null, reason: bad },
    ],
  });
  assert.equal(heard, ['add 192.0.2.7', 'rename Gate']);
  assert.equal(rowsOf(desk, 'cameras.add'), ['intent', 'result ok']);
  assert.not.match(JSON.stringify(desk.rows), SECRET);
});

it('a login inside an address is refused before anything is logged of it', async () => {
  const { desk, heard } = await openRig();
  const { error } = await desk.ask('cameras.add', { cameras: [{ address: `http://admin:${SECRET}@192.0.2.7` }] }, desk.owner);
  assert.is(error?.code, 'message.invalid');
  assert.not.match(JSON.stringify([desk.rows, error]), SECRET);
  assert.equal(heard, []);
});

it('who looks after some cameras adds none, and tests and removes only those', async () => {
  const { desk, heard } = await openRig();
  const dana = await newSigningKey();
  const { id: grant } = await desk.give({ scopes: ['remote-configuration', 'ptz'], cams: ['cam-3'] });
  const code = async (op: Parameters<Desk['ask']>[0], args: unknown): Promise<string> =>
    (await desk.ask(op, args, dana, { grant })).error?.code ?? 'answered';
  assert.is(await code('cameras.add', { cameras: [{ address: '192.0.2.9' }] }), 'permissions.other_camera');
  assert.is(await code('cameras.remove', { cam: 'cam-4' }), 'permissions.other_camera');
  assert.is(await code('ptz.goto', { cam: 'cam-4', token: '1' }), 'permissions.other_camera');
  assert.equal(heard, []);
  assert.is(await code('cameras.remove', { cam: 'cam-3' }), 'answered');
  const { body } = await desk.ask('cameras.test', { cam: 'cam-3' }, desk.owner);
  assert.equal((body as { isOk: boolean }).isOk, false);
});

it('places: told, driven to, stored and removed, each under the permission to move', async () => {
  const { desk, heard } = await openRig();
  const dana = await newSigningKey();
  const { id: grant } = await desk.give({ scopes: ['ptz'] });
  const ask = (op: Parameters<Desk['ask']>[0], args: object) => desk.ask(op, { cam: 'cam-3', ...args }, dana, { grant });
  assert.equal((await ask('ptz.presets', {})).body, { presets: [{ token: '1', name: 'Gate' }] });
  await ask('ptz.goto', { token: '1' });
  await ask('ptz.home', {});
  assert.equal((await ask('ptz.set-preset', { name: 'Yard', token: null })).body, { token: '2' });
  await ask('ptz.remove-preset', { token: '2' });
  assert.equal(heard, ['goto 1', 'home', 'set Yard', 'remove 2']);
  for (const op of ['ptz.goto', 'ptz.home', 'ptz.set-preset', 'ptz.remove-preset'])
    assert.equal(rowsOf(desk, op), ['intent', 'result ok'], op);
  const noFactor = await desk.ask('ptz.goto', { cam: 'cam-3', token: '1' }, dana, { grant, amr: ['pwd'] });
  assert.is(noFactor.error?.code, 'permissions.second_factor');
  const { id: other } = await desk.give({ scopes: ['remote-configuration'] });
  assert.is((await desk.ask('ptz.home', { cam: 'cam-3' }, dana, { grant: other })).error?.code, 'permissions.no_scope');
});

it('a drive that is under way ends with the permission under which it began', async () => {
  const { desk, heard } = await openRig();
  const dana = await newSigningKey();
  const { id: grant } = await desk.give({ scopes: ['ptz'] });
  await desk.ask('ptz.goto', { cam: 'cam-3', token: '1' }, dana, { grant });
  await desk.clock.advance(8_000);
  assert.equal(heard, ['goto 1'], 'nobody holds a button, and it drives on');
  await desk.permissions.withdraw(await desk.withdraw([grant]));
  await settle();
  assert.equal(heard, ['goto 1', 'stop']);
});

it('gear that cannot is said so', async () => {
  const { desk } = await openRig({ goto: undefined as never, presets: undefined as never });
  for (const [op, args] of [
    ['ptz.goto', { cam: 'cam-3', token: '1' }],
    ['ptz.presets', { cam: 'cam-3' }],
  ] as const)
    assert.is((await desk.ask(op, args, desk.owner)).error?.code, 'cameras.unsupported');
});

it.run();
