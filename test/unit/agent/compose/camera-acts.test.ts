import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MotionGuard } from '../../../../agent/cameras/ptz.js';
import { cameraActs } from '../../../../agent/compose/camera-acts.js';
import { watchedStreams } from '../../../../agent/compose/live.js';
import { addSiteCameras } from '../../../../agent/compose/site-cameras.js';
import type { ControlActs } from '../../../../agent/contract/control.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import {
  type CallOptions,
  DriverError,
  type PtzDriver,
  type PtzVelocity,
  type StreamClient,
  type StreamRequest,
} from '../../../../drivers/port.js';
import { TestLog } from '../../../support/test-log.js';
import { HandClock } from '../kernel/hand-clock.js';
import { openLog } from '../operation-log/open-log.js';
import { inFolder } from '../store/scratch.js';

const SECRET = 's3cret-of-the-camera';
const gone = new AgentError({ code: 'cameras.gone', say: 'Nothing answers.', fix: 'Look.' });

interface Rig {
  readonly acts: Pick<ControlActs, Extract<keyof ControlActs, `camera${string}` | `ptz-${string}`>>;
  readonly heard: string[];
  readonly clock: HandClock;
  ptz: Partial<PtzDriver>;
  rows(): Promise<string[]>;
  whole(): Promise<string>;
}

async function withRig(body: (rig: Rig) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const log = await openLog(folder);
    const heard: string[] = [];
    const clock = new HandClock();
    const view = { id: 'cam-1', name: 'Door', host: '192.0.2.7', state: 'online', reason: undefined };
    const cameras = {
      find: () => view,
      add: async (address: string) => {
        heard.push(`add ${address}`);
        return view;
      },
      remove: async (id: string) => void heard.push(`remove ${id}`),
      test: async () => [{ step: 'stream', result: 'failed', code: 'cameras.gone', say: 'No.', fix: 'Do.', tookMs: 1 }],
      ptz: () => ({
        ...rig.ptz,
        stop: (options: CallOptions) => guard.stop(options),
        holdFor: (velocity: PtzVelocity, forMs: number) => guard.holdFor(velocity, forMs),
      }),
    };
    const guard = new MotionGuard({ driver: () => rig.ptz as PtzDriver, clock, log: new TestLog() });
    const rig: Rig = {
      ...{ heard, clock, ptz: { move: async () => void heard.push('move'), stop: async () => void heard.push('stop') } },
      acts: cameraActs({ cameras, operationLog: log.service, clock } as unknown as Parameters<typeof cameraActs>[0]),
      rows: async () =>
        (await log.service.list({ limit: 100 })).flatMap(({ entry }) =>
          entry === null || entry.action === 'agent.started'
            ? []
            : [
                `${entry.phase} ${entry.action} ${entry.channel ?? ''} ${entry.result ?? ''} ${entry.code ?? ''}`
                  .replace(/ +/g, ' ')
                  .trim(),
              ],
        ),
      whole: async () => JSON.stringify(await log.service.list({ limit: 100 })),
    };
    await body(rig);
    await log.close();
  });
}

test('each act stands in the log before and after, and no login does', () =>
  withRig(async ({ acts, heard, rows, whole }) => {
    const login = { user: 'admin', password: SECRET };
    await acts['cameras-add']({ cameras: [{ address: '192.0.2.7', login }] }, 'local');
    assert.is((await acts['cameras-test']({ cam: 'cam-1' }, 'local')).isOk, false);
    await acts['cameras-remove']({ cam: 'cam-1' }, 'button');
    await acts['ptz-stop']({ cam: 'cam-1' }, 'local');
    assert.equal(heard, ['add 192.0.2.7', 'remove cam-1', 'stop']);
    assert.equal(await rows(), [
      'intent cameras.add',
      'result cameras.add ok',
      'intent cameras.test cam-1',
      'result cameras.test cam-1 ok',
      'intent cameras.remove cam-1',
      'result cameras.remove cam-1 ok',
      'intent ptz.stop cam-1',
      'result ptz.stop cam-1 ok',
    ]);
    assert.not.match(await whole(), SECRET);
    assert.match(await whole(), '192.0.2.7');
  }));

