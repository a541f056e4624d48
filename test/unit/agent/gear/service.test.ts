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
  const seen = { times: [] as number[], closed: 0, reading: GOOD as UpsReading | undefined, news: 0, isOpen: true, isFull: false };
  const tell = { fix: (_: GpsFix) => {}, alarm: async (_: PanelAlarm): Promise<boolean> => false, line: (_: ReceiptLine) => {} };
  const listener = {
    state: () => ({ isOpen: seen.isOpen, reason: seen.isOpen ? '' : '/dev/ups was unplugged (hang-up).' }),
    watch: () => () => undefined,
    close: async () => {
      seen.closed += 1;
    },
  };
  const read = async (): Promise<UpsReading> => {
    if (seen.reading === undefined) throw new DriverError('serial.timeout', 'silent');
    return seen.reading;
  };
  const listen =
    <T, Answer = void>(name: keyof typeof tell) =>
    (on: (told: T) => Answer) => {
      tell[name] = on as never;
      return listener;
    };
  const ports: GearPorts = {
    ups: { path: '/dev/ups', open: () => ({ ...listener, read }) },
    gps: { path: '/dev/gps', open: listen<GpsFix>('fix') },
    alarms: { path: '/dev/panel', open: listen<PanelAlarm, Promise<boolean>>('alarm') },
    receipts: [{ path: '/dev/till', channel: 'cam-1', open: listen<ReceiptLine>('line') }],
  };
  const log = new TestLog();
  const service = new GearService({
    ...{ ports, clock, log },
    note: async (note) => {
      if (seen.isFull) throw new RangeError('The disk is full.');
      notes.push(note);
    },
    sighted: (at) => seen.times.push(at),
    onPower: () => {
      seen.news += 1;
    },
  });
  /** What a person at the recorder reads of one port. */
  const says = (path: string): string => service.view().find((one) => one.path === path)?.say ?? '';
  return { clock, notes, seen, tell, service, says };
}

test('power: each change once, one lost answer is no news, three are', async () => {
  const { clock, notes, seen, service, says } = rig();
  await service.start();
  assert.is(service.power(), 'unheard');
  const after = async (reading: UpsReading | undefined, ms = 15_000): Promise<readonly (string | undefined)[]> => {
    seen.reading = reading;
    await clock.advance(ms);
    return notes.splice(0).map(({ object }) => object);
  };
  assert.equal(await after(GOOD), []);
  assert.is(says('/dev/ups'), 'mains power is there, battery 13.6 V, load 20 %, 25 °C');
  assert.equal(await after({ ...GOOD, isOnBattery: true }, 30_000), ['mains-lost']);
  assert.match(says('/dev/ups'), /^mains power is gone, it runs on its battery, battery 13\.6 V/);
  // On battery it is asked every 2 s.
  assert.equal(await after({ ...GOOD, isOnBattery: true, isBatteryLow: true }, 2_000), ['battery-low']);
  assert.equal(await after(undefined, 4_000), []);
  assert.equal(await after(undefined, 30_000), ['silent']);
  assert.is(service.power(), 'silent');
  assert.is(says('/dev/ups'), 'does not answer');
  assert.equal(await after({ ...GOOD, isOnBattery: true }), ['answers-again', 'mains-lost']);
  assert.equal(await after({ ...GOOD, load: 0.9 }), ['mains-back']);
  // Volts and load are no news for health, the six changes were.
  assert.is(seen.news, 6);
  seen.isOpen = false;
  assert.is(says('/dev/ups'), '/dev/ups was unplugged (hang-up).');
  await service.stop();
  assert.is(clock.armed, 0);
  assert.is(seen.closed, 4);
  assert.equal(powerChanges(undefined, 'silent'), []);
  assert.equal(powerChanges({ ...GOOD, isOnBattery: true }, { ...GOOD, hasFailed: true }), ['mains-back', 'failed']);
});

test('power: a supply that never answers is told to health, not to the operation log', async () => {
  const { clock, notes, seen, service } = rig();
  seen.reading = undefined;
  await service.start();
  await clock.advance(10_000);
  assert.equal([service.power(), seen.news, notes.length], ['silent', 1, 0]);
  await service.stop();
});

test('time, alarms and receipts go where they belong', async () => {
  const { clock, notes, seen, tell, service, says } = rig();
  await service.start();
  assert.is(says('/dev/gps'), 'no fix; its antenna must see the sky');
  tell.fix({ atMs: clock.now() - 500, latitude: 48.1173, longitude: -11.51667, altitudeMetres: 1, satellites: 8 });
  assert.is(says('/dev/gps'), '48.11730 N 11.51667 W, 8 satellites, the clock agrees with satellite time');
  tell.fix({ atMs: 7, latitude: undefined, longitude: undefined, altitudeMetres: undefined, satellites: undefined });
  assert.match(says('/dev/gps'), /^no place, the clock is \d+ days ahead of satellite time$/);
  tell.fix({ atMs: undefined, latitude: undefined, longitude: undefined, altitudeMetres: undefined, satellites: undefined });
  assert.equal(seen.times, [clock.now() - 500, 7]);
  assert.is(says('/dev/panel'), 'no alarm since the start');
  void tell.alarm(ALARM);
  assert.is(says('/dev/panel'), 'last: burglary (130), new, zone 015');
  assert.is(service.view().find(({ kind }) => kind === 'alarms')?.heardAt, clock.now());
  assert.equal([notes[0]?.action, notes[0]?.object], ['gear.alarm', '130-new']);
  notes.length = 0;
  tell.line({ text: 'Milk 1.20', isLast: false });
  tell.line({ text: 'Sum 1.20', isLast: true });
  assert.equal(notes.splice(0), [{ action: 'gear.receipt', channel: 'cam-1', detail: { lines: ['Milk 1.20', 'Sum 1.20'] } }]);
  tell.line({ text: 'no cutter', isLast: false });
  await clock.advance(5_000);
  assert.is(notes.splice(0).filter(({ action }) => action === 'gear.receipt').length, 1);
  tell.line({ text: 'last words', isLast: false });
  tell.fix({ atMs: clock.now(), latitude: 0, longitude: 0, altitudeMetres: 1, satellites: 8 });
  await clock.advance(9_000);
  assert.match(says('/dev/gps'), /^0\.00000 N/);
  // The sky was not heard for longer than 10 s by now.
  await clock.advance(2_000);
  assert.is(says('/dev/gps'), 'no fix; its antenna must see the sky');
  assert.is(says('/dev/till'), '3 receipts since the start');
  await service.stop();
  assert.is(notes.splice(0).length, 1);
});

test('gear gone mad fills neither the log nor the place of other gear, and an alarm counts as kept only when its row is written', async () => {
  const { clock, notes, seen, tell, service } = rig();
  await service.start();
  for (let round = 0; round < 100; round += 1) tell.line({ text: 'Milk 1.20', isLast: true });
  assert.is(notes.splice(0).length, 60);
  assert.is(await tell.alarm(ALARM), true);
  for (let round = 0; round < 500; round += 1) void tell.alarm(ALARM);
  assert.is(notes.length, 60);
  assert.is(await tell.alarm(ALARM), false);
  await clock.advance(60_000);
  assert.is(await tell.alarm(ALARM), true);
  assert.is(notes.length, 61);
  seen.isFull = true;
  assert.is(await tell.alarm(ALARM), false);
  await service.stop();
});

test.run();
