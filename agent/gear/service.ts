import type { GpsFix, PanelAlarm, SerialListener, SerialTraffic, UpsDriver, UpsReading } from '../../drivers/port.js';
import type { Timer } from '../kernel/clock.js';
import type { Service } from '../kernel/service.js';
import { NoteWriter } from './note-writer.js';
import type { GearParts, GearView, PowerView } from './ports.js';
import { type Power, powerChanges } from './power-transitions.js';
import { Receipts } from './receipts.js';
import { alarmWords, fixWords, powerWords, receiptWords } from './words.js';

/** Supplies are used to be asked every two seconds. */
const ASK_UPS_MS = 5_000;
/** On battery every minute counts, and so do the first answer after a start and the one that did not come. */
const ASK_UPS_SOON_MS = 2_000;
/** One lost answer is no news. */
const SILENT_AFTER = 3;
/** Receivers tell about once a second: after so much silence there is no fix any more. */
const FIX_LASTS_MS = 10_000;

interface Fix {
  readonly fix: GpsFix;
  readonly apartMs: number | undefined;
  readonly heardMs: number;
}

/** Opened gear with what it told. */
interface Opened {
  readonly kind: GearView['kind'];
  readonly path: string;
  readonly channel: string | null;
  readonly listener: SerialListener;
  readonly say: () => string;
  readonly heardAt: () => number | null;
}

/** Small serial gear: power, satellite time, alarm lines and receipts, each written where it belongs. Nothing here stops the agent. */
export class GearService implements Service {
  readonly name = 'gear';
  readonly #parts: GearParts;
  readonly #opened: Opened[] = [];
  readonly #receipts: Receipts[] = [];
  readonly #life = new AbortController();
  #asking: Timer | undefined;
  #power: Power;
  #misses = 0;
  #fix: Fix | undefined;
  #alarm: PanelAlarm | undefined;

  constructor(parts: GearParts) {
    this.#parts = parts;
  }

  /** Opens in the background: gear that is not there costs nothing but a line in the log. */
  async start(): Promise<void> {
    this.#openUps();
    this.#openGps();
    this.#openAlarms();
    for (const { path, channel, open } of this.#parts.ports.receipts) this.#openReceipts(path, channel, open);
  }

  async stop(): Promise<void> {
    this.#life.abort();
    this.#asking?.cancel();
    for (const receipts of this.#receipts) receipts.end();
    await Promise.all(this.#opened.map(({ listener }) => listener.close()));
  }

  /** Everything as it is now. */
  view(): readonly GearView[] {
    return this.#opened.map(({ kind, path, channel, listener, say, heardAt }) => {
      const { isOpen, reason } = listener.state();
      return { kind, path, channel, isOpen, say: isOpen ? say() : reason, heardAt: heardAt() };
    });
  }

  /** How the power is. */
  power(): PowerView {
    if (this.#parts.ports.ups === undefined) return undefined;
    return this.#power ?? (this.#misses >= SILENT_AFTER ? 'silent' : 'unheard');
  }

  /** Tells what goes over a port of gear; undefined for a path that is none. */
  watch(path: string, onTraffic: (traffic: SerialTraffic) => void): (() => void) | undefined {
    return this.#opened.find((one) => one.path === path)?.listener.watch(onTraffic);
  }

  /** `open` gets what marks the gear as heard. */
  #open<T extends SerialListener>(
    what: Pick<Opened, 'kind' | 'path' | 'say'> & { readonly channel?: string },
    open: (heard: () => void) => T,
  ): T {
    const { kind, path, say, channel = null } = what;
    let heardAt: number | null = null;
    const listener = open(() => {
      heardAt = this.#parts.clock.now();
    });
    this.#opened.push({ kind, path, channel, listener, say, heardAt: () => heardAt });
    return listener;
  }

  #openUps(): void {
    const { ups } = this.#parts.ports;
    if (ups === undefined) return;
    const writer = new NoteWriter(this.#parts, ups.path);
    let heard = (): void => undefined;
    const say = (): string => powerWords(this.power() ?? 'unheard');
    const driver = this.#open({ kind: 'ups', path: ups.path, say }, (mark) => {
      heard = mark;
      return ups.open();
    });
    const ask = (): void => {
      void this.#askUps(driver, writer, heard).then(later);
    };
    const later = (): void => {
      if (this.#life.signal.aborted) return;
      this.#asking = this.#parts.clock.after(this.#isUrgent() ? ASK_UPS_SOON_MS : ASK_UPS_MS, ask, true);
    };
    later();
  }

