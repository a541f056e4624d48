import * as assert from 'uvu/assert';
import type { Clock } from '../../agent/kernel/clock.js';
import { Secret } from '../../agent/kernel/secret.js';
import { createOnvifConnector } from '../../drivers/onvif/connector.js';
import { type CameraConnector, type CameraDriver, DriverError, type DriverErrorCode, type Login } from '../../drivers/port.js';
import { fastClock } from './fast-clock.js';

export const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined };
export const login = (user = 'admin', password = 'right'): Login => ({ user, password: new Secret(password) });

/** The same, set by a person for the very address that is asked. */
export const ownLogin = (user = 'admin', password = 'right'): Login => ({ ...login(user, password), mayBasic: true });
/** Call options that nobody aborts. */
export const patient = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });

/** A connector on the machine's clock, or on a faster one for deadlines. */
export const connector = (clock: Clock = fastClock(1)): CameraConnector => createOnvifConnector({ clock, log: QUIET });

/** Runs `work` with a driver and closes it whatever happens. */
export async function withDriver<T>(
  deviceUri: string,
  who: Login | undefined,
  work: (driver: CameraDriver) => Promise<T>,
  clock?: Clock,
): Promise<T> {
  const driver = connector(clock).connect({ deviceUri, login: who });
  try {
    return await work(driver);
  } finally {
    driver.close();
  }
}

/** Asserts that `work` rejects with that DriverError and hands it out. */
export async function rejection(work: Promise<unknown>, code: DriverErrorCode): Promise<DriverError> {
  let thrown: unknown;
  try {
    await work;
  } catch (error) {
    thrown = error;
  }
  assert.instance(thrown, DriverError, `expected ${code}, nothing or something else was thrown: ${String(thrown)}`);
  assert.is((thrown as DriverError).code, code, String(thrown));
  return thrown as DriverError;
}
