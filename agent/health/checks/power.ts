import type { PowerFact } from '../types.js';
import { type Check, percent } from './check.js';

/**
 * The uninterruptible power supply (hw.status of hw.type=power_supply). That mains power is gone is told at once: whoever can do something about it has as
 * long as the battery lasts. Back again must hold 5 min, doubling to 2 h for mains that come and go.
 */
export const powerCheck: Check<PowerFact | 'silent'> = {
  fact: 'power',
  name: 'Power',
  holds: { warnAfterMs: 0, critAfterMs: 0, clearAfterMs: 300_000, clearMaxMs: 7_200_000 },
  judge(power) {
    if (power === 'silent')
      return { level: 'warn', sentence: 'The power supply (UPS) does not answer: nobody knows whether its battery would hold.' };
    const { isOnBattery, isBatteryLow, hasFailed, batteryVolts, load } = power;
    const carries = `${batteryVolts} V, ${percent(load)} load`;
    if (isOnBattery && isBatteryLow)
      return {
        level: 'crit',
        sentence: `Mains power is gone and the battery is nearly empty (${carries}): the recorder will go off soon.`,
      };
    if (hasFailed) return { level: 'crit', sentence: 'The power supply (UPS) reports a failure.' };
    if (isOnBattery) return { level: 'warn', sentence: `Mains power is gone: the recorder runs on battery (${carries}).` };
    if (isBatteryLow) return { level: 'warn', sentence: `Mains power is there, but the battery is low (${carries}).` };
    return { level: 'ok', sentence: `Mains power is there, the battery has ${batteryVolts} V.` };
  },
};
