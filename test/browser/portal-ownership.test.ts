// runner: limit 180s
import { generate } from 'lean-qr';
import * as assert from 'uvu/assert';
import { unverifiedPayload } from '../../agent/contract/jws.js';
import type { Cancellation, Consent, Grant, HandOverAccept } from '../../agent/contract/statements.js';
import { readHanded } from '../../scripts/portal/client/handed-text.js';
import { mark, PortalPages, type PreviewGlobal, SERIAL } from './portal-pages-rig.js';

const pages = new PortalPages('portal ownership');
const check = pages.check.bind(pages);

/** `data-text` of a code on the screen. */
const shown = async (name: string): Promise<string> => (await pages.page.getAttribute(mark(name), 'data-text')) ?? '';

async function proveCode(query = ''): Promise<void> {
  await pages.open('own/add', query);
  await pages.page.fill(mark('pair-serial'), SERIAL);
  await pages.page.fill(mark('pair-code'), 'K0000001E');
  await pages.page.click(mark('pair-check'));
  await pages.page.waitForSelector(mark('consent'));
}

async function fillConsent(test: string): Promise<void> {
  await pages.page.fill(mark(`${test}-name`), 'Olivia Example');
  await pages.page.fill(mark(`${test}-email`), 'olivia@example.org');
  await pages.page.fill(mark(`${test}-device`), 'Kitchen tablet');
  await pages.page.check(mark(`${test}-agree`));
}

check('pairing shows whom the recorder is connected with, and asks whose it is', async () => {
  await proveCode('?fresh');
  assert.match(await pages.text('operator'), 'Example Relay, region EU (relay.example.org)');
  await pages.page.click(mark('consent-finish'));
  assert.is(await pages.page.locator('.field-error').count(), 4, 'name, address, site and the tick are missing; the device has a name');
  await fillConsent('consent');
  await pages.page.fill(mark('consent-site'), 'Corner shop');
  assert.match(await pages.text('consent-text'), /^Before this recorder is yours/);
  await pages.page.check(mark('role-installer'));
  assert.match(await pages.text('consent-text'), /^What you agree to until you hand it over.*Before this recorder is yours/);
  await pages.page.click(mark('consent-finish'));
  await pages.page.waitForSelector(mark('verdict'));
  assert.equal(await pages.page.evaluate(() => (globalThis as PreviewGlobal).pairedAs), {
    role: 'installer',
    deviceName: 'Kitchen tablet',
    site: 'Corner shop',
    person: { name: 'Olivia Example', email: 'olivia@example.org' },
  });
});

check('a code that adds a device says so, and asks neither for a role nor for a site', async () => {
  await proveCode('?fresh&joining');
  assert.match(await pages.text('pair-join'), 'adds one more device of the owner');
  assert.is(await pages.page.$(mark('role-owner')), null);
  assert.is(await pages.page.$(mark('consent-site')), null);
  await fillConsent('consent');
  await pages.page.click(mark('consent-finish'));
  await pages.page.waitForSelector(mark('verdict'));
  await pages.page.locator('.subtitle').filter({ hasText: 'Corner shop' }).waitFor();
});

check('a permission is given for hours of the week, and they stand in its sentence', async () => {
  await pages.open(`own/${SERIAL}/permissions`);
  await pages.page.check(mark('hours-some'));
  for (const day of [1, 2, 3, 4, 5]) await pages.page.uncheck(mark(`hours-day-${day}`));
  await pages.page.click(mark('allow'));
  await pages.page.locator('.field-error').filter({ hasText: 'Choose at least one day.' }).waitFor();
  assert.equal(await pages.argsOf('permissions.grant'), [], 'nothing was sent');
  for (const day of [6, 0]) await pages.page.check(mark(`hours-day-${day}`));
  await pages.page.fill(mark('hours-from'), '22:00');
  await pages.page.fill(mark('hours-to'), '06:00');
  await pages.page.locator('text=Ends on the next day.').waitFor();
  await pages.page.click(mark('allow'));
  await pages.says('grants', 'Saturday and Sunday, 22:00 to 06:00');
  const [args] = await pages.argsOf('permissions.grant');
  const { hours } = unverifiedPayload(String(args?.grant)) as Grant;
  assert.equal([hours?.days, hours?.from, hours?.to], [[0, 6], '22:00', '06:00']);
});

