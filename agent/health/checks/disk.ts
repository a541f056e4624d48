import { bytesInWords, type Check, levelWithHysteresis, percent } from './check.js';

/** Size of a volume and what is left for the agent. */
export interface DiskFact {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/**
 * The system volume (system.filesystem.utilization), where the agent keeps its log and state. Not the recording volume: that one
 * is full by design. Two samples five minutes apart must agree, hence the hold.
 */
export const diskCheck: Check<DiskFact> = {
  fact: 'disk',
  name: 'System disk',
  holds: { warnAfterMs: 300_000, critAfterMs: 300_000, clearAfterMs: 300_000, clearMaxMs: 300_000 },
  judge(disk, before) {
    const used = 1 - disk.freeBytes / disk.totalBytes;
    const level = levelWithHysteresis(used, before, { warn: 0.9, crit: 0.98, clearWarn: 0.8, clearCrit: 0.9 });
    return { level, sentence: `The system disk is ${percent(used)} full, ${bytesInWords(disk.freeBytes)} are free.` };
  },
};
