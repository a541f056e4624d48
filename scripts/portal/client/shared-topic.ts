import type { RelayTransport } from './transport.js';

const holders = new WeakMap<RelayTransport, Map<string, number>>();

/** Hears a topic for as long as at least one holder wants it: what one part of the app lets go, another may still listen to. */
export function holdTopic(transport: RelayTransport, topic: string): { readonly ready: Promise<void>; release(): void } {
  const counts = holders.get(transport) ?? new Map<string, number>();
  holders.set(transport, counts);
  counts.set(topic, (counts.get(topic) ?? 0) + 1);
  let isHeld = true;
  return {
    ready: transport.subscribe(topic),
    release: () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (counts.get(topic) ?? 1) - 1;
      counts.set(topic, left);
      if (left === 0 && transport.isOnline) transport.unsubscribe(topic).catch(() => undefined);
    },
  };
}
