import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError } from '../../../../drivers/port.js';
import { type PathFacts, Pattern } from '../../../../drivers/segments/pattern.js';

function read(pattern: Pattern, path: string): PathFacts | undefined {
  return path.split('/').reduce<PathFacts | undefined>((facts, name, level) => facts && pattern.match(level, name, facts), {});
}

const timeOf = (text: string, zone: string, path: string): string | undefined => {
  const pattern = new Pattern(text, zone);
  const facts = read(pattern, path);
  return facts && `${facts.camera ?? '-'} ${new Date(pattern.startMs(facts)).toISOString()}`;
};

test('the layouts of recorders, Frigate and ffmpeg', () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['{camera}/%Y-%m-%d/%H/%M.%S.mp4', 'UTC', 'yard/2026-11-24/19/45.30.mp4', 'yard 2026-11-24T19:45:30.000Z'],
    ['%Y-%m-%d/%H/{camera}/%M.%S.mp4', 'UTC', '2026-11-24/19/front.door/45.30.mp4', 'front.door 2026-11-24T19:45:30.000Z'],
    ['{camera}-%s.ts', 'UTC', 'yard-1764000000.ts', 'yard 2025-11-24T16:00:00.000Z'],
    ['{camera}_%Y%m%d_%H%M%S*.mp4', 'UTC', 'a_b_20261124_194530_motion.mp4', 'a_b 2026-11-24T19:45:30.000Z'],
    ['%Y/%m/%d/%H-%M-%S.mp4', 'Europe/Berlin', '2026/07/01/12-00-00.mp4', '- 2026-07-01T10:00:00.000Z'],
    ['%Y/%m/%d/%H-%M-%S.mp4', 'Europe/Berlin', '2026/01/01/00-00-00.mp4', '- 2025-12-31T23:00:00.000Z'],
    ['%Y/%m/%d/%H-%M-%S.mp4', 'Asia/Kolkata', '2026/01/01/00-00-00.mp4', '- 2025-12-31T18:30:00.000Z'],
    // The hour that comes twice is its first, the one that never comes is an hour later.
    ['%Y/%m/%d/%H-%M-%S.mp4', 'Europe/Berlin', '2026/10/25/02-30-00.mp4', '- 2026-10-25T00:30:00.000Z'],
    ['%Y/%m/%d/%H-%M-%S.mp4', 'Europe/Berlin', '2026/03/29/02-30-00.mp4', '- 2026-03-29T01:30:00.000Z'],
  ];
  for (const [text, zone, path, told] of cases) assert.is(timeOf(text, zone, path), told, path);
});

test('names that do not fit, lead elsewhere or contradict the path are no recordings', () => {
  const text = '{camera}/%Y-%m-%d/%H.%Y.mp4';
  for (const path of [
    '../2026-11-24/19.2026.mp4',
    'yard/2026-13-24/19.2026.mp4',
    'yard/2026-11-24/19.2025.mp4',
    '.x/2026-11-24/19.2026.mp4',
  ])
    assert.is(timeOf(text, 'UTC', path), undefined, path);
});

test('the latest instant of a folder bounds what is looked at again', () => {
  const pattern = new Pattern('{camera}/%Y-%m-%d/%H/%M.%S.mp4', 'UTC');
  const day = read(pattern, 'yard/2026-11-24') ?? {};
  const latest = pattern.latestMs(day);
  assert.ok(latest >= Date.parse('2026-11-25T00:00:00Z') && latest <= Date.parse('2026-11-25T03:00:00Z'));
  assert.is(pattern.latestMs({}), Number.POSITIVE_INFINITY);
});

test('a pattern that cannot be used is refused in words', () => {
  const zones: readonly (readonly [string, string])[] = [
    ['{camera}/../%Y%m%d.mp4', 'UTC'],
    ['{camera}//%Y%m%d.mp4', 'UTC'],
    ['{camera}/%Y.mp4', 'UTC'],
    ['{camera}/%Y%m%d%Q.mp4', 'UTC'],
    ['{camera}/%Y%m%d.avi', 'UTC'],
    ['%s.mp4', 'Mars/Olympus'],
    ['a/b/c/d/e/f/g/h/%s.mp4', 'UTC'],
  ];
  for (const [text, zone] of zones) {
    // '%s.mp4' in UTC would be fine: it is the zone that is wrong there.
    assert.throws(
      () => new Pattern(text, zone),
      (error: unknown) => error instanceof DriverError && error.code === 'footage.refused' && error.message.length > 40,
      text,
    );
  }
});

test.run();
