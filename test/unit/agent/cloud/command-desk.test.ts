import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Handlers } from '../../../../agent/cloud/call.js';
import { CommandDesk } from '../../../../agent/cloud/command-desk.js';
import { type Command, Result } from '../../../../agent/contract/command.js';
import { signStatement, verifyStatement } from '../../../../agent/contract/jws.js';
import type { OperationName } from '../../../../agent/contract/operations.js';
import { openSealed, seal } from '../../../../agent/contract/seal.js';
import { PublicJwk, parseShape } from '../../../../agent/contract/shapes.js';
import type { Badge } from '../../../../agent/contract/statements.js';
import { newId } from '../../../../agent/contract/text.js';
import type { EntryInput } from '../../../../agent/operation-log/entry.js';
import type { OperationLog } from '../../../../agent/operation-log/ports.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import { TestLog } from '../../../support/test-log.js';
import { gate, give, MINUTE, makeRig, type PermissionRig, SERIAL, signWithdrawal } from '../permissions/permission-rig.js';

const BOOT = newId();
const it = suite('command desk');

interface SealPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: PublicJwk;
}

async function newSealPair(): Promise<SealPair> {
  const pair = await globalThis.crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits', 'deriveKey']);
  const { kty, crv, x, y } = await globalThis.crypto.subtle.exportKey('jwk', pair.publicKey);
  return { privateKey: pair.privateKey, publicKey: parseShape(PublicJwk, { kty, crv, x, y }) };
}

interface Desk {
  readonly rig: PermissionRig;
  readonly rows: EntryInput[];
  /** What stands before every row: a slow disk. */
  disk: Promise<void>;
  ask(op: OperationName, args: unknown, as: SigningKey, badge?: Partial<Badge>): Promise<Result>;
}

/** A desk over real permissions and a log that only notes; every operation that is not given does nothing. */
async function openDesk(handlers: Partial<Handlers>): Promise<Desk> {
  const rig = await makeRig();
  const [sealKey, replyKey] = await Promise.all([newSealPair(), newSealPair()]);
  const answers = new Map<string, (letter: string) => void>();
  let n = 0;
  const note = async (entry: EntryInput) => {
    await desk.disk;
    desk.rows.push(entry);
    return { seq: desk.rows.length, head: '0'.repeat(64) };
  };
  const operationLog = {
    append: note,
    intent: async (entry: EntryInput) => ({ ...(await note({ ...entry, phase: 'intent' })), entry, person: undefined }),
    result: (intent: { entry: EntryInput }, outcome: object) => note({ ...intent.entry, ...outcome, phase: 'result' }),
  } as unknown as OperationLog;
  const made = new CommandDesk({
    serial: SERIAL,
    boot: BOOT,
    signer: rig.device.signer,
    sealKey: sealKey.privateKey,
    permissions: rig.permissions,
    operationLog,
    handlers: new Proxy(handlers, { get: (own, op: OperationName) => own[op] ?? (async () => ({ isDone: true })) }) as Handlers,
    reply: async (id, letter) => answers.get(id)?.(letter),
    clock: rig.clock,
    log: new TestLog(),
  });
  const desk: Desk = {
    rig,
    rows: [],
    disk: Promise.resolve(),
    ask: async (op, args, as, badge) => {
      const { publicKey: reply } = replyKey;
      n += 1;
      const grant = badge?.grant ?? null;
      const id = newId();
      const command: Command = { v: 1, dev: SERIAL, boot: BOOT, n, id, op, args, grant, badge: await badgeOf(rig, as, badge), reply };
      const answered = new Promise<string>((resolve) => answers.set(id, resolve));
      await made.receive(id, await seal(await signStatement('cmd+jws', command, as.signer), sealKey.publicKey), 'relay');
      const statement = await openSealed(await answered, replyKey.privateKey);
      return verifyStatement(statement, 'result+jws', rig.device.publicKey, Result);
    },
  };
  return desk;
}

async function badgeOf(rig: PermissionRig, holder: SigningKey, change: Partial<Badge> | undefined): Promise<string | null> {
  if (change === undefined) return null;
  const now = rig.clock.now();
  const { signer } = rig.org;
  const person = { name: 'Dana K', email: 'dana@example.org' };
  const badge = { v: 1, org: signer.kid, grant: null, key: holder.publicKey, ...person, amr: ['mfa'], authTime: now, iat: now, ...change };
  return signStatement('badge+jws', { ...badge, exp: now + 60 * MINUTE }, signer);
}

const PATCH = { base: 'B'.repeat(43), patch: { recorderName: 'Shop' } };

it('a withdrawal ends an act that is under way', async () => {
  const begun = gate();
  const desk = await openDesk({
    'config.apply': (_args, call) =>
      new Promise((_resolve, reject) => {
        call.ended.addEventListener('abort', () => reject(new RangeError('given up')));
        begun.open();
      }),
  });
  const grant = await give(desk.rig, { scopes: ['remote-configuration'] });
  const asked = desk.ask('config.apply', PATCH, await newSigningKey(), { grant: grant.id });
  await begun.passed;
  await desk.rig.permissions.withdraw(await signWithdrawal(desk.rig, { ids: [grant.id] }));
  assert.is((await asked).error?.code, 'command.failed');
  assert.equal(
    desk.rows.map(({ phase, result }) => [phase, result]),
    [
      ['intent', undefined],
      ['result', 'failed'],
    ],
  );
});

it('a withdrawal waits for no disk: it is done before its row is written, and answered after', async () => {
  const ended = gate();
  const desk: Desk = await openDesk({
    'permissions.withdraw': async ({ statement }) => {
      const { receipt } = await desk.rig.permissions.withdraw(statement);
      ended.open();
      return receipt;
    },
  });
  const grant = await give(desk.rig);
  const statement = await signWithdrawal(desk.rig, { ids: [grant.id] });
  const disk = gate();
  desk.disk = disk.passed;
  const asked = desk.ask('permissions.withdraw', { statement }, desk.rig.owner);
  await ended.passed;
  assert.is(desk.rows.length, 0);
  disk.open();
  assert.is((await asked).error, null);
  assert.is(desk.rows.length, 1);
});

it('strangers cannot fill the log: new keys get no rows of their own', async () => {
  const desk = await openDesk({});
  for (let stranger = 0; stranger < 10; stranger += 1) {
    const org = { name: 'Anybody', key: desk.rig.org.publicKey };
    await desk.ask('permissions.mine', { org }, await newSigningKey(), {});
  }
  assert.is(desk.rows.length, 1);
});

it.run();
