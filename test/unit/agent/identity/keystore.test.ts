import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signStatement, thumbprint, verifyStatement } from '../../../../agent/contract/jws.js';
import { Connect } from '../../../../agent/contract/statements.js';
import { utf8 } from '../../../../agent/contract/text.js';
import { HookRunner } from '../../../../agent/firmware/hook-runner.js';
import { loadDeviceKeys } from '../../../../agent/identity/keys.js';
import { openRecorderKeys, readRecorderKey } from '../../../../agent/identity/keystore.js';
import { systemClock } from '../../../../agent/kernel/clock.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { TestLog } from '../../../support/test-log.js';

/** The hook: in a mood it says what it is told to and nothing else. */
const FRONT = (folder: string): string => `#!/bin/sh
if [ -f '${folder}/mood' ]; then
  cat >/dev/null
  cat '${folder}/mood'
  exit "$(cat '${folder}/mood-code')"
fi
exec '${folder}/element'
`;

/** A secure element as a maker would write the hook: openssl holds the key, the hook signs digests with it. */
const HOOK = (folder: string, keyFile: string): string => `#!/usr/bin/python3
import base64, json, os, subprocess, sys
def end(code, said):
    print(json.dumps(said))
    sys.exit(code)
def openssl(*args, data=b""):
    return subprocess.run(["openssl", *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
line = sys.stdin.read()
open("${folder}/asked", "a").write(line)
wanted = json.loads(line)["input"]
if wanted["key"] != "device-sign":
    end(20, {"reason": "Another key is not known here."})
if not os.path.exists("${keyFile}"):
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "${keyFile}")
if wanted["verb"] == "public":
    point = openssl("pkey", "-in", "${keyFile}", "-pubout", "-outform", "DER")[-64:]
    end(0, {"key": {"kty": "EC", "crv": "P-256", "x": text(point[:32]), "y": text(point[32:])}})
if wanted["verb"] != "sign":
    end(20, {"reason": "Only public and sign."})
digest = base64.urlsafe_b64decode(wanted["digest"] + "=")
der = openssl("pkeyutl", "-sign", "-inkey", "${keyFile}", data=digest)
r = der[4:4 + der[3]]
s = der[6 + der[3]:]
end(0, {"signature": text(r.rjust(32, b"\\0")[-32:] + s.rjust(32, b"\\0")[-32:])})
`;

let folder: string;
let keys: string;
let hooks: string;
let runner: HookRunner;

const it = suite('keystore');

it.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-keystore-'));
  keys = join(folder, 'keys');
  hooks = await mkdtemp(join(folder, 'hooks-'));
  runner = new HookRunner({ folder: hooks, clock: systemClock, log: new TestLog() });
});

it.after.each(() => rm(folder, { recursive: true, force: true }));

async function installHook(keyFile = join(folder, 'element.pem')): Promise<void> {
  await writeFile(join(folder, 'element'), HOOK(folder, keyFile), { mode: 0o755 });
  await writeFile(join(hooks, 'keystore-sign'), FRONT(folder), { mode: 0o755 });
}
const removeHook = (): Promise<void> => rm(join(hooks, 'keystore-sign'));
/** From here on the hook ends with this code. */
async function setMood(code: number, said: unknown): Promise<void> {
  await writeFile(join(folder, 'mood-code'), String(code));
  await writeFile(join(folder, 'mood'), `${JSON.stringify(said)}\n`);
}

