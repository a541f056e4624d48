import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXIT } from '../../../../agent/commands/command.js';
import { toCsv } from '../../../../agent/commands/csv.js';
import { incidentCloseCommand, incidentOpenCommand } from '../../../../agent/commands/incident.js';
import { ledgerCommand } from '../../../../agent/commands/ledger.js';
import { logShowCommand } from '../../../../agent/commands/log.js';
import { logEraseCommand, logRetentionCommand } from '../../../../agent/commands/log-care.js';
import { logExportCommand } from '../../../../agent/commands/log-export.js';
import { openRecorderKeys } from '../../../../agent/identity/keystore.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { openLog } from '../operation-log/open-log.js';
import { withAgent } from './cli-rig.js';

const NOW = Date.UTC(2026, 10, 24, 12);
const DAY = Math.floor(NOW / 86_400_000);
const NO_HOOK = { run: async () => ({ outcome: 'unsupported', reason: 'There is none.' }) as const };
const DANA = { ref: 'dana4567890123456789ab', name: 'Dana Example', email: 'dana@example.org' };
const OTHER = { ref: 'dano4567890123456789ab', name: 'Dana Example', email: 'dana@installer.example' };
const erased = { ref: DANA.ref, seq: 912, details: 2, stillIn: [] as string[] };

test('erase: asks first, by name and address; nothing without a yes or a person at the terminal', () =>
  withAgent({ 'log-people': { people: [DANA], isMore: false }, 'log-erase': erased }, async (rig) => {
    const done = await rig.run(logEraseCommand, ['--subject', ' DANA@example.org '], 'yes');
    assert.equal([done.code, done.out], [EXIT.ok, 'Forgotten. That it was done stands in row 912 of the log.\n']);
    assert.equal(rig.asked, [
      ['log-people', { text: 'DANA@example.org' }, 'local'],
      ['log-erase', { ref: DANA.ref }, 'local'],
    ]);
    for (const typed of [undefined, 'no', '']) {
      const said = await rig.run(logEraseCommand, ['--subject', DANA.email], typed);
      assert.equal([said.code, said.out], [EXIT.usage, '']);
      assert.match(said.err, /\(cli\.unconfirmed\)\n$/);
    }
    assert.is(rig.asked.filter(([op]) => op === 'log-erase').length, 1);
    assert.is((await rig.run(logEraseCommand, [])).code, EXIT.usage);
    assert.is((await rig.run(logEraseCommand, ['--subject', 'somebody', '--yes'])).code, EXIT.failed);
    assert.is((await rig.run(logEraseCommand, ['--subject', DANA.ref.slice(0, 8), '--yes'])).code, EXIT.ok, 'by the reference');
  }));

test('erase: two people of one name are not taken for one another; what still names her is said, each in its own words', async () => {
  await withAgent({ 'log-people': { people: [DANA, OTHER], isMore: false }, 'log-erase': erased }, async (rig) => {
    const said = await rig.run(logEraseCommand, ['--subject', 'Dana Example', '--yes']);
    assert.is(said.code, EXIT.usage);
    assert.match(said.err, /dana@example\.org, dana@installer\.example\. Nothing was done\. Give the e-mail address\. \(cli\.ambiguous\)/);
    assert.is((await rig.run(logEraseCommand, ['--subject', OTHER.email, '--yes'])).code, EXIT.ok);
    assert.equal(rig.asked.at(-1)?.[1], { ref: OTHER.ref });
  });
  const stillIn = ['/s/operation-log.db.corrupt-1', '/s/operation-log.db-wal'];
  await withAgent({ 'log-people': { people: [DANA], isMore: false }, 'log-erase': { ...erased, stillIn } }, async (rig) => {
    const said = await rig.run(logEraseCommand, ['--subject', DANA.email, '--yes']);
    assert.is(said.code, EXIT.partly);
    assert.match(said.out, /\nNot done: the damaged file \/s\/operation-log\.db\.corrupt-1, .*\nNot done: somebody was reading the log/);
  });
});

