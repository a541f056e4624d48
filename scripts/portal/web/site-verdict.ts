import type { HealthInfo, SiteInfo } from '../../../agent/contract/views.js';
import type { Level } from './parts/basics.js';
import { tr } from './recorder-texts.js';

/** The one sentence about a site, from the worst of what is known. Either answer may be missing (not allowed, or not here yet). */
export function siteVerdict(site: SiteInfo | undefined, health: HealthInfo | undefined): { level: Level; sentence: string } | undefined {
  const broken = (site?.cameras ?? []).filter((camera) => camera.state !== 'online' && camera.state !== 'unknown');
  if (health !== undefined && health.verdict.level === 'act') return health.verdict;
  if (broken.length === 1 && broken[0] !== undefined)
    return { level: 'attention', sentence: tr.siteOneCamera(broken[0].name, tr.camState[broken[0].state]) };
  if (broken.length > 1) return { level: 'attention', sentence: tr.siteSomeCameras(broken.length) };
  if (health !== undefined && health.verdict.level !== 'ok') return health.verdict;
  if (site === undefined) return health?.verdict;
  return site.cameras.length === 0 ? { level: 'attention', sentence: tr.siteNoCameras } : { level: 'ok', sentence: tr.siteAllWell };
}
