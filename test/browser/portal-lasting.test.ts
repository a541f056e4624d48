// runner: limit 180s
/** What a page must still know after a reload, or when nobody answers it. */
import * as assert from 'uvu/assert';
import { mark, PortalPages, SERIAL } from './portal-pages-rig.js';

const pages = new PortalPages('portal, what lasts');
const check = pages.check.bind(pages);

/** `data-text` of a code on the screen. */
const shown = async (name: string): Promise<string> => (await pages.page.getAttribute(mark(name), 'data-text')) ?? '';

check('an open offer is shown again after a reload and on the first page, until it is taken back', async () => {
  await pages.open('take');
  await pages.page.waitForSelector(mark('own-key'));
  const key = await shown('own-key');
  await pages.open(`own/${SERIAL}/settings/hand-over`, '?owner');
  await pages.page.fill(mark('key-text'), key);
  await pages.page.click(mark('key-read'));
  await pages.page.click(mark('offer-make'));
  await pages.page.waitForSelector(`${mark('offer')} svg`);
  const link = await shown('offer');
  await pages.page.reload();
  await pages.page.waitForSelector(`${mark('offer')} svg`);
  assert.is(await shown('offer'), link);
  await pages.page.click(mark('back'));
  await pages.page.click(mark('nav-site'));
  await pages.says('offer-open', 'You have offered this recorder to another key until');
  await pages.page.click(mark('offer-back'));
  await pages.says('offer-news', 'Taken back.');
  await pages.open(`own/${SERIAL}/settings/hand-over`, '?again');
  await pages.page.waitForSelector(mark('key-read'));
  assert.is(await pages.page.$(mark('offer')), null);
});

check('an order that nobody took says so, and is given to the recorder from whichever page the app is opened on', async () => {
  await pages.open(`own/${SERIAL}/permissions`, '?full');
  await pages.page.waitForSelector(mark('stop-all'));
  await pages.page.evaluate('fakeRecorder.isMute = globalThis.isMute = true');
  await pages.page.click(mark('stop-all'));
  await pages.page.click(mark('stop-all-sure'));
  await pages.says('withdraw-waiting', 'it waits only in this browser');
  assert.is(await pages.page.getAttribute(mark('withdraw-waiting'), 'data-at-relay'), 'false');
  await pages.open('own', '?back');
  await pages.asked('permissions.withdraw', 1);
  await pages.open(`own/${SERIAL}/permissions`, '?later');
  await pages.page.waitForSelector(mark('grants'));
  assert.is(await pages.page.$(mark('withdraw-waiting')), null);
});

check('the activity page says whether the log is the one that this device knows', async () => {
  await pages.open(`own/${SERIAL}/activity`);
  await pages.says('log-witness', 'From now on this device knows the log.');
  await pages.page.click(mark('nav-health'));
  await pages.page.click(mark('nav-activity'));
  await pages.says('log-witness', 'The log is the one this device knows.');
  await pages.page.evaluate(`fakeRecorder.logRoot = 'e'.repeat(64)`);
  await pages.page.click(mark('nav-health'));
  await pages.page.click(mark('nav-activity'));
  await pages.says('log-witness', 'The log is not the one this device knows.');
  assert.is(await pages.page.getAttribute(mark('log-witness'), 'data-verdict'), 'changed');
  assert.equal(await pages.findings(), []);
});

check('what was allowed stands in the activity: to whom, what and until when; and no code where all went well', async () => {
  await pages.open(`own/${SERIAL}/permissions`);
  await pages.page.click(mark('allow'));
  await pages.page.waitForSelector(mark('permission-news'));
  await pages.page.click(mark('nav-activity'));
  const row = pages.page.locator('[data-action="permissions.grant"]').first();
  assert.match((await row.textContent()) ?? '', /allowed Example Alarms to .*watch all cameras.* until/);
  assert.is(await pages.page.locator('[data-result="ok"] .code').count(), 0);
  assert.ok((await pages.page.locator('[data-result="refused"] .code').count()) > 0);
});

check('a recorder that does not answer can be taken off the list, once it was said what that means', async () => {
  await pages.open(`own/${SERIAL}/site`, '?offline');
  await pages.page.click(`${mark('forget-card')} summary`);
  await pages.says('forget-card', 'it stays its owner’s');
  await pages.page.click(mark('forget-away'));
  await pages.page.waitForSelector(mark('empty'));
});

check('an employee at a recorder that was reset is sent to the site, not to pairing', async () => {
  await pages.open(`serve/${SERIAL}/permissions`, '?reset');
  await pages.says('problem', 'Ask at the site');
  assert.is(await pages.page.$(mark('ask')), null);
});

pages.run();
