import type { LedgerStore as LedgerStorePort } from '../ledger/ledger.js';
import type { Destination, LeavingClass, LedgerLine } from '../ledger/policy.js';
import type { Database } from './database.js';

/** What left the recorder, summed by day, class and destination, in the ordinary file. */
export class LedgerStore implements LedgerStorePort {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(lines: readonly LedgerLine[]): Promise<void> {
    await this.#database.write(async (tx) => {
      for (const { day, what, to, messages, bytes } of lines) {
        await tx.run(
          `INSERT INTO ledger(day, class, destination, messages, bytes) VALUES(?,?,?,?,?)
           ON CONFLICT(day, class, destination) DO UPDATE SET messages=messages+excluded.messages, bytes=bytes+excluded.bytes`,
          [day, what, to, messages, bytes],
        );
      }
    });
  }

  async between(fromDay: number, toDay: number): Promise<readonly LedgerLine[]> {
    const rows = await this.#database.all('SELECT * FROM ledger WHERE day BETWEEN ? AND ? ORDER BY day, class, destination', [
      fromDay,
      toDay,
    ]);
    return rows.map((row) => ({
      day: Number(row.day),
      what: String(row.class) as LeavingClass,
      to: String(row.destination) as Destination,
      messages: Number(row.messages),
      bytes: Number(row.bytes),
    }));
  }

  async prune(beforeDay: number): Promise<void> {
    await this.#database.write((tx) => tx.run('DELETE FROM ledger WHERE day < ?', [beforeDay]));
  }
}
