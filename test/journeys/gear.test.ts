// runner: limit 120s
/**
 * A site with everything that hangs on serial ports, and the real agent between: what a person at the recorder reads of power, time, alarms and receipts,
 * a camera that is moved over the network, a cable that comes loose, and what the operation log keeps.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ControlAnswer } from '../../agent/contract/control.js';
import { askAgent } from '../../agent/control/control-client.js';
import { type AgentProcess, startAgent } from '../support/agent-process.js';
import { commandLine } from '../support/command-line.js';
import { until } from '../support/until.js';
import { Cable, fixAt, networkCamera, supply } from './gear-site.js';

type Status = ControlAnswer<'status'>;

interface World {
  folder: string;
  agent: AgentProcess;
  ups: Cable;
  sky: Cable;
  panel: Cable;
  till: Cable;
  power: ReturnType<typeof supply>;
  head: Awaited<ReturnType<typeof networkCamera>>;
  sightline(...argv: string[]): Promise<string>;
  status(): Promise<Status>;
  /** What is said of one port or address. */
  says(where: string): Promise<string>;
}

const test = suite<World>('serial gear');
const PORT = { baudRate: 9600, parity: 'none' } as const;

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-gear-'));
  const cable = (name: string): Promise<Cable> => new Cable(world.folder, name).plug();
  [world.ups, world.sky, world.panel, world.till] = await Promise.all([cable('ups'), cable('sky'), cable('panel'), cable('till')]);
  world.power = supply(world.ups);
  world.head = await networkCamera();
  const state = join(world.folder, 'state');
  world.agent = await startAgent(
    state,
    {
      cameras: {
        discovery: false,
        analogue: [
          { channel: 'cam-1', name: 'Stage' },
          { channel: 'cam-2', name: 'Till' },
        ],
      },
      networkPtz: [{ host: '127.0.0.1', port: world.head.port, channel: 'cam-1', stepsPerDegree: 14.4 }],
      gear: {
        ups: { ...PORT, path: world.ups.path, baudRate: 2400 },
        gps: { ...PORT, path: world.sky.path },
        alarms: { ...PORT, path: world.panel.path },
        receipts: [{ ...PORT, path: world.till.path, channel: 'cam-2' }],
      },
    },
    { args: [] },
  );
  world.status = async () => (await askAgent(join(state, 'agent.sock'), 'status')) as Status;
  world.says = async (where) => (await world.status()).gear.find((one) => one.where === where)?.say ?? '';
  world.sightline = async (...argv) => {
    const { code, stdout, stderr } = await commandLine(...argv, '--state', state);
    assert.is(code, 0, stderr);
    return stdout;
  };
});

test.after(async ({ agent, ups, sky, panel, till, head, folder }) => {
  await agent?.stop();
  for (const cable of [ups, sky, panel, till]) await cable?.pull();
  head?.socket.close();
  await rm(folder, { recursive: true, force: true });
});

test('power: there, gone, nearly empty, each in a person’s words and in the verdict', async ({ power, ups, status, says }) => {
  const verdict = async (sentence: RegExp): Promise<unknown> =>
    until(`the verdict says ${sentence}`, async () => sentence.test((await status()).verdict.sentence));
  await until('the supply is heard', async () => (await says(ups.path)) === 'mains power is there, battery 13.6 V, load 21 %, 25 °C');
  assert.is((await status()).verdict.level, 'ok');
  power.flags = '10001000';
  power.volts = '000.0';
  await verdict(/^Needs attention: Mains power is gone: the recorder runs on battery \(11\.4 V, 21 % load\)\.$/);
  assert.is((await status()).verdict.level, 'attention');
  power.flags = '11001000';
  await verdict(/^Needs attention: Mains power is gone and the battery is nearly empty/);
  assert.is((await status()).verdict.level, 'act');
});

test('the monitor shows both directions of a port that the agent uses', async ({ ups, sightline }) => {
  const lines = (await sightline('serial', 'monitor', ups.path, '--seconds', '3', '--json')).trim().split('\n');
  const told = lines.map((line) => JSON.parse(line) as { direction: string; meaning: string });
  const asked = told.findIndex(({ direction, meaning }) => direction === 'out' && meaning === 'Megatec asks how the power is');
  assert.ok(asked >= 0, lines.join('\n'));
  assert.match(told[asked + 1]?.meaning ?? '', /^Megatec on battery, battery low, mains 0 V, battery 11\.4 V, load 21 %$/);
  // The status says the same in a sentence.
  assert.match(
    await sightline('status'),
    /ups +power supply: mains power is gone, it runs on its battery, the battery is low, battery 11\.4 V, load 21 %/,
  );
});

