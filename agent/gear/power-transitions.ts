import type { UpsReading } from '../../drivers/port.js';

/** What changed about the power, in the words of the log. `silent`: the supply does not answer any more. */
export type PowerChange = 'mains-lost' | 'mains-back' | 'battery-low' | 'failed' | 'silent' | 'answers-again';

/** How the power is: a reading, or that the supply is silent; undefined before the first answer. */
export type Power = UpsReading | 'silent' | undefined;

/** The changes between two states, in the order in which they matter. A supply that was never heard is not missed. */
export function powerChanges(before: Power, after: Exclude<Power, undefined>): readonly PowerChange[] {
  if (after === 'silent') return before === undefined || before === 'silent' ? [] : ['silent'];
  const was = before === undefined || before === 'silent' ? undefined : before;
  const changes: PowerChange[] = before === 'silent' ? ['answers-again'] : [];
  if (after.isOnBattery && was?.isOnBattery !== true) changes.push('mains-lost');
  if (!after.isOnBattery && was?.isOnBattery === true) changes.push('mains-back');
  if (after.isBatteryLow && was?.isBatteryLow !== true) changes.push('battery-low');
  if (after.hasFailed && was?.hasFailed !== true) changes.push('failed');
  return changes;
}
