import { join } from 'node:path';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';

/** How many connections one start may make before numbers of the next start are reached. */
const CONNECTS_PER_START = 2 ** 20;

/**
 * Numbers that only rise, over restarts too, without a clock: a broker that saw `n` refuses it ever after, so a recorded connection
 * cannot be played again. Counts starts in a file; a file that is lost counts on from the highest number that fits the clock (seconds).
 */
export class ConnectNumbers {
  readonly #start: number;
  #used = 0;

  private constructor(start: number) {
    this.#start = start;
  }

  /** Durable before the first number is given out. */
  static async load(folder: string, nowMs: number): Promise<ConnectNumbers> {
    const path = join(folder, 'starts');
    const text = (await readFileIfThere(path))?.toString('ascii').trim() ?? '';
    const before = /^[0-9]{1,10}$/.test(text) ? Number(text) : Math.floor(nowMs / 1000);
    await writeFileDurably(path, `${before + 1}\n`);
    return new ConnectNumbers(before + 1);
  }

  next(): number {
    this.#used += 1;
    return this.#start * CONNECTS_PER_START + this.#used;
  }
}
