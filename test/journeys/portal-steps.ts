import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import type { uvu } from 'uvu';
import * as assert from 'uvu/assert';
import { newCode } from '../../agent/contract/code.js';
import { AGENT_ENTRY } from '../support/agent-process.js';
import { until } from '../support/until.js';
import { type JourneyWorld, keepPicture, mark, RECORDED_AT } from './portal-rig.js';

const run = promisify(execFile);

/** The element's text fits. */
async function says(page: Page, name: string, pattern: RegExp): Promise<void> {
  assert.match((await mark(page, name).first().textContent()) ?? '', pattern);
}

/** Counts decoded pictures through requestVideoFrameCallback, and looks whether they show something. */
function watchFrames(page: Page, count: number): Promise<{ width: number; height: number; shades: number }> {
  return page.evaluate(async (wanted) => {
    const video = document.querySelector<HTMLVideoElement>('[data-test="video"]');
    if (video === null) throw new RangeError('no video');
    for (let seen = 0; seen < wanted; seen += 1) await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    const canvas = document.createElement('canvas');
    canvas.width = 64;
    canvas.height = 36;
    const context = canvas.getContext('2d');
    context?.drawImage(video, 0, 0, 64, 36);
    const pixels = context?.getImageData(0, 0, 64, 36).data ?? new Uint8ClampedArray();
    return { width: video.videoWidth, height: video.videoHeight, shades: new Set(pixels).size };
  }, count);
}

/** Pairing, consent and the camera that discovery found. */
export function registerPairing(test: uvu.Test<{ world: JourneyWorld }>): void {
  test('the owner enters serial number and code; a wrong code is named with the tries that are left', async ({
    world: { owner, agent },
  }) => {
    await mark(owner, 'start-owner').click();
    await mark(owner, 'add-recorder').click();
    await mark(owner, 'pair-serial').fill(agent.serial.toLowerCase());
    await mark(owner, 'pair-code').fill('AAAA-BBBB-X');
    await mark(owner, 'pair-check').click();
    assert.match((await owner.locator('main').textContent()) ?? '', /This is not a verification code/);
    await mark(owner, 'pair-code').fill(newCode((length) => randomBytes(length)));
    await mark(owner, 'pair-check').click();
    await says(owner, 'pair-problem', /not the code of this recorder.*19 tries left/s);
  });

  test('the right code leads to the consent, and the accepted consent to the site', async ({ world: { owner, agent } }) => {
    await mark(owner, 'pair-code').fill(agent.code ?? '');
    await mark(owner, 'pair-check').click();
    await says(owner, 'consent-text', /Nobody can watch now/);
    await says(owner, 'operator', /Whom the recorder is connected with/);
    await keepPicture(owner, 'consent');
    await mark(owner, 'consent-name').fill('Olivia Example');
    await mark(owner, 'consent-email').fill('olivia@example.org');
    await mark(owner, 'consent-site').fill('Corner shop');
    await mark(owner, 'consent-device').fill('Olivia’s phone');
    await mark(owner, 'consent-agree').check();
    await mark(owner, 'consent-finish').click();
    await mark(owner, 'verdict').waitFor();
    await keepPicture(owner, 'site');
  });

  test('the camera that discovery found appears with its name, model and resolution', async ({ world: { owner } }) => {
    await mark(owner, 'nav-cameras').click();
    await mark(owner, 'camera-cam-1').click();
    await says(owner, 'camera-title', /Front door/);
    await says(owner, 'stream-main', /1280.*720/);
    assert.ok(((await mark(owner, 'camera-model').textContent()) ?? '').length > 3);
  });
}

/** The installer: nothing without a grant, a picture with it, and none after it. */
export function registerPicture(test: uvu.Test<{ world: JourneyWorld }>): void {
  registerAsking(test);
  registerWatching(test);
}