check('an installer who holds the recorder is led to the hand-over and can allow no pictures', async () => {
  await pages.open(`own/${SERIAL}/permissions`, '?held');
  await pages.page.waitForSelector(mark('application'));
  assert.is(await pages.page.$(mark('grant-scope-live-view')), null);
  assert.ok(await pages.page.isChecked(mark('grant-scope-health')));
  await pages.page.click(mark('hand-over-now'));
  await pages.page.waitForSelector(mark('key-read'));
  assert.is(await pages.page.$(mark('installer-held')), null, 'not said again where it is done');
});

check('a device is added by a link that stands behind the #, and removed only when that was meant', async () => {
  await pages.open(`own/${SERIAL}/settings/devices`);
  await pages.page.click(mark('device-add'));
  await pages.page.waitForSelector(`${mark('add-link')} svg`);
  const link = await shown('add-link');
  assert.is(readHanded('join', link).serial, SERIAL);
  assert.not.match(link.split('#')[0] ?? '', /eyJ|\?/);
  const office = pages.page.locator(mark('device')).filter({ hasText: 'Office computer' });
  await office.locator(mark('device-remove')).click();
  await office.locator(mark('device-remove-cancel')).click();
  assert.equal(await pages.argsOf('owner.remove-device'), []);
  await office.locator(mark('device-remove')).click();
  await office.locator(mark('device-remove-sure')).click();
  await pages.says('device-news', 'Office computer was removed. The recorder confirmed it.');
  await office.waitFor({ state: 'detached' });
  assert.equal(await pages.argsOf('owner.remove-device'), [{ kid: 'u'.repeat(43) }]);
  assert.is(await pages.page.locator(mark('device-remove')).count(), 0, 'the last one cannot be removed');
});

check('a new device joins by the link, its name is sent, and the link leaves the address', async () => {
  await pages.open(`own/${SERIAL}/settings/devices`);
  await pages.page.click(mark('device-add'));
  await pages.page.waitForSelector(mark('add-link'));
  const link = await shown('add-link');
  await pages.open('own', '?fresh&other');
  await pages.page.click(mark('join-device'));
  await pages.page.fill(mark('join-text'), 'https://example.org');
  await pages.page.click(mark('join-read'));
  await pages.says('join-unread', 'This is not a link that adds a device.');
  await pages.page.fill(mark('join-text'), link);
  await pages.page.click(mark('join-read'));
  await pages.page.fill(mark('join-name'), 'Kitchen tablet');
  await pages.page.click(mark('join-do'));
  await pages.page.waitForSelector(mark('verdict'));
  assert.match(await pages.page.evaluate('location.hash'), new RegExp(`^#/own/${SERIAL}$`));
  await pages.page.locator('.subtitle').filter({ hasText: 'Corner shop' }).waitFor();
});

check('the other way round: a device shows its key, the owner adds it by name', async () => {
  await pages.open('join');
  await pages.page.click('summary');
  await pages.page.waitForSelector(mark('own-key'));
  const key = await shown('own-key');
  await pages.page.reload();
  await pages.page.click('summary');
  await pages.page.waitForSelector(mark('own-key'));
  assert.is(await shown('own-key'), key, 'the same after a reload: the entry made for it must fit');
  await pages.open(`own/${SERIAL}/settings/devices`, '?owner');
  await pages.page.click(`${mark('add-by-key')} summary`);
  await pages.page.fill(mark('key-text'), key);
  await pages.page.click(mark('key-read'));
  await pages.page.fill(mark('key-name'), 'Kitchen tablet');
  await pages.page.click(mark('key-add'));
  await pages.says('device-news', 'Kitchen tablet was added. The recorder confirmed it.');
  const link = await shown('added-link');
  assert.match(link, new RegExp(`#/join/${SERIAL}/[A-Za-z0-9_-]{43}$`));
  await pages.open(link.split('#/')[1] ?? '', '?fresh&other');
  await pages.page.click(mark('join-look'));
  await pages.page.waitForSelector(mark('verdict'));
  assert.is(await pages.page.evaluate('location.hash'), `#/own/${SERIAL}`);
});

check('a serial number opens a recorder on its own page only, which says that it is the recorder itself', async () => {
  await pages.open('join');
  await pages.page.click('summary');
  await pages.page.waitForSelector(mark('own-key'));
  assert.is(await pages.page.$(mark('join-look')), null);
  assert.is(await pages.page.$(mark('on-site')), null);
  await pages.open('join', '?fresh&onsite');
  assert.match(await pages.text('on-site'), `The recorder itself (${SERIAL}), not the cloud`);
  await pages.page.click('summary');
  await pages.page.click(mark('join-look'));
  await pages.page.waitForSelector(mark('verdict'));
});

