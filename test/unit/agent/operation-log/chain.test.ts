import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  emptyState,
  extend,
  type Hash,
  type LogState,
  leafHash,
  merkleRoot,
  nextHead,
  sameBytes,
  toHex,
} from '../../../../agent/operation-log/chain.js';

const hash: Hash = (...parts) => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest();
};

/** RFC 6962 section 2.1, word for word. */
function treeHash(bodies: readonly Uint8Array[]): Uint8Array {
  const [only] = bodies;
  if (only === undefined) return hash();
  if (bodies.length === 1) return hash(Uint8Array.of(0), only);
  let k = 1;
  while (k * 2 < bodies.length) k *= 2;
  return hash(Uint8Array.of(1), treeHash(bodies.slice(0, k)), treeHash(bodies.slice(k)));
}

const grow = (bodies: readonly Uint8Array[]): LogState =>
  bodies.reduce((state, body) => extend(hash, state, leafHash(hash, body)), emptyState());

test('the incremental root is the one RFC 6962 defines, for any rows', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 }), (bodies) => {
      assert.ok(sameBytes(merkleRoot(hash, grow(bodies)), treeHash(bodies)));
    }),
    { numRuns: 150 },
  );
});

test('known roots: the test vectors that certificate transparency logs use', () => {
  const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const roots = leaves.map((_, at) => toHex(merkleRoot(hash, grow(leaves.slice(0, at + 1).map((text) => Buffer.from(text, 'hex'))))));
  assert.is(roots[0], '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
  assert.is(roots[7], '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  assert.is(toHex(merkleRoot(hash, emptyState())), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

test('the state stays small: one hash per 1 bit of the size', () => {
  let state = emptyState();
  for (let size = 1; size <= 300; size += 1) {
    state = extend(hash, state, leafHash(hash, Uint8Array.of(size % 256)));
    assert.is(state.peaks.length, size.toString(2).replace(/0/g, '').length);
    assert.is(state.size, size);
  }
});

test('any change of any row changes the head and the root', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 30 }), fc.nat(), (bodies, pick) => {
      const at = pick % bodies.length;
      const changed = bodies.map((body, index) => (index === at ? Uint8Array.from(body, (byte, n) => (n === 0 ? byte ^ 1 : byte)) : body));
      const [before, after] = [grow(bodies), grow(changed)];
      assert.not(sameBytes(before.head, after.head));
      assert.not(sameBytes(merkleRoot(hash, before), merkleRoot(hash, after)));
    }),
    { numRuns: 100 },
  );
});

test('heads chain one to the next, apart from tree nodes over the same bytes', () => {
  const leaf = leafHash(hash, Uint8Array.of(7));
  const head = nextHead(hash, emptyState().head, leaf);
  assert.ok(sameBytes(extend(hash, emptyState(), leaf).head, head));
  assert.not(sameBytes(head, hash(Uint8Array.of(1), emptyState().head, leaf)));
});

test.run();
