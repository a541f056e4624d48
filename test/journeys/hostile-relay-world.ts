/** A recorder, its owner and an employee, who know nothing of each other but through a relay that is the attacker's. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SiteFile } from '../../agent/contract/site-file.js';
import { askAgent } from '../../agent/control/control-client.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { type OnvifCamera, startOnvifCamera } from '../peers/onvif-camera/onvif-camera.js';
import { type AgentProcess, startAgent } from '../support/agent-process.js';
import { Eyes } from '../support/eyes.js';
import { HostileRelay } from '../support/hostile-relay.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { becomeOwner, TENANT, TestEmployee, type TestOwner } from '../support/people.js';
import { Ends, type LocalStatus } from '../support/site.js';
import { until } from '../support/until.js';

const OLIVIA = { name: 'Olivia Example', email: 'olivia@example.org' };
const DANA = { name: 'Dana Example', email: 'dana@example.org' };

/** What is at hand in the journey. */
export class World {
  readonly relay: HostileRelay;
  readonly eyes: Eyes;
  readonly camera: OnvifCamera;
  readonly transport: MqttTransport;
  readonly owner: TestOwner;
  readonly employee: TestEmployee;
  /** The employee's app. */
  readonly app: RecorderClient;
  /** Acts that people of the site really did, as the log tells them. */
  readonly done: string[] = [];
  agent: AgentProcess;
  readonly #restart: () => Promise<AgentProcess>;
  readonly #socket: string;
  readonly #ends: Ends;
  #shiftMs = 0;

  constructor(parts: Pick<World, 'relay' | 'eyes' | 'camera' | 'transport' | 'owner' | 'employee' | 'app' | 'agent'> & Inner) {
    ({ relay: this.relay, eyes: this.eyes, camera: this.camera, transport: this.transport } = parts);
    ({ owner: this.owner, employee: this.employee, app: this.app, agent: this.agent } = parts);
    this.#restart = parts.restart;
    this.#socket = parts.socket;
    this.#ends = parts.ends;
  }

  /** `more` stands in the site file too; `others` are cameras beside the real one, by their address. */
  static async open(more: Partial<SiteFile> = {}, others: readonly string[] = []): Promise<World> {
    const ends = new Ends();
    try {
      return await openWithin(ends, (parts) => new World(parts), more, others);
    } catch (error) {
      await ends.close();
      throw error;
    }
  }

  get scope(): { readonly tenant: string; readonly serial: string } {
    return { tenant: TENANT, serial: this.agent.serial };
  }

  async status(): Promise<LocalStatus> {
    return (await askAgent(this.#socket, 'status')) as LocalStatus;
  }

  /** The owner, standing in front of the recorder. */
  withdrawOnSite(): Promise<unknown> {
    return askAgent(this.#socket, 'withdraw', {});
  }

  /** Lets the recorder believe that it has been up for so much longer. */
  async wait(ms: number): Promise<void> {
    this.#shiftMs += ms;
    this.eyes.shiftClocks(0, this.#shiftMs);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** One picture may be opened every two seconds. */
  nextOpen(): Promise<void> {
    return this.wait(2_500);
  }

  /** The power goes, and comes back. */
  async powerCut(): Promise<void> {
    await this.agent.kill();
    this.#shiftMs = 0;
    this.eyes.shiftClocks(0, 0);
    this.agent = await this.#restart();
  }

  /** Every camera is. */
  online(): Promise<unknown> {
    const isOnline = async (): Promise<boolean> => {
      const { cameras } = await this.status();
      return cameras.length > 0 && cameras.every(({ state }) => state === 'online');
    };
    return until('all cameras are online', isOnline, 45_000);
  }

  /** Everything that the log says people did, oldest first. What was refused is none of it, nor how long a picture lasted, nor this very question. */
  async acts(): Promise<string[]> {
    const { rows } = await this.owner.client.call('log.list', { beforeSeq: null, limit: 200 });
    const acts = rows.filter(({ phase, result, actor }) => phase === 'result' && result === 'ok' && actor.kind !== 'system');
    const asked = acts.filter(({ action }) => action !== 'live.watch' && action !== 'log.list');
    return asked.reverse().map(({ action, actor, source }) => `${action} ${actor.email ?? `${actor.kind}/${source}`}`);
  }

  close(): Promise<void> {
    return this.#ends.close();
  }
}

interface Inner {
  readonly restart: () => Promise<AgentProcess>;
  readonly socket: string;
  readonly ends: Ends;
}

async function openWithin(
  ends: Ends,
  make: (parts: ConstructorParameters<typeof World>[0]) => World,
  more: Partial<SiteFile>,
  others: readonly string[],
): Promise<World> {
  const folder = ends.add(await mkdtemp(join(tmpdir(), 'sightline-relay-')), (path) => rm(path, { recursive: true, force: true }));
  const relay = ends.add(await HostileRelay.open(), (made) => made.stop());
  const camera = ends.add(await startOnvifCamera({ password: 'camera', discovery: false }), (made) => made.stop());
  const eyes = new Eyes(folder);
  const state = join(folder, 'state');
  const login = { user: 'admin', password: 'camera' };
  const restart = (): Promise<AgentProcess> =>
    startAgent(
      state,
      {
        cloud: { url: relay.url, tenant: TENANT },
        cameras: { discovery: false, add: [camera.deviceUri, ...others].map((address) => ({ address, login })) },
        live: { bindAddress: '127.0.0.1' },
        ...more,
      },
      eyes.start,
    );
  const agent = await restart();
  const world: { made?: World } = {};
  ends.add(world, async ({ made }) => (made?.agent ?? agent).stop());
  const connect = async (): Promise<MqttTransport> => {
    const transport = ends.add(new MqttTransport(relay.url), (made) => made.close());
    await transport.whenOnline();
    return transport;
  };
  const transport = await connect();
  const owner = await becomeOwner(transport, agent.serial, agent.code ?? '', OLIVIA);
  ends.add(owner.client, async (client) => client.close());
  const employee = await TestEmployee.make('Example Alarms', DANA);
  const scope = { tenant: TENANT, serial: agent.serial };
  const app = new RecorderClient({ transport: await connect(), scope, identity: employee, deviceKey: owner.paired.deviceKey });
  ends.add(app, async (client) => client.close());
  await app.start();
  const parts = { relay, eyes, camera, transport, owner, employee, app, agent, restart, socket: join(state, 'agent.sock'), ends };
  world.made = make(parts as ConstructorParameters<typeof World>[0]);
  return world.made;
}
