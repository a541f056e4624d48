import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OutboxPump } from '../../../../agent/cloud/outbox-pump.js';
import { utf8 } from '../../../../agent/contract/text.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { OutboxStore } from '../../../../agent/store/outbox-store.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { TestLog } from '../../../support/test-log.js';
import { until } from '../../../support/until.js';
import { withDatabase } from '../store/scratch.js';
import { FakeLink } from './fake-link.js';

test('a message that the broker will never take is dropped with a word, and what follows it goes out', () =>
  withDatabase(async (database) => {
    const clock = new ManualClock();
    const outbox = await OutboxStore.open(database, clock);
    const link = new FakeLink();
    const log = new TestLog();
    link.answer = async (text) => {
      if (text === 'bad') throw new AgentError({ code: 'cloud.refused', say: 'No.', fix: 'Check.' });
    };
    const pump = new OutboxPump(outbox, link, clock, log);
    await pump.start();
    for (const text of ['bad', 'good']) {
      await outbox.enqueue({ topic: 't', payload: utf8(text), qos: 1, retain: false, class: 'reply', expiresAt: null, dedupeKey: null });
    }
    link.set(true);
    await until('the outbox is empty', () => outbox.counts.rows === 0);
    assert.equal(link.sent, ['bad', 'good']);
    assert.is(log.lines.filter(({ level }) => level === 'warn').length, 1);
    await pump.stop();
  }));

test.run();
