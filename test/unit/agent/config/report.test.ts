import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigDocument, EMPTY_DOCUMENT } from '../../../../agent/config/document.js';
import { canonicalJson, reportConfiguration, reportedName, reportedStream, versionOf } from '../../../../agent/config/report.js';
import { Configuration } from '../../../../agent/contract/configuration.js';
import { ModelCameras, modelCamera } from './model-cameras.js';

test('canonical JSON: sorted keys at every depth, arrays as they are, no white space, absent members absent', () => {
  assert.is(canonicalJson({ b: [3, { z: 1, a: null }], a: 'é"', c: undefined }), '{"a":"é\\"","b":[3,{"a":null,"z":1}]}');
  assert.is(canonicalJson(null), 'null');
  assert.is(canonicalJson([]), '[]');
  assert.is(canonicalJson({}), '{}');
});

test('the version is the hash of the rest, whatever the order of its members', () => {
  const content = { recorderName: 'Shop', cameras: {} };
  const expected = createHash('sha256').update('{"cameras":{},"recorderName":"Shop"}').digest('base64url');
  assert.is(versionOf(content), expected);
  assert.is(versionOf({ cameras: {}, recorderName: 'Shop' }), expected);
  assert.is(expected.length, 43);
});

test('names: one line of 1 to 80 characters, however the camera calls itself', () => {
  assert.is(reportedName(' Front door ', 'cam-1'), 'Front door');
  assert.is(reportedName('a\nb\u0000c\u2028d', 'cam-1'), 'a b c d');
  assert.is(reportedName('\t\n', 'cam-1'), 'cam-1');
  assert.is(reportedName('', 'cam-1'), 'cam-1');
  assert.is(reportedName('x'.repeat(200), 'cam-1').length, 80);
  const cut = reportedName(`${'x'.repeat(79)}📷`, 'cam-1');
  assert.is(cut, 'x'.repeat(79), 'no half of a character');
});

test('a stream is reported as the camera said it, or not at all', () => {
  assert.equal(reportedStream({ width: 640, height: 360, frameRate: 15 }), { width: 640, height: 360, frameRate: 15 });
  assert.is(reportedStream(undefined), null);
  for (const odd of [{ width: 0 }, { height: 9000 }, { frameRate: 0 }, { frameRate: Number.NaN }, { width: 640.5 }]) {
    assert.is(reportedStream({ width: 640, height: 360, frameRate: 15, ...odd }), null);
  }
});

test('what is reported always fits the contract and never comes from wishes', () => {
  const document: ConfigDocument = {
    ...EMPTY_DOCUMENT,
    cameras: { 'cam-1': { name: 'Wished', main: null, sub: { width: 320, height: 180, frameRate: 5 } } },
  };
  assert.ok(ConfigDocument.safeParse(document).success);
  const odd = modelCamera('cam-2', { ownName: `\u0007${'n'.repeat(300)}`, streams: {} });
  const cameras = new ModelCameras([modelCamera('cam-1', { ownName: 'Said' }), odd]).list();
  const report = reportConfiguration(document, 'Default', cameras);
  assert.equal(Configuration.parse(report), report);
  assert.is(report.recorderName, 'Default');
  assert.is(report.cameras['cam-1']?.name, 'Said');
  assert.is(report.cameras['cam-1']?.sub?.width, 640);
  assert.is(report.cameras['cam-2']?.main, null);
  assert.is(reportConfiguration({ ...document, recorderName: 'Given' }, 'Default', cameras).recorderName, 'Given');
});

test.run();
