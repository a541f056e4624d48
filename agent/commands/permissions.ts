import type { LocalApplication, LocalGrant, LocalPermissions } from '../contract/control.js';
import { readArguments } from './arguments.js';
import { ask } from './ask.js';
import { type CliCommand, columns, EXIT } from './command.js';
import { atHours, count, duration, iso, isoOrNull, mayDo, shortIds, when, whichCameras } from './words.js';

const HELP = `sightline permissions list - who may do what on this recorder, and until when

Also who asks for permission: the owner answers that in the app or on the recorder's own page, not here.

  --all            also permissions that have ended
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           everything as JSON, ended ones included, times as ISO 8601

Examples:
  sightline permissions list
  sightline permissions list --all --json
`;

/** `sightline permissions list` */
export const permissionsListCommand: CliCommand = {
  name: 'permissions list',
  summary: 'who may do what, and until when',
  help: HELP,
  run: async (args, io) => {
    const options = readArguments('permissions list', args, { all: { type: 'boolean' } });
    const held = await ask('permissions', options, io);
    io.out(options.json === true ? `${JSON.stringify(toJson(held))}\n` : toText(held, options.all === true));
    return EXIT.ok;
  },
};

/** Stable: fields are added, never changed. */
function toJson({ now, site, grants, applications }: LocalPermissions): unknown {
  return {
    now: iso(now),
    site,
    grants: grants.map(({ from, until, endedAt, ...rest }) => ({
      ...rest,
      from: iso(from),
      until: iso(until),
      endedAt: isoOrNull(endedAt),
    })),
    applications: applications.map(({ at, durationMs, ...rest }) => ({ ...rest, durationS: durationMs / 1000, at: iso(at) })),
  };
}

function toText(held: LocalPermissions, isAll: boolean): string {
  const running = held.grants.filter(({ state }) => state === 'in-force');
  const ended = held.grants.filter(({ state }) => state !== 'in-force');
  const short = shortIds(held.grants.map(({ id }) => id));
  const parts = [answer(held, running)];
  if (running.length > 0) parts.push(grantTable(running, held.now, short));
  if (isAll && ended.length > 0) parts.push(`Ended:\n${endedTable(ended, held.now, short)}`);
  if (held.applications.length > 0)
    parts.push(`Waiting for the owner's answer, in the app or on the recorder's own page:\n${asking(held.applications, held.now)}`);
  return `${parts.join('\n\n')}\n`;
}

function answer({ site, applications, now }: LocalPermissions, running: readonly LocalGrant[]): string {
  if (site === null) return 'Nobody owns this recorder, so nobody may do anything.';
  const asked = applications.length === 0 ? '' : ` ${count(applications.length, 'application waits', 'applications wait')} for the owner.`;
  const watching = running.filter(({ scopes }) => scopes.includes('live-view') || scopes.includes('playback'));
  const [only] = running;
  if (only === undefined) return `Nobody but the owner may do anything.${asked}`;
  if (running.length === 1) return `${only.organisation} may ${mayDo(only.scopes)} until ${when(only.until, now)}.${asked}`;
  const who = watching.length === 0 ? 'none of them to watch' : `${watching.length} of them to watch`;
  return `${running.length} permissions are in force, ${who}.${asked}`;
}

function grantTable(grants: readonly LocalGrant[], now: number, short: ReadonlyMap<string, string>): string {
  const hasHours = grants.some(({ hours }) => hours !== null);
  const row = (id: string, who: string, may: string, cameras: string, hours: string, until: string): string[] =>
    hasHours ? [id, who, may, cameras, hours, until] : [id, who, may, cameras, until];
  return columns([
    row('ID', 'WHO', 'MAY', 'CAMERAS', 'HOURS', 'UNTIL'),
    ...grants.map(({ id, organisation, scopes, cams, hours, until }) =>
      row(short.get(id) ?? id, organisation, mayDo(scopes), whichCameras(cams), atHours(hours) || 'any', when(until, now)),
    ),
  ]);
}

function endedTable(grants: readonly LocalGrant[], now: number, short: ReadonlyMap<string, string>): string {
  return columns([
    ['ID', 'WHO', 'COULD', 'CAMERAS', 'ENDED'],
    ...grants.map(({ id, organisation, scopes, cams, state, endedAt, until }) => {
      const how = state === 'expired' ? 'ran out' : 'taken back';
      return [short.get(id) ?? id, organisation, mayDo(scopes), whichCameras(cams), `${how} ${when(endedAt ?? until, now)}`];
    }),
  ]);
}

function asking(applications: readonly LocalApplication[], now: number): string {
  return columns([
    ['WHO', 'FROM', 'WANTS TO', 'CAMERAS', 'FOR', 'ASKED', 'NOTE'],
    ...applications.map(({ person, organisation, scopes, cams, durationMs, at, note }) => [
      person.name,
      organisation,
      mayDo(scopes),
      whichCameras(cams),
      duration(durationMs),
      when(at, now),
      note || '-',
    ]),
  ]);
}
