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
import { type TopicScope, topics } from '../contract/topics.js';
import type { ConnectNumbers } from '../identity/boot-counter.js';
import type { DeviceKeys } from '../identity/keys.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { VERSION } from '../kernel/version.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { PairingService } from '../pairing/service.js';
import type { Permissions } from '../permissions/service.js';
import type { OutboxStore } from '../store/outbox-store.js';

/** What the cloud reaches. `boot` is the challenge of this start; `numbers` number the proofs, which are good once. */
export interface CloudParts {
  readonly site: SiteFile;
  readonly serial: string;
  readonly boot: string;
  readonly keys: DeviceKeys;
  /** Signs with `keys.sign`. */
  readonly signer: Signer;
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
  const { site, clock, log, outbox } = parts;
  const scope = { tenant: site.cloud?.tenant ?? 'main', serial: parts.serial };
  let link: CloudLink = NO_LINK;
  const status = openStatus(parts, scope, () => link);
  const router = openRouter(parts, scope, () => link);
  const refusals = () => router.refusals;
  if (site.cloud === undefined) return { services: [], status, link, refusals };
  const mqtt = new MqttLink({
    url: site.cloud.url,
    clientId: parts.serial,
    caFile: site.cloud.caFile,
    subscription: topics.downAll(scope),
    connectFacts: async () => ({
      username: site.cloud?.username ?? parts.serial,
      password: site.cloud?.password ?? (await connectProof(parts)),
      will: { topic: topics.status(scope), payload: await status.statement('offline') },
    }),
    clock,
    log: log.area('cloud'),
    random: Math.random,
  });
  link = mqtt;
  mqtt.onMessage((topic, payload) => void router.receive(topic, payload));
  relayCheckpoints(parts, scope);
  const pump = new OutboxPump(outbox, mqtt, clock, log.area('outbox'));
  return { services: [mqtt, pump, status], status, link, refusals };
}

function openStatus(parts: CloudParts, scope: TopicScope, link: () => CloudLink): StatusPublisher {
  const { keys, signer, boot, permissions, clock, log } = parts;
  const isPaired = (): boolean => permissions.owner !== null;
  const { publicJwk: key } = keys.sign;
  const { publicJwk: seal } = keys.seal;
  return new StatusPublisher({ scope, signer, key, seal, boot, version: VERSION, isPaired, clock, log: log.area('status') }, link);
}

/** The way in: commands to the desk, pairing and withdrawals to their own. */
function openRouter(parts: CloudParts, scope: TopicScope, link: () => CloudLink): Router {
  const { serial, boot, signer, permissions, operationLog, handlers, clock, log } = parts;
  const desk = new CommandDesk({
    serial,
    boot,
    signer,
    sealKey: parts.keys.seal.privateKey,
    permissions,
    operationLog,
    handlers,
    reply: (id, letter, isKept) => answer(parts.outbox, clock, link(), { topic: topics.reply(scope, id), letter, isKept }),
    onRefused: (code) => router.count(code),
    clock,
    log: log.area('commands'),
  });
  const router: Router = new Router({
    scope,
    onCommand: (id, letter) => desk.receive(id, letter, 'relay'),
    onPair: async (sid, request) => {
      const said = await parts.pairing.handle(request, 'relay');
      await link().publish(topics.pairUp(scope, sid), JSON.stringify(said));
    },
    onWithdraw: (statement) => withdrawFromRelay(parts, statement),
    clock,
    log: log.area('router'),
  });
  return router;
}

interface Letter {
  readonly topic: string;
  readonly letter: string;
  readonly isKept: boolean;
}

/** Sends an answer now, or leaves one that is worth keeping to the outbox. */
async function answer(outbox: OutboxStore, clock: Clock, link: CloudLink, { topic, letter, isKept }: Letter): Promise<void> {
  try {
    await link.publish(topic, letter);
  } catch (error) {
    if (!isKept) throw error;
    const expiresAt = clock.now() + KEPT_ANSWER_MS;
    await outbox.enqueue({ topic, payload: utf8(letter), qos: 1, retain: false, class: 'reply', expiresAt, dedupeKey: null });
  }
}

/** The state of the operation log, for witnesses: only after the owner’s consent, before it nothing but status leaves. */
function relayCheckpoints({ operationLog, permissions, outbox, log }: CloudParts, scope: TopicScope): void {
  operationLog.onCheckpoint((checkpoint) => {
    if (permissions.owner === null) return;
    const message = {
      topic: topics.checkpoint(scope),
      payload: utf8(checkpoint.jws),
      qos: 1,
      retain: true,
      class: 'log',
      expiresAt: null,
      dedupeKey: 'checkpoint',
    } as const;
    outbox.enqueue(message).catch((error: unknown) => log.warn('a checkpoint could not be queued', { error }));
  });
}

function connectProof(parts: CloudParts): Promise<string> {
  const proof: Connect = { v: 1, dev: parts.serial, key: parts.keys.sign.publicJwk, n: parts.numbers.next() };
  return signStatement('connect+jws', proof, parts.signer);
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
