import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXIT } from '../../../../agent/commands/command.js';
import { ownerCodeCommand, ownerCommand, ownerRemoveCommand } from '../../../../agent/commands/owner.js';
import { pressCommand } from '../../../../agent/commands/press.js';
import { resetCommand } from '../../../../agent/commands/reset.js';
import { statusCommand } from '../../../../agent/commands/status.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { withAgent } from './cli-rig.js';

const NOW = Date.UTC(2026, 10, 24, 12);
const DAY_MS = 86_400_000;
const PHONE = `-Zk81Qdh${'A'.repeat(35)}`;
const TABLET = `h3Zk81Qd${'B'.repeat(35)}`;
const relay = { name: 'Example Relay', region: 'EU', host: 'broker.example.org' };
const owner = {
  person: { name: 'Olivia Example', email: 'olivia@example.org' },
  role: 'owner',
  site: 'Home',
  since: NOW - 3 * DAY_MS,
  consent: { at: NOW - 3 * DAY_MS, textVersion: '2026-11', isStale: false, operator: relay },
  devices: [
    { kid: PHONE, name: 'Olivia’s phone', addedAt: NOW - 3 * DAY_MS },
    { kid: TABLET, name: 'Tablet', addedAt: NOW - DAY_MS },
  ],
};
const owned = { now: NOW, serial: 'ABCDEF', owner, operator: relay, isOperatorAgreed: true };
const opened = { serial: 'ABCDEF', code: 'K7MP-X2QR-T', label: 'SL1:ABCDEF:K7MPX2QRT:EU', openS: 900 };

test('owner: who, since when, what was agreed, and the devices', () =>
  withAgent({ owner: owned }, async (rig) => {
    const { out } = await rig.run(ownerCommand, []);
    assert.match(out, /^Olivia Example <olivia@example\.org> owns this recorder\.\n\n/);
    assert.match(out, /cloud +Example Relay \(region EU, broker\.example\.org\), agreed to\n/);
    assert.match(out, /\nKEY +DEVICE +ADDED\n-Zk81Qdh +Olivia’s phone .*\(3 days ago\)\nh3Zk81Qd +Tablet /);
    const told = JSON.parse((await rig.run(ownerCommand, ['--json'])).out);
    assert.equal([told.owner.since, told.owner.devices[1].addedAt], ['2026-11-21T12:00:00.000Z', '2026-11-23T12:00:00.000Z']);
  }));

test('owner: nobody, an installer, a changed text, another operator', async () => {
  const first = async (answer: unknown): Promise<string> => {
    let out = '';
    await withAgent({ owner: answer }, async (rig) => {
      out = (await rig.run(ownerCommand, [])).out;
    });
    return out;
  };
  assert.match(await first({ ...owned, owner: null }), /^Nobody owns this recorder \(ABCDEF\)\.\n\nPress its button/);
  assert.match(
    await first({ ...owned, owner: { ...owner, role: 'installer' } }),
    /to hand it over to its owner.*\n(.*\n)*role +installer, until/,
  );
  const stale = { ...owner, consent: { ...owner.consent, isStale: true } };
  assert.match(await first({ ...owned, owner: stale }), 'the owner is to agree anew');
  const other = { ...relay, name: 'Other Relay', region: 'US' };
  assert.match(
    await first({ ...owned, operator: other, isOperatorAgreed: false }),
    'Other Relay (region US, broker.example.org) is set up, but',
  );
  assert.match(await first({ ...owned, operator: null }), /cloud +none is set up/);
});

test('owner code and press: the code in the first line, once; a printed label counts without being known', async () => {
  await withAgent({ 'owner-code': opened, press: opened }, async (rig) => {
    assert.match((await rig.run(ownerCodeCommand, [])).out, /^The code K7MP-X2QR-T adds one device of the owner: .* good for 15 min\.\n/);
    assert.match((await rig.run(pressCommand, ['--new-code'])).out, /^Pair now, with the verification code K7MP-X2QR-T: /);
    assert.equal(JSON.parse((await rig.run(pressCommand, ['--json', '--source', 'button'])).out), opened);
    assert.equal(rig.asked, [
      ['owner-code', {}, 'local'],
      ['press', { newCode: true }, 'local'],
      ['press', { newCode: false }, 'button'],
    ]);
  });
  await withAgent({ press: { ...opened, code: null, label: null } }, async (rig) => {
    assert.match((await rig.run(pressCommand, [])).out, /^Pair now, with the code on the printed label: /);
  });
});

