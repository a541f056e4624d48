import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readSoap, SoapFault, writeFault } from '../../../peers/onvif-camera/soap.js';
import { child, escapeXml, parseXml, textAt } from '../../../peers/onvif-camera/xml.js';

test('namespaces, attributes, character data and entities are read', () => {
  const root = parseXml(
    '<?xml version="1.0"?><!-- x --><a:r xmlns:a="urn:a" xmlns="urn:b" k="1&#x41;"><b> t&amp;<![CDATA[<c>]]> </b><a:b>2</a:b></a:r>',
  );
  assert.equal([root.space, root.name, root.attributes.get('k')], ['urn:a', 'r', '1A']);
  assert.is(child(root, 'b', 'urn:b')?.text, ' t&<c> ');
  assert.is(child(root, 'b', 'urn:a')?.text, '2');
  assert.is(textAt(root, 'b'), 't&<c>');
  assert.is(textAt(root, 'b', 'missing'), undefined);
  assert.is(parseXml(`<a>${escapeXml('<&>"\'')}</a>`).text, '<&>"\'');
});

test('what is not well-formed and plain is refused', () => {
  const bad = [
    '',
    'text',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<a b="1" b="2"/>',
    '<a b=1/>',
    '<p:a/>',
    '<a>&unknown;</a>',
    '<a>&#xFFFFFFFF;</a>',
    '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
    '<a><?php ?></a>',
    '<a></a>trailing',
    `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`,
  ];
  for (const text of bad) assert.throws(() => parseXml(text), text.slice(0, 40));
});

test('an envelope has exactly one operation', () => {
  const wrap = (body: string): string =>
    `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>${body}</e:Body></e:Envelope>`;
  assert.is(readSoap(wrap('<x xmlns="urn:op"/>')).operation, 'x');
  for (const text of [wrap(''), wrap('<x/><y/>'), '<Envelope/>', 'no']) {
    assert.throws(
      () => readSoap(text),
      (error: unknown) => error instanceof SoapFault && error.subcodes[0] === 'ter:WellFormed',
    );
  }
});

test('a fault carries its subcodes from outside in and its reason escaped', () => {
  const root = parseXml(writeFault(new SoapFault('Sender', ['ter:InvalidArgVal', 'ter:NoProfile'], 'a < b')));
  const fault = child(child(root, 'Body'), 'Fault');
  assert.is(textAt(fault, 'Code', 'Value'), 'env:Sender');
  assert.is(textAt(fault, 'Code', 'Subcode', 'Value'), 'ter:InvalidArgVal');
  assert.is(textAt(fault, 'Code', 'Subcode', 'Subcode', 'Value'), 'ter:NoProfile');
  assert.is(textAt(fault, 'Reason', 'Text'), 'a < b');
});

test.run();
