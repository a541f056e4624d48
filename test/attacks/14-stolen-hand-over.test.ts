// runner: limit 90s
/** An offer to hand a recorder over falls into other hands, or is used again: over the relay, against the running recorder. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signStatement } from '../../agent/contract/jws.js';
import type { HandOverAccept, HandOverOffer } from '../../agent/contract/statements.js';
import { newId, sha256Text } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { signConsent } from '../../scripts/portal/client/consent.js';
import type { Handed } from '../../scripts/portal/client/handed-text.js';
import { ownerIdentity } from '../../scripts/portal/client/identity.js';
import { newSigningKey, type SigningKey } from '../../scripts/portal/client/keys.js';
import { pair } from '../../scripts/portal/client/pair.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { TENANT, type TestOwner, takeOver } from '../support/people.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';
import { derive } from '../unit/agent/pairing/pairing-rig.js';
import { App, asOrganisation, type Company, codeOf, newCompany, Person } from './attack-rig.js';

const BEA = { name: 'Bea Example', email: 'bea@example.org' };

interface World {
  site: Site;
  company: Company;
  heir: SigningKey;
  thief: SigningKey;
  /** The offer that the owner made to the heir. */
  offer: Handed;
  next: TestOwner;
  /** The new owner's connection. */
  wire: MqttTransport;
}

const test = suite<World>('stolen hand-over');

test.before(async (world) => {
  world.site = await openSite({ cameras: [], agent: { args: [] } });
  world.company = await newCompany();
  world.heir = await newSigningKey();
  world.thief = await newSigningKey();
});

test.after(async ({ site, next, wire }) => {
  await App.leaveAll();
  next?.client.close();
  await wire?.close();
  await site?.close();
});

/** An acceptance of these bytes, as `by` signs it. */
async function acceptance(site: Site, offer: Handed, by: SigningKey, changes: Partial<HandOverAccept> = {}): Promise<string> {
  const { epoch } = await site.owner.permissions();
  const facts = {
    serial: site.agent.serial,
    person: BEA,
    role: 'owner',
    method: 'hand-over',
    operator: offer.operator,
    at: Date.now(),
  } as const;
  const accept: HandOverAccept = {
    ...{ v: 1, dev: site.agent.serial, epoch, offer: await sha256Text(offer.statement), site: 'Corner shop' },
    ...{ consent: await signConsent(facts, by.signer), iat: Date.now() },
    ...changes,
  };
  return signStatement('accept+jws', accept, by.signer);
}

/** Accepts at the recorder: `as` signs the command, `key` is what it says it is, `accept` is signed by whoever. */
async function accept(site: Site, offer: string, parts: { as: SigningKey; key?: SigningKey; accept: string }): Promise<string> {
  const app = await App.of(site, ownerIdentity(parts.as.signer));
  const { publicKey: key } = parts.key ?? parts.as;
  const code = await codeOf(app.call('owner.accept', { key, offer, accept: parts.accept, deviceName: 'Mine' }));
  await app.leave();
  return code;
}

async function offerBy(site: Site, by: SigningKey, to: SigningKey, changes: Partial<HandOverOffer> = {}): Promise<string> {
  const { epoch, now } = await site.owner.permissions();
  const times = { iat: now, exp: now + 600_000 };
  const offer: HandOverOffer = {
    v: 1,
    id: newId(),
    dev: site.agent.serial,
    epoch,
    to: to.publicKey,
    erasePeople: false,
    ...times,
    ...changes,
  };
  return signStatement('offer+jws', offer, by.signer);
}

test('Stolen hand-over: a third key, a made-up offer, another recorder’s, an old one and one that has run out make nobody an owner', async (world) => {
  const { site, heir, thief } = world;
  world.offer = await site.owner.signOffer(heir.publicKey);
  const { offer } = world;
  const owner = site.owner.key;
  const handed = (statement: string): Handed => ({ ...offer, statement });
  const stolen = await acceptance(site, offer, thief);
  const selfMade = await offerBy(site, thief, thief);
  const elsewhere = await offerBy(site, owner, heir, { dev: 'SLAAAAAAAA' });
  const over = await offerBy(site, owner, heir, { iat: Date.now() - 700_000, exp: Date.now() - 600_000 });
  const second = await offerBy(site, owner, heir);
  const tries: Record<string, Promise<string>> = {
    'the thief with the heir’s offer': accept(site, offer.statement, { as: thief, accept: stolen }),
    'the thief who says that he is the heir': accept(site, offer.statement, { as: thief, key: heir, accept: stolen }),
    'an offer by the thief himself': accept(site, selfMade, { as: thief, accept: await acceptance(site, handed(selfMade), thief) }),
    'an offer for another recorder': accept(site, elsewhere, { as: heir, accept: await acceptance(site, handed(elsewhere), heir) }),
    'an offer that has run out': accept(site, over, { as: heir, accept: await acceptance(site, handed(over), heir) }),
    'the acceptance of another offer': accept(site, second, { as: heir, accept: await acceptance(site, offer, heir) }),
  };
  const seen: Record<string, string> = {};
  for (const [what, tried] of Object.entries(tries)) seen[what] = await tried;
  for (const [what, code] of Object.entries(seen)) assert.match(code, /^(permissions|signature)\.[a-z_]+$/, what);
  assert.is(seen['the thief with the heir’s offer'], 'permissions.offer_for_another');
  assert.equal((await site.owner.permissions()).devices.length, 1);
  assert.is((await site.owner.permissions()).owner.email, 'olivia@example.org');
});

