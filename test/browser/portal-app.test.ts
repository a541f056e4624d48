import { request } from 'node:http';
import type { Browser } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildApp, MAIN_BUDGET_BYTES, TOTAL_BUDGET_BYTES } from '../../scripts/portal/build.js';
import { type Portal, startPortal } from '../../scripts/portal/server.js';
import { openChromium } from '../support/chromium.js';

let portal: Portal;
let browser: Browser;

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** A raw request: fetch would tidy the path first. */
function ask(path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(portal.url);
    const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('latin1').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.on('error', reject).end();
  });
}

const served = suite('portal app');

served.before(async () => {
  const app = await buildApp();
  assert.ok(app.mainBytes <= MAIN_BUDGET_BYTES, `${app.mainBytes}`);
  assert.ok(app.totalBytes <= TOTAL_BUDGET_BYTES, `${app.totalBytes}`);
  portal = await startPortal({ port: 0, mqttPort: 0, tenant: 'local', app });
  browser = await openChromium();
});

served.after(async () => {
  await browser.close();
  await portal.stop();
});

served('the app starts under its own content policy, asks nobody else for anything, and reaches the relay', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints: string[] = [];
  const elsewhere: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('request', (asked) => !asked.url().startsWith(portal.url) && elsewhere.push(asked.url()));
  const connected = page.waitForEvent('websocket');
  await page.goto(portal.url);
  const socket = await connected;
  if (portal.counters().connected === 0) await socket.waitForEvent('framereceived');
  await page.waitForSelector('[data-test="no-service"]', { state: 'detached' });
  assert.is(await page.textContent('[data-test="title"]'), 'What brings you here?');
  assert.is(portal.counters().connected, 1);
  await page.goto(`${portal.url}#/own/add`);
  await page.waitForSelector('[data-test="pair-check"]');
  assert.equal(complaints, []);
  assert.equal(elsewhere, []);
  await context.close();
});

served('nothing but the app is served', async () => {
  for (const path of [
    '/../package.json',
    '/%2e%2e/package.json',
    '/assets/../../package.json',
    '//etc/passwd',
    '/assets',
    '/main.tsx',
    '/.git/HEAD',
  ]) {
    assert.is((await ask(path)).status, 404, path);
  }
  assert.is((await ask('/', 'POST')).status, 405);
  assert.equal(JSON.parse((await ask('/config.json')).body), { tenant: 'local' });
});

served('every answer has the security headers; the page is zipped and known by its tag', async () => {
  for (const path of ['/', '/config.json', '/nothing']) {
    const { headers } = await ask(path);
    assert.match(String(headers['content-security-policy']), "default-src 'self'; connect-src 'self'");
    assert.not.match(String(headers['content-security-policy']), 'unsafe');
    assert.is(headers['x-content-type-options'], 'nosniff');
    assert.is(headers['referrer-policy'], 'no-referrer');
  }
  const zipped = await ask('/', 'GET', { 'accept-encoding': 'gzip' });
  assert.is(zipped.headers['content-encoding'], 'gzip');
  assert.is((await ask('/', 'GET', { 'if-none-match': String(zipped.headers.etag) })).status, 304);
  assert.not.match((await ask('/')).body, /<script>|\sstyle=|\son[a-z]+=/);
});

served.run();
