import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as z from 'zod/mini';
import { HOOK_LIMITS_MS } from '../../../../agent/firmware/hook-limits.js';
import { HookRunner } from '../../../../agent/firmware/hook-runner.js';
import { type DeviceIdentity, readDeviceIdentity } from '../../../../agent/firmware/identity.js';
import { systemClock } from '../../../../agent/kernel/clock.js';
import { createLog } from '../../../../agent/kernel/log.js';

const shipped = join(dirname(fileURLToPath(import.meta.url)), '../../../../../firmware-hooks');
const folder = mkdtempSync(join(tmpdir(), 'sightline-shipped-'));
const log = createLog({ level: 'error', clock: systemClock, format: 'json', write: () => undefined });
const runner = (at: string): HookRunner => new HookRunner({ folder: at, clock: systemClock, log });
let machines = 0;

/** The identity of a made-up device: the shipped hook, looking at a folder instead of the root. */
function identityOf(files: Readonly<Record<string, string | Buffer>>): Promise<DeviceIdentity | undefined> {
  machines += 1;
  const root = join(folder, `machine-${machines}`);
  const hooks = join(root, 'hooks');
  mkdirSync(hooks, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const script = readFileSync(join(shipped, 'identity'), 'utf8');
  assert.match(script, "root=''");
  writeFileSync(join(hooks, 'identity'), script.replace("root=''", `root='${root}'`), { mode: 0o755 });
  return readDeviceIdentity(runner(hooks));
}

const DMI = { 'sys/class/dmi/id/sys_vendor': 'Example Inc.\n', 'sys/class/dmi/id/product_name': 'NVR-16 (rev 2)\n' };

test("identity: the maker's own file goes first, over several lines or one", async () => {
  const own = { serial: 'RX-00417', model: 'NVR 16', manufacturer: 'Example' };
  assert.equal(await identityOf({ ...DMI, 'etc/sightline/identity.json': JSON.stringify(own) }), own);
  assert.equal(await identityOf({ 'etc/sightline/identity.json': `${JSON.stringify(own, undefined, 2)}\n` }), own);
});

test('identity: device tree of a board, DMI of a PC', async () => {
  const tree = { 'proc/device-tree/serial-number': '10000000abcdef\0', 'proc/device-tree/model': 'Board 5\0' };
  assert.equal(await identityOf(tree), { serial: '10000000abcdef', model: 'Board 5', manufacturer: '' });
  assert.equal(await identityOf(DMI), { serial: '', model: 'NVR-16 (rev 2)', manufacturer: 'Example Inc.' });
});

test('identity: a device that knows nothing, or placeholders only, has none', async () => {
  assert.is(await identityOf({}), undefined);
  assert.is(
    await identityOf({ 'sys/class/dmi/id/product_name': 'To Be Filled By O.E.M.', 'sys/class/dmi/id/product_serial': 'Default string' }),
    undefined,
  );
});

test('identity: what firmware says cannot break out of the answer', async () => {
  const nasty = '"},{"x":"\\\n$(touch /tmp/x)`id`\u0000\u0007é';
  const identity = await identityOf({ ...DMI, 'sys/class/dmi/id/product_serial': nasty });
  assert.is(identity?.serial, ',x:(touch /tmp/x)id');
  assert.is((await identityOf({ 'sys/class/dmi/id/product_name': Buffer.alloc(100_000, 0x41) }))?.model, 'A'.repeat(100));
});

test('identity: a broken or overlong own file is not believed', async () => {
  for (const text of [
    '{',
    '[]',
    '{"serial":"1"}',
    '{"serial":1,"model":"","manufacturer":""}',
    '{"serial":"1","model":"","manufacturer":"","code":"K7MP"}',
  ]) {
    assert.is(await identityOf({ 'etc/sightline/identity.json': text }), undefined, text);
  }
  const long = { serial: 'x'.repeat(101), model: '', manufacturer: '' };
  assert.is(await identityOf({ 'etc/sightline/identity.json': JSON.stringify(long) }), undefined);
});

test('capabilities: lists what can be run, and only names of the protocol', async () => {
  const hooks = join(folder, 'some');
  cpSync(shipped, hooks, { recursive: true });
  for (const name of ['reboot', 'surprise', 'time-set']) writeFileSync(join(hooks, name), '#!/bin/sh\n', { mode: 0o755 });
  chmodSync(join(hooks, 'time-set'), 0o644);
  symlinkSync('/bin/true', join(hooks, 'boot'));
  const answer = z.strictObject({ protocol: z.literal(1), hooks: z.array(z.string()) });
  const result = await runner(hooks).run('capabilities', { answer });
  assert.equal(result.outcome === 'ok' && result.answer.hooks, ['capabilities', 'identity', 'reboot']);
});

test('the page, the limits and the hook that lists them name the same hooks', () => {
  const page = readFileSync(join(shipped, 'PROTOCOL.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (\d+) s \|/gm)].map(([, name, seconds]) => [name, Number(seconds) * 1000]);
  assert.equal(Object.fromEntries(rows), HOOK_LIMITS_MS);
  const script = readFileSync(join(shipped, 'capabilities'), 'utf8');
  const listed = /for name in ([^;]+);/.exec(script)?.[1]?.replace(/\\\n/g, ' ').trim().split(/\s+/) ?? [];
  assert.equal(listed.sort(), Object.keys(HOOK_LIMITS_MS).sort());
});

test('examples on the page are JSON, and what is shipped executable is a plain file', () => {
  const page = readFileSync(join(shipped, 'PROTOCOL.md'), 'utf8');
  const answers = [...page.matchAll(/^\| `[a-z-]+` \|.*$/gm)].flatMap(([row]) =>
    [...row.matchAll(/`(\{.*?\})`(?= |$)/g)].map(([, json]) => json ?? ''),
  );
  assert.ok(answers.length >= 34, `${answers.length} examples`);
  for (const json of answers) JSON.parse(json);
  const executable = readdirSync(shipped).filter(
    (name) => lstatSync(join(shipped, name)).isFile() && (lstatSync(join(shipped, name)).mode & 0o100) !== 0,
  );
  assert.equal(executable.sort(), ['button', 'capabilities', 'identity', 'launch']);
});

test.after(() => rmSync(folder, { recursive: true, force: true }));
test.run();
