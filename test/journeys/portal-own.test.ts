// runner: alone, own network, limit 180s
/** The spine in real browsers, with our own camera and relay. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type JourneyWorld, openJourney } from './portal-rig.js';
import { registerDuties, registerPairing, registerPicture } from './portal-steps.js';

const test = suite<{ world: JourneyWorld }>('portal-own');

test.before(async (context) => {
  context.world = await openJourney('own');
});
test.after(async (context) => {
  await context.world?.close();
});

registerPairing(test);
registerPicture(test);
registerDuties(test);

test('nothing went wrong that nobody saw', ({ world }) => {
  assert.equal(world.complaints, []);
});

test.run();
