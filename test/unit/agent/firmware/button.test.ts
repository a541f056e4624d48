import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const button = join(dirname(fileURLToPath(import.meta.url)), '../../../../../firmware-hooks/button');
const folder = mkdtempSync(join(tmpdir(), 'sightline-button-'));
const called = join(folder, 'called');
const node = join(folder, 'node');
writeFileSync(node, `#!/bin/sh\nprintf '%s\\n' "$@" > ${called}\nexit "$CODE"\n`, { mode: 0o755 });

/** Shells that recorders have: each that is here. */
const SHELLS = [['/bin/sh'], ['/usr/bin/dash'], ['/usr/bin/busybox', 'sh'], ['/bin/busybox', 'sh']].filter(([path]) =>
  existsSync(path ?? ''),
);

/** What the button daemon sees: exit code, and the command line that was called (undefined: none). */
function held(shell: readonly string[], args: readonly string[], code = 0): { code: number | null; line: string | undefined; err: string } {
  rmSync(called, { force: true });
  const [program = '', ...words] = shell;
  const env = { PATH: '/usr/bin:/bin', NODE: node, AGENT: '/agent.mjs', STATE: '/state folder', CODE: String(code) };
  const { status, stderr } = spawnSync(program, [...words, button, ...args], { env, encoding: 'utf8' });
  return { code: status, line: existsSync(called) ? readFileSync(called, 'utf8').trimEnd().split('\n').join(' ') : undefined, err: stderr };
}

const PRESS = '/agent.mjs press --source button --json --state /state folder';
const WITHDRAW = '/agent.mjs withdraw --source button --json --state /state folder';
const RESET = '/agent.mjs reset --yes --source button --json --state /state folder';

test('there is a shell to try', () => assert.ok(SHELLS.length > 0));

for (const shell of SHELLS) {
  test(`${shell.join(' ')}: how long it was held decides, in words or in seconds`, () => {
    const expected: Record<string, string | undefined> = {
      ...{ short: PRESS, press: PRESS, withdraw: WITHDRAW, long: RESET, reset: RESET },
      ...{
        0: undefined,
        1: undefined,
        '2.9': undefined,
        3: PRESS,
        '5.99': PRESS,
        6: WITHDRAW,
        '9.9': WITHDRAW,
        10: RESET,
        '10.0': RESET,
        45: RESET,
      },
    };
    for (const [word, line] of Object.entries(expected)) {
      const got = held(shell, [word]);
      assert.equal([got.code, got.line], [0, line], word);
    }
  });

  test(`${shell.join(' ')}: anything else does nothing and says how it is meant`, () => {
    const wrong = ['', 'RESET', '-1', '1e3', '3 ', '3;reset', '$(reset)', '.5', '1.2.3', '007', '99999999999999999999', '--yes', '*'];
    for (const args of [[], ['short', 'long'], ...wrong.map((word) => [word])]) {
      const got = held(shell, args);
      assert.equal([got.code, got.line], [2, undefined], args.join('|'));
      assert.match(got.err, /^usage: button short/);
    }
  });

  test(`${shell.join(' ')}: the exit code is that of the command line`, () => {
    for (const code of [0, 1, 3, 4, 5]) assert.is(held(shell, ['short'], code).code, code);
  });
}

test('every example of the page is a call that does what the page says', () => {
  const page = readFileSync(join(dirname(button), 'PROTOCOL.md'), 'utf8');
  const rows = [...page.matchAll(/^\| [^|]+ \| `button (\S+)` \|[^|]+\| (?:`sightline ([^`]+)`)? ?\|$/gm)];
  assert.is(rows.length, 4);
  for (const [, word = '', line] of rows) {
    const expected = line === undefined ? undefined : `/agent.mjs ${line} --state /state folder`;
    assert.is(held(['/bin/sh'], [word]).line, expected, word);
  }
});

test.after(() => rmSync(folder, { recursive: true, force: true }));
test.run();
