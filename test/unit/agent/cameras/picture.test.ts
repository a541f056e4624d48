import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { jpegSize } from '../../../../agent/cameras/picture.js';
import { takePicture } from '../../../../agent/cameras/take-picture.js';
import { PICTURE_BYTES } from '../../../../agent/contract/snapshot.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { type CameraSnapshot, DriverError } from '../../../../drivers/port.js';

const it = suite('picture');
const { signal } = new AbortController();

/** SOI, APP0, a table, a fill byte, and the header of a frame of 640 x 360 (ITU-T T.81, B.2.2). */
const HEAD = Uint8Array.from([
  ...[0xff, 0xd8, 0xff, 0xe0, 0, 6, 1, 2, 3, 4, 0xff, 0xc4, 0, 4, 9, 9, 0xff],
  ...[0xff, 0xc2, 0, 17, 8, 1, 104, 2, 128, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1],
]);

const sized = (bytes: Uint8Array, at: number, value: number): Uint8Array => bytes.map((byte, index) => (index === at ? value : byte));

async function codeOf(snapshot: (() => Promise<CameraSnapshot>) | undefined): Promise<string> {
  try {
    await takePicture(snapshot === undefined ? {} : { snapshot }, 'sub', { signal });
    return 'taken';
  } catch (error) {
    return error instanceof AgentError || error instanceof DriverError ? error.code : 'other';
  }
}

it('the size is that of the frame header, progressive ones and fill bytes included', () => {
  assert.equal(jpegSize(HEAD), { width: 640, height: 360 });
});

it('cut off anywhere, or with any byte changed, it is judged without an error', () => {
  for (let end = 0; end < 26; end += 1) assert.is(jpegSize(HEAD.subarray(0, end)), undefined, `cut at ${end}`);
  for (let at = 0; at < HEAD.length; at += 1) for (const value of [0, 0xff, 0xd8, 0xd9, 0xda]) jpegSize(sized(HEAD, at, value));
  assert.is(jpegSize(new Uint8Array(70_000).fill(0xff)), undefined, 'nothing but fill bytes');
});

it('only a JPEG within its limits is passed on; what a camera cannot do says nothing of the camera', async () => {
  const answer =
    (bytes: Uint8Array, mediaType = 'image/jpeg') =>
    () =>
      Promise.resolve({ bytes, mediaType });
  const large = new Uint8Array(PICTURE_BYTES + 1);
  large.set(HEAD);
  const fails =
    (code: DriverError['code'], detail = {}) =>
    () =>
      Promise.reject(new DriverError(code, 'x', { detail }));
  const cases: readonly (readonly [string, (() => Promise<CameraSnapshot>) | undefined, string])[] = [
    ['a picture', answer(HEAD), 'taken'],
    ['a picture with a wrong name', answer(HEAD, 'text/plain'), 'taken'],
    ['an SVG', answer(new TextEncoder().encode('<svg onload="x()"/>'), 'image/svg+xml'), 'cameras.no_picture'],
    ['one byte too many', answer(large), 'cameras.picture_too_large'],
    ['a small file that claims 33000 pixels', answer(sized(HEAD, 24, 0x81)), 'cameras.picture_too_large'],
    ['no stills', undefined, 'cameras.no_picture'],
    ['none on this camera', fails('camera.unsupported'), 'cameras.no_picture'],
    ['cut off at the limit', fails('camera.bad_answer', { limitBytes: PICTURE_BYTES }), 'cameras.picture_too_large'],
    ['HTML', fails('camera.bad_answer'), 'cameras.no_picture'],
    ['a camera that is gone', fails('camera.unreachable'), 'camera.unreachable'],
    ['a refused password', fails('camera.unauthorized'), 'camera.unauthorized'],
  ];
  for (const [name, snapshot, code] of cases) assert.is(await codeOf(snapshot), code, name);
});

it.run();
