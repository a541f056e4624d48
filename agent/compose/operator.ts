import type { SiteFile } from '../contract/site-file.js';
import type { Operator } from '../contract/statements.js';
import { AgentError } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';

/** Region of a recorder whose site file names none. */
const DEFAULT_REGION = 'EU';

/** Whom the site file makes the recorder speak with, as the owner's consent pins it; null without a cloud. @throws AgentError site.invalid */
export function operatorOf(site: SiteFile): Operator | null {
  if (site.cloud === undefined) return null;
  const { url, operator } = site.cloud;
  const host = URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : '';
  if (host === '') {
    throw new AgentError({
      code: 'site.invalid',
      say: `The cloud's address ${url} in the site file names no host.`,
      fix: 'Write it like mqtts://broker.example.org.',
    });
  }
  return { name: operator ?? host, region: regionOf(site), host };
}

/** The region as it stands on the label. */
export function regionOf(site: SiteFile): string {
  return site.region ?? DEFAULT_REGION;
}

/** What decides whether the relay may be spoken to. */
export interface AgreementParts {
  readonly isOperatorAgreed: () => boolean;
  /** Called after every change. Returns the way to stop. */
  readonly onChange: (listener: () => void) => () => void;
  readonly log: Log;
}

/**
 * Runs the link only while the owner's consent names the operator that it would connect to: another region or operator is not spoken to, not even
 * to say so, until the owner consents anew (on the local network).
 */
export function onlyWhenAgreed(link: Service, parts: AgreementParts): Service {
  const queue = new KeyedQueue();
  let isRunning = false;
  let isStopped = false;
  let stopListening: (() => void) | undefined;
  const settle = (): Promise<void> =>
    queue.run('link', async () => {
      const isWanted = !isStopped && parts.isOperatorAgreed();
      if (isWanted === isRunning) return;
      isRunning = isWanted;
      if (isWanted) await link.start();
      else await link.stop();
      if (!isWanted && !isStopped) parts.log.warn('the owner has not agreed to this operator: nothing is sent to it', {});
    });
  return {
    name: link.name,
    start: async () => {
      stopListening = parts.onChange(() => void settle());
      await settle();
      if (!parts.isOperatorAgreed()) parts.log.warn('the owner has not agreed to this operator: nothing is sent to it', {});
    },
    stop: async () => {
      isStopped = true;
      stopListening?.();
      await settle();
    },
  };
}
