import type { CameraRegistry } from '../cameras/registry.js';
import { formatCode, labelText } from '../contract/code.js';
import type { ControlActs, ControlSource, LocalOwner, LocalPermissions, LocalStatus, OpenCode } from '../contract/control.js';
import type { Operator } from '../contract/statements.js';
import type { NamePlate } from '../contract/stored.js';
import type { PermissionsInfo } from '../contract/views.js';
import type { Sampler } from '../health/sampler.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import { VERSION } from '../kernel/version.js';
import type { LiveService } from '../live/service.js';
import type { JsonObject } from '../operation-log/entry.js';
import type { OperationLog } from '../operation-log/ports.js';
import type { PairingService } from '../pairing/service.js';
import type { Permissions } from '../permissions/service.js';
import type { OutboxStore } from '../store/outbox-store.js';
import type { StateStore } from '../store/state-store.js';
import { type CameraActParts, cameraActs } from './camera-acts.js';
import type { CloudSide } from './cloud-side.js';
import type { FlooredClock } from './floored-clock.js';
import type { GearSide } from './gear.js';
import { withLooks } from './local-looks.js';
import { type LogActParts, logActs } from './log-acts.js';
import { by, logged } from './logged.js';
import { resetRecorder } from './reset.js';
import type { SerialSide } from './serial.js';
import { type StoreParts, withStoreTruth } from './store-truth.js';

/** What the command line reaches. `region` (2 to 4 letters) stands on the label; `startedAt` in ms since 1970. */
export interface LocalParts extends LogActParts, CameraActParts {
  readonly buses: Pick<SerialSide, 'ports' | 'ear' | 'heads'>;
  readonly gear: Pick<GearSide, 'view'>;
  readonly startedAt: number;
  readonly permissions: Pick<
    Permissions,
    'owner' | 'ownerDevice' | 'isOperatorAgreed' | 'list' | 'decline' | 'withdrawLocally' | 'removeDevice' | 'reset' | 'erasureDone'
  >;
  readonly pairing: Pick<PairingService, 'isOpen' | 'openForS' | 'press' | 'openJoin' | 'makeLabel' | 'retire'>;
  readonly operationLog: OperationLog & StoreParts['operationLog'];
  readonly cameras: CameraActParts['cameras'] & Pick<CameraRegistry, 'setLogin'>;
  readonly live: Pick<LiveService, 'sessions'>;
  readonly health: Pick<Sampler, 'now'>;
  readonly cloud: { readonly link: Pick<CloudSide['link'], 'isOnline'>; readonly refusals: CloudSide['refusals'] };
  /** With whom the recorder is set up to speak; null: no cloud. */
  readonly operator: Operator | null;
  readonly stores: {
    readonly state: Pick<StateStore, 'keys' | 'delete' | 'scrub' | 'get' | 'put'>;
    readonly ballast: StoreParts['stores']['ballast'];
    readonly outbox: Pick<OutboxStore, 'clear'>;
  };
  readonly time: Pick<FlooredClock, 'quality' | 'isTimeKnown'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly plate: Pick<NamePlate, 'model'>;
  readonly serial: string;
  readonly region: string;
}

/** What a person at the recorder may do: by the command line, by the button. Each act stands in the log before and after. */
export function localActs(parts: LocalParts): ControlActs {
  return withLooks(parts, {
    status: async () => {
      // A real read from the disk: the watchdog is fed by this answer, and an agent whose storage hangs must not look alive.
      await parts.operationLog.list({ limit: 1, newestFirst: true });
      const status = statusOf(parts);
      return { ...status, verdict: await withStoreTruth(parts, status.verdict) };
    },
    'serial-traffic': async ({ path, after }) => parts.buses.ear.traffic(path, after),
    press: async ({ newCode = false }, source) => {
      const { code } = await logged(parts, { ...by(source), action: 'pairing.press', after: { isNewCode: newCode } }, () =>
        parts.pairing.press({ newCode }),
      );
      return openCode(parts, code);
    },
    label: async ({ again = false }, source) => {
      const code = await logged(parts, { ...by(source), action: 'pairing.label', after: { isAgain: again } }, () =>
        parts.pairing.makeLabel({ again }),
      );
      return { serial: parts.serial, model: parts.plate.model, code: formatCode(code), label: labelText({ ...parts, code }) };
    },
    permissions: async () => permissionsOf(parts),
    withdraw: ({ ids }, source) => withdraw(parts, ids, source),
    owner: async () => ownerOf(parts),
    'owner-code': async (_args, source) =>
      openCode(parts, await logged(parts, { ...by(source), action: 'owner.open-window' }, () => parts.pairing.openJoin())),
    'owner-remove': async ({ kid }, source) => {
      const name = parts.permissions.ownerDevice(kid)?.name ?? '';
      const entry = { ...by(source), action: 'owner.remove-device', object: kid, before: { deviceName: name } } as const;
      const { closed } = await logged(parts, entry, () => parts.permissions.removeDevice(kid));
      return { kid, name, sessionsEnded: closed.length, devicesLeft: parts.permissions.owner?.devices.length ?? 0 };
    },
    reset: (_args, source) => resetRecorder(parts, source),
    ...logActs(parts),
    ...cameraActs(parts),
  });
}

