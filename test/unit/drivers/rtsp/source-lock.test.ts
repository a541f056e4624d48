/** Whose packets a UDP stream is made of. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SourceLock, type UdpSource } from '../../../../drivers/rtsp/source-lock.js';

function lock(source: Partial<UdpSource> = {}): SourceLock {
  const made = new SourceLock();
  made.expect({ rtpPort: 6000, rtcpPort: 6001, ssrc: 7, ...source });
  return made;
}

/** How many of `count` packets in a row are accepted. */
const accepted = (of: SourceLock, count: number, port: number, ssrc: number): number =>
  Array.from({ length: count }, () => of.accepts(port, ssrc)).filter(Boolean).length;

test('port and source as announced; nothing before that is known', () => {
  assert.is(new SourceLock().accepts(6000, 7), false);
  const made = lock();
  assert.is(accepted(made, 3, 6000, 7), 3);
  assert.is(accepted(made, 100, 6002, 7), 0, 'another port, however often');
  assert.is(accepted(made, 15, 6000, 8), 0);
  assert.is(made.accepts(6000, 7), true);
});

test('whoever slips packets in between never takes over; a source that is alone does, and the old one is then the stranger', () => {
  const made = lock();
  for (let round = 0; round < 50; round += 1) {
    assert.is(accepted(made, 15, 6000, 8), 0);
    assert.is(made.accepts(6000, 7), true);
  }
  assert.is(accepted(made, 20, 6000, 8), 5);
  assert.is(accepted(made, 15, 6000, 7), 0);
  // Two strangers who take turns are no row.
  for (let round = 0; round < 50; round += 1) assert.is(made.accepts(6000, 9) || made.accepts(6000, 10), false);
});

test('what the camera does not announce is taken from its first packet', () => {
  const noSource = lock({ ssrc: undefined });
  assert.is(noSource.accepts(6002, 5), false);
  assert.is(noSource.accepts(6000, 5), true);
  assert.is(noSource.accepts(6000, 6), false);
  const nothing = lock({ rtpPort: 0, rtcpPort: 0, ssrc: undefined });
  assert.is(nothing.accepts(7000, 5), true);
  assert.is(nothing.accepts(7002, 5), false);
  assert.is(nothing.accepts(7000, 5), true);
});

test.run();
