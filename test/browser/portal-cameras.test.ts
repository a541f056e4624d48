// runner: limit 120s
import * as assert from 'uvu/assert';
import { mark, PortalPages, SERIAL } from './portal-pages-rig.js';

const pages = new PortalPages('portal cameras');
const { check, text, open, asked, argsOf } = {
  check: pages.check.bind(pages),
  text: pages.text.bind(pages),
  open: pages.open.bind(pages),
  asked: pages.asked.bind(pages),
  argsOf: pages.argsOf.bind(pages),
};

check('cameras are added by address; the one that works shows its picture once, the other one what to do', async () => {
  await open(`own/${SERIAL}/cameras`);
  await pages.page.click(`${mark('camera-add')} summary`);
  await pages.page.fill(mark('add-address'), '192.0.2.7, 192.0.2.9');
  await pages.page.fill(mark('add-user'), 'admin');
  await pages.page.fill(mark('add-password'), 's3cret');
  assert.equal(await pages.findings(), []);
  await pages.page.click(mark('add-do'));
  await pages.page.waitForSelector(mark('added'));
  const login = { user: 'admin', password: 's3cret' };
  const cameras = [
    { address: '192.0.2.7', login },
    { address: '192.0.2.9', login },
  ];
  assert.equal(await argsOf('cameras.add'), [{ cameras }]);
  assert.is(await pages.page.inputValue(mark('add-password')), '', 'it is not kept on the page');
  await pages.says('added', 'refuses the password');
  await asked('live.close', 1);
  const painted = await pages.page.evaluate(`document.querySelector('${mark('still')}').width`);
  assert.ok(Number(painted) > 100, 'the first picture stays');
  assert.is(await pages.page.locator(mark('still')).count(), 1);
});

check('a test tells each step, and a camera is removed only after a second press', async () => {
  await open(`own/${SERIAL}/cameras/cam-1`);
  await pages.page.click(mark('camera-test'));
  await pages.page.waitForSelector(mark('test-steps'));
  assert.match(await text('test-steps'), /Clock Its clock is 2 hours ahead\. Set a time server\./);
  assert.is(await pages.page.locator(`${mark('test-steps')} [data-result="failed"]`).count(), 1);
  for (const colorScheme of ['light', 'dark'] as const) {
    await pages.page.emulateMedia({ colorScheme });
    assert.equal(await pages.findings(), [], colorScheme);
  }
  assert.is(await pages.page.evaluate('document.documentElement.scrollWidth'), 390);
  assert.equal(await pages.lowTargets(), []);
  await pages.page.click(mark('camera-remove'));
  assert.equal(await argsOf('cameras.remove'), []);
  await pages.page.click(mark('camera-remove'));
  await asked('cameras.remove', 1);
  await pages.page.waitForSelector(mark('cameras'));
});

check('places are driven to and stored; plus and minus zoom while they are held', async () => {
  await open(`own/${SERIAL}/cameras/cam-1`);
  await pages.page.click(mark('preset-1'));
  await asked('ptz.goto', 1);
  await pages.page.click(mark('ptz-home'));
  await asked('ptz.home', 1);
  await pages.page.fill(mark('preset-name'), 'Barn');
  await pages.page.click(mark('preset-store'));
  await pages.page.waitForSelector(mark('preset-2'));
  assert.equal(await argsOf('ptz.set-preset'), [{ cam: 'cam-1', name: 'Barn', token: null }]);
  await pages.page.focus(mark('ptz-up'));
  await pages.page.keyboard.down('+');
  await asked('ptz.move', 2);
  await pages.page.keyboard.up('+');
  await asked('ptz.stop', 1);
  await pages.page.keyboard.down('-');
  await asked('ptz.move', 3);
  await pages.page.keyboard.up('-');
  await asked('ptz.stop', 2);
  const zooms = (await argsOf('ptz.move')).map(({ zoom }) => zoom);
  assert.is(zooms[0], 0.5);
  assert.is(zooms.at(-1), -0.5);
});

pages.run();
