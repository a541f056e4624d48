// runner: limit 90s
/** The recorder's own page in Chromium, over its self-made certificate and without any cloud: pairing and the owner's pages. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ensurePage } from '../../scripts/portal/page.js';
import { type AgentDoor, doorOf, LAN_SITE } from '../support/agent-door.js';
import { type AgentProcess, startAgent } from '../support/agent-process.js';
import { openChromium } from '../support/chromium.js';

interface World {
  folder: string;
  agent: AgentProcess;
  door: AgentDoor;
  browser: Browser;
  context: BrowserContext;
  page: Page;
  complaints: string[];
  elsewhere: string[];
  queries: string[];
}

const test = suite<World>('local page');

test.before(async (world) => {
  await ensurePage();
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-page-'));
  const state = join(world.folder, 'state');
  world.agent = await startAgent(state, { cameras: { discovery: false }, lan: LAN_SITE, recorderName: 'Shop' });
  world.door = await doorOf(world.agent, state);
  world.browser = await openChromium();
  // As a person who has compared the fingerprint and accepted the certificate.
  world.context = await world.browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 390, height: 844 }, locale: 'en-GB' });
  world.page = await world.context.newPage();
  world.page.setDefaultTimeout(15_000);
  world.complaints = [];
  world.elsewhere = [];
  world.queries = [];
  world.page.on('pageerror', (error) => world.complaints.push(error.message));
  world.page.on('console', (line) => line.type() === 'error' && world.complaints.push(line.text()));
  world.page.on('request', (asked) => {
    const { origin, search, protocol } = new URL(asked.url());
    if (origin !== world.door.origin && protocol !== 'blob:' && protocol !== 'data:') world.elsewhere.push(asked.url());
    if (search !== '') world.queries.push(asked.url());
  });
});

test.after(async ({ browser, agent, folder }) => {
  await browser?.close();
  await agent?.stop();
  await rm(folder, { recursive: true, force: true });
});

const mark = (page: Page, name: string) => page.locator(`[data-test="${name}"]`);

async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env.SIGHTLINE_SCREENSHOTS;
  if (folder !== undefined) await page.screenshot({ path: join(folder, `local-${name}.png`) });
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: { readonly html: string }[];
}

/** Serious and critical findings of axe-core, as one line each. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = (await page.evaluate('axe.run()')) as { violations: Violation[] };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`);
}

test('opens from the recorder alone, is a secure context, and says nothing of a service that is missing', async ({ page, door }) => {
  await page.goto(`${door.origin}/`);
  await mark(page, 'title').waitFor();
  assert.is(await page.evaluate('isSecureContext'), true);
  await mark(page, 'no-service').waitFor({ state: 'detached' });
  await keepPicture(page, 'start');
  assert.equal(await findings(page), []);
});

test('a fragment that a link brought stays in the browser', async ({ page, door, queries }) => {
  await page.goto(`${door.origin}/#/own/add`);
  await mark(page, 'pair-check').waitFor();
  assert.is(new URL(page.url()).hash, '#/own/add');
  assert.equal(queries, []);
});

test('pairs with the code of the label and shows the site', async ({ page, agent }) => {
  assert.equal(await findings(page), []);
  const serial = mark(page, 'pair-serial');
  if ((await serial.count()) > 0) await serial.fill(agent.serial);
  await mark(page, 'pair-code').fill(agent.code ?? '');
  await keepPicture(page, 'pair');
  await mark(page, 'pair-check').click();
  await mark(page, 'pair-right').waitFor();
  await mark(page, 'consent-name').fill('Olivia Example');
  await mark(page, 'consent-email').fill('olivia@example.org');
  await mark(page, 'consent-site').fill('Corner shop');
  await mark(page, 'consent-agree').check();
  assert.equal(await findings(page), []);
  await mark(page, 'consent-finish').click();
  await mark(page, 'verdict').waitFor();
  await keepPicture(page, 'site');
  assert.equal(await findings(page), []);
});

test('the owner’s key is in this page’s own store: after a reload it is the owner still', async ({ page, agent, door }) => {
  await page.goto(`${door.origin}/#/own/${agent.serial}/activity`);
  await page.reload();
  await mark(page, 'log').waitFor();
  await page.locator('[data-test="log-row"][data-action="pairing.consent"]').first().waitFor();
  await keepPicture(page, 'activity');
  assert.equal(await findings(page), []);
});

test('the browser had nothing to complain of, and asked nobody else for anything', ({ complaints, elsewhere, queries }) => {
  assert.equal([complaints, elsewhere, queries], [[], [], []]);
});

test.run();
