/** The matrix is whole: every row has a switch of its own, a source, and a test. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_QUIRKS, QUIRKS } from '../onvif-camera/quirks.js';

test('38 rows in order, each with its own switch and a source', () => {
  assert.equal(
    QUIRKS.map(({ number }) => number),
    Array.from({ length: 38 }, (_, at) => at + 1),
  );
  assert.equal(QUIRKS.map(({ name }) => name).sort(), Object.keys(NO_QUIRKS).sort());
  for (const { does, source } of QUIRKS) assert.ok(does.length > 10 && source.length > 5);
});

test('each row has exactly one test', () => {
  const folder = dirname(fileURLToPath(import.meta.url));
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  const tested = texts.flatMap((text) => [...text.matchAll(/^quirk\(\s*(\d+),/gm)].map((match) => Number(match[1])));
  assert.equal(
    tested.sort((one, other) => one - other),
    QUIRKS.map(({ number }) => number),
  );
});

test.run();
