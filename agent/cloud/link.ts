import { AgentError } from '../kernel/errors.js';

/** How a message is to be sent. */
export interface PublishOptions {
  readonly retain?: boolean;
  /** It holds a piece of a picture: asked in the tick in which it is handed over, and what this throws keeps it here. */
  readonly mayShow?: () => void;
}

/** The cloud link as the rest of the agent sees it: a pipe that is up or down. Nothing is queued in it; what must not be lost waits in the outbox. */
export interface CloudLink {
  readonly isOnline: boolean;
  /** Resolves when the broker has it (PUBACK). Rejects with `cloud.offline` when it is not known to have arrived. */
  publish(topic: string, payload: string | Uint8Array, options?: PublishOptions): Promise<void>;
  /** Messages of the one subscription. Returns the way to stop. */
  onMessage(listener: (topic: string, payload: Uint8Array) => void): () => void;
  onOnline(listener: (isOnline: boolean) => void): () => void;
}

/** What a connection begins with; asked anew for every attempt. */
export interface ConnectFacts {
  readonly username: string;
  readonly password: string;
  /** What the broker says of us when the connection breaks. */
  readonly will: { readonly topic: string; readonly payload: string };
}

/** A client certificate with its chain, and its key; PEM. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Where the link gets its client certificate from, and whom it tells how it went: a new one is on trial until a broker took it. */
export interface ClientIdentity {
  /** Asked anew for every connection; undefined: without one. */
  current(): ClientCertificate | undefined;
  /** The connection that was made with it works. */
  accepted(used: ClientCertificate | undefined): void;
  /** The broker is there and does not want it (TLS alert, or a refusal in CONNACK). */
  refused(used: ClientCertificate | undefined): void;
}

/** The link of a recorder that has no cloud: always down. Everything on site works all the same. */
export const NO_LINK: CloudLink = {
  isOnline: false,
  publish: () =>
    Promise.reject(
      new AgentError({ code: 'cloud.none', say: 'No cloud is configured.', fix: 'Name one in the site file to use the portal.' }),
    ),
  onMessage: () => () => undefined,
  onOnline: () => () => undefined,
};
