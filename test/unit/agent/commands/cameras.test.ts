import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { camerasAddCommand } from '../../../../agent/commands/camera-add.js';
import {
  camerasDiscoverCommand,
  camerasListCommand,
  camerasRemoveCommand,
  camerasShowCommand,
  camerasTestCommand,
} from '../../../../agent/commands/cameras.js';
import { EXIT } from '../../../../agent/commands/command.js';
import { ptzCommand } from '../../../../agent/commands/ptz.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { withAgent } from './cli-rig.js';

const NOW = Date.UTC(2026, 10, 24, 12);
const door = {
  ...{ id: 'cam-1', name: 'Front door', manufacturer: 'Example', model: 'Dome 2', firmware: '1.2', serial: 'EX4711', host: '192.0.2.7' },
  ...{ state: 'online', reason: null, ptz: 'onvif', lastSeenAt: NOW - 60_000, hasLogin: true, alarms: ['tamper'] },
  streams: [{ kind: 'main', codec: 'H264', width: 1920, height: 1080, frameRate: 25, bitrateKbps: 4096 }],
};
const refused = { code: 'cameras.wrong_password', say: 'Camera answers, but refuses the password.', fix: 'Enter the password.' };
const yard = {
  ...door,
  id: 'cam-2',
  name: 'Yard',
  host: '192.0.2.8',
  state: 'unauthorized',
  reason: refused,
  streams: [],
  ptz: null,
  alarms: [],
};
const known = { now: NOW, cameras: [door, yard] };

test('list: how many work, a row each, and what to do about the others', () =>
  withAgent({ cameras: known }, async (rig) => {
    const { out, code } = await rig.run(camerasListCommand, []);
    assert.is(code, EXIT.ok);
    assert.match(
      out,
      /^1 of 2 cameras work\.\n\nCHANNEL +NAME +STATE +ADDRESS +MODEL\ncam-1 +Front door +works, says it was tampered with +192\.0\.2\.7 +Example Dome 2\n/,
    );
    assert.match(out, 'cam-2: Camera answers, but refuses the password. Enter the password. (cameras.wrong_password)');
    assert.is(JSON.parse((await rig.run(camerasListCommand, ['--json'])).out).cameras[1].reason.code, 'cameras.wrong_password');
  }));

test('list: none yet says what to do', () =>
  withAgent({ cameras: { now: NOW, cameras: [] } }, async (rig) => {
    assert.match((await rig.run(camerasListCommand, [])).out, /^No camera is known\.\n\n.*sightline cameras discover/);
  }));

test('show: by channel, number or name; another word is named', () =>
  withAgent({ cameras: known }, async (rig) => {
    for (const word of ['cam-1', '1', 'front DOOR']) {
      const { out } = await rig.run(camerasShowCommand, [word]);
      assert.match(out, /^Front door: works, says it was tampered with\.\n\n/, word);
      assert.match(out, /stream +main 1920x1080 H264 25\/s, 4096 kbit\/s\n/);
      assert.match(out, /last seen +.*\(1 min ago\)\n/);
    }
    assert.is(JSON.parse((await rig.run(camerasShowCommand, ['2', '--json'])).out).lastSeenAt, '2026-11-24T11:59:00.000Z');
    const unknown = await rig.run(camerasShowCommand, ['garage']);
    assert.match(unknown.err, 'There is no camera "garage". See sightline cameras list. (cli.unknown_id)');
    assert.is((await rig.run(camerasShowCommand, [])).code, EXIT.usage);
  }));

test('discover: the new ones, or none', async () => {
  await withAgent({ cameras: known, 'cameras-discover': { found: ['cam-2'] } }, async (rig) => {
    const { out } = await rig.run(camerasDiscoverCommand, []);
    assert.match(out, /^1 new camera found\.\n\nCHANNEL.*\ncam-2 +Yard/);
    assert.equal(
      JSON.parse((await rig.run(camerasDiscoverCommand, ['--json'])).out).found.map(({ id }: { id: string }) => id),
      ['cam-2'],
    );
  });
  await withAgent({ cameras: known, 'cameras-discover': { found: [] } }, async (rig) => {
    assert.is((await rig.run(camerasDiscoverCommand, [])).out, 'No new camera was found. 2 cameras are known.\n');
  });
});

