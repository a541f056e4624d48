/** Everything that a relay can make up: it knows every public key, every id in a topic and how letters are made, and holds no key of the site's. */
import { type Signer, signStatement } from '../../agent/contract/jws.js';
import type { ArgsOf, OperationName } from '../../agent/contract/operations.js';
import { newId } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { newSigningKey, type SigningKey } from '../../scripts/portal/client/keys.js';
import type { HostileRelay } from '../support/hostile-relay.js';
import type { MqttTransport } from '../support/mqtt-transport.js';
import { TENANT, TestEmployee, type TestOwner } from '../support/people.js';
import { makeLetter, sealLetter } from '../support/raw-letters.js';

/** A letter that the relay puts before the recorder. */
export interface Forged {
  readonly what: string;
  readonly topic: string;
  readonly text: string;
}

/** What the relay knows when it forges. */
export interface Known {
  readonly relay: HostileRelay;
  readonly owner: TestOwner;
  readonly transport: MqttTransport;
  /** The permission's id stands in a topic. */
  readonly grantId: string;
}

type Wish = { [Name in OperationName]: readonly [op: Name, args: ArgsOf<Name>] }[OperationName];

const FP = `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`;
const SDP = `v=0\r\na=fingerprint:${FP}\r\n`.repeat(4);

/** What it would like to have done; every statement in it is signed by `by`. */
async function wishes({ owner }: Known, self: SigningKey, by: Signer, mates: TestEmployee): Promise<Wish[]> {
  const { serial, deviceKey, epoch, operator } = owner.paired;
  const now = Date.now();
  const scope = { v: 1, id: newId(), dev: serial, epoch, iat: now, exp: now + 600_000 } as const;
  const grant = { ...scope, device: deviceKey, org: mates.org, scopes: ['live-view'], cams: null, hours: null };
  const offer = await signStatement('offer+jws', { ...scope, to: self.publicKey, erasePeople: true }, by);
  const delegation = await signStatement('delegate+jws', scope, by);
  const order = { v: 1, id: newId(), dev: serial, epoch, ids: [], all: true, iat: now };
  const consent = { v: 1, dev: serial, by: mates.person, role: 'owner', operator, iat: now };
  return [
    ['live.open', { cam: 'cam-1', stream: 'main', maxS: 600, sdp: SDP, fp: FP }],
    ['config.apply', { base: 'A'.repeat(43), patch: { recorderName: 'Taken over' } }],
    ['permissions.grant', { grant: await signStatement('grant+jws', grant, by), application: null }],
    ['permissions.withdraw', { statement: await signStatement('withdraw+jws', order, by) }],
    ['owner.add-device', { key: self.publicKey, name: 'Relay' }],
    ['owner.remove-device', { kid: owner.key.signer.kid }],
    ['owner.join', { key: self.publicKey, delegation, deviceName: 'Relay' }],
    ['owner.accept', { key: self.publicKey, offer, accept: await signStatement('accept+jws', scope, by), deviceName: 'Relay' }],
    ['owner.consent', { consent: await signStatement('consent+jws', consent, by) }],
    ['owner.tell-time', { at: now + 86_400_000 }],
    ['log.erase', { ref: newId() }],
    ['permissions.list', {}],
  ];
}

/** All of it: under keys of its own, under the owner's name, and under badges of a company of its own that name the real permission. */
export async function forgeries(known: Known): Promise<Forged[]> {
  const { owner, transport, grantId, relay } = known;
  const [self, mates] = [
    await newSigningKey(),
    await TestEmployee.make('Example Alarms', { name: 'Dana Example', email: 'dana@example.org' }),
  ];
  mates.grantId = grantId;
  const scope = { tenant: TENANT, serial: owner.paired.serial };
  const { kid } = owner.key.signer;
  const made: Forged[] = [];
  const signers: readonly [who: string, signer: Signer, statements: Signer][] = [
    ['its own name', self.signer, self.signer],
    ['the owner’s name', { ...self.signer, kid }, { ...self.signer, kid }],
    ['its own, with statements in the owner’s name', self.signer, { ...self.signer, kid }],
    ['a badge of its own company', mates.signer, mates.signer],
  ];
  for (const [who, signer, by] of signers) {
    for (const [op, args] of await wishes(known, self, by, mates)) {
      const papers = signer === mates.signer ? await mates.credentials(op) : { grant: null, badge: null };
      const letter = await makeLetter({ transport, client: owner.client, signer }, { op, args, ...papers });
      made.push({ what: `${op} in ${who}`, topic: topics.command(scope, letter.id), text: letter.text });
    }
  }
  // Letters that are no commands: on the topics of statements, and the recorder's own login as if it were one.
  const claimed = { ...self.signer, kid };
  const order = { v: 1, id: newId(), dev: scope.serial, epoch: owner.paired.epoch, ids: [], all: true, iat: Date.now() };
  const login = relay.logins.find(({ name }) => name === scope.serial)?.password ?? '';
  const asCommand = await sealLetter({ transport, client: owner.client, signer: claimed }, newId(), login);
  made.push(
    { what: 'a withdrawal', topic: topics.withdraw(scope, newId()), text: await signStatement('withdraw+jws', order, claimed) },
    { what: 'a badge called back', topic: topics.cancel(scope, newId()), text: await mates.cancellation() },
    { what: 'the recorder’s login', topic: topics.command(scope, asCommand.id), text: asCommand.text },
  );
  return made;
}