check('handing over: key, offer, consent and acceptance; another device cannot use the offer', async () => {
  await pages.open('take');
  await pages.page.waitForSelector(mark('own-key'));
  const key = await shown('own-key');
  await pages.open(`own/${SERIAL}/settings/hand-over`, '?owner');
  await pages.page.fill(mark('key-text'), key);
  await pages.page.click(mark('key-read'));
  await pages.page.check(mark('erase-people'));
  await pages.page.click(mark('offer-make'));
  await pages.page.waitForSelector(`${mark('offer')} svg`);
  const link = await shown('offer');
  await pages.page.uncheck(mark('erase-people'));
  assert.is(await pages.page.$(mark('offer')), null, 'an offer that says something else is not left on the screen');
  await pages.open('take', '?fresh&new');
  await pages.page.fill(mark('take-text'), link);
  await pages.page.click(mark('take-read'));
  await pages.says('take-facts', 'are erased from the activity');
  assert.match(await pages.text('operator'), 'Example Relay');
  await fillConsent('take');
  await pages.page.fill(mark('take-site'), 'Kiosk');
  await pages.page.click(mark('take-finish'));
  await pages.page.waitForSelector(mark('verdict'));
  const sent = await pages.page.evaluate(() => (globalThis as PreviewGlobal).accepted);
  assert.equal([sent?.offer, sent?.deviceName], [readHanded('take', link).statement, 'Kitchen tablet']);
  const { consent, site } = unverifiedPayload(String(sent?.accept)) as HandOverAccept;
  const { method, operator } = unverifiedPayload(consent) as Consent;
  assert.equal([site, method, operator?.name], ['Kiosk', 'hand-over', 'Example Relay']);
  await pages.open('take', '?fresh&another');
  await pages.page.fill(mark('take-text'), link);
  await pages.page.click(mark('take-read'));
  await pages.page.waitForSelector(`${mark('take-problem')}[data-code="portal.other_key"]`);
});

check('an offer is taken back by ending everything', async () => {
  await pages.open(`own/${SERIAL}/settings/hand-over`);
  await pages.page.fill(mark('key-text'), `SLK1:${'x'.repeat(43)}.${'y'.repeat(43)}`);
  await pages.page.click(mark('key-read'));
  await pages.page.click(mark('offer-make'));
  await pages.page.click(mark('offer-back'));
  await pages.says('offer-news', 'Taken back.');
  assert.is(await pages.page.$(mark('offer')), null);
  const [args] = await pages.argsOf('permissions.withdraw');
  assert.is((unverifiedPayload(String(args?.statement)) as { all: boolean }).all, true);
});

check('a changed text or operator is agreed to again, and stays on the screen until the recorder confirmed it', async () => {
  for (const [query, name] of [
    ['?stale', 'consent-stale'],
    ['?operator', 'other-operator'],
  ] as const) {
    await pages.open(`own/${SERIAL}/cameras`, query);
    await pages.page.click(mark('agree-again'));
    await pages.says('consent-text', 'Nobody can watch now');
    await pages.page.click(mark('agree-again-do'));
    await pages.page.waitForSelector(mark(name), { state: 'detached' });
    const [args] = await pages.argsOf('owner.consent');
    const { method, operator, by } = unverifiedPayload(String(args?.consent)) as Consent;
    assert.equal([method, operator?.host, by.name], ['renewed', 'relay.example.org', 'Robin Example']);
  }
});

check('a recorder that is not theirs any more shows nothing of itself and can be taken off the list', async () => {
  await pages.open(`own/${SERIAL}/site`, '?stranger');
  await pages.page.waitForSelector(mark('not-owner'));
  assert.is(await pages.page.$(mark('cameras')), null);
  await pages.page.click(mark('forget'));
  await pages.page.waitForSelector(mark('add-recorder'));
  assert.is(await pages.page.$(mark(`open-${SERIAL}`)), null);
});

