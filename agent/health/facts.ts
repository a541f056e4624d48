/** From one reading of the machine and the cameras to a sample and to findings. Pure. */
import type { HostSample } from '../../drivers/port.js';
import { cameraAlarmCheck } from './checks/camera-alarm.js';
import { cameraUpCheck } from './checks/camera-up.js';
import type { Check, Finding, Holds } from './checks/check.js';
import { cpuCheck } from './checks/cpu.js';
import { diskCheck } from './checks/disk.js';
import { memoryCheck } from './checks/memory.js';
import { powerCheck } from './checks/power.js';
import { temperatureCheck } from './checks/temperature.js';
import type { CameraUp, FactName, HealthSample, Level, PowerNow } from './types.js';

/** One judged fact; `finding` is undefined when the recorder does not tell it. */
export interface JudgedFact {
  readonly key: string;
  readonly fact: FactName;
  readonly object: string;
  readonly name: string;
  readonly holds: Holds;
  readonly finding: Finding | undefined;
}

/** The row to keep; every number that is not known is null. */
export function sampleOf(host: HostSample | undefined, cameras: readonly CameraUp[], at: number): HealthSample {
  return {
    at,
    cpu: host?.cpuUtilization ?? null,
    memory: host === undefined ? null : usedShare(host.memoryTotalBytes, host.memoryAvailableBytes),
    memoryAvailableBytes: host?.memoryAvailableBytes ?? null,
    disk: host === undefined ? null : usedShare(host.diskTotalBytes, host.diskFreeBytes),
    diskFreeBytes: host?.diskFreeBytes ?? null,
    temperatureCelsius: host?.temperatureCelsius ?? null,
    rssBytes: host?.processRssBytes ?? null,
    uptimeS: host?.uptimeS ?? null,
    camerasUp: cameras.filter((camera) => camera.isUp).length,
    camerasTotal: cameras.length,
  };
}

function usedShare(total: number, free: number): number | null {
  return total > 0 ? Math.min(1, Math.max(0, 1 - free / total)) : null;
}

/** Judges everything. `levelBefore` gives the level of a key at the sample before; `power` undefined: no supply tells, and nothing is said about it. */
export function judgeFacts(
  host: HostSample | undefined,
  cameras: readonly CameraUp[],
  at: number,
  levelBefore: (key: string) => Level,
  power?: ReturnType<PowerNow>,
): readonly JudgedFact[] {
  const cpu = host?.cpuUtilization;
  const celsius = host?.temperatureCelsius;
  const memory =
    host === undefined || host.memoryTotalBytes <= 0
      ? undefined
      : { totalBytes: host.memoryTotalBytes, availableBytes: host.memoryAvailableBytes };
  const disk =
    host === undefined || host.diskTotalBytes <= 0 ? undefined : { totalBytes: host.diskTotalBytes, freeBytes: host.diskFreeBytes };
  return [
    {
      ...own(cpuCheck),
      finding: cpu === undefined ? undefined : cpuCheck.judge(cpu, levelBefore('cpu'), at),
    },
    { ...own(memoryCheck), finding: memory && memoryCheck.judge(memory, levelBefore('memory'), at) },
    { ...own(diskCheck), finding: disk && diskCheck.judge(disk, levelBefore('disk'), at) },
    {
      ...own(temperatureCheck),
      finding: celsius === undefined ? undefined : temperatureCheck.judge(celsius, levelBefore('temperature'), at),
    },
    ...(power === undefined ? [] : [judgePower(power, at, levelBefore)]),
    ...cameras.map((camera) => judgeCamera(cameraUpCheck, camera, at, levelBefore)),
    ...cameras.filter(({ alarms }) => alarms !== undefined).map((camera) => judgeCamera(cameraAlarmCheck, camera, at, levelBefore)),
  ];
}

function own(check: { readonly fact: FactName; readonly name: string; readonly holds: Holds }): Omit<JudgedFact, 'finding'> {
  return { key: check.fact, fact: check.fact, object: '', name: check.name, holds: check.holds };
}

function judgePower(power: Exclude<ReturnType<PowerNow>, undefined>, at: number, levelBefore: (key: string) => Level): JudgedFact {
  return { ...own(powerCheck), finding: power === 'unheard' ? undefined : powerCheck.judge(power, levelBefore('power'), at) };
}

function judgeCamera(check: Check<CameraUp>, camera: CameraUp, at: number, levelBefore: (key: string) => Level): JudgedFact {
  const { fact, holds } = check;
  const key = `${fact}:${camera.id}`;
  return { key, fact, object: camera.id, name: camera.name, holds, finding: check.judge(camera, levelBefore(key), at) };
}

/** Whether a fact has a line of its own where facts are listed: that a camera complains of nothing tells nobody anything. */
export function isListed({ fact, finding }: JudgedFact): boolean {
  return fact !== 'camera-alarm' || (finding !== undefined && finding.level !== 'ok');
}

/** The sentence for a fact this recorder does not tell. */
export function unavailableSentence(name: string): string {
  return `${name}: this recorder does not tell.`;
}
