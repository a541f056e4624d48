/**
 * The web app as files for a recorder's own door (agent/page): the same app as the portal's, zipped, one file each.
 *
 *   node scripts/run.mjs scripts/portal/page.ts [--out FOLDER] [--if-stale]     default: .build/page, where an agent of this checkout looks
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { stop } from 'esbuild';
import { ROOT } from '../root.js';
import { type Asset, buildApp } from './build.js';

/** Where an agent that runs from this checkout looks for the page. */
export const PAGE_FOLDER = join(ROOT, '.build', 'page');
const INDEX = 'index.html.gz';
/** What the app is made of. */
const SOURCES = ['scripts/portal', 'agent/contract', 'agent/kernel'];

/** A page that was written: how many files, and their bytes. */
export interface WrittenPage {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Builds the app into `folder`. Files appear whole, the first page last and what is not needed any more goes after it, so that an agent which
 * starts meanwhile finds the old page or the new one. @throws AgentError portal.too_large, esbuild's error when the sources are broken
 */
export async function writePage(folder: string = PAGE_FOLDER): Promise<WrittenPage> {
  const { assets } = await buildApp();
  const names = new Map(assets.map((asset) => [fileName(asset), asset]));
  mkdirSync(join(folder, 'assets'), { recursive: true });
  for (const [name, asset] of [...names].sort(([a], [b]) => Number(a === INDEX) - Number(b === INDEX)))
    writeWhole(join(folder, name), asset.gzip);
  for (const under of ['', 'assets'])
    for (const entry of readdirSync(join(folder, under), { withFileTypes: true }))
      if (entry.isFile() && !names.has(join(under, entry.name))) rmSync(join(folder, under, entry.name), { force: true });
  return { files: names.size, bytes: assets.reduce((sum, asset) => sum + asset.gzip.byteLength, 0) };
}

/** Builds the page of this checkout when a source is newer than it. False: it was good as it stood. */
export async function ensurePage(): Promise<boolean> {
  const index = join(PAGE_FOLDER, INDEX);
  if (existsSync(index) && SOURCES.every((folder) => newest(join(ROOT, folder)) <= statSync(index).mtimeMs)) return false;
  await writePage();
  return true;
}

const fileName = (asset: Asset): string => (asset.path === '/' ? INDEX : `${asset.path.slice(1)}.gz`);

function writeWhole(path: string, bytes: Uint8Array): void {
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.new`);
  writeFileSync(beside, bytes);
  renameSync(beside, path);
}

function newest(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true });
  return Math.max(
    0,
    ...entries.map((entry) => (entry.isDirectory() ? newest(join(folder, entry.name)) : statSync(join(folder, entry.name)).mtimeMs)),
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { out: { type: 'string', default: PAGE_FOLDER }, 'if-stale': { type: 'boolean', default: false } },
  });
  if (values['if-stale'] && values.out === PAGE_FOLDER) {
    if (await ensurePage()) process.stderr.write('built the local page\n');
  } else {
    const { files, bytes } = await writePage(values.out);
    process.stdout.write(`${values.out}: ${files} files, ${Math.round(bytes / 1024)} KiB\n`);
  }
  await stop();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