check('security messages are counted on the first page and listed by themselves', async () => {
  await pages.open(`own/${SERIAL}/site`);
  await pages.says('security-news', '1 security message in the last 7 days.');
  await pages.page.click(mark('security-look'));
  await pages.page.waitForSelector(mark('log-row'));
  const actions = await pages.page.$$eval(mark('log-row'), (rows) => rows.map((row) => row.getAttribute('data-action')));
  assert.equal(actions, ['security.cool-down']);
  await pages.page.selectOption(mark('log-filter'), 'config.');
  await pages.says('empty', 'Nothing of this kind has happened.');
  await pages.page.selectOption(mark('log-filter'), '');
  await pages.page.waitForSelector(`${mark('log-row')}[data-action="live.open"]`);
});

check('an employee’s badge is called back at every recorder, and the PIN makes a new one', async () => {
  await pages.open('serve');
  await pages.page.click(mark('badge-call-back'));
  await pages.page.click(mark('badge-call-back-sure'));
  await pages.says('badge-told', 'Called back: 1 recorder was told.');
  const [sent] = await pages.page.evaluate(() => (globalThis as PreviewGlobal).published);
  assert.match(sent?.topic ?? '', new RegExp(`^sl/1/local/${SERIAL}/down/cancel/[A-Za-z0-9_-]{22}$`));
  assert.is(sent?.retain, true);
  const [called] = (unverifiedPayload(sent?.payload ?? '') as Cancellation).keys;
  await pages.page.click(mark('badge-sign-in'));
  await pages.page.fill(mark('sign-in-pin'), '493817');
  await pages.page.click(mark('sign-in-do'));
  await pages.page.waitForSelector(mark('badge-call-back'));
  await pages.page.click(mark('badge-call-back'));
  await pages.page.click(mark('badge-call-back-sure'));
  await pages.page.waitForSelector(mark('badge-told'));
  const second = (await pages.page.evaluate(() => (globalThis as PreviewGlobal).published))[1];
  const list = unverifiedPayload(second?.payload ?? '') as Cancellation;
  assert.is(list.keys.length, 2, 'the earlier one stays on the list');
  assert.is(list.keys[0], called);
});

check('while a recorder is away an installer reads what it last signed', async () => {
  await pages.open(`serve/${SERIAL}/site`, '?offline');
  await pages.page.waitForSelector(mark('site-letter'));
  const letter = await pages.text('site-letter');
  for (const part of ['Signed by the recorder 3 hours ago', 'Office recorder', 'Front door, Dome 2, EX4711']) assert.match(letter, part);
  assert.equal(await pages.argsOf('site.get'), []);
});

pages.check('a recorder that lost the time is told it with one press, and the banner goes when the recorder knows', async () => {
  await pages.open(`own/${SERIAL}/site`, '?lost');
  await pages.page.click(mark('tell-time'));
  await pages.page.waitForSelector(mark('time-lost'), { state: 'detached' });
});

check('the label is read with this device’s camera, and the camera is let go', async () => {
  const code = generate(`SL1:${SERIAL}:K0000001E:EU`);
  const dark = Array.from({ length: code.size ** 2 }, (_unused, at) => code.get(at % code.size, Math.floor(at / code.size)));
  // A label held before the camera: somewhere in the middle, a little askew, on grey.
  await pages.page.addInitScript(
    ({ cells, size }) => {
      navigator.mediaDevices.getUserMedia = async () => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
        const pen = canvas.getContext('2d');
        if (pen === null) throw new RangeError('no canvas');
        const draw = (): void => {
          pen.setTransform(1, 0, 0, 1, 0, 0);
          pen.fillStyle = '#999';
          pen.fillRect(0, 0, 640, 480);
          pen.setTransform(7, 0.6, -0.6, 7, 230, 150);
          pen.fillStyle = '#fff';
          pen.fillRect(-4, -4, size + 8, size + 8);
          pen.fillStyle = '#111';
          for (const [at, isDark] of cells.entries()) if (isDark) pen.fillRect(at % size, Math.floor(at / size), 1, 1);
        };
        setInterval(draw, 100);
        draw();
        const stream = canvas.captureStream(10);
        Object.assign(globalThis, { camera: stream });
        return stream;
      };
    },
    { cells: dark, size: code.size },
  );
  await pages.open('own/add', '?fresh');
  await pages.page.click(mark('pair-scan'));
  // A right label is a right code: what comes next is the consent.
  await pages.page.waitForSelector(mark('consent'));
  assert.is(await pages.page.evaluate("camera.getTracks().every((track) => track.readyState === 'ended')"), true);
});

pages.run();
