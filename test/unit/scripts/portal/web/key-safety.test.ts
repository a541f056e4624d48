import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AgentError } from '../../../../../agent/kernel/errors.js';
import type { Handed } from '../../../../../scripts/portal/client/handed-text.js';
import type { OwnedRecorder } from '../../../../../scripts/portal/client/keyring.js';
import { newSigningKey } from '../../../../../scripts/portal/client/keys.js';
import type { PairingAttempt } from '../../../../../scripts/portal/client/pair.js';
import type { AppState } from '../../../../../scripts/portal/web/state/app-state.js';
import { finishPairing } from '../../../../../scripts/portal/web/state/finish-pairing.js';
import { joinByLink } from '../../../../../scripts/portal/web/state/ownership-acts.js';

const SERIAL = 'SN4F2K7Q9D';
const DEVICE = 'd'.repeat(43);
const handed: Handed = { serial: SERIAL, deviceKey: DEVICE, statement: 'x.y.z', operator: null };
const PERSON = { name: 'Olivia Example', email: 'olivia@example.org' };
const part = { serial: SERIAL, site: 'Shop', person: PERSON, role: 'owner', deviceName: 'Phone' } as const;

const fails = (code: string): Promise<never> => Promise.reject(new AgentError({ code, say: 'No.', fix: 'Try again.' }));
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );

/** What of the app keeps keys; the recorder answers every question with this refusal. */
async function appWith(owned: OwnedRecorder[], refusal: string): Promise<{ app: AppState; kept: () => OwnedRecorder | undefined }> {
  const spare = await newSigningKey();
  const app = {
    services: {
      keyring: { spareKey: async () => spare, useSpareKey: async () => undefined },
      openRecorder: () => ({ start: async () => undefined, close: () => undefined, call: () => fails(refusal) }),
    },
    owned: { value: owned },
    saveOwned: async (record: OwnedRecorder) => {
      app.owned.value = [...app.owned.value.filter((one) => one.serial !== record.serial), record];
    },
    removeOwned: async (serial: string) => {
      app.owned.value = app.owned.value.filter((one) => one.serial !== serial);
    },
  };
  return { app: app as unknown as AppState, kept: () => app.owned.value.find((one) => one.serial === SERIAL) };
}

async function ownedRecord(): Promise<OwnedRecorder> {
  const { signer, publicKey } = await newSigningKey();
  return { serial: SERIAL, deviceKey: DEVICE, site: 'Shop', person: PERSON, signer, publicKey, waiting: null };
}

const attemptThat = (refusal: string): PairingAttempt => ({
  purpose: 'own',
  operator: null,
  deviceKey: DEVICE,
  finish: () => fails(refusal),
  cancel: () => undefined,
});

test('pairing whose last answer is hidden leaves a record that trusts the recorder of the exchange and no other', async () => {
  const { app, kept } = await appWith([], 'client.timeout');
  assert.is(await codeOf(finishPairing(app, attemptThat('client.timeout'), part)), 'client.timeout');
  assert.is(kept()?.deviceKey, DEVICE);
  const refused = await appWith([], 'pairing.other_text');
  assert.is(await codeOf(finishPairing(refused.app, attemptThat('pairing.other_text'), part)), 'pairing.other_text');
  assert.is(refused.kept(), undefined);
});

test('a lost answer never costs the key that was good before', async () => {
  const before = await ownedRecord();
  const { app, kept } = await appWith([before], 'client.timeout');
  assert.is(await codeOf(joinByLink(app, handed, 'Phone')), 'client.timeout');
  assert.is.not(kept()?.publicKey.x, before.publicKey.x);
  assert.equal(kept()?.before, before);
  const again = await appWith([before], 'client.timeout');
  await codeOf(finishPairing(again.app, attemptThat('client.timeout'), part));
  assert.equal(again.kept()?.before, before);
  const refused = await appWith([before], 'permissions.delegation_used');
  assert.is(await codeOf(joinByLink(refused.app, handed, 'Phone')), 'permissions.delegation_used');
  assert.equal(refused.kept(), before);
});

test('a link that names another recorder under a known serial number changes nothing', async () => {
  const before = await ownedRecord();
  const { app, kept } = await appWith([before], 'client.timeout');
  assert.is(await codeOf(joinByLink(app, { ...handed, deviceKey: 'e'.repeat(43) }, 'Phone')), 'portal.other_recorder');
  assert.equal(kept(), before);
});

test.run();
