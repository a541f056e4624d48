import type { GpsFix, PanelAlarm, ReceiptLine, SerialListener, UpsDriver, UpsReading } from '../../drivers/port.js';
import type { Timer } from '../kernel/clock.js';
import type { Service } from '../kernel/service.js';
import type { GearNote, GearParts, GearView } from './ports.js';
import { type Power, powerChanges } from './power-transitions.js';

const ASK_UPS_MS = 15_000;
/** One lost answer is no news. */
const SILENT_AFTER = 3;
/** A till that does not cut its paper: after so much silence the receipt is over. */
const RECEIPT_PAUSE_MS = 5_000;
const MOST_LINES = 60;
/** A panel or a till gone mad must not fill the log: so many rows in a minute, the rest is counted. */
const MOST_NOTES = 60;
const MINUTE_MS = 60_000;

/** Small serial gear: power, satellite time, alarm lines and receipts, each written where it belongs. Nothing here stops the agent. */
export class GearService implements Service {
  readonly name = 'gear';
  readonly #parts: GearParts;
  readonly #listeners: SerialListener[] = [];
  readonly #receipts = new Map<string, { lines: string[]; timer: Timer }>();
  readonly #life = new AbortController();
  #asking: Timer | undefined;
  #ups: UpsDriver | undefined;
  #power: Power;
  #misses = 0;
  #fix: GpsFix | undefined;
  #minuteBegan = Number.NEGATIVE_INFINITY;
  #notes = 0;
  #dropped = 0;

  constructor(parts: GearParts) {
    this.#parts = parts;
  }

  /** Opens in the background: gear that is not there costs nothing but a line in the log. */
  async start(): Promise<void> {
    const { ports, clock } = this.#parts;
    this.#ups = ports.ups?.();
    if (this.#ups !== undefined) {
      this.#listeners.push(this.#ups);
      this.#asking = clock.every(ASK_UPS_MS, () => void this.#askUps());
    }
    if (ports.gps !== undefined) this.#listeners.push(ports.gps((fix) => this.#located(fix)));
    if (ports.alarms !== undefined) this.#listeners.push(ports.alarms((alarm) => this.#alarmed(alarm)));
    for (const { channel, open } of ports.receipts) this.#listeners.push(open((line) => this.#printed(channel, line)));
  }

  async stop(): Promise<void> {
    this.#life.abort();
    this.#asking?.cancel();
    for (const channel of [...this.#receipts.keys()]) this.#endReceipt(channel);
    await Promise.all(this.#listeners.map((one) => one.close()));
  }

  /** What is known now. */
  view(): GearView {
    return { ups: this.#power === 'silent' ? undefined : this.#power, fix: this.#fix };
  }

  async #askUps(): Promise<void> {
    const reading = await this.#ups?.read({ signal: this.#life.signal }).catch(() => undefined);
    if (this.#life.signal.aborted) return;
    this.#misses = reading === undefined ? this.#misses + 1 : 0;
    if (reading !== undefined) this.#powered(reading);
    else if (this.#misses >= SILENT_AFTER) this.#powered('silent');
  }

  #powered(now: UpsReading | 'silent'): void {
    const changes = powerChanges(this.#power, now);
    if (now !== 'silent' || this.#power !== undefined) this.#power = now;
    const detail = now === 'silent' ? {} : { batteryVolts: now.batteryVolts, load: now.load };
    for (const change of changes) this.#note({ action: 'gear.power', object: change, detail });
  }

  #located(fix: GpsFix): void {
    this.#fix = fix;
    if (fix.atMs !== undefined) this.#parts.sighted(fix.atMs);
  }

  #alarmed({ account, kind, event, meaning, partition, zone }: PanelAlarm): void {
    this.#note({ action: 'gear.alarm', object: `${event}-${kind}`, detail: { account, event, meaning, partition, zone } });
  }

  #printed(channel: string, { text, isLast }: ReceiptLine): void {
    const open = this.#receipts.get(channel);
    open?.timer.cancel();
    const lines = [...(open?.lines ?? []), ...(text === '' ? [] : [text])];
    const timer = this.#parts.clock.after(RECEIPT_PAUSE_MS, () => this.#endReceipt(channel), true);
    this.#receipts.set(channel, { lines, timer });
    if (isLast || lines.length >= MOST_LINES) this.#endReceipt(channel);
  }

  #endReceipt(channel: string): void {
    const receipt = this.#receipts.get(channel);
    this.#receipts.delete(channel);
    receipt?.timer.cancel();
    if (receipt === undefined || receipt.lines.length === 0) return;
    this.#note({ action: 'gear.receipt', channel, detail: { lines: receipt.lines } });
  }

  #note(note: GearNote): void {
    const { clock, log } = this.#parts;
    if (clock.monotonicMs() - this.#minuteBegan >= MINUTE_MS) {
      if (this.#dropped > 0) log.warn('serial gear told more than the operation log takes', { dropped: this.#dropped });
      this.#minuteBegan = clock.monotonicMs();
      this.#notes = 0;
      this.#dropped = 0;
    }
    this.#notes += 1;
    if (this.#notes > MOST_NOTES) {
      this.#dropped += 1;
      return;
    }
    this.#parts
      .note(note)
      .catch((error: unknown) => log.error('what serial gear told could not be written to the operation log', { error }));
  }
}
