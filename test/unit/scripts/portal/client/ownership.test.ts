import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { consentTextHash } from '../../../../../agent/contract/consent-text.js';
import { thumbprint, verifyStatement } from '../../../../../agent/contract/jws.js';
import type { OperationName } from '../../../../../agent/contract/operations.js';
import {
  Consent,
  DELEGATION_MAX_MS,
  Delegation,
  HandOverAccept,
  HandOverOffer,
  OFFER_MAX_MS,
} from '../../../../../agent/contract/statements.js';
import { sha256Text } from '../../../../../agent/contract/text.js';
import { AgentError } from '../../../../../agent/kernel/errors.js';
import { signConsent } from '../../../../../scripts/portal/client/consent.js';
import { acceptOffer, readOffer, signOffer } from '../../../../../scripts/portal/client/hand-over.js';
import {
  addedLink,
  type Handed,
  handedLink,
  keyText,
  readHanded,
  readJoin,
  readKeyText,
} from '../../../../../scripts/portal/client/handed-text.js';
import { newSigningKey } from '../../../../../scripts/portal/client/keys.js';
import {
  addDevice,
  guessDeviceName,
  joinAsDevice,
  readDelegation,
  removeDevice,
  signDelegation,
} from '../../../../../scripts/portal/client/owner-devices.js';
import type { RecorderCall } from '../../../../../scripts/portal/client/recorder-call.js';

const SERIAL = 'SN4F2K7Q9D';
const NOW = 1_800_000_000_000;
const OPERATOR = { name: 'Example Relay', region: 'EU', host: 'relay.example.org' };
const PERSON = { name: 'Olivia Example', email: 'olivia@example.org' };
const moment = { epoch: 3, now: NOW };
const owner = await newSigningKey();
const next = await newSigningKey();

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'none';
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
}

const codeOfAsync = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );

/** A recorder that notes what it is asked. */
function noting(answer: unknown): { link: RecorderCall; asked: { op: OperationName; args: unknown }[] } {
  const asked: { op: OperationName; args: unknown }[] = [];
  const call: RecorderCall['call'] = async (op, args) => {
    asked.push({ op, args });
    return answer as never;
  };
  return { link: { call }, asked };
}

const handed = async (statement: string): Promise<Handed> => ({
  serial: SERIAL,
  deviceKey: await thumbprint(owner.publicKey),
  statement,
  operator: OPERATOR,
});

test('a delegation is signed by the owner, good for 15 minutes by the recorder’s clock, and each is another', async () => {
  const statement = await signDelegation(SERIAL, moment, owner.signer);
  const content = await verifyStatement(statement, 'delegate+jws', owner.publicKey, Delegation);
  assert.equal({ ...content, id: '' }, { v: 1, id: '', dev: SERIAL, epoch: 3, iat: NOW, exp: NOW + DELEGATION_MAX_MS });
  const other = readDelegation(await handed(await signDelegation(SERIAL, moment, owner.signer)));
  assert.is.not(other.id, content.id);
});

test('a link carries everything behind the #, and reads back whatever stands before it', async () => {
  const given = await handed(await signDelegation(SERIAL, moment, owner.signer));
  const link = handedLink('https://portal.example.org/app?x=1#/own', 'join', given);
  const [before, fragment] = link.split('#');
  assert.is(before, 'https://portal.example.org/app?x=1');
  assert.ok(fragment?.includes(given.statement) && !before?.includes(given.statement));
  assert.equal(readHanded('join', `  ${link}\n`), given);
  assert.equal(readHanded('join', link.replace('portal.example.org', '192.168.1.50:8443')), given, 'another address of the app');
  const bare = { ...given, operator: null };
  assert.equal(readHanded('join', handedLink('https://x/', 'join', bare)), bare);
});

test('what is no such link is told apart, and so is a link that was cut or is of the other kind', async () => {
  const given = await handed(await signDelegation(SERIAL, moment, owner.signer));
  const link = handedLink('https://x/', 'join', given);
  const cut = link.slice(0, link.indexOf('/', link.indexOf(SERIAL)) + 20);
  for (const text of ['', 'https://example.org', cut, link.replace('#/join', '#/take'), `${link}/more`, link.replace(SERIAL, 'sn 1')])
    assert.is(
      codeOf(() => readHanded('join', text)),
      'portal.unreadable',
      text,
    );
});

test('a delegation of another recorder, or something that is none, is found before it is used', async () => {
  const other = await signDelegation('SN0000000X', moment, owner.signer);
  assert.is(
    codeOf(() => readDelegation({ serial: SERIAL, deviceKey: '', statement: other, operator: null })),
    'portal.unreadable',
  );
  const consent = await signConsent(
    { serial: SERIAL, person: PERSON, role: 'owner', method: 'renewed', operator: null, at: NOW },
    owner.signer,
  );
  assert.is(
    codeOf(() => readDelegation({ serial: SERIAL, deviceKey: '', statement: consent, operator: null })),
    'portal.unreadable',
  );
});

