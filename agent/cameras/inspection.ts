import {
  type CallOptions,
  type CameraCapabilities,
  type CameraDriver,
  type CameraIdentity,
  type CameraSource,
  type CameraStream,
  DriverError,
  type EventSource,
  type PtzDriver,
} from '../../drivers/port.js';
import { anotherDevice } from './reasons.js';

/** All that is read from a camera with its login, in one go. */
export interface Inspection {
  readonly identity: CameraIdentity;
  readonly streams: readonly CameraStream[];
  /** Stream address by profile token; a sub-stream whose address is unusable is missing. */
  readonly uris: ReadonlyMap<string, string>;
  readonly ptz: PtzDriver | undefined;
  readonly events: EventSource | undefined;
  /** Every video source of the device; empty when the driver does not tell. */
  readonly sources: readonly CameraSource[];
}

/** After these nothing else will be answered either. */
const ENDS_ALL: ReadonlySet<string> = new Set(['camera.unreachable', 'camera.timeout', 'driver.aborted', 'camera.locked_out']);

/** What a camera has beyond streams is an extra: one whose PTZ or event service is broken or closed to this user is still a camera. */
async function ifAny<T>(work: () => Promise<T | undefined> | undefined): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DriverError) || ENDS_ALL.has(error.code)) throw error;
    return undefined;
  }
}

async function extras(driver: CameraDriver, options: CallOptions): Promise<Pick<Inspection, 'ptz' | 'events'>> {
  const has = await ifAny<CameraCapabilities>(() => driver.capabilities?.(options));
  if (has !== undefined) return { ptz: has.ptz, events: has.events };
  return { ptz: await ifAny(() => driver.ptz(options)), events: undefined };
}

/** The video source that an event means by this token: its own, or that of one of its configurations. */
export function sourceMeant(seen: Inspection | undefined, token: string): string | undefined {
  return seen?.sources.find((source) => source.token === token || source.configurations?.includes(token) === true)?.token;
}

/** Which camera is expected, and which of its sources. */
export interface Expected {
  /** Video source token; undefined: the only one. */
  readonly source: string | undefined;
  /** Serial number as last seen; empty when it never told one. */
  readonly serial: string;
  readonly host: string;
}

/** Serial numbers are compared as people would; a camera that tells none cannot be told from another. */
export function isAnother(known: string, seen: string): boolean {
  const [before, now] = [known.trim().toLowerCase(), seen.trim().toLowerCase()];
  return before !== '' && now !== '' && before !== now;
}

/**
 * Identity, streams, their addresses and extras of one video source. Rejects with DriverError, `stream.bad_uri` only when the main stream's
 * address is unusable; with AgentError `cameras.another_device` when it is not the one that was expected, before anything else is asked. One after
 * the other: many cameras fall over when asked for several things at once.
 */
export async function inspectCamera(driver: CameraDriver, expected: Expected, options: CallOptions): Promise<Inspection> {
  const identity = await driver.identify(options);
  if (isAnother(expected.serial, identity.serial)) throw anotherDevice(expected.host, { known: expected.serial, seen: identity.serial });
  const sources = (await driver.sources?.(options)) ?? [];
  const own = sources.find(({ token }) => token === expected.source) ?? sources[0];
  const streams = own?.streams ?? (await driver.streams(options));
  const uris = new Map<string, string>();
  for (const stream of streams) {
    try {
      uris.set(stream.profileToken, await driver.streamUri(stream.profileToken, options));
    } catch (error) {
      const mayBeMissing = stream.kind === 'sub' && error instanceof DriverError && error.code === 'stream.bad_uri';
      if (!mayBeMissing) throw error;
    }
  }
  return { identity, streams, uris, sources, ...(await extras(driver, options)) };
}
