import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder, writeFileDurably } from '../kernel/atomic-file.js';

const BALLAST_BYTES = 256 * 1024;

/**
 * A file that holds space back. On a full disk even deleting rows fails, because SQLite needs room to do so; dropping this file
 * gives urgent writes the room they need.
 */
export class Ballast {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Makes the file when it is missing; false when there is no room for it. */
  async ensure(): Promise<boolean> {
    try {
      const there = await fs.stat(this.#path).catch(() => undefined);
      // Random bytes: a compressing file system would hold nothing back for zeros.
      if (there?.size !== BALLAST_BYTES) await writeFileDurably(this.#path, randomBytes(BALLAST_BYTES));
      return true;
    } catch {
      return false;
    }
  }

  /** Frees the space; false when it was free already. */
  async release(): Promise<boolean> {
    try {
      await fs.unlink(this.#path);
      await syncFolder(dirname(this.#path));
      return true;
    } catch {
      return false;
    }
  }
}
