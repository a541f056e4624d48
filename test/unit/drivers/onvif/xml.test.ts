import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { escapeXml, guardXml } from '../../../../drivers/onvif/xml.js';
import { DriverError } from '../../../../drivers/port.js';

const refusal = (text: string): string => {
  try {
    guardXml(text);
    return '';
  } catch (error) {
    return (error as DriverError).message;
  }
};

test('ordinary messages pass, special sections included', () => {
  assert.is(refusal('<?xml version="1.0"?><!-- <!DOCTYPE x> --><a b="1>2" c=\'<\'><![CDATA[<!DOCTYPE <<<]]><d/></a>'), '');
  assert.is(refusal(`${'<a>'.repeat(64)}${'</a>'.repeat(64)}`), '');
});

test('a document type, depth, width and attributes beyond the limits are refused', () => {
  assert.match(refusal('<!DOCTYPE a><a/>'), 'document type');
  assert.match(refusal('<a><!ENTITY b "c"></a>'), 'document type');
  assert.match(refusal('<a>'.repeat(65)), 'nested');
  assert.match(refusal(`<a>${'<b/>'.repeat(20_001)}</a>`), 'too many elements');
  assert.match(refusal(`<a ${Array.from({ length: 65 }, (_, at) => `a${at}="1"`).join(' ')}/>`), 'attributes');
});

test('a quarter of a megabyte of anything is scanned with less than 100 ms of computing', () => {
  for (const piece of ['<', '<a ', '<!--', '"', "<a b='", '&amp;', '</a>', '<?']) {
    const text = piece.repeat(Math.floor(262_144 / piece.length));
    // Computing time, not time on the clock: other tests run beside this one.
    const before = process.cpuUsage();
    refusal(text);
    const spentMs = process.cpuUsage(before).user / 1000;
    assert.ok(spentMs < 100, `${piece}: ${spentMs} ms`);
  }
});

test('any text either passes or is refused with camera.bad_answer', () => {
  const pieces = fc.array(fc.constantFrom('<', '>', '/', '!', '--', '[CDATA[', ']]>', '"', "'", 'a', ' ', '=', '?', 'DOCTYPE'), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(pieces, (parts) => {
      try {
        guardXml(parts.join(''));
      } catch (error) {
        assert.instance(error, DriverError);
        assert.is((error as DriverError).code, 'camera.bad_answer');
      }
    }),
  );
});

test('escaping leaves no markup and drops what XML cannot carry', () => {
  assert.is(escapeXml(`a&b<c>"d'\u0000\u0008é😀`), 'a&amp;b&lt;c&gt;&quot;d&apos;é😀');
});

test.run();
