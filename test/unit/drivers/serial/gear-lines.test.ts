import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CONTACT_ID_ENDS, CONTACT_ID_LINE_BYTES, readContactId } from '../../../../drivers/serial/contact-id.js';
import { LineReader } from '../../../../drivers/serial/lines.js';
import { readMegatec } from '../../../../drivers/serial/megatec.js';
import { NMEA_ENDS, NMEA_LINE_BYTES, NmeaFix, readNmea } from '../../../../drivers/serial/nmea.js';
import { blankCards, ReceiptReader } from '../../../../drivers/serial/receipt.js';

const line = (text: string): Uint8Array => Buffer.from(text, 'latin1');

test('Megatec: the example of the protocol, flags, dashes for the temperature, and what is none', () => {
  assert.equal(readMegatec(line('(208.4 140.0 208.4 034 59.9 2.05 35.0 00110000')), {
    inputVolts: 208.4,
    outputVolts: 208.4,
    load: 0.34,
    inputHertz: 59.9,
    batteryVolts: 2.05,
    celsius: 35,
    isOnBattery: false,
    isBatteryLow: false,
    hasFailed: true,
    isTesting: false,
    isShuttingDown: false,
  });
  const low = readMegatec(line('\u0000x(000.0 000.0 230.1 021 50.0 11.4 --.- 11001110'));
  assert.equal(
    [low?.isOnBattery, low?.isBatteryLow, low?.hasFailed, low?.isTesting, low?.isShuttingDown, low?.celsius],
    [true, true, false, true, true, undefined],
  );
  for (const bad of [
    'Q1',
    '(NAK',
    '208.4 140.0 208.4 034 59.9 2.05 35.0 00110000',
    '(208.4 140.0 208.4 034 59.9 2.05 35.0 0011000',
    '(208.4 140.0 2x8.4 034 59.9 2.05 35.0 00110000',
  ])
    assert.is(readMegatec(line(bad)), undefined, bad);
});

test('NMEA: place and time of the published example, south and west, wrong sums', () => {
  const rmc = readNmea(line('$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A'));
  // Two-digit years count from 2000: no receiver of today tells 1994.
  assert.is(rmc?.atMs, Date.UTC(2094, 2, 23, 12, 35, 19));
  assert.ok(Math.abs((rmc?.latitude ?? 0) - 48.1173) < 0.0001 && Math.abs((rmc?.longitude ?? 0) - 11.5166667) < 0.0001);
  const gga = readNmea(line('$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47'));
  assert.equal([gga?.satellites, gga?.altitudeMetres], [8, 545.4]);
  assert.is(readNmea(line('$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*48')), undefined);
  const withSum = (text: string): string =>
    `$${text}*${[...text]
      .reduce((sum, one) => sum ^ one.charCodeAt(0), 0)
      .toString(16)
      .padStart(2, '0')}`;
  const south = readNmea(line(withSum('GNRMC,235959.500,A,3352.000,S,07030.000,W,0,0,311226,,,A')));
  assert.ok((south?.latitude ?? 0) < -33 && (south?.longitude ?? 0) < -70);
  assert.is(south?.atMs, Date.UTC(2026, 11, 31, 23, 59, 59, 500));
  assert.is(readNmea(line(withSum('GPZDA,120000.00,31,02,2026,00,00')))?.atMs, undefined, '31 February');
  assert.is(readNmea(line(withSum('GPZDA,120000.00,24,11,2026,00,00')))?.atMs, Date.UTC(2026, 10, 24, 12));
  const fix = new NmeaFix();
  assert.is(fix.take(line(withSum('GPGGA,120000,4807.038,N,01131.000,E,1,07,1,10.0,M,0,M,,'))), undefined);
  const told = fix.take(line(withSum('GPZDA,120000.00,24,11,2026,00,00')));
  assert.equal([told?.satellites, told?.atMs], [7, Date.UTC(2026, 10, 24, 12)]);
  // The sky is gone: what was known is forgotten.
  assert.is(fix.take(line(withSum('GPRMC,120001,V,,,,,,,241126,,'))), undefined);
  assert.is(fix.take(line(withSum('GPZDA,120002.00,24,11,2026,00,00')))?.latitude, undefined);
});

