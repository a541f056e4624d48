/** What several attacks need: a recorder that nobody owns yet, attackers with keys of their own, and what the recorder says to them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Signer, signStatement } from '../../agent/contract/jws.js';
import type { OperationName } from '../../agent/contract/operations.js';
import type { SiteFile } from '../../agent/contract/site-file.js';
import type { Badge } from '../../agent/contract/statements.js';
import { askAgent } from '../../agent/control/control-client.js';
import { AgentError } from '../../agent/kernel/errors.js';
import type { Identity } from '../../scripts/portal/client/identity.js';
import { newSigningKey, type SigningKey } from '../../scripts/portal/client/keys.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { type AgentProcess, type AgentStart, startAgent } from '../support/agent-process.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { TENANT } from '../support/people.js';
import { Ends, type LocalStatus } from '../support/site.js';

/** `answered`, or the stable code of the refusal. */
export async function codeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return 'answered';
  } catch (error) {
    if (error instanceof AgentError) return error.code;
    throw error;
  }
}

/** A recorder without owner on a broker that lets everybody do everything. */
export interface Unowned {
  readonly folder: string;
  readonly state: string;
  readonly broker: Mosquitto;
  readonly transport: MqttTransport;
  readonly agent: AgentProcess;
  readonly ends: Ends;
  /** Kills the agent as a power cut would and starts it again. */
  powerCut(): Promise<AgentProcess>;
  status(): Promise<LocalStatus>;
  /** The button: a new code. */
  press(): Promise<string>;
  close(): Promise<void>;
}

/** `start` is asked with a folder beside the state folder; `more` stands in the site file too. */
export async function openUnowned(start: (folder: string) => AgentStart = () => ({}), more: Partial<SiteFile> = {}): Promise<Unowned> {
  const ends = new Ends();
  const folder = ends.add(await mkdtemp(join(tmpdir(), 'sightline-attack-')), (path) => rm(path, { recursive: true, force: true }));
  const broker = ends.add(await startMosquitto(), (made) => made.stop());
  const state = join(folder, 'state');
  const site = { cloud: { url: broker.url, tenant: TENANT }, cameras: { discovery: false }, ...more };
  const options = start(folder);
  let agent = await startAgent(state, site, options);
  ends.add(undefined, () => agent.stop());
  const transport = ends.add(new MqttTransport(broker.url), (made) => made.close());
  await transport.whenOnline();
  const socket = join(state, 'agent.sock');
  return {
    ...{ folder, state, broker, transport, ends },
    get agent() {
      return agent;
    },
    powerCut: async () => {
      await agent.kill();
      agent = await startAgent(state, site, options);
      return agent;
    },
    status: async () => (await askAgent(socket, 'status')) as LocalStatus,
    press: async () => ((await askAgent(socket, 'press')) as { code: string }).code.replaceAll('-', ''),
    close: () => ends.close(),
  };
}

/** Failed tries as they stand in the recorder's file. */
export async function triesOnDisk(state: string): Promise<Readonly<Record<'relay' | 'lan', number>>> {
  return (JSON.parse(await readFile(join(state, 'pairing.json'), 'utf8')) as { fails: Record<'relay' | 'lan', number> }).fails;
}

/** An organisation as an attacker has one: a key, and whatever it likes to sign with it. */
export interface Company {
  readonly key: SigningKey;
  readonly name: string;
}

/** A new one. */
export const newCompany = async (name = 'Example Alarms'): Promise<Company> => ({ key: await newSigningKey(), name });

/** How a company presents itself in a grant or an application. */
export const asOrganisation = ({ key, name }: Company) => ({ name, key: key.publicKey });

/** One person with a key of her own and a badge of the company; `badge` changes what the badge says. */
export class Person implements Identity {
  readonly company: Company;
  readonly key: SigningKey;
  grantId: string | null;
  badge: Partial<Badge>;

  private constructor(company: Company, key: SigningKey, grantId: string | null, badge: Partial<Badge>) {
    this.company = company;
    this.key = key;
    this.grantId = grantId;
    this.badge = badge;
  }

  static async of(company: Company, grantId: string | null = null, badge: Partial<Badge> = {}): Promise<Person> {
    return new Person(company, await newSigningKey(), grantId, badge);
  }

  get signer(): Signer {
    return this.key.signer;
  }

  async credentials(op: OperationName): Promise<{ grant: string | null; badge: string | null }> {
    const grant = op === 'permissions.apply' || op === 'permissions.mine' ? null : this.grantId;
    return { grant, badge: await this.badgeStatement(grant) };
  }

  /** The badge, signed by the company. */
  badgeStatement(grant: string | null): Promise<string> {
    const iat = Date.now() - 60_000;
    const badge: Badge = {
      v: 1,
      org: this.company.key.signer.kid,
      grant,
      key: this.key.publicKey,
      name: 'Dana Example',
      email: 'dana@example.org',
      amr: ['pwd', 'mfa'],
      authTime: iat,
      iat,
      exp: iat + 3_600_000,
      ...this.badge,
    };
    return signStatement('badge+jws', badge, this.company.key.signer);
  }
}

/** An app on a connection of its own. */
export class App extends RecorderClient {
  static readonly #all = new Set<App>();
  readonly #transport: MqttTransport;

  private constructor(transport: MqttTransport, serial: string, identity: Identity) {
    super({ transport, scope: { tenant: TENANT, serial }, identity, deviceKey: null });
    this.#transport = transport;
  }

  /** For this person, at the recorder `at`. */
  static async of(at: { readonly broker: Mosquitto; readonly agent: AgentProcess }, identity: Identity): Promise<App> {
    const transport = new MqttTransport(at.broker.url);
    await transport.whenOnline();
    const app = new App(transport, at.agent.serial, identity);
    App.#all.add(app);
    await app.start();
    return app;
  }

  /** Those that are still there, whatever became of the test. */
  static async leaveAll(): Promise<void> {
    for (const app of [...App.#all]) await app.leave();
  }

  async leave(): Promise<void> {
    App.#all.delete(this);
    this.close();
    await this.#transport.close();
  }
}
