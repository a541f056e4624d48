import type { CameraRegistry } from '../cameras/registry.js';
import type { CloudLink } from '../cloud/link.js';
import { type LetterMemory, SiteLetters } from '../cloud/site-letters.js';
import type { ConfigService } from '../config/service.js';
import { SiteLettersLeft } from '../contract/stored.js';
import type { TopicScope } from '../contract/topics.js';
import { VERSION } from '../kernel/version.js';
import type { Permissions } from '../permissions/service.js';
import { openingNow } from '../permissions/zone.js';
import type { StateStore } from '../store/state-store.js';
import type { Base } from './base.js';

/** What site letters tell of, and who may have them. */
export interface LetterSide {
  readonly scope: TopicScope;
  readonly link: () => CloudLink;
  readonly permissions: Permissions;
  readonly cameras: CameraRegistry;
  readonly config: ConfigService;
}

/** Site information for organisations that may have it, at the relay. */
export function openSiteLetters(base: Base, { scope, link, permissions, cameras, config }: LetterSide): SiteLetters {
  const { signer, plate, clock, log } = base;
  return new SiteLetters({
    scope,
    signer,
    link,
    grants: () => {
      if (permissions.owner === null || !permissions.isOperatorAgreed()) return [];
      const isOpen = (hours: Parameters<typeof openingNow>[0] | null): boolean => hours === null || openingNow(hours, clock.now()).isOpen;
      return permissions.list(null).grants.filter(({ state, hours }) => state === 'in-force' && isOpen(hours));
    },
    facts: () => ({
      recorderName: config.current().recorderName,
      site: permissions.owner?.site ?? '',
      model: plate.model,
      firmware: VERSION,
      cameras: cameras.list().map(({ id, name, serial, model }) => ({ id, name, serial, model })),
    }),
    onPermissionsChange: (listener) => permissions.onChange(listener),
    onFactsChange: (listener) => {
      const ends = [cameras.onChange(listener), config.onChange(listener)];
      return () => {
        for (const end of ends) end();
      };
    },
    memory: letterMemory(base.stores.state),
    clock,
    log: log.area('site-letters'),
  });
}

const KEY = 'site-letters';

function letterMemory(state: StateStore): LetterMemory {
  return {
    load: async () => (await state.get(KEY, SiteLettersLeft))?.grants ?? [],
    save: async (grants) => void (await state.put(KEY, { v: 1, grants: [...grants] })),
  };
}
