// runner: limit 120s
/** Texts that a shell, a path, a format or a terminal would take for more than a text, in every field that a person or the cloud can fill. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationPatch } from '../../agent/contract/configuration.js';
import { parseShape } from '../../agent/contract/shapes.js';
import { SiteFile } from '../../agent/contract/site-file.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { startAgent } from '../support/agent-process.js';
import { Eyes } from '../support/eyes.js';
import { openSite, type Site } from '../support/site.js';
import { App, asOrganisation, codeOf, newCompany, Person } from './attack-rig.js';

/** Names that one change may set, beside the recorder's own. */
const CAMERAS = 6;

interface World {
  folder: string;
  /** Would be there if any of the texts had been carried out. */
  canary: string;
  eyes: Eyes;
  site: Site;
  /** Programs that the agent starts of its own accord. */
  golden: ReadonlySet<string>;
  /** How much longer the recorder thinks that it has been up. */
  upMs: number;
}

const test = suite<World>('command injection');

const OPTIONS = [
  '-version',
  '--help',
  '-i /etc/passwd',
  '-f lavfi',
  '--',
  '-',
  '-o/etc/passwd',
  '-rf /',
  '--import=data:text/javascript,1',
];
const PATHS = [
  '../',
  '../../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '....//....//',
  '/etc/passwd',
  '/proc/self/environ',
  './../keys/master.key',
];
const ADDRESSES = ['file:///etc/passwd', 'concat:/etc/passwd', 'subfile,,start,0,end,99,,:/etc/passwd', 'pipe:0', 'data:text/html,x'];
const FORMATS = ['%s%s%s%n', '%x%x%x', '{{7*7}}', `\${7*7}`, '#{7*7}', '<%= 7*7 %>', '{0.__class__}', '\\u0024(x)', '\\x00', '%00', '%0a'];
const MARKUP = [
  '<script>x</script>',
  '"><img src=x>',
  '<!DOCTYPE x>',
  '<![CDATA[x]]>',
  '&xxe;',
  '</tt:Name><tt:Name>',
  "' OR 1=1 --",
  "'; DROP TABLE entry;--",
];
const GLYPHS = [
  '\u202e\u202dx',
  '\u200b',
  '\ufeff',
  '／etc／passwd',
  '．．／',
  '\ud83d\ude00',
  '\u2028x',
  '\u0085x',
  '\u001b[2J\u001b]0;x\u0007',
  'ﬀ',
  '＄(x)',
];
const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  'CON',
  'NUL',
  'a'.repeat(80),
  'a'.repeat(5_000),
  ' ',
  '',
];

/** 200 texts, each of which would make `canary`, read a file, or reach further than its field where somebody is careless. */
function hostileTexts(canary: string): readonly string[] {
  const acts = [`touch ${canary}`, `touch\${IFS}${canary}`, `cp /etc/passwd ${canary}`, `node -e 1;touch ${canary}`];
  const shells = acts.flatMap((act) => [
    ...[`$(${act})`, `\`${act}\``, `;${act};`, `|${act}`, `||${act}`, `&${act}&`, `&&${act}`, `\n${act}\n`, `\r\n${act}`, `x\u0000${act}`],
    ...[`';${act};'`, `";${act};"`, `')$(${act})('`, `}{;${act}`, `#{${act}}`, `%0a${act}%0a`, `<(${act})`, `>${canary}`, `x;${act}#`],
  ]);
  const rest = [...OPTIONS, ...PATHS, ...ADDRESSES, ...FORMATS, ...MARKUP, ...GLYPHS, ...NAMES];
  const within = rest.flatMap((text) => [text, `Cam ${text}`, `${text} 1`]);
  const all = [...new Set([...shells, ...within])].slice(0, 200);
  assert.is(all.length, 200);
  return all;
}

/** Names of everything below `folder` but the site's own state and what the eyes write. */
async function filesBeside(world: World): Promise<readonly string[]> {
  const all = await readdir(world.folder, { recursive: true });
  return all.filter((name) => !name.startsWith('sightline-site-') && !name.startsWith('eyes')).sort();
}

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-injection-'));
  world.canary = join(world.folder, 'canary');
  for (const name of ['cwd', 'home', 'tmp']) await mkdir(join(world.folder, name));
  world.eyes = new Eyes(world.folder);
  world.upMs = 0;
  const environment = { ...world.eyes.start.environment, HOME: join(world.folder, 'home'), TMPDIR: join(world.folder, 'tmp') };
  const agent = { ...world.eyes.start, environment, cwd: join(world.folder, 'cwd') };
  world.site = await openSite({
    agent,
    parent: world.folder,
    cameras: Array.from({ length: CAMERAS }, (_, at) => ({ name: `Camera ${at + 1}` })),
  });
  await world.site.online();
  // What is asked of the machine once a person wants to know.
  await world.site.owner.client.call('health.get', { sinceMs: 0 });
  world.golden = new Set(world.eyes.programs);
});

