import type { UpKind } from '../contract/door.js';
import type { TopicScope } from '../contract/topics.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';

/** The self-made certificate of this recorder, PEM. */
export interface DoorCertificate {
  /** PKCS #8. */
  readonly key: string;
  readonly cert: string;
}

/** Where the door listens: the port is the one that was given by the machine when 0 was asked for. */
export interface DoorAddress {
  readonly port: number;
  readonly bindAddress: string;
}

/** How long the door waits for others, ms: who is slower holds a connection that somebody else needs. */
export interface DoorPatience {
  /** From the connection to its first byte. */
  readonly firstByteMs: number;
  readonly handshakeMs: number;
  /** For the whole head of a request. */
  readonly headMs: number;
  /** For the whole request with its letter. */
  readonly requestMs: number;
  /** Between two requests. */
  readonly idleMs: number;
}

/** A phone at the edge of the Wi-Fi is well within it. */
export const PATIENCE: DoorPatience = { firstByteMs: 5_000, handshakeMs: 8_000, headMs: 8_000, requestMs: 15_000, idleMs: 10_000 };

/** What the door on the local network needs of the recorder. */
export interface LanDoorParts {
  readonly scope: TopicScope;
  /** Default: every address of the machine. */
  readonly bindAddress?: string | undefined;
  /** 0 takes any free one. */
  readonly port: number;
  /** Asked at every attempt to listen. */
  readonly certificate: () => Promise<DoorCertificate>;
  /** Takes a letter as the relay's are taken; `remote` is a keyed hash of the sender's address, never the address. */
  readonly receive: (topic: string, payload: Uint8Array, remote: string) => Promise<void>;
  /**
   * What the relay would keep on a topic for those who come later (retained): the status, the newest checkpoint, an organisation's site letter.
   * Undefined where there is none, and for whatever may not leave before the owner's consent.
   */
  readonly kept: (kind: UpKind, topic: string) => Promise<string | undefined>;
  /** Folder of the built page; it may be missing. */
  readonly pageFolder: string;
  /** Key of the hash that stands for an address. */
  readonly remoteKey: Uint8Array;
  /** Default PATIENCE. */
  readonly patience?: DoorPatience | undefined;
  readonly clock: Clock;
  readonly log: Log;
}
