/** How sure it is that somebody else connects with this recorder's identity: the broker said so, or connections end as if it were so. */
export type Takeover = 'told' | 'suspected';

/** How one connection, or the attempt to make one, ended. */
export interface ConnectionEnd {
  /** How long it was in use; undefined when it never came that far. */
  readonly onlineMs: number | undefined;
  /** Reason of the broker's DISCONNECT (MQTT 5); undefined without one. */
  readonly reason: number | undefined;
  /** The broker closed it and said nothing: no DISCONNECT, no error, and it was not us. */
  readonly isSilent: boolean;
}

/** What to do about it. */
export interface TakeoverVerdict {
  /** Raise the alarm now. */
  readonly alarm: Takeover | undefined;
  /** Wait at least this long before the next connection. */
  readonly waitMs: number;
}

/** Two recorders with one identity would throw each other out for ever: whoever was thrown out stays away for a while. */
export const TAKEOVER_WAIT_MS = 60_000;
/** One alarm in this time is enough. */
export const ALARM_PERIOD_MS = 15 * 60_000;
/** MQTT 5 section 3.14.2.1, session taken over. */
const SESSION_TAKEN_OVER = 0x8e;
/** So many short connections, one right after the other, that end without a word … */
const SILENT_ENDS = 3;
/** … and are this short, are no accident. */
const SHORT_MS = 10 * 60_000;

/**
 * Tells a clone from a bad line. MQTT 5 has a reason for it, 0x8E. MQTT 3.1.1 has none and mosquitto before 2.0.15 does not give it: there it
 * cannot be told, only suspected, when connection after connection is taken by the broker, is closed by it soon and without a word, and the
 * next one is taken at once. Pure.
 */
export class TakeoverWatch {
  #silentEnds = 0;
  #alarmedAt: number | undefined;

  /** `nowMs`: monotonic. */
  ended(end: ConnectionEnd, nowMs: number): TakeoverVerdict {
    const takeover = this.#judge(end);
    if (takeover === undefined) return { alarm: undefined, waitMs: 0 };
    const isQuiet = this.#alarmedAt === undefined || nowMs - this.#alarmedAt >= ALARM_PERIOD_MS;
    if (isQuiet) this.#alarmedAt = nowMs;
    return { alarm: isQuiet ? takeover : undefined, waitMs: TAKEOVER_WAIT_MS };
  }

  #judge({ onlineMs, reason, isSilent }: ConnectionEnd): Takeover | undefined {
    const isLikeIt = isSilent && onlineMs !== undefined && onlineMs < SHORT_MS;
    this.#silentEnds = isLikeIt ? this.#silentEnds + 1 : 0;
    if (reason === SESSION_TAKEN_OVER) return 'told';
    return this.#silentEnds >= SILENT_ENDS ? 'suspected' : undefined;
  }
}
