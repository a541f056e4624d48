/**
 * What the health feature says and what it asks for. Everything said is plain JSON: numbers, texts, null for "not known", arrays.
 * Instants (`...At`) are milliseconds since 1970 UTC, sizes bytes, ratios 0..1.
 */
import type { HostInventory } from '../../drivers/port.js';

/** How bad a fact is. The order matters: ok < warn < crit. */
export type Level = 'ok' | 'warn' | 'crit';

/** One fact per name, one file per fact in checks/. */
export type FactName = 'cpu' | 'memory' | 'disk' | 'temperature' | 'camera-up' | 'camera-alarm' | 'power';

/** Port: what the cameras feature knows about each channel. Asked once per sample; must answer at once and from memory. */
export type CamerasUp = () => readonly CameraUp[];

/**
 * Port: how the power is, from memory. Undefined: the site has no supply that tells; `unheard`: not since the start; `silent`: it does not answer.
 */
export type PowerNow = () => PowerFact | 'unheard' | 'silent' | undefined;

/** What an uninterruptible power supply tells. */
export interface PowerFact {
  readonly isOnBattery: boolean;
  readonly isBatteryLow: boolean;
  readonly hasFailed: boolean;
  readonly batteryVolts: number;
  /** 0..1 of what it can carry. */
  readonly load: number;
}

/** One channel and whether it answers. */
export interface CameraUp {
  /** Channel id. */
  readonly id: string;
  /** Name the owner gave. */
  readonly name: string;
  readonly isUp: boolean;
  /** Last time the camera answered; null when it never did. */
  readonly lastSeenAt: number | null;
  /** What it complains of itself now; missing where nobody listens to it. */
  readonly alarms?: readonly CameraComplaint[] | undefined;
}

/** Complaints of a camera about itself. */
export type CameraComplaint = 'video-loss' | 'tamper' | 'hardware-failure';

/** Port: keeps samples over a restart. `load` may give anything: each row is checked before it is believed. */
export interface HealthStore {
  append(sample: HealthSample): Promise<void>;
  /** Rows taken at or after `sinceAt`, in any order. */
  load(sinceAt: number): Promise<readonly unknown[]>;
}

/** Port, optional: keeps which alerts were announced, so that a restart neither repeats nor forgets one. */
export interface AlertStore {
  load(): Promise<unknown>;
  save(memory: AlertMemory): Promise<void>;
}

/** Announced alerts by key, as they are kept over a restart. */
export interface AlertMemory {
  readonly version: 1;
  readonly alerts: readonly RememberedAlert[];
}

/** One announced alert; `holdMs` is how long it must be better before that is told. */
export interface RememberedAlert {
  readonly key: string;
  readonly fact: FactName;
  readonly object: string;
  readonly name: string;
  readonly level: Level;
  readonly firedAt: number;
  readonly holdMs: number;
}

/** One row of history, taken once per period. */
export interface HealthSample {
  readonly at: number;
  /** Share of all cores busy since the sample before; null in the first one. */
  readonly cpu: number | null;
  /** Share of memory that is not available. */
  readonly memory: number | null;
  readonly memoryAvailableBytes: number | null;
  /** Share of the system volume in use. */
  readonly disk: number | null;
  readonly diskFreeBytes: number | null;
  readonly temperatureCelsius: number | null;
  readonly rssBytes: number | null;
  readonly uptimeS: number | null;
  readonly camerasUp: number;
  readonly camerasTotal: number;
}

/** History as columns of equal length, oldest first. A stretch without samples is one row of nulls, so that a chart breaks its line. */
export interface HealthColumns {
  /** Distance of two samples in ms. */
  readonly periodMs: number;
  readonly at: readonly number[];
  readonly cpu: readonly (number | null)[];
  readonly memory: readonly (number | null)[];
  readonly disk: readonly (number | null)[];
  readonly temperatureCelsius: readonly (number | null)[];
  readonly rssBytes: readonly (number | null)[];
  readonly camerasUp: readonly (number | null)[];
  readonly camerasTotal: readonly (number | null)[];
}

/** A fact as it is now. `unavailable` means: this recorder does not tell. */
export interface FactNow {
  readonly fact: FactName;
  /** Channel id for camera-up and camera-alarm, else empty. */
  readonly object: string;
  readonly state: Level | 'unavailable';
  /** What is measured, in a person's words. */
  readonly sentence: string;
}

/** `pending` is not told yet, `recovering` is better but not told yet. */
export type AlertPhase = 'ok' | 'pending' | 'firing' | 'recovering';

/** An alert that is not in phase ok. */
export interface AlertNow {
  /** rule + object, e.g. `disk` or `camera-up:ch-2`. */
  readonly key: string;
  readonly fact: FactName;
  readonly object: string;
  readonly phase: AlertPhase;
  /** Level that was announced; ok while pending. */
  readonly level: Level;
  /** When it was announced first; null while pending. */
  readonly firedAt: number | null;
  readonly sentence: string;
}

/** One announced change; sent once. */
export interface AlertNotice {
  /** The same for the same transition, however often it is delivered. */
  readonly id: string;
  readonly key: string;
  readonly fact: FactName;
  readonly object: string;
  /** Camera name, or the recorder's word for the fact. */
  readonly name: string;
  readonly from: Level;
  readonly to: Level;
  /** `withdrawn`: what it was about is not part of this recorder any more. */
  readonly kind: 'fired' | 'worse' | 'better' | 'recovered' | 'withdrawn';
  readonly at: number;
  readonly firedAt: number;
  readonly sentence: string;
}

/** One line for the owner. */
export interface Verdict {
  readonly level: 'ok' | 'attention' | 'act';
  readonly sentence: string;
}

/** One channel with the level of its last finding. */
export interface CameraNow extends CameraUp {
  readonly level: Level;
}

/** Everything about now. */
export interface HealthNow {
  /** Of the newest sample; null before the first one. */
  readonly at: number | null;
  readonly verdict: Verdict;
  readonly sample: HealthSample | null;
  readonly facts: readonly FactNow[];
  readonly cameras: readonly CameraNow[];
  readonly alerts: readonly AlertNow[];
  /** Null until `inventory()` was asked for once. */
  readonly recorder: HostInventory | null;
}

/** What the rest of the agent sees; sampler.ts implements it. */
export interface Health {
  now(): HealthNow;
  history(fromAt: number): HealthColumns;
  /** Static facts of the machine, asked once per start. Rejects with DriverError `host.unavailable`. */
  inventory(): Promise<HostInventory>;
  /** Returns the function that ends the subscription. A listener that throws is logged and kept. */
  onAlert(listener: (notice: AlertNotice) => void): () => void;
  onSample(listener: (sample: HealthSample) => void): () => void;
}
