/** No packet of a whole live session on one machine leaves it: no STUN or TURN server, no name server, no hello to anybody. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inNamespace, runBuilt } from '../support/run-built.js';

interface Told {
  /** RTP packets that the viewer received. */
  readonly packets: number;
  readonly candidates: readonly string[];
  /** Packets that left through the network device while all that went on. */
  readonly during: number;
  /** Packets that left when one was sent on purpose. */
  readonly control: number;
}

async function session(...stunServers: readonly string[]): Promise<Told> {
  const ended = await runBuilt(['test/attacks/loopback-session.js', ...stunServers], inNamespace('--net'));
  assert.is(ended.code, 0, ended.stderr);
  return JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? '') as Told;
}

test('camera found, recorder paired, picture seen, all stopped: not one packet off loopback', async () => {
  const told = await session();
  assert.ok(told.packets > 100, 'pictures flowed');
  // Nothing was forced onto loopback: the agent offered the device's address too, and asked nobody for others.
  assert.ok(told.candidates.includes('host 10.77.0.1'), told.candidates.join());
  assert.ok(
    told.candidates.every((candidate) => candidate.startsWith('host ')),
    told.candidates.join(),
  );
  assert.is(told.during, 0, 'packets left');
  assert.is(told.control, 1, 'the counter counts');
});

test('a STUN server of the site file is asked, and one that does not answer does not cost the picture', async () => {
  // A documentation address (RFC 5737): nobody answers.
  const told = await session('stun:192.0.2.5:3478');
  assert.ok(told.during > 0, 'it was asked: the same counter sees what leaves');
  assert.ok(told.packets > 100, 'pictures flowed');
});

test.run();
