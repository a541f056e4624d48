import { openBase } from './compose/base.js';
import { eraseLogins } from './compose/erase-logins.js';
import { finishErasure } from './compose/erase-people.js';
import { watchExpiry } from './compose/expiry.js';
import { openGear } from './compose/gear.js';
import { openLamps } from './compose/lamps.js';
import { openLedger } from './compose/ledger.js';
import { localActs } from './compose/local-acts.js';
import { openCameras, openHealth } from './compose/on-site.js';
import { openOperationLog, reportSetAside, siteRef } from './compose/operation-log.js';
import type { AgentOptions } from './compose/options.js';
import { openOutside } from './compose/outside.js';
import { openPairing } from './compose/pairing.js';
import { openPermissions } from './compose/permissions.js';
import { openPictures } from './compose/pictures.js';
import { openSerial } from './compose/serial.js';
import { addSiteCameras } from './compose/site-cameras.js';
import { configStore } from './compose/stores.js';
import { openUpkeep } from './compose/upkeep.js';
import { ConfigService } from './config/service.js';
import { formatCode, labelText } from './contract/code.js';
import type { ControlActs } from './control/control-server.js';
import { Runtime } from './kernel/runtime.js';
import type { Permissions } from './permissions/service.js';

/** A composed agent: started and stopped as a whole. */
export interface Agent {
  readonly serial: string;
  readonly isPaired: () => boolean;
  /** Port of the door on the local network; undefined while there is none. */
  readonly lanPort: () => number | undefined;
  readonly acts: ControlActs;
  readonly runtime: Runtime;
  /** A new verification code without a press: used-up tries stay used up. @throws AgentError pairing.owned */
  newCode(): Promise<{ readonly code: string; readonly label: string }>;
  /** Loads what the first viewer needs, so that nobody waits for it. */
  warm(): Promise<void>;
}

/** The wiring diagram: every service and driver is made here, or in compose/ at its call. The state folder must be prepared and locked. */
export async function compose(options: AgentOptions): Promise<Agent> {
  const base = await openBase(options);
  const { site, serial, stores, clock, log } = base;
  const permissions: Permissions = await openPermissions(base, (isOver) => pictures.endPictures(isOver));
  const onAlarm = (): void => outside.changed('security');
  const operationLog = openOperationLog({ ...base, key: base.keys.sign.publicJwk, site: siteRef(permissions), onAlarm });
  const ledger = openLedger(base, permissions, operationLog);
  const buses = await openSerial(site, clock, log);
  const onPower = (): void => void health.refresh();
  const gear = await openGear({ site, operationLog, ear: buses.ear, onPower, clock, log });
  const cameras = await openCameras(base, buses, operationLog);
  const pictures = await openPictures(base, { cameras, permissions, operationLog, ledger });
  const { live, playback } = pictures;
  const recorderName = site.recorderName ?? 'Recorder';
  const config = new ConfigService({ cameras, store: configStore(stores.state), recorderName, clock, log });
  const health = await openHealth(base, cameras, gear.power);
  const pairing = openPairing({ ...base, permissions, operationLog });
  const forgetLogins = () => eraseLogins({ stores, cameras, clock, log });
  const goOnErasing = finishErasure({ permissions, operationLog, state: stores.state, eraseLogins: forgetLogins, log });
  const upkeep = openUpkeep(base, operationLog, () => outside.changed('security'));
  const side = { cameras, config, health, operationLog, permissions, pairing, ledger, upkeep };
  const outside = await openOutside(base, { ...pictures, ...side });

  const lamps = openLamps(base, { pairing, live, playback, link: outside.cloud.link });
  const runtime = new Runtime(
    [
      { name: 'stores', start: async () => undefined, stop: () => stores.close() },
      operationLog,
      { name: 'log-repair', start: () => reportSetAside(stores, operationLog, log, onAlarm), stop: async () => undefined },
      goOnErasing,
      ledger,
      upkeep,
      watchExpiry({ ...base, permissions, operationLog }),
      { name: 'pairing', start: () => pairing.start(), stop: () => pairing.stop() },
      buses.service,
      gear.service,
      cameras,
      addSiteCameras(site, cameras, log.area('cameras')),
      config,
      health,
      ...outside.services,
      lamps,
      ...pictures.services,
    ],
    clock,
    log,
  );
  return {
    serial,
    isPaired: () => permissions.owner !== null,
    lanPort: outside.lanPort,
    acts: localActs({ ...base, buses, gear, permissions, pairing, operationLog, cameras, live, health, ledger, upkeep, ...outside }),
    runtime,
    warm: () => live.warm(),
    newCode: async () => {
      const { code } = await pairing.press({ newCode: true, keepsTries: true });
      return { code: formatCode(code ?? ''), label: labelText({ ...base, code: code ?? '' }) };
    },
  };
}
