import type { CameraRegistry } from '../cameras/registry.js';
import type { Handlers } from '../cloud/call.js';
import { cameraHandlers } from '../cloud/handlers/cameras.js';
import { configHandlers } from '../cloud/handlers/config.js';
import { healthHandlers } from '../cloud/handlers/health.js';
import type { LiveDesk } from '../cloud/handlers/live.js';
import { logHandlers } from '../cloud/handlers/log.js';
import { type LogCare, logCareHandlers } from '../cloud/handlers/log-care.js';
import { ownerHandlers } from '../cloud/handlers/owner.js';
import { permissionHandlers } from '../cloud/handlers/permissions.js';
import type { PlaybackDesk } from '../cloud/handlers/playback.js';
import { siteHandlers } from '../cloud/handlers/site.js';
import type { ConfigService } from '../config/service.js';
import type { Sampler } from '../health/sampler.js';
import { VERSION } from '../kernel/version.js';
import type { Ledger } from '../ledger/ledger.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { LogUpkeep } from '../operation-log/upkeep.js';
import type { PairingService } from '../pairing/service.js';
import type { Permissions } from '../permissions/service.js';
import type { Base } from './base.js';
import { erasePeople } from './erase-people.js';
import { closeIncident, openIncident } from './incident.js';
import { choose, erasePerson, kept, ledgerDays, people, visitsOn } from './log-desk.js';
import { logExport } from './log-export.js';
import type { SnapshotDesk } from './snapshot.js';

/** The services that answer commands. */
export interface HandlerSide {
  readonly cameras: CameraRegistry;
  readonly liveDesk: LiveDesk;
  readonly playbackDesk: PlaybackDesk;
  readonly snapshots: SnapshotDesk;
  readonly config: ConfigService;
  readonly health: Sampler;
  readonly operationLog: OperationLogService;
  readonly permissions: Permissions;
  readonly pairing: PairingService;
  readonly ledger: Ledger;
  readonly upkeep: LogUpkeep;
  /** Does nothing where there is no issuer of certificates. */
  readonly renewCertificate: () => Promise<void>;
}

/** Every operation of the contract and the service that carries it out: one that is missing does not compile. */
export function joinHandlers(base: Base, side: HandlerSide): Handlers {
  const { plate, startedAt, clock } = base;
  const { cameras, liveDesk, playbackDesk, config, health, operationLog, permissions } = side;
  return {
    ...siteHandlers({
      cameras,
      watching: () => [...liveDesk.watching(), ...playbackDesk.watching()],
      plate,
      recorderName: () => config.current().recorderName,
      version: VERSION,
      startedAt,
      clock,
    }),
    ...cameraHandlers({ cameras, clock }),
    ...healthHandlers(health, clock),
    ...configHandlers(config, cameras, clock),
    ...liveDesk.handlers(),
    ...playbackDesk.handlers(),
    ...side.snapshots.handlers(),
    ...logHandlers({
      operationLog,
      position: async () => {
        const { seq, head } = await operationLog.position();
        return { size: seq, head };
      },
      organisations: () => permissions.organisations(),
    }),
    ...logCareHandlers({ operationLog, care: logCare(base, side) }),
    ...permissionHandlers(permissions),
    ...ownerHandlers({
      permissions,
      deviceKid: base.keys.sign.kid,
      seal: () => operationLog.seal(),
      forgetCode: () => side.pairing.retire(),
      forgetLetters: () => base.stores.outbox.clear(),
      erasePeople: async () => {
        const keep = permissions.owner === null ? [] : [permissions.owner.consent.by];
        await erasePeople({ operationLog, permissions, state: base.stores.state }, { by: { actor: 'system', source: 'system' }, keep });
      },
      renewCertificate: () => side.renewCertificate(),
      timeTold: (at) => base.time.sighted(at),
      log: base.log.area('owner'),
    }),
  };
}

/** What the owner may do about the log from afar is what may be done at the recorder; here the command desk writes the rows. */
function logCare(base: Base, side: HandlerSide): LogCare {
  const { stores, clock, log } = base;
  const parts = { ...side, stores, clock, log: log.area('log-care') };
  return {
    ledgerDays: (days, most) => ledgerDays(parts, days, most),
    visits: (days, most) => visitsOn(parts, days, most),
    exportPiece: logExport(base, side.operationLog),
    people: (text, most) => people(parts, text, most),
    erasePerson: (ref, by) => erasePerson(parts, ref, by),
    kept: () => kept(parts),
    choose: (change) => choose(parts, change, undefined),
    openIncident: (note) => openIncident(parts, note, undefined),
    closeIncident: (note) => closeIncident(parts, note, undefined),
  };
}
