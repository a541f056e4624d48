import { verifyStatement } from '../../../agent/contract/jws.js';
import { openSealed } from '../../../agent/contract/seal.js';
import type { PublicJwk } from '../../../agent/contract/shapes.js';
import { fromUtf8 } from '../../../agent/contract/text.js';
import { type TopicScope, topics } from '../../../agent/contract/topics.js';
import { SiteLetter } from '../../../agent/contract/views.js';
import type { RelayTransport } from './transport.js';

/** What is needed to read a recorder's site letters. */
export interface SiteLetterParts {
  readonly transport: RelayTransport;
  readonly scope: TopicScope;
  /** The recorder's key, already known to be the right one. */
  readonly deviceKey: PublicJwk;
  /** Opens what is sealed to the organisation. */
  readonly sealKey: CryptoKey;
  /** The grant that the letter rests on. */
  readonly grant: string;
}

/** The letter, when it is sealed to us, signed by this recorder and about this grant. @throws AgentError seal.broken | signature.* | message.* */
export async function readSiteLetter(letter: string, parts: Omit<SiteLetterParts, 'transport'>): Promise<SiteLetter | undefined> {
  const content = await verifyStatement(await openSealed(letter, parts.sealKey), 'site+jws', parts.deviceKey, SiteLetter);
  return content.dev === parts.scope.serial && content.grant === parts.grant ? content : undefined;
}

/**
 * Follows the site letter of one grant: the relay keeps the newest, so it is there although the recorder is away. `onLetter` gets undefined
 * when the recorder has taken the letter back. An older letter than the one in hand is not believed: the relay may have kept it. Returns the
 * way to stop; rejects when the relay refuses.
 */
export async function followSiteLetter(parts: SiteLetterParts, onLetter: (letter: SiteLetter | undefined) => void): Promise<() => void> {
  const { transport, scope, grant } = parts;
  const topic = topics.site(scope, grant);
  let newestAt = 0;
  let order = Promise.resolve();
  const hear = async (payload: Uint8Array): Promise<void> => {
    if (payload.length === 0) {
      onLetter(undefined);
      return;
    }
    const letter = await readSiteLetter(fromUtf8(payload), parts);
    if (letter === undefined || letter.at < newestAt) return;
    newestAt = letter.at;
    onLetter(letter);
  };
  const stop = transport.onMessage((at, payload) => {
    // What cannot be opened or was not signed by the recorder counts as not sent. In order: a letter taken back must not come back.
    if (at === topic) order = order.then(() => hear(payload)).catch(() => undefined);
  });
  const end = (): void => {
    stop();
    if (transport.isOnline) transport.unsubscribe(topic).catch(() => undefined);
  };
  try {
    await transport.subscribe(topic);
  } catch (error) {
    end();
    throw error;
  }
  return end;
}
