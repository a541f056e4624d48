/** Serial gear: PTZ on shared buses, and the small things that hang on a port of their own. Import it through port.ts. */
import type { CallOptions } from './port-base.js';
import type { PtzDriver } from './port-ptz.js';

/** One port; 8 data bits and 1 stop bit always. `baudRate` in bits per second. */
export interface SerialPortSettings {
  /** Device path, e.g. /dev/ttyUSB0 or, better, /dev/serial/by-id/..., which stays the same when cables change places. */
  readonly path: string;
  readonly baudRate: number;
  readonly parity: 'none' | 'even' | 'odd';
  /** Who turns an RS-485 line from receiving to sending: the adapter by itself (default), or we by its RTS line. */
  readonly direction?: 'adapter' | 'rts' | undefined;
}

/** What PTZ gear speaks. `pelco-p` counts as its manuals do (camera 1 is 0 on the wire); `pelco-p-direct` sends the number as it is. */
export type SerialPtzProtocol = 'pelco-d' | 'pelco-p' | 'pelco-p-direct' | 'visca' | 'samsung-t' | 'hikvision';

/** What cannot be asked of the gear. */
export interface SerialPtzOptions {
  /**
   * VISCA: steps of the motors in one degree, as the manual has them (its pan range divided by its degrees). Without it only models whose number is
   * known (EVI-D30, -D70) can be sent to a place or asked for it.
   */
  readonly stepsPerDegree?: number | undefined;
}

/** Bytes that went over a port, as they mean. */
export interface SerialTraffic {
  /** Wall clock ms. */
  readonly atMs: number;
  readonly direction: 'in' | 'out';
  /** Lower case, without spaces; empty for text. Stars (2a) stand for the digits of long numbers, here and in text: one may be a card. */
  readonly hex: string;
  /** In words; empty when it is noise. */
  readonly meaning: string;
}

/** Whether a port is open now, and why not. */
export interface SerialPortState {
  readonly isOpen: boolean;
  /** Empty while it is open. */
  readonly reason: string;
}

/** One port with everything that hangs on it; its writes go out one after another. */
export interface SerialBus {
  /** A PTZ driver for one address on the bus. */
  ptz(protocol: SerialPtzProtocol, address: number, options?: SerialPtzOptions): PtzDriver;
  state(): SerialPortState;
  /** Tells what goes over the bus from now on; costs nothing while nobody listens. Returns the way to stop listening. */
  watch(onTraffic: (traffic: SerialTraffic) => void): () => void;
  close(): Promise<void>;
}

/** A camera that speaks VISCA over the network. */
export interface NetworkPtz {
  readonly ptz: PtzDriver;
  state(): SerialPortState;
  close(): Promise<void>;
}

/** Makes buses. */
export interface SerialBusFactory {
  /** Opens in the background and again after unplugging; a dead bus never throws from here. */
  open(settings: SerialPortSettings): SerialBus;
  /** VISCA over IP (UDP, default port 52381). `host` is an address. Asks every half minute whether the camera is there; `state` tells. */
  openNetwork(target: SerialPtzOptions & { readonly host: string; readonly port?: number | undefined }): NetworkPtz;
}

// ---------------------------------------------------------------- other gear

/** A port that is listened to. It opens by itself, and again after unplugging. */
export interface SerialListener {
  state(): SerialPortState;
  /** As that of a bus. */
  watch(onTraffic: (traffic: SerialTraffic) => void): () => void;
  close(): Promise<void>;
}

/** What an uninterruptible power supply tells (Megatec Q1). */
export interface UpsReading {
  readonly inputVolts: number;
  readonly outputVolts: number;
  /** 0..1 of what it can carry. */
  readonly load: number;
  readonly inputHertz: number;
  readonly batteryVolts: number;
  readonly celsius: number | undefined;
  readonly isOnBattery: boolean;
  readonly isBatteryLow: boolean;
  readonly hasFailed: boolean;
  readonly isTesting: boolean;
  readonly isShuttingDown: boolean;
}

