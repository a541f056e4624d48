// runner: limit 300s
import * as assert from 'uvu/assert';
import { mark, PortalPages, type PreviewGlobal, SERIAL } from './portal-pages-rig.js';

const pages = new PortalPages('portal pages');
const check = pages.check.bind(pages);
const text = pages.text.bind(pages);
const open = pages.open.bind(pages);
const asked = pages.asked.bind(pages);

check('every page has no serious finding of axe-core, light and dark', async () => {
  const hashes = ['', 'own', 'own/add', 'serve', 'serve/add', `serve/${SERIAL}/permissions`, `own/${SERIAL}/cameras/cam-1`];
  for (const name of ['site', 'cameras', 'permissions', 'activity', 'health', 'settings/cam-1']) hashes.push(`own/${SERIAL}/${name}`);
  const ready: Record<string, string> = { site: 'watching', cameras: 'cameras', permissions: 'grants', activity: 'log', health: 'chart' };
  for (const colorScheme of ['light', 'dark'] as const) {
    await pages.page.emulateMedia({ colorScheme });
    for (const hash of hashes) {
      await open(hash);
      const waited = hash.startsWith('own/SN') ? ready[hash.split('/')[2] ?? ''] : undefined;
      if (waited !== undefined && !hash.includes('cam-1')) await pages.page.waitForSelector(mark(waited));
      assert.equal(await pages.findings(), [], `${hash} ${colorScheme}`);
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
    await pages.page.waitForLoadState('networkidle');
    assert.is(await pages.page.evaluate('document.documentElement.scrollWidth'), 390, hash);
    const low = await pages.lowTargets();
    assert.equal(low, [], hash);
  }
});

check('a typing error in the code is found before anything is sent; a wrong code says the tries left', async () => {
  await open('own/add');
  await pages.page.fill(mark('pair-serial'), 'sn4f-2k7q 9d');
  await pages.page.fill(mark('pair-code'), 'K7MP-X2QR-0');
  await pages.page.click(mark('pair-check'));
  await pages.page.waitForSelector('.field-error');
  assert.match((await pages.page.textContent('.field-error')) ?? '', 'a character is missing or wrong');
  await pages.page.fill(mark('pair-code'), '00000001');
  assert.is(await pages.page.$(mark('pair-problem')), null);
  await pages.page.fill(mark('pair-code'), '000000000');
  await pages.page.click(mark('pair-check'));
  await pages.page.waitForSelector(mark('pair-problem'));
  assert.match(await text('pair-problem'), 'This is not the code of this recorder. 17 tries left.');
});

check('the picture plays, its watermark and time left stand on it, and an end says why at once', async () => {
  await open(`own/${SERIAL}/cameras/cam-1`);
  await pages.page.click(mark('watch'));
  await pages.page.waitForSelector(mark('live'));
  assert.is(await pages.page.getAttribute(mark('picture'), 'data-state'), 'live');
  assert.match(await text('live'), /Live · (10:00|9:5\d) left/);
  assert.is(await text('watermark'), 'Robin Example · owner');
  await pages.page.waitForFunction(() => (document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > 5);
  await pages.page.evaluate(
    `fakeRecorder.call('permissions.withdraw', { statement: 'x.' + btoa(JSON.stringify({ ids: [], all: true })) + '.x' })`,
  );
  await pages.page.waitForSelector(mark('watch-ended'));
  assert.is(await pages.page.getAttribute(mark('watch-ended'), 'data-code'), 'permissions.withdrawn');
  assert.is(await text('watch-ended-say'), 'The owner has taken the permission back.');
  await pages.page.click(mark('watch'));
  await pages.page.waitForSelector(mark('live'));
  await pages.page.click(mark('watch-stop'));
  await pages.page.waitForSelector(mark('watch-ended'));
  await asked('live.close', 1);
});

check('an answer with another fingerprint than the signed one shows no picture and is closed', async () => {
  await open(`own/${SERIAL}/cameras/cam-1`);
  await pages.page.waitForSelector(mark('watch'));
  await pages.page.evaluate(`{
    const honest = fakeRecorder.call;
    fakeRecorder.call = async (op, args, options) => {
      const answer = await honest(op, args, options);
      return op === 'live.open' ? { ...answer, fp: 'sha-256 ' + Array(32).fill('AA').join(':') } : answer;
    };
  }`);
  await pages.page.click(mark('watch'));
  await pages.page.waitForSelector(mark('watch-ended'));
  assert.is(await pages.page.getAttribute(mark('watch-ended'), 'data-code'), 'live.other_peer');
  await asked('live.close', 1);
});

check('an arrow key and a button move the camera while held, and letting go stops it', async () => {
  await open(`own/${SERIAL}/cameras/cam-1`);
  await pages.page.focus(mark('ptz-up'));
  await pages.page.keyboard.down('ArrowLeft');
  await asked('ptz.move', 2);
  await pages.page.keyboard.up('ArrowLeft');
  await asked('ptz.stop', 1);
  const before = (await pages.calls()).length;
  await pages.page.hover(mark('ptz-up'));
  await pages.page.mouse.down();
  await pages.page.waitForFunction(
    (from) => (globalThis as PreviewGlobal).fakeRecorder.calls.slice(from).some(({ args }) => Number(args.tilt ?? 0) > 0),
    before,
  );
  await pages.page.mouse.up();
  await asked('ptz.stop', 2);
  const made = await pages.calls();
  assert.ok(made.some(({ op, args }) => op === 'ptz.move' && Number(args.pan ?? 0) < 0));
});

check('a request is decided, and a permission is stopped with the time it took', async () => {
  await open(`own/${SERIAL}/permissions`);
  await pages.page.uncheck(mark('grant-scope-health'));
  await pages.page.selectOption(mark('grant-duration-pictures'), '600000');
  await pages.page.selectOption(mark('grant-duration-other'), String(30 * 86_400_000));
  await pages.page.click(mark('allow'));
  await pages.page.waitForSelector(mark('permission-news'));
  const grants = (await pages.calls()).filter(({ op }) => op === 'permissions.grant');
  assert.is(grants.length, 2, 'one for pictures, one for the rest');
  await pages.page.waitForSelector(mark('application'), { state: 'detached' });
  assert.match(await text('grants'), 'Example Alarms may watch all cameras and move cameras until');
  await pages.page.click(`${mark('grant')}:first-child ${mark('stop')}`);
  await pages.page.waitForFunction(
    `document.querySelector('[data-test="permission-news"]')?.textContent.includes('Stopped. Nobody was watching.')`,
  );
  await pages.page.click(mark('stop-all'));
  await pages.page.click(mark('stop-all-sure'));
  await pages.page.waitForSelector(mark('nobody-can-watch'));
});

check('a change is planned, refused with what is offered, and shown as read back', async () => {
  await open(`own/${SERIAL}/settings/cam-1`);
  await pages.page.fill(mark('set-sub-rate-cam-1'), '60');
  await pages.page.click(mark('plan-cam-1'));
  await pages.page.waitForSelector(mark('plan-refused'));
  assert.is(await text('plan-offers'), 'Possible: 1 to 25');
  assert.is(await pages.page.$(mark('apply-cam-1')), null, 'what is refused cannot be applied');
  await pages.page.fill(mark('set-sub-rate-cam-1'), '10');
  await pages.page.click(mark('plan-cam-1'));
  await pages.page.waitForSelector(mark('plan-step'));
  assert.match(await text('plan-step'), 'Front door, small picture, pictures per second: 15 → 10');
  assert.is(await pages.page.$(mark('applied-cam-1')), null, 'nothing is shown as done before the recorder says so');
  await pages.page.click(mark('apply-cam-1'));
  await pages.page.waitForSelector(mark('applied-step'));
  assert.match(await text('applied-step'), 'read back from the camera');
});

check('what an installer may not do leads to asking for it', async () => {
  await open(`serve/${SERIAL}/cameras/cam-1`, '?nothing');
  await pages.page.waitForSelector(mark('not-allowed'));
  assert.match(await text('no-picture'), 'You may not watch Camera 1. Ask the owner.');
  await pages.page.click(mark('not-allowed-ask'));
  assert.ok(await pages.page.isChecked(mark('ask-scope-live-view')));
  await pages.page.fill(mark('ask-note'), 'To adjust the door camera.');
  await pages.page.click(mark('ask-do'));
  await pages.page.waitForSelector(mark('ask-sent'));
  assert.is((await pages.calls()).filter(({ op }) => op === 'permissions.apply').length, 1);
});

check('a new installer sets up, signs out, and only the right PIN signs in', async () => {
  await open('serve', '?fresh');
  await pages.page.fill(mark('setup-company'), 'Example Alarms');
  await pages.page.fill(mark('setup-name'), 'Dana Example');
  await pages.page.fill(mark('setup-email'), 'dana@example.org');
  for (const name of ['setup-pin', 'setup-pin-again']) await pages.page.fill(mark(name), '493817');
  await pages.page.click(mark('setup-do'));
  await pages.page.click(mark('sign-out'));
  await pages.page.fill(mark('sign-in-pin'), '493818');
  await pages.page.click(mark('sign-in-do'));
  await pages.page.waitForSelector(mark('sign-in-problem'));
  await pages.page.fill(mark('sign-in-pin'), '493817');
  await pages.page.click(mark('sign-in-do'));
  await pages.page.waitForSelector(mark('serve-add'));
});

check('a recorder that is gone says so, once, and asks nothing of it', async () => {
  await open(`own/${SERIAL}/site`, '?offline');
  await pages.page.waitForSelector(mark('unreachable'));
  assert.match(await text('unreachable'), 'Recorder not reachable. It last connected');
  assert.is(await pages.page.$(mark('problem')), null);
  assert.equal(await pages.calls(), []);
});

check('a slow recorder shows a skeleton, the chart reads with arrow keys', async () => {
  await open(`own/${SERIAL}/health`, '?slow');
  await pages.page.waitForSelector('.skeleton');
  await open(`own/${SERIAL}/health`, '?quick');
  await pages.page.waitForSelector('[data-test="chart"][data-drawn="true"]');
  await pages.page.focus(mark('chart'));
  await pages.page.keyboard.press('ArrowLeft');
  assert.match(await text('chart-value'), /Processor \d+%, Memory \d+%, Disk 63%/);
  assert.match(await text('chart-summary'), /Processor: between \d+% and \d+%, now \d+%/);
});

pages.run();
