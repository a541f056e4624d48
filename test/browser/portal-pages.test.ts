// runner: limit 180s
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BuiltApp, buildApp } from '../../scripts/portal/build.js';
import { type Portal, startPortal } from '../../scripts/portal/server.js';
import { openChromium } from '../support/chromium.js';

const SERIAL = 'SN4F2K7Q9D';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const here = dirname(fileURLToPath(import.meta.url));
const PREVIEW = join(here.replace('/.build/', '/'), '../support/portal-preview.tsx');

let app: BuiltApp;
let portal: Portal;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];

const mark = (name: string): string => `[data-test="${name}"]`;
const text = async (name: string): Promise<string> => (await page.textContent(mark(name))) ?? '';

async function open(hash: string, query = ''): Promise<void> {
  await page.goto(`${portal.url}${query}#/${hash}`);
  await page.waitForSelector('h1');
}

interface Call {
  readonly op: string;
  readonly args: { pan?: number; tilt?: number; patch?: unknown; sub?: unknown };
}
type Global = typeof globalThis & { readonly fakeRecorder: { readonly calls: Call[] } };
const calls = (): Promise<Call[]> => page.evaluate(() => (globalThis as Global).fakeRecorder.calls);

/** Waits until the fake was asked for an operation this many times. Polling by a text would need `eval`, which the page forbids. */
async function asked(op: string, count: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => (globalThis as Global).fakeRecorder.calls.filter((call) => call.op === wanted.op).length >= wanted.count,
    { op, count },
  );
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: { readonly html: string }[];
}

