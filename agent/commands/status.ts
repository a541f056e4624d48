import type { LocalStatus } from '../contract/control.js';
import { readArguments } from './arguments.js';
import { ask } from './ask.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { iso, when } from './words.js';

const HELP = `sightline status - how the running agent is

  --state FOLDER   its state folder (default /var/lib/sightline)
  --json           the same as JSON, times as ISO 8601

Examples:
  sightline status
  sightline status --state ./state --json
`;

/** `sightline status` */
export const statusCommand: CliCommand = { name: 'status', summary: 'how the running agent is', help: HELP, run };

const COLOUR = { ok: '32', attention: '33', act: '31' } as const;

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('status', args, {});
  const status = await ask('status', options, io);
  if (options.json === true) io.out(`${JSON.stringify({ ...status, now: iso(status.now), startedAt: iso(status.startedAt) })}\n`);
  else io.out(toText(status, io.hasColours === true));
  return EXIT.ok;
}

function toText(status: LocalStatus, hasColours: boolean): string {
  const { level, sentence } = status.verdict;
  const first = hasColours ? `\u001b[${COLOUR[level]}m${sentence}\u001b[0m` : sentence;
  const rows = columns([
    ['recorder', `${status.serial}, ${pairing(status)}`],
    ['version', `${status.version}, running since ${when(status.startedAt, status.now)}`],
    ['clock', clock(status)],
    ['cloud', cloud(status)],
    ['watching', status.watching === 0 ? 'nobody' : String(status.watching)],
    ...status.serialPorts.map(({ path, isOpen, reason }) => [path, isOpen ? 'open' : reason]),
    ...status.gear.map((gear) => [gear.where, gearLine(gear, status.now)]),
    ...status.cameras.map((camera) => [
      camera.id,
      `${camera.name} (${camera.model || 'unknown model'}): ${camera.reason?.say ?? camera.state}`,
    ]),
  ]);
  return `${first}\n\n${rows}\n`;
}

const GEAR: Readonly<Record<LocalStatus['gear'][number]['kind'], string>> = {
  ups: 'power supply',
  gps: 'satellite receiver',
  alarms: 'alarm panel',
  receipts: 'till',
  'network-ptz': 'PTZ over the network',
};

/** Of what comes by chance it matters when it came; the rest is heard all the time. */
function gearLine({ kind, channel, isOpen, say, heardAt }: LocalStatus['gear'][number], now: number): string {
  const isByChance = kind === 'alarms' || kind === 'receipts';
  const heard = isByChance && isOpen && heardAt !== null ? `, ${when(heardAt, now)}` : '';
  return `${GEAR[kind]}${channel === null ? '' : ` (${channel})`}: ${say}${heard}`;
}

function pairing({ isPaired, isPairingOpen }: LocalStatus): string {
  if (isPaired) return isPairingOpen ? 'has an owner, who may add a device now' : 'has an owner';
  return isPairingOpen ? 'waits for pairing' : 'has no owner; press its button to pair';
}

function clock({ now, clock: { quality, isKnown } }: LocalStatus): string {
  const from = { ntp: 'set by network time', rtc: 'by its battery clock', floor: 'not before this' }[quality];
  return `${iso(now).slice(0, 19)}Z, ${from}${isKnown ? '' : '; the time was lost: set it, or let the owner give a permission, before anybody can watch'}`;
}

function cloud({ isOperatorAgreed, isCloudConnected }: LocalStatus): string {
  if (!isOperatorAgreed) return 'silent: the owner agreed to another operator (see sightline owner)';
  return isCloudConnected ? 'connected' : 'not connected';
}
