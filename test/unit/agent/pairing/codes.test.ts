// runner: limit 120s
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toBase64url } from '../../../../agent/contract/text.js';
import { makeCode } from '../../../../agent/pairing/code-file.js';
import { pairByHand } from './hand-app.js';
import { codeOf, knock, makeRig, newOwner, OPERATOR, type PairingRig, send } from './pairing-rig.js';

/** Which code counts when: the printed label, the one shown once, the one for joining; and when each dies. */
let rig: PairingRig;

const it = suite('codes');

it.before.each(async () => {
  rig = await makeRig();
});

it.after.each(() => rig.stop());

const own = async (code: string): Promise<void> => void (await (await knock(rig, code)).finish(await newOwner()));
const fileText = (): Promise<string> => readFile(join(rig.folder, 'pairing.json'), 'utf8');

it('a recorder fresh from the box has no code: nobody can pair until a label was made or the button pressed', async () => {
  assert.not.ok(rig.service.isOpen);
  assert.is(await codeOf(pairByHand(rig, 'K7MPX2QRT')), 'pairing.closed');
  assert.equal(await readdir(rig.folder), []);
});

it('the factory label counts at once, at the first power-on, and within 15 minutes of it', async () => {
  const label = await rig.service.makeLabel();
  assert.is(rig.service.armed, 'label');
  await rig.restart();
  assert.ok(rig.service.isOpen);
  await rig.clock.advance(15 * 60_000 + 1);
  assert.not.ok(rig.service.isOpen);
  await rig.restart();
  await own(label);
});

it('the label dies with success and is kept: after that a press arms the same label again', async () => {
  const label = await rig.service.makeLabel();
  await own(label);
  assert.is(rig.service.armed, 'none');
  // Reset: nobody owns it any more.
  rig.installed.length = 0;
  await rig.service.retire();
  for (const again of [false, true]) {
    if (again) await rig.restart();
    assert.is(await codeOf(knock(rig, label)), 'pairing.closed', 'a reset alone opens nothing, a restart neither');
  }
  assert.equal(await rig.service.press(), { armed: 'label', code: null });
  await own(label);
  assert.is(rig.installed.length, 1);
});

it('a new code in place of the label: the label is worth nothing until the next press, and is not forgotten', async () => {
  const label = await rig.service.makeLabel();
  const once = await rig.press({ newCode: true });
  assert.is.not(once, label);
  assert.is(await codeOf(knock(rig, label)), 'pairing.wrong_code');
  assert.equal(await rig.service.press(), { armed: 'label', code: null });
  assert.is(await codeOf(knock(rig, once)), 'pairing.wrong_code', 'shown once, and gone');
  await own(label);
});

it('a press forgives wrong tries of the label too', async () => {
  const label = await rig.service.makeLabel();
  for (let tries = 0; tries < 3; tries += 1) await codeOf(knock(rig, 'K7MPX2QRS'));
  assert.is(await codeOf(knock(rig, label)), 'pairing.wait');
  await rig.service.press();
  await own(label);
});

it('a label is made once; another one only when it is asked for, and then the old one is worthless', async () => {
  const first = await rig.service.makeLabel();
  assert.is(await codeOf(rig.service.makeLabel()), 'pairing.label_exists');
  const second = await rig.service.makeLabel({ again: true });
  assert.is.not(second, first);
  assert.is(await codeOf(knock(rig, first)), 'pairing.wrong_code');
  await own(second);
  for (const again of [false, true]) assert.is(await codeOf(rig.service.makeLabel({ again })), 'pairing.owned');
});

it('the files hold neither the label nor the codes, and belong to their owner alone', async () => {
  const codes = [await rig.service.makeLabel(), await rig.press({ newCode: true })];
  const text = await fileText();
  for (const code of codes) for (const part of [code, code.slice(0, 8)]) assert.not.ok(text.includes(part));
  assert.is((await stat(join(rig.folder, 'pairing.json'))).mode & 0o777, 0o600);
});

it('one more device of the owner: by a code for 15 minutes, once, and only from the console of an owned recorder', async () => {
  assert.is(await codeOf(rig.service.openJoin()), 'pairing.not_owned');
  const label = await rig.service.makeLabel();
  await own(label);
  const code = await rig.service.openJoin();
  assert.equal([rig.service.isOpen, rig.service.purpose], [true, 'join']);
  const params = await send(rig, { t: 'pair.hello', sid: 'A'.repeat(22), app: 'B'.repeat(22) });
  assert.ok(params.t === 'pair.params');
  assert.equal([params.purpose, params.operator], ['join', OPERATOR]);
  assert.is(await codeOf(knock(rig, label)), 'pairing.wrong_code', 'the label does not let anybody join');
  const attempt = await knock(rig, code);
  assert.is(attempt.purpose, 'join');
  const tablet = await newOwner();
  await attempt.finish({ ...tablet, deviceName: 'Ada’s tablet' });
  assert.is(rig.installed.length, 1, 'nobody was installed anew');
  assert.is(rig.joined.length, 1);
  const { kid: _kid, ...joined } = rig.joined[0] ?? { kid: '' };
  assert.equal(joined, { key: tablet.ownerKey, deviceName: 'Ada’s tablet', by: tablet.person, epoch: 1 });
  assert.is(await codeOf(knock(rig, code)), 'pairing.owned', 'the code is used');
  assert.is(rig.service.armed, 'none');
});

