import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signStatement, thumbprint, verifyStatement } from '../../../../agent/contract/jws.js';
import { openSealed, seal } from '../../../../agent/contract/seal.js';
import { Connect } from '../../../../agent/contract/statements.js';
import { ConnectNumbers } from '../../../../agent/identity/boot-counter.js';
import { loadDeviceKeys } from '../../../../agent/identity/keys.js';
import { loadNamePlate } from '../../../../agent/identity/serial.js';
import { AgentError } from '../../../../agent/kernel/errors.js';

let folder: string;
const it = suite('identity');

it.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-identity-'));
});

it.after.each(() => rm(folder, { recursive: true, force: true }));

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'resolved';
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code;
  }
}

it('keys are made on the first start, readable by this user only, and stay the same', async () => {
  const keys = join(folder, 'state', 'keys');
  const first = await loadDeviceKeys(keys);
  assert.is(await modeOf(keys), 0o700);
  assert.equal((await readdir(keys)).sort(), ['device-seal.pem', 'device-sign.pem'], 'nothing half-written is left');
  for (const name of await readdir(keys)) assert.is(await modeOf(join(keys, name)), 0o600);
  const again = await loadDeviceKeys(keys);
  assert.equal(again.sign.publicJwk, first.sign.publicJwk);
  assert.equal(again.seal.publicJwk, first.seal.publicJwk);
  assert.is(again.sign.kid, await thumbprint(first.sign.publicJwk));
  assert.is.not(first.sign.kid, first.seal.kid, 'two keys for two purposes');
  const other = await loadDeviceKeys(join(folder, 'other'));
  assert.is.not(other.sign.kid, first.sign.kid);
});

it('keys do their work and cannot be read out of the process', async () => {
  const { sign, seal: sealKey } = await loadDeviceKeys(folder);
  const connect = { v: 1, dev: 'SN4F2K7Q9D', key: sign.publicJwk, n: 1 } as const;
  const token = await signStatement('connect+jws', connect, sign);
  assert.equal(await verifyStatement(token, 'connect+jws', sign.publicJwk, Connect), connect);
  assert.is(await openSealed(await seal('hello', sealKey.publicJwk), sealKey.privateKey), 'hello');
  for (const { privateKey } of [sign, sealKey]) {
    assert.is(privateKey.extractable, false);
    for (const form of ['pkcs8', 'jwk'] as const) {
      const outcome = await globalThis.crypto.subtle.exportKey(form, privateKey).then(
        () => 'read',
        () => 'refused',
      );
      assert.is(outcome, 'refused');
    }
  }
  assert.not.ok(JSON.stringify(await loadDeviceKeys(folder)).includes('"d"'));
});

it('a damaged key stops the start with a reason, and nothing is overwritten', async () => {
  await loadDeviceKeys(folder);
  const path = join(folder, 'device-sign.pem');
  const good = await readFile(path, 'utf8');
  const p384 = await globalThis.crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign', 'verify']);
  const foreign = Buffer.from(await globalThis.crypto.subtle.exportKey('pkcs8', p384.privateKey)).toString('base64');
  const damaged = [
    '',
    'hello',
    good.slice(0, 80),
    good.replace(/[A-Z]{4}/, 'AAAA'),
    good.replace('PRIVATE', 'PUBLIC'),
    `-----BEGIN PRIVATE KEY-----\n${foreign}\n-----END PRIVATE KEY-----\n`,
  ];
  for (const text of damaged) {
    await writeFile(path, text);
    assert.is(await codeOf(loadDeviceKeys(folder)), 'identity.key_unreadable', text.slice(0, 40));
    assert.is(await readFile(path, 'utf8'), text, 'left as it was');
  }
  await writeFile(path, good);
  await loadDeviceKeys(folder);
});

it('one lost key is made anew; the other stays', async () => {
  const first = await loadDeviceKeys(folder);
  await rm(join(folder, 'device-seal.pem'));
  const second = await loadDeviceKeys(folder);
  assert.is(second.sign.kid, first.sign.kid);
  assert.is.not(second.seal.kid, first.seal.kid);
});

it('the name plate: the maker’s serial number when it fits, and the same for ever', async () => {
  const plate = await loadNamePlate(folder, { serial: 'sn-4f2k-7q9d', manufacturer: 'Acme', model: 'R8' });
  assert.equal(plate, { v: 1, serial: 'SN4F2K7Q9D', manufacturer: 'Acme', model: 'R8' });
  assert.equal(await loadNamePlate(folder, { serial: 'OTHER12345' }), plate, 'a hook that changes its mind changes nothing');
  assert.equal(await loadNamePlate(folder, {}), plate);
  assert.is(await modeOf(join(folder, 'name-plate.json')), 0o600);
});

it('no serial number, or one that is none: a random one that cannot be counted through', async () => {
  const serials = new Set<string>();
  const none = [undefined, '', '12345', 'x'.repeat(21), '///', 'Default string', 'To be filled by O.E.M.', 'System Serial Number'];
  const placeholders = ['Not Specified', '0123456789', '123456789', '00000000', 'XXXXXXXX', 'unknown', 'Chassis Serial Number'];
  for (const serial of [...none, ...placeholders]) {
    const own = await mkdtemp(join(folder, 'unit-'));
    const plate = await loadNamePlate(own, { serial, manufacturer: 'm'.repeat(200) });
    assert.match(plate.serial, /^SL[0-9A-HJKMNP-TV-Z]{8}$/, String(serial));
    assert.is(plate.manufacturer.length, 80);
    serials.add(plate.serial);
  }
  assert.is(serials.size, none.length + placeholders.length);
});

it('a damaged name plate stops the start, and is not replaced', async () => {
  const path = join(folder, 'name-plate.json');
  for (const text of ['', '{', '{"v":1,"serial":"a","manufacturer":"","model":""}', '{"v":2}', 'null']) {
    await writeFile(path, text);
    assert.is(await codeOf(loadNamePlate(folder, { serial: 'SN4F2K7Q9D' })), 'identity.unreadable', text);
    assert.is(await readFile(path, 'utf8'), text);
  }
});

it('connect numbers only rise: within a start, over restarts, over a lost or damaged file, without a right clock', async () => {
  const started = 1_800_000_000_000;
  let highest = 0;
  const rises = async (nowMs: number): Promise<void> => {
    const numbers = await ConnectNumbers.load(folder, nowMs);
    for (let at = 0; at < 100; at += 1) {
      const next = numbers.next();
      assert.ok(next > highest && Number.isSafeInteger(next), `${next} after ${highest}`);
      highest = next;
    }
  };
  await rises(started);
  for (let restart = 0; restart < 20; restart += 1) await rises(started);
  await rises(0);
  await rises(started - 365 * 86_400_000);
  for (const [day, text] of [undefined, '', 'x', '-1', '99999999999', '1e3', '\0\0\0'].entries()) {
    if (text === undefined) await rm(join(folder, 'starts'));
    else await writeFile(join(folder, 'starts'), text);
    // A restart takes more than a second, so the clock in seconds is ahead of the count of starts.
    await rises(started + (day + 1) * 86_400_000);
  }
});

it('the number is on the disk before it is given out', async () => {
  const first = (await ConnectNumbers.load(folder, 1_800_000_000_000)).next();
  const onDisk = Number((await readFile(join(folder, 'starts'), 'ascii')).trim());
  assert.is(Math.floor(first / 2 ** 20), onDisk);
  assert.is(await modeOf(join(folder, 'starts')), 0o600);
});

it.run();
