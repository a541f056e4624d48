import type { CloudLink } from '../cloud/link.js';
import type { CertificateIssuer } from '../identity/ports.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Destination, LeavingClass } from '../ledger/policy.js';

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

/** The link behind the ledger: what the consent does not cover does not leave, and what leaves is in the book. */
export function bookedLink(link: CloudLink, ledger: Ledger): CloudLink {
  return {
    get isOnline() {
      return link.isOnline;
    },
    publish: async (topic, payload, options) => {
      const size = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
      const mayShow = options?.mayShow;
      if (mayShow !== undefined) {
        // A picture is asked for and booked in the one tick in which it leaves, however long it waited for its turn.
        const show = (): void => {
          mayShow();
          ledger.ask('media', 'relay');
          ledger.book('media', 'relay', Buffer.byteLength(topic) + size);
        };
        return link.publish(topic, payload, { ...options, mayShow: show });
      }
      const what = classOf(topic, size);
      ledger.ask(what, 'relay');
      // Booked when it is handed over: what the relay has not acknowledged may have left all the same.
      if (link.isOnline) ledger.book(what, 'relay', Buffer.byteLength(topic) + size);
      await link.publish(topic, payload, options);
    },
    onMessage: (listener) => link.onMessage(listener),
    onOnline: (listener) => link.onOnline(listener),
  };
}

/** The issuer of certificates behind the ledger: it belongs to the operator, so another one than the owner agreed to is not spoken to either. */
export function bookedIssuer(issuer: CertificateIssuer, ledger: Pick<Ledger, 'ask' | 'book'>): CertificateIssuer {
  return {
    enrol: async (request, signal) => {
      ledger.ask('identity', 'issuer');
      ledger.book('identity', 'issuer', JSON.stringify(request).length);
      return issuer.enrol(request, signal);
    },
  };
}

/** Books under `connection` what a socket wrote beyond the messages that are booked one by one, so that the sums are those of the sockets. */
export function bookConnection(ledger: Ledger, to: Destination, sentBytes: () => number): void {
  ledger.addMeter(() => {
    const rest = sentBytes() - ledger.bookedBytes(to);
    if (rest > 0) ledger.book('connection', to, rest, 0);
  });
}

/** A picture that runs: RTP bytes and packets so far, as the gate counted them. */
interface Running {
  readonly sessionId: string;
  readonly bytes: number;
  readonly packets: number;
}

/** Books pictures while they run, so that one that goes on over midnight or is cut off by the power is in the book all the same. */
export class BookedMedia {
  readonly #ledger: Ledger;
  readonly #booked = new Map<string, Running>();

  constructor(ledger: Ledger, running: () => readonly Running[]) {
    this.#ledger = ledger;
    ledger.addMeter(() => {
      for (const session of running()) this.#book(session);
    });
  }

  /** The last count of a session. */
  ended(session: Running): void {
    this.#book(session);
    this.#booked.delete(session.sessionId);
  }

  #book({ sessionId, bytes, packets }: Running): void {
    const before = this.#booked.get(sessionId);
    const [more, morePackets] = [bytes - (before?.bytes ?? 0), packets - (before?.packets ?? 0)];
    if (more <= 0) return;
    this.#ledger.book('media', 'viewer', more, morePackets);
    this.#booked.set(sessionId, { sessionId, bytes, packets });
  }
}
