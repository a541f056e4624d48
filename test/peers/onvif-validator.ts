/** Messages against the published ONVIF schemas, where they are at hand. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

/** Beside the repository; this file runs from .build/test/peers. */
const BESIDE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..', 'shared', 'onvif-schema', 'validate');
const VALIDATOR = process.env.SIGHTLINE_ONVIF_SCHEMA ?? BESIDE;
/** The published WSDLs and schemas themselves; undefined where they are not at hand. */
export function publishedFolder(): string | undefined {
  const folder = join(dirname(VALIDATOR), 'published');
  return existsSync(folder) ? folder : undefined;
}

export interface Captured {
  /** Names the message in what the validator says. */
  readonly name: string;
  readonly xml: string;
}

/** Asserts that each message is valid; says so and passes where there is no validator. */
export function assertValid(messages: readonly Captured[]): void {
  if (!existsSync(VALIDATOR)) {
    process.stdout.write('not checked: no ONVIF schemas here (SIGHTLINE_ONVIF_SCHEMA names their validator)\n');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'sightline-schema-'));
  try {
    const files = messages.map(({ name, xml }, at) => {
      const path = join(folder, `${at}-${name}.xml`);
      writeFileSync(path, xml);
      return path;
    });
    const run = spawnSync(VALIDATOR, files, { encoding: 'utf8' });
    assert.is(run.status, 0, run.stdout + run.stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