test('a movement is renewed while it lasts and stopped at its end, also when the camera fails in between', () =>
  withRig(async (rig) => {
    const { acts, heard, clock, rows } = rig;
    const moving = acts['ptz-move']({ cam: 'cam-1', pan: 1, tilt: 0, zoom: 0, forMs: 1_000 }, 'local');
    let isOver = false;
    void moving.finally(() => {
      isOver = true;
    });
    while (heard.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let step = 0; step < 20 && !isOver; step += 1) {
      clock.advance(100);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await moving;
    assert.equal(heard, ['move', 'move', 'move', 'stop']);
    heard.length = 0;
    rig.ptz = { ...rig.ptz, move: () => Promise.reject(gone) };
    const failed = await acts['ptz-move']({ cam: 'cam-1', pan: 1, tilt: 0, zoom: 0, forMs: 1_000 }, 'local').catch((error) => error.code);
    assert.equal([failed, heard], ['cameras.gone', ['stop']]);
    assert.is((await rows()).at(-1), 'result ptz.move cam-1 failed cameras.gone');
    assert.is(await acts['ptz-goto']({ cam: 'cam-1', token: '1' }, 'local').catch((error) => error.code), 'cameras.unsupported');
  }));

test('a stop by somebody else ends a movement for good', () =>
  withRig(async ({ acts, heard, clock }) => {
    const moving = acts['ptz-move']({ cam: 'cam-1', pan: 1, tilt: 0, zoom: 0, forMs: 5_000 }, 'local');
    while (heard.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await acts['ptz-stop']({ cam: 'cam-1' }, 'local');
    clock.advance(400);
    assert.equal(await moving, { isDone: true });
    assert.equal(heard, ['move', 'stop']);
    assert.is(clock.pending, 0);
  }));

test('a pull that fails or ends is told of by its address; one that was given up is not', async () => {
  const failed: string[] = [];
  let ended: StreamRequest['onEnd'] = () => undefined;
  let answer: () => Promise<never> | Promise<unknown> = async () => ({});
  const client = watchedStreams(
    {
      open: async (request: StreamRequest) => {
        ended = request.onEnd;
        return answer();
      },
    } as unknown as StreamClient,
    (uri) => failed.push(uri),
  );
  const controller = new AbortController();
  const told: string[] = [];
  const request = { uri: 'rtsp://192.0.2.7/a', signal: controller.signal, onEnd: () => told.push('end') } as unknown as StreamRequest;
  await client.open(request);
  ended(new DriverError('stream.ended', 'gone'));
  assert.equal([failed, told], [['rtsp://192.0.2.7/a'], ['end']]);
  answer = () => Promise.reject(new DriverError('camera.unreachable', 'no'));
  await client.open(request).catch(() => undefined);
  assert.is(failed.length, 2);
  controller.abort();
  await client.open(request).catch(() => undefined);
  assert.is(failed.length, 2, 'the viewer went away: that says nothing of the camera');
});

test('cameras of the site file are added side by side: one that hangs keeps no other waiting', async () => {
  const asked: string[] = [];
  const add = (address: string): Promise<unknown> => {
    asked.push(address);
    return new Promise(() => undefined);
  };
  const site = { v: 1, cameras: { add: [{ address: 'a' }, { address: 'b' }, { address: 'c' }] } } as const;
  const service = addSiteCameras(
    JSON.parse(JSON.stringify(site)),
    { add } as unknown as Parameters<typeof addSiteCameras>[1],
    new TestLog(),
  );
  await service.start();
  assert.equal(asked, ['a', 'b', 'c']);
});

test.run();