test.after(async ({ site, folder }) => {
  await App.leaveAll();
  await site?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Nothing was started but what the agent starts anyway, with the same arguments, and nothing was written outside the state folder. */
async function onlyText(world: World, before: readonly string[]): Promise<void> {
  assert.equal(
    [...new Set(world.eyes.programs)].filter((program) => !world.golden.has(program)),
    [],
  );
  assert.not.ok(existsSync(world.canary));
  assert.equal(await filesBeside(world), before);
}

/** Every text once, with the recorder made to think that time goes by: it takes ten commands a second. */
async function eachText(world: World, act: (text: string, at: number) => Promise<void>): Promise<void> {
  for (const [at, text] of hostileTexts(world.canary).entries()) {
    world.upMs += 250;
    world.eyes.shiftClocks(0, world.upMs);
    await act(text, at);
  }
}

/** The texts in groups of as many names as there are: those that the contract takes at all together, each other one by itself. */
function grouped(texts: readonly string[]): readonly (readonly string[])[] {
  const isTaken = (text: string): boolean => ConfigurationPatch.safeParse({ recorderName: text }).success;
  const taken = texts.filter(isTaken);
  const groups = Array.from({ length: Math.ceil(taken.length / (CAMERAS + 1)) }, (_, at) =>
    taken.slice(at * (CAMERAS + 1), (at + 1) * (CAMERAS + 1)),
  );
  return [...groups, ...texts.filter((text) => !isTaken(text)).map((text) => [text])];
}

/** The first as the recorder's name, the others as the cameras'. */
function naming([first = '', ...others]: readonly string[]): ConfigurationPatch {
  return { recorderName: first, cameras: Object.fromEntries(others.map((name, at) => [`cam-${at + 1}`, { name }])) };
}

test('Command injection: 200 texts as names of recorder and cameras and as logins are kept as texts or refused, and nothing is started', async (world) => {
  const { client } = world.site.owner;
  const before = await filesBeside(world);
  const seen: Record<string, number> = {};
  const apply = async (patch: ConfigurationPatch): Promise<string> => {
    world.upMs += 500;
    world.eyes.shiftClocks(0, world.upMs);
    const { version: base } = await client.call('config.get', {});
    return codeOf(client.call('config.apply', { base, patch }));
  };
  const count = (code: string, texts: number): void => {
    seen[code] = (seen[code] ?? 0) + texts;
  };
  for (const [at, texts] of grouped(hostileTexts(world.canary)).entries()) {
    const together = await apply(naming(texts));
    if (together !== 'config.refused') count(together, texts.length);
    // One of them is no name: then each by itself.
    else for (const text of texts) count(await apply(naming([text])), 1);
    if (together === 'answered') {
      const { recorderName, cameras } = await client.call('config.get', {});
      assert.equal([recorderName, ...texts.slice(1).map((_, n) => cameras[`cam-${n + 1}`]?.name)], texts, 'kept as they are');
    }
    // Logins are tried out at the camera, which takes time: a part of them.
    const [text = ''] = texts;
    if (at % 8 === 0) await apply({ cameras: { 'cam-1': { login: { user: text, password: text } } } });
  }
  const { answered = 0, 'message.invalid': invalid = 0, 'config.refused': refused = 0 } = seen;
  assert.is(answered + invalid + refused, 200, JSON.stringify(seen));
  assert.ok(answered > 100 && invalid > 10, JSON.stringify(seen));
  await onlyText(world, before);
});

test('Command injection: as names of people, companies, devices, cameras and hours, in what is asked and in what is granted', async (world) => {
  const { owner } = world.site;
  const before = await filesBeside(world);
  const company = await newCompany();
  const grant = await owner.grant(asOrganisation(company), ['health', 'ptz', 'live-view']);
  await eachText(world, async (text, at) => {
    if (at % 12 !== 0) return;
    const person = await Person.of(company, grant, { name: text, email: `${text}@example.org` });
    const app = await App.of(world.site, person);
    await codeOf(app.call('health.get', { sinceMs: 0 }));
    await codeOf(app.call('ptz.move', { cam: text as 'cam-1', pan: 1, tilt: 0, zoom: 0 }));
    await app.leave();
    const hours = { zone: text, days: [1], from: text, to: text };
    await codeOf(owner.grant({ name: text, key: company.key.publicKey }, ['health'], 600_000, null, hours));
    await codeOf(owner.client.call('owner.add-device', { key: company.key.publicKey, name: text }));
  });
  await onlyText(world, before);
});

/** Fields of the site file that hold a free text, by the name under which the test speaks of them. */
const FIELDS: Readonly<Record<string, (text: string) => object>> = {
  'cloud.url': (text) => ({ cloud: { url: text } }),
  'cloud.url behind its scheme': (text) => ({ cloud: { url: `mqtt://${text}` } }),
  'cloud.tenant': (text) => ({ cloud: { url: 'mqtt://127.0.0.1:1', tenant: text } }),
  'cloud.operator': (text) => ({ cloud: { url: 'mqtt://127.0.0.1:1', operator: text } }),
  'cloud.enrol': (text) => ({ cloud: { url: 'mqtts://127.0.0.1:1', enrol: `https://${text}` } }),
  'cloud.username': (text) => ({ cloud: { url: 'mqtt://127.0.0.1:1', username: text, password: text } }),
  'cloud.caFile': (text) => ({ cloud: { url: 'mqtts://127.0.0.1:1', caFile: text } }),
  recorderName: (text) => ({ recorderName: text }),
  region: (text) => ({ region: text }),
  'cameras.logins': (text) => ({ cameras: { discovery: false, logins: [{ user: text, password: text }] } }),
  'cameras.add': (text) => ({ cameras: { discovery: false, add: [{ address: text }, { address: `http://127.0.0.1:1/${text}` }] } }),
  'cameras.discoveryAddresses': (text) => ({ cameras: { discovery: false, discoveryAddresses: [text] } }),
  'serial.path': (text) => ({ serial: [{ path: text, baudRate: 2_400, parity: 'none', protocol: 'pelco-d', units: {} }] }),
  'serial.path below /dev': (text) => ({
    serial: [{ path: `/dev/${text}`, baudRate: 2_400, parity: 'none', protocol: 'pelco-d', units: {} }],
  }),
  'live.iceServers': (text) => ({ live: { iceServers: [`stun:${text}`] } }),
  'live.bindAddress': (text) => ({ live: { bindAddress: text } }),
};

/** Texts that the site file takes in this field. */
function accepted(field: (text: string) => object, texts: readonly string[]): readonly string[] {
  return texts.filter((text) => {
    try {
      parseShape(SiteFile, { v: 1, ...field(text) });
      return true;
    } catch (error) {
      assert.instance(error, AgentError);
      return false;
    }
  });
}

test('Command injection: in every field of the site file; with what is taken there the agent starts, and starts nothing else', async (world) => {
  const texts = hostileTexts(world.canary);
  const before = await filesBeside(world);
  const taken = Object.entries(FIELDS).map(([name, field]) => ({ name, field, texts: accepted(field, texts) }));
  // These are only judged where they are used: at the broker, by opening a file for reading, by asking a camera.
  for (const { name, texts: kept } of taken)
    assert.ok(kept.length < texts.length || /^(cloud\.(username|caFile)|cameras\.(add|logins))$/.test(name), `${name} takes everything`);
  assert.not.ok(taken.find(({ name }) => name === 'serial.path')?.texts.some((text) => /[\s;$`|&]/.test(text)));
  for (const at of [0, 7]) {
    const folder = await mkdtemp(join(tmpdir(), 'sightline-injected-'));
    const eyes = new Eyes(folder);
    const site = Object.assign(
      {},
      ...taken.map(({ field, texts: kept }) => (kept.length === 0 ? {} : field(kept[at % kept.length] ?? ''))),
    );
    const agent = await startAgent(join(folder, 'state'), site, { ...eyes.start, args: [] });
    assert.is(await agent.stop(), 0);
    assert.equal(
      eyes.programs.filter((program) => !world.golden.has(program)),
      [],
    );
    await rm(folder, { recursive: true, force: true });
  }
  await onlyText(world, before);
});

test('Command injection: after a restart with all that was kept, still nothing', async (world) => {
  const before = await filesBeside(world);
  await world.site.agent.stop();
  await world.site.restart();
  await onlyText(world, before);
  assert.ok(world.golden.size > 0, 'the eyes do see the hooks being run');
});

test.run();
