import { type CameraEvent, type CameraStream, DriverError, type DriverErrorCode } from '../../drivers/port.js';
import type { TestStep } from '../contract/camera-views.js';
import { duration } from './durations.js';
import { explain, type ReasonContext } from './reasons.js';

/** What a test says of each step, for whoever stands at the camera. Pure. */

/** A line without its name and time. */
export type Said = Pick<TestStep, 'result' | 'say'> & Partial<Pick<TestStep, 'code' | 'fix'>>;

/** A clock that is further off than this makes recordings and logs disagree, and some cameras refuse the login for it. */
const CLOCK_LIMIT_MS = 5_000;

/** A step that did not work, in the words for a camera as a whole. */
export function failed(error: unknown, context: ReasonContext): Said {
  const { code, say, fix } = explain(error, context);
  return { result: 'failed', code, say, fix };
}

type Told = { readonly code: string; readonly say: string; readonly fix: string };
type Words = Readonly<Partial<Record<DriverErrorCode, (error: DriverError, context: ReasonContext) => Told>>>;

/** The camera itself answered a moment before: what fails now is about its stream alone. */
const STREAM_WORDS: Words = {
  'camera.unreachable': () => ({
    code: 'cameras.stream_unreachable',
    say: 'The camera answers, but nothing takes the connection at its stream address (RTSP).',
    fix: "Switch RTSP on, on the camera's own page, and see that its RTSP port (usually 554) is open between camera and recorder.",
  }),
  'camera.timeout': () => ({
    code: 'cameras.stream_slow',
    say: 'The camera answers, but its stream does not begin in time.',
    fix: 'See how many others watch this camera, and restart it.',
  }),
  'camera.unauthorized': (_error, { login }) => ({
    code: 'cameras.stream_login',
    say: `The stream refuses ${login === undefined ? 'to play without a login' : `the login of user ${login.user}, which the camera itself accepts`}.`,
    fix: "Some cameras keep users for ONVIF and for video apart: make the same user with the same password for video, on the camera's own page.",
  }),
  'camera.bad_answer': () => ({
    code: 'cameras.stream_broken',
    say: 'What answers at its stream address cannot be understood (RTSP).',
    fix: "Check the RTSP port on the camera's own page; restart the camera, and update its firmware if it stays so.",
  }),
  'camera.unsupported': (error) => ({
    code: 'cameras.stream_refused',
    say: `The camera does not play its main stream (${error.message}).`,
    fix: "Check on the camera's own page that its main stream is switched on, and how many others watch it.",
  }),
  'stream.unsupported': (error) => ({
    code: 'cameras.stream_unsupported',
    say: `Its stream plays in a way that is not understood here (${error.message}).`,
    fix: "Set the encoder to H.264 on the camera's own page.",
  }),
  'stream.ended': () => ({
    code: 'cameras.stream_ended',
    say: 'The camera ended its stream at once.',
    fix: 'See how many others watch this camera; it may take no more of them.',
  }),
};

/** Why the stream did not play. */
export function streamFailed(error: unknown, context: ReasonContext): Said {
  const words = error instanceof DriverError ? STREAM_WORDS[error.code]?.(error, context) : undefined;
  return words === undefined ? failed(error, context) : { result: 'failed', ...words };
}

/** Why events are not heard. */
export function eventsFailed(error: unknown, context: ReasonContext): Said {
  const isRefused = error instanceof DriverError && ['camera.refused', 'camera.unsupported'].includes(error.code);
  if (!isRefused) return failed(error, context);
  return {
    result: 'failed',
    code: 'cameras.no_subscription',
    say: `The camera lets nobody listen to its events now (${error.message}).`,
    fix: 'Other recorders or programs may have taken all its places: end one of them, or restart the camera.',
  };
}

type Kind = CameraEvent['kind'];
const KIND_WORDS: Readonly<Record<Kind, string>> = {
  motion: 'motion',
  tamper: 'tampering',
  'video-loss': 'video loss',
  'hardware-failure': 'faults of its hardware',
  'digital-input': 'inputs',
  relay: 'relays',
};

