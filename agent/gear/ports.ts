import type { GpsFix, PanelAlarm, ReceiptLine, SerialListener, UpsDriver, UpsReading } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';

/** A row for the operation log. What persons could have typed stands in `detail`, which can be erased. */
export interface GearNote {
  /** `gear.power`, `gear.alarm` or `gear.receipt`. */
  readonly action: string;
  readonly object?: string | undefined;
  readonly channel?: string | undefined;
  readonly detail: { readonly [key: string]: string | number | boolean | readonly string[] };
}

/** A port of the site and how it is opened. */
export interface GearPort<Opened> {
  /** As the site file names it. */
  readonly path: string;
  readonly open: Opened;
}

/** Opens what the site has; each is told by its own callback. Undefined members are not there. */
export interface GearPorts {
  readonly ups: GearPort<() => UpsDriver> | undefined;
  readonly gps: GearPort<(onFix: (fix: GpsFix) => void) => SerialListener> | undefined;
  /** `onAlarm` answers whether the alarm is on the disk; the panel repeats what is not. */
  readonly alarms: GearPort<(onAlarm: (alarm: PanelAlarm) => Promise<boolean>) => SerialListener> | undefined;
  readonly receipts: readonly (GearPort<(onLine: (line: ReceiptLine) => void) => SerialListener> & { readonly channel: string })[];
}

/** What the gear feature needs. */
export interface GearParts {
  readonly ports: GearPorts;
  /** Resolves when the row is on the disk. */
  readonly note: (note: GearNote) => Promise<unknown>;
  /** A time that a satellite receiver told, ms since 1970. */
  readonly sighted: (at: number) => void;
  /** Something about the power is news. */
  readonly onPower: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** How the power is: a reading, `unheard` before the first answer, `silent` when the supply does not answer; undefined: the site has none. */
export type PowerView = UpsReading | 'unheard' | 'silent' | undefined;

/** One piece of gear as it is now, for a person at the recorder. */
export interface GearView {
  readonly kind: 'ups' | 'gps' | 'alarms' | 'receipts';
  readonly path: string;
  /** The camera beside whose picture it belongs; null for what belongs to none. */
  readonly channel: string | null;
  readonly isOpen: boolean;
  /** In a person's words; why not, while the port is not open. */
  readonly say: string;
  /** When it told something last, ms since 1970; null: not since the start. */
  readonly heardAt: number | null;
}
