import type { OpenCode } from '../contract/control.js';
import { terminalQr } from '../identity/label-art.js';
import { readArguments, SOURCE } from './arguments.js';
import { ask } from './ask.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { duration } from './words.js';

const HELP = `sightline press - as if the button on the recorder were pressed for 3 seconds

Opens the pairing window for 15 minutes and forgives failed tries. With a printed label the code on it counts again; without one a new code is made
and shown, once. Only while the recorder has no owner.

  --new-code       make a new code although there is a printed label (lost, or read by the wrong people)
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON; code and label are null when the printed label counts

Examples:
  sightline press
  sightline press --new-code --json
`;

/** `sightline press` */
export const pressCommand: CliCommand = { name: 'press', summary: 'open the pairing window, as the button does', help: HELP, run };

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('press', args, { ...SOURCE, 'new-code': { type: 'boolean' } });
  const opened = await ask('press', options, io, { newCode: options['new-code'] === true }, 'the recorder to make a code');
  if (options.json === true) io.out(`${JSON.stringify(opened)}\n`);
  else io.out(pressed(opened, io));
  return EXIT.ok;
}

function pressed(opened: OpenCode, io: CliIo): string {
  const time = duration(opened.openS * 1000);
  if (opened.code === null)
    return `Pair now, with the code on the printed label: the window is open for ${time}.\n\nserial number  ${opened.serial}\n`;
  return `Pair now, with the verification code ${opened.code}: it is shown this once and good for ${time}.\n\n${codeDetails(opened, io)}`;
}

/** Serial number, code, and the QR code of both where somebody can scan it. */
export function codeDetails({ serial, code, label }: OpenCode, io: CliIo): string {
  const rows = columns([
    ['serial number', serial],
    ['code', code ?? 'on the printed label'],
  ]);
  const qr = label !== null && io.hasColours === true ? `\n${terminalQr(label, true)}\n` : '';
  return `${rows}\n${qr}`;
}
