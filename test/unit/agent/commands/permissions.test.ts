import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXIT } from '../../../../agent/commands/command.js';
import { permissionsListCommand } from '../../../../agent/commands/permissions.js';
import { permissionsWithdrawCommand, withdrawCommand } from '../../../../agent/commands/withdraw.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { type CliRig, withAgent } from './cli-rig.js';

const NOW = Date.UTC(2026, 10, 24, 12);
const HOUR_MS = 3_600_000;
const GUARD = `Ab3xY9k2${'C'.repeat(14)}`;
const DASH = `-q81mN4c${'D'.repeat(14)}`;
const OLD = `Ab3xY9k9${'E'.repeat(14)}`;
const grant = {
  id: GUARD,
  organisation: 'Example Alarms',
  scopes: ['ptz', 'live-view'],
  cams: ['cam-1', 'cam-2'],
  hours: null,
  from: NOW - HOUR_MS,
  until: NOW + 3 * HOUR_MS,
  state: 'in-force',
  endedAt: null,
};
const hours = { zone: 'Europe/Berlin', days: [1, 2], from: '08:00', to: '18:00' };
const service = { ...grant, id: DASH, organisation: 'Example Service', scopes: ['health'], cams: null, hours };
const old = { ...grant, id: OLD, state: 'expired', until: NOW - HOUR_MS, endedAt: NOW - HOUR_MS };
const application = {
  id: 'F'.repeat(22),
  organisation: 'Example Alarms',
  person: { name: 'Dana Example', email: 'dana@example.org' },
  scopes: ['playback'],
  cams: null,
  durationMs: 24 * HOUR_MS,
  note: 'Break-in last night',
  at: NOW - 60_000,
};
const held = { now: NOW, site: 'Home', grants: [grant, service, old], applications: [application] };
const none = { now: NOW, site: 'Home', grants: [], applications: [] };
const done = { epoch: 4, grants: [GUARD], sessionsEnded: 1, lastMediaMs: 12 };
const lines = (text: string): string[] => text.split('\n');

const list = async (permissions: unknown, ...args: string[]): Promise<string> => {
  let out = '';
  await withAgent({ permissions }, async (rig) => {
    const said = await rig.run(permissionsListCommand, args);
    assert.equal([said.code, said.err], [EXIT.ok, '']);
    out = said.out;
  });
  return out;
};

test('list: the first line is the answer', async () => {
  assert.is(lines(await list({ ...none, site: null }))[0], 'Nobody owns this recorder, so nobody may do anything.');
  assert.is(lines(await list(none))[0], 'Nobody but the owner may do anything.');
  assert.match(
    lines(await list({ ...none, grants: [grant] }))[0] ?? '',
    /^Example Alarms may watch live, move cameras until .*\(in 3 h\)\.$/,
  );
  assert.is(lines(await list(held))[0], '2 permissions are in force, 1 of them to watch. 1 application waits for the owner.');
});

test('list: aligned columns, short ids that tell apart, hours only where there are some, ended ones when asked', async () => {
  const told = await list(held);
  const [head = '', first = '', second = ''] = lines(told).slice(2);
  assert.match(head, /^ID {7,}WHO +MAY +CAMERAS +HOURS +UNTIL$/);
  for (const word of ['WHO', 'MAY', 'CAMERAS', 'HOURS', 'UNTIL']) {
    const at = head.indexOf(word);
    for (const row of [first, second]) assert.ok(row[at - 1] === ' ' && row[at] !== ' ', `${word} in ${row}`);
  }
  assert.match(first, /^Ab3xY9k2 +Example Alarms/);
  assert.match(second, /^-q81mN4c .*every camera +Mon Tue 08:00-18:00 Europe\/Berlin/);
  assert.not.match(told, 'Ended');
  assert.match(told, /Dana Example +Example Alarms +watch recordings +every camera +24 h +.*Break-in last night/);
  assert.match(await list(held, '--all'), /Ab3xY9k9 .*ran out .*\(1 h ago\)/);
});

test('list: everything as JSON, times as ISO 8601', async () => {
  const { grants, applications, ...rest } = JSON.parse(await list(held, '--json'));
  assert.equal(rest, { now: '2026-11-24T12:00:00.000Z', site: 'Home' });
  assert.equal(
    grants.map((one: { state: string; until: string; endedAt: string | null }) => [one.state, one.until, one.endedAt]),
    [
      ['in-force', '2026-11-24T15:00:00.000Z', null],
      ['in-force', '2026-11-24T15:00:00.000Z', null],
      ['expired', '2026-11-24T11:00:00.000Z', '2026-11-24T11:00:00.000Z'],
    ],
  );
  assert.equal([applications[0].durationS, applications[0].at], [86_400, '2026-11-24T11:59:00.000Z']);
});