test('a key as text is the same key again; anything else is none', () => {
  assert.equal(readKeyText(` ${keyText(owner.publicKey)}\n`), owner.publicKey);
  for (const text of ['', 'SLK1:', 'SL1:SN4F2K7Q9D:K7MPX2QRT:EU', keyText(owner.publicKey).slice(0, -1), `${keyText(owner.publicKey)}.x`])
    assert.is(
      codeOf(() => readKeyText(text)),
      'portal.unreadable',
      text,
    );
});

test('devices are added by delegation or by key, and removed, with the operations that are for it', async () => {
  const { link, asked } = noting({ kid: 'k'.repeat(43), epoch: 3, deviceKey: 'd'.repeat(43), site: 'Corner shop' });
  await joinAsDevice(link, next.publicKey, 'delegation', 'Tablet');
  assert.is(await addDevice(link, next.publicKey, 'Tablet'), 'k'.repeat(43));
  await removeDevice(link, 'k'.repeat(43));
  assert.equal(asked, [
    { op: 'owner.join', args: { key: next.publicKey, delegation: 'delegation', deviceName: 'Tablet' } },
    { op: 'owner.add-device', args: { key: next.publicKey, name: 'Tablet' } },
    { op: 'owner.remove-device', args: { kid: 'k'.repeat(43) } },
  ]);
});

test('an offer names the key it is for, the erasure and 7 days; only that key reads it as its own', async () => {
  const statement = await signOffer(SERIAL, moment, next.publicKey, true, owner.signer);
  const content = await verifyStatement(statement, 'offer+jws', owner.publicKey, HandOverOffer);
  assert.equal([content.erasePeople, content.epoch, content.exp - content.iat], [true, 3, OFFER_MAX_MS]);
  const given = await handed(statement);
  assert.equal((await readOffer(given, next.publicKey)).to, next.publicKey);
  assert.is(await codeOfAsync(readOffer(given, owner.publicKey)), 'portal.other_key');
  assert.is(await codeOfAsync(readOffer({ ...given, serial: 'SN0000000X' }, next.publicKey)), 'portal.unreadable');
  assert.ok(handedLink('https://portal.example.org/', 'take', given).length <= 835, 'short enough for a code that phones read');
});

test('accepting signs the very offer and a consent by the same key, to the operator that was shown', async () => {
  const given = await handed(await signOffer(SERIAL, moment, next.publicKey, false, owner.signer));
  const { link, asked } = noting({ epoch: 4, deviceKey: 'd'.repeat(43), site: 'Kiosk' });
  const parts = { key: next, person: PERSON, site: 'Kiosk', deviceName: 'Tablet', operator: OPERATOR, at: NOW + 5 };
  await acceptOffer(link, given, await readOffer(given, next.publicKey), parts);
  const args = asked[0]?.args as { key: unknown; offer: string; accept: string; deviceName: string };
  assert.equal([asked[0]?.op, args.key, args.offer, args.deviceName], ['owner.accept', next.publicKey, given.statement, 'Tablet']);
  const accept = await verifyStatement(args.accept, 'accept+jws', next.publicKey, HandOverAccept);
  assert.equal([accept.offer, accept.epoch, accept.site], [await sha256Text(given.statement), 3, 'Kiosk']);
  const consent = await verifyStatement(accept.consent, 'consent+jws', next.publicKey, Consent);
  assert.equal(
    [consent.method, consent.role, consent.operator, consent.by, consent.text],
    ['hand-over', 'owner', OPERATOR, PERSON, await consentTextHash()],
  );
});

test('this device gets a first name from what the browser says', () => {
  const names = [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)',
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) Mobile Safari',
    'Mozilla/5.0 (Linux; Android 15; Tab) Safari',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 14)',
    'Mozilla/5.0 (Windows NT 10.0)',
    'curl',
  ].map(guessDeviceName);
  assert.equal(names, ['iPhone', 'Android phone', 'Android tablet', 'Mac', 'Windows computer', 'This device']);
});

test('the link for an added device names the recorder and its key, and nothing that could be used', async () => {
  const added = { serial: SERIAL, deviceKey: await thumbprint(owner.publicKey) };
  const link = addedLink('https://portal.example.org/app#/own', added);
  assert.is(link, `https://portal.example.org/app#/join/${SERIAL}/${added.deviceKey}`);
  assert.equal(readJoin(` ${link}\n`), added);
  const full = await handed(await signDelegation(SERIAL, moment, owner.signer));
  assert.equal(readJoin(handedLink('https://portal.example.org/', 'join', full)), full);
  for (const wrong of [SERIAL, `#/join/${SERIAL}`, `#/join/${SERIAL}/short`, `#/take/${SERIAL}/${added.deviceKey}`])
    assert.is(
      codeOf(() => readJoin(wrong)),
      'portal.unreadable',
    );
});

test.run();