  /** Not heard yet, not heard just now, or on battery. */
  #isUrgent(): boolean {
    const power = this.#power;
    if (this.#misses > 0 || power === undefined) return this.#misses < SILENT_AFTER;
    return power !== 'silent' && power.isOnBattery;
  }

  async #askUps(driver: UpsDriver, writer: NoteWriter, heard: () => void): Promise<void> {
    const reading = await driver.read({ signal: this.#life.signal }).catch(() => undefined);
    if (this.#life.signal.aborted) return;
    const before = this.power();
    this.#misses = reading === undefined ? this.#misses + 1 : 0;
    if (reading !== undefined) heard();
    if (reading !== undefined) this.#powered(reading, writer);
    else if (this.#misses >= SILENT_AFTER) this.#powered('silent', writer);
    if (isNews(before, this.power())) this.#parts.onPower();
  }

  #powered(now: UpsReading | 'silent', writer: NoteWriter): void {
    const changes = powerChanges(this.#power, now);
    if (now !== 'silent' || this.#power !== undefined) this.#power = now;
    const detail = now === 'silent' ? {} : { batteryVolts: now.batteryVolts, load: now.load };
    for (const change of changes) void writer.note({ action: 'gear.power', object: change, detail });
  }

  #openGps(): void {
    const { gps } = this.#parts.ports;
    if (gps === undefined) return;
    const { clock, sighted } = this.#parts;
    const say = (): string => {
      const isFresh = this.#fix !== undefined && clock.monotonicMs() - this.#fix.heardMs < FIX_LASTS_MS;
      return isFresh ? fixWords(this.#fix?.fix, this.#fix?.apartMs) : fixWords(undefined, undefined);
    };
    this.#open({ kind: 'gps', path: gps.path, say }, (heard) =>
      gps.open((fix) => {
        heard();
        const apartMs = fix.atMs === undefined ? undefined : Math.round(clock.now() - fix.atMs);
        this.#fix = { fix, apartMs, heardMs: clock.monotonicMs() };
        if (fix.atMs !== undefined) sighted(fix.atMs);
      }),
    );
  }

  #openAlarms(): void {
    const { alarms } = this.#parts.ports;
    if (alarms === undefined) return;
    const writer = new NoteWriter(this.#parts, alarms.path);
    this.#open({ kind: 'alarms', path: alarms.path, say: () => alarmWords(this.#alarm) }, (heard) =>
      alarms.open((alarm) => {
        heard();
        this.#alarm = alarm;
        const { account, kind, event, meaning, partition, zone } = alarm;
        return writer.note({ action: 'gear.alarm', object: `${event}-${kind}`, detail: { account, event, meaning, partition, zone } });
      }),
    );
  }

  #openReceipts(path: string, channel: string, open: GearParts['ports']['receipts'][number]['open']): void {
    const writer = new NoteWriter(this.#parts, path);
    const receipts = new Receipts(this.#parts.clock, (lines) => void writer.note({ action: 'gear.receipt', channel, detail: { lines } }));
    this.#receipts.push(receipts);
    this.#open({ kind: 'receipts', path, channel, say: () => receiptWords(receipts.count) }, (heard) =>
      open((line) => {
        heard();
        receipts.take(line);
      }),
    );
  }
}

/** Whether health should look at once. Volts and load are no news. */
function isNews(before: PowerView, now: PowerView): boolean {
  const key = (power: PowerView): string =>
    typeof power === 'object' ? [power.isOnBattery, power.isBatteryLow, power.hasFailed].join() : String(power);
  return key(before) !== key(now);
}
