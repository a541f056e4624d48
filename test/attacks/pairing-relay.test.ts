// runner: limit 120s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CONSENT_TEXT, consentTextHash } from '../../agent/contract/consent-text.js';
import { signStatement, thumbprint } from '../../agent/contract/jws.js';
import { closeBox, deviceMac, openBox, type PairAnswer, type PairRequest } from '../../agent/contract/pairing.js';
import { newScalar, proverFinish, proverShare, type SharedKeys, splitPasswordKey } from '../../agent/contract/spake2plus.js';
import { fromBase64url, newId, toBase64url } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { NO_FAILS } from '../../agent/pairing/window.js';
import { newSigningKey, type SigningKey } from '../../scripts/portal/client/keys.js';
import {
  codeOf,
  derive,
  knock,
  makeRig,
  newOwner,
  OPERATOR,
  otherCode,
  type PairingRig,
  SCOPE,
  send,
} from '../unit/agent/pairing/pairing-rig.js';

/** Attack 3 of the list from within: whoever sits between app and recorder, and whoever talks to the recorder without an app. */
let rig: PairingRig;
let code: string;

const it = suite('Relay in the middle of pairing');

it.before.each(async () => {
  rig = await makeRig();
  code = await rig.arm();
});

it.after.each(() => rig.stop());

const randomScalar = (): Uint8Array => newScalar(globalThis.crypto.getRandomValues(new Uint8Array(48)));
/** A point that belongs to a password the attacker made up. */
const foreignShare = (): string => toBase64url(proverShare(randomScalar(), randomScalar()));
const failsOnDisk = async (): Promise<number> => (await rig.codeFile.load()).tries.fails.relay;

/** Tries begin anew, with the same code: cheaper than a press. */
async function forgive(): Promise<void> {
  const memory = await rig.codeFile.load();
  assert.is.not(memory.armed, 'none', 'the code is not used up');
  await rig.codeFile.save({ ...memory, tries: NO_FAILS });
  await rig.restart();
}

/** The whole pairing by the real app; how it ends. */
async function wholePairing(): Promise<string> {
  return codeOf(knock(rig, code).then(async (attempt) => attempt.finish(await newOwner())));
}

/** Changes one kind of message on its way to the recorder. */
function changeDown<Kind extends PairRequest['t']>(kind: Kind, change: (request: Extract<PairRequest, { t: Kind }>) => object): void {
  rig.relay.onDown = (request) => [request.t === kind ? { ...request, ...change(request as Extract<PairRequest, { t: Kind }>) } : request];
}

/** Changes one kind of message on its way to the app. */
function changeUp<Kind extends PairAnswer['t']>(kind: Kind, change: (answer: Extract<PairAnswer, { t: Kind }>) => object): void {
  rig.relay.onUp = (answer) => [answer.t === kind ? { ...answer, ...change(answer as Extract<PairAnswer, { t: Kind }>) } : answer];
}

it('the relay swaps the app’s share: no key, one try charged', async () => {
  changeDown('pair.start', () => ({ shareP: foreignShare() }));
  assert.is(await wholePairing(), 'pairing.wrong_code');
  assert.is(rig.installed.length, 0);
  assert.is(await failsOnDisk(), 1);
});

it('the relay swaps the recorder’s share or its proof: the app stops before it has proven anything', async () => {
  for (const change of [{ shareV: foreignShare() }, { confirmV: toBase64url(new Uint8Array(32)) }]) {
    changeUp('pair.resp', () => change);
    assert.is(await wholePairing(), 'pairing.wrong_code');
  }
  assert.not.ok(rig.relay.seen.some((text) => text.includes('pair.fin')));
  assert.is(rig.installed.length, 0);
});

it('the relay names another recorder’s key: the app stops; it hides the last answer: the app knows the right key all the same', async () => {
  const device = await thumbprint((await newSigningKey()).publicKey);
  for (const change of [{ device }, { deviceMac: await deviceMac(new Uint8Array(32), newId(), device) }]) {
    changeUp('pair.resp', () => change);
    assert.is(await wholePairing(), 'pairing.bad_message');
  }
  assert.not.ok(rig.relay.seen.some((text) => text.includes('pair.fin')));
  changeUp('pair.resp', () => ({}));
  const attempt = await knock(rig, code);
  attempt.cancel();
  assert.is(attempt.deviceKey, await thumbprint(rig.device.publicKey));
});

