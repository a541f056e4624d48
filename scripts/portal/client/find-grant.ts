import type { Scope } from '../../../agent/contract/shapes.js';
import type { GrantState } from '../../../agent/contract/views.js';

/** The grant in force for a scope, and for a camera unless `cam` is null; the one that lasts longest. `now` by the recorder's clock. */
export function findGrant<G extends GrantState>(grants: readonly G[], scope: Scope, cam: string | null, now: number): G | undefined {
  let best: G | undefined;
  for (const grant of grants) {
    const isFor = cam === null || grant.cams === null || grant.cams.includes(cam);
    if (grant.state !== 'in-force' || grant.exp <= now || !grant.scopes.includes(scope) || !isFor) continue;
    if (best === undefined || grant.exp > best.exp) best = grant;
  }
  return best;
}
