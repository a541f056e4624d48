/** Every hook of firmware-hooks/PROTOCOL.md and how long it may take, in ms. A hook that is not listed here is never run. */
export const HOOK_LIMITS_MS = {
  capabilities: 5_000,
  identity: 5_000,
  'keystore-sign': 10_000,
  boot: 10_000,
  'network-apply': 30_000,
  'network-confirm': 5_000,
  'network-rollback': 30_000,
  'time-set': 10_000,
  'time-status': 10_000,
  reboot: 10_000,
  'factory-reset': 60_000,
  'firmware-verify': 60_000,
  'firmware-install': 1_800_000,
  'firmware-confirm': 10_000,
  'firmware-rollback': 60_000,
  indicator: 2_000,
  'storage-health': 30_000,
  watchdog: 2_000,
} as const satisfies Readonly<Record<string, number>>;

/** The name of a hook the protocol knows. */
export type HookName = keyof typeof HOOK_LIMITS_MS;
