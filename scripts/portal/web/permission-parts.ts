import { LEASE_SCOPES, SCOPES, type Scope } from '../../../agent/contract/shapes.js';
import { listOf } from './format.js';
import { cameraNameOf, type Named } from './names.js';
import { t } from './words.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Durations an owner can choose for pictures and movement: short leases, so that a hidden withdrawal gains little. */
export const LEASE_DURATIONS: readonly number[] = [10 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 7 * DAY];
/** For everything else also these. */
export const LONG_DURATIONS: readonly number[] = [...LEASE_DURATIONS, 30 * DAY, 90 * DAY];

/** Whether a scope belongs to pictures and movement. */
export const isLease = (scope: Scope): boolean => LEASE_SCOPES.has(scope);

/** The offered duration nearest to what was asked for. */
export function nearestDuration(durations: readonly number[], askedMs: number): number {
  let best = durations[0] ?? askedMs;
  for (const offered of durations) if (Math.abs(offered - askedMs) < Math.abs(best - askedMs)) best = offered;
  return best;
}

/** What the owner ticked, and how long each of the two parts is to last, ms. */
export interface Choice {
  readonly scopes: ReadonlySet<Scope>;
  readonly pictureMs: number;
  readonly otherMs: number;
}

/** What the owner chose as the fewest grants: one when both parts last equally long, otherwise one for each part. */
export function grantsOf(choice: Choice): { scopes: Scope[]; durationMs: number }[] {
  const chosen = SCOPES.filter((scope) => choice.scopes.has(scope));
  const pictures = chosen.filter(isLease);
  const others = chosen.filter((scope) => !isLease(scope));
  if (pictures.length > 0 && others.length > 0 && choice.pictureMs === choice.otherMs) {
    return [{ scopes: chosen, durationMs: choice.pictureMs }];
  }
  return [
    { scopes: others, durationMs: choice.otherMs },
    { scopes: pictures, durationMs: choice.pictureMs },
  ].filter((grant) => grant.scopes.length > 0);
}

/** What a grant allows, in words after "may": `watch Front door and move cameras (Front door)`. */
export function describeScopes(scopes: readonly Scope[], cams: readonly string[] | null, cameras: readonly Named[]): string {
  const names = cams === null ? null : listOf(cams.map((id) => cameraNameOf(cameras, id)));
  const parts = SCOPES.filter((scope) => scopes.includes(scope)).map((scope) => {
    if (scope === 'live-view') return t.watchCamera(names ?? allCameras(cameras));
    return names !== null && isLease(scope) ? t.onCameras(t.scopeDo[scope], names) : t.scopeDo[scope];
  });
  return listOf(parts);
}

function allCameras(cameras: readonly Named[]): string {
  return cameras.length === 1 && cameras[0] !== undefined ? cameras[0].name : t.permAllCameras.toLowerCase();
}
