import type { CallOptions, DriverClock, DriverLog } from '../port.js';
import type { Reached } from './address.js';
import type { Ask, ServiceName } from './services.js';

/** One HTTP exchange with the camera beside SOAP: a snapshot, an image to install. */
export interface LinkRequest {
  readonly method: 'GET' | 'POST';
  /** As the camera named it; only path and query are taken, host and port are the reached ones. */
  readonly uri: string;
  readonly contentType?: string;
  /** A body that cannot be sent twice is sent once: the login must be known from a call before. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Needed for an AsyncIterable. */
  readonly bodyBytes?: number;
  readonly maxAnswerBytes: number;
}

/** What came back, whole. */
export interface LinkAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** Content-Type without parameters, in lower case; may be empty. */
  readonly mediaType: string;
}

/** What one call of a public method is given for its round trips. */
export interface LinkCall {
  /** One operation, logged in, within the deadline of the call. */
  readonly ask: Ask;
  /** Fires with the deadline or the caller's signal; its reason is the DriverError to reject with. */
  readonly signal: AbortSignal;
}

/**
 * The connection to one camera as the modules of its services see it. The modules are made by `open*(link)` once services and
 * video source are known, and answer undefined when `has` says that the camera has no such service.
 */
export interface OnvifLink {
  readonly clock: DriverClock;
  readonly log: DriverLog;
  readonly reached: Reached;
  /** Video source this connection shows; empty when the camera names none. */
  readonly sourceToken: string;
  /** Profile of its main stream; empty when it has none. */
  readonly profileToken: string;
  /** Camera's clock minus ours in ms, as last asked. */
  offsetMs(): number;
  /** Whether the camera told its time, and judges tokens by the time it tells. */
  isClockKnown(): boolean;
  has(service: ServiceName): boolean;
  /** One public call: `deadlineMs` (default 10 s) over everything inside. Rejects with DriverError only. */
  run<T>(options: CallOptions, work: (call: LinkCall) => Promise<T>, deadlineMs?: number): Promise<T>;
  /** One HTTP exchange with the login, redirects not followed. Any status resolves but 401, which is `camera.unauthorized`. */
  fetch(request: LinkRequest, signal: AbortSignal): Promise<LinkAnswer>;
}
