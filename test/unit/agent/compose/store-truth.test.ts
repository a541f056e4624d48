/** `sightline status` on a disk that is full: what is true at that moment, not what health found a while ago. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withStoreTruth } from '../../../../agent/compose/store-truth.js';
import { Ballast } from '../../../../agent/store/ballast.js';
import { inFolder } from '../store/scratch.js';

const WELL = { level: 'ok', sentence: 'All is well.' } as const;
const partsOf = (hasRoom: boolean, unwritableSince?: number) => ({
  operationLog: { unwritableSince, tryAgain: async () => undefined },
  stores: { ballast: { hasRoom: async () => hasRoom } },
});

test('nothing is well while nothing can be written, whatever health says', async () => {
  assert.equal(await withStoreTruth(partsOf(true), WELL), WELL);
  const full = await withStoreTruth(partsOf(false), WELL);
  assert.is(full.level, 'act');
  assert.match(full.sentence, /^Needs attention: The disk that holds the agent’s state is full/);
  assert.not.match(full.sentence, 'All is well');
  const failing = await withStoreTruth(partsOf(true, Date.UTC(2026, 10, 24, 14, 2)), WELL);
  assert.match(failing.sentence, 'The operation log cannot be written since 2026-11-24 14:02 UTC');
  const again = {
    unwritableSince: 1 as number | undefined,
    tryAgain: async () => void Object.assign(again, { unwritableSince: undefined }),
  };
  assert.equal(await withStoreTruth({ ...partsOf(true), operationLog: again }, WELL), WELL, 'over by now, and nobody had tried');
  const both = await withStoreTruth(partsOf(false), { level: 'attention', sentence: 'Needs attention: it is hot.' });
  assert.equal([both.level, both.sentence.endsWith('it is hot.')], ['act', true]);
});

test('a disk with room has room; one that cannot be asked is told by the writes that fail', () =>
  inFolder(async (folder) => {
    assert.ok(await new Ballast(join(folder, 'ballast')).hasRoom());
    assert.ok(await new Ballast(join(folder, 'not', 'there')).hasRoom());
  }));

test.run();
