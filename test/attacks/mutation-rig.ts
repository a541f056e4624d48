/** A recorder in memory that takes commands and statements as the running one does, made anew for every attack, and the true messages for it. */
import type { Handlers } from '../../agent/cloud/call.js';
import { CommandDesk } from '../../agent/cloud/command-desk.js';
import { type Signer, signStatement, unverifiedPayload } from '../../agent/contract/jws.js';
import type { OperationName } from '../../agent/contract/operations.js';
import { seal } from '../../agent/contract/seal.js';
import type { Grant, Withdraw } from '../../agent/contract/statements.js';
import type { PermissionState } from '../../agent/contract/stored.js';
import { newId } from '../../agent/contract/text.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { Permissions } from '../../agent/permissions/service.js';
import { signCancellation } from '../../scripts/portal/client/cancellation.js';
import { signConsent } from '../../scripts/portal/client/consent.js';
import { signAccept, signOffer } from '../../scripts/portal/client/hand-over.js';
import { newSigningKey, type SigningKey } from '../../scripts/portal/client/keys.js';
import { signDelegation } from '../../scripts/portal/client/owner-devices.js';
import { TestLog } from '../support/test-log.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { ADA, DANA, MINUTE, newSealPair, noteLog, RELAY, SERIAL } from '../unit/agent/cloud/desk-rig.js';

/** Everybody's keys; the stranger's are the attacker's own. */
export interface Keys {
  readonly device: SigningKey;
  readonly owner: SigningKey;
  readonly org: SigningKey;
  readonly employee: SigningKey;
  readonly heir: SigningKey;
  readonly second: SigningKey;
  readonly stranger: SigningKey;
  readonly box: Awaited<ReturnType<typeof newSealPair>>;
  readonly reply: Awaited<ReturnType<typeof newSealPair>>;
}

/** What may be done with a true message without changing a byte that is signed. */
export type Replay = 'again' | 'mirrored' | 'late' | 'after a restart' | 'elsewhere' | 'after everything was withdrawn';

/** A message that is good once, as it is and here. */
export interface TrueMessage {
  readonly what: string;
  readonly token: string;
  /** Replays that must be worth nothing; a withdrawal, say, is never too late. */
  readonly replays: readonly Replay[];
  /** Hands the text in as the running recorder would. Rejects, or not, when it is refused. */
  hand(recorder: Recorder, token: string): Promise<unknown>;
  /** The same for somebody who found the text and has a key of his own; `hand` where that makes no difference. */
  handByFinder?(recorder: Recorder, token: string): Promise<unknown>;
}

/** Keys, messages, and what the recorder knows before any of them. */
export interface Recorded {
  readonly keys: Keys;
  readonly state: PermissionState;
  readonly boot: string;
  readonly grantId: string;
  readonly messages: readonly TrueMessage[];
  /** The owner's word that takes everything back. */
  readonly withdrawAll: string;
}

const BOOT = newId();
const CONSENT_TEXT = await consentTextHash();

/** The hash that the consents of this version name. */
async function consentTextHash(): Promise<string> {
  const key = await newSigningKey();
  const facts = { serial: SERIAL, person: ADA, role: 'owner', method: 'renewed', operator: null, at: 0 } as const;
  return (unverifiedPayload(await signConsent(facts, key.signer)) as { text: string }).text;
}

/** Where it differs from the one that the messages are for. */
export interface RecorderChanges {
  readonly serial?: string;
  readonly boot?: string;
}

/** One recorder: command desk and authorizer with real signatures, over memory. */
export class Recorder {
  readonly clock = new VirtualClock();
  readonly permissions: Permissions;
  /** Operations that were carried out. */
  readonly done: string[] = [];
  /** Codes of what was refused. */
  readonly refused: string[] = [];
  readonly #desk: CommandDesk;
  readonly #recorded: Pick<Recorded, 'keys' | 'state'>;
  #kept: PermissionState;

