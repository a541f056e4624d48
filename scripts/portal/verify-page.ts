import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError } from '../../agent/kernel/errors.js';
import { type Asset, makeAsset, sourceFolder } from './build.js';

/** Where the page lies. */
export const VERIFY_PATH = '/verify.html';

/** The page and the content policy that it is served with: its own script and style, and nothing from or to anywhere. */
export interface VerifyPage {
  readonly asset: Asset;
  readonly policy: string;
}

const IMPORT = "import { linesIn, verifyLog } from './verify-log.mjs';\n";
const PLACE = '/*CODE*/';

/**
 * One document that verifies an exported log in a browser: scripts/verify-log.mjs, byte for byte, with the page around it (verify-log-page.mjs and .html).
 * It loads nothing, so it works from a disk, without a network, and years from now. @throws AgentError portal.bad_page
 */
export function makeVerifyPage(folder: string = join(sourceFolder(), '..')): VerifyPage {
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const [code, around, page] = [read('verify-log.mjs'), read('verify-log-page.mjs'), read('verify-log-page.html')];
  const script = `${code}\n${around.replace(IMPORT, '')}`;
  const [head, tail] = page.split(PLACE);
  if (!around.includes(IMPORT) || head === undefined || tail === undefined || /<\/script/i.test(script)) throw badPage();
  const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? '';
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { asset: makeAsset(VERIFY_PATH, new TextEncoder().encode(`${head}${script}${tail}`), false), policy };
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

function badPage(): AgentError {
  return new AgentError({
    code: 'portal.bad_page',
    say: 'The page that verifies exported logs cannot be put together.',
    fix: 'Bring scripts/verify-log.mjs, verify-log-page.mjs and verify-log-page.html back to what belongs together.',
  });
}
