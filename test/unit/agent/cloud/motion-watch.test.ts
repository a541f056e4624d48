import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MotionGuard } from '../../../../agent/cameras/ptz.js';
import { LiveDesk } from '../../../../agent/cloud/handlers/live.js';
import type { LiveService } from '../../../../agent/live/service.js';
import type { OperationLog } from '../../../../agent/operation-log/ports.js';
import type { CallOptions, PtzDriver, PtzVelocity } from '../../../../drivers/port.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { settle } from '../../../support/manual-clock.js';
import { TestLog } from '../../../support/test-log.js';
import { type Desk, gate, MINUTE, openDesk } from './desk-rig.js';

/** Gear that notes what reaches it and when. */
class Gear implements PtzDriver {
  readonly heard: string[] = [];
  stopFailures = 0;
  /** Stands before anything reaches the camera. */
  way: Promise<void> = Promise.resolve();
  underway = gate();

  async move(velocity: PtzVelocity, { signal }: CallOptions): Promise<void> {
    this.underway.open();
    await this.#travel(signal);
    this.heard.push(`move ${velocity.pan}`);
  }

  async stop({ signal }: CallOptions): Promise<void> {
    if (this.stopFailures > 0) {
      this.stopFailures -= 1;
      throw new RangeError('the camera did not hear it');
    }
    this.underway.open();
    await this.#travel(signal);
    this.heard.push('stop');
  }

  async #travel(signal: AbortSignal): Promise<void> {
    const way = this.way;
    const aborted = new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(new RangeError('given up'))));
    await Promise.race([way, aborted]);
  }
}

async function openRig(): Promise<{ desk: Desk; gear: Gear; log: TestLog }> {
  const [gear, log] = [new Gear(), new TestLog()];
  const desk = await openDesk((own) => {
    const guard = new MotionGuard({ driver: () => gear, clock: own.clock, log });
    const live = new LiveDesk({
      live: { sessions: () => [] } as unknown as LiveService,
      cameras: { ptz: () => guard },
      operationLog: {} as OperationLog,
      organisationName: () => null,
      onPermissionsChange: (listener) => own.permissions.onChange(listener),
      clock: own.clock,
      log,
    });
    return live.handlers();
  });
  return { desk, gear, log };
}

const RIGHT = { cam: 'cam-1', pan: 0.5, tilt: 0, zoom: 0 };
const it = suite('motion watch');

it('a movement stops in the tick in which its permission is withdrawn, not when it would have stopped by itself', async () => {
  const { desk, gear } = await openRig();
  const { id: grant } = await desk.give({ scopes: ['ptz'] });
  await desk.ask('ptz.move', RIGHT, await newSigningKey(), { grant });
  const statement = await desk.withdraw([grant]);
  assert.equal(gear.heard, ['move 0.5']);
  await desk.permissions.withdraw(statement);
  assert.equal(gear.heard, ['move 0.5', 'stop'], 'no time went by');
  await desk.clock.advance(5_000);
  assert.equal(gear.heard, ['move 0.5', 'stop']);
  assert.is(desk.clock.armed, 0);
});

it('a withdrawal overtakes a movement that is on its way: the camera is stopped behind it too', async () => {
  const { desk, gear } = await openRig();
  const { id: grant } = await desk.give({ scopes: ['ptz'] });
  gear.way = new Promise(() => undefined);
  const asked = desk.ask('ptz.move', RIGHT, await newSigningKey(), { grant });
  await gear.underway.passed;
  gear.way = Promise.resolve();
  await desk.permissions.withdraw(await desk.withdraw([grant]));
  await asked;
  await settle();
  assert.equal(gear.heard, ['stop', 'stop']);
});

it('a permission that ends by time stops the movement within a tenth of a second', async () => {
  const { desk, gear } = await openRig();
  const { id: grant } = await desk.give({ scopes: ['ptz'], exp: desk.clock.now() + MINUTE });
  await desk.clock.advance(MINUTE - 50);
  await desk.ask('ptz.move', RIGHT, await newSigningKey(), { grant });
  await desk.clock.advance(99);
  assert.equal(gear.heard, ['move 0.5']);
  await desk.clock.advance(1);
  assert.equal(gear.heard, ['move 0.5', 'stop']);
});

it('who moved the camera last counts: another’s movement goes on', async () => {
  const { desk, gear } = await openRig();
  const { id: grant } = await desk.give({ scopes: ['ptz'] });
  await desk.ask('ptz.move', RIGHT, await newSigningKey(), { grant });
  await desk.ask('ptz.move', { ...RIGHT, pan: -1 }, desk.owner);
  await desk.permissions.withdraw(await desk.withdraw([grant]));
  assert.equal(gear.heard, ['move 0.5', 'move -1']);
});

it('a stop that the camera did not hear is said again', async () => {
  const { desk, gear, log } = await openRig();
  const { id: grant } = await desk.give({ scopes: ['ptz'] });
  await desk.ask('ptz.move', RIGHT, await newSigningKey(), { grant });
  gear.stopFailures = 2;
  await desk.permissions.withdraw(await desk.withdraw([grant]));
  await desk.clock.advance(400);
  assert.is(gear.heard[0], 'move 0.5');
  // Both the watch and the guard of the camera ask again: more than once does no harm.
  assert.ok(gear.heard.length >= 2 && gear.heard.slice(1).every((word) => word === 'stop'), gear.heard.join());
  assert.ok(log.lines.length >= 2);
});

it('a stop is not given up because the permission of whoever asked for it ends meanwhile', async () => {
  const { desk, gear } = await openRig();
  const { id: grant } = await desk.give({ scopes: ['ptz'] });
  const dana = await newSigningKey();
  await desk.ask('ptz.move', RIGHT, dana, { grant });
  const slow = gate();
  [gear.way, gear.underway] = [slow.passed, gate()];
  const asked = desk.ask('ptz.stop', { cam: 'cam-1' }, dana, { grant });
  await gear.underway.passed;
  await desk.permissions.withdraw(await desk.withdraw([grant]));
  slow.open();
  await asked;
  assert.equal(gear.heard, ['move 0.5', 'stop']);
  assert.is(desk.clock.armed, 0, 'nothing is watched any more');
});

it.run();
