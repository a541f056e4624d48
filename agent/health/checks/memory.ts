import { bytesInWords, type Check, levelWithHysteresis, percent } from './check.js';

const MIN_5 = 300_000;

/** Size of the memory and what programs can still have. */
export interface MemoryFact {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/** Memory that programs can still have (system.memory.linux.available): bad below 10 % and 5 %, good again 5 points above. */
export const memoryCheck: Check<MemoryFact> = {
  fact: 'memory',
  name: 'Memory',
  holds: { warnAfterMs: MIN_5, critAfterMs: MIN_5, clearAfterMs: MIN_5, clearMaxMs: MIN_5 },
  judge(memory, before) {
    const used = 1 - memory.availableBytes / memory.totalBytes;
    const level = levelWithHysteresis(used, before, { warn: 0.9, crit: 0.95, clearWarn: 0.85, clearCrit: 0.9 });
    return { level, sentence: `${bytesInWords(memory.availableBytes)} of memory are free (${percent(1 - used)}).` };
  },
};
