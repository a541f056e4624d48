// runner: limit 180s
import * as assert from 'uvu/assert';
import { mark, PortalPages, SERIAL } from './portal-pages-rig.js';

const pages = new PortalPages('portal ownership, for everybody');

pages.check('the pages about ownership have no serious finding of axe-core, fit a phone and a thumb, light and dark', async () => {
  const cases: readonly (readonly [hash: string, query: string, ready: string])[] = [
    ['join', '', 'join-read'],
    ['take', '', 'own-key'],
    [`own/${SERIAL}/settings/devices`, '', 'device'],
    [`own/${SERIAL}/settings/hand-over`, '', 'key-read'],
    [`own/${SERIAL}/activity/security`, '', 'log'],
    [`own/${SERIAL}/site`, '?held', 'installer-held'],
    [`own/${SERIAL}/site`, '?stale', 'consent-stale'],
    [`own/${SERIAL}/site`, '?operator', 'other-operator'],
    [`own/${SERIAL}/site`, '?lost', 'time-lost'],
    [`own/${SERIAL}/site`, '?stranger', 'not-owner'],
    ['serve', '', 'badge'],
    [`serve/${SERIAL}/site`, '?offline', 'site-letter'],
  ];
  for (const [hash, query, ready] of cases) {
    await pages.open(hash, query);
    await pages.page.waitForSelector(mark(ready));
    assert.is(await pages.page.evaluate('document.documentElement.scrollWidth'), 390, hash);
    assert.equal(await pages.lowTargets(), [], hash);
    for (const colorScheme of ['light', 'dark'] as const) {
      await pages.page.emulateMedia({ colorScheme });
      assert.equal(await pages.findings(), [], `${hash}${query} ${colorScheme}`);
    }
  }
});

pages.run();
