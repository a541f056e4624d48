import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type LetterGrant, SiteLetters } from '../../../../agent/cloud/site-letters.js';
import { verifyStatement } from '../../../../agent/contract/jws.js';
import { openSealed } from '../../../../agent/contract/seal.js';
import { newId } from '../../../../agent/contract/text.js';
import { topics } from '../../../../agent/contract/topics.js';
import { SiteLetter } from '../../../../agent/contract/views.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import { TestLog } from '../../../support/test-log.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { gate, MINUTE, newSealPair, SERIAL } from './desk-rig.js';
import { FakeLink, lost } from './fake-link.js';

const SCOPE = { tenant: 'main', serial: SERIAL };
const CAMERAS = [1, 2, 3].map((at) => ({ id: `cam-${at}`, name: `Door ${at}`, serial: `S${at}`, model: 'M1' }));

const it = suite('site letters');
let device: SigningKey;
let org: SigningKey;
let sealKey: Awaited<ReturnType<typeof newSealPair>>;
let clock: VirtualClock;
let log: TestLog;
let link: FakeLink;
let grants: LetterGrant[];
let recorderName: string;
/** What survives a restart. */
let kept: readonly string[];
let onSave: () => Promise<void>;
let letters: SiteLetters;
let changed: { permissions: () => void; facts: () => void };

it.before(async () => {
  [device, org, sealKey] = await Promise.all([newSigningKey(), newSigningKey(), newSealPair()]);
});

function open(): SiteLetters {
  return new SiteLetters({
    scope: SCOPE,
    signer: device.signer,
    link: () => link,
    grants: () => grants,
    facts: () => ({ recorderName, site: 'Bakery', model: 'R8', firmware: '1.2.3', cameras: CAMERAS }),
    onPermissionsChange: (listener) => {
      changed.permissions = listener;
      return () => undefined;
    },
    onFactsChange: (listener) => {
      changed.facts = listener;
      return () => undefined;
    },
    memory: {
      load: async () => kept,
      save: async (ids) => {
        await onSave();
        kept = [...ids];
      },
    },
    clock,
    log,
  });
}

it.before.each(async () => {
  [clock, log, link, grants, recorderName, kept] = [new VirtualClock(), new TestLog(), new FakeLink(), [], 'Shop', []];
  changed = { permissions: () => undefined, facts: () => undefined };
  onSave = async () => undefined;
  letters = open();
  await letters.start();
});

it.after.each(() => letters.stop());

const grant = (change: Partial<LetterGrant> = {}): LetterGrant => ({
  id: newId(),
  org: { name: 'Example Security', key: org.publicKey, seal: sealKey.publicKey },
  scopes: ['site-information'],
  cams: null,
  ...change,
});

const quiet = (): Promise<void> => letters.settled();

async function give(...made: LetterGrant[]): Promise<void> {
  grants = [...grants, ...made];
  changed.permissions();
  await quiet();
}

async function read(id: string): Promise<SiteLetter | undefined> {
  const text = link.retained.get(topics.site(SCOPE, id));
  if (text === undefined) return undefined;
  return verifyStatement(await openSealed(text, sealKey.privateKey), 'site+jws', device.publicKey, SiteLetter);
}

it('whoever may have it gets it, signed and sealed, for the cameras of the grant only', async () => {
  link.set(true);
  const [all, one] = [grant(), grant({ cams: ['cam-2', 'cam-9'] })];
  await give(all, one);
  const said = { v: 1, dev: SERIAL, at: clock.now(), recorderName: 'Shop', site: 'Bakery', model: 'R8', firmware: '1.2.3' };
  assert.equal(await read(all.id), { ...said, grant: all.id, cameras: CAMERAS });
  assert.equal(await read(one.id), { ...said, grant: one.id, cameras: [CAMERAS[1]] });
  assert.is(link.sent.length, 2);
});

it('nobody else gets any: not without the scope, not without a key to seal to, not before there is a grant', async () => {
  link.set(true);
  await quiet();
  await give(grant({ scopes: ['health', 'live-view'] }), grant({ org: { name: 'Old App', key: org.publicKey } }));
  assert.equal([link.sent, kept], [[], []]);
});

