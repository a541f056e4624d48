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

/** Opens what the site has; each is told by its own callback. Undefined members are not there. */
export interface GearPorts {
  readonly ups: (() => UpsDriver) | undefined;
  readonly gps: ((onFix: (fix: GpsFix) => void) => SerialListener) | undefined;
  readonly alarms: ((onAlarm: (alarm: PanelAlarm) => void) => SerialListener) | undefined;
  readonly receipts: readonly { readonly channel: string; readonly open: (onLine: (line: ReceiptLine) => void) => SerialListener }[];
}

/** What the gear feature needs. */
export interface GearParts {
  readonly ports: GearPorts;
  /** Resolves when the row is on the disk. */
  readonly note: (note: GearNote) => Promise<unknown>;
  /** A time that a satellite receiver told, ms since 1970. */
  readonly sighted: (at: number) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is known now. */
export interface GearView {
  readonly ups: UpsReading | undefined;
  readonly fix: GpsFix | undefined;
}
