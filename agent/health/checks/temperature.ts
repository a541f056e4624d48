import { type Check, levelWithHysteresis } from './check.js';

const MIN_10 = 600_000;

/** Hottest sensor of the board in degrees Celsius (hw.temperature); good again 5 degrees below. */
export const temperatureCheck: Check<number> = {
  fact: 'temperature',
  name: 'Temperature',
  holds: { warnAfterMs: MIN_10, critAfterMs: MIN_10, clearAfterMs: MIN_10, clearMaxMs: MIN_10 },
  judge(celsius, before) {
    const level = levelWithHysteresis(celsius, before, { warn: 80, crit: 90, clearWarn: 75, clearCrit: 85 });
    return { level, sentence: `The recorder is ${Math.round(celsius)} °C warm.` };
  },
};
