import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HookOutput } from '../../../../agent/firmware/hook-output.js';
import { type HookProgress, outcomeOfExit } from '../../../../agent/firmware/hook-result.js';

function read(pieces: readonly string[]): { answer: unknown; progress: HookProgress[]; isFine: boolean } {
  const progress: HookProgress[] = [];
  const output = new HookOutput((one) => progress.push(one));
  const isFine = pieces.map((piece) => output.take(piece)).every(Boolean);
  return { answer: output.end(), progress, isFine };
}

test('the last line is the answer, with or without its line end', () => {
  assert.equal(read(['{"a":1}']).answer, { a: 1 });
  assert.equal(read(['noise\n\n{"a":', '1}\n', '\n  \n']).answer, { a: 1 });
  assert.is(read(['{"a":1}\nnoise\n']).answer, undefined);
  assert.is(read([]).answer, undefined);
});

test('progress comes before, is bounded, and is no answer', () => {
  const { answer, progress } = read(['{"progress":10,"stage":"check"}\n{"progress":', '250}\n{"ok":true}\n']);
  assert.equal(progress, [
    { percent: 10, stage: 'check' },
    { percent: 100, stage: '' },
  ]);
  assert.equal(answer, { ok: true });
  assert.is(read(['{"ok":true}\n{"progress":100,"stage":"done"}\n']).answer, undefined);
  assert.is(read([`{"progress":1,"stage":"${'x'.repeat(500)}"}\n`]).progress[0]?.stage.length, 80);
});

test('a line over 64 KiB or more than 4 MiB in all is too much', () => {
  assert.is(read(['x'.repeat(65_537)]).isFine, false);
  assert.is(read([`${'x'.repeat(65_537)}\n{}`]).answer, undefined);
  assert.is(read(new Array(70).fill(`${'x'.repeat(65_000)}\n`)).isFine, false);
  assert.is(read([`${' '.repeat(65_000)}\n{}`]).isFine, true);
});

test('however it is cut, it reads the same and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (text, size) => {
      const pieces: string[] = [];
      for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size));
      assert.equal(read(pieces), read([text]));
    }),
  );
});

test('a line that names a key twice or has no end of brackets is no answer', () => {
  for (const line of ['{"ok":true,"ok":false}', '['.repeat(60_000), '{"__proto__":{"ok":true}}']) {
    const output = new HookOutput(() => undefined);
    assert.ok(output.take(`${line}\n`));
    assert.is(output.end(), undefined);
  }
});

test('exit codes', () => {
  const outcomes = [0, 10, 20, 21, 30, 1, 126, 127, null].map(outcomeOfExit);
  const failed = ['failed', 'failed', 'failed', 'failed'];
  assert.equal(outcomes, ['ok', 'unsupported', 'refused', 'retry', 'rolled-back', ...failed]);
});

test.run();
