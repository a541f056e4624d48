import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { signStatement, thumbprint, verifyStatement } from '../../../../../agent/contract/jws.js';
import { seal } from '../../../../../agent/contract/seal.js';
import { Cancellation } from '../../../../../agent/contract/statements.js';
import { topics } from '../../../../../agent/contract/topics.js';
import type { SiteLetter } from '../../../../../agent/contract/views.js';
import { callBack, publishCancellation, signCancellation } from '../../../../../scripts/portal/client/cancellation.js';
import { newSigningKey } from '../../../../../scripts/portal/client/keys.js';
import {
  newOrganisation,
  organisationOf,
  renewKeys,
  signIn,
  withEmployeeCalledBack,
} from '../../../../../scripts/portal/client/organisation.js';
import { followSiteLetter } from '../../../../../scripts/portal/client/site-letters.js';
import { until } from '../../../../support/until.js';
import { MemoryRecorder } from './memory-recorder.js';

const PIN = '493817';
const record = await newOrganisation({ company: 'Example Alarms', person: { name: 'Dana Example', email: 'dana@example.org' }, pin: PIN });
const keys = await signIn(record, PIN, Date.now());
const GRANT = 'g'.repeat(22);
const DAY = 86_400_000;

test('the list of called-back badges keeps each key once and lets go of those whose badge is long over', () => {
  const first = callBack([], 'a', 0);
  const second = callBack(first, 'b', DAY / 2);
  assert.equal(callBack(second, 'a', DAY / 2 + 5), [
    { kid: 'b', at: DAY / 2 },
    { kid: 'a', at: DAY / 2 + 5 },
  ]);
  assert.equal(callBack(second, 'c', DAY + 1), [
    { kid: 'b', at: DAY / 2 },
    { kid: 'c', at: DAY + 1 },
  ]);
  const many = Array.from({ length: 300 }, (_unused, at) => ({ kid: `k${at}`, at: 1 }));
  assert.is(callBack(many, 'new', 2).length, 256);
});

test('the list is signed by the organisation and left for every recorder; one that could not be told is named', async () => {
  const org = await thumbprint(record.organisationKey.publicKey);
  const key = { key: record.organisationKey.publicKey, signer: keys.organisation };
  const statement = await signCancellation(key, [keys.employee.kid], 7, 1_800_000_000_000);
  const list = await verifyStatement(statement, 'cancel+jws', record.organisationKey.publicKey, Cancellation);
  assert.equal(list, { v: 1, org, n: 7, keys: [keys.employee.kid], iat: 1_800_000_000_000 });
  const sent: [string, string, boolean][] = [];
  const publish = async (topic: string, payload: string, options: { retain?: boolean } = {}): Promise<void> => {
    if (topic.includes('SNLOST')) throw new RangeError('gone');
    sent.push([topic, payload, options.retain === true]);
  };
  const outcome = await publishCancellation({ publish }, 'local', ['SNAAAAAA1', 'SNLOST01'], org, statement);
  assert.equal(outcome, { told: ['SNAAAAAA1'], failed: ['SNLOST01'] });
  assert.equal(sent, [[topics.cancel({ tenant: 'local', serial: 'SNAAAAAA1' }, org), statement, true]]);
});

test('calling back counts up, and the next sign-in makes another key for the employee', async () => {
  const now = Date.now();
  const once = await withEmployeeCalledBack(record, now);
  const twice = await withEmployeeCalledBack(once, now);
  assert.ok((twice.cancellations ?? 0) > (once.cancellations ?? 0));
  assert.ok((once.cancellations ?? 0) >= Math.floor(now / 1000), 'a restored copy does not fall behind');
  const renewed = await renewKeys(once, PIN);
  const employee = (await signIn(renewed, PIN, now)).employee;
  assert.is.not(employee.kid, keys.employee.kid);
  assert.equal(renewed.organisationKey, record.organisationKey);
  assert.is(await renewKeys(renewed, PIN), renewed, 'once is enough');
});

test('a record of before there were site letters gets a key for them; until then it names none', async () => {
  const { sealKey, ...old } = record;
  assert.ok(sealKey !== undefined);
  assert.is(organisationOf(old).seal, undefined);
  assert.is((await signIn(old, PIN, 0)).seal, null);
  const renewed = await renewKeys(old, PIN);
  assert.ok(organisationOf(renewed).seal !== undefined);
  assert.is((await signIn(renewed, PIN, 0)).seal?.extractable, false);
});

function letterOf(changes: Partial<SiteLetter> = {}): SiteLetter {
  const cameras = [{ id: 'cam-1', name: 'Front door', serial: 'X1', model: 'Dome' }];
  const base = { v: 1 as const, dev: 'SN4F2K7Q9D', grant: GRANT, at: 100, recorderName: 'Office', site: 'Shop', model: 'R4' };
  return { ...base, firmware: '0.1.0', cameras, ...changes };
}

test('a kept site letter is opened and shown; one that was taken back, is older, forged or of another grant is not', async () => {
  const recorder = await MemoryRecorder.make();
  const to = organisationOf(record).seal ?? recorder.key.publicKey;
  const topic = topics.site(recorder.scope, GRANT);
  const put = async (letter: SiteLetter, signer = recorder.key.signer, key = to): Promise<void> =>
    recorder.say(topic, await seal(await signStatement('site+jws', letter, signer), key), true);
  await put(letterOf());
  const heard: (string | undefined)[] = [];
  const parts = {
    transport: recorder,
    scope: recorder.scope,
    deviceKey: recorder.key.publicKey,
    sealKey: keys.seal as CryptoKey,
    grant: GRANT,
  };
  const stop = await followSiteLetter(parts, (letter) => heard.push(letter?.recorderName));
  await until('the kept one', () => heard.length === 1);
  await put(letterOf({ recorderName: 'Old', at: 99 }));
  await put(letterOf({ recorderName: 'Other grant', at: 200, grant: 'h'.repeat(22) }));
  await put(letterOf({ recorderName: 'Other recorder', at: 200, dev: 'SN0000000X' }));
  await put(letterOf({ recorderName: 'Forged', at: 200 }), (await newSigningKey()).signer);
  await put(letterOf({ recorderName: 'For others', at: 200 }), recorder.key.signer, await recorder.sealJwk());
  recorder.say(topic, 'nonsense');
  await put(letterOf({ recorderName: 'New', at: 200 }));
  recorder.say(topic, '');
  await until('the end', () => heard.at(-1) === undefined && heard.length > 1);
  assert.equal(heard, ['Office', 'New', undefined]);
  stop();
});

test.run();
