/** What every driver shares with the agent: clock, log, login, and the errors that cross the border. Import it through port.ts. */

/** Facts come in from the agent structurally: drivers know no agent type. */
export interface DriverClock {
  now(): number;
  monotonicMs(): number;
  after(delayMs: number, act: () => void, background?: boolean): { cancel(): void };
}

/** The agent's log as far as drivers use it; secrets in `facts` are blanked at its sink. */
export interface DriverLog {
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** A login whose password is only taken out where it is used; the agent's Secret has this shape. */
export interface Login {
  readonly user: string;
  readonly password: { reveal(): string };
  /**
   * Whether a device may be told the password itself (HTTP and RTSP Basic, over TLS only): true only for a login that a person set for the very
   * address that is asked. Anybody in the network can offer himself for any other. Default: no.
   */
  readonly mayBasic?: boolean | undefined;
}

/** The stable words a driver fails with. `retryable` follows from the word, see RETRYABLE. */
export type DriverErrorCode =
  | 'camera.unreachable' // nothing answers at the address, or the connection broke
  | 'camera.timeout' // it answers, but not within the deadline
  | 'camera.unauthorized' // user or password refused
  | 'camera.locked_out' // we stopped trying so that the camera does not lock the account
  | 'camera.not_onvif' // it answers, but not with ONVIF
  | 'camera.bad_answer' // it answers with something that is broken or too large
  | 'camera.unsupported' // it does not have what was asked
  | 'camera.refused' // it has it, but refuses these values
  | 'stream.bad_uri' // the stream address is of another scheme or points to another host
  | 'stream.unsupported' // codec or transport we cannot pass on
  | 'stream.ended' // the camera ended a running stream
  | 'viewer.bad_offer' // the viewer's SDP cannot be answered
  | 'viewer.failed' // no connection to the viewer came about, or it broke
  | 'serial.unavailable' // no such port, in use, or not permitted
  | 'serial.timeout' // the device on the bus did not answer
  | 'host.unavailable' // the machine does not tell this fact
  | 'footage.none' // nothing is recorded there
  | 'footage.unreachable' // the folder of the recordings, or a part of it, cannot be read now
  | 'footage.broken' // a file that cannot be read as what it claims to be
  | 'footage.refused' // a path that leads out of its folder, or a box larger than any recorder writes
  | 'ffmpeg.unavailable' // ffmpeg is not installed or may not run
  | 'ffmpeg.failed' // ffmpeg ended with an error
  | 'ffmpeg.busy' // as many pictures are converted as this machine may
  | 'driver.aborted'; // the caller's signal fired

const RETRYABLE: ReadonlySet<DriverErrorCode> = new Set([
  'camera.unreachable',
  'camera.timeout',
  'camera.bad_answer',
  'stream.ended',
  'viewer.failed',
  'serial.unavailable',
  'serial.timeout',
  'ffmpeg.busy',
]);

/** What a driver throws, and nothing else. */
export class DriverError extends Error {
  readonly code: DriverErrorCode;
  readonly retryable: boolean;
  /** Facts for the log or the message (numbers, offered values); never secrets. */
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: DriverErrorCode, message: string, options: { cause?: unknown; detail?: Readonly<Record<string, unknown>> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DriverError';
    this.code = code;
    this.retryable = RETRYABLE.has(code);
    this.detail = options.detail ?? {};
  }
}

/** When `signal` fires the call rejects with driver.aborted. */
export interface CallOptions {
  readonly signal: AbortSignal;
}
