import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Abuse, CONFIG_PER_HOUR, COOL_DOWN } from '../../../../agent/cloud/abuse.js';
import type { Sender } from '../../../../agent/cloud/actor.js';
import type { OperationName } from '../../../../agent/contract/operations.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { ADA, DANA, LAN, MINUTE, openDesk, RELAY } from './desk-rig.js';

const it = suite('abuse');
const DANAS: Sender = { kind: 'employee', kid: 'dana', organisation: 'a' };
const OTHERS: Sender = { kind: 'employee', kid: 'other', organisation: 'a' };
const OWNER: Sender = { kind: 'owner', kid: 'owner' };

/** The code of what it throws, with the wait that it names; `ok` when it does not. */
function codeOf(act: () => void): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    return error instanceof AgentError && error.retryable ? `${error.code} ${error.detail.retryS}` : 'other';
  }
}

it('a key has 10 commands a second and 20 at once; another is not touched by it', () => {
  const abuse = new Abuse();
  const sent = (times: number, nowMs: number): number =>
    Array.from({ length: times }, () => codeOf(() => abuse.admit('site.get', DANAS, RELAY, nowMs))).filter((code) => code === 'ok').length;
  assert.equal([sent(50, 0), sent(50, 1_000)], [20, 10]);
  assert.is(
    codeOf(() => abuse.admit('site.get', DANAS, RELAY, 1_000)),
    'command.too_many 2',
  );
  assert.is(
    codeOf(() => abuse.admit('site.get', OTHERS, RELAY, 1_000)),
    'ok',
  );
});

it('strangers share one measure for each way in: those on the relay do not keep out whoever stands at the recorder', () => {
  const abuse = new Abuse();
  const knock = (at: number, from = RELAY): string =>
    codeOf(() => abuse.admit('permissions.mine', { kind: 'applicant', kid: `${at}` }, from, 0));
  const codes = Array.from({ length: 40 }, (_, at) => knock(at));
  assert.is(codes.filter((code) => code === 'ok').length, 30);
  assert.is(knock(99, LAN), 'ok');
});

it('300 questions about settings in any hour for an employee, as many as he likes for the owner', () => {
  const abuse = new Abuse();
  const ask = (sender: Sender, nowMs: number, op: OperationName = 'config.plan'): string => codeOf(() => abuse.begin(op, sender, nowMs));
  const first = Array.from({ length: 400 }, (_, at) => ask(DANAS, at * 1_000));
  assert.is(first.filter((code) => code === 'ok').length, CONFIG_PER_HOUR);
  assert.is(ask(DANAS, 400_000), 'command.too_many_changes 3200');
  assert.is(ask(DANAS, 400_000, 'health.get'), 'ok');
  assert.is(ask(DANAS, 3_600_000), 'ok', 'the first is an hour ago');
  assert.is(ask(DANAS, 3_600_000), 'command.too_many_changes 1');
  assert.ok(Array.from({ length: 400 }, () => ask(OWNER, 0)).every((code) => code === 'ok'));
});

it('a picture is opened every two seconds at most, whoever asks; the owner has a measure of his own', () => {
  const abuse = new Abuse();
  const open = (sender: Sender, nowMs: number): string => codeOf(() => abuse.begin('live.open', sender, nowMs));
  assert.equal([open(DANAS, 0), open(OTHERS, 500), open(OWNER, 500)], ['ok', 'live.too_many_opens 2', 'ok']);
  assert.equal([open(OTHERS, 1_999), open(OTHERS, 2_000)], ['live.too_many_opens 1', 'ok']);
});

it('five refusals within a minute and the key waits ten; four do not, nor five over a longer time', () => {
  const abuse = new Abuse();
  const at = (...times: number[]): boolean[] => times.map((nowMs) => abuse.refused('dana', 'permissions.no_scope', nowMs));
  assert.equal(at(0, 1, 2, 3, 60_000), [false, false, false, false, false], 'the first is a minute ago');
  assert.equal(at(60_000), [true]);
  const admit = (sender: Sender, nowMs: number): string => codeOf(() => abuse.admit('site.get', sender, RELAY, nowMs));
  assert.is(admit(DANAS, 60_001), 'command.cool_down 600');
  assert.is(admit(DANAS, 60_000 + COOL_DOWN.lastsMs - 1), 'command.cool_down 1');
  assert.is(admit(DANAS, 60_000 + COOL_DOWN.lastsMs), 'ok');
  assert.is(admit(OTHERS, 60_001), 'ok');
  assert.equal(at(700_000, 700_001, 700_002, 700_003, 700_004), [false, false, false, false, true], 'and again');
});

