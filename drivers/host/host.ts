import { promises as fs, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DriverError, type DriverLog, type Host, type HostInventory, type HostSample } from '../port.js';
import { readInventory } from './inventory.js';
import { type CpuTicks, cpuUtilization, parseCpuTicks, parseMemory, parseUptimeS } from './proc.js';
import { TemperatureSensors } from './temperature.js';

/** What the host driver is made of. */
export interface HostParts {
  readonly log: DriverLog;
  /** Other roots for tests. */
  readonly procRoot?: string;
  readonly sysClassRoot?: string;
}

/** The machine, read from /proc, /sys and statfs: under a millisecond and no process. CPU is the share since the sample before. */
export function createHost(parts: HostParts): Host {
  return new LinuxHost(parts);
}

class LinuxHost implements Host {
  readonly #proc: string;
  readonly #sensors: TemperatureSensors;
  #ticks: CpuTicks | undefined;
  #inventory: Promise<HostInventory> | undefined;

  constructor(parts: HostParts) {
    this.#proc = parts.procRoot ?? '/proc';
    this.#sensors = new TemperatureSensors(parts.sysClassRoot ?? '/sys/class');
    try {
      // A first reading now, so that the first sample can already tell.
      this.#ticks = parseCpuTicks(readFileSync(join(this.#proc, 'stat'), 'utf8'));
    } catch (error) {
      parts.log.info('this machine tells no processor times', { error });
    }
  }

  inventory(): Promise<HostInventory> {
    this.#inventory ??= readInventory().catch((error: unknown) => {
      this.#inventory = undefined;
      throw error;
    });
    return this.#inventory;
  }

  async sample(diskPath: string): Promise<HostSample> {
    const [stat, meminfo, uptime, temperatureCelsius, disk] = await Promise.all([
      this.#read('stat'),
      this.#read('meminfo'),
      this.#read('uptime'),
      this.#sensors.hottestCelsius(),
      statDisk(diskPath),
    ]);
    const memory = parseMemory(meminfo);
    if (memory === undefined) throw new DriverError('host.unavailable', 'The machine does not tell how much memory it has.');
    return {
      cpuUtilization: this.#cpuSince(parseCpuTicks(stat)),
      memoryTotalBytes: memory.total,
      memoryAvailableBytes: memory.available,
      ...disk,
      temperatureCelsius,
      uptimeS: parseUptimeS(uptime) ?? 0,
      processRssBytes: process.memoryUsage.rss(),
    };
  }

  #cpuSince(now: CpuTicks | undefined): number | undefined {
    const before = this.#ticks;
    this.#ticks = now;
    return before === undefined || now === undefined ? undefined : cpuUtilization(before, now);
  }

  async #read(name: string): Promise<string> {
    return fs.readFile(join(this.#proc, name), 'utf8').catch(() => '');
  }
}

/** Zeros where the volume cannot be asked: the agent must not lose the other facts with it. */
async function statDisk(path: string): Promise<Pick<HostSample, 'diskTotalBytes' | 'diskFreeBytes'>> {
  try {
    const volume = await fs.statfs(path);
    // bavail, not bfree: what root keeps back is of no use to the agent. Used + available is the size that "100 % full" refers to.
    const used = volume.blocks - volume.bfree;
    return { diskTotalBytes: (used + volume.bavail) * volume.bsize, diskFreeBytes: volume.bavail * volume.bsize };
  } catch {
    return { diskTotalBytes: 0, diskFreeBytes: 0 };
  }
}
