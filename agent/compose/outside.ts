import { ConnectNumbers } from '../identity/boot-counter.js';
import type { Service } from '../kernel/service.js';
import type { Base } from './base.js';
import { bookConnection, classOf } from './booked.js';
import { openCertificate } from './certificate.js';
import { type CloudSide, openCloudSide } from './cloud-side.js';
import { type HandlerSide, joinHandlers } from './handlers.js';
import { openLan } from './lan.js';
import { openSiteLetters } from './site-letters.js';

/** Both ways out and in, in the order in which they start. */
export interface Outside {
  readonly services: readonly Service[];
  readonly cloud: CloudSide;
  /** Something an app shows has changed: the status tells it, both ways. */
  readonly changed: (what: Parameters<CloudSide['status']['changed']>[0]) => void;
  /** Does nothing where there is no issuer of certificates. */
  readonly renewCertificate: () => Promise<void>;
  /** Port of the door on the local network; undefined while there is none. */
  readonly lanPort: () => number | undefined;
}

/** The relay and the door on the local network: the same letters, the same judgement, behind the same router. */
export async function openOutside(base: Base, side: Omit<HandlerSide, 'renewCertificate'>): Promise<Outside> {
  const { permissions, pairing, operationLog, cameras, config, ledger } = side;
  const scope = { tenant: base.site.cloud?.tenant ?? 'main', serial: base.serial };
  const numbers = await ConnectNumbers.load(base.stateFolder, base.clock.now());
  const certificate = openCertificate(base, numbers, ledger);
  const renewCertificate = async (): Promise<void> => certificate?.renewNow();
  const handlers = joinHandlers(base, { ...side, renewCertificate });
  const toLan = (topic: string, payload: string, mayShow?: () => void): boolean => {
    const what = mayShow === undefined ? classOf(topic, payload.length) : 'media';
    mayShow?.();
    if (mayShow !== undefined) ledger.ask('media', 'lan');
    const isTaken = lan.publish(topic, payload);
    if (isTaken) ledger.book(what, 'lan', topic.length + payload.length);
    return isTaken;
  };
  const doors = { base, scope, numbers, permissions, pairing, operationLog, handlers, ledger, identity: certificate, toLan };
  const cloud = openCloudSide(doors);
  const letters = openSiteLetters(base, { scope, link: () => cloud.link, permissions, cameras, config });
  const lan = await openLan(base, {
    scope,
    receive: (topic, payload, from) => cloud.router.receive(topic, payload, from),
    status: () => cloud.status.statement('online'),
    checkpoint: async () => (permissions.owner === null ? undefined : (await operationLog.latestCheckpoint())?.jws),
  });
  bookConnection(ledger, 'lan', lan.sentBytes);
  const changed: Outside['changed'] = (what) => {
    cloud.status.changed(what);
    lan.changed();
  };
  permissions.onChange(() => changed('permissions'));
  cameras.onChange(() => changed('cameras'));
  config.onChange(() => changed('config'));
  certificate?.onChange(() => cloud.retryNow());
  onceAgreed(base, permissions, renewCertificate);
  return {
    services: [...(certificate === undefined ? [] : [certificate]), ...cloud.services, letters, ...lan.services],
    cloud,
    changed,
    renewCertificate,
    lanPort: () => lan.address()?.port,
  };
}

/** The owner agrees to another operator than before: what the old one issued is no use there, and the new one may be asked from now on. */
function onceAgreed(base: Base, permissions: HandlerSide['permissions'], renewCertificate: () => Promise<void>): void {
  let wasAgreed = permissions.isOperatorAgreed();
  permissions.onChange(() => {
    const isNew = !wasAgreed && permissions.isOperatorAgreed();
    wasAgreed = permissions.isOperatorAgreed();
    if (isNew) renewCertificate().catch((error: unknown) => base.log.error('a new client certificate could not be asked for', { error }));
  });
}