async function failure(act: Promise<unknown>): Promise<AgentError> {
  try {
    await act;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new RangeError('it went well');
}

it('without the hook the key is the file that it always was, and signs statements', async () => {
  const before = await loadDeviceKeys(keys);
  const { sign, seal } = await openRecorderKeys(keys, runner);
  assert.is(sign.kid, before.sign.kid);
  assert.is(seal.kid, before.seal.kid);
  const connect = { v: 1, dev: 'SN4F2K7Q9D', key: sign.publicJwk, n: 1 } as const;
  assert.equal(await verifyStatement(await signStatement('connect+jws', connect, sign), 'connect+jws', sign.publicJwk, Connect), connect);
  assert.equal((await readdir(keys)).sort(), ['device-seal.pem', 'device-sign.pem']);
  assert.equal(await readRecorderKey(keys), sign.publicJwk);
});

it('with the hook the key is in the firmware’s keystore: only digests go there, and no key is on the disk', async () => {
  await installHook();
  const { sign } = await openRecorderKeys(keys, runner);
  assert.is(sign.kid, await thumbprint(sign.publicJwk));
  const connect = { v: 1, dev: 'SN4F2K7Q9D', key: sign.publicJwk, n: 7 } as const;
  assert.equal(await verifyStatement(await signStatement('connect+jws', connect, sign), 'connect+jws', sign.publicJwk, Connect), connect);
  assert.is((await sign.sign(utf8('some bytes'))).length, 64);
  assert.equal((await readdir(keys)).sort(), ['device-seal.pem', 'device-sign.json']);
  assert.is((await stat(join(keys, 'device-sign.json'))).mode & 0o777, 0o600);
  const asked = (await readFile(join(folder, 'asked'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).input);
  assert.equal(Object.keys(asked[0]).sort(), ['key', 'verb']);
  assert.equal(
    asked.map(({ verb, key }: { verb: string; key: string }) => `${verb} ${key}`),
    ['public device-sign', 'sign device-sign', 'sign device-sign'],
  );
  assert.match(asked[1].digest, /^[A-Za-z0-9_-]{43}$/);
  assert.not.ok((await readFile(join(folder, 'asked'), 'utf8')).includes('some bytes'));
  const again = await openRecorderKeys(keys, runner);
  assert.is(again.sign.kid, sign.kid);
  assert.equal(await readRecorderKey(keys), sign.publicJwk);
});

it('a recorder with a file key keeps it when a hook is added', async () => {
  const before = await openRecorderKeys(keys, runner);
  await installHook();
  assert.is((await openRecorderKeys(keys, runner)).sign.kid, before.sign.kid);
  assert.not.ok((await readdir(folder)).includes('asked'), 'the hook is not even asked');
});

it('a recorder with a key in the keystore does not become another one when the hook is gone, fails or has another key', async () => {
  await installHook();
  const { sign } = await openRecorderKeys(keys, runner);
  await removeHook();
  assert.is((await failure(openRecorderKeys(keys, runner))).code, 'identity.keystore_unreachable');
  assert.is((await failure(sign.sign(utf8('x')))).code, 'identity.keystore_unreachable');
  await installHook();
  for (const [code, said] of [
    [10, { reason: 'No chip.' }],
    [20, { reason: 'Not allowed.' }],
    [21, { reason: 'Busy.' }],
    [1, {}],
    [0, {}],
    [0, { key: 'x' }],
  ] as const) {
    await setMood(code, said);
    const error = await failure(openRecorderKeys(keys, runner));
    assert.is(error.code, 'identity.keystore_unreachable', String(code));
    assert.is(error.retryable, true);
  }
  await rm(join(folder, 'mood'));
  await installHook(join(folder, 'other-element.pem'));
  assert.is((await failure(openRecorderKeys(keys, runner))).code, 'identity.keystore_wrong');
  assert.is((await failure(sign.sign(utf8('x')))).code, 'identity.keystore_wrong', 'a signature by another key is found here');
  await installHook();
  assert.is((await openRecorderKeys(keys, runner)).sign.kid, sign.kid);
  assert.not.ok((await readdir(keys)).includes('device-sign.pem'), 'no key was made in a file in all that');
});

it('a first start: a hook that knows no key means a file; one that fails decides nothing', async () => {
  await installHook();
  for (const code of [21, 30, 1]) {
    await setMood(code, { reason: 'The chip is not ready.' });
    assert.is((await failure(openRecorderKeys(keys, runner))).code, 'identity.keystore_unreachable', String(code));
    assert.equal(await readdir(keys), []);
  }
  await setMood(10, { reason: 'This board has no chip.' });
  const { sign } = await openRecorderKeys(keys, runner);
  await rm(join(folder, 'mood'));
  assert.is((await openRecorderKeys(keys, runner)).sign.kid, sign.kid);
  assert.equal((await readdir(keys)).sort(), ['device-seal.pem', 'device-sign.pem']);
});

it('a note and a file at once, or a note that is damaged: the start ends with a reason, and nothing is changed', async () => {
  await installHook();
  await openRecorderKeys(keys, runner);
  const note = await readFile(join(keys, 'device-sign.json'), 'utf8');
  for (const text of ['', '{', '{"v":1}', note.replace('P-256', 'P-384')]) {
    await writeFile(join(keys, 'device-sign.json'), text);
    assert.is((await failure(openRecorderKeys(keys, runner))).code, 'identity.key_unreadable', text);
    assert.is(await readFile(join(keys, 'device-sign.json'), 'utf8'), text);
  }
  await writeFile(join(keys, 'device-sign.json'), note);
  execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', join(keys, 'device-sign.pem')], {
    stdio: 'ignore',
  });
  assert.is((await failure(openRecorderKeys(keys, runner))).code, 'identity.two_keys');
});

it('reading the key for others makes none', async () => {
  assert.is((await failure(readRecorderKey(keys))).code, 'identity.no_key');
  assert.not.ok((await readdir(folder)).includes('keys'));
});

it.run();
