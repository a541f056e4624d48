import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXIT } from '../../../../agent/commands/command.js';
import { makeSerialMonitorCommand, makeSerialScanCommand } from '../../../../agent/commands/serial.js';
import { SerialEar } from '../../../../agent/compose/serial-ear.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { DriverError, type SerialCandidate, type SerialTools, type SerialTraffic } from '../../../../drivers/port.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { CliRig } from './cli-rig.js';

const HEAD: SerialCandidate = { protocol: 'pelco-d', baudRate: 2400, parity: 'none', address: 1 };
const STOP: SerialTraffic = { atMs: 1_000, direction: 'out', hex: 'ff010000000001', meaning: 'Pelco-D 1: stop' };

function tools(found: readonly SerialCandidate[], nudged: number[] = []): SerialTools {
  return {
    monitor: () => ({
      state: () => ({ isOpen: false, reason: '/dev/ttyS9 is not there.' }),
      watch: () => () => undefined,
      close: async () => undefined,
    }),
    scan: async function* (path) {
      if (path === '/dev/gone') throw new DriverError('serial.unavailable', '/dev/gone is not there.');
      for (const one of found) yield { ...one, says: 'answers' };
    },
    candidates: () => [HEAD, { ...HEAD, address: 2 }],
    nudge: async (_path, { address }) => void nudged.push(address),
  };
}

test('scan: what answers, what is seen to move, and words for nothing and for a port that is not there', async () => {
  const rig = await new CliRig({}).start();
  const nudged: number[] = [];
  const scan = makeSerialScanCommand({ serialTools: async () => tools([HEAD], nudged) });
  const plain = await rig.run(scan, ['/dev/ttyS9']);
  assert.is(plain.code, EXIT.ok);
  assert.equal(plain.out.split('\n'), [
    'pelco-d  2400 baud  address 1  answers',
    '',
    'For "serial" in the site file, with your own channels:',
    '  {"path":"/dev/ttyS9","baudRate":2400,"parity":"none","protocol":"pelco-d","units":{"1":"cam-1"}}',
    '',
  ]);
  const two = await rig.run(
    makeSerialScanCommand({
      serialTools: async () => tools([HEAD, { ...HEAD, address: 4 }, { ...HEAD, protocol: 'visca', baudRate: 9600 }]),
    }),
    ['/dev/ttyS9'],
  );
  assert.match(two.out, /in the site file, one of, with your own channels:\n.*"units":\{"1":"cam-1","4":"cam-2"\}\}\n.*"protocol":"visca"/);
  const moved = await rig.run(scan, ['/dev/ttyS9', '--move', '--json'], 'y');
  // Number 1 answered already: only number 2 is moved.
  assert.equal(nudged, [2]);
  assert.equal(
    JSON.parse(moved.out).found.map(({ says }: { says: string }) => says),
    ['answers', 'moved, as you said'],
  );
  const none = await rig.run(makeSerialScanCommand({ serialTools: async () => tools([]) }), ['/dev/ttyS9']);
  assert.is(none.code, EXIT.failed);
  assert.match(none.out, /Nothing answers/);
  const gone = await rig.run(scan, ['/dev/gone']);
  assert.match(gone.err, /is not there.*serial\.unavailable/s);
  for (const bad of [[], ['ttyS9'], ['/dev/ttyS9', '--baud', 'x'], ['/dev/ttyS9', '--protocol', 'morse'], ['/dev/ttyS9', '--move']])
    assert.is((await rig.run(scan, bad)).code, EXIT.usage, bad.join(' '));
  await rig.stop();
});

test('monitor: the agent’s own bus through the agent, another port by itself', async () => {
  const { atMs: at, ...rest } = STOP;
  const ofAgent = await new CliRig({ 'serial-traffic': { entries: [{ at, ...rest }], last: 1 } }).start();
  const monitor = makeSerialMonitorCommand({ serialTools: async () => tools([]) });
  const said = await ofAgent.run(monitor, ['/dev/ttyS9', '--seconds', '1']);
  assert.match(said.out, /^00:00:01\.000 {2}> {2}ff 01 00 00 00 00 01 .* Pelco-D 1: stop\n/);
  assert.equal(ofAgent.asked[1], ['serial-traffic', { path: '/dev/ttyS9', after: 1 }, 'local']);
  await ofAgent.stop();
  const elsewhere = new AgentError({ code: 'serial.no_such_port', say: 'No bus.', fix: 'Name one.' });
  const other = await new CliRig({ 'serial-traffic': elsewhere }).start();
  const failed = await other.run(monitor, ['/dev/ttyS9', '--seconds', '1']);
  assert.match(failed.err, /ttyS9 is not there/);
  await other.stop();
});

test('the ear listens from the first question, keeps what came between two, and stops when nobody asks any more', async () => {
  const clock = new ManualClock();
  let tell: ((traffic: SerialTraffic) => void) | undefined;
  const watch = (path: string, onTraffic: (traffic: SerialTraffic) => void) => {
    if (path !== '/dev/ttyS9') return undefined;
    tell = onTraffic;
    return () => {
      tell = undefined;
    };
  };
  const ear = new SerialEar(watch, clock);
  assert.equal(ear.traffic('/dev/ttyS9', 0), { entries: [], last: 0 });
  tell?.(STOP);
  tell?.({ ...STOP, direction: 'in' });
  assert.is(ear.traffic('/dev/ttyS9', 0).entries.length, 2);
  assert.equal(
    ear.traffic('/dev/ttyS9', 1).entries.map(({ direction }) => direction),
    ['in'],
  );
  for (let round = 0; round < 600; round += 1) tell?.(STOP);
  assert.equal([ear.traffic('/dev/ttyS9', 0).entries.length, ear.traffic('/dev/ttyS9', 0).last], [500, 602]);
  await clock.advance(10_000);
  assert.is(tell, undefined);
  assert.throws(() => ear.traffic('/dev/ttyS1', 0), /serial\.no_such_port/);
  assert.is(clock.armed, 0);
});

test.run();
