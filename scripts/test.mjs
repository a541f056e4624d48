/**
 * The test runner: every test file is a process of its own, several at a time, each with a time limit. uvu runs the tests inside a
 * file; what it leaves open (exit code 0 without a test, hanging on a leaked timer) is closed here.
 *
 *   node scripts/test.mjs [--kind unit]... [--list] [--no-tools] [part of a path]...
 */
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { BUILD, build, ROOT } from './build.mjs';
import { setUpOrExit } from './setup.mjs';
import { agentForTests } from './test/agent-bundle.mjs';
import { findTests } from './test/files.mjs';
import { killAll, runProcess } from './test/processes.mjs';
import { runScheduled } from './test/schedule.mjs';
import { judge } from './test/summary.mjs';
import { bundleTests } from './test/test-bundle.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
const seconds = (ms) => `${(ms / 1000).toFixed(2).padStart(6)} s`;

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kind: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      // Tests that need no Debian package anyway, or a machine whose owner knows what is there.
      'no-tools': { type: 'boolean', default: false },
      // Another folder to run; the runner's own tests use it.
      root: { type: 'string', default: ROOT },
    },
  });
  return { ...values, root: resolve(values.root), filters: positionals };
}

function scriptOf(file, root) {
  return file.path.endsWith('.mjs') ? file.path : join(root === ROOT ? BUILD : join(root, '.build'), file.name.replace(/\.tsx?$/, '.js'));
}

function report(file, ended, verdict) {
  const isGood = verdict.problems.length === 0;
  const skipped = verdict.skipped > 0 ? `, ${verdict.skipped} skipped` : '';
  say(`${isGood ? 'ok  ' : 'FAIL'} ${seconds(ended.tookMs)} ${String(verdict.passed).padStart(4)} passed${skipped}  ${file.name}`);
  if (ended.litter.length > 0) say(`     note: left in its temporary folder: ${ended.litter.slice(0, 5).join(', ')}`);
  if (isGood) return;
  say(ended.output.trimEnd().replace(/^/gm, '     | '));
  for (const problem of verdict.problems) say(`     ${file.name}: ${problem}`);
}

/** Below this number bundling costs more than it saves. */
const WORTH_BUNDLING = 8;

/** A source that somebody is in the middle of writing stops no test that does not need it: then each is run as it was built. */
const unbundled = (what) => (error) => void say(`note: not bundled: ${what} (${String(error.message).trim().split('\n').at(-1)})`);

/** Where each test's script is, and how to be rid of what was made for that. */
async function prepare(files, root) {
  const asBuilt = (file) => scriptOf(file, root);
  const plain = { scriptOf: asBuilt, remove: () => undefined };
  if (root !== ROOT) return plain;
  await build();
  const agent = files.every((file) => file.isPlain) ? undefined : await agentForTests().catch(unbundled('the agent'));
  // test/support/agent-process.ts starts it.
  if (agent !== undefined) process.env.SIGHTLINE_TEST_AGENT = agent;
  const isBuilt = (path) => path.startsWith(BUILD);
  if (files.length < WORTH_BUNDLING) return plain;
  const made = await bundleTests(files.map(asBuilt).filter(isBuilt)).catch(unbundled('the tests'));
  if (made === undefined) return plain;
  return { scriptOf: (file) => (isBuilt(asBuilt(file)) ? made.pathOf(asBuilt(file)) : asBuilt(file)), remove: made.remove };
}

async function runAll(files, root, scriptOf) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const cores = availableParallelism();
  const bad = [];
  await runScheduled(files, {
    // Most tests wait for processes and sockets more than they compute: measured, two on two cores left 60 % of them idle.
    parallel: cores + 2,
    heavy: cores + 1,
    run: async (file) => {
      const ended = await runProcess(scriptOf(file), file.limitMs, root, file.hasOwnNetwork);
      const verdict = judge({ ...ended, limitMs: file.limitMs });
      for (const key of Object.keys(sum)) sum[key] += verdict[key];
      if (verdict.problems.length > 0) bad.push(file.name);
      report(file, ended, verdict);
    },
  });
  if (bad.length > 0) say(`\nfailed files:\n${bad.map((name) => `  ${name}`).join('\n')}`);
  return sum;
}

async function main() {
  const options = readArguments();
  const files = findTests(options.root, { kinds: options.kind, filters: options.filters });
  if (options.list) {
    for (const file of files) say(`${file.kind.padEnd(12)} ${file.name}${file.isAlone ? '  (alone)' : ''}`);
    return 0;
  }
  if (options.root === ROOT) await setUpOrExit({ tools: !options['no-tools'] && files.some((file) => !file.isPlain) });
  const { scriptOf: script, remove } = await prepare(files, options.root);
  process.on('exit', remove);
  const startedAt = performance.now();
  const sum = await runAll(files, options.root, script);
  if (files.length === 0) say('no test file matches');
  say(`\n${files.length} files in${seconds(performance.now() - startedAt)}`);
  say(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
  return sum.failed > 0 || sum.passed === 0 ? 1 : 0;
}

for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(name, () => {
    killAll();
    process.exit(code);
  });
}
process.on('exit', killAll);
process.exitCode = await main();
