import { thumbprint, unverifiedPayload } from '../../contract/jws.js';
import type { AnswerOf } from '../../contract/operations.js';
import { type PublicJwk, parseShape } from '../../contract/shapes.js';
import { Consent, Delegation, HandOverAccept, HandOverOffer } from '../../contract/statements.js';
import type { Owner } from '../../contract/stored.js';
import type { Log } from '../../kernel/log.js';
import type { Handlers } from '../call.js';

type Names = 'owner.add-device' | 'owner.remove-device' | 'owner.consent' | 'owner.tell-time' | 'owner.join' | 'owner.accept';

/** The authorizer as far as the owner's devices, consent and hand-over go. Every change is durable when its promise resolves. */
export interface OwnerActs {
  readonly owner: Owner | null;
  readonly epoch: number;
  /** `byKid`: the device that asks. */
  addDevice(device: { readonly key: PublicJwk; readonly name: string; readonly byKid: string }): Promise<{ readonly kid: string }>;
  removeDevice(kid: string): Promise<{ readonly closed: readonly unknown[] }>;
  renewConsent(statement: string, kid: string): Promise<Consent>;
  join(wish: { readonly key: PublicJwk; readonly delegation: string; readonly deviceName: string }): Promise<unknown>;
  handOver(wish: {
    readonly key: PublicJwk;
    readonly offer: string;
    readonly accept: string;
    readonly deviceName: string;
  }): Promise<{ readonly receipt: { readonly closed: readonly unknown[]; readonly lastMediaMs: number }; readonly erasePeople: boolean }>;
}

/** What follows a hand-over. `forgetCode`, `forgetLetters` and `seal` are waited for; the others take their time. */
export interface OwnerHandlerParts {
  readonly permissions: OwnerActs;
  /** Thumbprint of the recorder's own key. */
  readonly deviceKid: string;
  /** Signs the state of the operation log as of now. */
  readonly seal: () => Promise<void>;
  /** Makes the verification code that counted so far worthless. */
  readonly forgetCode: () => Promise<void>;
  /** Takes back what was waiting to be sent: it was for those who asked before. */
  readonly forgetLetters: () => Promise<void>;
  /** Erases the people of before from the operation log; the owner of now stays. Tried again with the next start when it was not done. */
  readonly erasePeople: () => Promise<void>;
  /** Asks for a new client certificate: the old owner may know the one that is in use. */
  readonly renewCertificate: () => Promise<void>;
  /** The owner's device says that it is this instant (ms since 1970), now. */
  readonly timeTold: (at: number) => void;
  readonly log: Log;
}

/** The owner's devices, consent and hand-over. */
export function ownerHandlers(parts: OwnerHandlerParts): Pick<Handlers, Names> {
  const { permissions } = parts;
  return {
    'owner.add-device': async ({ key, name }, call) => {
      const kid = await thumbprint(key);
      call.note.object = kid;
      call.note.after = { device: name };
      await permissions.addDevice({ key, name, byKid: call.ticket.kid });
      return { kid };
    },
    'owner.remove-device': async ({ kid }, call) => {
      call.note.object = kid;
      call.note.before = { device: permissions.owner?.devices.find((device) => device.kid === kid)?.name ?? '' };
      const { closed } = await permissions.removeDevice(kid);
      call.note.after = { sessionsEnded: closed.length };
      return { isDone: true };
    },
    'owner.consent': async ({ consent }, call) => {
      call.note.after = consentFacts(parseShape(Consent, unverifiedPayload(consent)));
      const { by } = await permissions.renewConsent(consent, call.ticket.kid);
      call.note.person = by;
      return { isDone: true };
    },
    'owner.tell-time': async ({ at }, call) => {
      call.note.after = { at };
      call.recheck();
      parts.timeTold(at);
      return { isDone: true };
    },
    'owner.join': async ({ key, delegation, deviceName }, call) => {
      const { id } = parseShape(Delegation, unverifiedPayload(delegation));
      call.note.object = call.ticket.kid;
      call.note.after = { device: deviceName, delegation: id };
      await permissions.join({ key, delegation, deviceName });
      return welcome(parts, call);
    },
    'owner.accept': async ({ key, offer, accept, deviceName }, call) => {
      const { id } = parseShape(HandOverOffer, unverifiedPayload(offer));
      const accepted = parseShape(HandOverAccept, unverifiedPayload(accept));
      const consent = consentFacts(parseShape(Consent, unverifiedPayload(accepted.consent)));
      call.note.object = id;
      call.note.after = { device: deviceName, offer: accepted.offer, consent };
      const { receipt, erasePeople } = await permissions.handOver({ key, offer, accept, deviceName });
      const ended = { sessionsEnded: receipt.closed.length, lastMediaMs: receipt.lastMediaMs };
      call.note.after = { device: deviceName, offer: accepted.offer, consent, ...ended, isErasing: erasePeople };
      await followUp(parts, erasePeople);
      return welcome(parts, call);
    },
  };
}

/** The hand-over is done and durable: what comes after it cannot undo it, and one thing that fails must not keep the next from being done. */
async function followUp(parts: OwnerHandlerParts, erasePeople: boolean): Promise<void> {
  const tried = (what: string, done: Promise<void>): Promise<void> =>
    done.catch((error: unknown) => parts.log.error('something after a hand-over was not done', { what, error }));
  await tried('forget the code', parts.forgetCode());
  await tried('take back what waits to be sent', parts.forgetLetters());
  await tried('seal the log', parts.seal());
  void tried('renew the certificate', parts.renewCertificate());
  if (erasePeople) void tried('erase the people of before', parts.erasePeople());
}

/** What a new device of the owner must know; from now on the log names the owner. */
function welcome(
  { permissions, deviceKid }: OwnerHandlerParts,
  call: { note: { person?: Owner['consent']['by'] } },
): AnswerOf<'owner.join'> {
  const { owner, epoch } = permissions;
  if (owner !== null) call.note.person = owner.consent.by;
  return { epoch, deviceKey: deviceKid, site: owner?.site ?? '' };
}

/** The consent as the log keeps it: what was agreed to, and with whom. */
function consentFacts({ text, lang, ver, role, method, operator, agreed, notAgreed }: Consent) {
  const withWhom = operator === null ? 'nobody' : { ...operator };
  return { text, language: lang, textVersion: ver, role, method, operator: withWhom, agreed: [...agreed], notAgreed: [...notAgreed] };
}
