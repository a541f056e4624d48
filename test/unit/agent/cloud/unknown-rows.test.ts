import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newId } from '../../../../agent/contract/text.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { LAN, MINUTE, openDesk } from './desk-rig.js';

const it = suite('rows by nobody');

it('whoever knocks with everything he has gets 30 rows an hour per way in, so that the log of others is not pushed out', async () => {
  const desk = await openDesk();
  const nobody = await newSigningKey();
  const ops = ['site.get', 'no.such', 'permissions.list', 'permissions.apply', 'owner.join'];
  for (let minute = 0; minute < 8; minute += 1) {
    for (const op of ops) await desk.post(await desk.letter(op, {}, nobody));
    await desk.clock.advance(MINUTE);
  }
  assert.is(desk.rows.length, 30);
  await desk.post(await desk.letter('no.such', {}, nobody), LAN);
  assert.is(desk.rows.length, 31, 'the other way in has its own count');
  await desk.ask('permissions.list', {}, desk.owner);
  await desk.give();
  await desk.ask('permissions.decline', { application: newId() }, desk.owner);
  assert.ok(desk.rows.length > 31, 'what the owner does is written all the same');
  await desk.clock.advance(60 * MINUTE);
  await desk.post(await desk.letter('no.such', {}, nobody));
  assert.is(desk.rows.at(-1)?.action, 'command.refused');
});

it('without an owner nobody’s name comes into the log by asking for something', async () => {
  const desk = await openDesk();
  await desk.permissions.reset();
  const person = await newSigningKey();
  const org = { name: 'Example Security', key: desk.org.publicKey };
  const wish = { org, scopes: ['health'], cams: null, durationMs: 3_600_000, note: '' };
  const answer = await desk.ask('permissions.apply', wish, person, {});
  assert.is(answer.error?.code, 'permissions.no_owner');
  assert.equal(
    desk.rows.map(({ action, person: name }) => [action, name]),
    [['command.refused', undefined]],
  );
});

it.run();