/** Serious and critical findings of axe-core, as one line each. */
async function findings(): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate('axe.run()')) as { violations: Violation[] };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`);
}

const pages = suite('portal pages');

pages.before(async () => {
  app = await buildApp(PREVIEW);
  portal = await startPortal({ port: 0, mqttPort: 0, tenant: 'local', app });
  browser = await openChromium();
});

pages.after(async () => {
  await browser.close();
  await portal.stop();
});

pages.before.each(async () => {
  context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  page = await context.newPage();
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
});

pages.after.each(async () => {
  await context.close();
});

/** A test that also fails when the browser's console shows an error: a broken content policy, a failed request, a thrown error. */
function check(name: string, run: () => Promise<void>): void {
  pages(name, async () => {
    await run();
    assert.equal(complaints, [], 'the browser complained');
  });
}

check('every page has no serious finding of axe-core, light and dark', async () => {
  const hashes = ['', 'own', 'own/add', 'serve', 'serve/add', `serve/${SERIAL}/permissions`, `own/${SERIAL}/cameras/cam-1`];
  for (const name of ['site', 'cameras', 'permissions', 'activity', 'health', 'settings/cam-1']) hashes.push(`own/${SERIAL}/${name}`);
  const ready: Record<string, string> = { site: 'watching', cameras: 'cameras', permissions: 'grants', activity: 'log', health: 'chart' };
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const hash of hashes) {
      await open(hash);
      const waited = hash.startsWith('own/SN') ? ready[hash.split('/')[2] ?? ''] : undefined;
      if (waited !== undefined && !hash.includes('cam-1')) await page.waitForSelector(mark(waited));
      assert.equal(await findings(), [], `${hash} ${colorScheme}`);
    }
  }
});

check('nothing is wider than a phone, and every target is at least 44 px high', async () => {
  for (const hash of [
    '',
    'own/add',
    `own/${SERIAL}/permissions`,
    `own/${SERIAL}/activity`,
    `own/${SERIAL}/health`,
    `own/${SERIAL}/settings/cam-1`,
  ]) {
    await open(hash);
    await page.waitForLoadState('networkidle');
    assert.is(await page.evaluate('document.documentElement.scrollWidth'), 390, hash);
    const low = await page.$$eval('button, .button, input:not([type=checkbox]), select, .check, nav a, summary, a.row', (all) =>
      all
        .filter((one) => one.getClientRects().length > 0 && one.getBoundingClientRect().height < 43.9)
        .map((one) => one.outerHTML.slice(0, 100)),
    );
    assert.equal(low, [], hash);
  }
});

check('a typing error in the code is found before anything is sent; a wrong code says the tries left', async () => {
  await open('own/add');
  await page.fill(mark('pair-serial'), 'sn4f-2k7q 9d');
  await page.fill(mark('pair-code'), 'K7MP-X2QR-0');
  await page.click(mark('pair-check'));
  await page.waitForSelector('.field-error');
  assert.match((await page.textContent('.field-error')) ?? '', 'a character is missing or wrong');
  await page.fill(mark('pair-code'), '00000001');
  assert.is(await page.$(mark('pair-problem')), null);
  await page.fill(mark('pair-code'), '000000000');
  await page.click(mark('pair-check'));
  await page.waitForSelector(mark('pair-problem'));
  assert.match(await text('pair-problem'), 'This is not the code of this recorder. 17 tries left.');
});

check('the picture plays, its watermark and time left stand on it, and an end says why at once', async () => {
  await open(`own/${SERIAL}/cameras/cam-1`);
  await page.click(mark('watch'));
  await page.waitForSelector(mark('live'));
  assert.is(await page.getAttribute(mark('picture'), 'data-state'), 'live');
  assert.match(await text('live'), /Live · (10:00|9:5\d) left/);
  assert.is(await text('watermark'), 'Robin Example · owner');
  await page.waitForFunction(() => (document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > 5);
  await page.evaluate(
    `fakeRecorder.call('permissions.withdraw', { statement: 'x.' + btoa(JSON.stringify({ ids: [], all: true })) + '.x' })`,
  );
  await page.waitForSelector(mark('watch-ended'));
  assert.is(await page.getAttribute(mark('watch-ended'), 'data-code'), 'permissions.withdrawn');
  assert.is(await text('watch-ended-say'), 'The owner has taken the permission back.');
  await page.click(mark('watch'));
  await page.waitForSelector(mark('live'));
  await page.click(mark('watch-stop'));
  await page.waitForSelector(mark('watch-ended'));
  await asked('live.close', 1);
});

check('an answer with another fingerprint than the signed one shows no picture and is closed', async () => {
  await open(`own/${SERIAL}/cameras/cam-1`);
  await page.waitForSelector(mark('watch'));
  await page.evaluate(`{
    const honest = fakeRecorder.call;
    fakeRecorder.call = async (op, args, options) => {
      const answer = await honest(op, args, options);
      return op === 'live.open' ? { ...answer, fp: 'sha-256 ' + Array(32).fill('AA').join(':') } : answer;
    };
  }`);
  await page.click(mark('watch'));
  await page.waitForSelector(mark('watch-ended'));
  assert.is(await page.getAttribute(mark('watch-ended'), 'data-code'), 'live.other_peer');
  await asked('live.close', 1);
});

check('an arrow key and a button move the camera while held, and letting go stops it', async () => {
  await open(`own/${SERIAL}/cameras/cam-1`);
  await page.focus(mark('ptz-up'));
  await page.keyboard.down('ArrowLeft');
  await asked('ptz.move', 2);
  await page.keyboard.up('ArrowLeft');
  await asked('ptz.stop', 1);
  const before = (await calls()).length;
  await page.hover(mark('ptz-up'));
  await page.mouse.down();
  await page.waitForFunction(
    (from) => (globalThis as Global).fakeRecorder.calls.slice(from).some(({ args }) => (args.tilt ?? 0) > 0),
    before,
  );
  await page.mouse.up();
  await asked('ptz.stop', 2);
  const made = await calls();
  assert.ok(made.some(({ op, args }) => op === 'ptz.move' && (args.pan ?? 0) < 0));
});

check('a request is decided, and a permission is stopped with the time it took', async () => {
  await open(`own/${SERIAL}/permissions`);
  await page.uncheck(mark('grant-scope-health'));
  await page.selectOption(mark('grant-duration-pictures'), '600000');
  await page.selectOption(mark('grant-duration-other'), String(30 * 86_400_000));
  await page.click(mark('allow'));
  await page.waitForSelector(mark('permission-news'));
  const grants = (await calls()).filter(({ op }) => op === 'permissions.grant');
  assert.is(grants.length, 2, 'one for pictures, one for the rest');
  await page.waitForSelector(mark('application'), { state: 'detached' });
  assert.match(await text('grants'), 'Example Alarms may watch Front door and move cameras (Front door) until');
  await page.click(`${mark('grant')}:first-child ${mark('stop')}`);
  await page.waitForFunction(
    `document.querySelector('[data-test="permission-news"]')?.textContent.includes('Stopped. Nobody was watching.')`,
  );
  await page.click(mark('stop-all'));
  await page.click(mark('stop-all-sure'));
  await page.waitForSelector(mark('nobody-can-watch'));
});

check('a change is planned, refused with what is offered, and shown as read back', async () => {
  await open(`own/${SERIAL}/settings/cam-1`);
  await page.fill(mark('set-sub-rate-cam-1'), '60');
  await page.click(mark('plan-cam-1'));
  await page.waitForSelector(mark('plan-refused'));
  assert.is(await text('plan-offers'), 'Possible: 1 to 25');
  assert.is(await page.$(mark('apply-cam-1')), null, 'what is refused cannot be applied');
  await page.fill(mark('set-sub-rate-cam-1'), '10');
  await page.click(mark('plan-cam-1'));
  await page.waitForSelector(mark('plan-step'));
  assert.match(await text('plan-step'), 'Front door, small picture, pictures per second: 15 → 10');
  assert.is(await page.$(mark('applied-cam-1')), null, 'nothing is shown as done before the recorder says so');
  await page.click(mark('apply-cam-1'));
  await page.waitForSelector(mark('applied-step'));
  assert.match(await text('applied-step'), 'read back from the camera');
});

check('what an installer may not do leads to asking for it', async () => {
  await open(`serve/${SERIAL}/cameras/cam-1`, '?nothing');
  await page.waitForSelector(mark('not-allowed'));
  assert.match(await text('no-picture'), 'You may not watch Camera 1. Ask the owner.');
  await page.click(mark('not-allowed-ask'));
  assert.ok(await page.isChecked(mark('ask-scope-live-view')));
  await page.fill(mark('ask-note'), 'To adjust the door camera.');
  await page.click(mark('ask-do'));
  await page.waitForSelector(mark('ask-sent'));
  assert.is((await calls()).filter(({ op }) => op === 'permissions.apply').length, 1);
});

check('a new installer sets up, signs out, and only the right PIN signs in', async () => {
  await open('serve', '?fresh');
  await page.fill(mark('setup-company'), 'Example Alarms');
  await page.fill(mark('setup-name'), 'Dana Example');
  await page.fill(mark('setup-email'), 'dana@example.org');
  for (const name of ['setup-pin', 'setup-pin-again']) await page.fill(mark(name), '493817');
  await page.click(mark('setup-do'));
  await page.click(mark('sign-out'));
  await page.fill(mark('sign-in-pin'), '493818');
  await page.click(mark('sign-in-do'));
  await page.waitForSelector(mark('sign-in-problem'));
  await page.fill(mark('sign-in-pin'), '493817');
  await page.click(mark('sign-in-do'));
  await page.waitForSelector(mark('serve-add'));
});

check('a recorder that is gone says so, once, and asks nothing of it', async () => {
  await open(`own/${SERIAL}/site`, '?offline');
  await page.waitForSelector(mark('unreachable'));
  assert.match(await text('unreachable'), 'Recorder not reachable. It last connected');
  assert.is(await page.$(mark('problem')), null);
  assert.equal(await calls(), []);
});

check('a slow recorder shows a skeleton, the chart reads with arrow keys', async () => {
  await open(`own/${SERIAL}/health`, '?slow');
  await page.waitForSelector('.skeleton');
  await open(`own/${SERIAL}/health`, '?quick');
  await page.waitForSelector('[data-test="chart"][data-drawn="true"]');
  await page.focus(mark('chart'));
  await page.keyboard.press('ArrowLeft');
  assert.match(await text('chart-value'), /Processor \d+%, Memory \d+%, Disk 63%/);
  assert.match(await text('chart-summary'), /Processor: between \d+% and \d+%, now \d+%/);
});

pages.run();
