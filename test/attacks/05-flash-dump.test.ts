// runner: limit 90s
/** A thief has a copy of every file of the recorder: of one that waits for its owner, and of one that is in use. */
import { lstat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatCode } from '../../agent/contract/code.js';
import { type OnvifCamera, startOnvifCamera } from '../peers/onvif-camera/onvif-camera.js';
import { becomeOwner, type TestOwner } from '../support/people.js';
import { until } from '../support/until.js';
import { asOrganisation, newCompany, openUnowned, type Unowned } from './attack-rig.js';
import { filesOf, holders, spellings } from './byte-search.js';

/** Of the camera; given over the relay, so no file that a person laid down holds it. */
const PASSWORD = 'Zr8-Wehr#Turm_41';

interface World {
  camera: OnvifCamera;
  site: Unowned;
  owner: TestOwner;
  code: string;
}

const test = suite<World>('flash dump');

test.before(async (world) => {
  world.camera = await startOnvifCamera({ password: PASSWORD, discovery: false });
  world.site = await openUnowned(() => ({ args: [] }), {
    cameras: { discovery: false, add: [{ address: world.camera.deviceUri }] },
  });
});

test.after(async ({ owner, site, camera }) => {
  owner?.client.close();
  await site?.close();
  await camera?.stop();
});

const codes = (code: string): readonly string[] => [code, formatCode(code), code.slice(0, 8)];

test('Flash dump: the search finds a secret in each spelling where there is one (positive control)', async ({ site }) => {
  const path = join(site.state, 'planted');
  for (const text of spellings(PASSWORD)) {
    await writeFile(path, Buffer.concat([Buffer.from('xy'), text, Buffer.from('z')]));
    assert.equal(await holders(site.state, [PASSWORD]), ['planted']);
  }
  await writeFile(path, Buffer.from(`abc${PASSWORD}`).toString('base64'));
  assert.equal(await holders(site.state, [PASSWORD]), ['planted'], 'base64 of something that it is in');
  await writeFile(path, '');
});

test('Flash dump: of a recorder that waits for its owner, no file holds the code, while it runs and after a power cut', async (world) => {
  const { site } = world;
  const first = site.agent.code ?? '';
  world.code = await site.press();
  assert.ok((await filesOf(site.state)).length > 5);
  assert.equal(await holders(site.state, [...codes(first), ...codes(world.code)]), []);
  await site.powerCut();
  world.code = site.agent.code ?? '';
  assert.equal(await holders(site.state, codes(world.code)), []);
});

test('Flash dump: of one in use, no file holds the code or the camera’s password; the log on its standard error neither', async (world) => {
  const { site, code } = world;
  world.owner = await becomeOwner(site.transport, site.agent.serial, code, { name: 'Olivia Example', email: 'olivia@example.org' });
  const { client } = world.owner;
  await until('the camera is known', async () => (await site.status()).cameras[0]?.state === 'unauthorized');
  const { version: base } = await client.call('config.get', {});
  const login = { user: 'admin', password: PASSWORD };
  await client.call('config.apply', { base, patch: { cameras: { 'cam-1': { login } } } });
  assert.is((await site.status()).cameras[0]?.state, 'online', 'the password is in use');
  await world.owner.grant(asOrganisation(await newCompany()), ['live-view']);
  await client.call('log.list', { beforeSeq: null, limit: 50 });
  const secrets = [...codes(code), PASSWORD];
  assert.equal(await holders(site.state, secrets), []);
  const said = Buffer.from(site.agent.log.join('\n'));
  assert.not.ok(secrets.flatMap(spellings).some((one) => said.includes(one)));
  await site.agent.stop();
  assert.equal(await holders(site.state, secrets), [], 'after an orderly end');
});

test('Flash dump: nobody but the agent’s own user may read any of it', async ({ site }) => {
  assert.is((await lstat(site.state)).mode & 0o077, 0);
  assert.is((await lstat(join(site.state, 'keys'))).mode & 0o077, 0);
  const open: string[] = [];
  for (const path of await filesOf(join(site.state, 'keys'))) if (((await lstat(path)).mode & 0o077) !== 0) open.push(path);
  assert.equal(open, []);
  assert.is((await lstat(join(site.state, 'pairing.json'))).mode & 0o077, 0);
});

test.run();
