import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder, writeFileDurably } from '../kernel/atomic-file.js';

const BALLAST_BYTES = 256 * 1024;
/** Room that must be left beside it, so that making it anew does not fill the disk up. */
const MARGIN_BYTES = 64 * 1024;
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * A file that holds space back. On a full disk even deleting rows fails, because SQLite needs room to do so; dropping this file
 * gives urgent writes the room they need. Until it is back, that room is theirs alone.
 */
export class Ballast {
  readonly #path: string;
  #isOut = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether the space is not held back now, because the disk is full. */
  get isOut(): boolean {
    return this.#isOut;
  }

  /** Whether more than what is urgent can be written, as the disk says at this moment. What cannot be asked is told by the writes that fail. */
  async hasRoom(): Promise<boolean> {
    const volume = await fs.statfs(dirname(this.#path)).catch(() => undefined);
    if (volume === undefined) return true;
    return volume.bavail * volume.bsize >= (this.#isOut ? BALLAST_BYTES + MARGIN_BYTES : MARGIN_BYTES);
  }

  /** Makes the file when it is missing; false when there is no room for it. */
  async ensure(): Promise<boolean> {
    try {
      const there = await fs.stat(this.#path).catch(() => undefined);
      if (there?.size !== BALLAST_BYTES) {
        const volume = await fs.statfs(dirname(this.#path));
        // Looked at before it is written: a full disk is asked often, and flash wears by every try.
        this.#isOut = volume.bavail * volume.bsize < BALLAST_BYTES + MARGIN_BYTES;
        if (this.#isOut) return false;
        // Random bytes: a compressing file system would hold nothing back for zeros.
        await writeFileDurably(this.#path, randomBytes(BALLAST_BYTES));
      }
      this.#isOut = false;
      return true;
    } catch (error) {
      // What fails for another reason must not stop every other write.
      this.#isOut = FULL.has(String((error as NodeJS.ErrnoException).code));
      return false;
    }
  }

  /** Frees the space; false when it was free already. */
  async release(): Promise<boolean> {
    try {
      await fs.unlink(this.#path);
      this.#isOut = true;
      await syncFolder(dirname(this.#path));
      return true;
    } catch {
      return false;
    }
  }
}