test('Contact-ID: the example of the manual, restores, raw digits with their sum, signs of life', () => {
  assert.equal(readContactId(line('5011 181234E12101001')), {
    account: '1234',
    kind: 'new',
    event: '121',
    meaning: 'duress',
    partition: '01',
    zone: '001',
  });
  const restored = readContactId(line('5011 18B234R13002015'));
  assert.ok(typeof restored === 'object' && restored.kind === 'restored' && restored.account === 'B234' && restored.meaning === 'burglary');
  // 1+2+3+4 + 1+8 + 1 + 1+3+1 + 10+1 + 10+1+5 = 52; 60 - 52 = 8.
  assert.ok(typeof readContactId(line('1234181131010158')) === 'object');
  assert.is(readContactId(line('1234181131010159')), undefined);
  assert.is(readContactId(line('1011           @')), 'alive');
  assert.is(readContactId(line('hello')), undefined);
});

test('receipts: sequences are taken out, cuts end them, cards are blanked', () => {
  const reader = new ReceiptReader();
  const push = (text: string) => reader.push(line(text));
  assert.equal(push('\u001b@\u001ba\u0001SHOP\n\u001b!\u0020Milk   1.20\r\n\r\n'), [
    { text: 'SHOP', isLast: false },
    { text: 'Milk   1.20', isLast: false },
  ]);
  assert.equal(push('Card 4111 1111 1111 1111\n'), [{ text: 'Card **** **** **** 1111', isLast: false }]);
  assert.equal(push('K\u0084se 2.00 \u00e1\n'), [{ text: 'Käse 2.00 ß', isLast: false }]);
  // A bar code and a picture in between.
  assert.equal(push('\u001dk\u0004ABC\u0000A\u001dv0\u0000\u0001\u0000\u0002\u0000\nxB\n'), [{ text: 'AB', isLast: false }]);
  assert.equal(push('sum\u001dV\u0042\u0000'), [{ text: 'sum', isLast: true }]);
  assert.equal(reader.push(Buffer.from('€ 5\n')), [{ text: '€ 5', isLast: false }]);
  assert.is(blankCards('order 1234567890123'), 'order 1234567890123');
  // Digits right beside a card do not hide it; those that make up a right number with some of it go too.
  for (const [printed, kept] of [
    ['VISA 1 4111 1111 1111 1111', 'VISA 1 **** **** **** 1111'],
    ['12-25 4111111111111111', '**-** ************1111'],
    ['4111111111111111 0012345', '**************** ***2345'],
    ['TERM 0012 4111111111111111', 'TERM 00** ************1111'],
  ] as const)
    assert.is(blankCards(printed), kept);
});

test('fast-check: no line of any bytes throws, and a good one is found behind any noise that ends', () => {
  const noise = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(noise, fc.integer({ min: 1, max: 30 }), (bytes, size) => {
      const [nmea, alarm] = [new LineReader(NMEA_ENDS, NMEA_LINE_BYTES), new LineReader(CONTACT_ID_ENDS, CONTACT_ID_LINE_BYTES)];
      const receipts = new ReceiptReader();
      for (let at = 0; at < bytes.length; at += size) {
        const piece = bytes.subarray(at, at + size);
        for (const one of nmea.push(piece)) readNmea(one);
        for (const one of alarm.push(piece)) readContactId(one);
        for (const one of receipts.push(piece)) assert.ok(one.text.length <= 200);
      }
      readMegatec(bytes);
      const last = alarm.push(line('\r\n5011 181234E12101001\u0014')).at(-1);
      assert.is(typeof (last === undefined ? undefined : readContactId(last)), 'object');
      const sentence = nmea.push(line('\r\n$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n')).at(-1);
      assert.is(sentence === undefined ? undefined : readNmea(sentence)?.satellites, 8);
    }),
    { numRuns: 400 },
  );
});

test.run();