it('the relay reflects the app’s own messages', async () => {
  let shareP = '';
  rig.relay.onDown = (request) => {
    if (request.t === 'pair.start') shareP = request.shareP;
    return [request];
  };
  changeUp('pair.resp', () => ({ shareV: shareP }));
  assert.is(await wholePairing(), 'pairing.wrong_code');
  let box = '';
  rig.relay.onDown = (request) => {
    if (request.t === 'pair.fin') box = request.box;
    return [request];
  };
  changeUp('pair.done', () => ({ box }));
  assert.is(await wholePairing(), 'pairing.bad_message', 'the app does not take its own box for the recorder’s');
});

it('the relay gives another salt: the app’s proof is of no use to it', async () => {
  changeUp('pair.params', () => ({ salt: toBase64url(new Uint8Array(16)) }));
  assert.is(await wholePairing(), 'pairing.wrong_code');
  assert.not.ok(rig.relay.seen.some((text) => text.includes('pair.fin')));
});

it('the relay replaces or changes the app’s box or proof: nothing is installed', async () => {
  const forged = await closeBox(new Uint8Array(32), 'owner', newId(), { owner: (await newSigningKey()).publicKey });
  const changes = [{ box: forged }, { box: 'A'.repeat(200) }, { confirmP: toBase64url(new Uint8Array(32)) }];
  for (const change of changes) {
    changeDown('pair.fin', () => change);
    assert.is(await wholePairing(), 'confirmP' in change ? 'pairing.wrong_code' : 'pairing.bad_message');
    assert.is(rig.installed.length, 0);
  }
  rig.relay.onDown = (request) => [request];
  await rig.clock.advance(10_000);
  assert.is(await wholePairing(), 'resolved');
});

it('the relay names another app, another session or another way on the wire', async () => {
  changeDown('pair.start', () => ({ app: newId() }));
  assert.is(await wholePairing(), 'pairing.wrong_code', 'the app’s id is part of the transcript');
  // Another session than the topic's is refused by the router.
  changeDown('pair.fin', () => ({ sid: newId() }));
  const finished = codeOf((await knock(rig, code)).finish(await newOwner()));
  while (rig.router.refusals['message.invalid'] === undefined) await new Promise(setImmediate);
  assert.is(rig.installed.length, 0);
  // The relay ends the app's waiting.
  const sid = (JSON.parse(rig.relay.seen.at(-1) ?? '') as PairRequest).sid;
  await rig.relay.fromRecorder({ t: 'pair.err', v: 1, sid, code: 'pairing.closed', say: 'x', fix: 'y', retryS: 0, left: 0 });
  assert.is(await finished, 'pairing.closed');
});

it('the recorder’s true box is replaced: the app believes no other key', async () => {
  changeUp('pair.done', ({ box }) => ({ box: (box[0] === 'A' ? 'B' : 'A') + box.slice(1) }));
  assert.is(await wholePairing(), 'pairing.bad_message');
});

it('impossible shares: the recorder answers none of them with a share of its own', async () => {
  const onCurve = fromBase64url(foreignShare());
  const variants: Record<string, Uint8Array> = {
    'off the curve': Uint8Array.from(onCurve, (byte, at) => (at === 40 ? byte ^ 1 : byte)),
    'the identity as zeros': new Uint8Array(65),
    'the identity with its mark': Uint8Array.from({ length: 65 }, (_, at) => (at === 0 ? 4 : 0)),
    'compressed and padded': Uint8Array.from({ length: 65 }, (_, at) => (at === 0 ? 2 : at < 33 ? (onCurve[at] ?? 0) : 0)),
    'hybrid form': Uint8Array.from(onCurve, (byte, at) => (at === 0 ? 6 : byte)),
    'coordinates beyond the field': Uint8Array.from({ length: 65 }, (_, at) => (at === 0 ? 4 : 0xff)),
  };
  for (const [name, share] of Object.entries(variants)) {
    await forgive();
    const answer = await send(rig, { t: 'pair.start', sid: newId(), app: newId(), shareP: toBase64url(share) });
    assert.is(answer.t === 'pair.err' && answer.code, 'pairing.bad_message', name);
    assert.is(await failsOnDisk(), 1, `${name}: charged`);
  }
  for (const length of [0, 33, 64, 66]) {
    const start = { t: 'pair.start', v: 1, sid: newId(), app: newId(), shareP: toBase64url(new Uint8Array(length)) };
    await rig.relay.app().publish(topics.pairDown(SCOPE, start.sid), JSON.stringify(start));
  }
  while ((rig.router.refusals['message.invalid'] ?? 0) < 4) await new Promise(setImmediate);
  assert.is(await failsOnDisk(), 1, 'wrong lengths are no message at all');
});