it('the window for joining ends after 15 minutes, with a restart, with a hand-over and with a reset', async () => {
  await own(await rig.service.makeLabel());
  const ends: Record<string, () => Promise<unknown>> = {
    time: () => rig.clock.advance(15 * 60_000 + 1),
    restart: () => rig.restart(),
    'hand-over': () => rig.service.retire(),
  };
  for (const [name, end] of Object.entries(ends)) {
    const code = await rig.service.openJoin();
    assert.ok(rig.service.isOpen);
    await end();
    assert.not.ok(rig.service.isOpen, name);
    assert.match(await codeOf(pairByHand(rig, code)), /^pairing\.(closed|owned)$/, name);
  }
  // A join code that was left on the disk makes nobody the owner of a recorder that lost its own.
  const code = await rig.service.openJoin();
  rig.installed.length = 0;
  assert.is(await codeOf(pairByHand(rig, code)), 'pairing.closed');
  await rig.restart();
  assert.is(await codeOf(pairByHand(rig, code)), 'pairing.closed');
  assert.equal(await rig.service.press(), { armed: 'label', code: null });
  assert.is(rig.joined.length, 0);
});

it('power goes between the owner’s key and the end of the code: the code is dead with the next start', async () => {
  const code = await rig.press();
  const before = await fileText();
  await own(code);
  await writeFile(join(rig.folder, 'pairing.json'), before);
  await rig.restart();
  assert.is((await rig.codeFile.load()).armed, 'none');
  rig.installed.length = 0;
  await rig.restart();
  assert.is(await codeOf(knock(rig, code)), 'pairing.closed');
});

it('a code that cannot be stored is not shown, and what counted before counts on', async () => {
  const code = await rig.press();
  rig.codeFile.beforeSave = async () => {
    throw new RangeError('disk full');
  };
  for (const act of [() => rig.service.press(), () => rig.service.makeLabel()])
    await act().then(
      () => assert.unreachable(),
      (error: unknown) => assert.instance(error, RangeError),
    );
  rig.codeFile.beforeSave = async () => undefined;
  await own(code);
});

it('an owner that is installed hears so, though the used code could not be taken off the disk', async () => {
  const code = await rig.press();
  const attempt = await knock(rig, code);
  rig.codeFile.beforeSave = async () => {
    throw new RangeError('disk full');
  };
  await attempt.finish(await newOwner());
  assert.is(rig.service.armed, 'none');
  rig.codeFile.beforeSave = async () => undefined;
  await rig.restart();
  assert.is((await rig.codeFile.load()).armed, 'none', 'mended with the next start');
});

it('the file of version 0.1 counts as a code shown once; used up, as none', async () => {
  const { code, kept } = await makeCode();
  const { salt, verifier } = kept;
  const old = { v: 1, salt: toBase64url(salt), w0: toBase64url(verifier.w0), L: toBase64url(verifier.L), fails: { relay: 2, lan: 1 } };
  await writeFile(join(rig.folder, 'pairing.json'), JSON.stringify(old));
  await rig.restart();
  const memory = await rig.codeFile.load();
  assert.equal([memory.armed, memory.purpose, memory.label], ['once', 'own', null]);
  assert.equal(memory.tries.fails, { relay: 2, lan: 1 });
  await own(code);
  assert.is(JSON.parse(await fileText()).v, 2);
  await writeFile(join(rig.folder, 'pairing.json'), '{}\n');
  await rig.restart();
  assert.is(rig.service.armed, 'none');
  assert.not.ok(
    rig.log.lines.some(({ level }) => level === 'error'),
    'nothing is damaged',
  );
});

it('a damaged file is told in the log: a label in it counts no more', async () => {
  await rig.service.makeLabel();
  const whole = JSON.parse(await fileText()) as Record<string, unknown>;
  const damaged = [
    '',
    '{',
    JSON.stringify({ ...whole, more: 1 }),
    JSON.stringify({ ...whole, label: { ...(whole.label as object), w0: 7 } }),
  ];
  for (const text of damaged) {
    rig.log.lines.length = 0;
    await writeFile(join(rig.folder, 'pairing.json'), text);
    await rig.restart();
    assert.is(rig.service.armed, 'none', text);
    assert.is(rig.log.lines.filter(({ level }) => level === 'error').length, 1, text);
  }
  // Whole, but naming a code that is not there.
  await writeFile(join(rig.folder, 'pairing.json'), JSON.stringify({ ...whole, armed: 'once' }));
  await rig.restart();
  assert.is(rig.service.armed, 'none');
  assert.equal(await rig.service.press(), { armed: 'label', code: null });
});

it.run();
