import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { holdTopic } from '../../../../../scripts/portal/client/shared-topic.js';
import type { RelayTransport } from '../../../../../scripts/portal/client/transport.js';

test('a topic is heard until the last holder lets it go, and each lets go once', async () => {
  const said: string[] = [];
  const transport = {
    isOnline: true,
    subscribe: async (topic: string) => void said.push(`+${topic}`),
    unsubscribe: async (topic: string) => void said.push(`-${topic}`),
  } as unknown as RelayTransport;
  const first = holdTopic(transport, 'a');
  const second = holdTopic(transport, 'a');
  await first.ready;
  first.release();
  first.release();
  assert.equal(said, ['+a', '+a'], 'asked again: what is kept must come to the second one too');
  second.release();
  assert.equal(said, ['+a', '+a', '-a']);
});

test.run();
