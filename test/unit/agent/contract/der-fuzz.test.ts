import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ecdsaToDer, ecdsaToRaw } from '../../../../agent/contract/ecdsa.js';
import { ElementReader, element, sequence, TAG, unsigned } from '../../../../agent/contract/tlv.js';
import { AgentError } from '../../../../agent/kernel/errors.js';

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'taken';
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code;
  }
}

const bytes = (...list: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(list);

test('a signature comes back from DER as it was, whatever its numbers', () => {
  const part = fc.tuple(fc.nat(31), fc.uint8Array({ minLength: 32, maxLength: 32 })).map(([zeros, text]) => text.fill(0, 0, zeros));
  fc.assert(
    fc.property(part, part, (r, s) => {
      const raw = Uint8Array.from([...r, ...s]);
      const der = ecdsaToDer(raw);
      assert.equal(ecdsaToRaw(der), raw);
      if (der.length !== 64) assert.equal(ecdsaToDer(der), der);
    }),
    { numRuns: 500 },
  );
});

test('numbers that are negative, padded, empty or too large are refused', () => {
  const one = unsigned(bytes(1));
  const bad = [
    element(TAG.integer),
    element(TAG.integer, bytes(0x80)),
    element(TAG.integer, bytes(0, 1)),
    element(TAG.integer, bytes(0, 0)),
    element(TAG.integer, bytes(1), new Uint8Array(32)),
    bytes(TAG.integer, 0x81, 1, 1),
    element(TAG.octetString, bytes(1)),
  ];
  for (const part of bad) {
    assert.is(
      codeOf(() => ecdsaToRaw(sequence(part, one))),
      'certificate.malformed',
    );
    assert.is(
      codeOf(() => ecdsaToRaw(sequence(one, part))),
      'certificate.malformed',
    );
  }
  assert.is(
    codeOf(() => ecdsaToRaw(sequence(one, one, one))),
    'certificate.malformed',
  );
  assert.is(ecdsaToRaw(sequence(one, one)).length, 64);
});

test('lengths: definite, in their shortest form, and never past the end', () => {
  for (const size of [0, 1, 127, 128, 255, 256, 65_535]) {
    const whole = element(TAG.octetString, new Uint8Array(size));
    const read = new ElementReader(whole).read(TAG.octetString);
    assert.is(read.content.length, size);
    assert.is(read.whole.length, whole.length);
  }
  const bad = [
    bytes(4),
    bytes(4, 0x80),
    bytes(4, 0x81),
    bytes(4, 0x81, 0x7f),
    bytes(4, 0x82, 0, 0xff),
    bytes(4, 0x83, 0, 1, 0),
    bytes(4, 2, 0),
    bytes(4, 0xff),
  ];
  for (const text of bad)
    assert.is(
      codeOf(() => new ElementReader(text).read(TAG.octetString)),
      'certificate.malformed',
      text.join(' '),
    );
  assert.is(
    codeOf(() => element(TAG.octetString, new Uint8Array(65_536))),
    'certificate.malformed',
  );
});

test('any bytes at all: read or refused, and reading ends', () => {
  const walk = (reader: ElementReader): void => {
    while (!reader.isAtEnd) {
      const { tag, content } = reader.read(reader.nextTag ?? 0);
      if ((tag & 0x20) !== 0) walk(new ElementReader(content));
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (text) => {
      assert.ok(['taken', 'certificate.malformed'].includes(codeOf(() => walk(new ElementReader(Uint8Array.from(text))))));
    }),
    { numRuns: 1_000 },
  );
});

test.run();
