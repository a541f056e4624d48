import { AgentError } from '../../../agent/kernel/errors.js';

/** What the web server tells the app: its tenant, and another relay than the server's own when there is one. */
export interface PortalConfig {
  readonly tenant: string;
  readonly relayUrl?: string | undefined;
}

/** The content of `/config.json`. @throws AgentError portal.bad_config */
export function readPortalConfig(value: unknown): PortalConfig {
  const { tenant, relayUrl } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const isTenant = typeof tenant === 'string' && /^[a-z0-9-]{1,32}$/.test(tenant);
  const isRelay = relayUrl === undefined || (typeof relayUrl === 'string' && /^wss?:\/\//.test(relayUrl));
  if (isTenant && isRelay) return { tenant, relayUrl };
  throw new AgentError({
    code: 'portal.bad_config',
    say: 'The server’s settings for this page are wrong.',
    fix: 'Tell whoever runs this server to look at its config.json.',
  });
}