function registerAsking(test: uvu.Test<{ world: JourneyWorld }>): void {
  test('the installer sees nothing before the owner allows it, and asks', async ({ world: { installer, agent } }) => {
    await mark(installer, 'start-installer').click();
    await mark(installer, 'setup-company').fill('Example Alarms');
    await mark(installer, 'setup-name').fill('Dana Example');
    await mark(installer, 'setup-email').fill('dana@example.org');
    await mark(installer, 'setup-pin').fill('493817');
    await mark(installer, 'setup-pin-again').fill('493817');
    await mark(installer, 'setup-do').click();
    await mark(installer, 'serve-add').click();
    await mark(installer, 'serve-serial').fill(agent.serial);
    await mark(installer, 'serve-add-do').click();
    await mark(installer, 'nav-cameras').click();
    await mark(installer, 'not-allowed').waitFor();
    await keepPicture(installer, 'installer-nothing');
    await mark(installer, 'nav-permissions').click();
    for (const scope of ['site-information', 'remote-configuration', 'health', 'ptz']) await mark(installer, `ask-scope-${scope}`).check();
    await mark(installer, 'ask-scope-live-view').uncheck();
    await mark(installer, 'ask-do').click();
    await mark(installer, 'pending-application').waitFor();
  });

  test('the owner allows a part; the camera is there, its picture is not', async ({ world: { owner, installer } }) => {
    await mark(owner, 'nav-permissions').click();
    await mark(owner, 'allow').click();
    await mark(owner, 'grant').first().waitFor();
    await mark(installer, 'nav-cameras').click();
    await mark(installer, 'camera-cam-1').click();
    await says(installer, 'picture', /may not watch Front door/);
    await mark(installer, 'not-allowed-ask').click();
    await mark(installer, 'ask-scope-live-view').check();
    await mark(installer, 'ask-do').click();
    await mark(installer, 'pending-application').waitFor();
  });
}

function registerWatching(test: uvu.Test<{ world: JourneyWorld }>): void {
  test('allowed for 10 minutes, the picture plays', async ({ world: { owner, installer, camera } }) => {
    assert.is(camera.counters().connections, 0, 'no stream was opened before the owner allowed it');
    await mark(owner, 'application').waitFor();
    await keepPicture(owner, 'application');
    await mark(owner, 'grant-duration-pictures').selectOption({ index: 0 });
    await mark(owner, 'allow').click();
    await until('two permissions are in force', async () => (await mark(owner, 'grant').count()) >= 2);
    await mark(installer, 'nav-cameras').click();
    await mark(installer, 'camera-cam-1').click();
    await mark(installer, 'watch').click();
    await mark(installer, 'live').waitFor();
    const seen = await watchFrames(installer, 12);
    assert.ok(seen.width >= 640 && seen.shades > 10, JSON.stringify(seen));
    await says(installer, 'watermark', /Dana Example.*Example Alarms/);
    await keepPicture(installer, 'picture');
  });

  test('the owner stops it: the picture ends at once and the page says why', async ({ world: { owner, installer, camera } }) => {
    await mark(owner, 'grant').filter({ hasText: /watch/i }).first().locator('[data-test="stop"]').click();
    await mark(installer, 'watch-ended').waitFor();
    await keepPicture(installer, 'ended');
    assert.is(await mark(installer, 'watch-ended').getAttribute('data-code'), 'live.withdrawn');
    await says(installer, 'watch-ended-say', /owner/i);
    await says(owner, 'permission-news', /Stopped\. The last picture left the recorder 0\.\d+ s/);
    await keepPicture(owner, 'stopped');
    await until('the camera is left alone', () => camera.counters().openConnections === 0);
  });
}

/** Recordings by time, through the browser's own player. */
function registerFootage(test: uvu.Test<{ world: JourneyWorld }>): void {
  test('the owner plays yesterday’s recording from its begin and is told of the gap', async ({ world }) => {
    const { owner } = world;
    await mark(owner, 'nav-cameras').click();
    await mark(owner, 'camera-cam-1').click();
    await mark(owner, 'camera-recordings').click();
    await mark(owner, 'footage-before').click();
    await until('the gap is on the line', async () => (await mark(owner, 'footage-span').count()) === 2);
    await says(owner, 'footage-summary', /with a gap 12:0\d:\d\d to 12:1\d:\d\d/);
    await mark(owner, 'footage-bar').focus();
    await owner.keyboard.press('Home');
    await mark(owner, 'footage-clock').waitFor();
    const seen = await watchFrames(owner, 12);
    assert.ok(seen.width === 320 && seen.shades > 10, JSON.stringify(seen));
    const at = Number(await mark(owner, 'footage-clock').getAttribute('data-at')) - RECORDED_AT;
    assert.ok(at >= 0 && at < 20_000, `${at} ms after the begin`);
    await mark(owner, 'footage-speed').selectOption('16');
    await mark(owner, 'footage-news').filter({ hasText: 'Nothing was recorded from 12:01:20 to 12:11:00' }).waitFor();
    await keepPicture(owner, 'footage');
    await mark(owner, 'footage-stop').click();
  });
}