test('power that is back is taken back only when it holds: mains that come and go would be told each time', async ({ power, status }) => {
  power.flags = '00001000';
  power.volts = '230.0';
  const back = 'Needs attention: Mains power is there, the battery has 13.6 V. It was worse until a moment ago.';
  await until('the verdict says so', async () => (await status()).verdict.sentence === back);
});

test('satellite time and place are told, and never believed over the clock', async ({ sky, status, says, agent }) => {
  await until('it agrees', async () => {
    sky.say(fixAt(Date.now()));
    return (await says(sky.path)) === '48.11730 N 11.51667 E, 8 satellites, the clock agrees with satellite time';
  });
  await until('it is apart', async () => {
    sky.say(fixAt(Date.now() + 7_200_000));
    return (await says(sky.path)).endsWith('the clock is 2 h behind satellite time');
  });
  assert.ok(Math.abs((await status()).now - Date.now()) < 60_000);
  await until('it stands in the log', () => agent.log.some((line) => line.includes('the clock is apart from satellite time')));
});

test('an alarm is answered, told and kept; a till’s receipt is kept without its card', async ({ panel, till, says, sightline }) => {
  panel.say('noise\r\n5011 181234E13001015\u0014');
  await until('it is told', async () => (await says(panel.path)) === 'last: burglary (130), new, zone 015');
  await until('the panel has its answer', () => panel.heard === '\u0006');
  till.say('\u001b@SHOP\nMilk  1.20\nCard 4111 1111 1111 1111\n\u001dV\u0000');
  await until('it is counted', async () => (await says(till.path)) === '1 receipt since the start');
  // A row is on the disk a moment after it was told.
  const shown = await until('all is written', async () => {
    const text = await sightline('log', 'show', '--action', 'gear.');
    return text.includes('gear.receipt') && text;
  });
  const what = shown.split('\n').map((line) => line.trimEnd().split(/ {2,}/).slice(2).join(' | '));
  assert.equal(what.slice(1, -1), [
    'system | gear.power: mains power is gone, on battery | - | serial | ok',
    'system | gear.power: the battery is nearly empty | - | serial | ok',
    'system | gear.power: mains power is back | - | serial | ok',
    'system | gear.alarm: burglary (130), new, zone 015 | - | serial | ok',
    'system | gear.receipt: 3 lines | cam-2 | serial | ok',
  ]);
  const rows = (await sightline('log', 'show', '--action', 'gear.receipt', '--json')).trim().split('\n');
  assert.equal(JSON.parse(rows[0] ?? '').change.after.lines, ['SHOP', 'Milk  1.20', 'Card **** **** **** 1111']);
});

test('a camera is moved over the network, and where it looks is known', async ({ head, says, sightline, status }) => {
  await until('its channel is online', async () => (await status()).cameras.some(({ id, state }) => id === 'cam-1' && state === 'online'));
  assert.is(await says('127.0.0.1'), 'can be moved');
  head.heard.length = 0;
  await sightline('ptz', 'cam-1', 'move', 'right', '--for', '0.1');
  assert.equal(head.heard, ['810106010c010203ff', '8101060101010303ff', '8101040700ff']);
  head.heard.length = 0;
  await sightline('ptz', 'cam-1', 'preset', '2');
  assert.ok(head.heard.includes('8101043f0202ff'), head.heard.join());
});

test('cables that come loose are told, a silent supply is for health too, and both are used again when they are back', async (world) => {
  const { panel, ups, says, status, sightline } = world;
  await Promise.all([panel.pull(), ups.pull()]);
  await until('it is told', async () => /was unplugged/.test(await says(panel.path)));
  assert.match(await sightline('status'), /panel +alarm panel: .*was unplugged/);
  await panel.plug();
  await until('it is open again', async () => (await says(panel.path)) === 'last: burglary (130), new, zone 015', 30_000);
  panel.say('5011 181234R13001015\u0014');
  await until('it is heard', async () => (await says(panel.path)) === 'last: burglary (130), restored, zone 015');
  const sentence = async (): Promise<string> => (await status()).verdict.sentence;
  await until('health knows', async () => (await sentence()).startsWith('Needs attention: The power supply (UPS) does not answer'));
  await ups.plug();
  await until('it is back', async () => (await sentence()).includes('Mains power is there, the battery has 13.6 V.'));
  const rows = await until('both are written', async () => {
    const text = await sightline('log', 'show', '--action', 'gear.power');
    return text.includes('answers again') && text;
  });
  assert.ok(rows.indexOf('the power supply does not answer') < rows.indexOf('the power supply answers again'), rows);
});

test.run();