test('owner remove: one device by the beginning of its key; never a guess', async () => {
  const gone = { kid: PHONE, name: 'Olivia’s phone', sessionsEnded: 2, devicesLeft: 1 };
  await withAgent({ owner: owned, 'owner-remove': gone }, async (rig) => {
    assert.is(
      (await rig.run(ownerRemoveCommand, ['-Zk8'])).out,
      'Olivia’s phone is not the owner’s any more. 2 running pictures ended. 1 device is left.\n',
    );
    assert.is((await rig.run(ownerRemoveCommand, [])).code, EXIT.usage);
    assert.is((await rig.run(ownerRemoveCommand, [PHONE, TABLET])).code, EXIT.usage);
    assert.is((await rig.run(ownerRemoveCommand, ['nothing'])).code, EXIT.failed);
    assert.equal(
      rig.asked.filter(([op]) => op === 'owner-remove').map(([, args]) => args),
      [{ kid: PHONE }],
    );
  });
  const last = new AgentError({ code: 'permissions.last_device', say: 'It is the only one.', fix: 'Add another device first.' });
  await withAgent({ owner: owned, 'owner-remove': last }, async (rig) => {
    const said = await rig.run(ownerRemoveCommand, [TABLET]);
    assert.equal([said.code, said.err], [EXIT.refused, 'It is the only one. Add another device first. (permissions.last_device)\n']);
  });
});

const RESET = { serial: 'ABCDEF', epoch: 5, grants: 2, sessionsEnded: 1, logins: 3, people: 4, left: [] };

test('reset: asks on a terminal, says what goes and what stays, and does nothing without a yes', () =>
  withAgent({ owner: owned, reset: RESET }, async (rig) => {
    const refused = await rig.run(resetCommand, [], 'y');
    assert.is(refused.code, EXIT.usage);
    for (const word of ['belongs to Olivia Example (Home)', 'Goes:', 'Stays:', 'recordings', 'serial number'])
      assert.match(refused.err, word);
    assert.is((await rig.run(resetCommand, [])).code, EXIT.usage, 'nobody to ask');
    assert.equal(JSON.parse((await rig.run(resetCommand, ['--json'])).out).error.code, 'cli.unconfirmed');
    assert.not(rig.asked.some(([op]) => op === 'reset'));
    const done = await rig.run(resetCommand, [], ' Reset ');
    assert.is(done.code, EXIT.ok);
    assert.match(done.out, /^Recorder ABCDEF belongs to nobody now\.\n(.*\n)*camera logins +3\npeople in the log +4\n/);
    await rig.run(resetCommand, ['--yes', '--source', 'button']);
    assert.equal(
      rig.asked.filter(([op]) => op === 'reset').map(([, , source]) => source),
      ['local', 'button'],
    );
  }));

test('reset: what could not be done is named, exit code 5', () =>
  withAgent({ reset: { ...RESET, left: ['The people could not be erased yet.'] } }, async (rig) => {
    const said = await rig.run(resetCommand, ['--yes']);
    assert.is(said.code, EXIT.partly);
    assert.match(said.out, /, but 1 thing could not be done\.\n\nNot done: The people could not be erased yet\.\n/);
  }));

const status = {
  ...{ serial: 'ABCDEF', version: '0.1.0', now: NOW, startedAt: NOW - DAY_MS / 2, isPaired: true, isPairingOpen: false, watching: 0 },
  clock: { quality: 'floor', isKnown: false },
  ...{ isOperatorAgreed: true, isCloudConnected: false, verdict: { level: 'ok', sentence: 'All is well.' } },
  cameras: [
    { id: 'cam-1', name: 'Front door', model: 'C1', state: 'online', reason: null },
    { id: 'cam-2', name: 'Yard', model: '', state: 'fault', reason: { code: 'a.b', say: 'It does not answer.', fix: 'Look.' } },
  ],
  serialPorts: [{ path: '/dev/ttyS0', isOpen: false, reason: 'no permission' }],
  gear: [
    { kind: 'ups', where: '/dev/ttyS1', channel: null, isOpen: true, say: 'mains power is there, load 20 %', heardAt: NOW },
    {
      kind: 'alarms',
      where: '/dev/ttyS2',
      channel: null,
      isOpen: true,
      say: 'last: burglary (130), new, zone 015',
      heardAt: NOW - 60_000 * 5,
    },
    { kind: 'receipts', where: '/dev/ttyS3', channel: 'cam-2', isOpen: false, say: '/dev/ttyS3 is not there.', heardAt: null },
  ],
  refusedMessages: {},
};

test('status: the verdict first, a clock that was lost, each camera with its reason', () =>
  withAgent({ status }, async (rig) => {
    const { out } = await rig.run(statusCommand, []);
    assert.match(out, /^All is well\.\n\nrecorder +ABCDEF, has an owner\n/);
    assert.match(out, /clock +2026-11-24T12:00:00Z, not before this; the time was lost/);
    assert.match(out, /ttyS1 +power supply: mains power is there, load 20 %\n/);
    assert.match(out, /ttyS2 +alarm panel: last: burglary \(130\), new, zone 015, .*\(5 min ago\)\n/);
    assert.match(out, /ttyS3 +till \(cam-2\): \/dev\/ttyS3 is not there\.\n/);
    assert.match(out, /cam-2 +Yard \(unknown model\): It does not answer\.\n$/);
    assert.is(JSON.parse((await rig.run(statusCommand, ['--json'])).out).startedAt, '2026-11-24T00:00:00.000Z');
  }));

test.run();
