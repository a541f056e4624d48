import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PairRequest } from '../../../../../agent/contract/pairing.js';
import { parseShape } from '../../../../../agent/contract/shapes.js';
import { utf8 } from '../../../../../agent/contract/text.js';
import { topics } from '../../../../../agent/contract/topics.js';
import type { AgentError } from '../../../../../agent/kernel/errors.js';
import { pair } from '../../../../../scripts/portal/client/pair.js';
import type { RelayTransport } from '../../../../../scripts/portal/client/transport.js';

test('a recorder that is not connected yet is greeted again: the relay keeps no hello', async () => {
  const listeners = new Set<(topic: string, payload: Uint8Array) => void>();
  let hellos = 0;
  const scope = { tenant: 'local', serial: 'SN4F2K7Q9D' };
  const transport: RelayTransport = {
    isOnline: true,
    subscribe: async () => undefined,
    unsubscribe: async () => undefined,
    publish: async (_topic, payload) => {
      const request = parseShape(PairRequest, JSON.parse(payload));
      assert.is(request.t, 'pair.hello');
      hellos += 1;
      if (hellos === 1) return;
      const answer = { t: 'pair.err', v: 1, sid: request.sid, code: 'pairing.closed', say: 'Closed.', fix: 'Press.', retryS: 0, left: 0 };
      for (const listener of listeners) listener(topics.pairUp(scope, request.sid), utf8(JSON.stringify(answer)));
    },
    onMessage: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onOnline: () => () => undefined,
    close: async () => undefined,
  };
  const code = await pair({ transport, scope, code: 'AAAABBBB0' }).then(
    () => 'paired',
    (error: AgentError) => error.code,
  );
  assert.equal([code, hellos], ['pairing.closed', 2]);
});

test.run();
