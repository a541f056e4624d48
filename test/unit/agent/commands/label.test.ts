import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CliIo } from '../../../../agent/commands/command.js';
import { type LabelMaker, type LabelOptions, makeLabelCommand } from '../../../../agent/commands/label.js';
import type { ControlActs, LabelCode } from '../../../../agent/contract/control.js';
import { ControlServer } from '../../../../agent/control/control-server.js';
import { qrOf } from '../../../../agent/identity/label-art.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { TestLog } from '../../../support/test-log.js';

const LABEL: LabelCode = { serial: 'SN4F2K7Q9D', model: 'NVR 8', code: 'K7MP-X2QR-K', label: 'SL1:SN4F2K7Q9D:K7MPX2QRK:EU' };

interface World {
  folder: string;
  out: string[];
  err: string[];
  io: CliIo;
  asked: LabelOptions[];
  maker: LabelMaker;
}

const it = suite<World>('sightline label');

it.before.each(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-label-'));
  world.out = [];
  world.err = [];
  world.asked = [];
  world.io = {
    out: (text) => void world.out.push(text),
    err: (text) => void world.err.push(text),
    environment: { SIGHTLINE_STATE: world.folder },
    isTerminal: false,
  };
  world.maker = {
    prepareStateFolder: async () => undefined,
    makeLabel: async (options) => {
      world.asked.push(options);
      return LABEL;
    },
  };
});

it.after.each(({ folder }) => rm(folder, { recursive: true, force: true }));

const run = ({ maker, io }: World, ...args: string[]): Promise<number> => makeLabelCommand(maker).run(args, io);

const refusal = async (work: Promise<unknown>): Promise<AgentError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new RangeError('was not refused');
};

/** The running agent, as far as this command meets it. */
async function withAgent(world: World, label: ControlActs['label'], work: () => Promise<void>): Promise<void> {
  const server = new ControlServer(join(world.folder, 'agent.sock'), () => ({ label }) as ControlActs, new TestLog());
  await server.start();
  try {
    await work();
  } finally {
    await server.stop();
  }
}

/** Dark modules of a black and white PNG with one module of `scale` pixels and a quiet zone of `quiet` modules. */
function modulesOf(png: Buffer, scale: number, quiet: number): boolean[][] {
  assert.is(png.subarray(0, 8).toString('latin1'), '\u0089PNG\r\n\u001a\n');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    chunks.set(png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const header = chunks.get('IHDR') ?? Buffer.alloc(0);
  const [width, height, depth, colour] = [header.readUInt32BE(0), header.readUInt32BE(4), header[8], header[9]];
  assert.equal([width, depth, colour], [height, 1, 3]);
  const palette = chunks.get('PLTE') ?? Buffer.alloc(0);
  assert.equal([...palette], [255, 255, 255, 0, 0, 0]);
  const rows = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
  const stride = 1 + Math.ceil(width / 8);
  const isDark = (x: number, y: number): boolean => ((rows[y * stride + 1 + (x >> 3)] ?? 0) & (0x80 >> (x & 7))) !== 0;
  const size = width / scale - 2 * quiet;
  return Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_, x) => isDark((x + quiet) * scale + 5, (y + quiet) * scale + 5)),
  );
}

const expectedModules = (text: string): boolean[][] => {
  const code = qrOf(text);
  return Array.from({ length: code.size }, (_, y) => Array.from({ length: code.size }, (_, x) => code.get(x, y)));
};

it('shows serial number, code and QR code once; without an agent it works on the folder, locked', async (world) => {
  const { folder } = world;
  let isLocked = false;
  world.maker = {
    ...world.maker,
    makeLabel: async (options) => {
      world.asked.push(options);
      isLocked = (await readdir(folder)).includes('agent.sock');
      return LABEL;
    },
  };
  assert.is(await run(world, '--region', 'US', '--hooks-folder', '/hooks'), 0);
  const text = world.out.join('');
  assert.match(text, /Serial number +SN4F2K7Q9D/);
  assert.match(text, /Verification code +K7MP-X2QR-K/);
  assert.match(text, /[█▀▄]{10}/);
  assert.not.match(text, '\u001b', 'no colours where nobody looks');
  assert.is(isLocked, true);
  const [asked] = world.asked;
  assert.equal([asked?.stateFolder, asked?.site, asked?.hooksFolder, asked?.isAgain], [folder, { v: 1, region: 'US' }, '/hooks', false]);
  assert.equal(await readdir(folder), [], 'the lock is gone');
});

