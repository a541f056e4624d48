/** Reads what a test file of uvu said about itself. Its exit code alone cannot be trusted: it is 0 when `test.run()` was forgotten. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters.
const COLOURS = /\u001b\[[0-9;]*m/g;
const SUMMARY = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)\n {2}Duration:/gm;

/** `{total, passed, skipped}` of every summary in the text, in order. */
export function readSummaries(text) {
  return [...text.replace(COLOURS, '').matchAll(SUMMARY)].map(([, total, passed, skipped]) => ({
    total: Number(total),
    passed: Number(passed),
    skipped: Number(skipped),
  }));
}

/**
 * The verdict on one file: `{passed, failed, skipped, problems}`; `problems` are sentences and empty when all is well.
 * `ended` is `{code, signal, isLate, limitMs, output, left}`, with `left` naming processes that outlived their file.
 */
export function judge(ended) {
  const summaries = readSummaries(ended.output);
  const last = summaries.at(-1);
  const problems = [];
  const count = { passed: last?.passed ?? 0, failed: last === undefined ? 0 : last.total - last.passed, skipped: last?.skipped ?? 0 };
  if (count.failed > 0) problems.push(`${count.failed} of ${last.total} tests failed`);
  if (ended.isLate) problems.push(sayLate(ended, last));
  else if (ended.signal !== null) problems.push(`ended by ${ended.signal}`);
  else if (last === undefined) problems.push(sayNoSummary(ended.code));
  else if (last.total === 0) problems.push('holds no test');
  else if (ended.code !== 0 && count.failed === 0) problems.push(`all tests passed, then the process failed with exit code ${ended.code}`);
  if (summaries.length > 1) problems.push(`test.run() was called after the tests had begun (${summaries.length} summaries)`);
  if (ended.left.length > 0) problems.push(`left ${ended.left.length} process(es) running: ${ended.left.join(' | ')}`);
  if (problems.length > 0 && count.failed === 0) count.failed = 1;
  return { ...count, problems };
}

function sayLate(ended, last) {
  const limit = `${ended.limitMs / 1000} s`;
  return last === undefined
    ? `did not end within ${limit} and was killed`
    : `its tests ended but the process was still running after ${limit} and was killed: a timer, socket or child is still open`;
}

function sayNoSummary(code) {
  if (code > 128) return `ended by signal ${code - 128} before its tests were done`;
  return code === 0 ? 'ran no test: is test.run() missing at its end?' : `ended with exit code ${code} before its tests were done`;
}
