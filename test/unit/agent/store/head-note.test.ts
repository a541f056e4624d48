import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HeadNote } from '../../../../agent/store/head-note.js';
import { inFolder } from './scratch.js';

test('what was noted last is read back, by another process too; nothing else is taken for a note', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'head');
    const note = new HeadNote(path);
    assert.is(await note.read(), null);
    for (const size of [1, 2, 999_999_999]) {
      const noted = { size, head: (size % 10).toString(16).repeat(64) };
      note.write(noted);
      assert.equal(await new HeadNote(path).read(), noted);
    }
    assert.is((await fs.stat(path)).size, 82, 'overwritten in place');
    assert.is((await fs.stat(path)).mode & 0o777, 0o600);
    for (const text of ['', '1 abc\n', `${'0'.repeat(16)} ${'g'.repeat(64)}\n`, `${'0'.repeat(16)} ${'a'.repeat(64)}`]) {
      await fs.writeFile(path, text);
      assert.is(await note.read(), null, text);
    }
  }));

test('what cannot be noted stops nobody', () =>
  inFolder(async (folder) => {
    const note = new HeadNote(join(folder, 'nowhere', 'head'));
    note.write({ size: 1, head: 'a'.repeat(64) });
    assert.is(await note.read(), null);
  }));

test.run();
