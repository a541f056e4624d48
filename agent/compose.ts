import { join } from 'node:path';
import { drivers } from '../drivers/index.js';
import { CameraRegistry } from './cameras/registry.js';
import type { Handlers } from './cloud/call.js';
import { configHandlers } from './cloud/handlers/config.js';
import { healthHandlers } from './cloud/handlers/health.js';
import { LiveDesk, type WatchProof } from './cloud/handlers/live.js';
import { logHandlers } from './cloud/handlers/log.js';
import { permissionHandlers } from './cloud/handlers/permissions.js';
import { siteHandlers } from './cloud/handlers/site.js';
import { openCloudSide } from './compose/cloud-side.js';
import { watchExpiry } from './compose/expiry.js';
import { liveCameras, watchVerdict } from './compose/live.js';
import { localActs } from './compose/local-acts.js';
import { openOperationLog, reportSetAside } from './compose/operation-log.js';
import type { AgentOptions } from './compose/options.js';
import { openPairing } from './compose/pairing.js';
import { openSerial } from './compose/serial.js';
import { addSiteCameras } from './compose/site-cameras.js';
import { alertStore, channelStore, configStore, flooredClock, healthPort, openStores, permissionStore } from './compose/stores.js';
import { ConfigService } from './config/service.js';
import { formatCode, labelText } from './contract/code.js';
import { newId } from './contract/text.js';
import type { ControlActs } from './control/control-server.js';
import { HookRunner } from './firmware/hook-runner.js';
import { readDeviceIdentity } from './firmware/identity.js';
import { Sampler } from './health/sampler.js';
import { ConnectNumbers } from './identity/boot-counter.js';
import { loadDeviceKeys } from './identity/keys.js';
import { loadNamePlate } from './identity/serial.js';
import { Runtime } from './kernel/runtime.js';
import { Secret } from './kernel/secret.js';
import { LiveService } from './live/service.js';
import { Permissions } from './permissions/service.js';
import { grantOf } from './permissions/ticket.js';
import { VERSION } from './kernel/version.js';

/** A composed agent: started and stopped as a whole. */
export interface Agent {
  readonly serial: string;
  readonly isPaired: () => boolean;
  readonly acts: ControlActs;
  readonly runtime: Runtime;
  /** A new verification code without a press: used-up tries stay used up. @throws AgentError pairing.owned */
  newCode(): Promise<{ readonly code: string; readonly label: string }>;
  /** Loads what the first viewer needs, so that nobody waits for it. */
  warm(): Promise<void>;
}