/** An uninterruptible power supply. */
export interface UpsDriver extends SerialListener {
  /** `serial.unavailable`, `serial.timeout` when it does not answer (or not in this language). Deadline 2 s. */
  read(options: CallOptions): Promise<UpsReading>;
}

/** What a satellite receiver tells. */
export interface GpsFix {
  /** UTC, ms since 1970; undefined while it has no time. */
  readonly atMs: number | undefined;
  /** Degrees, north positive; undefined while it has no position. */
  readonly latitude: number | undefined;
  /** Degrees, east positive. */
  readonly longitude: number | undefined;
  readonly altitudeMetres: number | undefined;
  readonly satellites: number | undefined;
}

/** An event of an alarm panel in Contact-ID (SIA DC-05). */
export interface PanelAlarm {
  /** Four digits or letters B to F: the site's number at the panel. */
  readonly account: string;
  readonly kind: 'new' | 'restored' | 'still';
  /** Three digits, e.g. 130 burglary. */
  readonly event: string;
  /** In words. */
  readonly meaning: string;
  readonly partition: string;
  /** Zone or user. */
  readonly zone: string;
}

/** One printed line of a till. */
export interface ReceiptLine {
  /** Control sequences of the printer taken out; card numbers blanked but for their last four digits. */
  readonly text: string;
  /** The paper was cut behind it: the receipt ends here. */
  readonly isLast: boolean;
}

/** Small things on serial ports of their own. Nothing here throws; a dead port is in `state()`. */
export interface SerialGearFactory {
  ups(settings: SerialPortSettings): UpsDriver;
  /** Told about once a second, as the receiver does. */
  gps(settings: SerialPortSettings, onFix: (fix: GpsFix) => void): SerialListener;
  /**
   * `onAlarm` answers whether the alarm is kept for good. Only then is the panel's receiver answered: what it has no answer for it says again. A rejection is
   * the same as false.
   */
  alarms(settings: SerialPortSettings, onAlarm: (alarm: PanelAlarm) => Promise<boolean>): SerialListener;
  receipts(settings: SerialPortSettings, onLine: (line: ReceiptLine) => void): SerialListener;
}

// ---------------------------------------------------------------- tools for whoever installs

/** Gear as it may be set: what a scan tries. */
export interface SerialCandidate {
  readonly protocol: SerialPtzProtocol;
  readonly baudRate: number;
  readonly parity: 'none' | 'even' | 'odd';
  /** As the gear counts, from 1. */
  readonly address: number;
}

/** Gear that answered. */
export interface SerialFinding extends SerialCandidate {
  /** What it said of itself, in words. */
  readonly says: string;
}

/** What is asked of a scan; defaults: all protocols that answer, 9600, 2400, 4800, 19200 and 38400 baud, addresses 1 to 8. */
export interface SerialScanOptions extends CallOptions {
  readonly direction?: 'adapter' | 'rts' | undefined;
  readonly baudRates?: readonly number[] | undefined;
  readonly addresses?: readonly number[] | undefined;
  readonly protocols?: readonly SerialPtzProtocol[] | undefined;
  /** Told before each setting is tried. */
  readonly onTry?: ((words: string) => void) | undefined;
}

/** Looks at ports that the agent does not use. */
export interface SerialTools {
  /** Tells everything that comes in, as it means; both ends of a line can be watched by a third ear on it. */
  monitor(settings: SerialPortSettings, onTraffic: (traffic: SerialTraffic) => void): SerialListener;
  /** Gear that answers questions (VISCA, Pelco-D heads with extended replies), as it is found. Rejects with `serial.unavailable`. */
  scan(path: string, options: SerialScanOptions): AsyncIterable<SerialFinding>;
  /** Gear that may not answer: each has to be moved and looked at. Likeliest first. */
  candidates(options: SerialScanOptions): readonly SerialCandidate[];
  /** Moves one candidate to the right for half a second and stops it. */
  nudge(path: string, candidate: SerialCandidate, options: SerialScanOptions): Promise<void>;
}
