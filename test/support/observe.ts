import { commandOf, descendantsOf, udpSocketsOf } from './proc.js';
import { until } from './until.js';

/** What was seen of a process at any time while it was looked at. */
export interface Observed {
  readonly children: ReadonlySet<string>;
  readonly sockets: ReadonlySet<string>;
  readonly looks: number;
}

/** Looks at a process every 25 ms for a while: child processes and UDP sockets. A child that lives for less may be missed. */
export async function observe(pid: number, forMs: number): Promise<Observed> {
  const seen = { children: new Set<string>(), sockets: new Set<string>(), looks: 0 };
  const endMs = performance.now() + forMs;
  await until(
    'the time is over',
    () => {
      for (const child of descendantsOf(pid)) seen.children.add(`${child} ${commandOf(child)}`);
      for (const socket of udpSocketsOf(pid)) seen.sockets.add(socket);
      seen.looks += 1;
      return performance.now() >= endMs;
    },
    forMs + 10_000,
  );
  return seen;
}
