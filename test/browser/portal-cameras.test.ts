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

/** Nothing serious in either colour scheme, nothing wider than a phone, nothing too small for a thumb. */
async function looksRight(): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await pages.page.emulateMedia({ colorScheme });
    assert.equal(await pages.findings(), [], colorScheme);
  }
  assert.is(await pages.page.evaluate('document.documentElement.scrollWidth'), 390);
  assert.equal(await pages.lowTargets(), []);
}

const shownStills = (): Promise<number> => pages.page.locator(`${mark('still')}[data-shown="true"]`).count();

check('the list says what cameras complain of, and asks for pictures only when somebody wants them', async () => {
  await open(`own/${SERIAL}/cameras`, '?alarms');
  await pages.page.waitForSelector(mark('cameras'));
  assert.equal(await pages.page.locator(mark('camera-alarm-cam-1')).evaluateAll((all) => all.map((one) => one.textContent?.trim())), [
    '✕ Tampered with',
    '! Hardware fault',
  ]);
  assert.equal(await argsOf('cameras.snapshot'), []);
  await pages.page.click(mark('cameras-stills'));
  await pages.page.waitForSelector(`${mark('still')}[data-shown="true"]`);
  assert.equal(await argsOf('cameras.snapshot'), [{ cam: 'cam-1' }], 'one that refuses its password is not asked');
  assert.equal(await pages.page.getAttribute(mark('still'), 'aria-label'), 'Still picture of Front door');
  await looksRight();
  await pages.page.click(mark('camera-cam-1'));
  await pages.page.waitForSelector(mark('camera-complaint'));
  assert.match(await text('camera-complaint'), /covered, turned or opened.*go and see/);
});

check('a search, one password for those that are chosen, a name and a picture: each error says what to do next', async () => {
  await open(`own/${SERIAL}/cameras/add`);
  assert.is(await text('title'), 'Add cameras');
  await pages.page.click(mark('cameras-search'));
  await pages.says('camera-found', '2 new cameras.');
  await pages.page.uncheck(mark('password-for-cam-2'));
  await pages.page.fill(mark('password-user'), 'admin');
  await pages.page.fill(mark('password-password'), 'wrong');
  await pages.page.click(mark('password-do'));
  await pages.says('password-refused', '2 cameras do not take it.');
  await looksRight();
  await pages.page.fill(mark('password-user'), 'admin');
  await pages.page.fill(mark('password-password'), 's3cret');
  await pages.page.click(mark('password-do'));
  await pages.page.waitForSelector(`${mark('set-up-cam-3')} ${mark('still')}[data-shown="true"]`);
  assert.is(await pages.page.inputValue(mark('password-password')), '', 'it is not kept on the page');
  const [first, second] = (await argsOf('config.apply')).map(({ patch }) => patch);
  const login = (password: string) => ({ login: { user: 'admin', password } });
  assert.equal(
    [first, second],
    ['wrong', 's3cret'].map((password) => ({ cameras: { 'cam-3': login(password), 'cam-4': login(password) } })),
  );
  await pages.page.waitForSelector(`${mark('set-up-cam-4')} ${mark('still-problem')}`);
  assert.match(await text('still-problem'), 'gives no still pictures. Watch the camera live instead.');
  assert.is(await shownStills(), 1);
  await pages.page.fill(mark('set-up-name-cam-3'), 'North gate');
  await pages.page.click(mark('set-up-name-do-cam-3'));
  await pages.says('done', 'Saved.');
  assert.equal((await argsOf('config.apply')).at(-1)?.patch, { cameras: { 'cam-3': { name: 'North gate' } } });
  await pages.page.click(mark('cameras-search'));
  await pages.says('camera-found', 'No new camera. 4 known ones answered.');
});

check('by address, and by looking through a network for whoever opens that: what fails says why', async () => {
  await open(`own/${SERIAL}/cameras/add`);
  await pages.page.click(`${mark('camera-add')} summary`);
  await pages.page.fill(mark('add-address'), '192.0.2.7, 192.0.2.9');
  await pages.page.fill(mark('add-user'), 'admin');
  await pages.page.fill(mark('add-password'), 's3cret');
  await pages.page.click(mark('add-do'));
  await pages.says('added', 'Nothing answers at 192.0.2.9.');
  const login = { user: 'admin', password: 's3cret' };
  assert.equal(await argsOf('cameras.add'), [
    {
      cameras: [
        { address: '192.0.2.7', login },
        { address: '192.0.2.9', login },
      ],
    },
  ]);
  await pages.page.waitForSelector(`${mark('set-up-cam-3')} ${mark('still')}[data-shown="true"]`);
  await pages.page.click(`${mark('camera-scan')} summary`);
  await pages.page.fill(mark('scan-network'), '192.0.2.0');
  await pages.page.click(mark('scan-do'));
  await pages.page.waitForSelector('.field-error');
  assert.equal(await argsOf('cameras.discover'), [], 'nothing is asked of a network that is none');
  await pages.page.fill(mark('scan-network'), '203.0.113.0/24');
  await pages.page.click(mark('scan-do'));
  await pages.says('find-problem', 'The recorder is not in the network');
  assert.equal(await argsOf('cameras.discover'), [{ scan: '203.0.113.0/24' }]);
  await looksRight();
});

check('a test tells each step, and a camera is removed only by whoever has read what that means', async () => {
  await open(`own/${SERIAL}/cameras/cam-1`);
  await pages.page.click(mark('camera-test'));
  await pages.page.waitForSelector(mark('test-steps'));
  assert.match(await text('test-verdict'), '1 thing is wrong.');
  assert.match(await text('test-steps'), /Clock look at it.*Its clock is 2 hours ahead\. Set a time server\./s);
  assert.is(await pages.page.locator(`${mark('test-steps')} [data-result="failed"]`).count(), 1);
  await pages.page.click(mark('camera-remove'));
  await pages.page.waitForSelector(mark('camera-remove-sure'));
  await looksRight();
  await pages.page.click(mark('camera-keep'));
  await pages.page.click(mark('camera-remove'));
  assert.equal(await argsOf('cameras.remove'), []);
  await pages.page.click(mark('camera-remove-sure'));
  await asked('cameras.remove', 1);
  await pages.page.waitForSelector(mark('cameras'));
});

check('places are driven to, stored and, after a question, removed; plus and minus zoom while they are held', async () => {
  await open(`own/${SERIAL}/cameras/cam-1`);
  await pages.page.click(mark('preset-1'));
  await asked('ptz.goto', 1);
  await pages.page.click(mark('ptz-home'));
  await asked('ptz.home', 1);
  await pages.page.click(mark('presets-edit'));
  await pages.page.fill(mark('preset-name'), 'Barn');
  await pages.page.click(mark('preset-store'));
  await pages.page.waitForSelector(mark('preset-2'));
  await pages.page.click(mark('preset-again-1'));
  await asked('ptz.set-preset', 2);
  assert.equal(await argsOf('ptz.set-preset'), [
    { cam: 'cam-1', name: 'Barn', token: null },
    { cam: 'cam-1', name: 'Gate', token: '1' },
  ]);
  await pages.page.click(mark('preset-forget-2'));
  assert.equal(await argsOf('ptz.remove-preset'), []);
  await pages.page.click(mark('preset-forget-sure-2'));
  await asked('ptz.remove-preset', 1);
  await pages.page.waitForSelector(mark('preset-2'), { state: 'detached' });
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
