import type { LocalOwner } from '../contract/control.js';
import type { Operator } from '../contract/statements.js';
import { AgentError } from '../kernel/errors.js';
import { readArguments, readWithIds, SOURCE } from './arguments.js';
import { ask } from './ask.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';
import { codeDetails } from './press.js';
import { count, duration, findId, iso, shortIds, when } from './words.js';

const SHOW_HELP = `sightline owner - who owns this recorder, what was agreed, and with which devices

  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON, times as ISO 8601; owner is null when nobody owns the recorder

Examples:
  sightline owner
  sightline owner --json
`;

const CODE_HELP = `sightline owner code - let the owner add one more device

For 15 minutes, whoever types the code that is shown (once) on a phone or browser adds that one device to the owner's. For a new phone, or when the
old one was lost. The owner's other devices see it in the list of devices and in the operation log.

  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Examples:
  sightline owner code
  sightline owner code --json
`;

const REMOVE_HELP = `sightline owner remove - take one of the owner's devices away (a lost phone)

Counts at once: what it shows now ends, what it asks from now on is refused. Permissions that were given with it stay; withdraw them when in doubt.
The last device cannot be removed: then nobody could manage the recorder any more (see sightline reset).

  KEY              the device's key as "sightline owner" shows it; the beginning is enough
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           the same as JSON

Examples:
  sightline owner remove h3Zk81Qd
  sightline owner remove h3Zk81Qd --json
`;

/** `sightline owner` */
export const ownerCommand: CliCommand = {
  name: 'owner',
  summary: 'who owns this recorder, and with which devices',
  help: SHOW_HELP,
  run: async (args, io) => {
    const options = readArguments('owner', args, {});
    const known = await ask('owner', options, io);
    io.out(options.json === true ? `${JSON.stringify(toJson(known))}\n` : toText(known));
    return EXIT.ok;
  },
};

/** `sightline owner code` */
export const ownerCodeCommand: CliCommand = {
  name: 'owner code',
  summary: 'let the owner add one more device',
  help: CODE_HELP,
  run: async (args, io) => {
    const options = readArguments('owner code', args, SOURCE);
    const opened = await ask('owner-code', options, io, {}, 'the recorder to make a code');
    if (options.json === true) io.out(`${JSON.stringify(opened)}\n`);
    else {
      const time = duration(opened.openS * 1000);
      io.out(
        `The code ${opened.code} adds one device of the owner: it is shown this once and good for ${time}.\n\n${codeDetails(opened, io)}`,
      );
    }
    return EXIT.ok;
  },
};

/** `sightline owner remove` */
export const ownerRemoveCommand: CliCommand = {
  name: 'owner remove',
  summary: 'take one of the owner’s devices away (a lost phone)',
  help: REMOVE_HELP,
  run: removeDevice,
};

async function removeDevice(args: readonly string[], io: CliIo): Promise<number> {
  const { values, ids } = readWithIds('owner remove', args, SOURCE);
  const [word] = ids;
  if (word === undefined || ids.length > 1) {
    throw new AgentError({ code: 'cli.usage', say: 'Which device? One key is needed.', fix: 'See sightline owner for the keys.' });
  }
  const { owner } = await ask('owner', values, io);
  const kid = findId(word, owner?.devices.map((device) => device.kid) ?? [], 'device key');
  if (kid === undefined) {
    throw new AgentError({
      code: 'cli.unknown_id',
      say:
        owner === null ? 'Nobody owns this recorder: there is no device to remove.' : `None of the owner’s devices has the key "${word}".`,
      fix: 'Nothing was done. See sightline owner for the keys.',
    });
  }
  const gone = await ask('owner-remove', values, io, { kid });
  const ended = gone.sessionsEnded === 0 ? '' : ` ${count(gone.sessionsEnded, 'running picture')} ended.`;
  if (values.json === true) io.out(`${JSON.stringify(gone)}\n`);
  else io.out(`${gone.name} is not the owner’s any more.${ended} ${count(gone.devicesLeft, 'device is', 'devices are')} left.\n`);
  return EXIT.ok;
}

/** Stable: fields are added, never changed. */
function toJson({ now, serial, owner, operator, isOperatorAgreed }: LocalOwner): unknown {
  const told =
    owner === null
      ? null
      : {
          ...owner,
          since: iso(owner.since),
          consent: { ...owner.consent, at: iso(owner.consent.at) },
          devices: owner.devices.map((device) => ({ ...device, addedAt: iso(device.addedAt) })),
        };
  return { now: iso(now), serial, owner: told, operator, isOperatorAgreed };
}

function toText(known: LocalOwner): string {
  const { owner, now, serial } = known;
  if (owner === null) {
    return `Nobody owns this recorder (${serial}).\n\nPress its button for 3 seconds (or sightline press), then pair with the code on its label.\n`;
  }
  const { person, role, site, since, consent, devices } = owner;
  const who = `${person.name} <${person.email}>`;
  const first =
    role === 'owner'
      ? `${who} owns this recorder.`
      : `${who} has set this recorder up and is to hand it over to its owner. Until then nobody sees pictures from afar.`;
  const short = shortIds(devices.map(({ kid }) => kid));
  const facts = columns([
    ['site', site],
    ['recorder', serial],
    ['since', when(since, now)],
    ['role', role === 'owner' ? 'owner' : 'installer, until the hand-over'],
    [
      'consent',
      `${when(consent.at, now)}, text ${consent.textVersion}${consent.isStale ? ': the text has changed since, the owner is to agree anew' : ''}`,
    ],
    ['cloud', cloud(known, consent.operator)],
  ]);
  const table = columns([
    ['KEY', 'DEVICE', 'ADDED'],
    ...devices.map(({ kid, name, addedAt }) => [short.get(kid) ?? kid, name, when(addedAt, now)]),
  ]);
  return `${first}\n\n${facts}\n\n${table}\n`;
}

function cloud({ operator, isOperatorAgreed }: LocalOwner, agreed: Operator | null): string {
  if (operator === null) return 'none is set up';
  if (isOperatorAgreed) return `${named(operator)}, agreed to`;
  const to = agreed === null ? 'none' : named(agreed);
  return `${named(operator)} is set up, but the owner agreed to ${to}: the recorder stays silent until the owner agrees anew`;
}

function named({ name, region, host }: Operator): string {
  return `${name} (region ${region}, ${host})`;
}