/** What the camera shows in the list, and the way to more cameras. */
function registerCameras(test: uvu.Test<{ world: JourneyWorld }>): void {
  test('the owner sees what each camera looks at, as a still that came sealed and only because it was asked for', async ({ world }) => {
    const { owner, camera } = world;
    await mark(owner, 'nav-cameras').click();
    await mark(owner, 'cameras-stills').waitFor();
    assert.is(camera.counters().operations.GetSnapshotUri ?? 0, 0);
    await mark(owner, 'cameras-stills').click();
    await owner.locator('[data-test="still"][data-shown="true"]').waitFor();
    const shades = await owner.evaluate(() => {
      const still = document.querySelector<HTMLCanvasElement>('[data-test="still"]');
      const pixels = still?.getContext('2d')?.getImageData(0, 0, still.width, still.height).data ?? new Uint8ClampedArray();
      return new Set(pixels).size;
    });
    assert.ok(shades > 10, `${shades}`);
    assert.is(camera.counters().operations.GetSnapshotUri, 1);
    await keepPicture(owner, 'stills');
  });

  test('a search finds nothing new, and says which are known', async ({ world: { owner } }) => {
    await mark(owner, 'cameras-add').click();
    await mark(owner, 'cameras-search').click();
    await says(owner, 'camera-found', /No new camera/);
    await keepPicture(owner, 'add-cameras');
  });
}

/** The other duties, on a narrow but real path each. */
export function registerDuties(test: uvu.Test<{ world: JourneyWorld }>): void {
  registerCameras(test);
  registerFootage(test);
  registerSettings(test);
  registerMotion(test);
  registerHealth(test);
  registerActivity(test);
  registerDevices(test);
  registerHandOver(test);
}

function registerSettings(test: uvu.Test<{ world: JourneyWorld }>): void {
  test('settings: a value that the camera does not offer is refused with what it offers; a good one is applied and read back', async ({
    world,
  }) => {
    const { installer, camera } = world;
    await mark(installer, 'nav-settings').click();
    await mark(installer, 'set-name-cam-1').fill('Main entrance');
    await mark(installer, 'set-sub-resolution-cam-1').fill('641x360');
    await mark(installer, 'plan-cam-1').click();
    await says(installer, 'plan-offers', /640 × 360/);
    await mark(installer, 'set-sub-resolution-cam-1').fill('320x180');
    await mark(installer, 'set-sub-rate-cam-1').fill('10');
    await mark(installer, 'plan-cam-1').click();
    await until('the plan is shown', async () => (await mark(installer, 'plan-step').count()) >= 3);
    await mark(installer, 'apply-cam-1').click();
    await mark(installer, 'applied-cam-1').waitFor();
    await keepPicture(installer, 'settings');
    assert.equal([camera.settings('sub').width, camera.settings('sub').rate], [320, 10]);
    await mark(installer, 'nav-cameras').click();
    await until('the new name is shown', async () =>
      /Main entrance/.test((await mark(installer, 'camera-name-cam-1').textContent()) ?? ''),
    );
  });
}

function registerMotion(test: uvu.Test<{ world: JourneyWorld }>): void {
  test('a pressed arrow moves the serial camera, and letting go stops it', async ({ world: { installer, pelco } }) => {
    await mark(installer, 'camera-cam-1').click();
    const moved = pelco.next();
    const right = mark(installer, 'ptz-right');
    await right.hover();
    await installer.mouse.down();
    await moved;
    assert.is(pelco.motion().pan, 1);
    await installer.mouse.up();
    await until('it stands still', () => pelco.motion().pan === 0);
  });
}

function registerHealth(test: uvu.Test<{ world: JourneyWorld }>): void {
  test('health shows measured values and draws the last hour', async ({ world: { installer } }) => {
    await mark(installer, 'nav-health').click();
    await says(installer, 'health-memory', /%/);
    await says(installer, 'health-cameras', /1/);
    await until('the chart is drawn', async () => (await mark(installer, 'chart').getAttribute('data-drawn')) === 'true');
    await keepPicture(installer, 'health');
  });
}