const asked = (rig: CliRig): unknown[] => rig.asked.filter(([op]) => op === 'withdraw').map(([, args, source]) => [args, source]);

test('withdraw everything: one sentence, with what it ended', () =>
  withAgent({ withdraw: done }, async (rig) => {
    const said = await rig.run(withdrawCommand, []);
    assert.equal(said, {
      code: EXIT.ok,
      out: 'No permission is in force any more: 1 permission taken back, 1 running picture ended, the last picture left the recorder 0.01 s after it.\n',
      err: '',
    });
    await rig.run(permissionsWithdrawCommand, ['--all', '--source', 'button']);
    assert.equal(JSON.parse((await rig.run(withdrawCommand, ['--json'])).out), { ...done, unknown: [] });
    assert.equal(asked(rig), [
      [{}, 'local'],
      [{}, 'button'],
      [{}, 'local'],
    ]);
  }));

test('withdraw some: by the beginning of their ids, also when it is a dash', () =>
  withAgent({ permissions: held, withdraw: { ...done, grants: [GUARD, DASH], sessionsEnded: 0 } }, async (rig) => {
    const said = await rig.run(permissionsWithdrawCommand, ['Ab3xY9k2', '-q81', '--state', rig.folder]);
    assert.is(said.code, EXIT.ok);
    assert.match(said.out, /^2 permissions taken back, nobody was watching\.\n\n/);
    assert.equal(asked(rig), [[{ ids: [GUARD, DASH] }, 'local']]);
  }));

test('withdraw some: what is not known is named and the rest done (5); what is not clear stops it (2); nothing known (1)', () =>
  withAgent({ permissions: held, withdraw: done }, async (rig) => {
    const partly = await rig.run(permissionsWithdrawCommand, [GUARD, 'nothing-such']);
    assert.is(partly.code, EXIT.partly);
    assert.match(partly.out, 'Not known here: nothing-such.');
    const unclear = await rig.run(permissionsWithdrawCommand, ['Ab3xY9k']);
    assert.is(unclear.code, EXIT.usage);
    assert.match(unclear.err, /beginning of 2 permissions: Ab3xY9k\w{4}, .*\(cli\.ambiguous\)\n$/);
    const unknown = await rig.run(permissionsWithdrawCommand, ['zzz', '--json']);
    assert.equal([unknown.code, JSON.parse(unknown.out).error.code], [EXIT.failed, 'cli.unknown_id']);
    assert.is(asked(rig).length, 1);
  }));

test('withdraw: neither nothing nor both, and the short form takes no ids: somebody may have meant one only', () =>
  withAgent({ permissions: held, withdraw: done }, async (rig) => {
    for (const args of [[], ['--all', GUARD], ['--force']])
      assert.is((await rig.run(permissionsWithdrawCommand, args)).code, EXIT.usage, args.join(' '));
    assert.is((await rig.run(withdrawCommand, [GUARD])).code, EXIT.usage);
    assert.is((await rig.run(withdrawCommand, ['--source', 'relay'])).code, EXIT.usage);
    assert.equal(asked(rig), []);
  }));

test('what the agent refuses: in its words, the code last, exit code 3; not stored is half done', async () => {
  const refused = new AgentError({ code: 'permissions.no_such_grant', say: 'It is not held.', fix: 'Look again.' });
  await withAgent({ withdraw: refused }, async (rig) => {
    assert.equal(await rig.run(withdrawCommand, []), {
      code: EXIT.refused,
      out: '',
      err: 'It is not held. Look again. (permissions.no_such_grant)\n',
    });
  });
  const half = new AgentError({ code: 'control.not_stored', say: 'Stopped, not stored.', fix: 'Wait.' });
  await withAgent({ withdraw: half }, async (rig) => assert.is((await rig.run(withdrawCommand, [])).code, EXIT.partly));
});

test('no agent: exit code 4, as text and as JSON', () =>
  withAgent({}, async (rig) => {
    const said = await rig.run(withdrawCommand, ['--state', `${rig.folder}/nowhere`, '--json']);
    assert.equal([said.code, JSON.parse(said.out).error.code], [EXIT.unreachable, 'control.not_running']);
  }));

test.run();
