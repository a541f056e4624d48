import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { TestStep } from '../../../../agent/contract/camera-views.js';
import { DriverError, type StreamClient, type StreamRequest } from '../../../../drivers/port.js';
import { type FakeCamera, found, type Site, settle, stream, withSite } from './camera-fakes.js';

const RTP = Buffer.concat([Buffer.from([0x80, 96]), Buffer.alloc(10)]);
const IDR = Buffer.concat([RTP, Buffer.from([0x65])]);
const OTHER = Buffer.concat([RTP, Buffer.from([0x41])]);

/** Plays these packets and nothing more. */
class FakeStreams implements StreamClient {
  packets: readonly Buffer[] = [OTHER, IDR];
  fails: DriverError | undefined;
  asked: StreamRequest[] = [];
  opened = 0;

  open: StreamClient['open'] = async (request) => {
    this.asked.push(request);
    if (this.fails !== undefined) throw this.fails;
    this.opened += 1;
    setImmediate(() => {
      for (const packet of this.packets) request.onRtp(packet, 0, packet.length);
    });
    return {
      track: { codec: 'H264', payloadType: 96, clockRate: 90_000, profileLevelId: undefined, parameterSets: [] },
      close: async () => {
        this.opened -= 1;
      },
    };
  };
}

async function walk(
  work: (camera: FakeCamera, streams: FakeStreams, run: () => Promise<readonly TestStep[]>, site: Site) => Promise<void>,
) {
  await withSite(async (site, start) => {
    const camera = site.camera(1);
    camera.hasEvents = true;
    site.visible = [found(1)];
    const streams = new FakeStreams();
    const registry = await start({ streams });
    await work(camera, streams, () => registry.test('cam-1'), site);
    assert.is(streams.opened, 0, 'no stream is left open');
    await settle();
  });
}

const results = (steps: readonly TestStep[]): string[] => steps.map(({ step, result }) => `${step} ${result}`);
const of = (steps: readonly TestStep[], name: TestStep['step']): TestStep | undefined => steps.find(({ step }) => step === name);

test('everything works: eight lines, in the order of the network', () =>
  walk(async (camera, streams, run) => {
    const steps = await run();
    const names = ['reachability', 'clock', 'authentication', 'profiles', 'stream', 'keyframe', 'events', 'ptz'];
    assert.equal(
      results(steps),
      names.map((name) => `${name} ok`),
    );
    assert.match(of(steps, 'profiles')?.say ?? '', 'main 1280x720 H264 25/s, sub 640x360 H264 25/s.');
    assert.is(streams.asked[0]?.allowedHost, '192.0.2.1');
    assert.is(camera.count('synchronize'), 1, 'a whole picture is asked for');
    assert.is(camera.count('move'), 0);
    assert.is(camera.listeners.length, 1, 'the test’s own listening has ended, the channel’s goes on');
    assert.ok(steps.every(({ fix }) => fix === ''));
  }));

test('what fails first is named with the next step, and what depends on it is not tried', () =>
  walk(async (camera, _streams, run) => {
    camera.user = 'changed';
    const refused = await run();
    assert.equal(results(refused).slice(0, 4), ['reachability ok', 'clock ok', 'authentication failed', 'profiles skipped']);
    assert.is(of(refused, 'authentication')?.code, 'cameras.wrong_password');
    assert.match(of(refused, 'authentication')?.fix ?? '', 'Enter the password');
    camera.fails = 'camera.unreachable';
    const gone = await run();
    assert.equal(results(gone).slice(0, 2), ['reachability failed', 'clock skipped']);
    assert.match(of(gone, 'reachability')?.say ?? '', 'Nothing answers at 192.0.2.1.');
  }));

test('a clock that is off and a codec that not everybody shows are to be looked at', () =>
  walk(async (camera, _streams, run) => {
    camera.offsetMs = -2 * 3_600_000;
    camera.streams = [{ ...stream('main', 1920, 1080), video: { ...stream('main', 1920, 1080).video, codec: 'H265' } }];
    const steps = await run();
    assert.equal(results(steps).slice(0, 4), ['reachability ok', 'clock warning', 'authentication ok', 'profiles warning']);
    assert.match(of(steps, 'clock')?.say ?? '', "Its clock is 2 hours behind the recorder's.");
    assert.match(of(steps, 'profiles')?.say ?? '', 'Not every browser shows H265.');
  }));

