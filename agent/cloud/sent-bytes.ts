/** A connection that may tell how much was written to it: sockets do. */
interface Counting {
  readonly bytesWritten?: number;
  once(event: 'close', listener: () => void): unknown;
}

/** Counts what all connections of this start took, those included that are over. */
export class SentBytes {
  readonly #open = new Set<Counting>();
  #before = 0;

  get total(): number {
    let sum = this.#before;
    for (const connection of this.#open) sum += connection.bytesWritten ?? 0;
    return sum;
  }

  watch(connection: Counting): void {
    this.#open.add(connection);
    connection.once('close', () => {
      this.#open.delete(connection);
      this.#before += connection.bytesWritten ?? 0;
    });
  }
}