function registerActivity(test: uvu.Test<{ world: JourneyWorld }>): void {
  test('the activity page and `sightline log show` tell every step', async ({ world: { owner, folder } }) => {
    await mark(owner, 'nav-activity').click();
    await mark(owner, 'log-row').first().waitFor();
    await keepPicture(owner, 'activity');
    const shown = await mark(owner, 'log-row').evaluateAll((rows) =>
      rows.map((row) => `${row.getAttribute('data-action')} ${row.getAttribute('data-result')}`),
    );
    const { stdout } = await run(process.execPath, [AGENT_ENTRY, 'log', 'show', '--state', join(folder, 'state'), '--json']);
    const kept = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { action: string; result?: string; person?: { name: string } | null });
    const steps: readonly (readonly [action: string, who: string])[] = [
      ['pairing.consent', 'Olivia Example'],
      ['permissions.apply', 'Dana Example'],
      ['permissions.grant', 'Olivia Example'],
      ['live.open', 'Dana Example'],
      ['cameras.snapshot', 'Olivia Example'],
      ['cameras.discover', 'Olivia Example'],
      ['live.watch', 'Dana Example'],
      ['permissions.withdraw', 'Olivia Example'],
      ['config.apply', 'Dana Example'],
      ['ptz.move', 'Dana Example'],
    ];
    for (const [action, who] of steps) {
      assert.ok(
        kept.some((row) => row.action === action && row.result === 'ok' && row.person?.name === who),
        `${action} by ${who} is not in log show`,
      );
      assert.ok(
        shown.some((row) => row.startsWith(`${action} `)),
        `${action} is not on the activity page: ${shown.join(', ')}`,
      );
    }
    const verified = await run(process.execPath, [AGENT_ENTRY, 'log', 'verify', '--state', join(folder, 'state')]);
    assert.match(verified.stdout, 'The log is whole');
  });
}

/** Another browser of its own: nothing is shared with the others. */
async function anotherBrowser(page: Page, address: string): Promise<Page> {
  const context = await page
    .context()
    .browser()
    ?.newContext({ viewport: { width: 390, height: 844 }, locale: 'en-GB' });
  if (context === undefined) throw new RangeError('no browser');
  const opened = await context.newPage();
  opened.setDefaultTimeout(20_000);
  await opened.goto(address);
  return opened;
}

const shown = async (page: Page, name: string): Promise<string> => (await mark(page, name).getAttribute('data-text')) ?? '';

function registerDevices(test: uvu.Test<{ world: JourneyWorld }>): void {
  test('a second device joins by the owner’s link, and is removed at once', async ({ world: { owner } }) => {
    await mark(owner, 'nav-settings').click();
    await mark(owner, 'settings-devices').click();
    await mark(owner, 'device-add').click();
    await mark(owner, 'add-link').waitFor();
    const tablet = await anotherBrowser(owner, await shown(owner, 'add-link'));
    await mark(tablet, 'join-name').fill('Kitchen tablet');
    await mark(tablet, 'join-do').click();
    await mark(tablet, 'verdict').waitFor();
    await keepPicture(tablet, 'joined');
    const row = mark(owner, 'device').filter({ hasText: 'Kitchen tablet' });
    await row.locator('[data-test="device-remove"]').click();
    await row.locator('[data-test="device-remove-sure"]').click();
    await says(owner, 'device-news', /Kitchen tablet was removed/);
    await mark(tablet, 'not-owner').waitFor();
    await tablet.context().close();
  });
}

function registerHandOver(test: uvu.Test<{ world: JourneyWorld }>): void {
  test('the recorder is handed over: the new owner is in, and everything of before has ended', async ({ world }) => {
    const { owner, installer, portal, agent } = world;
    const next = await anotherBrowser(owner, `${portal.url}#/take`);
    await mark(next, 'own-key').waitFor();
    await mark(owner, 'nav-settings').click();
    await mark(owner, 'settings-hand-over').click();
    await mark(owner, 'key-text').fill(await shown(next, 'own-key'));
    await mark(owner, 'key-read').click();
    await mark(owner, 'offer-make').click();
    await mark(owner, 'offer').waitFor();
    await mark(next, 'take-text').fill(await shown(owner, 'offer'));
    await mark(next, 'take-read').click();
    await mark(next, 'take-name').fill('Nora Example');
    await mark(next, 'take-email').fill('nora@example.org');
    await mark(next, 'take-site').fill('Kiosk');
    await mark(next, 'take-agree').check();
    await mark(next, 'take-finish').click();
    await mark(next, 'verdict').waitFor();
    await mark(owner, 'not-owner').waitFor();
    await mark(next, 'nav-permissions').click();
    await mark(next, 'nobody-can-watch').waitFor();
    assert.is(await mark(next, 'grant').count(), 0);
    await installer.goto(`${portal.url}#/serve/${agent.serial}/permissions`);
    await mark(installer, 'mine-none').waitFor();
    await mark(next, 'nav-activity').click();
    await next.locator('[data-test="log-row"][data-action="owner.accept"]').waitFor();
    await keepPicture(next, 'handed-over');
    await next.context().close();
  });
}
