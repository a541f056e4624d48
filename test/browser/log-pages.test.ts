// runner: limit 240s
/** The pages about the log in a real browser: what left, who came in, forgetting, keeping, an incident; and the page that verifies an exported file. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { newSigningKey } from '../../scripts/portal/client/keys.js';
import { makeVerifyPage } from '../../scripts/portal/verify-page.js';
import { exportOf } from '../support/log-export.js';
import { mark, PortalPages, SERIAL } from './portal-pages-rig.js';

const pages = new PortalPages('log pages');
const check = pages.check.bind(pages);
const open = pages.open.bind(pages);
const at = (page: string): Promise<void> => open(`own/${SERIAL}/activity/${page}`);

check('every page about the log fits a phone, has thumbs’ targets and no serious finding of axe-core, light and dark', async () => {
  const ready: Record<string, string> = { left: 'ledger', visits: 'visits', care: 'retention' };
  for (const colorScheme of ['light', 'dark'] as const) {
    await pages.page.emulateMedia({ colorScheme });
    for (const [page, shown] of Object.entries(ready)) {
      await at(page);
      await pages.page.waitForSelector(mark(shown));
      assert.equal(await pages.findings(), [], `${page} ${colorScheme}`);
      assert.is(await pages.page.evaluate('document.documentElement.scrollWidth'), 390, page);
      assert.equal(await pages.lowTargets(), [], page);
    }
  }
});

check('what left: a sum in one sentence, by kind and place, who watched; another period asks for other days', async () => {
  await open(`own/${SERIAL}/activity`);
  await pages.page.click(mark('log-left'));
  await pages.page.waitForSelector(mark('ledger'));
  assert.match(await pages.text('ledger-sum'), '1.2 MB left the recorder; pictures: 1.2 MB');
  assert.match(await pages.text('ledger'), 'Pictures, to viewers');
  const pictures = await pages.text('ledger-pictures');
  assert.match(pictures, /Dana Example\s*Front door, a still picture, .*Dana Example\s*Front door, a copy of recordings, 1 min, /s);
  await pages.page.selectOption(mark('ledger-period'), 'last');
  await pages.asked('ledger.get', 2);
  const [today, month] = await pages.argsOf('ledger.get');
  assert.equal(today, { fromDay: null, toDay: null });
  const days = Number(month?.toDay) - Number(month?.fromDay);
  assert.ok(days >= 27 && days <= 30, 'a month is what one answer holds');
  assert.is(new Date(Number(month?.fromDay) * 86_400_000).getUTCDate(), 1);
});

check('who came in: by name, by role where nobody is named, and who was turned away', async () => {
  await at('visits');
  await pages.page.waitForSelector(mark('visit'));
  assert.match(
    await pages.text('visits'),
    /Dana Example\s*over the internet.*4 done.*Someone at the recorder.*Somebody unknown.*3 refused/s,
  );
});

check('a person is found and forgotten, after one more question', async () => {
  await at('care');
  await pages.page.fill(mark('erase-text'), 'dana');
  await pages.page.click(mark('erase-look'));
  await pages.page.click(mark('erase-person'));
  assert.equal(await pages.argsOf('log.erase'), []);
  await pages.page.click(mark('erase-person-sure'));
  await pages.says('erase-done', 'Forgotten. It stands in entry');
  assert.equal(await pages.argsOf('log.erase'), [{ ref: 'D'.repeat(22) }]);
  assert.is(await pages.page.$(mark('erase-person')), null);
});

check('how long it is kept: only what is possible can be saved, and what is shown is what the recorder said', async () => {
  await at('care');
  await pages.page.fill(mark('retention-days'), '29');
  assert.ok(await pages.page.isDisabled(mark('retention-save')));
  await pages.page.fill(mark('retention-days'), '730');
  await pages.page.check(mark('retention-hold'));
  await pages.page.click(mark('retention-save'));
  await pages.asked('log.kept', 2);
  assert.equal(await pages.argsOf('log.retention'), [{ days: 730, rows: 200_000, isHeld: true }]);
  assert.ok(await pages.page.isChecked(mark('retention-hold')));
});

check('an incident: needs a sentence and a second press, says what was stopped, and is closed with what was done', async () => {
  await at('care');
  await pages.page.waitForSelector(mark('incident-open'));
  assert.ok(await pages.page.isDisabled(mark('incident-open')));
  await pages.page.fill(mark('incident-note'), ' broken into ');
  await pages.page.click(mark('incident-open'));
  await pages.page.click(mark('incident-open-sure'));
  await pages.says('incident-news', 'Permissions taken back: 1');
  assert.equal(await pages.argsOf('incident.open'), [{ note: 'broken into' }]);
  await pages.says('incident-open-since', 'Nothing is taken out of the log');
  assert.ok(await pages.page.isDisabled(mark('retention-hold')), 'the hold stays while it is open');
  await pages.page.click(mark('evidence-fetch'));
  await pages.page.waitForSelector(mark('evidence-file'));
  assert.equal(
    (await pages.argsOf('log.export')).map(({ from }) => from),
    [null, { to: 13, seq: 6, ref: null, skip: 0 }],
  );
  assert.equal([await pages.findings(), await pages.lowTargets()], [[], []]);
  const saved: [string, string][] = [];
  for (const link of await pages.page.$$(mark('evidence-file'))) {
    const [file] = await Promise.all([pages.page.waitForEvent('download'), link.click()]);
    saved.push([file.suggestedFilename(), readFileSync(await file.path(), 'utf8')]);
  }
  assert.equal(saved[0], [`${SERIAL}-log.jsonl`, '{"kind":"header"}\n{"kind":"end"}\n']);
  assert.is(saved[1]?.[0], `${SERIAL}-ledger.json`);
  const ledger = JSON.parse(saved[1]?.[1] ?? '') as { lines: { bytes: number }[]; to: string };
  assert.equal([ledger.lines[0]?.bytes, ledger.to], [1_200_000, new Date().toISOString().slice(0, 10)]);
  await pages.page.fill(mark('incident-note'), 'locks changed');
  await pages.page.click(mark('incident-close'));
  await pages.says('incident-news', 'Closed; it stands in entry');
  assert.is(await pages.page.$(mark('incident-open-since')), null);
});

const file = (text: string, name = 'log.jsonl') => ({ name, mimeType: 'application/jsonl', buffer: Buffer.from(text) });
const verdict = async (): Promise<[string | null, string]> => {
  await pages.page.waitForSelector('#answer:not([hidden])');
  return [await pages.page.getAttribute('#verdict', 'data-kind'), (await pages.page.textContent('#verdict')) ?? ''];
};

check('an exported log verifies in the browser with the network off; the first bad row is named; nothing is sent', async () => {
  const { page } = pages;
  const { text, newest, older } = await exportOf(await newSigningKey(), 300);
  await open(`own/${SERIAL}/activity`);
  await page.click(mark('log-verify'));
  await page.waitForSelector('#drop');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.context().setOffline(true);
  await page.setInputFiles('#file', file(text));
  assert.equal(await verdict(), ['whole', '✓ The log is whole.log.jsonl: 300 rows of recorder SN1.']);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    assert.is(await page.evaluate('document.documentElement.scrollWidth'), 390);
    assert.equal(await pages.lowTargets(), []);
  }
  await page.setInputFiles('#file', file(`\uFEFF${text}`, 'marked.jsonl'));
  assert.is((await verdict())[0], 'whole', 'a byte order mark is no part of the log, here as in a terminal');
  await page.setInputFiles('#file', file(`\uFEFF\uFEFF${text}`, 'marked-twice.jsonl'));
  assert.is((await verdict())[0], 'edit');
  await page.setInputFiles('#file', file(text.replace('live.open', 'live.shut'), 'edited.jsonl'));
  assert.match((await verdict())[1], /^✕ The log was changed\..* First row that is wrong: \d+\.$/);
  const cut = text.split('\n').filter((line) => !line.includes('\\"seq\\":140,'));
  await page.setInputFiles('#file', file(cut.join('\n')));
  assert.match((await verdict()).join(' '), 'gap ✕ The log was changed.Row 140 is missing. First row that is wrong: 140.');
  await page.click('summary');
  await page.fill('#checkpoint', newest);
  await page.setInputFiles('#file', file(older));
  assert.is((await verdict())[0], 'cut', 'only a checkpoint from outside shows that');
  await page.setInputFiles('#file', file('no export at all'));
  assert.match((await verdict())[1], '✕ This is no exported log.');
  const anchor = JSON.stringify({ size: 10, head: '0'.repeat(64), peaks: [], statement: newest });
  assert.match(text, '"anchor":null');
  await page.setInputFiles('#file', file(text.replace('"anchor":null', `"anchor":${anchor}`), 'forged.jsonl'));
  assert.match((await verdict())[1], '✕ The log was changed.');
  assert.equal(asked, [], 'nothing was asked of anybody');
  await page.context().setOffline(false);
});

check('the page is scripts/verify-log.mjs byte for byte, in one file that also works from a disk', async () => {
  const here = dirname(fileURLToPath(import.meta.url)).replace('/.build/', '/');
  const code = readFileSync(join(here, '../../scripts/verify-log.mjs'), 'utf8');
  const page = new TextDecoder().decode(makeVerifyPage().asset.body);
  assert.ok(page.includes(code));
  const folder = mkdtempSync(join(tmpdir(), 'sightline-verify-'));
  try {
    writeFileSync(join(folder, 'verify.html'), page);
    await pages.page.goto(pathToFileURL(join(folder, 'verify.html')).href);
    const { text } = await exportOf(await newSigningKey(), 70);
    await pages.page.setInputFiles('#file', file(text));
    assert.is((await verdict())[0], 'whole');
    assert.equal(await pages.findings(), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

pages.run();