/** The row of the intent is on its way while sessions end: neither a full nor a slow disk may keep a picture running that somebody stops. */
async function withdraw(parts: LocalParts, ids: readonly string[] | undefined, source: ControlSource) {
  const { permissions, operationLog, log } = parts;
  const entry = { ...by(source), action: 'permissions.withdraw', object: ids?.length === 1 ? ids[0] : undefined } as const;
  const before = new Set(parts.permissions.owner === null ? [] : inForce(permissions.list(null)));
  const intending = operationLog.intent({ ...entry, after: ids === undefined ? { all: true } : { ids } }).catch(() => undefined);
  const tell = async (outcome: { result: 'ok' | 'refused' | 'failed'; code?: string; after?: JsonObject }): Promise<void> => {
    const intent = await intending;
    const told =
      intent === undefined ? operationLog.append({ ...entry, ...outcome, phase: 'result' }) : operationLog.result(intent, outcome);
    await told.catch((error: unknown) => log.error('a withdrawal could not be written to the operation log', { error }));
  };
  try {
    const { receipt, ids: named } = await permissions.withdrawLocally(ids);
    const grants = named.filter((id) => before.has(id));
    const sessionsEnded = receipt.closed.length;
    await tell({ result: 'ok', after: { grants: grants.length, sessionsEnded, lastMediaMs: receipt.lastMediaMs } });
    return { epoch: receipt.epoch, grants, sessionsEnded, lastMediaMs: receipt.lastMediaMs };
  } catch (error) {
    const code = error instanceof AgentError ? error.code : 'control.failed';
    const isRefused = code.startsWith('permissions.');
    await tell({ result: isRefused ? 'refused' : 'failed', code });
    throw isRefused ? error : notStored(error);
  }
}

/** It counts in memory before anything is written: whoever asked must know which half was done. */
function notStored(cause: unknown): AgentError {
  const why = cause instanceof AgentError ? ` ${cause.say}` : '';
  return new AgentError({
    code: 'control.not_stored',
    say: `Everything that was named is stopped now, but that could not be stored: after a restart it might be permitted again.${why}`,
    fix: 'Leave the recorder on, it goes on trying; look at its disk (sightline status).',
    retryable: true,
    cause,
  });
}

function inForce(info: PermissionsInfo): readonly string[] {
  return info.grants.filter(({ state }) => state === 'in-force').map(({ id }) => id);
}

function openCode({ serial, region, pairing }: LocalParts, code: string | null): OpenCode {
  const shown = code === null ? { code, label: null } : { code: formatCode(code), label: labelText({ serial, code, region }) };
  return { serial, ...shown, openS: pairing.openForS };
}

function statusOf(parts: LocalParts): LocalStatus {
  const { permissions, time } = parts;
  return {
    serial: parts.serial,
    version: VERSION,
    now: parts.clock.now(),
    startedAt: parts.startedAt,
    clock: { quality: time.quality(), isKnown: time.isTimeKnown() },
    isPaired: permissions.owner !== null,
    isPairingOpen: parts.pairing.isOpen,
    isOperatorAgreed: permissions.isOperatorAgreed(),
    isCloudConnected: parts.cloud.link.isOnline,
    verdict: parts.health.now().verdict,
    watching: parts.live.sessions().length,
    cameras: parts.cameras.list().map(({ id, name, model, state, reason }) => ({ id, name, model, state, reason: reason ?? null })),
    serialPorts: parts.buses.ports().map(({ path, isOpen, reason }) => ({ path, isOpen, reason })),
    gear: gearOf(parts),
    refusedMessages: { ...parts.cloud.refusals() },
  };
}

function gearOf({ gear, buses }: LocalParts): LocalStatus['gear'] {
  const heads = buses.heads().map(({ host, channel, isOpen, reason }) => ({
    ...{ kind: 'network-ptz' as const, where: host, channel, isOpen, say: isOpen ? 'can be moved' : reason, heardAt: null },
  }));
  return [...gear.view().map(({ path, ...rest }) => ({ ...rest, where: path })), ...heads];
}

function permissionsOf({ permissions, clock }: LocalParts): LocalPermissions {
  if (permissions.owner === null) return { now: clock.now(), site: null, grants: [], applications: [] };
  const { now, site, grants, applications } = permissions.list(null);
  return {
    now,
    site,
    grants: grants.map(({ id, org, scopes, cams, hours, iat, exp, state, endedAt }) => ({
      ...{ id, organisation: org.name, scopes, cams, hours },
      ...{ from: iat, until: exp, state, endedAt },
    })),
    applications: applications.map(({ org, ...rest }) => ({ ...rest, organisation: org.name })),
  };
}

function ownerOf({ permissions, clock, serial, operator }: LocalParts): LocalOwner {
  const { owner } = permissions;
  const common = { now: clock.now(), serial, operator, isOperatorAgreed: permissions.isOperatorAgreed() };
  if (owner === null) return { ...common, owner: null };
  const { owner: person, role, site, consent, devices } = permissions.list(null);
  const plain = devices.map(({ kid, name, addedAt }) => ({ kid, name, addedAt }));
  return { ...common, owner: { person, role, site, since: owner.since, consent, devices: plain } };
}