/** The wiring diagram: every service and driver is made here and nowhere else. The state folder must be prepared and locked. */
export async function compose(options: AgentOptions): Promise<Agent> {
  const { stateFolder, site, log } = options;
  const keys = await loadDeviceKeys(join(stateFolder, 'keys'));
  const stores = await openStores(stateFolder, options.clock);
  const { clock, watch } = await flooredClock(options.clock, stores.state);
  const hooks = new HookRunner({ folder: options.hooksFolder, clock, log: log.area('hooks') });
  const plate = await loadNamePlate(stateFolder, (await readDeviceIdentity(hooks)) ?? {});
  const boot = newId();
  const startedAt = clock.now();
  const parts = { clock, log };

  const permissions: Permissions = new Permissions({
    serial: plate.serial,
    deviceKey: keys.sign.publicJwk,
    deviceKid: keys.sign.kid,
    store: permissionStore(stores.state),
    endSessions: (ids) =>
      live
        .endMatching((session) => ids.has(grantOf((session.ticket.proof as WatchProof).ticket) ?? ''), 'withdrawn')
        .map(({ sessionId, channelId, lastMediaMs }) => ({ session: sessionId, cam: channelId, lastMediaMs })),
    clock,
  });
  await permissions.start();
  const signer = { kid: keys.sign.kid, privateKey: keys.sign.privateKey };
  const operationLog = openOperationLog({
    stores,
    signer,
    key: keys.sign.publicJwk,
    serial: plate.serial,
    boot,
    site: () => undefined,
    ...parts,
  });

  const serial = await openSerial(site, clock, log);
  const cameras = new CameraRegistry({
    connector: await drivers.cameras({ clock, log: log.area('onvif') }),
    discovery:
      site.cameras?.discovery === false
        ? undefined
        : await drivers.discovery({ clock, log: log.area('discovery'), onlyFrom: site.cameras?.discoveryAddresses }),
    store: channelStore(stores.state, stores.secrets),
    serialPtz: serial.ptz,
    groupLogins: (site.cameras?.logins ?? []).map(({ user, password }) => ({ user, password: new Secret(password) })),
    clock,
    log: log.area('cameras'),
  });
  const live: LiveService = new LiveService({
    clock,
    log: log.area('live'),
    streams: await drivers.streams({ clock, log: log.area('rtsp') }),
    peers: await drivers.viewers({ clock, log: log.area('webrtc') }),
    cameras: liveCameras(cameras),
    mayWatch: watchVerdict(permissions),
    onEvent: (event) => liveDesk.onEvent(event),
    newSessionId: newId,
    iceServers: () => site.live?.iceServers ?? [],
    bindAddress: site.live?.bindAddress,
  });
  const organisationName = (grantId: string): string | null => permissions.findGrant(grantId)?.org.name ?? null;
  const liveDesk: LiveDesk = new LiveDesk({ live, cameras, operationLog, organisationName, ...parts });
  const config = new ConfigService({ cameras, store: configStore(stores.state), recorderName: site.recorderName ?? 'Recorder', ...parts });
  const health = new Sampler({
    host: await drivers.host({ clock, log: log.area('host') }),
    diskPath: stateFolder,
    camerasUp: () =>
      cameras.list().map(({ id, name, state, lastSeenAt }) => ({ id, name, isUp: state === 'online', lastSeenAt: lastSeenAt ?? null })),
    store: healthPort(stores.health),
    alertStore: alertStore(stores.state),
    ...parts,
  });
  const pairing = openPairing({ stateFolder, serial: plate.serial, boot, keys, permissions, operationLog, ...parts });
  const recorderName = (): string => config.current().recorderName;
  const handlers: Handlers = {
    ...siteHandlers({ cameras, watching: () => liveDesk.watching(), plate, recorderName, version: VERSION, startedAt, clock }),
    ...healthHandlers(health, clock),
    ...configHandlers(config, cameras, clock),
    ...liveDesk.handlers(),
    ...logHandlers({
      operationLog,
      position: async () => ({ size: (await operationLog.position()).seq, head: (await operationLog.position()).head }),
      organisations: () => permissions.organisations(),
    }),
    ...permissionHandlers(permissions),
  };
  const numbers = await ConnectNumbers.load(stateFolder, clock.now());
  const cloud = openCloudSide({
    site,
    serial: plate.serial,
    boot,
    keys,
    numbers,
    permissions,
    pairing,
    operationLog,
    handlers,
    outbox: stores.outbox,
    ...parts,
  });
  permissions.onChange(() => cloud.status.changed('permissions'));
  cameras.onChange(() => cloud.status.changed('cameras'));
  config.onChange(() => cloud.status.changed('config'));

  const runtime = new Runtime(
    [
      { name: 'stores', start: async () => undefined, stop: () => stores.close() },
      operationLog,
      { name: 'log-repair', start: () => reportSetAside(stores, operationLog, log), stop: async () => undefined },
      watchExpiry({ permissions, operationLog, stores, watchFloor: () => watch(log), ...parts }),
      { name: 'pairing', start: () => pairing.start(), stop: async () => undefined },
      serial.service,
      cameras,
      addSiteCameras(site, cameras, log.area('cameras')),
      config,
      health,
      { name: 'live-ends', start: async () => undefined, stop: () => liveDesk.settled() },
      live,
      ...cloud.services,
    ],
    clock,
    log,
  );
  const acts = localActs({
    plateSerial: plate.serial,
    region: site.region ?? 'EU',
    boot,
    startedAt,
    permissions,
    pairing,
    operationLog,
    cameras,
    live,
    health,
    cloud,
    serial,
    clock,
  });
  const newCode = async () => {
    const code = await pairing.press(true);
    return { code: formatCode(code), label: labelText({ serial: plate.serial, code, region: site.region ?? 'EU' }) };
  };
  return { serial: plate.serial, isPaired: () => permissions.owner !== null, acts, runtime, warm: () => live.warm(), newCode };
}