test('Stolen hand-over: after everything was withdrawn an offer of before is worth nothing, not even to whom it was made', async (world) => {
  const { site, heir, offer } = world;
  const before = await acceptance(site, offer, heir);
  await site.owner.withdraw('all');
  assert.match(await accept(site, offer.statement, { as: heir, accept: before }), /^permissions\.[a-z_]+$/);
  assert.match(await accept(site, offer.statement, { as: heir, accept: await acceptance(site, offer, heir) }), /^permissions\.[a-z_]+$/);
  assert.is((await site.owner.permissions()).owner.email, 'olivia@example.org');
});

test('Stolen hand-over: positive control, the heir takes a current offer; from then on the old owner, his grants and his letters are nothing', async (world) => {
  const { site, company, heir, thief } = world;
  const { owner, agent } = site;
  const grant = await owner.grant(asOrganisation(company), ['health']);
  const person = await Person.of(company, grant);
  const app = await App.of(site, person);
  assert.is(await codeOf(app.call('health.get', { sinceMs: 0 })), 'answered');
  const offer = await owner.signOffer(heir.publicKey);
  const accepted = await acceptance(site, offer, heir);
  const grantOfBefore = await owner.signGrant(asOrganisation(company), ['live-view']);
  const [withdrawal, toThief] = [await owner.withdrawal('all', (await owner.permissions()).epoch), await owner.signOffer(thief.publicKey)];
  const thiefAccepts = await acceptance(site, toThief, thief);
  world.wire = new MqttTransport(site.broker.url);
  await world.wire.whenOnline();
  world.next = await takeOver(world.wire, offer, heir, BEA);
  const { next } = world;
  const { epoch } = await next.permissions();
  assert.is((await next.permissions()).owner.email, 'bea@example.org');
  const refused = {
    'the old owner': await codeOf(owner.client.call('permissions.list', {})),
    'his grant, in force before': await codeOf(app.call('health.get', { sinceMs: 0 })),
    'his grant, delivered after': await codeOf(next.client.call('permissions.grant', { grant: grantOfBefore, application: null })),
    'the offer again': await accept(site, offer.statement, { as: await newSigningKey(), key: heir, accept: accepted }),
    'his offer to a third': await accept(site, toThief.statement, { as: thief, accept: thiefAccepts }),
    'the code on his label': await codeOf(
      pair({ transport: site.transport, scope: { tenant: TENANT, serial: agent.serial }, code: agent.code ?? '', derive }),
    ),
  };
  for (const [what, code] of Object.entries(refused)) assert.match(code, /^(permissions|signature|pairing)\.[a-z_]+$/, what);
  assert.is(refused['his grant, in force before'], 'permissions.withdrawn');
  await site.transport.publish(topics.withdraw({ tenant: TENANT, serial: agent.serial }, 'b'.repeat(22)), withdrawal, { retain: true });
  assert.is(await codeOf(next.client.call('permissions.list', {})), 'answered');
  assert.is((await next.permissions()).epoch, epoch, 'his withdrawal moves nothing');
  assert.equal(
    (await next.permissions()).devices.map(({ kid }) => kid),
    [heir.signer.kid],
  );
});

test('Stolen hand-over: and so after a restart', async ({ site, next, heir }) => {
  const boot = next.client.status?.boot;
  await site.agent.kill();
  await site.restart();
  for (const { client } of [next, site.owner])
    await until('the app sees the new start', () => client.status?.state === 'online' && client.status.boot !== boot);
  assert.is((await next.permissions()).owner.email, 'bea@example.org');
  assert.match(await codeOf(site.owner.client.call('permissions.list', {})), /^permissions\./);
  assert.equal(
    (await next.permissions()).devices.map(({ kid }) => kid),
    [heir.signer.kid],
  );
});

test.run();
