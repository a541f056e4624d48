import type { DataChannel } from 'node-datachannel';

/** Below this the sender is asked for more: a few round trips of a fast line. */
const LOW_BYTES = 256 * 1024;
/** What a viewer may say at once; its words are signs of life. */
const MAX_WORD = 256;

/** Who is told of the channel. */
export interface ViewerDataHandlers {
  readonly onOpen: () => void;
  readonly onMessage: (text: string) => void;
  readonly onLow: () => void;
}

/**
 * The one data channel of a viewer. The viewer makes it; a second one is closed. Every call is guarded by the peer that owns this:
 * the library throws on channels that are closed.
 */
export class ViewerData {
  readonly #handlers: ViewerDataHandlers;
  #channel: DataChannel | undefined;

  constructor(handlers: ViewerDataHandlers) {
    this.#handlers = handlers;
  }

  get isOpen(): boolean {
    return this.#channel?.isOpen() === true;
  }

  get bufferedBytes(): number {
    return this.isOpen ? (this.#channel?.bufferedAmount() ?? 0) : 0;
  }

  /** Takes the viewer's channel; it is often open already when it is told of. */
  adopt(channel: DataChannel, guard: (act: () => void) => void): void {
    if (this.#channel !== undefined) {
      channel.close();
      return;
    }
    this.#channel = channel;
    channel.setBufferedAmountLowThreshold(LOW_BYTES);
    channel.onBufferedAmountLow(() => guard(() => this.#handlers.onLow()));
    channel.onMessage((message) => {
      if (typeof message === 'string' && message.length <= MAX_WORD) guard(() => this.#handlers.onMessage(message));
    });
    channel.onClosed(() => undefined);
    channel.onOpen(() => guard(() => this.#handlers.onOpen()));
    if (channel.isOpen()) this.#handlers.onOpen();
  }

  /** False when it was not taken. */
  send(message: string | Buffer): boolean {
    if (!this.isOpen || this.#channel === undefined) return false;
    // The library answers false when it had to queue, which is no refusal: what it holds is told by bufferedBytes.
    if (typeof message === 'string') this.#channel.sendMessage(message);
    else this.#channel.sendMessageBinary(message);
    return true;
  }

  close(): void {
    if (this.#channel?.isOpen() === true) this.#channel.close();
  }
}
