import type { Handlers, Origin } from '../cloud/call.js';
import { CommandDesk, type CommandDeskParts } from '../cloud/command-desk.js';
import { type ClientIdentity, type CloudLink, NO_LINK } from '../cloud/link.js';
import { MqttLink } from '../cloud/mqtt-link.js';
import { OutboxPump } from '../cloud/outbox-pump.js';
import { Router } from '../cloud/router.js';
import { StatusPublisher } from '../cloud/status.js';
import { signStatement } from '../contract/jws.js';
import type { Connect } from '../contract/statements.js';
import { utf8 } from '../contract/text.js';
import { type TopicScope, topics } from '../contract/topics.js';
import type { ConnectNumbers } from '../identity/boot-counter.js';
import { AgentError } from '../kernel/errors.js';
import type { Service } from '../kernel/service.js';
import { VERSION } from '../kernel/version.js';
import type { Ledger } from '../ledger/ledger.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { PairingService } from '../pairing/service.js';
import type { Permissions } from '../permissions/service.js';
import type { Base } from './base.js';
import { bookConnection, bookedLink } from './booked.js';
import { onlyWhenAgreed } from './operator.js';
import { cancelFrom, withdrawFrom } from './statements-in.js';

/** What the outside reaches. `numbers` number the proofs, which are good once. */
export interface CloudParts {
  readonly base: Base;
  readonly scope: TopicScope;
  readonly numbers: ConnectNumbers;
  readonly permissions: Permissions;
  readonly pairing: PairingService;
  readonly operationLog: OperationLogService;
  readonly handlers: Handlers;
  readonly ledger: Ledger;
  /** Client certificates, where the site file names an issuer. */
  readonly identity: ClientIdentity | undefined;
  /** Hands something to whoever asked for this topic on the local network; false when nobody did. */
  readonly toLan: (topic: string, payload: string, mayShow?: () => void) => boolean;
}

/** Everything that speaks with the cloud, in the order in which it starts. */
export interface CloudSide {
  readonly services: readonly Service[];
  readonly status: StatusPublisher;
  readonly link: CloudLink;
  /** The one door for letters, whichever way they came. */
  readonly router: Router;
  readonly refusals: () => Readonly<Record<string, number>>;
  /** Ends a wait for the next connection. */
  readonly retryNow: () => void;
}

/** An answer that its asker can still use when the link was down for a moment. */
const KEPT_ANSWER_MS = 10 * 60_000;

/** Joins link, router, desk, outbox and status. Without a cloud in the site file nothing of mqtt is loaded; the router serves the local network. */
export function openCloudSide(parts: CloudParts): CloudSide {
  const { base, scope, permissions, ledger } = parts;
  const { site, clock, log, stores } = base;
  let link: CloudLink = NO_LINK;
  const status = openStatus(parts, () => link);
  const router = openRouter(parts, status, () => link);
  const refusals = () => router.refusals;
  if (site.cloud === undefined) return { services: [], status, link, router, refusals, retryNow: () => undefined };
  const mqtt = openLink(parts, status);
  link = bookedLink(mqtt, ledger);
  bookConnection(ledger, 'relay', () => mqtt.sentBytes);
  mqtt.onMessage((topic, payload) => void router.receive(topic, payload, { source: 'relay' }));
  relayCheckpoints(parts, scope);
  const pump = new OutboxPump(stores.outbox, link, clock, log.area('outbox'));
  const agreed = onlyWhenAgreed(mqtt, {
    isOperatorAgreed: () => permissions.isOperatorAgreed(),
    onChange: (listener) => permissions.onChange(listener),
    log: log.area('cloud'),
  });
  return { services: [agreed, pump, status], status, link, router, refusals, retryNow: () => mqtt.retryNow() };
}

function openLink(parts: CloudParts, status: StatusPublisher): MqttLink {
  const { base, scope, identity, operationLog } = parts;
  const { serial, clock } = base;
  const cloud = base.site.cloud ?? { url: '' };
  const log = base.log.area('cloud');
  return new MqttLink({
    url: cloud.url,
    clientId: serial,
    caFile: cloud.caFile,
    subscription: topics.downAll(scope),
    connectFacts: async () => ({
      username: cloud.username ?? serial,
      password: cloud.password ?? (await connectProof(parts)),
      will: { topic: topics.status(scope), payload: await status.statement('offline') },
    }),
    ...(identity === undefined ? {} : { identity }),
    onTakenOver: (how) => {
      status.changed('security');
      const row = { action: 'security.clone', phase: 'result', source: 'relay', actor: 'system', result: 'failed' } as const;
      operationLog
        .append({ ...row, code: `security.clone_${how}` })
        .catch((error: unknown) => log.error('a clone of this recorder could not be written to the operation log', { how, error }));
    },
    clock,
    log,
    random: Math.random,
  });
}

