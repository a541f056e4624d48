import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { descendantsOf } from '../../../test/support/proc.js';

const TICKS_PER_S = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU time of a process and its children in ms (user and system, /proc/PID/stat). */
export function cpuMs(pid: number): number {
  return [pid, ...descendantsOf(pid)].reduce((sum, one) => {
    const fields = readFileSync(`/proc/${one}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return sum + ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_S) * 1000;
  }, 0);
}

/** Resident memory of a process and its children in MB. */
export function rssMb(pid: number): number {
  return [pid, ...descendantsOf(pid)].reduce((sum, one) => {
    const pages = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1];
    return sum + Number(pages ?? 0) / 1024;
  }, 0);
}

/** Bytes that a process caused to be written to the storage layer so far. */
export function writtenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
}
