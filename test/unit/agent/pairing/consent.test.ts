// runner: limit 120s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toBase64url } from '../../../../agent/contract/text.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { type Claims, exchangeByHand, finByHand, pairByHand, respell } from './hand-app.js';
import { knock, makeRig, newOwner, OPERATOR, type PairingRig, send } from './pairing-rig.js';

/** What the owner signed must fit: this recorder, this text, this way, this operator. */
let rig: PairingRig;
let code: string;

const it = suite('consent at pairing');

it.before.each(async () => {
  rig = await makeRig();
  code = await rig.arm();
});

it.after.each(() => rig.stop());

it('a consent that does not fit installs nobody, says why, and costs no try: the code was right', async () => {
  const cases: readonly [consent: Record<string, unknown>, code: string][] = [
    [{ dev: 'SN4F2K7Q9E' }, 'pairing.bad_message'],
    [{ text: toBase64url(new Uint8Array(32)) }, 'pairing.other_text'],
    [{ method: 'code-lan' }, 'pairing.bad_message'],
    [{ method: 'hand-over' }, 'pairing.bad_message'],
    [{ method: 'renewed' }, 'pairing.bad_message'],
    [{ operator: null }, 'pairing.other_operator'],
    [{ operator: { ...OPERATOR, name: 'Example Clouds' } }, 'pairing.other_operator'],
    [{ operator: { ...OPERATOR, region: 'US' } }, 'pairing.other_operator'],
    [{ operator: { ...OPERATOR, host: 'broker.example.com' } }, 'pairing.other_operator'],
    [{ agreed: ['status'] }, 'pairing.not_agreed'],
    [{ agreed: [] }, 'pairing.not_agreed'],
    [{ role: 'admin' }, 'message.invalid'],
    [{ admin: true }, 'message.invalid'],
  ];
  for (const [consent, expected] of cases) {
    assert.is(await pairByHand(rig, code, 'relay', { consent }), expected, JSON.stringify(consent));
    assert.is(rig.installed.length, 0);
  }
  assert.is((await rig.codeFile.load()).tries.fails.relay, 0);
  assert.is(await pairByHand(rig, code), 'pair.done');
});

it('the consent names the way: on the local network "code-lan", and nothing else', async () => {
  assert.is(await pairByHand(rig, code, 'lan', { consent: { method: 'code-relay' } }), 'pairing.bad_message');
  await (await knock(rig, code, 'lan')).finish(await newOwner());
  assert.is(rig.installed[0]?.consent.method, 'code-lan');
});

it('an installer who pairs first is installed as what he says he is', async () => {
  await (await knock(rig, code)).finish({ ...(await newOwner()), role: 'installer' });
  assert.is(rig.installed[0]?.consent.role, 'installer');
  assert.is(rig.installed[0]?.deviceName, 'Ada’s phone');
});

it('a device that joins signs a consent that fits too', async () => {
  await (await knock(rig, code)).finish(await newOwner());
  const join = await rig.service.openJoin();
  assert.is(await pairByHand(rig, join, 'relay', { consent: { operator: null } }), 'pairing.other_operator');
  assert.is(await pairByHand(rig, join, 'relay', { consent: { text: toBase64url(new Uint8Array(32)) } }), 'pairing.other_text');
  assert.is(rig.joined.length, 0);
  assert.is(await pairByHand(rig, join, 'relay'), 'pair.done');
  assert.is(rig.joined.length, 1);
});

it('keys and signatures that do not hang together', async () => {
  const other = await newSigningKey();
  const cases: readonly [claims: Claims, code: string][] = [
    [{ proofSigner: other }, 'signature.key'],
    [{ consentSigner: other }, 'signature.key'],
    [{ transcript: toBase64url(new Uint8Array(32)) }, 'pairing.bad_message'],
    [{ proof: { role: 'device' } }, 'pairing.bad_message'],
    [{ proof: { dev: 'SN4F2K7Q9E' } }, 'pairing.bad_message'],
    [{ box: { deviceName: 'a\nb' } }, 'message.invalid'],
    [{ box: { owner: other.publicKey } }, 'signature.key'],
  ];
  for (const [claims, expected] of cases)
    assert.is(await pairByHand(rig, code, 'relay', claims), expected, JSON.stringify(claims).slice(0, 60));
  assert.is(rig.installed.length, 0);
});

it('a message has one spelling: the bits that no byte needs must be zero', async () => {
  const exchange = await exchangeByHand(rig, code);
  const fin = await finByHand(exchange, await newSigningKey());
  const proof = await send(rig, { ...fin, confirmP: respell(fin.confirmP) });
  assert.is(proof.t === 'pair.err' && proof.code, 'pairing.bad_message');
  const share = await send(rig, { ...exchange.start, shareP: respell(exchange.start.shareP) });
  assert.is(share.t === 'pair.err' && share.code, 'pairing.bad_message');
  assert.is(rig.installed.length, 0);
});

it.run();
