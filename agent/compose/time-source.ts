import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../kernel/clock.js';
import type { TimeSource } from '../kernel/time-floor.js';

/** A battery clock in local time is still one; one that counts from its first day is not. */
const BATTERY_APART_MS = 86_400_000;
/** Written at most once an hour, and only while the service is synchronised: newer than this start means that it was. */
const DRIFT_FILES = ['var/lib/chrony/drift', 'var/lib/chrony/chrony.drift', 'var/lib/ntpsec/ntp.drift', 'var/lib/ntp/ntp.drift'];
/** Hypervisors give their guests the time: as good as a battery. */
const GUEST_CLOCKS = new Set(['kvm-clock', 'hyperv_clocksource_tsc_page', 'hyperv_clocksource_msr', 'xen']);

/**
 * Where the system clock has its time from, by cheap looks at files: Node cannot ask the kernel (adjtimex) without native code. systemd-timesyncd
 * leaves a mark for each start; chrony and ntpd write their drift files. `root` is for tests.
 */
export function readTimeSource(clock: Clock, root = '/'): TimeSource {
  return { isSynchronised: isSynchronised(clock, root), hasBattery: hasBattery(clock, root) };
}

/** One start of the machine, and how long it has been up. */
export interface MachineRun {
  readonly boot: string;
  readonly upMs: number;
}

/** Which start of the machine this is; undefined where the system does not tell. `root` is for tests. */
export function readMachineRun(root = '/'): MachineRun | undefined {
  const boot = text(join(root, 'proc/sys/kernel/random/boot_id')).trim();
  const upMs = Math.floor(Number(text(join(root, 'proc/uptime')).split(' ')[0]) * 1000);
  return boot === '' || !Number.isFinite(upMs) || upMs <= 0 ? undefined : { boot, upMs };
}

function isSynchronised(clock: Clock, root: string): boolean {
  if (existsSync(join(root, 'run/systemd/timesync/synchronized'))) return true;
  const upMs = Number(text(join(root, 'proc/uptime')).split(' ')[0]) * 1000;
  const writtenAt = Math.max(...DRIFT_FILES.map((file) => modifiedAt(join(root, file))));
  return Number.isFinite(upMs) && writtenAt > clock.now() - upMs && writtenAt <= clock.now();
}

function hasBattery(clock: Clock, root: string): boolean {
  const devices = names(join(root, 'sys/class/rtc'));
  if (devices.length > 0) {
    const seconds = Number(text(join(root, 'sys/class/rtc', devices[0] ?? '', 'since_epoch')).trim() || 'none');
    // A device that cannot be asked: there is a clock, and no sign that it lies.
    return Number.isNaN(seconds) || Math.abs(seconds * 1000 - clock.now()) < BATTERY_APART_MS;
  }
  // A kernel without the very notion (a container) tells nothing: then the system clock has the benefit of the doubt.
  if (!existsSync(join(root, 'sys/class/rtc'))) return true;
  return GUEST_CLOCKS.has(text(join(root, 'sys/devices/system/clocksource/clocksource0/current_clocksource')).trim());
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function names(path: string): readonly string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

function modifiedAt(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return Number.NEGATIVE_INFINITY;
  }
}
