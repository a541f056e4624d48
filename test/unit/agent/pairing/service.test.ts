// runner: limit 120s
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { thumbprint } from '../../../../agent/contract/jws.js';
import { newScalar, proverFinish, proverShare, splitPasswordKey } from '../../../../agent/contract/spake2plus.js';
import { fromBase64url, newId, toBase64url } from '../../../../agent/contract/text.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { pair } from '../../../../scripts/portal/client/pair.js';
import { codeOf, derive, knock, makeRig, newOwner, otherCode, type PairingRig, SCOPE, send } from './pairing-rig.js';

let rig: PairingRig;
let code: string;

const it = suite('pairing service');

it.before.each(async () => {
  rig = await makeRig();
  code = await rig.arm();
});

it.after.each(() => rig.stop());

/** A wrong guess, made by the real app; what it learnt. */
async function guess(): Promise<{ code: string; left: unknown; retryS: unknown }> {
  try {
    await knock(rig, otherCode(code));
    return { code: 'paired', left: undefined, retryS: undefined };
  } catch (error) {
    const { code: said, detail } = error as AgentError;
    return { code: said, left: detail.left, retryS: detail.retryS };
  }
}

it('the right code: owner installed with her consent, and the app learns the recorder’s keys', async () => {
  const owner = await newOwner();
  const attempt = await knock(rig, code);
  assert.is(rig.installed.length, 0, 'nothing before the consent');
  const paired = await attempt.finish(owner);
  assert.equal(paired.deviceKey, rig.device.publicKey);
  assert.is(paired.epoch, 1);
  assert.is(paired.recorderAt, rig.clock.now());
  assert.is(rig.installed.length, 1);
  const [installed] = rig.installed;
  assert.equal(installed?.key, owner.ownerKey);
  assert.is(installed?.kid, await thumbprint(owner.ownerKey));
  assert.is(installed?.site, 'Bakery');
  assert.equal(installed?.consent.by, { name: 'Ada Owner', email: 'ada@example.org' });
  assert.ok(installed?.consent.notAgreed.includes('live-view'), 'agreeing to pairing is not agreeing to be watched');
});

it('with the app’s own key derivation', async () => {
  const attempt = await pair({ transport: rig.relay.app(), scope: SCOPE, code });
  await attempt.finish(await newOwner());
  assert.is(rig.installed.length, 1);
});

it('the relay sees neither code nor names, and the files hold no code', async () => {
  await (await knock(rig, code)).finish(await newOwner());
  const other = await makeRig();
  const otherSecret = await other.press();
  const places = [rig.relay.seen.join('\n')];
  for (const { folder } of [rig, other])
    for (const name of await readdir(folder)) places.push(await readFile(join(folder, name), 'latin1'));
  assert.is(places.length, 3);
  for (const text of places)
    for (const secret of [code, otherSecret, code.slice(0, 8), 'Ada', 'ada@example.org', 'Bakery'])
      assert.not.ok(text.includes(secret), secret);
  assert.is((await stat(join(other.folder, 'pairing.json'))).mode & 0o777, 0o600);
  await other.stop();
});

it('a wrong code: "not this code" and the tries left, and waits after three', async () => {
  assert.equal(await guess(), { code: 'pairing.wrong_code', left: 19, retryS: undefined });
  assert.equal(await guess(), { code: 'pairing.wrong_code', left: 18, retryS: undefined });
  assert.equal(await guess(), { code: 'pairing.wrong_code', left: 17, retryS: undefined });
  assert.equal(await guess(), { code: 'pairing.wait', left: 17, retryS: 5 });
  await rig.clock.advance(4_999);
  assert.is((await guess()).code, 'pairing.wait');
  await rig.clock.advance(1);
  assert.equal(await guess(), { code: 'pairing.wrong_code', left: 16, retryS: undefined });
  assert.is(rig.installed.length, 0);
  await rig.clock.advance(10_000);
  await (await knock(rig, code)).finish(await newOwner());
  assert.is(rig.installed.length, 1, 'the right code still works after wrong ones');
});

