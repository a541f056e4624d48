import { promises as fs } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Ballast } from '../../../../agent/store/ballast.js';
import { Database, type SetAside } from '../../../../agent/store/database.js';
import { backupName, type Migration, STATE_MIGRATIONS } from '../../../../agent/store/migrations.js';
import { codeOf, inFolder, ManualClock, withDatabase } from './scratch.js';

const TABLE: Migration = { version: 1, sql: 'CREATE TABLE thing(n INTEGER PRIMARY KEY, word TEXT) STRICT' };
const clock = new ManualClock();

const open = (path: string, migrations: readonly Migration[] = [TABLE], onSetAside?: (what: SetAside) => void) =>
  Database.open({ path, kind: 'ordinary', migrations, clock, onSetAside });

test('files are 0600 in a folder of 0700, WAL and copies included', () =>
  withDatabase(async (database) => {
    await database.write((tx) => tx.run("INSERT INTO document(key, version, json, updated_at) VALUES('a', 1, '1', 0)"));
    const folder = dirname(database.path);
    assert.is((await fs.stat(folder)).mode & 0o777, 0o700);
    const files = await fs.readdir(folder);
    assert.ok(files.some((file) => file.endsWith('-wal')));
    for (const file of files) assert.is((await fs.stat(join(folder, file))).mode & 0o777, 0o600, file);
  }));

test('transactions of different tasks never share statements: one that fails takes only its own rows with it', () =>
  withDatabase(
    async (database) => {
      const wishes = Array.from({ length: 60 }, (_, n) =>
        database
          .write(async (tx) => {
            await tx.run('INSERT INTO thing(n, word) VALUES(?, ?)', [n, 'a']);
            await new Promise((resolve) => setImmediate(resolve));
            if (n % 3 === 0) throw new RangeError('this one gives up');
            await tx.run('UPDATE thing SET word=? WHERE n=?', ['done', n]);
          })
          .then(
            () => n,
            () => undefined,
          ),
      );
      const told = (await Promise.all(wishes)).filter((n) => n !== undefined);
      const rows = await database.all("SELECT n FROM thing WHERE word='done' ORDER BY n");
      assert.equal(
        rows.map((row) => row.n),
        told,
      );
      assert.is((await database.get('SELECT count(*) AS c FROM thing'))?.c, 40);
    },
    { migrations: [TABLE] },
  ));

test('readers see only what is committed', () =>
  withDatabase(
    async (database) => {
      let seenInside: unknown;
      await database.write(async (tx) => {
        await tx.run("INSERT INTO thing(n, word) VALUES(1, 'a')");
        seenInside = (await database.get('SELECT count(*) AS c FROM thing'))?.c;
        assert.is((await tx.get('SELECT count(*) AS c FROM thing'))?.c, 1);
      });
      assert.is(seenInside, 0);
      assert.is((await database.get('SELECT count(*) AS c FROM thing'))?.c, 1);
    },
    { migrations: [TABLE] },
  ));

test('a write inside a write, a statement after its transaction, a missing value and a write through a reader are refused', () =>
  withDatabase(
    async (database) => {
      assert.is(await codeOf(database.write(() => database.write(async () => 1))), 'store.nested_write');
      const leaked = await database.write(async (tx) => tx);
      assert.is(await codeOf(leaked.run('DELETE FROM thing')), 'store.transaction_ended');
      const holed = [undefined] as unknown as string[];
      assert.is(await codeOf(database.write((tx) => tx.run('INSERT INTO thing(n) VALUES(?)', holed))), 'store.bad_binding');
      assert.is(await codeOf(database.all("INSERT INTO thing(n, word) VALUES(9, 'x') RETURNING n")), 'store.readonly');
      // The queue goes on after all of this.
      await database.write((tx) => tx.run("INSERT INTO thing(n, word) VALUES(2, 'b')"));
      assert.is((await database.get('SELECT count(*) AS c FROM thing'))?.c, 1);
    },
    { migrations: [TABLE] },
  ));

test('close waits for what was asked for, empties the WAL, and refuses what comes later', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.db');
    const database = await open(path);
    const asked = Array.from({ length: 20 }, (_, n) => database.write((tx) => tx.run('INSERT INTO thing(n) VALUES(?)', [n])));
    const closing = database.close();
    assert.is(await codeOf(database.write(async () => 1)), 'store.closed');
    await Promise.all([...asked, closing, database.close()]);
    assert.is(await codeOf(database.all('SELECT 1')), 'store.closed');
    assert.equal(await fs.readdir(folder), ['a.db']);
    const again = await open(path);
    assert.is((await again.get('SELECT count(*) AS c FROM thing'))?.c, 20);
    await again.close();
  }));

