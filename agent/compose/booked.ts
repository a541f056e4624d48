import type { CloudLink } from '../cloud/link.js';
import type { Ledger } from '../ledger/ledger.js';
import type { LeavingClass } from '../ledger/policy.js';

/**
 * What a topic of this recorder carries away (contract/topics.ts); an unknown one is taken for the most private kind and so needs a consent. An
 * empty message takes something away that lies at the relay: that must always be possible, also after the owner is gone.
 */
export function classOf(topic: string, bytes: number): LeavingClass {
  const kind = topic.split('/')[5];
  if (bytes === 0) return 'status';
  if (kind === 'status') return 'status';
  if (kind === 'pair') return 'pairing';
  if (kind === 'reply') return 'answer';
  if (kind === 'checkpoint') return 'log';
  if (kind === 'site') return 'site';
  return 'report';
}

/** The link behind the ledger: what the consent does not cover does not leave, and what left is in the book. */
export function bookedLink(link: CloudLink, ledger: Ledger): CloudLink {
  return {
    get isOnline() {
      return link.isOnline;
    },
    publish: async (topic, payload, options) => {
      const size = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
      const what = classOf(topic, size);
      ledger.ask(what, 'relay');
      await link.publish(topic, payload, options);
      ledger.book(what, 'relay', topic.length + size);
    },
    onMessage: (listener) => link.onMessage(listener),
    onOnline: (listener) => link.onOnline(listener),
  };
}
