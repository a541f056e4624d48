// runner: limit 120s
/** Somebody has recorded letters, or makes some up: a running recorder, asked over the relay. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command } from '../../agent/contract/command.js';
import { signStatement } from '../../agent/contract/jws.js';
import { topics } from '../../agent/contract/topics.js';
import { newSigningKey, type SigningKey } from '../../scripts/portal/client/keys.js';
import { type AgentProcess, startAgent } from '../support/agent-process.js';
import { Eyes } from '../support/eyes.js';
import { TENANT } from '../support/people.js';
import { type Letter, type LetterParts, makeCommand, makeLetter, post, sealLetter } from '../support/raw-letters.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';
import { asDer, claimedAs, macAs, mirrored, signedAs } from './forgery.js';

interface World {
  folder: string;
  eyes: Eyes;
  site: Site;
  /** Challenge of the first start. */
  boot: string;
  letters: LetterParts & { readonly signer: SigningKey['signer'] };
  stranger: SigningKey;
  other: AgentProcess;
}

const test = suite<World>('commands');

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-commands-'));
  world.eyes = new Eyes(world.folder);
  world.site = await openSite({ agent: { ...world.eyes.start, args: [] } });
  const { owner, transport, broker } = world.site;
  world.letters = { transport, client: owner.client, signer: owner.key.signer };
  world.stranger = await newSigningKey();
  const cloud = { url: broker.url, tenant: TENANT };
  world.other = await startAgent(join(world.folder, 'other'), { cloud, cameras: { discovery: false } }, { args: [] });
  await world.site.online();
  world.boot = owner.client.status?.boot ?? '';
});

test.after(async ({ site, other, folder }) => {
  await other?.stop();
  await site?.close();
  await rm(folder, { recursive: true, force: true });
});

/** How often each code was refused since `before`, of those that count. */
async function refusedSince(site: Site, before: Readonly<Record<string, number>>): Promise<Record<string, number>> {
  const now = (await site.status()).refusedMessages;
  return Object.fromEntries(
    Object.entries(now).flatMap(([code, count]) => (count > (before[code] ?? 0) ? [[code, count - (before[code] ?? 0)]] : [])),
  );
}

/** Posts the letter and waits until it is refused with this code, once more than before. */
async function refusedAs(site: Site, code: string, send: () => Promise<unknown>, what = code): Promise<void> {
  const before = (await site.status()).refusedMessages;
  await send();
  const seen = await until(`${what} is judged`, async () => {
    const refused = await refusedSince(site, before);
    return Object.keys(refused).length > 0 && refused;
  });
  assert.equal(seen, { [code]: 1 }, what);
}

/** Rows of the log that tell of this recorder's own name being set: the act that the captured letter asks for. */
async function namesGiven({ owner }: Site): Promise<number> {
  const { rows } = await owner.client.call('log.list', { beforeSeq: null, limit: 200, action: 'config.apply' });
  return rows.filter((row) => row.phase === 'result' && row.result === 'ok').length;
}

async function renaming({ letters, site }: World, recorderName: string, changes: Partial<Command> = {}): Promise<Letter> {
  const { version } = await site.owner.client.call('config.get', {});
  return makeLetter(letters, { op: 'config.apply', args: { base: version, patch: { recorderName } }, ...changes });
}

