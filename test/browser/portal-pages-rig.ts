import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildApp } from '../../scripts/portal/build.js';
import { type Portal, startPortal } from '../../scripts/portal/server.js';
import { openChromium } from '../support/chromium.js';

/** The serial number of the recorder in the page's memory. */
export const SERIAL = 'SN4F2K7Q9D';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const here = dirname(fileURLToPath(import.meta.url));
const PREVIEW = join(here.replace('/.build/', '/'), '../support/portal-preview.tsx');

interface Call {
  readonly op: string;
  readonly args: Readonly<Record<string, unknown>>;
}
/** What the preview leaves for tests to look at. */
export type PreviewGlobal = typeof globalThis & {
  readonly fakeRecorder: { readonly calls: Call[] };
  readonly published: { topic: string; payload: string; retain: boolean }[];
  readonly pairedAs?: Readonly<Record<string, unknown>>;
  readonly accepted?: Readonly<Record<string, unknown>>;
};

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: { readonly html: string }[];
}

export const mark = (name: string): string => `[data-test="${name}"]`;

/** One page of the app with recorders in memory, on a phone's screen; an empty browser profile for each test. */
export class PortalPages {
  #opened: { readonly portal: Portal; readonly browser: Browser } | undefined;
  #shown: { readonly context: BrowserContext; readonly page: Page } | undefined;
  #complaints: string[] = [];
  readonly #pages;

  constructor(name: string) {
    const pages = suite(name);
    this.#pages = pages;
    pages.before(async () => {
      const portal = await startPortal({ port: 0, mqttPort: 0, tenant: 'local', app: await buildApp(PREVIEW) });
      this.#opened = { portal, browser: await openChromium() };
    });
    pages.after(async () => {
      await this.#opened?.browser.close();
      await this.#opened?.portal.stop();
    });
    pages.before.each(async () => {
      if (this.#shown === undefined) await this.#show();
      else await this.#empty();
      this.#complaints = [];
    });
  }

  async #show(): Promise<void> {
    const context = await this.#world.browser.newContext({ viewport: { width: 390, height: 844 } });
    this.#shown = { context, page: await context.newPage() };
    this.page.on('pageerror', (error) => this.#complaints.push(error.message));
    this.page.on('console', (message) => message.type() === 'error' && this.#complaints.push(message.text()));
  }

  /** As a new profile would be, in the same process of the browser: another one costs three seconds of processor time for each test. */
  async #empty(): Promise<void> {
    await this.page.evaluate(() => globalThis.sessionStorage.clear()).catch(() => undefined);
    await this.page.goto('about:blank');
    await this.page.emulateMedia({ colorScheme: null });
    const session = await this.page.context().newCDPSession(this.page);
    await session.send('Storage.clearDataForOrigin', { origin: new URL(this.#world.portal.url).origin, storageTypes: 'all' });
    await session.detach();
  }

  /** The page of the test that runs. */
  get page(): Page {
    if (this.#shown === undefined) throw new RangeError('no test runs');
    return this.#shown.page;
  }

  get #world(): { readonly portal: Portal; readonly browser: Browser } {
    if (this.#opened === undefined) throw new RangeError('not opened yet');
    return this.#opened;
  }

  /** A test that also fails when the browser's console shows an error: a broken content policy, a failed request, a thrown error. */
  check(name: string, run: () => Promise<void>): void {
    this.#pages(name, async () => {
      await run();
      assert.equal(this.#complaints, [], 'the browser complained');
    });
  }

  run(): void {
    this.#pages.run();
  }

  async open(hash: string, query = ''): Promise<void> {
    await this.page.goto(`${this.#world.portal.url}${query}#/${hash}`);
    await this.page.waitForSelector('h1');
  }

  async text(name: string): Promise<string> {
    return (await this.page.textContent(mark(name))) ?? '';
  }

  /** Waits until a text is shown at a mark. Polling by a text would need `eval`, which the page forbids. */
  async says(name: string, part: string): Promise<void> {
    await this.page.locator(mark(name)).filter({ hasText: part }).first().waitFor();
  }

  calls(): Promise<Call[]> {
    return this.page.evaluate(() => (globalThis as PreviewGlobal).fakeRecorder.calls);
  }

  async argsOf(op: string): Promise<Readonly<Record<string, unknown>>[]> {
    return (await this.calls()).filter((call) => call.op === op).map((call) => call.args);
  }

  /** Waits until the fake was asked for an operation this many times. */
  async asked(op: string, count: number): Promise<void> {
    await this.page.waitForFunction(
      (wanted) =>
        ((globalThis as Partial<PreviewGlobal>).fakeRecorder?.calls ?? []).filter((call) => call.op === wanted.op).length >= wanted.count,
      { op, count },
    );
  }

  /** Serious and critical findings of axe-core, as one line each. */
  async findings(): Promise<string[]> {
    await this.page.evaluate(AXE);
    const { violations } = (await this.page.evaluate("axe.run({ resultTypes: ['violations'] })")) as { violations: Violation[] };
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`);
  }

  /** What is lower than a thumb needs; a tick box counts by the line that it stands in. */
  lowTargets(): Promise<string[]> {
    const targets = 'button, .button, input:not([type=checkbox], [type=radio]), select, textarea, .check, nav a, summary, a.row';
    return this.page.$$eval(targets, (all) =>
      all
        .filter((one) => one.getClientRects().length > 0 && one.getBoundingClientRect().height < 43.9)
        .map((one) => one.outerHTML.slice(0, 100)),
    );
  }
}
