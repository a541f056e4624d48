/**
 * Which of the packets that come to a UDP port are the camera's stream: anybody on the network can send there under the camera's address.
 * Pure.
 */

/** What the camera's SETUP answer says of where its packets come from (RFC 2326 section 12.39). */
export interface UdpSource {
  /** 0 where it names none. */
  readonly rtpPort: number;
  /** Where receiver reports go, and reports of the camera come from; 0 where it names none. */
  readonly rtcpPort: number;
  /** Synchronization source of its packets; undefined where it names none. */
  readonly ssrc: number | undefined;
}

/**
 * So many packets in a row, without one of the source listened to among them, make another source the camera's: encoders that start anew
 * change it, and some cameras announce one that they then do not use. Whoever only slips packets in between never gets there.
 */
const TAKEOVER_PACKETS = 16;

/** See the head of the file. One per stream. */
export class SourceLock {
  #port = 0;
  #ssrc: number | undefined;
  #isPortGiven = false;
  #otherPort = 0;
  #otherSsrc = 0;
  #inARow = 0;
  #isExpecting = false;

  /** The camera has said where it will send from. Nothing is accepted before. */
  expect({ rtpPort, ssrc }: UdpSource): void {
    this.#port = rtpPort;
    this.#isPortGiven = rtpPort > 0;
    this.#ssrc = ssrc;
    this.#isExpecting = true;
  }

  /** Whether a packet of this source, sent from this port, belongs to the stream. */
  accepts(port: number, ssrc: number): boolean {
    if (!this.#isExpecting || (this.#isPortGiven && port !== this.#port)) return false;
    if (this.#port === 0) this.#port = port;
    this.#ssrc ??= ssrc;
    if (port === this.#port && ssrc === this.#ssrc) {
      this.#inARow = 0;
      return true;
    }
    this.#inARow = port === this.#otherPort && ssrc === this.#otherSsrc ? this.#inARow + 1 : 1;
    this.#otherPort = port;
    this.#otherSsrc = ssrc;
    if (this.#inARow < TAKEOVER_PACKETS) return false;
    this.#port = port;
    this.#ssrc = ssrc;
    this.#inARow = 0;
    return true;
  }
}