/** What it tells of by itself; `kinds` undefined: it does not say what. */
export function aboutEvents(kinds: readonly Kind[] | undefined): Said {
  if (kinds === undefined) return { result: 'ok', say: 'Can be listened to; it does not say what it tells of.' };
  const known = (Object.keys(KIND_WORDS) as Kind[]).filter((kind) => kinds.includes(kind)).map((kind) => KIND_WORDS[kind]);
  const list = known.length < 2 ? known.join('') : `${known.slice(0, -1).join(', ')} and ${known.at(-1)}`;
  if (kinds.includes('motion')) return { result: 'ok', say: `Tells of ${list} by itself.` };
  return {
    result: 'warning',
    code: 'cameras.no_motion_events',
    say: `It can be listened to, but does not tell of motion${list === '' ? '' : `, only of ${list}`}.`,
    fix: "Switch motion detection on, on the camera's own page, if motion is to be known here.",
  };
}

/** It has no event service. */
export const NO_EVENTS: Said = {
  result: 'absent',
  code: 'cameras.no_events',
  say: 'Tells nothing by itself: motion, tampering and video loss are not known here.',
  fix: "If it should, switch events of ONVIF on, on the camera's own page, or update its firmware.",
};

/** The stream was opened and stayed silent. */
export const NO_PACKETS: Said = {
  result: 'failed',
  code: 'cameras.no_packets',
  say: 'The stream was opened, but no picture data came.',
  fix: "Check the encoder on the camera's own page, and how many others watch this camera.",
};
/** It plays, but not from any beginning within `waitedMs`. */
export const noKeyframe = (waitedMs: number): Said => ({
  result: 'failed',
  code: 'cameras.no_keyframe',
  say: `The stream plays, but no whole picture came within ${waitedMs / 1000} s.`,
  fix: "Set a shorter interval between whole pictures (GOP, I-frame interval) on the camera's own page: one to two seconds.",
});

/** A step that was not done because of one before it, or because there is nothing to do. */
export function untried(step: TestStep['step'], isWired: boolean): TestStep {
  const wired = isWired && ['clock', 'profiles', 'stream', 'keyframe'].includes(step);
  const say = wired ? 'It is connected by wire.' : 'Not tried, because of what failed before.';
  return { step, result: wired ? 'absent' : 'skipped', code: null, say, fix: '', tookMs: 0 };
}

/** The camera's clock, `offsetMs` ahead of ours. */
export function aboutClock(offsetMs: number): Said {
  const offMs = Math.abs(offsetMs);
  if (offMs <= CLOCK_LIMIT_MS) return { result: 'ok', say: `Its clock agrees with the recorder's to ${duration(offMs)}.` };
  return {
    result: 'warning',
    code: 'cameras.clock_off',
    say: `Its clock is ${duration(offMs)} ${offsetMs > 0 ? 'ahead of' : 'behind'} the recorder's. Sightline allows for it; others may not.`,
    fix: "Set time and time zone on the camera's own page, best by a time server (NTP).",
  };
}

/** What it has to show. */
export function aboutStreams(streams: readonly CameraStream[]): Said {
  if (streams.length === 0) {
    return {
      result: 'failed',
      code: 'cameras.no_profiles',
      say: 'It has no profile with a picture.',
      fix: "Make a media profile with a video encoder on the camera's own page.",
    };
  }
  const list = streams.map(({ kind, video }) => `${kind} ${video.width}x${video.height} ${video.codec} ${video.frameRate}/s`).join(', ');
  const main = streams[0];
  if (main?.video.codec === 'H264') return { result: 'ok', say: `${list}.` };
  return {
    result: 'warning',
    code: 'cameras.other_codec',
    say: `${list}. Not every browser shows ${main?.video.codec}.`,
    fix: "Set the encoder to H.264 on the camera's own page if pictures stay black.",
  };
}
