import type { CameraTiming } from './ports.js';

const DEFAULTS: CameraTiming = {
  probeMs: 30_000,
  retryMs: 5_000,
  inspectMs: 5 * 60_000,
  discoverWithoutCameraMs: 5 * 60_000,
  discoverMs: 15 * 60_000,
  listenMs: 3_000,
  missedMs: 15_000,
  eventsRetryMs: 30_000,
};

/** The registry's times with what the caller set instead. */
export function cameraTiming(chosen: Partial<CameraTiming> | undefined): CameraTiming {
  return { ...DEFAULTS, ...chosen };
}
