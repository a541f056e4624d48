/** Which stream a viewer begins with, and when a session that may choose goes down and up. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { StreamKind } from '../../../../agent/live/ports.js';
import { type ChoiceFacts, chooseStream, offersCodec } from '../../../../agent/live/stream-choice.js';
import {
  beginCourse,
  type CourseReport,
  courseChanged,
  courseFailed,
  judgeReport,
  type StreamCourse,
} from '../../../../agent/live/stream-policy.js';

const FACTS: ChoiceFacts = { wish: 'auto', main: 'H264', sub: 'H264', playsH265: false, transcoding: 'no' };
const choose = (facts: Partial<ChoiceFacts>): string => {
  const choice = chooseStream({ ...FACTS, ...facts });
  return choice.ok ? `${choice.stream} ${choice.codec}` : choice.code;
};

test('H.264: what was wished; who leaves the choice begins with the small stream, if there is one', () => {
  assert.is(choose({}), 'sub H264');
  assert.is(choose({ sub: undefined }), 'main H264');
  assert.is(choose({ main: undefined, sub: undefined }), 'main H264');
  assert.is(choose({ wish: 'main' }), 'main H264');
  assert.is(choose({ wish: 'sub' }), 'sub H264');
  assert.is(choose({ wish: 'sub', sub: undefined }), 'sub H264', 'the camera was not asked yet');
});

test('H.265: passed on to who plays it, else the H.264 stream, else made anew, else a clear no', () => {
  const both = { main: 'H265', sub: 'H265' } as const;
  assert.is(choose({ ...both, wish: 'main', playsH265: true }), 'main H265');
  assert.is(choose({ ...both, playsH265: true, transcoding: 'busy' }), 'sub H265');
  assert.is(choose({ main: 'H265', wish: 'main' }), 'sub H264');
  assert.is(choose({ main: 'H265', wish: 'main', playsH265: true }), 'main H265');
  assert.is(choose({ main: 'H265', sub: undefined, wish: 'main', transcoding: 'free' }), 'main H264');
  assert.is(choose({ ...both, transcoding: 'free' }), 'sub H264');
  assert.is(choose({ ...both, transcoding: 'busy' }), 'live.too_many_transcodes');
  assert.is(choose({ ...both }), 'live.codec_unsupported');
});

test('what an offer plays is read line by line', () => {
  const sdp = 'm=video 9 X 96 49\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:49 H265/90000\r\n';
  assert.is(offersCodec(sdp, 'H265'), true);
  assert.is(offersCodec(sdp, 'H264'), false);
  assert.is(offersCodec('a=fmtp:1 x=a=rtpmap:49 H265/90000', 'H265'), false);
});

/** Plays reports every second against the policy; changes happen at once. Returns the instants of the changes. */
function drive(course: StreamCourse, seconds: number, line: (second: number, stream: StreamKind) => Partial<CourseReport>) {
  const changes: { at: number; to: StreamKind }[] = [];
  for (let second = 1; second <= seconds; second += 1) {
    const report = { atMs: second * 1_000, loss: 0, estimateBps: undefined, sentBps: course.stream === 'main' ? 3e6 : 3e5 };
    const judged = judgeReport(course, { ...report, ...line(second, course.stream) });
    course = judged.course;
    if (judged.wanted === course.stream) continue;
    course = courseChanged(course, judged.wanted, report.atMs);
    changes.push({ at: second, to: judged.wanted });
  }
  return { course, changes };
}

test('a good line: up after three seconds, and it stays up', () => {
  assert.equal(drive(beginCourse('sub', 0), 600, () => ({ loss: 0.01 })).changes, [{ at: 4, to: 'main' }]);
});

test('5 % of loss changes nothing, either way', () => {
  assert.equal(drive(beginCourse('main', 0), 600, () => ({ loss: 0.05 })).changes, []);
  assert.equal(drive(beginCourse('sub', 0), 600, () => ({ loss: 0.05 })).changes, []);
});

test('a full line: down within seconds by loss, sooner by much loss, or by the viewer’s estimate', () => {
  assert.equal(drive(beginCourse('main', 0), 20, () => ({ loss: 0.15 })).changes[0], { at: 4, to: 'sub' });
  const late = (loss: number) => drive(beginCourse('main', 0), 40, (second) => ({ loss: second > 20 ? loss : 0 })).changes[0]?.at;
  assert.equal([late(0.15), late(0.4)], [24, 22]);
  assert.equal(drive(beginCourse('main', 0), 20, () => ({ estimateBps: 1e6 })).changes[0], { at: 4, to: 'sub' });
});

test('a line that carries only the small stream is tried more and more rarely: never a swing', () => {
  const { changes } = drive(beginCourse('sub', 0), 3_600, (_, stream) => ({ loss: stream === 'main' ? 0.2 : 0 }));
  const ups = changes.filter((change) => change.to === 'main').map((change) => change.at);
  assert.ok(ups.length <= 10, `${ups.length} attempts in an hour`);
  const waits = ups.slice(1).map((at, index) => at - (ups[index] ?? 0));
  assert.ok(
    waits.every((wait, index) => index === 0 || wait >= (waits[index - 1] ?? 0)),
    waits.join(),
  );
});

test('who held the large stream for minutes may be back soon after a bad moment', () => {
  const { changes } = drive(beginCourse('main', 0), 400, (second) => ({ loss: second > 200 && second < 206 ? 0.3 : 0 }));
  assert.equal(
    changes.map((change) => change.to),
    ['sub', 'main'],
  );
  assert.ok((changes[1]?.at ?? 0) - (changes[0]?.at ?? 0) <= 26);
});

test('a pause in the reports is neither good nor bad', () => {
  let course = beginCourse('sub', 0);
  for (const atMs of [1_000, 30_000, 60_000, 90_000]) {
    const judged = judgeReport(course, { atMs, loss: 0, estimateBps: undefined, sentBps: 3e5 });
    assert.is(judged.wanted, 'sub');
    course = judged.course;
  }
});

test('a stream that cannot be opened is tried later and later', () => {
  let course = beginCourse('sub', 0);
  for (let failure = 0; failure < 10; failure += 1) course = courseFailed(course, 0);
  assert.is(course.upAfterMs, 600_000);
});

test('whatever the line does, changes are seconds apart and rises are few', () => {
  const line = fc.array(
    fc.record({ loss: fc.double({ min: 0, max: 1, noNaN: true }), estimateBps: fc.option(fc.nat(5e6), { nil: undefined }) }),
    {
      minLength: 50,
      maxLength: 600,
    },
  );
  fc.assert(
    fc.property(line, (reports) => {
      const { changes } = drive(beginCourse('sub', 0), reports.length, (second) => reports[second - 1] ?? {});
      const ups = changes.filter((change) => change.to === 'main');
      assert.ok(ups.length <= 2 + reports.length / 20, `${ups.length} rises in ${reports.length} s`);
      for (const [index, change] of changes.entries())
        if (index > 0) assert.ok(change.at - (changes[index - 1]?.at ?? 0) >= (change.to === 'sub' ? 4 : 20), JSON.stringify(changes));
    }),
    { numRuns: 200 },
  );
});

test.run();
