import { join } from 'node:path';
import { parseGuarded } from '../contract/guard.js';
import { parseShape } from '../contract/shapes.js';
import { OwnerRecord, type PermissionState } from '../contract/stored.js';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { PermissionStore } from '../permissions/ports.js';
import { NO_PERMISSIONS } from '../permissions/state.js';

/** Sixteen devices and a consent are a few kilobytes; a message from outside may be no larger than 64 KiB, this file may. */
const MOST_BYTES = 262_144;

/**
 * Remembers the owner and the epoch a second time, in a file of their own beside the keys: a database that was damaged and set aside must not
 * make an owned recorder free for whoever pairs next, nor bring back an owner who has handed the recorder over. From the file the owner (or that
 * there is none) comes back with every grant void (the epoch rises). The database is written first, the file after it.
 */
export function withOwnerFile(store: PermissionStore, keysFolder: string, log: Log): PermissionStore {
  const path = join(keysFolder, 'owner.json');
  let written = '';
  const remember = async (state: PermissionState): Promise<void> => {
    const text = `${JSON.stringify({ v: 1, owner: state.owner, epoch: state.epoch } satisfies OwnerRecord)}\n`;
    if (text === written || (state.owner === null && written === '')) return;
    // A write that fails may have replaced the file all the same: the next one must not be left out as known.
    written = 'unknown';
    await writeFileDurably(path, text);
    written = text;
  };
  const save = async (state: PermissionState): Promise<void> => {
    await store.save(state);
    await remember(state);
  };
  const load = async (): Promise<PermissionState | undefined> => {
    const [state, bytes] = [await store.load(), await readFileIfThere(path)];
    if (bytes !== undefined) written = bytes.toString('utf8');
    const agreed = bytes === undefined ? state : reconcile(state, readRecord(path, bytes), log);
    if (agreed === undefined) return undefined;
    // After a power cut between the two writes, or a loss that was just made good: both must say the same before the next one.
    const mend = agreed === state ? remember(agreed) : save(agreed);
    await mend.catch((error: unknown) => log.error('the owner could not be written down again', { error }));
    return agreed;
  };
  return { load, save };
}

/** What counts of the database's word and the file's: the later one, and where that cannot be told the one that allows less. */
function reconcile(state: PermissionState | undefined, known: OwnerRecord, log: Log): PermissionState {
  const isNewer = state !== undefined && (state.epoch > known.epoch || (state.epoch === known.epoch && known.owner === null));
  if (isNewer) return state;
  if (state === undefined || state.epoch < known.epoch || state.owner === null) {
    log.error('the permissions were lost; the owner file counts and every permission is void', { epoch: known.epoch + 1 });
    // Without an owner whatever a reset had begun is finished: the people of before are erased (again).
    return { ...NO_PERMISSIONS, owner: known.owner, epoch: known.epoch + 1, erasureDue: known.owner === null };
  }
  // One epoch, one owner: a device that only one of them knows was never confirmed, or was removed.
  const devices = state.owner.devices.filter(({ kid }) => known.owner?.devices.some((device) => device.kid === kid));
  if (devices.length === state.owner.devices.length) return state;
  log.warn('a device of the owner that was not confirmed is left out', { count: state.owner.devices.length - devices.length });
  return { ...state, owner: devices.length === 0 ? known.owner : { ...state.owner, devices } };
}

function readRecord(path: string, bytes: Uint8Array): OwnerRecord {
  try {
    return parseShape(OwnerRecord, parseGuarded(bytes, MOST_BYTES));
  } catch (cause) {
    throw new AgentError({
      code: 'permissions.owner_unreadable',
      say: `The file ${path}, which names the recorder's owner, is damaged.`,
      fix: 'Restore it from a backup of the state folder. Without it the recorder must be reset: remove the state folder and pair anew.',
      cause,
    });
  }
}
