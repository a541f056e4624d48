import type { PermissionState } from '../contract/stored.js';

/** A recorder that nobody owns yet. */
export const NO_PERMISSIONS: PermissionState = {
  v: 1,
  owner: null,
  epoch: 1,
  grants: [],
  applications: [],
  declined: [],
  withdrawnAhead: [],
  usedDelegations: [],
  cancelled: [],
  erasureDue: false,
};