test('Command replay: the same bytes again, half a minute late, from ahead, at another recorder and after a restart are refused, each with its own reason', async (world) => {
  const { site, letters, other, eyes } = world;
  const captured = await renaming(world, 'Captured once');
  await post(letters, captured);
  await until('it is carried out', async () => (await namesGiven(site)) === 1);
  await refusedAs(site, 'command.replayed', () => post(letters, captured));
  const early = await renaming(world, 'From ahead', { at: (letters.client.status?.up ?? 0) + 10 * 60_000 });
  await refusedAs(site, 'command.ahead', () => post(letters, early));
  const elsewhere = await renaming(world, 'For another', { dev: other.serial });
  await refusedAs(site, 'command.other_recorder', () => post(letters, elsewhere));
  // As it came, the letter cannot even be opened at the other recorder.
  await letters.transport.publish(topics.command({ tenant: TENANT, serial: other.serial }, captured.id), captured.text);
  await until('the other refuses', () => other.log.some((line) => line.includes('seal.broken')));
  // A relay that holds letters back: one is let loose after 31 s, one after a restart.
  const held = await renaming(world, 'Held back');
  eyes.shiftClocks(0, 31_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await refusedAs(site, 'command.too_old', () => post(letters, held));
  eyes.shiftClocks(0);
  await site.agent.kill();
  await site.restart();
  await until('the app sees the new start', () => letters.client.status?.state === 'online' && letters.client.status.boot !== world.boot);
  await refusedAs(site, 'command.stale_boot', () => post(letters, held));
  assert.is(await namesGiven(site), 1, 'it was done once');
  await site.online();
});

type Forge = (command: Command) => Promise<string> | string;

/** What is forged, with the code that the recorder refuses it with. All but the strangers' are in the owner's name. */
function forgeries({ letters, stranger, site }: World): readonly [what: string, make: Forge, code: string][] {
  const { signer } = letters;
  const { kid } = signer;
  const owner = site.owner.key.publicKey;
  const header = { alg: 'ES256', typ: 'cmd+jws', kid };
  const twice = (command: Command): string => JSON.stringify(command).replace('"op":', '"op":"site.get","op":');
  const twiceWithin = (command: Command): string =>
    JSON.stringify(command).replace('"recorderName":', '"recorderName":"x","recorderName":');
  const changed: Forge = async (command) => {
    const [head, , signature] = (await signedAs(header, { ...command, op: 'site.get', args: {} }, signer)).split('.');
    return [head, claimedAs('', command).split('.')[1], signature].join('.');
  };
  return [
    ['alg none', (command) => claimedAs({ ...header, alg: 'none' }, command), 'signature.header'],
    ['alg none and nothing else', (command) => claimedAs({ alg: 'none' }, command), 'signature.header'],
    ['the signature left out', (command) => claimedAs(header, command), 'signature.invalid'],
    ['a signature of zeros', (command) => claimedAs(header, command, new Uint8Array(64)), 'signature.invalid'],
    ['half a signature', (command) => claimedAs(header, command, new Uint8Array(32).fill(7)), 'signature.invalid'],
    ['HS256, keyed with the public key', (command) => macAs({ ...header, alg: 'HS256' }, command, owner), 'signature.header'],
    ['another curve named', (command) => signedAs({ ...header, alg: 'ES384' }, command, signer), 'signature.header'],
    ['a grant as a command', (command) => signedAs({ ...header, typ: 'grant+jws' }, command, signer), 'signature.type'],
    ['no type', (command) => signedAs({ alg: 'ES256', kid }, command, signer), 'signature.header'],
    ['a stranger who says he is the owner', (command) => signedAs(header, command, stranger.signer), 'signature.invalid'],
    ['a stranger', (command) => signedAs({ ...header, kid: stranger.signer.kid }, command, stranger.signer), 'permissions.no_badge'],
    ['the key in the header', (command) => signedAs({ ...header, jwk: stranger.publicKey }, command, stranger.signer), 'signature.header'],
    ['an address of a key', (command) => signedAs({ ...header, jku: 'https://example.org/k' }, command, signer), 'signature.header'],
    ['a critical extension', (command) => signedAs({ ...header, crit: ['b64'], b64: false }, command, signer), 'signature.header'],
    ['a key named twice', (command) => signedAs(header, twice(command), signer), 'message.duplicate_key'],
    ['a key named twice further in', (command) => signedAs(header, twiceWithin(command), signer), 'message.duplicate_key'],
    ['a field that nobody knows', (command) => signedAs(header, { ...command, admin: true }, signer), 'message.invalid'],
    ['another content under a true signature', changed, 'signature.invalid'],
    ['the signature in another coding', async (command) => asDer(await signedAs(header, command, signer)), 'signature.invalid'],
  ];
}

test('Forged or stripped signature: 19 ways, each refused and told apart; the owner in whose name it was tried is still served', async (world) => {
  const { site, letters } = world;
  const before = await namesGiven(site);
  const { version: base } = await site.owner.client.call('config.get', {});
  const args = { base, patch: { recorderName: 'Forged' } };
  const all = forgeries(world);
  assert.is(all.length, 19);
  for (const [what, make, code] of all) {
    const command = await makeCommand(letters, { op: 'config.apply', args });
    const letter = await sealLetter(letters, command.id, await make(command));
    await refusedAs(site, code, () => post(letters, letter), what);
  }
  // Positive control: the same by the owner is done; its twin, signed as truly but by nobody, is the same command again.
  const command = await makeCommand(letters, { op: 'config.apply', args });
  const signed = await signStatement('cmd+jws', command, letters.signer);
  await post(letters, await sealLetter(letters, command.id, signed));
  await until('it is carried out', async () => (await namesGiven(site)) === before + 1);
  const twin = await sealLetter(letters, command.id, mirrored(signed));
  await refusedAs(site, 'command.replayed', () => post(letters, twin), 'the mirrored signature');
  assert.is((await site.owner.client.call('config.get', {})).recorderName, 'Forged');
  assert.is(await namesGiven(site), before + 1);
});

test.run();
