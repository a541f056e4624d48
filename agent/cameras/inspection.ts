import {
  type CallOptions,
  type CameraDriver,
  type CameraIdentity,
  type CameraStream,
  DriverError,
  type PtzDriver,
} from '../../drivers/port.js';

/** All that is read from a camera with its login, in one go. */
export interface Inspection {
  readonly identity: CameraIdentity;
  readonly streams: readonly CameraStream[];
  /** Stream address by profile token; a sub-stream whose address is unusable is missing. */
  readonly uris: ReadonlyMap<string, string>;
  readonly ptz: PtzDriver | undefined;
}

/** PTZ is an extra: a camera whose PTZ service is broken or closed to this user is still a camera. */
async function ptzIfAny(driver: CameraDriver, options: CallOptions): Promise<PtzDriver | undefined> {
  try {
    return await driver.ptz(options);
  } catch (error) {
    const isExtra =
      error instanceof DriverError && !['camera.unreachable', 'camera.timeout', 'driver.aborted', 'camera.locked_out'].includes(error.code);
    if (!isExtra) throw error;
    return undefined;
  }
}

/**
 * Identity, streams, their addresses and PTZ. Rejects with DriverError; `stream.bad_uri` only when the main stream's address is
 * unusable. One after the other: many cameras fall over when asked for several things at once.
 */
export async function inspectCamera(driver: CameraDriver, options: CallOptions): Promise<Inspection> {
  const identity = await driver.identify(options);
  const streams = await driver.streams(options);
  const uris = new Map<string, string>();
  for (const stream of streams) {
    try {
      uris.set(stream.profileToken, await driver.streamUri(stream.profileToken, options));
    } catch (error) {
      const mayBeMissing = stream.kind === 'sub' && error instanceof DriverError && error.code === 'stream.bad_uri';
      if (!mayBeMissing) throw error;
    }
  }
  return { identity, streams, uris, ptz: await ptzIfAny(driver, options) };
}
