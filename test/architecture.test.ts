import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as budgets from './architecture/budgets.js';
import { functionsOf } from './architecture/functions.js';
import * as layers from './architecture/layers.js';
import * as packages from './architecture/packages.js';
import { type Rule, readSources, sourceOf, type Violation } from './architecture/source.js';

const FOLDERS = ['agent', 'drivers', 'scripts', 'test', 'firmware-hooks'];

function root(): string {
  let at = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(at, 'package-lock.json'))) at = dirname(at);
  return at;
}

const sources = readSources(root(), FOLDERS);
const lines = (count: number): string => 'x();\n'.repeat(count);

interface Control {
  readonly rule: Rule;
  /** Each is found. */
  readonly bad: Readonly<Record<string, string>>[];
  /** Each is let through: it looks like a violation and is none. */
  readonly good?: Readonly<Record<string, string>>[];
}

/** A rule that finds nothing might be a rule that looks at nothing: each has made-up files that it must find, and some it must not. */
const CONTROLS: Readonly<Record<string, Control>> = {
  'layers are kept': {
    rule: layers.layerOrder,
    bad: [
      { 'agent/kernel/a.ts': "import { b } from '../contract/b.js';" },
      { 'agent/contract/a.ts': "import type { b } from '../live/b.js';" },
      { 'agent/live/a.ts': "export * from '../store/b.js';" },
      { 'agent/live/a.ts': "const b = await import('../permissions/policy.js');" },
      { 'agent/cloud/a.ts': "import '../compose.js';" },
      { 'agent/compose/a.ts': "import {\n  type b,\n  c,\n} from '../main.js';" },
      { 'agent/somewhere/a.ts': '' },
    ],
    good: [{ 'agent/live/a.ts': "// import '../store/b.js';\nconst text = `\nimport '../store/b.js';\n`;\nimport './gate.js';" }],
  },
  'the agent sees the driver port only': {
    rule: layers.agentToDrivers,
    bad: [
      { 'agent/live/a.ts': "import { open } from '../../drivers/rtsp/client.js';" },
      { 'agent/live/a.ts': "import { makeDrivers } from '../../drivers/index.js';" },
      { 'agent/cloud/a.ts': "import type { x } from '../../scripts/portal/broker.js';" },
    ],
    good: [
      {
        'agent/compose.ts': "import { makeDrivers } from '../drivers/index.js';",
        'agent/live/a.ts': "import type { x } from '../../drivers/port.js';",
      },
    ],
  },
  'drivers stand alone': {
    rule: layers.driverIsolation,
    bad: [
      { 'drivers/onvif/a.ts': "import { x } from '../rtsp/client.js';" },
      { 'drivers/onvif/a.ts': "import type { Clock } from '../../agent/kernel/clock.js';" },
      { 'drivers/digest.ts': "import { x } from './onvif/a.js';" },
      { 'drivers/port.ts': "export * from './onvif/a.js';" },
      { 'drivers/onvif/a.ts': "import type { x } from '../port-camera.js';" },
    ],
    good: [
      {
        'drivers/onvif/a.ts': "import '../port.js';\nimport '../digest.js';\nimport './b.js';",
        'drivers/port.ts': "export * from './port-camera.js';",
        'drivers/index.ts': "import './onvif/a.js';",
      },
    ],
  },
  'drivers are loaded when configured': {
    rule: layers.lazyDrivers,
    bad: [{ 'drivers/index.ts': "import { openSerial } from './serial/open.js';" }],
    good: [{ 'drivers/index.ts': "import type { Serial } from './serial/open.js';\nconst { open } = await import('./serial/open.js');" }],
  },
  'hooks import nothing': {
    rule: layers.hooksImportNothing,
    bad: [
      { 'firmware-hooks/identity': "#!/usr/bin/env node\nimport { x } from '../agent/kernel/errors.js';" },
      { 'firmware-hooks/update': '#!/bin/sh\n. "$(dirname "$0")/common"\n' },
    ],
    good: [{ 'firmware-hooks/identity': "#!/usr/bin/env node\nimport { readFileSync } from 'node:fs';" }],
  },
  'nothing imports in a circle': {
    rule: layers.noCycles,
    bad: [
      { 'agent/live/a.ts': "import { b } from './b.js';", 'agent/live/b.ts': "import type { a } from './a.js';" },
      { 'agent/live/a.ts': "import './b.js';", 'agent/live/b.ts': "import './c.js';", 'agent/live/c.ts': "export { a } from './a.js';" },
    ],
    good: [{ 'agent/live/a.ts': "import './b.js';\nimport './c.js';", 'agent/live/b.ts': "import './c.js';", 'agent/live/c.ts': '' }],
  },
  'imports lead somewhere': {
    rule: layers.importsExist,
    bad: [{ 'agent/live/a.ts': "import { b } from './b.js';" }],
    good: [{ 'scripts/a.ts': "import { b } from './b.js';", 'scripts/b.tsx': '' }],
  },
  'packages stay at home': {
    rule: packages.packageHomes,
    bad: [
      { 'agent/live/a.ts': "import mqtt from 'mqtt';" },
      { 'drivers/onvif/a.ts': "const { SerialPort } = await import('serialport');" },
      { 'agent/permissions/a.ts': "import type { JWTPayload } from 'jose';" },
      { 'agent/live/a.ts': "import left from 'left-pad';" },
      { 'scripts/portal/a.ts': "import sqlite from 'sqlite3';" },
      { 'agent/live/a.ts': "import { p256 } from '@noble/curves/nist.js';" },
    ],
    good: [
      {
        'agent/store/a.ts': "import sqlite from 'sqlite3';",
        'scripts/portal/a.ts': "import { h } from 'preact';\nimport { sha256 } from '@noble/hashes/sha2.js';",
        'test/peers/a.ts': "import mqtt from 'mqtt';",
      },
    ],
  },
  'zod comes in its small form': {
    rule: packages.zodMini,
    bad: [
      { 'agent/contract/a.ts': "import { z } from 'zod';" },
      { 'agent/contract/a.ts': "import { z } from 'zod/mini';" },
      { 'agent/contract/a.ts': "import * as z from 'zod';" },
    ],
    good: [{ 'agent/contract/a.ts': "import * as z from 'zod/mini';" }],
  },
  'pure files are pure': {
    rule: packages.pureFiles,
    bad: [
      { 'agent/live/admission.ts': "import { createHash } from 'node:crypto';" },
      { 'agent/config/plan.ts': "import * as z from 'zod/mini';" },
      { 'agent/live/egress-gate.ts': 'export async function open() {}' },
      { 'agent/health/transitions.ts': "import { b } from './b.js';", 'agent/health/b.ts': "import 'node:fs';" },
    ],
    good: [
      { 'agent/config/diff.ts': "import type { b } from './b.js';\n// async is for others", 'agent/config/b.ts': "import 'node:fs';" },
    ],
  },
  'the contract runs in a browser': {
    rule: packages.contractEverywhere,
    bad: [{ 'agent/contract/a.ts': "import { randomBytes } from 'node:crypto';" }],
  },
  'no other way out': {
    rule: packages.socketsInPlace,
    bad: [
      { 'agent/health/a.ts': "import { connect } from 'node:net';" },
      { 'agent/live/a.ts': "await fetch('https://example.org');" },
      { 'agent/compose.ts': 'new WebSocket(address);' },
    ],
    good: [{ 'agent/cloud/a.ts': "import { connect } from 'node:tls';", 'agent/live/a.ts': 'await this.#store.fetch(1); refetch();' }],
  },
  'files stay short': {
    rule: budgets.fileLength,
    bad: [{ 'test/unit/a.test.ts': lines(401) }, { 'agent/main.ts': lines(61) }],
    good: [{ 'scripts/a.mjs': lines(400) }],
  },
  'functions stay short': {
    rule: budgets.functionLength,
    bad: [
      { 'agent/live/a.ts': `export async function long(a: { b: number }): Promise<{ c: number }> {\n${lines(60)}}` },
      { 'agent/live/a.ts': `class A {\n  #long<T>(a: T): { b: T } | undefined {\n${lines(60)}}\n}` },
      { 'agent/live/a.ts': `const long = async (a = '}'): Promise<void> => {\n${lines(60)}};` },
      { 'test/a.test.ts': `test('long', async () => {\n${lines(60)}});` },
      { 'agent/live/a.ts': `list.map(item => {\n${lines(60)}});` },
      { 'agent/live/a.ts': `class A {\n  get long(): (a: number) => void {\n${lines(60)}}\n}` },
    ],
    good: [
      { 'agent/live/a.ts': `const table = {\n${'  a: f(1),\n'.repeat(70)}};` },
      { 'agent/live/a.ts': `if (a) {\n${lines(70)}}` },
      { 'agent/live/a.ts': `class A extends B(C) {\n${'  x = 1;\n'.repeat(70)}}` },
      { 'agent/live/a.ts': `export interface A {\n  a(b: number): void;\n${'  x: number;\n'.repeat(70)}}` },
      { 'agent/live/a.ts': `const short = () => {\n${lines(58)}};` },
    ],
  },
  'exports are explained': {
    rule: budgets.exportsExplained,
    bad: [
      { 'agent/live/a.ts': 'export const a = 1;' },
      { 'drivers/rtsp/a.ts': '// not this kind\nexport interface A {}' },
      { 'scripts/portal/a.tsx': '/** One. */\nexport function a() {}\nexport async function b() {}' },
    ],
    good: [
      { 'agent/live/a.ts': '/** One. */\nexport function a(b: string): void;\nexport function a(b: number): void {}' },
      { 'test/unit/a.ts': 'export const a = 1;' },
    ],
  },
  'nothing is left for later': {
    rule: budgets.nothingForLater,
    bad: [{ 'scripts/a.mjs': `// ${'TO'}DO: more` }, { 'agent/live/a.ts': `/* ${'FIX'}ME */` }],
  },
  'no any': {
    rule: budgets.noAny,
    bad: ['let a: any;', 'const a = b as any;', 'f<any>()', 'type A = Record<string, any>', 'let a: any[];'].map((text) => ({
      'test/a.ts': text,
    })),
    good: [{ 'test/a.ts': "// any\nconst a = Promise.any([]);\nconst b = { any: 1, other: 'any' };" }],
  },
  'errors carry codes': {
    rule: budgets.codedErrors,
    bad: [{ 'agent/live/a.ts': "throw new Error('no');" }, { 'drivers/rtsp/a.ts': "reject(new TypeError('no'));" }],
    good: [
      {
        'scripts/a.ts': "throw new Error('fine in a script');",
        'agent/live/a.ts': 'throw new AgentError(parts); class A extends Error {}',
      },
    ],
  },
  'no non-null assertions': {
    rule: budgets.noNonNull,
    bad: ['a!.b', 'f()!;', 'list[0]!,', 'class A { b!: string }', 'const a = b!'].map((text) => ({ 'agent/live/a.ts': text })),
    good: [{ 'agent/live/a.ts': "if (a != b && !c && a !== d) say('Done!');" }],
  },
  'time is a parameter': {
    rule: budgets.timeIsAParameter,
    bad: [
      'Date.now()',
      'setTimeout(f, 1)',
      'setInterval(f, 1)',
      'performance.now()',
      'new Date()',
      "import { setTimeout as x } from 'node:timers/promises';",
    ].flatMap((text) => [{ 'agent/live/a.ts': text }, { 'drivers/rtsp/a.ts': text }]),
    good: [
      {
        'agent/kernel/clock.ts': 'setTimeout(f, 1)',
        'scripts/a.ts': 'Date.now()',
        'agent/live/a.ts': 'socket.setTimeout(0); new Date(at); // Date.now()',
      },
    ],
  },
  'names are kebab-case': {
    rule: budgets.kebabNames,
    bad: [{ 'agent/live/mediaGate.ts': '' }, { 'agent/live/Media.ts': '' }],
    good: [{ 'agent/live/media-gate2.ts': '', 'test/a-b.test.ts': '' }],
  },
};

