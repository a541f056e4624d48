import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DriverError, DriverLog, GpsFix, PanelAlarm, ReceiptLine, SerialPortSettings } from '../../../../drivers/port.js';
import { createSerialGearFactory } from '../../../../drivers/serial/gear.js';
import type { OpenSerialLine, SerialLineEvents } from '../../../../drivers/serial/line.js';
import { pelcoDQuery } from '../../../../drivers/serial/pelco-d.js';
import { createSerialTools } from '../../../../drivers/serial/tools.js';
import { ManualClock, settle } from '../../../support/manual-clock.js';

const quiet: DriverLog = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const PORT: SerialPortSettings = { path: '/dev/ttyS9', baudRate: 2400, parity: 'none' };
const UPS = '(230.4 230.4 230.4 021 50.0 13.6 25.0 10000000\r';
const signal = new AbortController().signal;

/** A port whose far end answers by `answer`: hex or text of what was written, what comes back. */
function rig(answer: (written: Buffer, settings: SerialPortSettings) => string | Buffer | undefined = () => undefined) {
  const clock = new ManualClock();
  const port = { written: [] as string[], hear: (_: string) => {}, lose: () => {}, opened: [] as number[], closed: 0, isThere: true };
  const openLine: OpenSerialLine = async (settings, events: SerialLineEvents) => {
    port.opened.push(settings.baudRate);
    port.hear = (text) => events.onData(Buffer.from(text, 'latin1'));
    port.lose = () => events.onLost('EIO');
    return {
      write: async (bytes) => {
        port.written.push(bytes.toString('latin1'));
        const back = answer(bytes, settings);
        if (back !== undefined) events.onData(Buffer.from(back as string, 'latin1'));
      },
      close: async () => {
        port.closed += 1;
      },
    };
  };
  const parts = { clock, log: quiet, openLine };
  return { clock, port, gear: createSerialGearFactory(parts), tools: createSerialTools(parts) };
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: DriverError) => error.code,
  );

test('a supply is asked, once for two who ask together; silence, loss and an end each have their reason', async () => {
  let isSilent = false;
  const { clock, port, gear } = rig(() => (isSilent ? undefined : `noise${UPS}`));
  const ups = gear.ups(PORT);
  assert.is(await codeOf(ups.read({ signal })), 'serial.unavailable');
  await settle();
  isSilent = true;
  const both = [ups.read({ signal }), ups.read({ signal })];
  port.hear(UPS);
  assert.equal(
    (await Promise.all(both)).map(({ isOnBattery }) => isOnBattery),
    [true, true],
  );
  assert.equal(port.written, ['Q1\r']);
  const silent = codeOf(ups.read({ signal }));
  await clock.advance(2_000);
  assert.is(await silent, 'serial.timeout');
  const lost = codeOf(ups.read({ signal }));
  port.lose();
  assert.is(await lost, 'serial.unavailable');
  await clock.advance(1_000);
  const closed = codeOf(ups.read({ signal }));
  await ups.close();
  assert.is(await closed, 'driver.aborted');
  assert.is(clock.armed, 0);
});

test('listeners tell what comes in, and the panel is answered only for what was understood and kept', async () => {
  const { port, gear } = rig();
  const alarms: PanelAlarm[] = [];
  let keep: (answer: boolean | Promise<boolean>) => void = () => undefined;
  const panel = gear.alarms(PORT, (alarm) => {
    alarms.push(alarm);
    return new Promise((resolve) => {
      keep = resolve;
    });
  });
  await settle();
  port.hear('5011 181234E1210');
  port.hear('1001\u0014garbage\u0014');
  await settle();
  assert.equal(port.written, [], 'its row is being written');
  keep(true);
  await settle();
  assert.equal(port.written.splice(0), ['\u0006']);
  for (const kept of [() => false, () => Promise.reject(new RangeError('The disk is full.'))]) {
    port.hear('5011 181234E13001015\u0014');
    keep(kept());
    await settle();
    assert.equal(port.written, [], 'it is to be said again');
  }
  port.hear('1011           @\u0014');
  assert.equal(
    alarms.map(({ event }) => event),
    ['121', '130', '130'],
  );
  assert.equal(port.written, ['\u0006']);
  await panel.close();
  const fixes: GpsFix[] = [];
  const gps = gear.gps(PORT, (fix) => fixes.push(fix));
  await settle();
  port.hear('$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n');
  assert.is(fixes.length, 1);
  await gps.close();
  const lines: ReceiptLine[] = [];
  const till = gear.receipts(PORT, (one) => lines.push(one));
  await settle();
  port.hear('Milk 1.20\n');
  assert.equal(lines, [{ text: 'Milk 1.20', isLast: false }]);
  await till.close();
});

test('a scan finds what answers at its own speed, numbers the chain first, and tells what it tries', async () => {
  const { clock, port, tools } = rig((written, { baudRate }) => {
    const hex = written.toString('hex');
    if (baudRate === 9600 && hex === '883001ff') return Buffer.from('883002ff', 'hex').toString('latin1');
    if (baudRate === 9600 && hex === '81090002ff') return Buffer.from('9050000105110200' + '02ff', 'hex').toString('latin1');
    // A two-wire adapter: our own bytes come back first.
    const reply = Buffer.from('ff0300594650f2', 'hex');
    if (baudRate === 2400 && written.equals(pelcoDQuery(3, 'pan'))) return Buffer.concat([written, reply]).toString('latin1');
    return undefined;
  });
  const tried: string[] = [];
  const found: unknown[] = [];
  const scanning = (async () => {
    for await (const one of tools.scan('/dev/ttyS9', { signal, baudRates: [9600, 2400], onTry: (words) => tried.push(words) }))
      found.push(one);
  })();
  await clock.advance(20_000);
  await scanning;
  assert.equal(found, [
    { protocol: 'visca', address: 1, says: 'Sony, model 0511, version 0200', baudRate: 9600, parity: 'none' },
    { protocol: 'pelco-d', address: 3, says: 'looks at 180.00°', baudRate: 2400, parity: 'none' },
  ]);
  assert.equal(tried, ['VISCA at 9600 baud', 'Pelco-D at 9600 baud', 'VISCA at 2400 baud', 'Pelco-D at 2400 baud']);
  assert.equal([port.opened, port.closed], [[9600, 2400], 2]);
  assert.is(clock.armed, 0);
});

test('a candidate is nudged and stopped, and the port is free again', async () => {
  const { clock, port, tools } = rig();
  const options = { signal, protocols: ['pelco-d' as const], baudRates: [2400], addresses: [1, 2] };
  const [first, second] = tools.candidates(options);
  assert.equal([first?.address, second?.address], [1, 2]);
  const nudging = first === undefined ? undefined : tools.nudge('/dev/ttyS9', first, options);
  await clock.advance(2_000);
  await nudging;
  assert.equal(
    port.written.map((one) => Buffer.from(one, 'latin1').toString('hex')),
    ['ff010002200023', 'ff010000000001'],
  );
  assert.is(port.closed, 1);
});

test('monitoring tells bytes and meaning', async () => {
  const { clock, port, tools } = rig();
  const heard: string[] = [];
  const ear = tools.monitor(PORT, ({ hex, meaning }) => heard.push(`${hex} ${meaning}`));
  await settle();
  port.hear(Buffer.from('ff010000000001', 'hex').toString('latin1'));
  assert.equal(heard, ['ff010000000001 Pelco-D 1: stop']);
  await ear.close();
  assert.is(clock.armed, 0);
});

test.run();
