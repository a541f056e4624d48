/**
 * The app with recorders in memory, for the page tests and for screenshots. The scenario is chosen by the query: `?offline`, `?empty`,
 * `?nothing` (an installer without permission), `?slow`, `?held` (an installer set it up), `?stale` (the consent's text changed), `?operator`
 * (another relay than the agreed one), `?stranger` (the recorder is not this browser's any more), `?joining` (the code adds a device),
 * `?reset` (it has no owner any more), `?full` (the relay keeps nothing more), `?alarms` (cameras complain of themselves), `?onsite` (the recorder's own page).
 */
import { type KeySigner, signStatement } from '../../agent/contract/jws.js';
import { seal } from '../../agent/contract/seal.js';
import { forbidGeneratedCode } from '../../agent/contract/shapes.js';
import { newId, utf8 } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import type { SiteLetter } from '../../agent/contract/views.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { Keyring } from '../../scripts/portal/client/keyring.js';
import { newSigningKey } from '../../scripts/portal/client/keys.js';
import { newOrganisation, signIn } from '../../scripts/portal/client/organisation.js';
import type { OwnerPart } from '../../scripts/portal/client/pair.js';
import type { RelayTransport } from '../../scripts/portal/client/transport.js';
import { mountApp } from '../../scripts/portal/web/app.js';
import { FAKE_OPERATOR } from './fake-ownership.js';
import { FakeRecorder } from './fake-recorder.js';

// The content policy forbids what shapes are otherwise checked with.
forbidGeneratedCode();

const SERIAL = 'SN4F2K7Q9D';
const GRANT = 'g'.repeat(22);
const has = (name: string): boolean => new URLSearchParams(location.search).has(name);

const KEPT = new Map<string, string>();
const listeners = new Set<(topic: string, payload: Uint8Array) => void>();
const published: { topic: string; payload: string; retain: boolean }[] = [];
Object.assign(globalThis, { published });

/** Keeps what is to be kept, as a relay does. */
const transport: RelayTransport = {
  isOnline: true,
  subscribe: async (topic) => {
    const kept = KEPT.get(topic);
    if (kept !== undefined) for (const listener of listeners) listener(topic, utf8(kept));
  },
  unsubscribe: () => Promise.resolve(),
  publish: async (topic, payload, options) => {
    if (has('full')) throw new AgentError({ code: 'client.offline', say: 'The connection ended.', fix: 'Try again.' });
    published.push({ topic, payload, retain: options?.retain === true });
  },
  onMessage: (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
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
  await keyring.putServed({ serial: SERIAL, deviceKey: null, site: 'Corner shop', siteGrant: GRANT });
}

/** The letter that the relay keeps for the installer. */
async function keepSiteLetter(keyring: Keyring, signer: KeySigner): Promise<void> {
  const to = (await keyring.organisation())?.sealKey?.publicKey;
  if (to === undefined) return;
  const letter: SiteLetter = {
    v: 1,
    dev: SERIAL,
    grant: GRANT,
    at: Date.now() - 3 * 3_600_000,
    recorderName: 'Office recorder',
    site: 'Corner shop',
    model: 'Example R4',
    firmware: '0.1.0',
    cameras: [
      { id: 'cam-1', name: 'Front door', serial: 'EX4711', model: 'Dome 2' },
      { id: 'cam-2', name: 'Back yard', serial: 'EX4712', model: 'Dome 2' },
    ],
  };
  KEPT.set(topics.site({ tenant: 'local', serial: SERIAL }, GRANT), await seal(await signStatement('site+jws', letter, signer), to));
}

async function preview(root: HTMLElement): Promise<void> {
  const keyring = await Keyring.open();
  if (!has('fresh')) {
    await seedOwner(keyring);
    await seedInstaller(keyring);
  }
  const key = await newSigningKey();
  await keepSiteLetter(keyring, key.signer);
  await mountApp(root, {
    tenant: 'local',
    keyring,
    transport,
    ...(has('onsite') ? { onSite: { serial: SERIAL } } : {}),
    openRecorder: (serial) => {
      const fake = new FakeRecorder({
        serial,
        key: key.publicKey,
        signer: key.signer,
        isReset: has('reset'),
        isHeld: has('held'),
        isStale: has('stale'),
        isOtherOperator: has('operator'),
        isStranger: has('stranger'),
        isTimeLost: has('lost'),
        isOffline: has('offline'),
        isEmpty: has('empty'),
        isAlarmed: has('alarms'),
        ...(has('slow') ? { delayMs: 60_000 } : {}),
        granted: has('nothing') ? [] : ['site-information', 'health', 'live-view', 'ptz', 'remote-configuration'],
      });
      // One recorder, however often it is opened.
      fake.isMute = (globalThis as { isMute?: boolean }).isMute === true;
      Object.assign(globalThis, { fakeRecorder: fake });
      return fake;
    },
    pair: (_serial, code) => {
      if (code.startsWith('K')) {
        return Promise.resolve({
          purpose: has('joining') ? 'join' : 'own',
          operator: FAKE_OPERATOR,
          deviceKey: 'D'.repeat(43),
          finish: (part: OwnerPart) => {
            Object.assign(globalThis, { pairedAs: { role: part.role, deviceName: part.deviceName, site: part.site, person: part.person } });
            const facts = { epoch: 1, boot: newId(), recorderAt: Date.now() };
            return Promise.resolve({ deviceKey: key.publicKey, sealKey: key.publicKey, ...facts });
          },
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