test('discover at one host or in one network: what is asked, what answered, and what is no place to look', () =>
  withAgent({ cameras: known, 'cameras-discover': { found: [], known: ['cam-1'], removed: 2 } }, async (rig) => {
    const said =
      'No new camera was found. 1 known camera answered.\n' +
      '2 cameras that somebody removed before answered too. What is to come back is added with sightline cameras add ADDRESS.\n';
    assert.is((await rig.run(camerasDiscoverCommand, ['--scan', '192.0.2.0/24'])).out, said);
    assert.equal(rig.asked.find(([op]) => op === 'cameras-discover')?.[1], { scan: '192.0.2.0/24' });
    const json = (await rig.run(camerasDiscoverCommand, ['--host', 'gate.example:8080', '--json'])).out;
    assert.equal(JSON.parse(json), { found: [], known: ['cam-1'], removed: 2 });
    for (const words of [
      ['--scan', '192.0.2.0/8'],
      ['--scan', 'home'],
      ['--host', 'a b'],
      ['--host', 'a', '--scan', '192.0.2.0/24'],
    ]) {
      const { code, err } = await rig.run(camerasDiscoverCommand, words);
      assert.is(code, EXIT.usage, words.join(' '));
      assert.match(err, '(cli.usage)');
    }
    assert.is(rig.asked.filter(([op]) => op === 'cameras-discover').length, 2);
  }));

test('remove: asks first, and does nothing where nobody can be asked', () =>
  withAgent({ cameras: known, 'cameras-remove': { isDone: true } }, async (rig) => {
    assert.is((await rig.run(camerasRemoveCommand, ['cam-2'])).code, EXIT.usage);
    assert.is((await rig.run(camerasRemoveCommand, ['cam-2'], 'no')).code, EXIT.usage);
    assert.not.ok(rig.asked.some(([op]) => op === 'cameras-remove'));
    assert.is((await rig.run(camerasRemoveCommand, ['cam-2'], 'yes')).out, 'Yard (cam-2) is removed.\n');
    assert.is((await rig.run(camerasRemoveCommand, ['Yard', '--yes', '--json'])).out, '{"removed":"cam-2"}\n');
    assert.equal(rig.asked.at(-1), ['cameras-remove', { cam: 'cam-2' }, 'local']);
  }));

test('add: the password is asked for, never on the command line, and what became of each is told', async () => {
  const added = [
    { address: '192.0.2.7', id: 'cam-1', state: 'online', reason: null },
    { address: '192.0.2.8', id: 'cam-2', state: 'unauthorized', reason: refused },
  ];
  await withAgent({ 'cameras-add': { cameras: added } }, async (rig) => {
    const { out, code } = await rig.run(camerasAddCommand, ['192.0.2.7', '192.0.2.8', '--user', 'admin'], undefined, { hidden: 's3cret' });
    assert.is(code, EXIT.partly);
    assert.match(
      out,
      /^2 cameras added, 1 of them works\.\n\ncam-1 +192\.0\.2\.7 +works\ncam-2 +192\.0\.2\.8 +password refused\n\ncam-2: Camera answers/,
    );
    assert.not.match(out, 's3cret');
    const login = { user: 'admin', password: 's3cret' };
    assert.equal(rig.asked[0]?.[1], {
      cameras: [
        { address: '192.0.2.7', login },
        { address: '192.0.2.8', login },
      ],
    });
    await rig.run(camerasAddCommand, ['192.0.2.7', '--user', 'admin', '--password-stdin', '--name', 'Gate'], undefined, { piped: 'piped' });
    assert.equal(rig.asked[1]?.[1], { cameras: [{ address: '192.0.2.7', login: { user: 'admin', password: 'piped' }, name: 'Gate' }] });
  });
  await withAgent({}, async (rig) => {
    const inAddress = await rig.run(camerasAddCommand, ['onvif://admin:s3cret@192.0.2.7']);
    assert.is(inAddress.code, EXIT.usage);
    assert.not.match(inAddress.err, 's3cret');
    for (const args of [
      [],
      ['192.0.2.7', '--user', 'admin'],
      ['192.0.2.7', '--password-stdin'],
      ['a', 'b', '--name', 'Two'],
      ['192.0.2.7', '--password', 'x'],
    ])
      assert.is((await rig.run(camerasAddCommand, args)).code, EXIT.usage, args.join(' '));
    assert.equal(rig.asked, []);
  });
  const none = [{ address: 'x', id: null, state: null, reason: { code: 'cameras.bad_address', say: 'No.', fix: 'Write it.' } }];
  await withAgent({ 'cameras-add': { cameras: none } }, async (rig) => {
    assert.is((await rig.run(camerasAddCommand, ['x', '--json'])).code, EXIT.failed);
  });
});

test('test: a line per step, the next step below what fails, and an exit code for each outcome', async () => {
  const step = (name: string, result: string, more: object = {}) => ({
    ...{ step: name, result, code: null, say: `${name}.`, fix: '', tookMs: 3 },
    ...more,
  });
  const outcome = async (steps: readonly object[], isOk: boolean, args: readonly string[] = []) => {
    let said = { code: -1, out: '', err: '' };
    await withAgent({ cameras: known, 'cameras-test': { cam: 'cam-1', isOk, steps } }, async (rig) => {
      said = await rig.run(camerasTestCommand, ['cam-1', ...args]);
    });
    return said;
  };
  const good = await outcome([step('reachability', 'ok'), step('ptz', 'absent')], true);
  assert.equal([good.code, good.out], [EXIT.ok, 'Front door (cam-1) works.\n\nok  reachability  reachability.\n-   ptz           ptz.\n']);
  const odd = await outcome([step('clock', 'warning', { fix: 'Set NTP.', code: 'cameras.clock_off' })], true);
  assert.equal(
    [odd.code, odd.out],
    [EXIT.partly, 'Front door (cam-1) works; look at clock.\n\nlook  clock  clock.\n             Next: Set NTP. (cameras.clock_off)\n'],
  );
  const bad = await outcome([step('stream', 'failed'), step('keyframe', 'skipped')], false, ['--json']);
  assert.is(bad.code, EXIT.failed);
  assert.is(JSON.parse(bad.out).steps[0].result, 'failed');
});