test('retention: read, changed within bounds that the agent checks, the hold, an open incident', async () => {
  const kept = { days: 365, rows: 200_000, isHeld: false, fullness: 0.123, incidentSince: null as number | null };
  await withAgent({ 'log-retention': kept }, async (rig) => {
    assert.is((await rig.run(logRetentionCommand, [])).out, 'Rows are kept for 365 days, at most 200000 of them.\n\nfull  12 %\n');
    await rig.run(logRetentionCommand, ['--days', '730', '--hold']);
    await rig.run(logRetentionCommand, ['--no-hold']);
    assert.equal(
      rig.asked.map(([, args]) => args),
      [{}, { days: 730, isHeld: true }, { isHeld: false }],
    );
    for (const wrong of [
      ['--hold', '--no-hold'],
      ['--days', 'a'],
      ['--rows', '-1'],
    ])
      assert.is((await rig.run(logRetentionCommand, wrong)).code, EXIT.usage, wrong.join(' '));
    // The bounds are the contract's.
    assert.is((await rig.run(logRetentionCommand, ['--days', '29'])).code, EXIT.failed);
  });
  await withAgent({ 'log-retention': { ...kept, isHeld: true, incidentSince: NOW } }, async (rig) => {
    assert.match(
      (await rig.run(logRetentionCommand, [])).out,
      /a hold stands.*\n\nfull +12 %\nincident +open since 2026-11-24T12:00:00\.000Z\n$/s,
    );
  });
});

const line = (what: string, to: string, bytes: number, messages = 1, day = DAY) => ({ day, what, to, messages, bytes });
const session = { session: 's', cam: 'cam-1', who: 'Dana Example', endedAt: NOW, durationMs: 83_000, bytes: 4_100_000 };

test('ledger: one screen with the largest first; which days are asked for; days that make no sense', async () => {
  const lines = [
    line('status', 'relay', 900),
    line('media', 'viewer', 4_100_000, 3_000),
    line('connection', 'relay', 2_000, 0),
    line('status', 'relay', 100, 1, DAY - 1),
  ];
  const taken = [
    { ...session, session: '', kind: 'still', durationMs: 0, bytes: 90_000 },
    { ...session, kind: 'copy' },
  ];
  const sessions = [...taken, ...Array.from({ length: 7 }, () => session), { ...session, who: null }];
  await withAgent({ ledger: { now: NOW, lines, sessions, isMore: false } }, async (rig) => {
    const { out } = await rig.run(ledgerCommand, []);
    assert.match(out, /^4\.1 MB left this recorder on 2026-11-24; pictures: 4\.1 MB\.\n\npictures +to viewers +3000 packets +4\.1 MB\n/);
    assert.match(out, /\nthe connection itself +to the relay +2\.0 kB\nthat it is switched on +to the relay +2 messages +1\.0 kB\n/);
    assert.match(out, /cam-1 +Dana Example +90\.0 kB +still\n.* 1 min +4\.1 MB +copy of recordings\n.* 1 min +4\.1 MB +live\n/);
    assert.match(out, /\nand 2 before; all with --json\n$/);
    const told = JSON.parse((await rig.run(ledgerCommand, ['--json', '--since', '2026-11-01', '--until', '2026-11-24'])).out);
    assert.equal([told.from, told.to, told.lines[3].day, told.sessions.length], ['2026-11-01', '2026-11-24', '2026-11-23', 10]);
    await rig.run(ledgerCommand, ['--day', '2026-11-20']);
    await rig.run(ledgerCommand, ['--since', '2026-11-20']);
    assert.equal(
      rig.asked.map(([, args]) => args),
      [
        { fromDay: null, toDay: null },
        { fromDay: DAY - 23, toDay: DAY },
        { fromDay: DAY - 4, toDay: DAY - 4 },
        { fromDay: DAY - 4, toDay: null },
      ],
    );
    for (const wrong of [
      ['--day', 'today'],
      ['--day', '2026-11-20', '--since', '2026-11-01'],
      ['--since', '2026-11-20', '--until', '2026-11-01'],
      ['--day', '2026-02-31'],
    ])
      assert.is((await rig.run(ledgerCommand, wrong)).code, EXIT.usage, wrong.join(' '));
  });
  await withAgent({ ledger: { now: NOW, lines: [], sessions: [], isMore: false } }, async (rig) => {
    assert.is((await rig.run(ledgerCommand, [])).out, 'Nothing left this recorder on 2026-11-24.\n');
  });
});