it('a letter comes again when something in it changed, once for a burst, and only where it changed', async () => {
  link.set(true);
  const one = grant();
  await give(one);
  changed.permissions();
  changed.facts();
  await clock.advance(5_000);
  await quiet();
  assert.is(link.sent.length, 1, 'nothing was new');
  for (const name of ['Shop 1', 'Shop 2', 'Shop 3']) {
    recorderName = name;
    changed.facts();
    await clock.advance(500);
  }
  await clock.advance(2_000);
  await quiet();
  assert.is(link.sent.length, 2);
  assert.is((await read(one.id))?.recorderName, 'Shop 3');
});

it('with the grant goes the letter, at once', async () => {
  link.set(true);
  const [one, other] = [grant(), grant()];
  await give(one, other);
  grants = [other];
  changed.permissions();
  await quiet();
  assert.equal([...link.retained.keys()], [topics.site(SCOPE, other.id)]);
  assert.equal(kept, [other.id]);
});

it('hours that close take it away, and hours that open bring it back, without anybody saying so', async () => {
  link.set(true);
  const one = grant();
  await give(one);
  grants = [];
  await clock.advance(MINUTE);
  await quiet();
  assert.is(await read(one.id), undefined);
  grants = [one];
  await clock.advance(MINUTE);
  await quiet();
  assert.is((await read(one.id))?.grant, one.id);
});

it('withdrawn while the link is down: it is taken away with the next connection', async () => {
  link.set(true);
  const one = grant();
  await give(one);
  link.set(false);
  grants = [];
  changed.permissions();
  await clock.advance(10 * MINUTE);
  assert.ok(link.retained.has(topics.site(SCOPE, one.id)));
  link.set(true);
  await quiet();
  assert.equal([link.retained.size, kept], [0, []]);
});

it('and also when the recorder was switched off and reset in between', async () => {
  link.set(true);
  const one = grant();
  await give(one);
  link.set(false);
  await letters.stop();
  grants = [];
  letters = open();
  await letters.start();
  link.set(true);
  await quiet();
  assert.equal([link.retained.size, kept], [0, []]);
});

it('a letter that left just as the power went is taken away too: it is remembered before it leaves', async () => {
  link.set(true);
  const one = grant();
  link.answer = () => {
    assert.equal(kept, [one.id]);
    throw lost();
  };
  await give(one);
  assert.is(link.sent.length, 1);
  assert.equal(kept, [one.id]);
});

it('what cannot be remembered does not leave', async () => {
  link.set(true);
  onSave = () => Promise.reject(new RangeError('the disk is full'));
  await give(grant());
  assert.equal(link.sent, []);
});

it('withdrawn while it is being made: it does not leave; while it is on its way: it is taken away behind it', async () => {
  link.set(true);
  onSave = async () => {
    grants = [];
  };
  await give(grant());
  assert.equal(
    link.sent.filter((text) => text !== ''),
    [],
  );
  onSave = async () => undefined;
  const [sending, arrived] = [gate(), gate()];
  link.answer = (text) => {
    sending.open();
    return text === '' ? Promise.resolve() : arrived.passed;
  };
  const two = grant();
  grants = [two];
  changed.permissions();
  await sending.passed;
  grants = [];
  changed.permissions();
  arrived.open();
  await quiet();
  assert.is(link.retained.size, 0);
});

it('an organisation whose key is none does not keep the others from theirs', async () => {
  link.set(true);
  const none = grant({ org: { name: 'x', key: org.publicKey, seal: { ...sealKey.publicKey, x: 'A'.repeat(43) } } });
  const good = grant();
  await give(none, good);
  assert.is((await read(good.id))?.grant, good.id);
  assert.is(log.lines.length, 1);
});

it('a relay that forgot it has it again after a day', async () => {
  link.set(true);
  const one = grant();
  await give(one);
  link.retained.clear();
  await clock.advance(24 * 60 * MINUTE + MINUTE);
  await quiet();
  assert.is((await read(one.id))?.grant, one.id);
  assert.is(link.sent.length, 2);
});

it.run();
