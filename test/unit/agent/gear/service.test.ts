import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { GearNote, GearPorts } from '../../../../agent/gear/ports.js';
import { powerChanges } from '../../../../agent/gear/power-transitions.js';
import { GearService } from '../../../../agent/gear/service.js';
import { DriverError, type GpsFix, type PanelAlarm, type ReceiptLine, type UpsReading } from '../../../../drivers/port.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { TestLog } from '../../../support/test-log.js';

const GOOD: UpsReading = {
  inputVolts: 230,
  outputVolts: 230,
  load: 0.2,
  inputHertz: 50,
  batteryVolts: 13.6,
  celsius: 25,
  isOnBattery: false,
  isBatteryLow: false,
  hasFailed: false,
  isTesting: false,
  isShuttingDown: false,
};
const ALARM: PanelAlarm = { account: '1234', kind: 'new', event: '130', meaning: 'burglary', partition: '01', zone: '015' };

function rig() {
  const clock = new ManualClock();
  const notes: GearNote[] = [];
  const seen = { times: [] as number[], closed: 0, reading: GOOD as UpsReading | undefined };
  const tell = { fix: (_: GpsFix) => {}, alarm: (_: PanelAlarm) => {}, line: (_: ReceiptLine) => {} };
  const listener = {
    state: () => ({ isOpen: true, reason: '' }),
    close: async () => {
      seen.closed += 1;
    },
  };
  const read = async (): Promise<UpsReading> => {
    if (seen.reading === undefined) throw new DriverError('serial.timeout', 'silent');
    return seen.reading;
  };
  const listen =
    <T>(name: keyof typeof tell) =>
    (on: (told: T) => void) => {
      tell[name] = on as never;
      return listener;
    };
  const ports: GearPorts = {
    ups: () => ({ ...listener, read }),
    gps: listen<GpsFix>('fix'),
    alarms: listen<PanelAlarm>('alarm'),
    receipts: [{ channel: 'cam-1', open: listen<ReceiptLine>('line') }],
  };
  const log = new TestLog();
  const service = new GearService({ ports, note: async (note) => notes.push(note), sighted: (at) => seen.times.push(at), clock, log });
  return { clock, notes, seen, tell, service };
}

test('power: each change once, one lost answer is no news, three are', async () => {
  const { clock, notes, seen, service } = rig();
  await service.start();
  const after = async (reading: UpsReading | undefined, ms = 15_000): Promise<readonly (string | undefined)[]> => {
    seen.reading = reading;
    await clock.advance(ms);
    return notes.splice(0).map(({ object }) => object);
  };
  assert.equal(await after(GOOD), []);
  assert.equal(await after({ ...GOOD, isOnBattery: true }, 30_000), ['mains-lost']);
  assert.equal(await after({ ...GOOD, isOnBattery: true, isBatteryLow: true }), ['battery-low']);
  assert.equal(await after(undefined, 30_000), []);
  assert.equal(await after(undefined, 30_000), ['silent']);
  assert.is(service.view().ups, undefined);
  assert.equal(await after(GOOD), ['answers-again']);
  await service.stop();
  assert.is(clock.armed, 0);
  assert.is(seen.closed, 4);
  assert.equal(powerChanges(undefined, 'silent'), []);
  assert.equal(powerChanges({ ...GOOD, isOnBattery: true }, { ...GOOD, hasFailed: true }), ['mains-back', 'failed']);
});

test('time, alarms and receipts go where they belong', async () => {
  const { clock, notes, seen, tell, service } = rig();
  await service.start();
  tell.fix({ atMs: 7, latitude: 48, longitude: 11, altitudeMetres: 1, satellites: 8 });
  tell.fix({ atMs: undefined, latitude: undefined, longitude: undefined, altitudeMetres: undefined, satellites: undefined });
  assert.equal(seen.times, [7]);
  tell.alarm(ALARM);
  assert.equal([notes[0]?.action, notes[0]?.object], ['gear.alarm', '130-new']);
  notes.length = 0;
  tell.line({ text: 'Milk 1.20', isLast: false });
  tell.line({ text: 'Sum 1.20', isLast: true });
  assert.equal(notes.splice(0), [{ action: 'gear.receipt', channel: 'cam-1', detail: { lines: ['Milk 1.20', 'Sum 1.20'] } }]);
  tell.line({ text: 'no cutter', isLast: false });
  await clock.advance(5_000);
  assert.is(notes.splice(0).length, 1);
  tell.line({ text: 'last words', isLast: false });
  await service.stop();
  assert.is(notes.splice(0).length, 1);
});

test('a panel gone mad does not fill the log', async () => {
  const { clock, notes, tell, service } = rig();
  await service.start();
  for (let round = 0; round < 500; round += 1) tell.alarm(ALARM);
  assert.is(notes.length, 60);
  await clock.advance(60_000);
  tell.alarm(ALARM);
  assert.is(notes.length, 61);
  await service.stop();
});

test.run();