test('ptz: moves, stops, drives, stores and forgets places; names count before tokens', () =>
  withAgent(
    {
      cameras: known,
      ...{ 'ptz-move': { isDone: true }, 'ptz-stop': { isDone: true }, 'ptz-goto': { isDone: true }, 'ptz-home': { isDone: true } },
      ...{ 'ptz-set-preset': { token: '2' }, 'ptz-remove-preset': { isDone: true } },
      'ptz-presets': {
        presets: [
          { token: '1', name: 'Gate' },
          { token: '7', name: '1' },
        ],
      },
    },
    async (rig) => {
      const last = () => rig.asked.at(-1)?.slice(0, 2);
      assert.is(
        (await rig.run(ptzCommand, ['cam-1', 'move', 'up-left', '--for', '2'])).out,
        'Front door has moved up-left for 2 s and stands.\n',
      );
      assert.equal(last(), ['ptz-move', { cam: 'cam-1', pan: -0.5, tilt: 0.5, zoom: 0, forMs: 2_000 }]);
      await rig.run(ptzCommand, ['1', 'move', 'in', '--speed', '1']);
      assert.equal(last(), ['ptz-move', { cam: 'cam-1', pan: 0, tilt: 0, zoom: 1, forMs: 500 }]);
      assert.is((await rig.run(ptzCommand, ['1', 'stop'])).out, 'Front door stands.\n');
      assert.match((await rig.run(ptzCommand, ['1', 'preset'])).out, /^TOKEN +NAME\n1 +Gate\n7 +1\n/);
      await rig.run(ptzCommand, ['1', 'preset', 'gate']);
      assert.equal(last(), ['ptz-goto', { cam: 'cam-1', token: '1' }]);
      await rig.run(ptzCommand, ['1', 'preset', '1']);
      assert.equal(last(), ['ptz-goto', { cam: 'cam-1', token: '7' }]);
      assert.is((await rig.run(ptzCommand, ['1', 'home', '--json'])).out, '{"cam":"cam-1","home":true}\n');
      await rig.run(ptzCommand, ['1', 'preset', 'Gate', '--set']);
      assert.equal(last(), ['ptz-set-preset', { cam: 'cam-1', name: 'Gate', token: '1' }], 'the old place of that name is stored anew');
      await rig.run(ptzCommand, ['1', 'preset', 'Barn', '--set']);
      assert.equal(last(), ['ptz-set-preset', { cam: 'cam-1', name: 'Barn', token: null }]);
      await rig.run(ptzCommand, ['1', 'preset', 'Gate', '--remove']);
      assert.equal(last(), ['ptz-remove-preset', { cam: 'cam-1', token: '1' }]);
      for (const args of [
        ['1'],
        ['1', 'dance'],
        ['1', 'move'],
        ['1', 'move', 'up-down'],
        ['1', 'move', 'up', '--for', '9'],
        ['1', 'move', 'up', '--speed', '-1'],
        ['1', 'preset', '--set'],
        ['1', 'stop', 'now'],
      ])
        assert.is((await rig.run(ptzCommand, args)).code, EXIT.usage, args.join(' '));
      assert.is((await rig.run(ptzCommand, ['1', 'preset', 'Roof'])).code, EXIT.failed);
    },
  ));

test('ptz: gear that cannot list its places is driven by their numbers', () => {
  const unsupported = new AgentError({ code: 'cameras.unsupported', say: 'Camera cannot do this.', fix: 'Use one that can.' });
  return withAgent(
    { cameras: known, 'ptz-presets': unsupported, 'ptz-goto': { isDone: true }, 'ptz-set-preset': { token: '5' } },
    async (rig) => {
      await rig.run(ptzCommand, ['1', 'preset', '5']);
      assert.equal(rig.asked.at(-1)?.slice(0, 2), ['ptz-goto', { cam: 'cam-1', token: '5' }]);
      await rig.run(ptzCommand, ['1', 'preset', '5', '--set']);
      assert.equal(rig.asked.at(-1)?.slice(0, 2), ['ptz-set-preset', { cam: 'cam-1', name: '5', token: '5' }]);
      assert.is((await rig.run(ptzCommand, ['1', 'preset'])).code, EXIT.failed);
    },
  );
});

test.run();
