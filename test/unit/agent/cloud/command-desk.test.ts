import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { ADA, DANA, gate, LAN, openDesk } from './desk-rig.js';

const it = suite('command desk');
const PATCH = { base: 'B'.repeat(43), patch: { recorderName: 'Shop' } };

it('a withdrawal ends an act that is under way', async () => {
  const begun = gate();
  const desk = await openDesk({
    'config.apply': (_args, call) =>
      new Promise((_resolve, reject) => {
        call.ended.addEventListener('abort', () => reject(new RangeError('given up')));
        begun.open();
      }),
  });
  const grant = await desk.give({ scopes: ['remote-configuration'] });
  const asked = desk.ask('config.apply', PATCH, await newSigningKey(), { grant: grant.id });
  await begun.passed;
  await desk.permissions.withdraw(await desk.withdraw([grant.id]));
  assert.is((await asked).error?.code, 'command.failed');
  assert.equal(
    desk.rows.map(({ phase, result }) => [phase, result]),
    [
      ['intent', undefined],
      ['result', 'failed'],
    ],
  );
});

it('a withdrawal waits for no disk: it is done before its row is written, and answered after', async () => {
  const ended = gate();
  const desk = await openDesk((own) => ({
    'permissions.withdraw': async ({ statement }) => {
      const { receipt } = await own.permissions.withdraw(statement);
      ended.open();
      return receipt;
    },
  }));
  const grant = await desk.give();
  const statement = await desk.withdraw([grant.id]);
  const disk = gate();
  desk.disk = () => disk.passed;
  const asked = desk.ask('permissions.withdraw', { statement }, desk.owner);
  await ended.passed;
  assert.is(desk.rows.length, 0);
  disk.open();
  assert.is((await asked).error, null);
  assert.is(desk.rows.length, 1);
});

it('what was withdrawn while its intent was written is not done', async () => {
  let done = 0;
  const desk = await openDesk({
    'config.apply': async () => {
      done += 1;
      throw new RangeError('never');
    },
  });
  const grant = await desk.give({ scopes: ['remote-configuration'] });
  const [writing, disk] = [gate(), gate()];
  desk.disk = () => {
    writing.open();
    return disk.passed;
  };
  const asked = desk.ask('config.apply', PATCH, await newSigningKey(), { grant: grant.id });
  await writing.passed;
  await desk.permissions.withdraw(await desk.withdraw([grant.id]));
  disk.open();
  assert.is((await asked).error?.code, 'permissions.withdrawn');
  assert.is(done, 0);
});

it('strangers cannot fill the log: new keys get no rows of their own', async () => {
  const desk = await openDesk({});
  for (let stranger = 0; stranger < 10; stranger += 1) {
    const org = { name: 'Anybody', key: desk.org.publicKey };
    await desk.ask('permissions.mine', { org }, await newSigningKey(), {});
  }
  assert.is(desk.rows.length, 1);
});

it('rows name who acted and by which way; an address stands there as its hash only', async () => {
  const desk = await openDesk({});
  const grant = await desk.give({ scopes: ['remote-configuration'] });
  await desk.ask('cameras.discover', {}, await newSigningKey(), { grant: grant.id }, LAN);
  await desk.ask('permissions.decline', { application: 'A'.repeat(22) }, desk.owner);
  const told = desk.rows
    .filter(({ phase }) => phase === 'result')
    .map(({ source, remote, actor, organisation, person }) => ({ source, remote, actor, organisation, person }));
  assert.equal(told, [
    { source: 'lan', remote: LAN.remote, actor: 'employee', organisation: desk.org.signer.kid, person: DANA },
    { source: 'relay', remote: undefined, actor: 'owner', organisation: undefined, person: ADA },
  ]);
});

it('a refusal at the door is told with the hash of where it came from, and without a name', async () => {
  const desk = await openDesk({});
  const stranger = await newSigningKey();
  await desk.ask('permissions.list', {}, stranger, undefined, LAN);
  assert.equal(
    desk.rows.map(({ action, source, remote, actor, person, code }) => ({ action, source, remote, actor, person, code })),
    [
      {
        action: 'command.refused',
        source: 'lan',
        remote: LAN.remote,
        actor: 'system',
        person: undefined,
        code: 'permissions.not_owner',
      },
    ],
  );
});

it('whoever joins is the owner in the row that says so, and nobody in the one before', async () => {
  const desk = await openDesk({
    'owner.join': async (_args, call) => {
      call.note.person = ADA;
      return { epoch: 1, deviceKey: 'D'.repeat(43), site: 'Bakery' };
    },
  });
  const tablet = await newSigningKey();
  const delegation = await desk.delegation();
  const { error } = await desk.ask('owner.join', { key: tablet.publicKey, delegation, deviceName: 'Tablet' }, tablet);
  assert.is(error, null);
  assert.equal(
    desk.rows.map(({ phase, actor, person }) => ({ phase, actor, person })),
    [
      { phase: 'intent', actor: 'system', person: undefined },
      { phase: 'result', actor: 'owner', person: ADA },
    ],
  );
});

it('a command whose answer could not be sealed is not carried out', async () => {
  let acts = 0;
  const desk = await openDesk({
    'config.apply': async () => {
      acts += 1;
      throw new RangeError('done all the same');
    },
  });
  const nowhere = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) } as const;
  const bad = await desk.letter('config.apply', PATCH, desk.owner, { reply: nowhere });
  const code = await desk.post(bad).then(
    () => 'answered',
    (error: AgentError) => error.code,
  );
  assert.equal([code, acts, desk.rows.length], ['seal.bad_key', 0, 0]);
});

it.run();