const HONEST = [
  'command.stale_boot',
  'command.too_old',
  'command.ahead',
  'command.replayed',
  'command.too_many',
  'command.failed',
  'permissions.withdrawn',
  'permissions.expired',
  'permissions.outside_hours',
  'permissions.second_factor',
  'permissions.badge_expired',
  'permissions.installer_held',
  'config.stale_base',
  'live.too_soon',
  'live.camera_unavailable',
  'cameras.no_ptz',
  'log.unwritable',
];

it('what an honest app runs into is not counted', () => {
  const abuse = new Abuse();
  for (const code of HONEST) for (let at = 0; at < 10; at += 1) assert.not(abuse.refused('dana', code, 0), code);
});

it('at the desk: the fifth makes the key wait, the owner finds a row with the name, and is told that there is one', async () => {
  const desk = await openDesk();
  const [dana, colleague] = [await newSigningKey(), await newSigningKey()];
  const { id: grant } = await desk.give({ scopes: ['health'] });
  const codes: (string | undefined)[] = [];
  // Not hers to ask for, not understood, and the owner's alone: one key, one count.
  const tries: [OperationName, unknown][] = [
    ['cameras.discover', {}],
    ['ptz.move', { cam: 'cam-1', pan: 9 }],
    ['permissions.list', {}],
    ['owner.remove-device', { kid: desk.owner.signer.kid }],
    ['config.get', {}],
    ['health.get', { sinceMs: 0 }],
  ];
  for (const [op, args] of tries) codes.push((await desk.ask(op, args, dana, { grant }, LAN)).error?.code);
  assert.equal(codes, [
    'permissions.no_scope',
    'message.invalid',
    'permissions.not_owner',
    'permissions.not_owner',
    'permissions.no_scope',
    'command.cool_down',
  ]);
  assert.is((await desk.ask('health.get', { sinceMs: 0 }, colleague, { grant })).error, null, 'not her colleagues');
  assert.equal(
    desk.rows.filter(({ action }) => action.startsWith('security.')),
    [
      {
        action: 'security.cool-down',
        phase: 'result',
        ...LAN,
        actor: 'employee',
        organisation: desk.org.signer.kid,
        grant,
        result: 'ok',
        after: { refusals: 5, minutes: 10 },
        person: DANA,
      },
    ],
  );
  assert.is(desk.alarms, 1);
  await desk.clock.advance(10 * MINUTE);
  assert.is((await desk.ask('health.get', { sinceMs: 0 }, dana, { grant })).error, null);
});

it('a relay that sends an employee’s one refused letter again and again makes nobody wait', async () => {
  const desk = await openDesk();
  const dana = await newSigningKey();
  const { id: grant } = await desk.give({ scopes: ['health'] });
  const badge = await desk.badge(dana, { grant });
  const letters = [
    await desk.letter('permissions.list', {}, dana, { grant, badge }),
    await desk.letter('config.get', {}, dana, { grant, badge }),
  ];
  for (let at = 0; at < 12; at += 1) for (const letter of letters) await desk.post(letter);
  assert.is((await desk.ask('health.get', { sinceMs: 0 }, dana, { grant })).error, null);
  assert.is(desk.alarms, 0);
});

it('somebody who only names a key does it no harm: what is not signed with it is not counted', async () => {
  const desk = await openDesk();
  const [dana, stranger] = [await newSigningKey(), await newSigningKey()];
  const { id: grant } = await desk.give({ scopes: ['health'] });
  const posing = { ...stranger, signer: { ...stranger.signer, kid: dana.signer.kid } };
  const badge = await desk.badge(dana, { grant });
  for (let at = 0; at < 8; at += 1) await desk.post(await desk.letter('config.get', {}, posing, { grant, badge }));
  assert.is((await desk.ask('health.get', { sinceMs: 0 }, dana, { grant })).error, null);
});

it('the owner is told of his own refusals too, and is never locked out', async () => {
  const desk = await openDesk({
    'permissions.withdraw': async ({ statement }) => (await desk.permissions.withdraw(statement)).receipt,
  });
  for (let at = 0; at < 12; at += 1) await desk.ask('ptz.move', { cam: 'cam-1' }, desk.owner);
  const { id } = await desk.give();
  assert.is((await desk.ask('permissions.withdraw', { statement: await desk.withdraw([id]) }, desk.owner)).error, null);
  const told = desk.rows.filter(({ action }) => action.startsWith('security.'));
  assert.equal(
    told.map(({ action, actor, person, after }) => ({ action, actor, person, after })),
    [{ action: 'security.refusals', actor: 'owner', person: ADA, after: { refusals: 5, minutes: 0 } }],
  );
});

it.run();
