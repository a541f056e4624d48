import type { DriverClock, DriverLog } from '../port.js';
import type { RtspUri } from './uri.js';

/** More addresses than any site has cameras; what comes beyond is not known. */
const MOST_KNOWN = 1_024;

/**
 * Certificates of rtsps cameras, by SHA-256 fingerprint, for as long as the agent runs. Cameras sign their own, so there is no authority to ask: the one
 * seen first at an address is the one expected there from then on.
 */
export class Certificates {
  readonly #known = new Map<string, string>();

  /** Whether it is the certificate expected at this address; another one never takes its place. */
  isExpected({ host, port }: RtspUri, fingerprint: string, log: DriverLog): boolean {
    const key = `${host} ${port}`;
    const before = this.#known.get(key);
    if (before === undefined) {
      if (fingerprint === '' || this.#known.size >= MOST_KNOWN) return false;
      this.#known.set(key, fingerprint);
      return true;
    }
    if (before !== fingerprint) log.warn('the camera shows another certificate', { host, before, fingerprint });
    return before === fingerprint;
  }
}

const byClock = new WeakMap<DriverClock, Certificates>();

/** Live pictures and replay are separate clients of one agent; its clock is what they share, and with it what they know of certificates. */
export function certificatesOf(clock: DriverClock): Certificates {
  const known = byClock.get(clock) ?? new Certificates();
  byClock.set(clock, known);
  return known;
}
