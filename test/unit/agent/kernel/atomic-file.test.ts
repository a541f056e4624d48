import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFileIfThere, syncFolder, writeFileDurably } from '../../../../agent/kernel/atomic-file.js';

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'atomic-'));
  try {
    await act(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('writes a new file for its owner only, and leaves nothing beside it', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'key');
    await writeFileDurably(path, 'one');
    assert.is(readFileSync(path, 'utf8'), 'one');
    assert.is(statSync(path).mode & 0o777, 0o600);
    await writeFileDurably(path, Uint8Array.of(1, 2), 0o640);
    assert.equal([...readFileSync(path)], [1, 2]);
    assert.is(statSync(path).mode & 0o777, 0o640);
    assert.equal(readdirSync(folder), ['key']);
  }));

test('replaces the file and never changes it: who holds the old one open reads the old content', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'state');
    writeFileSync(path, 'old');
    const before = statSync(path).ino;
    await writeFileDurably(path, 'new');
    assert.is.not(statSync(path).ino, before);
  }));

test('many writers at once: the last state is one of them, whole', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'state');
    const texts = Array.from({ length: 20 }, (_, at) => String(at).repeat(5000));
    await Promise.all(texts.map((text) => writeFileDurably(path, text)));
    assert.ok(texts.includes(readFileSync(path, 'utf8')));
    assert.equal(readdirSync(folder), ['state']);
  }));

test('a failed write leaves the old content', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'state');
    writeFileSync(path, 'old');
    let code = '';
    await writeFileDurably(path, undefined as unknown as string).catch((error: NodeJS.ErrnoException) => (code = error.code ?? ''));
    assert.is(code, 'ERR_INVALID_ARG_TYPE');
    assert.is(readFileSync(path, 'utf8'), 'old');
    assert.equal(readdirSync(folder), ['state'], 'nothing half-written stays');
  }));

test('a missing file is undefined, anything else is an error', () =>
  inFolder(async (folder) => {
    assert.is(await readFileIfThere(join(folder, 'none')), undefined);
    let code = '';
    await readFileIfThere(folder).catch((error: NodeJS.ErrnoException) => (code = error.code ?? ''));
    assert.is(code, 'EISDIR');
    await syncFolder(folder);
  }));

test.run();