it('the app refuses impossible shares of a recorder', async () => {
  for (const share of [new Uint8Array(65), Uint8Array.from({ length: 65 }, (_, at) => (at === 0 ? 4 : 1))]) {
    changeUp('pair.resp', () => ({ shareV: toBase64url(share) }));
    assert.is(await wholePairing(), 'pairing.bad_message');
  }
});

/** An attacker with the right code but other intentions: everything by hand. */
async function exchange(): Promise<{ sid: string; keys: SharedKeys }> {
  const sid = newId();
  const app = newId();
  const params = await send(rig, { t: 'pair.hello', sid, app });
  assert.ok(params.t === 'pair.params');
  const { w0, w1 } = splitPasswordKey(await derive(code, fromBase64url(params.salt)));
  const x = randomScalar();
  const answer = await send(rig, { t: 'pair.start', sid, app, shareP: toBase64url(proverShare(w0, x)) });
  assert.ok(answer.t === 'pair.resp');
  const ids = { context: 'sightline-pair/1', prover: app, verifier: SCOPE.serial };
  return { sid, keys: proverFinish(ids, w0, w1, x, fromBase64url(answer.shareV)) };
}

interface Claims {
  readonly transcript?: string;
  readonly proofSigner?: SigningKey;
  readonly consentSigner?: SigningKey;
  readonly proof?: Record<string, unknown>;
  readonly consent?: Record<string, unknown>;
  readonly box?: Record<string, unknown>;
}

async function claim(owner: SigningKey, claims: Claims): Promise<string> {
  const { sid, keys } = await exchange();
  const consent = {
    v: 1,
    dev: SCOPE.serial,
    text: await consentTextHash(),
    lang: CONSENT_TEXT.language,
    ver: CONSENT_TEXT.version,
    by: { name: 'Mallory', email: 'm@example.org' },
    role: 'owner',
    method: 'code-relay',
    operator: OPERATOR,
    agreed: ['pairing'],
    notAgreed: [],
    iat: rig.clock.now(),
    ...claims.consent,
  };
  const transcript = claims.transcript ?? toBase64url(keys.transcriptHash);
  const proof = { v: 1, role: 'owner', dev: SCOPE.serial, transcript, ...claims.proof };
  const box = await closeBox(keys.shared, 'owner', sid, {
    owner: owner.publicKey,
    deviceName: 'Phone',
    site: 'S',
    consent: await signStatement('consent+jws', consent, (claims.consentSigner ?? owner).signer),
    proof: await signStatement('pair+jws', proof, (claims.proofSigner ?? owner).signer),
    ...claims.box,
  });
  const answer = await send(rig, { t: 'pair.fin', sid, confirmP: toBase64url(keys.confirmProver), box });
  return answer.t === 'pair.err' ? answer.code : answer.t;
}

