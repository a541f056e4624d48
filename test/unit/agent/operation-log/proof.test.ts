import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyState, extend, type Hash, type LogState, leafHash, merkleRoot, toHex } from '../../../../agent/operation-log/chain.js';
import { consistencySpans, inclusionSpans, isConsistent, isIncluded, PathMaker, type Span } from '../../../../agent/operation-log/proof.js';

const hash: Hash = (...parts) => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest();
};
const MOST = 140;
const leaves = Array.from({ length: MOST }, (_, at) => leafHash(hash, Buffer.from(`row ${at}`)));
const states: LogState[] = [emptyState()];
for (const leaf of leaves) states.push(extend(hash, states[states.length - 1] as LogState, leaf));
const rootOf = (size: number): Uint8Array => merkleRoot(hash, states[size] as LogState);
/** The path as a recorder makes it that knows the state at `base` rows and the leaves behind it. */
function pathFrom(base: number, size: number, spans: readonly Span[], known: readonly Uint8Array[] = leaves): Uint8Array[] {
  const maker = new PathMaker(hash, states[base] as LogState, spans);
  for (const leaf of known.slice(base, size)) maker.add(leaf);
  return maker.path();
}
const inclusionPath = (base: number, at: number, size: number) => pathFrom(base, size, inclusionSpans(at, size));
const consistencyPath = (base: number, earlier: number, size: number) => pathFrom(base, size, consistencySpans(earlier, size));
/** size, a row or earlier size in it, and where the log was pruned before that. */
const places = fc
  .integer({ min: 1, max: MOST })
  .chain((size) =>
    fc.integer({ min: 0, max: size - 1 }).chain((at) => fc.integer({ min: 0, max: at }).map((anchor) => ({ size, at, anchor }))),
  );

test('every row of every log is proven, also behind any pruning', () => {
  fc.assert(
    fc.property(places, ({ size, at, anchor }) => {
      const path = inclusionPath(anchor, at, size);
      assert.ok(isIncluded(hash, { leaf: leaves[at] as Uint8Array, index: at, size, root: rootOf(size) }, path));
    }),
    { numRuns: 600 },
  );
});

test('every log is shown to go on from every earlier one', () => {
  fc.assert(
    fc.property(places, ({ size, at, anchor }) => {
      const earlier = at + 1;
      const path = consistencyPath(anchor, earlier, size);
      assert.ok(isConsistent(hash, { earlier, earlierRoot: rootOf(earlier), size, root: rootOf(size) }, path), `${earlier} of ${size}`);
    }),
    { numRuns: 600 },
  );
});

test('a proof does not fit another row, another place, another size or another root', () => {
  fc.assert(
    fc.property(places, fc.nat(MOST - 1), fc.nat(31), ({ size, at }, other, byte) => {
      const path = inclusionPath(0, at, size);
      const claim = { leaf: leaves[at] as Uint8Array, index: at, size, root: rootOf(size) };
      if (other !== at) {
        assert.not.ok(isIncluded(hash, { ...claim, leaf: leaves[other] as Uint8Array }, path));
        assert.not.ok(isIncluded(hash, { ...claim, index: other }, path));
      }
      assert.not.ok(isIncluded(hash, { ...claim, root: rootOf(size === MOST ? 1 : size + 1) }, path));
      for (const [step, node] of path.entries()) {
        const changed = Uint8Array.from(node);
        changed[byte] = (changed[byte] ?? 0) ^ 1;
        assert.not.ok(isIncluded(hash, claim, path.with(step, changed)));
      }
      assert.not.ok(isIncluded(hash, claim, [...path, leaves[0] as Uint8Array]));
    }),
    { numRuns: 200 },
  );
});

test('a log that was rewritten before its earlier end cannot be shown to go on from it', () => {
  const forged = leaves.with(3, leafHash(hash, Buffer.from('forged')));
  for (let earlier = 4; earlier < 40; earlier += 1) {
    for (const size of [40, 64, 65]) {
      const path = pathFrom(0, size, consistencySpans(earlier, size), forged);
      const root = merkleRoot(
        hash,
        forged.slice(0, size).reduce((state, leaf) => extend(hash, state, leaf), emptyState()),
      );
      assert.not.ok(isConsistent(hash, { earlier, earlierRoot: rootOf(earlier), size, root }, path), `${earlier} of ${size}`);
    }
  }
});

test('paths of the test log that certificate transparency uses', () => {
  const bodies = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const known = bodies.map((text) => leafHash(hash, Buffer.from(text, 'hex')));
  assert.equal(pathFrom(0, 8, inclusionSpans(0, 8), known).map(toHex), [
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ]);
  assert.equal(pathFrom(0, 8, consistencySpans(6, 8), known).map(toHex), [
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ]);
});

test('what cannot be proven is said, not guessed', () => {
  assert.throws(() => inclusionPath(8, 7, 20), /log.not_provable/, 'a row that was taken out');
  assert.throws(() => inclusionPath(0, 20, 20), /log.not_provable/);
  assert.throws(() => consistencyPath(8, 7, 20), /log.not_provable/, 'an earlier end that was taken out');
  assert.throws(() => pathFrom(0, 20, consistencySpans(7, 20), leaves.slice(0, 19)), /log.not_provable/, 'a leaf is missing');
  assert.throws(() => consistencySpans(21, 20), /log.not_provable/);
  assert.not.ok(isConsistent(hash, { earlier: 0, earlierRoot: rootOf(0), size: 4, root: rootOf(4) }, []));
  assert.not.ok(isIncluded(hash, { leaf: leaves[0] as Uint8Array, index: 0, size: 0, root: rootOf(0) }, []));
});

test.run();
