import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../../agent/kernel/clock.js';
import { Database, type DatabaseOptions } from '../../../../agent/store/database.js';
import { STATE_MIGRATIONS } from '../../../../agent/store/migrations.js';

/** A wall clock that stands still until a test moves it; its periodic timers fire only when told to. */
export class ManualClock implements Clock {
  at = 1_800_000_000_000;
  readonly #periodic = new Set<() => void>();

  now(): number {
    return this.at;
  }

  monotonicMs(): number {
    return performance.now();
  }

  after(delayMs: number, act: () => void): { cancel(): void } {
    const handle = setTimeout(act, delayMs);
    return { cancel: () => clearTimeout(handle) };
  }

  every(_periodMs: number, act: () => void): { cancel(): void } {
    this.#periodic.add(act);
    return { cancel: () => this.#periodic.delete(act) };
  }

  fire(): void {
    for (const act of this.#periodic) act();
  }
}

/** Runs `body` with a new folder that is gone afterwards. */
export async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'sightline-store-'));
  try {
    await body(folder);
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

/** Runs `body` with an open database of the ordinary kind. */
export async function withDatabase(
  body: (database: Database, folder: string) => Promise<void>,
  options: Partial<DatabaseOptions> = {},
): Promise<void> {
  await inFolder(async (folder) => {
    const path = join(folder, 'state', 'state.db');
    const database = await Database.open({ path, kind: 'ordinary', migrations: STATE_MIGRATIONS, clock: new ManualClock(), ...options });
    try {
      await body(database, folder);
    } finally {
      await database.close();
    }
  });
}

/** The stable code of what `act` rejects with. */
export async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'resolved';
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}
