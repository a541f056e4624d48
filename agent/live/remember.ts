/** What is remembered beyond sessions (last opens, habits of streams) is bounded by this. */
const MAX_REMEMBERED = 256;

/** Sets the newest entry and forgets the oldest beyond the bound. */
export function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MAX_REMEMBERED && oldest !== undefined) map.delete(oldest);
}