it('peek and abort: charged and on the disk before the answer leaves', async () => {
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((isHeld) => {
    rig.codeFile.beforeSave = () =>
      new Promise((resolve) => {
        letGo = resolve;
        isHeld();
      });
  });
  let answers = 0;
  let failsOnDisk: number | undefined;
  rig.relay.onUp = async (answer) => {
    if (answer.t !== 'pair.resp') return [answer];
    answers += 1;
    failsOnDisk = (await rig.codeFile.load()).tries.fails.relay;
    return [answer];
  };
  const outcome = guess();
  await held;
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
  assert.is(answers, 0, 'no answer while the charge is not durable');
  letGo();
  assert.is((await outcome).code, 'pairing.wrong_code');
  assert.is(answers, 1);
  assert.is(failsOnDisk, 1, 'on the disk when the answer passed the relay');
  // The guesser hung up; power goes.
  await rig.restart();
  rig.codeFile.beforeSave = async () => undefined;
  assert.is((await guess()).left, 18);
});

it('a charge that cannot be written down: no answer, and it counts all the same', async () => {
  rig.codeFile.beforeSave = async () => {
    throw new RangeError('disk full');
  };
  assert.is((await guess()).code, 'pairing.failed');
  assert.ok(!rig.relay.seen.some((text) => text.includes('pair.resp')));
  rig.codeFile.beforeSave = async () => undefined;
  assert.is((await guess()).left, 18);
});

it('a power cut begins the wait anew, in full', async () => {
  for (let fails = 0; fails < 4; fails += 1) {
    if (fails === 3) await rig.clock.advance(5_000);
    await guess();
  }
  await rig.clock.advance(9_000);
  await rig.restart();
  assert.equal(await guess(), { code: 'pairing.wait', left: 16, retryS: 10 });
});

it('a second pairing with the same code, or with a new one, is refused', async () => {
  const owner = await newOwner();
  await (await knock(rig, code)).finish(owner);
  assert.is(await codeOf(knock(rig, code)), 'pairing.owned');
  assert.is(await codeOf(rig.press()), 'pairing.owned');
  await rig.restart();
  assert.is(await codeOf(knock(rig, code)), 'pairing.owned');
  const { label, once, armed } = await rig.codeFile.load();
  assert.equal({ label, once, armed }, { label: null, once: null, armed: 'none' }, 'the code is dead');
  // Even a recorder that lost its owner by other means cannot be had with the old code.
  rig.installed.length = 0;
  await rig.restart();
  assert.is(await codeOf(knock(rig, code)), 'pairing.closed');
  assert.is(rig.installed.length, 0);
});

it('two exchanges at once: one owner, the other is told', async () => {
  const [first, second] = await Promise.all([knock(rig, code), knock(rig, code)]);
  const results = await Promise.all([codeOf(first.finish(await newOwner())), codeOf(second.finish(await newOwner()))]);
  assert.equal(results.sort(), ['pairing.owned', 'resolved']);
  assert.is(rig.installed.length, 1);
});

it('the window closes after 15 minutes; the button opens it again with a new code', async () => {
  assert.equal([rig.service.isOpen, rig.service.openForS], [true, 900]);
  await rig.clock.advance(15 * 60_000);
  assert.ok(rig.service.isOpen);
  await rig.clock.advance(1);
  assert.equal([rig.service.isOpen, rig.service.openForS], [false, 0]);
  assert.is(await codeOf(knock(rig, code)), 'pairing.closed');
  const fresh = await rig.press();
  assert.is((await guess()).code, 'pairing.wrong_code', 'the old code is void');
  await (await knock(rig, fresh)).finish(await newOwner());
});

