import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { VERSION } from '../../../../agent/kernel/version.js';

/** Tests run in the root of the repository. */
const versionIn = (file: string): unknown => (JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown }).version;

test('the version that the agent names is that of the package, and of its lock file', () => {
  assert.is(versionIn('package.json'), VERSION);
  assert.is(versionIn('package-lock.json'), VERSION);
});

test.run();
