import type { Handlers } from '../cloud/call.js';
import { CommandDesk } from '../cloud/command-desk.js';
import { type CloudLink, NO_LINK } from '../cloud/link.js';
import { MqttLink } from '../cloud/mqtt-link.js';
import { OutboxPump } from '../cloud/outbox-pump.js';
import { Router } from '../cloud/router.js';
import { StatusPublisher } from '../cloud/status.js';
import { type Signer, signStatement } from '../contract/jws.js';
import type { SiteFile } from '../contract/site-file.js';
import type { Connect } from '../contract/statements.js';
import { utf8 } from '../contract/text.js';
import { topics } from '../contract/topics.js';
import type { ConnectNumbers } from '../identity/boot-counter.js';
import type { DeviceKeys } from '../identity/keys.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { PairingService } from '../pairing/service.js';
import type { Permissions } from '../permissions/service.js';
import type { OutboxStore } from '../store/outbox-store.js';
import { VERSION } from '../kernel/version.js';

export interface CloudParts {
  readonly site: SiteFile;
  readonly serial: string;
  readonly boot: string;
  readonly keys: DeviceKeys;
  readonly numbers: ConnectNumbers;
  readonly permissions: Permissions;
  readonly pairing: PairingService;
  readonly operationLog: OperationLogService;
  readonly handlers: Handlers;
  readonly outbox: OutboxStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** Everything that speaks with the cloud, in the order in which it starts. */
export interface CloudSide {
  readonly services: readonly Service[];
  readonly status: StatusPublisher;
  readonly link: CloudLink;
  readonly refusals: () => Readonly<Record<string, number>>;
}

/** An answer that its asker can still use when the link was down for a moment. */
const KEPT_ANSWER_MS = 10 * 60_000;

/** Joins link, router, desk, outbox and status. Without a cloud in the site file nothing of mqtt is loaded. */
export function openCloudSide(parts: CloudParts): CloudSide {
  const { site, keys, clock, log } = parts;
  const scope = { tenant: site.cloud?.tenant ?? 'main', serial: parts.serial };
  const signer: Signer = { kid: keys.sign.kid, privateKey: keys.sign.privateKey };
  let link: CloudLink = NO_LINK;
  const status = new StatusPublisher(
    {
      scope,
      signer,
      key: keys.sign.publicJwk,
      seal: keys.seal.publicJwk,
      boot: parts.boot,
      version: VERSION,
      isPaired: () => parts.permissions.owner !== null,
      clock,
      log: log.area('status'),
    },
    () => link,
  );
  const reply = async (id: string, letter: string, isKept: boolean): Promise<void> => {
    const topic = topics.reply(scope, id);
    try {
      await link.publish(topic, letter);
    } catch (error) {
      if (!isKept) throw error;
      await parts.outbox.enqueue({
        topic,
        payload: utf8(letter),
        qos: 1,
        retain: false,
        class: 'reply',
        expiresAt: clock.now() + KEPT_ANSWER_MS,
        dedupeKey: null,
      });
    }
  };
  const desk = new CommandDesk({
    serial: parts.serial,
    boot: parts.boot,
    signer,
    sealKey: keys.seal.privateKey,
    permissions: parts.permissions,
    operationLog: parts.operationLog,
    handlers: parts.handlers,
    reply,
    clock,
    log: log.area('commands'),
  });
  const router = new Router({
    scope,
    onCommand: (id, letter) => desk.receive(id, letter, 'relay'),
    onPair: async (sid, request) => {
      const answer = await parts.pairing.handle(request, 'relay');
      await link.publish(topics.pairUp(scope, sid), JSON.stringify(answer));
    },
    onWithdraw: (statement) => withdrawFromRelay(parts, statement),
    clock,
    log: log.area('router'),
  });
  if (site.cloud === undefined) return { services: [], status, link, refusals: () => router.refusals };
  const mqtt = new MqttLink({
    url: site.cloud.url,
    clientId: parts.serial,
    caFile: site.cloud.caFile,
    subscription: topics.downAll(scope),
    connectFacts: async () => ({
      username: site.cloud?.username ?? parts.serial,
      password: site.cloud?.password ?? (await connectProof(parts, signer)),
      will: { topic: topics.status(scope), payload: await status.statement('offline') },
    }),
    clock,
    log: log.area('cloud'),
    random: Math.random,
  });
  link = mqtt;
  mqtt.onMessage((topic, payload) => void router.receive(topic, payload));
  parts.operationLog.onCheckpoint((checkpoint) => {
    // Only after the owner's consent: before it, nothing but status leaves.
    if (parts.permissions.owner === null) return;
    const message = {
      topic: topics.checkpoint(scope),
      payload: utf8(checkpoint.jws),
      qos: 1,
      retain: true,
      class: 'log',
      expiresAt: null,
      dedupeKey: 'checkpoint',
    } as const;
    parts.outbox.enqueue(message).catch((error: unknown) => log.warn('a checkpoint could not be queued', { error }));
  });
  const pump = new OutboxPump(parts.outbox, mqtt, clock, log.area('outbox'));
  return { services: [mqtt, pump, status], status, link, refusals: () => router.refusals };
}

function connectProof(parts: CloudParts, signer: Signer): Promise<string> {
  const proof: Connect = { v: 1, dev: parts.serial, key: parts.keys.sign.publicJwk, n: parts.numbers.next() };
  return signStatement('connect+jws', proof, signer);
}

/** A withdrawal that the owner left at the relay while the recorder was away. Carried out before this, it comes again with every connection. */
async function withdrawFromRelay(parts: CloudParts, statement: string): Promise<void> {
  const person = parts.permissions.owner?.consent.by;
  try {
    const { receipt, ids } = await parts.permissions.withdraw(statement);
    if (ids.length === 0 && receipt.closed.length === 0) return;
    const after = { grants: ids.length, sessionsEnded: receipt.closed.length, lastMediaMs: receipt.lastMediaMs };
    await parts.operationLog.append(
      { action: 'permissions.withdraw', phase: 'result', source: 'relay', actor: 'owner', result: 'ok', after },
      person,
    );
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'permissions.stale_withdrawal') throw error;
  }
}
