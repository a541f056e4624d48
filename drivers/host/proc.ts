/** Reads what /proc says. Pure: text in, numbers out; undefined where the text does not tell. */

/** Time of all processors since boot, in ticks of 10 ms. */
export interface CpuTicks {
  readonly total: number;
  readonly idle: number;
}

/** First line of /proc/stat: user nice system idle iowait irq softirq steal (guest is inside user). */
export function parseCpuTicks(stat: string): CpuTicks | undefined {
  const line = /^cpu +(.+)$/m.exec(stat)?.[1];
  if (line === undefined) return undefined;
  const ticks = line.trim().split(/\s+/).slice(0, 8).map(Number);
  if (ticks.length < 4 || ticks.some((tick) => !Number.isFinite(tick))) return undefined;
  const total = ticks.reduce((sum, tick) => sum + tick, 0);
  return { total, idle: (ticks[3] ?? 0) + (ticks[4] ?? 0) };
}

/** Share of time not idle between two readings, 0..1; undefined when no time passed or the counters went back. */
export function cpuUtilization(before: CpuTicks, after: CpuTicks): number | undefined {
  const total = after.total - before.total;
  const idle = after.idle - before.idle;
  if (total <= 0) return undefined;
  return Math.min(1, Math.max(0, 1 - idle / total));
}

/** Memory of the machine. */
export interface MemoryBytes {
  readonly total: number;
  readonly available: number;
}

/** /proc/meminfo. Kernels before 3.14 have no MemAvailable: free + buffers + cache is what came closest. */
export function parseMemory(meminfo: string): MemoryBytes | undefined {
  const field = (name: string): number | undefined => {
    const kib = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  };
  const total = field('MemTotal');
  const free = field('MemFree');
  if (total === undefined || free === undefined) return undefined;
  return { total, available: field('MemAvailable') ?? free + (field('Buffers') ?? 0) + (field('Cached') ?? 0) };
}

/** Seconds since boot from /proc/uptime. */
export function parseUptimeS(uptime: string): number | undefined {
  const seconds = Number(uptime.split(' ')[0]);
  return Number.isFinite(seconds) && uptime !== '' ? seconds : undefined;
}
