/** What an installer who holds a recorder may spend on aiming its cameras, in all. */
export const AIMING_LIMIT_MS = 60 * 60_000;
const UNIT_MS = 60_000;

/**
 * Counts the time that an installer spends on pictures. It is charged by the minute and in advance: what is written down is never less than what
 * was used, so that pulling the plug gains nothing.
 */
export class AimingMeter {
  #paidMs = 0;
  #lastMs: number;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /** Begins anew with another holder. */
  clear(): void {
    this.#paidMs = 0;
  }

  /** What is to be charged now (whole minutes, ms), when pictures have run since the last look (or not). */
  look(nowMs: number, isAiming: boolean): number {
    const goneMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (!isAiming) return 0;
    this.#paidMs -= goneMs;
    if (this.#paidMs > 0) return 0;
    const chargeMs = (Math.floor(-this.#paidMs / UNIT_MS) + 1) * UNIT_MS;
    this.#paidMs += chargeMs;
    return chargeMs;
  }

  /** What is left when so much has been charged in all: what is paid for and not used counts. */
  leftMs(chargedMs: number): number {
    return Math.max(0, AIMING_LIMIT_MS - chargedMs + this.#paidMs);
  }
}
