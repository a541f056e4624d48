import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UpKind } from '../../agent/contract/door.js';
import { systemClock } from '../../agent/kernel/clock.js';
import { loadDoorCertificate } from '../../agent/page/door-certificate.js';
import type { LanDoorParts } from '../../agent/page/ports.js';
import { LanDoor } from '../../agent/page/server.js';
import { askDoor, type DoorReply, type DoorRequest } from './lan-fetch.js';
import { TestLog } from './test-log.js';

/** A letter as it came through the door. */
export interface TakenLetter {
  readonly topic: string;
  readonly text: string;
  readonly remote: string;
}

/** The recorder whose door it is. */
export const DOOR_SCOPE = { tenant: 'local', serial: 'SNAAAAAAAA' };

/** A door on loopback with a real certificate, and what went through it. */
export interface TestDoor {
  readonly door: LanDoor;
  readonly folder: string;
  readonly port: number;
  readonly origin: string;
  readonly ca: string;
  readonly log: TestLog;
  readonly letters: TakenLetter[];
  ask(wanted: Partial<DoorRequest> & { readonly path: string }): Promise<DoorReply>;
  close(): Promise<void>;
}

/** Opens it; the status is the text `status`, the checkpoint `checkpoint`. */
export async function openTestDoor(parts: Partial<LanDoorParts> = {}): Promise<TestDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-door-'));
  const certificate = await loadDoorCertificate(folder, DOOR_SCOPE.serial);
  const log = new TestLog();
  const letters: TakenLetter[] = [];
  const door = new LanDoor({
    scope: DOOR_SCOPE,
    bindAddress: '127.0.0.1',
    port: 0,
    certificate: () => Promise.resolve(certificate),
    receive: async (topic, payload, remote) => void letters.push({ topic, text: Buffer.from(payload).toString(), remote }),
    kept: async (kind: UpKind) => (kind === 'status' || kind === 'checkpoint' ? kind : undefined),
    pageFolder: join(folder, 'page'),
    remoteKey: Buffer.alloc(32, 7),
    clock: systemClock,
    log,
    ...parts,
  });
  await door.start();
  const port = door.address?.port ?? 0;
  const ca = certificate.cert;
  return {
    door,
    folder,
    port,
    origin: `https://127.0.0.1:${port}`,
    ca,
    log,
    letters,
    ask: (wanted) => askDoor({ port, ca, ...wanted }),
    close: async () => {
      await door.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
