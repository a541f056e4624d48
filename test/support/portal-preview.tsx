/**
 * The app with recorders in memory, for the page tests and for screenshots. The scenario is chosen by the query: `?offline`, `?empty`,
 * `?nothing` (an installer without permission), `?slow`.
 */
import { forbidGeneratedCode } from '../../agent/contract/shapes.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { Keyring } from '../../scripts/portal/client/keyring.js';
import { newSigningKey } from '../../scripts/portal/client/keys.js';
import { newOrganisation, signIn } from '../../scripts/portal/client/organisation.js';
import type { RelayTransport } from '../../scripts/portal/client/transport.js';
import { mountApp } from '../../scripts/portal/web/app.js';
import { FakeRecorder } from './fake-recorder.js';

// The content policy forbids what shapes are otherwise checked with.
forbidGeneratedCode();

const SERIAL = 'SN4F2K7Q9D';
const has = (name: string): boolean => new URLSearchParams(location.search).has(name);

const transport: RelayTransport = {
  isOnline: true,
  subscribe: () => Promise.resolve(),
  unsubscribe: () => Promise.resolve(),
  publish: () => Promise.resolve(),
  onMessage: () => () => undefined,
  onOnline: () => () => undefined,
  close: () => Promise.resolve(),
};

async function seedOwner(keyring: Keyring): Promise<void> {
  if ((await keyring.owned()).length > 0) return;
  const { signer, publicKey } = await newSigningKey();
  const owner = { name: 'Robin Example', email: 'robin@example.org' };
  await keyring.putOwned({ serial: SERIAL, deviceKey: null, site: 'Corner shop', person: owner, signer, publicKey, waiting: null });
}

/** Stretching the PIN takes a second, so only where it is needed. */
async function seedInstaller(keyring: Keyring): Promise<void> {
  if (!location.hash.startsWith('#/serve') || (await keyring.organisation()) !== undefined) return;
  const pin = '493817';
  const record = await newOrganisation({ company: 'Example Alarms', person: { name: 'Dana Example', email: 'dana@example.org' }, pin });
  await keyring.putOrganisation(record);
  await keyring.putSignedIn(await signIn(record, pin, Date.now()));
  await keyring.putServed({ serial: SERIAL, deviceKey: null, site: 'Corner shop' });
}

async function preview(root: HTMLElement): Promise<void> {
  const keyring = await Keyring.open();
  if (!has('fresh')) {
    await seedOwner(keyring);
    await seedInstaller(keyring);
  }
  await mountApp(root, {
    tenant: 'local',
    keyring,
    transport,
    openRecorder: (serial) => {
      const fake = new FakeRecorder({
        serial,
        isOffline: has('offline'),
        isEmpty: has('empty'),
        ...(has('slow') ? { delayMs: 60_000 } : {}),
        granted: has('nothing') ? [] : ['site-information', 'health', 'live-view', 'ptz', 'remote-configuration'],
      });
      Object.assign(globalThis, { fakeRecorder: fake });
      return fake;
    },
    pair: (_serial, code) => {
      if (code.startsWith('K')) {
        return Promise.resolve({
          finish: () => Promise.reject(new AgentError({ code: 'fake.no_finish', say: 'The fake cannot be paired.', fix: 'Use an agent.' })),
          cancel: () => undefined,
        });
      }
      const say = 'This is not the code of this recorder. 17 tries left.';
      return Promise.reject(
        new AgentError({ code: 'pairing.wrong_code', say, fix: 'Compare serial number and code with the label.', detail: { left: 17 } }),
      );
    },
  });
}

const root = document.getElementById('app');
if (root !== null) {
  // The heading of a page that cannot start is all a test would see.
  preview(root).catch((error: unknown) => {
    root.textContent = String(error);
  });
}