it('reading the consent may take ten minutes, also over the end of the window, but not longer', async () => {
  await rig.clock.advance(14 * 60_000);
  const slow = await knock(rig, code);
  const tooSlow = await knock(rig, code);
  await rig.clock.advance(9.9 * 60_000);
  await slow.finish(await newOwner());
  assert.is(rig.installed.length, 1);
  rig.installed.length = 0;
  await rig.clock.advance(60_000);
  assert.is(await codeOf(tooSlow.finish(await newOwner())), 'pairing.closed');
  assert.is(rig.installed.length, 0);
});

it('pressing the button ends exchanges that were under way', async () => {
  const attempt = await knock(rig, code);
  await rig.press();
  assert.is(await codeOf(attempt.finish(await newOwner())), 'pairing.closed');
});

it('new code without a press keeps the tries that were used', async () => {
  await guess();
  await rig.press({ newCode: true, keepsTries: true });
  assert.is((await guess()).left, 18);
  await rig.press();
  assert.is((await guess()).left, 19);
});

it('an owner that could not be stored is no owner; the code is kept', async () => {
  const attempt = await knock(rig, code);
  const { install } = rig;
  rig.install = async () => {
    throw new AgentError({ code: 'store.full', say: 'The disk is full.', fix: 'Make room.' });
  };
  assert.is(await codeOf(attempt.finish(await newOwner())), 'store.full');
  const { armed, tries } = await rig.codeFile.load();
  assert.is(armed, 'once');
  assert.is(tries.fails.relay, 0, 'whoever proved the code did not guess');
  rig.install = install;
  await (await knock(rig, code)).finish(await newOwner());
  assert.is(rig.installed.length, 1);
});

it('a damaged file: nobody can pair until the button', async () => {
  for (const text of ['', '{', '{}', '{"v":1}', 'null']) {
    await writeFile(join(rig.folder, 'pairing.json'), text);
    await rig.restart();
    assert.is(await codeOf(knock(rig, code)), 'pairing.closed', text);
  }
  await (await knock(rig, await rig.press())).finish(await newOwner());
});

it('a try begun over the relay cannot be finished on site, nor the other way round', async () => {
  const sid = newId();
  const app = newId();
  const params = await send(rig, { t: 'pair.hello', sid, app });
  assert.is(params.t, 'pair.params');
  const { w0, w1 } = splitPasswordKey(await derive(code, fromBase64url(params.t === 'pair.params' ? params.salt : '')));
  const x = newScalar(globalThis.crypto.getRandomValues(new Uint8Array(48)));
  const answer = await send(rig, { t: 'pair.start', sid, app, shareP: toBase64url(proverShare(w0, x)) });
  assert.is(answer.t, 'pair.resp');
  const ids = { context: 'sightline-pair/1', prover: app, verifier: SCOPE.serial };
  const keys = proverFinish(ids, w0, w1, x, fromBase64url(answer.t === 'pair.resp' ? answer.shareV : ''));
  const fin = { t: 'pair.fin', v: 1, sid, confirmP: toBase64url(keys.confirmProver), box: 'A'.repeat(60) } as const;
  const onSite = await rig.service.handle(fin, 'lan');
  assert.is(onSite.t === 'pair.err' && onSite.code, 'pairing.closed');
  const again = await rig.service.handle(fin, 'relay');
  assert.is(again.t === 'pair.err' && again.code, 'pairing.closed', 'the exchange is spent');
});

it('tries are told for the log, with their way and result', async () => {
  await guess();
  await rig.clock.advance(16 * 60_000);
  await guess();
  assert.equal(rig.tries, ['relay failed pairing.tried', 'relay refused pairing.closed']);
  for (let at = 0; at < 100; at += 1) await send(rig, { t: 'pair.hello', sid: newId(), app: newId() });
  assert.is(rig.tries.length, 2, 'a hundred knocks at a closed door fill no log');
  await rig.clock.advance(15 * 60_000);
  await guess();
  assert.is(rig.tries.length, 3);
  assert.ok(!JSON.stringify(rig.log.lines).includes(code));
});

it.run();