it('the QR code in the terminal is the label’s text', async (world) => {
  await run({ ...world, io: { ...world.io, isTerminal: true } });
  const lines = world.out
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('\u001b[97;40m'));
  const cells = lines.map((line) => [...line.replace('\u001b[97;40m', '').replace('\u001b[0m', '')]);
  const expected = expectedModules(LABEL.label);
  assert.is(cells[0]?.length, expected.length + 4);
  for (const [y, row] of expected.entries())
    for (const [x, dark] of row.entries()) {
      const cell = cells[(y + 2) >> 1]?.[x + 2] ?? '';
      const light = y % 2 === 0 ? '█▀' : '█▄';
      assert.is(!light.includes(cell), dark, `module ${x},${y}`);
    }
});

it('writes SVG and PNG for their owner only, and says so', async (world) => {
  const { folder } = world;
  const [svg, png] = [join(folder, 'label.svg'), join(folder, 'label.png')];
  assert.is(await run(world, '--svg', svg, '--png', png, '--json'), 0);
  assert.equal(JSON.parse(world.out.join('')), { ...LABEL, region: 'EU', svg, png });
  for (const path of [svg, png]) assert.is((await stat(path)).mode & 0o777, 0o600);
  const drawing = await readFile(svg, 'utf8');
  assert.match(drawing, '>K7MP-X2QR-K<');
  assert.match(drawing, '>SN4F2K7Q9D<');
  assert.not.match(drawing, /href|<script|<image/, 'nothing from elsewhere');
  assert.equal(modulesOf(await readFile(png), 10, 4), expectedModules(LABEL.label));
});

it('asks the running agent, and hands on what it refuses', async (world) => {
  const svg = join(world.folder, 'label.svg');
  const seen: unknown[] = [];
  const act: ControlActs['label'] = async (args, source) => {
    seen.push([args, source]);
    if (args.again === true) return LABEL;
    throw new AgentError({ code: 'pairing.label_exists', say: 'There is a label.', fix: 'Use it.' });
  };
  await withAgent(world, act, async () => {
    assert.is((await refusal(run(world, '--svg', svg))).code, 'pairing.label_exists');
    assert.not.ok((await readdir(world.folder)).includes('label.svg'), 'no empty label is left behind');
    assert.is(await run(world, '--svg', svg, '--again'), 0);
  });
  assert.equal(seen, [
    [{ again: false }, 'local'],
    [{ again: true }, 'local'],
  ]);
  assert.is(world.asked.length, 0);
  assert.match(world.out.join(''), /before is worthless/);
});

it('a file that is there or cannot be written costs no label', async (world) => {
  const there = join(world.folder, 'there.svg');
  await writeFile(there, 'mine');
  await chmod(there, 0o644);
  assert.is((await refusal(run(world, '--svg', there))).code, 'label.unwritable');
  assert.is(
    (await refusal(run(world, '--svg', join(world.folder, 'a.svg'), '--png', join(world.folder, 'no', 'b.png')))).code,
    'label.unwritable',
  );
  assert.is((await refusal(run(world, '--svg', join(world.folder, 'c'), '--png', join(world.folder, 'c')))).code, 'label.unwritable');
  assert.is(await readFile(there, 'utf8'), 'mine');
  assert.equal(await readdir(world.folder), ['there.svg']);
  assert.is(world.asked.length, 0);
});

it('wrong usage and a label of another version are told', async (world) => {
  assert.is((await refusal(run(world, '--region', 'eu'))).code, 'cli.usage');
  assert.is((await refusal(run(world, '--jpeg', 'x'))).code, 'cli.usage');
  const maker: LabelMaker = { ...world.maker, makeLabel: async () => ({ ...LABEL, label: 'SL2:SN4F2K7Q9D:K7MPX2QRK:EU' }) };
  assert.is((await refusal(run({ ...world, maker }))).code, 'control.other_version');
  assert.equal(world.out, []);
});

it.run();
