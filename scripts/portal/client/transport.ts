/**
 * What an app needs from a message relay: send, receive, know whether it is connected. Nothing is queued here: a message goes out now or
 * the promise rejects, so that a person learns at once that something did not leave.
 */
export interface RelayTransport {
  /** `lan`: straight to the recorder on its own network; absent or `relay`: through a message relay. The owner's consent says which it was. */
  readonly way?: 'relay' | 'lan';
  readonly isOnline: boolean;
  /** Resolves when the broker confirmed the subscription; rejects when it refused. Kept over reconnects until unsubscribed. */
  subscribe(topic: string): Promise<void>;
  unsubscribe(topic: string): Promise<void>;
  /** QoS 1; resolves when the broker has it. */
  publish(topic: string, payload: string, options?: { readonly retain?: boolean }): Promise<void>;
  /** Returns the way to stop listening. */
  onMessage(listener: (topic: string, payload: Uint8Array) => void): () => void;
  onOnline(listener: (isOnline: boolean) => void): () => void;
  close(): Promise<void>;
}