it('a box that does not hang together installs nobody, though the code is right', async () => {
  const owner = await newSigningKey();
  const other = await newSigningKey();
  const cases: readonly [claims: Claims, code: string][] = [
    [{ proofSigner: other }, 'signature.key'],
    [{ consentSigner: other }, 'signature.key'],
    [{ transcript: toBase64url(new Uint8Array(32)) }, 'pairing.bad_message'],
    [{ proof: { role: 'device' } }, 'pairing.bad_message'],
    [{ proof: { dev: 'SN4F2K7Q9E' } }, 'pairing.bad_message'],
    [{ consent: { dev: 'SN4F2K7Q9E' } }, 'pairing.bad_message'],
    [{ consent: { text: toBase64url(new Uint8Array(32)) } }, 'pairing.other_text'],
    [{ consent: { method: 'code-lan' } }, 'pairing.bad_message'],
    [{ consent: { operator: { ...OPERATOR, host: 'elsewhere.example.org' } } }, 'pairing.other_operator'],
    [{ consent: { agreed: ['status'] } }, 'pairing.not_agreed'],
    [{ consent: { admin: true } }, 'message.invalid'],
    [{ box: { admin: true } }, 'message.invalid'],
    [{ box: { owner: { ...owner.publicKey, d: owner.publicKey.x } } }, 'message.invalid'],
    [{ box: { site: 'a\nb' } }, 'message.invalid'],
  ];
  for (const [claims, expected] of cases) {
    await forgive();
    assert.is(await claim(owner, claims), expected, JSON.stringify(claims).slice(0, 80));
    assert.is(rig.installed.length, 0);
  }
  await forgive();
  assert.is(await claim(owner, {}), 'pair.done', 'the same without a lie is taken');
});

it('a recorded proof cannot be used in another exchange', async () => {
  const owner = await newSigningKey();
  const first = await exchange();
  assert.is(await claim(owner, { transcript: toBase64url(first.keys.transcriptHash) }), 'pairing.bad_message');
  const replayed = await exchange();
  const box = await closeBox(first.keys.shared, 'owner', first.sid, {});
  const answer = await send(rig, { t: 'pair.fin', sid: replayed.sid, confirmP: toBase64url(first.keys.confirmProver), box });
  assert.is(answer.t === 'pair.err' && answer.code, 'pairing.wrong_code');
});

it('one answer, one guess: after a wrong proof the exchange is spent', async () => {
  const { sid, keys } = await exchange();
  const wrong = await send(rig, { t: 'pair.fin', sid, confirmP: toBase64url(new Uint8Array(32)), box: 'A'.repeat(60) });
  assert.is(wrong.t === 'pair.err' && wrong.code, 'pairing.wrong_code');
  const right = await send(rig, { t: 'pair.fin', sid, confirmP: toBase64url(keys.confirmProver), box: 'A'.repeat(60) });
  assert.is(right.t === 'pair.err' && right.code, 'pairing.closed');
});

it('whoever records everything can open nothing, not even with the code', async () => {
  assert.is(await wholePairing(), 'resolved');
  const fin = rig.relay.seen.map((text) => JSON.parse(text) as PairRequest).find((message) => message.t === 'pair.fin');
  assert.ok(fin?.t === 'pair.fin');
  const { keys } = await makeRig().then(async (second) => {
    const before = rig;
    rig = second;
    code = await second.press();
    const made = await exchange();
    await second.stop();
    rig = before;
    return made;
  });
  assert.is(await codeOf(openBox(keys.shared, 'owner', fin.sid, fin.box)), 'pairing.bad_message');
});

it('the relay cannot put its own words in front of the person who holds the label', async () => {
  const lie = 'Type your code at example.org';
  for (const code of ['pairing.closed', 'pairing.wait', 'x', 'made.up', lie]) {
    rig.relay.onUp = ({ sid }) => [{ t: 'pair.err', v: 1, sid, code, say: lie, fix: lie, retryS: 999_999_999, left: -5 }];
    try {
      await knock(rig, 'K7MPX2QRT');
      assert.unreachable();
    } catch (error) {
      assert.instance(error, AgentError);
      const { say, fix, message, detail } = error as AgentError;
      assert.not.ok(`${say}${fix}${message}`.includes('example.org'), code);
      assert.equal(detail, { retryS: 3_600, left: 0 });
    }
  }
});

it('a flood of knocking costs the owner nothing but time: no more than the router lets in', async () => {
  const wrong = otherCode(code);
  assert.is(await codeOf(knock(rig, wrong)), 'pairing.wrong_code');
  for (let at = 0; at < 500; at += 1) {
    const sid = newId();
    void rig.relay.app().publish(topics.pairDown(SCOPE, sid), JSON.stringify({ t: 'pair.hello', v: 1, sid, app: newId() }));
  }
  while ((rig.router.refusals['message.too_many'] ?? 0) < 480) await new Promise(setImmediate);
  assert.is(await failsOnDisk(), 1);
  await rig.clock.advance(1_500);
  assert.is(await wholePairing(), 'resolved');
});

it.run();
