import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as z from 'zod/mini';
import type { HookName } from '../../../../agent/firmware/hook-limits.js';
import type { HookProgress } from '../../../../agent/firmware/hook-result.js';
import { type HookCall, HookRunner } from '../../../../agent/firmware/hook-runner.js';
import { type Clock, systemClock } from '../../../../agent/kernel/clock.js';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { createLog } from '../../../../agent/kernel/log.js';

const folder = mkdtempSync(join(tmpdir(), 'sightline-hooks-'));
const lines: string[] = [];
const anything = z.record(z.string(), z.unknown());
/** The limits of the protocol, ten times as fast. */
const hasty: Clock = { ...systemClock, after: (delayMs, act, isBackground) => systemClock.after(delayMs / 10, act, isBackground) };

function hook(name: HookName, script: string, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, script.startsWith('#!') ? script : `#!/bin/sh\n${script}\n`);
  chmodSync(path, mode);
  return path;
}

function runner(clock: Clock = systemClock, at = folder): HookRunner {
  const log = createLog({ level: 'debug', clock: systemClock, format: 'json', write: (line) => lines.push(line) });
  return new HookRunner({ folder: at, clock, log });
}

/** Runs a hook and leaves the duration out. */
async function told(name: HookName, call: Partial<HookCall<unknown>> = {}, by = runner()): Promise<unknown> {
  const { durationMs, ...rest } = await by.run<unknown>(name, { answer: anything, ...call });
  assert.ok(durationMs >= 0);
  return rest;
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`) && !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

/** Resolves once a killed process is gone: its pipes close a moment before it does. */
async function gone(pid: number): Promise<boolean> {
  const untilMs = performance.now() + 2_000;
  while (isAlive(pid) && performance.now() < untilMs) await new Promise((resolve) => setImmediate(resolve));
  return !isAlive(pid);
}

test('input comes on stdin in the shape of the protocol, the answer is checked and given', async () => {
  hook('indicator', 'read -r line; printf \'{"said":%s}\\n\' "$line"');
  const answer = z.strictObject({
    said: z.strictObject({ protocol: z.literal(1), hook: z.string(), requestId: z.uuid(), input: z.strictObject({ lamp: z.string() }) }),
  });
  const result = await runner().run('indicator', { answer, input: { lamp: 'cloud' } });
  assert.is(result.outcome === 'ok' && result.answer.said.input.lamp, 'cloud');
  const wrong = await runner().run('indicator', { answer: z.strictObject({ isSet: z.boolean() }) });
  assert.is(wrong.outcome === 'failed' && wrong.reason, 'Its answer is not what the protocol says.');
});

test('no argument, no environment but two variables, folder /, own process group', async () => {
  process.env.SIGHTLINE_TEST_SECRET = 'x';
  hook(
    'boot',
    'printf \'{"args":%s,"env":"%s","pwd":"%s"}\' "$#" "$(env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | cut -d= -f1 | sort | tr "\\n" " ")" "$PWD"',
  );
  const result = await told('boot');
  Reflect.deleteProperty(process.env, 'SIGHTLINE_TEST_SECRET');
  assert.equal(result, { outcome: 'ok', answer: { args: 0, env: 'LC_ALL PATH ', pwd: '/' } });
});

test('exit codes become outcomes with the reason of the hook, secrets taken out', async () => {
  const outcomes: unknown[] = [];
  for (const code of [10, 20, 21, 30, 7]) {
    hook('reboot', `echo '{"reason":"because ${code} password=hunter2"}'; exit ${code}`);
    outcomes.push(await told('reboot'));
  }
  const reason = (code: number): string => `because ${code} password=[secret]`;
  assert.equal(outcomes, [
    { outcome: 'unsupported', reason: reason(10) },
    { outcome: 'refused', reason: reason(20) },
    { outcome: 'retry', reason: reason(21) },
    { outcome: 'rolled-back', reason: reason(30) },
    { outcome: 'failed', reason: reason(7) },
  ]);
  hook('reboot', 'exit 20');
  assert.equal(await told('reboot'), { outcome: 'refused', reason: 'It ended with code 20.' });
});

test('progress is told as it comes', async () => {
  const progress: HookProgress[] = [];
  hook('firmware-install', 'echo \'{"progress":50,"stage":"writing"}\'; echo \'{"slot":"B"}\'');
  await told('firmware-install', { onProgress: (one) => progress.push(one) });
  assert.equal(progress, [{ percent: 50, stage: 'writing' }]);
});

test("what is not there is not supported; what could be someone else's is not run", async () => {
  assert.equal(await told('watchdog'), { outcome: 'unsupported', reason: 'This device has no hook watchdog.' });
  assert.equal(await told('watchdog', {}, runner(systemClock, '/nowhere')), {
    outcome: 'unsupported',
    reason: 'This device has no hook watchdog.',
  });
  const trap = hook('capabilities', 'touch "$0.ran"; echo {}');
  symlinkSync(trap, join(folder, 'watchdog'));
  mkdirSync(join(folder, 'time-set'));
  hook('time-status', 'echo {}', 0o644);
  hook('factory-reset', 'echo {}', 0o757);
  const reasons = await Promise.all((['watchdog', 'time-set', 'time-status', 'factory-reset'] as const).map((name) => told(name)));
  const because = (name: string, why: string): unknown => ({ outcome: 'failed', reason: `The firmware hook ${name} is not run: ${why}.` });
  assert.equal(reasons, [
    because('watchdog', 'it is not a plain file'),
    because('time-set', 'it is not a plain file'),
    because('time-status', 'it is not executable'),
    because('factory-reset', 'everyone may change it'),
  ]);
  assert.is(existsSync(`${trap}.ran`), false);
});

test('a file without interpreter or with a missing one fails, nothing throws', async () => {
  hook('storage-health', '#!/nowhere/sh\n');
  const missing = await told('storage-health');
  assert.is((missing as { outcome: string }).outcome, 'failed');
  const path = join(folder, 'storage-health');
  writeFileSync(path, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]));
  assert.is(((await told('storage-health')) as { outcome: string }).outcome, 'failed');
});

test('over the time limit: TERM, then KILL, to the whole group, and nobody is left', async () => {
  const pids = join(folder, 'pids');
  hook('indicator', `trap '' TERM\n(trap '' TERM; while :; do sleep 0.1; done) &\necho "$$ $!" >${pids}\nwhile :; do sleep 0.1; done`);
  const result = await told('indicator', {}, runner(hasty));
  assert.equal(result, { outcome: 'failed', reason: 'It did not end within 2 s.' });
  const left = await Promise.all(readFileSync(pids, 'utf8').trim().split(' ').map(Number).map(gone));
  assert.equal(left, [true, true]);
});

test('one that cleans up at TERM gets the time for it', async () => {
  const mark = join(folder, 'cleaned');
  hook('network-confirm', `trap 'touch ${mark}; exit 0' TERM\nwhile :; do sleep 0.1; done`);
  await told('network-confirm', {}, runner(hasty));
  assert.ok(existsSync(mark));
});

test('what a hook leaves behind in its group ends with it and does not keep the caller waiting', async () => {
  const pid = join(folder, 'left');
  hook('time-status', `sleep 300 &\necho $! >${pid}\necho '{"isSynchronized":true}'`);
  assert.equal(await told('time-status'), { outcome: 'ok', answer: { isSynchronized: true } });
  assert.is(await gone(Number(readFileSync(pid, 'utf8'))), true);
});

test('cancelling ends it', async () => {
  const fifo = join(folder, 'fifo');
  const { execFileSync } = await import('node:child_process');
  execFileSync('mkfifo', [fifo]);
  hook('firmware-verify', `echo up >${fifo}\nexec sleep 300`);
  const cancel = new AbortController();
  const work = told('firmware-verify', { signal: cancel.signal });
  await readFile(fifo);
  cancel.abort();
  assert.equal(await work, { outcome: 'failed', reason: 'It was cancelled.' });
  const late = await told('firmware-verify', { signal: cancel.signal });
  assert.equal(late, { outcome: 'failed', reason: 'It was cancelled before it began.' });
});

test('one that never stops talking is ended; its stderr is cut and without logins', async () => {
  hook('firmware-rollback', 'exec yes');
  assert.equal(await told('firmware-rollback'), { outcome: 'failed', reason: 'It said more than a hook may say.' });
  lines.length = 0;
  hook('firmware-rollback', 'echo "password=hunter2" >&2; yes complaint | head -c 1000000 >&2; echo {}');
  assert.equal(await told('firmware-rollback'), { outcome: 'ok', answer: {} });
  const text = lines.join('\n');
  assert.not.match(text, 'hunter2');
  assert.ok(lines.length > 100 && lines.length < 7_000);
});

test("input over 64 KiB is the caller's mistake", async () => {
  const code = await told('boot', { input: { x: 'x'.repeat(70_000) } }).catch((error: AgentError) => error.code);
  assert.is(code, 'hook.bad_request');
});

test('a hook that does not read its input is no trouble', async () => {
  rmSync(join(folder, 'time-set'), { recursive: true, force: true });
  hook('time-set', 'exec 0<&-; echo {}');
  assert.equal(await told('time-set', { input: { x: 'x'.repeat(60_000) } }), { outcome: 'ok', answer: {} });
});

test('calls of the same hook wait for each other', async () => {
  const place = join(folder, 'inside');
  hook('network-apply', `mkdir ${place} || exit 1; sleep 0.05; rmdir ${place}; echo {}`);
  const by = runner();
  const results = await Promise.all([1, 2, 3].map(() => told('network-apply', {}, by)));
  assert.equal(results, new Array(3).fill({ outcome: 'ok', answer: {} }));
});

test.after(() => rmSync(folder, { recursive: true, force: true }));
test.run();
