import { join } from 'node:path';
import { consentTextHash } from '../contract/consent-text.js';
import type { PermissionParts } from '../permissions/ports.js';
import { Permissions } from '../permissions/service.js';
import type { Base } from './base.js';
import { withOwnerFile } from './owner-file.js';
import { permissionStore } from './stores.js';

/** The one authorizer, with what it remembers loaded. `endSessions` ends what runs under such tickets before it returns. */
export async function openPermissions(base: Base, endSessions: PermissionParts['endSessions']): Promise<Permissions> {
  const { serial, keys, stores, operator, time, clock } = base;
  const store = withOwnerFile(permissionStore(stores.state), join(base.stateFolder, 'keys'), base.log.area('permissions'));
  const { publicJwk: deviceKey, kid: deviceKid } = keys.sign;
  const consentText = await consentTextHash();
  const { isTimeKnown } = time;
  const facts = { serial, deviceKey, deviceKid, operator, consentText, isTimeKnown };
  const permissions = new Permissions({ ...facts, store, endSessions, clock });
  await permissions.start();
  return permissions;
}
