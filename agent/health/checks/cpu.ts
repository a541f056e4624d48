import { type Check, levelWithHysteresis, percent } from './check.js';

const MIN_10 = 600_000;

/** Share of all cores busy, 0..1 (system.cpu.utilization). */
export const cpuCheck: Check<number> = {
  fact: 'cpu',
  name: 'Processor',
  holds: { warnAfterMs: MIN_10, critAfterMs: MIN_10, clearAfterMs: MIN_10, clearMaxMs: MIN_10 },
  judge(utilization, before) {
    const level = levelWithHysteresis(utilization, before, { warn: 0.85, crit: 0.95, clearWarn: 0.75, clearCrit: 0.85 });
    return { level, sentence: `The processor is ${percent(utilization)} busy.` };
  },
};