const made = (files: Readonly<Record<string, string>>): ReturnType<typeof sourceOf>[] =>
  Object.entries(files).map(([path, text]) => sourceOf(path, text));

/** The list of places is all that helps here: no stack, no difference to an empty list. */
function fail(found: readonly Violation[]): void {
  if (found.length === 0) return;
  const error = new Error(found.map(({ path, line, say }) => `${path}:${line} ${say}`).join('\n    '));
  error.stack = '';
  throw error;
}

for (const [name, { rule, bad, good = [] }] of Object.entries(CONTROLS)) {
  test(name, () => {
    for (const files of bad) assert.ok(rule(made(files)).length > 0, `the rule does not find ${JSON.stringify(files).slice(0, 200)}`);
    for (const files of good) assert.equal(rule(made(files)), [], `the rule finds a violation in ${JSON.stringify(files).slice(0, 200)}`);
    fail(rule(sources));
  });
}

test('the scan sees the repository: its files, imports and functions', () => {
  const clock = sources.find(({ path }) => path === 'agent/kernel/clock.ts');
  assert.ok(clock !== undefined && sources.length > 20, `${sources.length} sources`);
  const names = functionsOf(sourceOf(clock?.path ?? '', clock?.text ?? '')).map(({ name }) => name);
  for (const name of ['after', 'every', 'delay']) assert.ok(names.includes(name), `${name} in ${names.join(' ')}`);
});

test('strings, templates, comments and expressions are told from code', () => {
  const text = ["a('x{' + `y$", '{b(`$', "{'}'}`)}z{` /* { */, /[/{]'/.test(c)) / 2; // {", 'd'].join('');
  const { bare, code } = sourceOf('a.ts', `${text}\n'`);
  assert.is(bare.length, code.length);
  assert.not.match(bare, /[{}]/, bare);
  for (const kept of ['a(', 'b(', '.test(c)) / 2;']) assert.ok(bare.includes(kept), `${kept} in ${bare}`);
  assert.not.match(bare, /[xyzd]/);
  assert.match(code, "'x{'");
});

test.run();
