import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import type { Login } from '../../drivers/port.js';
import type { ChannelStore } from '../cameras/ports.js';
import { ConfigDocument } from '../config/document.js';
import type { ConfigStore } from '../config/ports.js';
import { ChannelDocument, PermissionState, SealedLogin, Unchecked } from '../contract/stored.js';
import type { AlertStore, HealthStore as HealthPort } from '../health/types.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { PermissionStore } from '../permissions/ports.js';
import { Ballast } from '../store/ballast.js';
import { Database, type SetAside } from '../store/database.js';
import { HealthStore } from '../store/health-store.js';
import { LOG_MIGRATIONS, STATE_MIGRATIONS } from '../store/migrations.js';
import { OutboxStore } from '../store/outbox-store.js';
import { SecretBox } from '../store/secret-box.js';
import { StateStore } from '../store/state-store.js';

/** The two database files and the documents in them. */
export interface Stores {
  readonly logDatabase: Database;
  readonly stateDatabase: Database;
  readonly state: StateStore;
  readonly outbox: OutboxStore;
  readonly health: HealthStore;
  readonly secrets: SecretBox;
  readonly ballast: Ballast;
  /** Damaged files that were moved out of the way while opening. */
  readonly setAside: readonly SetAside[];
  close(): Promise<void>;
}

/** Makes the state folder (0700) and proves that it can be written. @throws AgentError store.readonly_folder */
export async function prepareStateFolder(folder: string): Promise<void> {
  try {
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    await fs.access(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    await fs.mkdir(join(folder, 'keys'), { recursive: true, mode: 0o700 });
    const probe = join(folder, `.probe-${process.pid}`);
    await fs.writeFile(probe, '');
    await fs.rm(probe);
  } catch (cause) {
    throw new AgentError({
      code: 'store.readonly_folder',
      say: `The state folder ${folder} cannot be written.`,
      fix: 'Give the agent’s user the folder (chown), or name another one with --state.',
      cause,
    });
  }
}

/** Opens everything durable. */
export async function openStores(folder: string, clock: Clock): Promise<Stores> {
  const ballast = new Ballast(join(folder, 'ballast'));
  await ballast.ensure();
  const setAside: SetAside[] = [];
  const common = { clock, ballast, onSetAside: (what: SetAside) => setAside.push(what) };
  const logDatabase = await Database.open({
    ...common,
    path: join(folder, 'operation-log.db'),
    kind: 'durable',
    migrations: LOG_MIGRATIONS,
  });
  const stateDatabase = await Database.open({ ...common, path: join(folder, 'state.db'), kind: 'ordinary', migrations: STATE_MIGRATIONS });
  const health = new HealthStore(stateDatabase, clock);
  return {
    logDatabase,
    stateDatabase,
    state: new StateStore(stateDatabase, clock),
    outbox: await OutboxStore.open(stateDatabase, clock),
    health,
    secrets: await SecretBox.open(join(folder, 'keys', 'master.key')),
    ballast,
    setAside,
    close: async () => {
      // A chart is not worth a failed stop.
      await health.flush().catch(() => undefined);
      await stateDatabase.close();
      await logDatabase.close();
    },
  };
}

/** Channels in one document; logins sealed, each in its own. */
export function channelStore(state: StateStore, secrets: SecretBox): ChannelStore {
  const key = (id: string): string => `camera-login.${id}`;
  return {
    load: () => state.get('channels', ChannelDocument),
    save: async (document) => void (await state.put('channels', document)),
    loadLogin: async (id): Promise<Login | undefined> => {
      const known = await state.get(key(id), SealedLogin);
      return known === undefined ? undefined : { user: known.user, password: secrets.open(key(id), known.sealed) };
    },
    saveLogin: async (id, login) => {
      if (login === undefined) await state.delete(key(id));
      else await state.put(key(id), { user: login.user, sealed: secrets.seal(key(id), login.password.reveal()) });
    },
  };
}

/** Permissions in one document; a withdrawal may use the space held back on a full disk. */
export function permissionStore(state: StateStore): PermissionStore {
  return {
    load: () => state.get('permissions', PermissionState),
    save: async (next) => void (await state.put('permissions', next, { isUrgent: true })),
  };
}

/** Samples as rows. */
export function healthPort(store: HealthStore): HealthPort {
  return {
    append: async (sample) => store.append(sample.at, sample),
    load: async (sinceAt) => (await store.since(sinceAt, Unchecked)).map((row) => row.sample),
  };
}

/** Announced alerts, so that a restart neither repeats nor forgets one. */
export function alertStore(state: StateStore): AlertStore {
  return {
    load: () => state.get('alerts', Unchecked),
    save: async (memory) => void (await state.put('alerts', memory)),
  };
}

/** The configuration's own document. */
export function configStore(state: StateStore): ConfigStore {
  return {
    load: () => state.get('config', ConfigDocument),
    save: async (document) => void (await state.put('config', document)),
  };
}
