import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SiteFile } from '../../agent/contract/site-file.js';
import { askAgent } from '../../agent/control/control-client.js';
import type { CameraOptions, OnvifCamera } from '../peers/onvif-camera/onvif-camera.js';
import { startOnvifCamera } from '../peers/onvif-camera/onvif-camera.js';
import { type AgentProcess, startAgent } from './agent-process.js';
import { type Mosquitto, startMosquitto } from './mosquitto.js';
import { MqttTransport } from './mqtt-transport.js';
import { becomeOwner, TENANT, type TestOwner } from './people.js';
import { until } from './until.js';

const PASSWORD = 'camera';

/** What `sightline status` tells of a running agent. */
export interface LocalStatus {
  readonly isPaired: boolean;
  readonly isCloudConnected: boolean;
  readonly watching: number;
  readonly cameras: readonly {
    readonly id: string;
    readonly name: string;
    readonly state: string;
    readonly reason: { readonly code: string; readonly say: string; readonly fix: string } | null;
  }[];
  readonly refusedMessages: Readonly<Record<string, number>>;
}

export interface SiteOptions {
  /** One camera each; one as it comes by default. Their channels are cam-1, cam-2 in this order. */
  readonly cameras?: readonly CameraOptions[];
  readonly agent?: Parameters<typeof startAgent>[2];
  /** Where the state folder is made; the system's temporary folder by default. */
  readonly parent?: string;
  readonly site?: Partial<SiteFile>;
  /** Cameras that are connected by wire. */
  readonly analogue?: NonNullable<SiteFile['cameras']>['analogue'];
}

/** A whole site: cameras, mosquitto, the agent as its own process, and an owner with an app. */
export interface Site {
  readonly folder: string;
  /** The agent's state folder. */
  readonly state: string;
  readonly broker: Mosquitto;
  readonly cameras: readonly OnvifCamera[];
  readonly agent: AgentProcess;
  readonly transport: MqttTransport;
  readonly owner: TestOwner;
  /** Starts the agent again after it was stopped or killed. */
  restart(options?: Parameters<typeof startAgent>[2]): Promise<AgentProcess>;
  /** Through the agent's own socket: what someone at the recorder sees. */
  status(): Promise<LocalStatus>;
  /** Resolves when every camera is online, in the agent's view. */
  online(): Promise<void>;
  close(): Promise<void>;
}

/** Everything that was opened, closed in reverse. */
export class Ends {
  readonly #ends: (() => Promise<unknown>)[] = [];

  add<T>(made: T, end: (made: T) => Promise<unknown>): T {
    this.#ends.push(() => end(made));
    return made;
  }

  async close(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

/** Starts it all and pairs; rejects with everything closed again. */
export async function openSite(options: SiteOptions = {}): Promise<Site> {
  const ends = new Ends();
  try {
    return await openWithin(ends, options);
  } catch (error) {
    await ends.close();
    throw error;
  }
}

async function openWithin(ends: Ends, options: SiteOptions): Promise<Site> {
  const folder = ends.add(await mkdtemp(join(options.parent ?? tmpdir(), 'sightline-site-')), (path) =>
    rm(path, { recursive: true, force: true }),
  );
  const broker = ends.add(await startMosquitto(), (made) => made.stop());
  const cameras: OnvifCamera[] = [];
  for (const wanted of options.cameras ?? [{}])
    cameras.push(ends.add(await startOnvifCamera({ password: PASSWORD, discovery: false, ...wanted }), (made) => made.stop()));
  const state = join(folder, 'state');
  const site: Omit<SiteFile, 'v'> = {
    cloud: { url: broker.url, tenant: TENANT },
    cameras: {
      discovery: false,
      ...(options.analogue === undefined ? {} : { analogue: options.analogue }),
      add: cameras.map((camera) => ({ address: camera.deviceUri, login: { user: 'admin', password: PASSWORD } })),
    },
    live: { bindAddress: '127.0.0.1' },
    ...options.site,
  };
  let agent = await startAgent(state, site, options.agent);
  ends.add(undefined, () => agent.stop());
  const transport = ends.add(new MqttTransport(broker.url), (made) => made.close());
  await transport.whenOnline();
  const owner = await becomeOwner(transport, agent.serial, agent.code ?? '', { name: 'Olivia Example', email: 'olivia@example.org' });
  ends.add(owner.client, async (client) => client.close());
  const status = async (): Promise<LocalStatus> => (await askAgent(join(state, 'agent.sock'), 'status')) as LocalStatus;
  return {
    folder,
    state,
    broker,
    cameras,
    get agent() {
      return agent;
    },
    transport,
    owner,
    restart: async (again) => {
      agent = await startAgent(state, site, again ?? options.agent);
      return agent;
    },
    status,
    online: async () =>
      void (await until('all cameras are online', async () => {
        const { cameras: known } = await status();
        return known.length === cameras.length && known.every((camera) => camera.state === 'online');
      })),
    close: () => ends.close(),
  };
}
