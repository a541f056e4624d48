import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** How far the operation log had come. */
export interface NotedHead {
  readonly size: number;
  /** Hex. */
  readonly head: string;
}

const MOST_READS = 20;
const FORM = /^([0-9]{16}) ([0-9a-f]{64})\n$/;

/**
 * One line beside the log that says how far it had come, written after every commit and in its own file: a log that lost rows together with the
 * end of its file, or whose file was put back by an older one, is found out at the next start. It is no proof (that is what the witnesses outside
 * have) and costs no flush of the disk: after a power cut it may lag behind, it never runs ahead. Holds nothing of anybody.
 */
export class HeadNote {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** What is noted; null for nothing, or for what is no note. Read until it stands still: another process may be in the middle of writing it. */
  async read(): Promise<NotedHead | null> {
    let text = await this.#text();
    for (let tries = 0; tries < MOST_READS; tries += 1) {
      const again = await this.#text();
      if (again === text) break;
      text = again;
    }
    const [, size, head] = FORM.exec(text) ?? [];
    return size === undefined || head === undefined ? null : { size: Number(size), head };
  }

  #text(): Promise<string> {
    return readFile(this.#path, 'latin1').catch(() => '');
  }

  /** Overwrites the line in place. What cannot be written lags behind; a full or read-only disk is told by the log itself. */
  write({ size, head }: NotedHead): void {
    let file: number | undefined;
    try {
      file = openSync(this.#path, constants.O_WRONLY | constants.O_CREAT, 0o600);
      writeSync(file, `${String(size).padStart(16, '0')} ${head}\n`, 0, 'latin1');
    } catch {
      // Told by the log itself.
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }
}
