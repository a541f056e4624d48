/** Something long-lived. `start` resolves when it works; `stop` resolves when nothing of it is left. Both may be called once. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Longest wait for `stop` before the runtime goes on without it. Default 3 000 ms. */
  readonly stopDeadlineMs?: number;
}
