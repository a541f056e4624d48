import { randomBytes } from 'node:crypto';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { UpKind } from '../contract/door.js';
import type { TopicScope } from '../contract/topics.js';
import { topics } from '../contract/topics.js';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';
import type { Service } from '../kernel/service.js';
import { loadDoorCertificate } from '../page/door-certificate.js';
import type { DoorAddress } from '../page/ports.js';
import { LanDoor } from '../page/server.js';
import type { Base } from './base.js';

/** What the door is joined to. */
export interface LanParts {
  readonly scope: TopicScope;
  /** The router's: judged as the relay's letters are. */
  readonly receive: (topic: string, payload: Uint8Array, from: { readonly source: 'lan'; readonly remote: string }) => Promise<void>;
  /** status+jws as it is now. */
  readonly status: () => Promise<string>;
  /** Newest checkpoint+jws; undefined before the owner's consent. */
  readonly checkpoint: () => Promise<string | undefined>;
}

/** The door on the local network as the wiring sees it. */
export interface LanSide {
  /** Empty when the site file switches the door off. */
  readonly services: readonly Service[];
  /** Hands what the agent says on a topic to everybody at the door who asked for that very topic; false when nobody did. */
  publish(topic: string, payload: string): boolean;
  /** Something that stands in the status has changed. */
  changed(): void;
  /** Where it listens; undefined while it does not. */
  readonly address: () => DoorAddress | undefined;
  /** Bytes written to the local network so far. */
  readonly sentBytes: () => number;
}

/** Not one of the ports that everybody tries first, and one that needs no privilege. */
const PORT = 8443;
/** Changes come in bursts (a discovery, a grant with its log rows): one message tells of all. */
const GATHER_MS = 150;
const REMOTE_KEY_BYTES = 32;

const NO_DOOR: LanSide = { services: [], publish: () => false, changed: () => undefined, address: () => undefined, sentBytes: () => 0 };

/** Joins the door to the router and the status. */
export async function openLan(base: Base, parts: LanParts): Promise<LanSide> {
  const { site, serial, clock } = base;
  const log = base.log.area('lan');
  if (site.lan?.isOn === false) return NO_DOOR;
  const keys = join(base.stateFolder, 'keys');
  const door = new LanDoor({
    scope: parts.scope,
    bindAddress: site.lan?.bindAddress,
    port: site.lan?.port ?? PORT,
    certificate: () => loadDoorCertificate(keys, serial),
    receive: (topic, payload, remote) => parts.receive(topic, payload, { source: 'lan', remote }),
    kept: (kind) => keptOn(parts, kind),
    pageFolder: pageFolder(),
    remoteKey: await loadRemoteKey(join(keys, 'remote.key')),
    clock,
    log,
  });
  let isGathering = false;
  const tell = async (): Promise<void> => {
    isGathering = false;
    door.publish(topics.status(parts.scope), await parts.status());
  };
  return {
    services: [door],
    publish: (topic, payload) => door.publish(topic, payload),
    changed: () => {
      if (isGathering) return;
      isGathering = true;
      clock.after(GATHER_MS, () => void tell().catch((error: unknown) => log.error('the status could not be told', { error })), true);
    },
    address: () => door.address,
    sentBytes: () => door.sentBytes,
  };
}

async function keptOn(parts: LanParts, kind: UpKind): Promise<string | undefined> {
  if (kind === 'status') return parts.status();
  if (kind === 'checkpoint') return parts.checkpoint();
  return undefined;
}

/** The page as it was built: beside the packaged bundle, or in `.build` of a checkout. */
function pageFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const root = here.includes(`${sep}.build${sep}`) && here.endsWith(`${sep}compose`) ? join(here, '..', '..') : here;
  return join(root, 'page');
}

/** Kept over restarts, so that the log can tell that it was the same device as last week. A damaged one is replaced: then it cannot. */
async function loadRemoteKey(path: string): Promise<Uint8Array> {
  const known = await readFileIfThere(path);
  if (known?.byteLength === REMOTE_KEY_BYTES) return known;
  const made = randomBytes(REMOTE_KEY_BYTES);
  await writeFileDurably(path, made, 0o600);
  return made;
}
