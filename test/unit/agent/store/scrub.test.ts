import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as z from 'zod/mini';
import { fileHolds } from '../../../../agent/store/file-search.js';
import { StateStore } from '../../../../agent/store/state-store.js';
import { ManualClock, withDatabase } from './scratch.js';

const Named = z.strictObject({ by: z.string() });
const NAME = 'olivia@example.org';

const holding = async (folder: string): Promise<string[]> => {
  const found: string[] = [];
  for (const file of await fs.readdir(folder)) if (await fileHolds(join(folder, file), [NAME])) found.push(file);
  return found.sort();
};

test('a scrub leaves nothing in the files of what documents said before, and everything that they say now', () =>
  withDatabase(async (database, parent) => {
    const folder = join(parent, 'state');
    const store = new StateStore(database, new ManualClock());
    await store.put('owner', { by: `${'x'.repeat(20_000)}${NAME}` });
    await database.checkpoint();
    for (let at = 0; at < 20; at += 1) await store.put(`other-${at}`, { by: NAME });
    for (let at = 0; at < 20; at += 1) await store.delete(`other-${at}`);
    await store.put('owner', { by: 'nobody' });
    await fs.writeFile(join(folder, 'state.db.before-v2'), NAME);
    await fs.writeFile(join(folder, 'state.db.corrupt-2026'), NAME);
    assert.equal(await holding(folder), ['state.db', 'state.db-wal', 'state.db.before-v2', 'state.db.corrupt-2026']);
    assert.equal(await store.scrub(), [join(folder, 'state.db.corrupt-2026')]);
    assert.equal(await holding(folder), ['state.db.corrupt-2026']);
    assert.equal(await store.get('owner', Named), { by: 'nobody' });
    assert.equal(await store.keys(), ['owner']);
    await store.put('owner', { by: 'again' });
  }));

test.run();
