/**
 * Contact-ID (SIA DC-05), what alarm panels report: account, 18, qualifier, event, partition, zone. Read in two forms: as the receiver prints it for a
 * computer (Sur-Gard: `5RRL 18AAAAQEEEGGCCC` and DC4), and as the panel sends it (16 digits, the last of which makes the sum a multiple of 15). Pure.
 */
import type { PanelAlarm } from '../port.js';

/** What ends a line: DC4 of the receivers, CR and LF of everything else. */
export const CONTACT_ID_ENDS = [0x14, 0x0d, 0x0a] as const;
/** Longer than any line. */
export const CONTACT_ID_LINE_BYTES = 64;
/** What the receiver waits for; it repeats itself otherwise. */
export const CONTACT_ID_ACK = Buffer.from([0x06]);

/** The shortest sign of life. */
const LEAST_BYTES = 6;
const PRINTED = /5[0-9A-F]{2}[0-9A-F] 18([0-9B-F]{4})([ERP])(\d{3})(\d{2})(\d{3})$/;
const RAW = /^([0-9B-F]{4})(?:18|98)([136])([0-9B-F]{3})([0-9B-F]{2})([0-9B-F]{3})([0-9A-F])$/;
/** The receiver says that it lives; wants its answer too. */
const HEARTBEAT = /1[0-9A-F]{3} +@$/;

const KINDS = { E: 'new', R: 'restored', P: 'still', '1': 'new', '3': 'restored', '6': 'still' } as const;

/** What a line is: an alarm, a sign of life, or nothing that we know. */
export type ContactIdLine = PanelAlarm | 'alive' | undefined;

/** Reads one line. Never throws. */
export function readContactId(line: Uint8Array): ContactIdLine {
  if (line.length < LEAST_BYTES) return undefined;
  const text = Buffer.from(line).toString('latin1').trim();
  if (HEARTBEAT.test(text)) return 'alive';
  const printed = PRINTED.exec(text);
  const raw = printed === null ? RAW.exec(text) : null;
  if (raw !== null && !isSumRight(text)) return undefined;
  const [, account, qualifier, event, partition, zone] = printed ?? raw ?? [];
  if (account === undefined || event === undefined || partition === undefined || zone === undefined) return undefined;
  return { account, kind: KINDS[qualifier as keyof typeof KINDS], event, meaning: meaningOf(event), partition, zone };
}

/** Digits count as themselves, 0 as 10, letters as in hexadecimal. */
function isSumRight(text: string): boolean {
  let sum = 0;
  for (const digit of text) sum += digit === '0' ? 10 : Number.parseInt(digit, 16);
  return sum % 15 === 0;
}

const EVENTS: Readonly<Record<string, string>> = {
  '100': 'medical',
  '110': 'fire',
  '111': 'smoke',
  '120': 'panic',
  '121': 'duress',
  '122': 'silent panic',
  '123': 'audible panic',
  '130': 'burglary',
  '131': 'perimeter',
  '132': 'interior',
  '133': '24 hours',
  '134': 'entry or exit',
  '137': 'tamper',
  '144': 'sensor tamper',
  '150': '24 hours, no burglary',
  '151': 'gas',
  '154': 'water',
  '301': 'mains power lost',
  '302': 'battery low',
  '350': 'communication trouble',
  '380': 'sensor trouble',
  '401': 'opened or closed by a user',
  '406': 'cancelled by a user',
  '409': 'opened or closed by key',
  '570': 'zone bypassed',
  '602': 'periodic test',
};
const GROUPS: Readonly<Record<string, string>> = {
  '1': 'alarm',
  '2': 'supervision',
  '3': 'trouble',
  '4': 'opening or closing',
  '5': 'bypass or disabling',
  '6': 'test',
};

function meaningOf(event: string): string {
  return EVENTS[event] ?? GROUPS[event[0] ?? ''] ?? 'unknown';
}