function openStatus({ base, scope, permissions }: CloudParts, link: () => CloudLink): StatusPublisher {
  const { keys, signer, boot, up, clock, log } = base;
  const isPaired = (): boolean => permissions.owner !== null;
  const { publicJwk: key } = keys.sign;
  const { publicJwk: seal } = keys.seal;
  return new StatusPublisher({ scope, signer, key, seal, boot, up, version: VERSION, isPaired, clock, log: log.area('status') }, link);
}

/** The way in: commands to the desk, pairing, withdrawals and called-back badges to their own. Answers go back the way the question came. */
function openRouter(parts: CloudParts, status: StatusPublisher, link: () => CloudLink): Router {
  const { base, scope, permissions, operationLog, handlers, toLan } = parts;
  const { serial, boot, signer, up, clock, log } = base;
  const desk = new CommandDesk({
    serial,
    boot,
    signer,
    sealKey: base.keys.seal.privateKey,
    permissions,
    operationLog,
    handlers,
    up,
    reply: replyBy({ stores: base.stores, clock, scope, link, toLan }),
    onRefused: (code) => router.count(code),
    onSecurity: () => status.changed('security'),
    clock,
    log: log.area('commands'),
  });
  const router: Router = new Router({
    scope,
    onCommand: (id, letter, from) => desk.receive(id, letter, from),
    onPair: async (sid, request, from) => {
      const said = JSON.stringify(await parts.pairing.handle(request, from.source, from.remote));
      if (from.source === 'lan') toLan(topics.pairUp(scope, sid), said);
      else await link().publish(topics.pairUp(scope, sid), said);
    },
    onWithdraw: (statement, from: Origin) => withdrawFrom(parts, statement, from),
    onCancel: (statement, from: Origin) => cancelFrom(parts, statement, from),
    clock,
    log: log.area('router'),
  });
  return router;
}

interface ReplyWays extends Pick<Base, 'stores' | 'clock'>, Pick<CloudParts, 'scope' | 'toLan'> {
  readonly link: () => CloudLink;
}

/** Answers go back the way the question came. A piece of a picture that nobody took did not leave: it rejects, on either way. */
export function replyBy({ scope, link, toLan, ...parts }: ReplyWays): CommandDeskParts['reply'] {
  return async (id, letter, isKept, to, mayShow) => {
    const topic = topics.reply(scope, id);
    if (to.source === 'lan') {
      if (!toLan(topic, letter, mayShow) && mayShow !== undefined) throw gone();
    } else if (mayShow === undefined) await answer(parts, link(), { topic, letter, isKept });
    else await link().publish(topic, letter, { mayShow });
  };
}

/** Whoever asked at the door has closed the page. */
function gone(): AgentError {
  const say = 'Whoever asked on the local network is not there any more.';
  return new AgentError({ code: 'lan.gone', say, fix: 'Open the page again and ask once more.', retryable: true });
}

interface Letter {
  readonly topic: string;
  readonly letter: string;
  readonly isKept: boolean;
}

/** Sends an answer now, or leaves one that is worth keeping to the outbox. */
async function answer(
  { stores, clock }: Pick<Base, 'stores' | 'clock'>,
  link: CloudLink,
  { topic, letter, isKept }: Letter,
): Promise<void> {
  try {
    await link.publish(topic, letter);
  } catch (error) {
    if (!isKept) throw error;
    const expiresAt = clock.now() + KEPT_ANSWER_MS;
    await stores.outbox.enqueue({ topic, payload: utf8(letter), qos: 1, retain: false, class: 'reply', expiresAt, dedupeKey: null });
  }
}

/** The state of the operation log, for witnesses: only after the owner’s consent, before it nothing but status leaves. */
function relayCheckpoints({ base, operationLog, permissions }: CloudParts, scope: TopicScope): void {
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
    base.stores.outbox.enqueue(message).catch((error: unknown) => base.log.warn('a checkpoint could not be queued', { error }));
  });
}

function connectProof({ base, numbers }: CloudParts): Promise<string> {
  const proof: Connect = { v: 1, dev: base.serial, key: base.keys.sign.publicJwk, n: numbers.next() };
  return signStatement('connect+jws', proof, base.signer);
}
