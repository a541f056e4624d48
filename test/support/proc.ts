import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const readOr = (path: string, otherwise: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
};

/** Process ids of every descendant, at this moment. */
export function descendantsOf(pid: number): number[] {
  const threads = (() => {
    try {
      return readdirSync(`/proc/${pid}/task`);
    } catch {
      return [];
    }
  })();
  const children = threads.flatMap((tid) => readOr(`/proc/${pid}/task/${tid}/children`, '').split(' ').filter(Boolean).map(Number));
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** The command line of a process; empty when it is gone or a zombie. */
export const commandOf = (pid: number): string => readOr(`/proc/${pid}/cmdline`, '').replaceAll('\0', ' ').trim();

/** Whether it runs; one that ended and was not waited for does not. */
export function isRunning(pid: number): boolean {
  const state = /^State:\s+(\S)/m.exec(readOr(`/proc/${pid}/status`, ''))?.[1];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Inodes of the sockets that a process holds. */
export function socketsOf(pid: number): ReadonlySet<string> {
  return new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        // Closed while we looked.
        return [];
      }
    }),
  );
}

/** Local addresses (hexadecimal, as the kernel writes them) of the UDP sockets that a process holds. */
export function udpSocketsOf(pid: number): string[] {
  const own = socketsOf(pid);
  return ['udp', 'udp6'].flatMap((table) =>
    readOr(`/proc/${pid}/net/${table}`, '')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => own.has(fields[9] ?? ''))
      .map((fields) => fields[1] ?? ''),
  );
}