  private constructor(recorded: Pick<Recorded, 'keys' | 'state'>, { serial = SERIAL, boot = BOOT }: RecorderChanges) {
    this.#recorded = recorded;
    this.#kept = recorded.state;
    const { device, box } = recorded.keys;
    this.permissions = new Permissions({
      ...{ serial, deviceKey: device.publicKey, deviceKid: device.signer.kid, clock: this.clock },
      store: {
        load: async () => recorded.state,
        save: async (state) => {
          this.#kept = state;
        },
      },
      ...{ endSessions: () => [], operator: null, consentText: CONSENT_TEXT, isTimeKnown: () => true },
    });
    const handlers = new Proxy({} as Handlers, {
      get: (_none, op: OperationName) => async () => {
        this.done.push(op);
        return { isDone: true };
      },
    });
    this.#desk = new CommandDesk({
      ...{ serial, boot, signer: device.signer, sealKey: box.privateKey, permissions: this.permissions, handlers, clock: this.clock },
      operationLog: noteLog([], async () => undefined),
      up: () => this.clock.monotonicMs(),
      reply: async () => undefined,
      onRefused: (code) => this.refused.push(code),
      log: new TestLog(),
    });
  }

  static async make(recorded: Pick<Recorded, 'keys' | 'state'>, changes: RecorderChanges = {}): Promise<Recorder> {
    const recorder = new Recorder(recorded, changes);
    await recorder.permissions.start();
    return recorder;
  }

  /** Everything that a message may have brought about, to be compared with that of before. */
  get effect(): string {
    return JSON.stringify([this.done, this.#kept]);
  }

  /** As it comes from the relay: anybody can seal to this recorder, so whatever was signed or not arrives as a letter that opens. */
  async command(token: string): Promise<void> {
    let id = newId();
    try {
      const claimed = unverifiedPayload(token) as { id?: unknown } | null;
      if (typeof claimed?.id === 'string') id = claimed.id;
    } catch {
      // The topic then names any letter.
    }
    await this.#desk.receive(id, await seal(token, this.#recorded.keys.box.publicKey), RELAY);
  }

  /** The code of the refusal; undefined when nothing was refused. */
  async take(message: TrueMessage, token: string, hand = message.hand): Promise<string | undefined> {
    const count = this.refused.length;
    try {
      await hand(this, token);
    } catch (error) {
      // As the router says it of a letter that can be neither judged nor answered: one whose answer is wanted for a key that is none.
      return error instanceof AgentError ? error.code : 'message.failed';
    }
    return this.refused[count];
  }
}

async function newKeys(): Promise<Keys> {
  const [device, owner, org] = [await newSigningKey(), await newSigningKey(), await newSigningKey()];
  const [employee, heir, second, stranger] = [await newSigningKey(), await newSigningKey(), await newSigningKey(), await newSigningKey()];
  const [box, reply] = [await newSealPair(), await newSealPair()];
  return { device, owner, org, employee, heir, second, stranger, box, reply };
}

const EMPTY: PermissionState = {
  ...{ v: 1, owner: null, epoch: 1, grants: [], applications: [], declined: [], withdrawnAhead: [] },
  ...{ usedDelegations: [], cancelled: [], erasureDue: false },
};

/** An owner with one device, and one organisation that holds a permission for everything that wants no more than a second factor. */
export async function record(): Promise<Recorded> {
  const keys = await newKeys();
  const { owner } = keys;
  const first = await Recorder.make({ keys, state: EMPTY });
  const now = first.clock.now();
  const consentStatement = await signConsent(
    { serial: SERIAL, person: ADA, role: 'owner', method: 'code-relay', operator: null, at: now },
    owner.signer,
  );
  const consent = unverifiedPayload(consentStatement) as Parameters<Permissions['install']>[0]['consent'];
  await first.permissions.install({
    ...{ key: owner.publicKey, kid: owner.signer.kid, deviceName: 'Phone', site: 'Bakery', consent, consentStatement },
  });
  const facts: GrantFacts = { keys, now, epoch: first.permissions.epoch, grant: grantOf(keys, now, first.permissions.epoch) };
  await first.permissions.grant(await signStatement('grant+jws', facts.grant, owner.signer), null);
  const state = (JSON.parse(first.effect) as [unknown, PermissionState])[1];
  const withdrawAll = await withdrawal(facts, { all: true });
  const messages = [...(await commands(facts)), ...(await statements(facts))];
  return { keys, state, boot: BOOT, grantId: facts.grant.id, messages, withdrawAll };
}

interface GrantFacts {
  readonly keys: Keys;
  readonly now: number;
  readonly epoch: number;
  readonly grant: Grant;
}

function grantOf({ org, device }: Keys, now: number, epoch: number): Grant {
  return {
    ...{ v: 1, id: newId(), dev: SERIAL, device: device.signer.kid, epoch, org: { name: 'Example Security', key: org.publicKey } },
    ...{ scopes: ['live-view', 'remote-configuration'], cams: ['cam-1'], hours: null, iat: now, exp: now + 60 * MINUTE },
  };
}

function withdrawal({ keys, now, epoch }: GrantFacts, changes: Partial<Withdraw>): Promise<string> {
  const order: Withdraw = { v: 1, id: newId(), dev: SERIAL, epoch, ids: [], all: false, iat: now, ...changes };
  return signStatement('withdraw+jws', order, keys.owner.signer);
}

const asCommand = (recorder: Recorder, token: string): Promise<void> => recorder.command(token);
const OF_A_COMMAND: readonly Replay[] = ['again', 'mirrored', 'late', 'after a restart', 'elsewhere'];

/** The badge that a signed command was sent under, and the same command signed again over another one: what a dishonest employee can do. */
async function commands(facts: GrantFacts): Promise<TrueMessage[]> {
  const { keys, now, grant } = facts;
  const { owner, org, employee, heir, second, reply } = keys;
  const times = { authTime: now, iat: now, exp: now + 60 * MINUTE };
  const badgeOf = (id: string | null) => ({
    ...{ v: 1, org: org.signer.kid, grant: id, key: employee.publicKey, ...DANA, amr: ['pwd', 'mfa'], ...times },
  });
  const badge = await signStatement('badge+jws', badgeOf(grant.id), org.signer);
  const applicant = await signStatement('badge+jws', badgeOf(null), org.signer);
  const command = (op: OperationName, args: object, by: Signer, papers: object = {}): Promise<string> => {
    const base = { v: 1, dev: SERIAL, boot: BOOT, at: 0, n: 1, id: newId(), op, args, grant: null, badge: null, reply: reply.publicKey };
    return signStatement('cmd+jws', { ...base, ...papers }, by);
  };
  const papers = { grant: grant.id, badge };
  const fp = `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`;
  const open = { cam: 'cam-1', stream: 'main', maxS: 600, sdp: `v=0\r\na=fingerprint:${fp}\r\n`.repeat(3), fp };
  const wish = { base: 'A'.repeat(43), patch: { recorderName: 'Bakery' } };
  const apply = { org: grant.org, scopes: ['health'], cams: null, durationMs: 60 * MINUTE, note: 'Service' };
  const moment = { epoch: facts.epoch, now };
  const offer = await signOffer(SERIAL, moment, heir.publicKey, false, owner.signer);
  const join = { key: second.publicKey, delegation: await signDelegation(SERIAL, moment, owner.signer), deviceName: 'Tablet' };
  const accept = { key: heir.publicKey, offer, accept: offer, deviceName: 'Phone' };
  const withEpoch: readonly Replay[] = [...OF_A_COMMAND, 'after everything was withdrawn'];
  const made = async (what: string, token: Promise<string>, replays = OF_A_COMMAND): Promise<TrueMessage> => ({
    ...{ what, token: await token, replays, hand: asCommand },
  });
  return [
    await made('owner: config.apply', command('config.apply', wish, owner.signer)),
    await made('owner: log.erase', command('log.erase', { ref: newId() }, owner.signer)),
    await made('employee: live.open', command('live.open', open, employee.signer, papers), withEpoch),
    await made('employee: config.plan', command('config.plan', wish, employee.signer, papers), withEpoch),
    await made('applicant: permissions.apply', command('permissions.apply', apply, employee.signer, { badge: applicant })),
    await made('bearer: owner.join', command('owner.join', join, second.signer)),
    await made('bearer: owner.accept', command('owner.accept', accept, heir.signer)),
    {
      what: 'badge',
      token: badge,
      replays: ['elsewhere', 'after everything was withdrawn'],
      hand: async (recorder, token) => recorder.command(await command('live.open', open, employee.signer, { ...papers, badge: token })),
    },
  ];
}

/** What is signed for itself, whichever way it comes. */
async function statements(facts: GrantFacts): Promise<TrueMessage[]> {
  const { keys, now, epoch, grant } = facts;
  const { owner, org, employee, heir, second, stranger } = keys;
  const moment = { epoch, now };
  const offer = await signOffer(SERIAL, moment, heir.publicKey, true, owner.signer);
  const handed = { serial: SERIAL, deviceKey: keys.device.signer.kid, operator: null, statement: offer };
  const parsed = unverifiedPayload(offer) as Parameters<typeof signAccept>[1];
  const accept = await signAccept(handed, parsed, {
    ...{ key: heir, person: DANA, site: 'Bakery', deviceName: 'Phone', operator: null, at: now },
  });
  const tablet = { key: second.publicKey, deviceName: 'Tablet' };
  const takeOver = { key: heir.publicKey, deviceName: 'Phone' };
  const renewed = { serial: SERIAL, person: DANA, role: 'owner', method: 'renewed', operator: null, at: now } as const;
  const ALL: readonly Replay[] = ['again', 'mirrored', 'late', 'elsewhere', 'after everything was withdrawn'];
  const TIMELESS: readonly Replay[] = ['again', 'mirrored', 'elsewhere', 'after everything was withdrawn'];
  return [
    {
      ...{ what: 'grant', token: await signStatement('grant+jws', { ...grant, id: newId() }, owner.signer), replays: ALL },
      hand: ({ permissions }, token) => permissions.grant(token, null),
    },
    {
      ...{ what: 'withdrawal of one', token: await withdrawal(facts, { ids: [grant.id] }), replays: TIMELESS },
      hand: ({ permissions }, token) => permissions.withdraw(token),
    },
    {
      ...{ what: 'withdrawal of all', token: await withdrawal(facts, { all: true }), replays: TIMELESS },
      hand: ({ permissions }, token) => permissions.withdraw(token),
    },
    {
      what: 'cancellation',
      token: await signCancellation({ key: org.publicKey, signer: org.signer }, [employee.signer.kid], 1, now),
      replays: ['again', 'mirrored'],
      hand: ({ permissions }, token) => permissions.cancelBadges(token),
    },
    {
      ...{ what: 'delegation', token: await signDelegation(SERIAL, moment, owner.signer), replays: ALL },
      hand: ({ permissions }, token) => permissions.join({ ...tablet, delegation: token }),
      handByFinder: ({ permissions }, token) => permissions.join({ ...tablet, key: stranger.publicKey, delegation: token }),
    },
    {
      ...{ what: 'offer', token: offer, replays: ALL },
      hand: ({ permissions }, token) => permissions.handOver({ ...takeOver, offer: token, accept }),
      handByFinder: ({ permissions }, token) => permissions.handOver({ ...takeOver, key: stranger.publicKey, offer: token, accept }),
    },
    {
      ...{ what: 'acceptance', token: accept, replays: ALL },
      hand: ({ permissions }, token) => permissions.handOver({ ...takeOver, offer, accept: token }),
    },
    {
      ...{ what: 'consent', token: await signConsent(renewed, owner.signer), replays: ['again', 'elsewhere'] },
      hand: ({ permissions }, token) => permissions.renewConsent(token, owner.signer.kid),
    },
  ];
}
