import { join } from 'node:path';
import { parseGuarded } from '../contract/guard.js';
import { parseShape } from '../contract/shapes.js';
import { OwnerRecord, type PermissionState } from '../contract/stored.js';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { PermissionStore } from '../permissions/ports.js';
import { NO_PERMISSIONS } from '../permissions/state.js';

/**
 * Remembers the owner and the epoch a second time, in a file of their own beside the keys: a database that was damaged and set aside must not
 * make an owned recorder free for whoever pairs next. From the file the owner comes back with every grant void (the epoch rises).
 */
export function withOwnerFile(store: PermissionStore, keysFolder: string, log: Log): PermissionStore {
  const path = join(keysFolder, 'owner.json');
  let written = '';
  const remember = async (state: PermissionState): Promise<void> => {
    const text = `${JSON.stringify({ v: 1, owner: state.owner, epoch: state.epoch } satisfies OwnerRecord)}\n`;
    if (text === written || (state.owner === null && written === '')) return;
    await writeFileDurably(path, text);
    written = text;
  };
  return {
    load: async () => {
      const [state, bytes] = [await store.load(), await readFileIfThere(path)];
      if (bytes === undefined) return state;
      const known = readRecord(path, bytes);
      written = bytes.toString('utf8');
      if (state !== undefined && state.owner !== null && state.epoch >= known.epoch) return state;
      log.error('the permissions were lost; the owner is restored and every permission is void', { epoch: known.epoch + 1 });
      return { ...NO_PERMISSIONS, owner: known.owner, epoch: known.epoch + 1 };
    },
    save: async (state) => {
      await store.save(state);
      await remember(state);
    },
  };
}

function readRecord(path: string, bytes: Uint8Array): OwnerRecord {
  try {
    return parseShape(OwnerRecord, parseGuarded(bytes));
  } catch (cause) {
    throw new AgentError({
      code: 'permissions.owner_unreadable',
      say: `The file ${path}, which names the recorder's owner, is damaged.`,
      fix: 'Restore it from a backup of the state folder. Without it the recorder must be reset: remove the state folder and pair anew.',
      cause,
    });
  }
}
