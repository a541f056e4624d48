// runner: alone, own network, limit 180s
/** The spine in real browsers, with GStreamer as the camera’s stream and mosquitto as the relay. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type JourneyWorld, openJourney } from './portal-rig.js';
import { registerDuties, registerPairing, registerPicture } from './portal-steps.js';

const test = suite<{ world: JourneyWorld }>('portal-independent');

test.before(async (context) => {
  context.world = await openJourney('independent');
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