test('ledger of a month: its first and last day, day by day, and what no answer names is said', async () => {
  const lines = [
    line('media', 'viewer', 2_000_000, 9, DAY - 1),
    line('status', 'relay', 500, 1, DAY - 1),
    line('status', 'relay', 700, 1, DAY),
  ];
  await withAgent({ ledger: { now: NOW, lines, sessions: [session], isMore: true } }, async (rig) => {
    const { out } = await rig.run(ledgerCommand, ['--month', '2024-02']);
    assert.equal(rig.asked.at(-1)?.[1], { fromDay: Date.UTC(2024, 1, 1) / 86_400_000, toDay: Date.UTC(2024, 1, 29) / 86_400_000 });
    assert.match(
      out,
      /^2\.0 MB left this recorder from 2024-02-01 to 2024-02-29; pictures: 2\.0 MB\.\n\npictures +to viewers +9 packets +2\.0 MB\n/,
    );
    assert.match(out, /\n2026-11-23 +2\.0 MB +pictures: 2\.0 MB\n2026-11-24 +700 B +no picture\n/);
    assert.match(out, /\nand more before: sightline log show --action live\.watch \(or playback\.watch, .*\)\n$/);
    for (const wrong of [
      ['--month', '2024-13'],
      ['--month', '2024'],
      ['--month', '2024-02', '--day', '2024-02-03'],
    ])
      assert.is((await rig.run(ledgerCommand, wrong)).code, EXIT.usage, wrong.join(' '));
  });
});

test('incident: a sentence is needed; what was not done is said; closing', async () => {
  const opened = { at: NOW, seq: 7, grants: 1, sessionsEnded: 0, left: ['The code could not be made void for good. The disk is full.'] };
  await withAgent({ 'incident-open': opened, 'incident-close': { seq: 9 } }, async (rig) => {
    for (const command of [incidentOpenCommand, incidentCloseCommand])
      assert.is((await rig.run(command, ['--note', ' '])).code, EXIT.usage);
    assert.equal(rig.asked, []);
    const said = await rig.run(incidentOpenCommand, ['--note', 'broken into', '--source', 'button']);
    assert.is(said.code, EXIT.partly);
    assert.match(
      said.out,
      /^Stopped: 1 permission taken back, 0 running pictures ended\. .* from row 7 on\.\nNot done: The code could not/,
    );
    assert.equal(rig.asked, [['incident-open', { note: 'broken into' }, 'button']]);
    assert.is((await rig.run(incidentCloseCommand, ['--note', 'done'])).out, 'Closed; it stands in row 9 of the log.\n');
    assert.is((await rig.run(incidentOpenCommand, ['--note', 'x', '--since', 'yesterday'])).code, EXIT.usage);
  });
  const none = new AgentError({ code: 'incident.none', say: 'No incident is open.', fix: 'Nothing needs to be done.' });
  await withAgent({ 'incident-close': none }, async (rig) => {
    assert.equal(JSON.parse((await rig.run(incidentCloseCommand, ['--note', 'x', '--json'])).out).error.code, 'incident.none');
  });
});

test('export and show: options that do not go together, and numbers that are none, are named', () =>
  withAgent({}, async (rig) => {
    for (const wrong of [['--csv'], ['--subject', 'x', '--people'], ['--subject', 'x', '--details']])
      assert.is((await rig.run(logExportCommand, wrong)).code, EXIT.usage, wrong.join(' '));
    for (const wrong of [
      ['--limit', '0'],
      ['--limit', '1000001'],
      ['--since', 'soon'],
    ])
      assert.is((await rig.run(logShowCommand, wrong)).code, EXIT.usage, wrong.join(' '));
  }));

test('export: that it could not be written down is said, and the export goes on', async () => {
  const full = new AgentError({ code: 'log.unwritable', say: 'The operation log cannot be written.', fix: 'Make room.' });
  for (const [answer, said] of [
    [{ seq: 7 }, ''],
    [full, 'The export goes on, but does not stand in the log: The operation log cannot be written. (log.unwritable)\n'],
  ] as const)
    await withAgent({ 'log-exported': answer }, async (rig) => {
      const plate = { v: 1, serial: 'SN4F2K7Q9D', manufacturer: 'Example', model: 'NVR' };
      writeFileSync(join(rig.folder, 'name-plate.json'), JSON.stringify(plate));
      await openRecorderKeys(join(rig.folder, 'keys'), NO_HOOK);
      await (await openLog(rig.folder)).close();
      const done = await rig.run(logExportCommand, []);
      assert.equal([done.code, done.err], [EXIT.ok, said]);
      assert.match(done.out, /^\{"kind":"header".*"kind":"end".*\n$/s);
    });
});

test('CSV: quoted where it must be, and nothing that a spreadsheet would run', () => {
  assert.is(toCsv([['a', 'b,c', 'd"e', 'f\ng', '']]), 'a,"b,c","d""e","f\ng",\r\n');
  assert.is(toCsv([['=1+1', '+1', '-2', '@x', '-']]), "'=1+1,'+1,'-2,'@x,-\r\n");
});

test.run();