test('a stream that is refused, that is silent, or that never sends a whole picture: three sentences, and events are tested all the same', () =>
  walk(async (_camera, streams, run, site) => {
    streams.fails = new DriverError('camera.unreachable', 'nothing on port 554');
    const refused = await run();
    assert.equal(results(refused).slice(4), ['stream failed', 'keyframe skipped', 'events ok', 'ptz ok']);
    assert.match(of(refused, 'stream')?.say ?? '', 'The camera answers, but nothing takes the connection at its stream address');
    assert.match(of(refused, 'stream')?.fix ?? '', '554');
    const codes = ['camera.timeout', 'camera.unauthorized', 'camera.bad_answer', 'stream.unsupported', 'stream.ended'] as const;
    for (const code of codes) {
      streams.fails = new DriverError(code, 'no such thing');
      const line = of(await run(), 'stream');
      assert.match(line?.code ?? '', /^cameras\.stream_/, code);
      assert.ok(line?.fix, code);
    }
    streams.fails = undefined;
    const late = async (packets: readonly Buffer[]): Promise<readonly TestStep[]> => {
      streams.packets = packets;
      const asked = run();
      await settle();
      await site.pass(12_000);
      return asked;
    };
    const silent = await late([]);
    assert.equal([of(silent, 'stream')?.code, of(silent, 'keyframe')?.result], ['cameras.no_packets', 'skipped']);
    const partial = await late([OTHER, OTHER]);
    assert.equal([of(partial, 'stream')?.result, of(partial, 'keyframe')?.code], ['ok', 'cameras.no_keyframe']);
    assert.match(of(partial, 'keyframe')?.fix ?? '', 'GOP');
  }));

test('a camera without profiles, events and movement', () =>
  walk(async (camera, _streams, run) => {
    camera.streams = [];
    const none = await run();
    assert.equal([of(none, 'profiles')?.code, of(none, 'events')?.result], ['cameras.no_profiles', 'skipped']);
    camera.streams = [stream('main', 1280, 720)];
    camera.hasEvents = false;
    camera.hasPtz = false;
    const steps = await run();
    assert.equal(results(steps).slice(6), ['events absent', 'ptz absent']);
    assert.match(of(steps, 'events')?.fix ?? '', 'ONVIF');
  }));

test('what it tells of by itself, what it does not, and that nobody may listen any more', () =>
  walk(async (camera, _streams, run) => {
    camera.kinds = ['motion', 'tamper', 'video-loss'];
    assert.is(of(await run(), 'events')?.say, 'Tells of motion, tampering and video loss by itself.');
    assert.is(camera.count('events'), 1, 'the one that listens already is enough');
    camera.kinds = ['tamper'];
    const blind = of(await run(), 'events');
    assert.equal([blind?.result, blind?.code], ['warning', 'cameras.no_motion_events']);
    assert.match(blind?.say ?? '', 'does not tell of motion, only of tampering');
    camera.kinds = undefined;
    assert.is(of(await run(), 'events')?.result, 'ok');
    camera.listeners.pop()?.onEnd(new DriverError('camera.unreachable', 'the subscription is gone'));
    camera.eventsFail = 'camera.refused';
    const full = await run();
    assert.equal(results(full).slice(6), ['events failed', 'ptz ok'], 'it can be moved all the same');
    assert.match(of(full, 'events')?.fix ?? '', 'taken all its places');
  }));

test('another camera than before at the address is no wrong password and no working camera', () =>
  walk(async (camera, _streams, run) => {
    camera.serial = 'ANOTHER';
    const steps = await run();
    assert.equal([of(steps, 'authentication')?.result, of(steps, 'authentication')?.code], ['failed', 'cameras.another_device']);
  }));

test('a test that is given up leaves nothing open', () =>
  withSite(async (site, start) => {
    site.camera(1);
    site.visible = [found(1)];
    const streams = new FakeStreams();
    streams.packets = [];
    const registry = await start({ streams });
    const giveUp = new AbortController();
    const asked = registry.test('cam-1', giveUp.signal).then(
      () => 'answered',
      (error: { code: string }) => error.code,
    );
    await settle();
    giveUp.abort();
    await site.pass(12_000);
    assert.ok(['answered', 'cameras.cancelled'].includes(await asked));
    assert.is(streams.opened, 0);
  }));

test.run();