test('a damaged file is set aside, reported and replaced; nothing is deleted', () =>
  inFolder(async (folder) => {
    for (const damage of ['header', 'page'] as const) {
      const path = join(folder, `${damage}.db`);
      const first = await open(path);
      await first.write(async (tx) => {
        for (let n = 0; n < 2000; n += 1) await tx.run('INSERT INTO thing(n, word) VALUES(?, ?)', [n, 'x'.repeat(50)]);
      });
      await first.close();
      const bytes = await fs.readFile(path);
      bytes.fill(0xa5, damage === 'header' ? 0 : 3 * 4096, damage === 'header' ? 100 : 5 * 4096);
      await fs.writeFile(path, bytes);
      const looking = { path, kind: 'ordinary', migrations: [TABLE], clock, keepsDamaged: true } as const;
      assert.is(await codeOf(Database.open(looking)), 'store.corrupt', 'who only looks moves nothing');
      assert.equal(await fs.readFile(path), bytes);
      const told: SetAside[] = [];
      const second = await open(path, [TABLE], (what) => told.push(what));
      assert.is((await second.get('SELECT count(*) AS c FROM thing'))?.c, 0);
      await second.close();
      assert.is(told.length, 1, damage);
      assert.match(told[0]?.movedTo ?? '', `${damage}.db.corrupt-2027-01-15T08-00-00-000Z`);
      assert.equal(await fs.readFile(told[0]?.movedTo ?? ''), bytes);
    }
  }));

test('migrations go forward with a copy first; a failed step changes nothing; a newer file is refused and left alone', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.db');
    const first = await open(path);
    await first.write((tx) => tx.run("INSERT INTO thing(n, word) VALUES(1, 'old')"));
    await first.close();
    const bad: Migration = { version: 2, sql: 'ALTER TABLE thing ADD COLUMN extra TEXT; CREATE TABLE thing(n)' };
    assert.is(await codeOf(open(path, [TABLE, bad])), 'store.failed');
    const good: Migration = { version: 2, sql: "ALTER TABLE thing ADD COLUMN extra TEXT; UPDATE thing SET extra='new'" };
    const second = await open(path, [TABLE, good]);
    assert.equal({ ...(await second.get('SELECT * FROM thing')) }, { n: 1, word: 'old', extra: 'new' });
    await second.close();
    const copy = backupName(path, 1);
    assert.is((await fs.stat(copy)).mode & 0o777, 0o600);
    const old = await open(copy);
    assert.equal({ ...(await old.get('SELECT * FROM thing')) }, { n: 1, word: 'old' });
    await old.close();
    assert.is(await codeOf(open(path)), 'store.newer');
    const third = await open(path, [TABLE, good]);
    await third.close();
  }));

test('a folder where nothing can be made is told in a sentence', () =>
  inFolder(async (folder) => {
    await fs.writeFile(join(folder, 'file'), '');
    assert.is(await codeOf(open(join(folder, 'file', 'a.db'))), 'store.failed');
  }));

test('a full disk refuses, keeps what is there, and lets urgent writes use the space held back', () =>
  inFolder(async (folder) => {
    const ballast = new Ballast(join(folder, 'ballast'));
    assert.is(await ballast.ensure(), true);
    assert.is((await fs.stat(join(folder, 'ballast'))).size, 256 * 1024);
    const database = await Database.open({ path: join(folder, 'a.db'), kind: 'durable', migrations: [TABLE], clock, ballast });
    // A cap on pages gives SQLITE_FULL, as a full disk does; it counts as lifted once the ballast is gone.
    const fill = (isUrgent: boolean) => {
      let runs = 0;
      const done = database.write(
        async (tx) => {
          runs += 1;
          await tx.all(`PRAGMA max_page_count=${runs === 1 ? 4 : 10_000}`);
          for (let n = 0; n < 200; n += 1) await tx.run('INSERT INTO thing(word) VALUES(?)', ['x'.repeat(200)]);
        },
        { isUrgent },
      );
      return done.then(
        () => `written in ${runs}`,
        (error: { code: string }) => `${error.code} in ${runs}`,
      );
    };
    assert.is(await fill(false), 'store.full in 1');
    assert.is((await database.get('SELECT count(*) AS c FROM thing'))?.c, 0);
    assert.is(await fill(true), 'written in 2');
    assert.is(await fs.stat(join(folder, 'ballast')).catch(() => 'gone'), 'gone');
    assert.is(await ballast.release(), false);
    // As when another database freed it a moment ago: then there may be room all the same.
    assert.is(await fill(true), 'written in 2');
    await database.close();
  }));

test('the released schema is what the numbers say', () => {
  assert.equal(
    STATE_MIGRATIONS.map(({ version }) => version),
    [1, 2],
  );
});

test.run();
