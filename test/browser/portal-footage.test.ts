// runner: limit 90s
import * as assert from 'uvu/assert';
import { mark, PortalPages, SERIAL } from './portal-pages-rig.js';

const pages = new PortalPages('portal footage');
const { check, text, open, asked, argsOf } = {
  check: pages.check.bind(pages),
  text: pages.text.bind(pages),
  open: pages.open.bind(pages),
  asked: pages.asked.bind(pages),
  argsOf: pages.argsOf.bind(pages),
};
const HOUR_MS = 3_600_000;

/** The day before today: all of it is past. */
function yesterdayAt(hours: number): number {
  const day = new Date();
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - 1, hours).getTime();
}

async function openYesterday(): Promise<void> {
  await open(`own/${SERIAL}/cameras/cam-1`);
  await pages.page.click(mark('camera-recordings'));
  await pages.page.waitForSelector(mark('footage-bar'));
  await pages.page.click(mark('footage-before'));
  await pages.page.waitForFunction(() => document.querySelectorAll('[data-test="footage-span"]').length === 2);
}

/** Presses the bar where this hour is. */
async function press(hours: number): Promise<void> {
  const box = await pages.page.locator(mark('footage-bar')).boundingBox();
  if (box === null) throw new RangeError('no bar');
  await pages.page.mouse.click(box.x + (box.width * hours) / 24, box.y + 20);
}

const clock = async (): Promise<number> => Number(await pages.page.getAttribute(mark('footage-clock'), 'data-at'));
const acts = async (): Promise<unknown[]> => (await argsOf('playback.control')).map(({ session: _session, ...act }) => act);

check('a day as a bar with its gap, in words as well; a press plays from there, and the clock is that of the picture', async () => {
  await openYesterday();
  assert.is(await text('title'), 'Recordings');
  assert.match(await text('footage-summary'), /17 hours recorded, with a gap 08:00:00 to 09:00:00\. Marked: something moved\./);
  for (const colorScheme of ['light', 'dark'] as const) {
    await pages.page.emulateMedia({ colorScheme });
    assert.equal(await pages.findings(), [], colorScheme);
  }
  await press(12);
  await pages.page.waitForSelector(mark('footage-clock'));
  const [opened] = await argsOf('playback.open');
  assert.ok(Math.abs(Number(opened?.at) - yesterdayAt(12)) < HOUR_MS / 4, `${opened?.at}`);
  const first = await clock();
  await pages.page.waitForFunction(({ selector, before }) => Number(document.querySelector(selector)?.getAttribute('data-at')) > before, {
    selector: mark('footage-clock'),
    before: first,
  });
  assert.is(await pages.page.evaluate('document.documentElement.scrollWidth'), 390);
  assert.equal(await pages.lowTargets(), []);
});

check('pause, step, speed, backwards and keys of the bar do what they say; a gap is told', async () => {
  await openYesterday();
  await pages.page.focus(mark('footage-bar'));
  await pages.page.keyboard.press('Home');
  await pages.page.waitForSelector(mark('footage-pause'));
  assert.is((await argsOf('playback.open'))[0]?.at, yesterdayAt(2));
  await pages.page.click(mark('footage-pause'));
  await pages.page.waitForSelector(mark('footage-play'));
  await pages.page.click(mark('footage-step'));
  await asked('playback.control', 2);
  await pages.page.selectOption(mark('footage-speed'), '16');
  await asked('playback.control', 3);
  await pages.page.check(mark('footage-reverse'));
  await asked('playback.control', 4);
  await pages.page.focus(mark('footage-bar'));
  const before = await clock();
  await pages.page.keyboard.press('PageUp');
  await asked('playback.control', 5);
  const told = await acts();
  assert.equal(told.slice(0, 4), [
    { act: 'pause' },
    { act: 'step', by: 1 },
    { act: 'speed', speed: 16 },
    { act: 'reverse', isReverse: true },
  ]);
  assert.equal(told[4], { act: 'seek', at: before + 600_000 });
  await pages.page.uncheck(mark('footage-reverse'));
  await press(7.999);
  await pages.page.click(mark('footage-play'));
  await pages.says('footage-news', 'Nothing was recorded from 08:00:00 to 09:00:00.');
  await pages.page.click(mark('footage-stop'));
  await asked('playback.close', 1);
  await pages.page.waitForSelector(`${mark('footage')}[data-state="ended"]`);
});

check('a clip is saved with its signature; one that is not what was signed is thrown away', async () => {
  await openYesterday();
  await pages.page.click(`${mark('footage-clip')} summary`);
  await pages.page.fill(mark('clip-from'), '12:00');
  await pages.page.fill(mark('clip-to'), '11:00');
  await pages.page.click(mark('clip-do'));
  await pages.page.waitForSelector('.field-error');
  assert.equal(await argsOf('playback.export'), []);
  await pages.page.fill(mark('clip-to'), '12:01:30');
  const [download] = await Promise.all([pages.page.waitForEvent('download'), pages.page.click(mark('clip-do'))]);
  assert.is(download.suggestedFilename(), 'front-door.mp4');
  await pages.says('clip-done', 'Saved, 6 kB. It is what the recorder signed.');
  const [{ from, to } = {}] = await argsOf('playback.export');
  assert.equal([from, to], [yesterdayAt(12), yesterdayAt(12) + 90_000]);
  await pages.page.fill(mark('clip-to'), '17:45');
  await pages.page.fill(mark('clip-from'), '17:40');
  await pages.page.fill(mark('clip-to'), '19:45');
  await pages.page.click(mark('clip-do'));
  await pages.says('clip-problem', 'not what the recorder signed');
});

pages.run();
